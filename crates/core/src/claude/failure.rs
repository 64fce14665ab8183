//! Why a turn failed: what happened, what it means, what to do.

use std::time::Duration;

use super::limits::{Limits, Standing};
use super::lines::LINE_MAX;
use super::login::Expected;
use super::variables;
use super::wire::{Fault, Outcome};
use crate::clock::Millis;
use crate::error::{Code, Error};
use crate::secret::redact;
use crate::text::shown;

/// How much of the CLI's own words is repeated, in columns.
const SAID_MAX: usize = 300;

/// What stands behind a failed turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// There is no credit for what was asked.
    Credit,
    /// The plan's limit is reached.
    PlanLimit {
        /// When it begins anew, where that is known.
        resets_at: Option<Millis>,
    },
    /// The CLI has no login.
    NotLoggedIn,
    /// The server refused the login or token.
    LoginRefused,
    /// The account may not do this: on hold, not verified, or not let by its organisation.
    NotAllowed,
    /// The model does not exist, or not for this account.
    NoModel,
    /// Too many requests for now.
    RateLimited,
    /// The server has too much to do, or failed.
    Overloaded,
    /// The server refused the request as it is.
    BadRequest,
    /// The answer reached the longest length.
    TooLongAnswer,
    /// The server could not be reached, or the connection broke.
    Network,
    /// The server, or the CLI, did not answer in time.
    TimedOut,
    /// The CLI ended the turn by itself, without an answer.
    Aborted,
    /// The CLI answered by itself, and asked no model.
    Unasked,
    /// The CLI ended without the line that ends a turn.
    Died,
    /// The connection to the machine that it runs on was lost.
    Lost,
    /// The CLI wrote what can't be understood.
    Garbled,
    /// The CLI wrote a line that is longer than is read.
    TooLongLine,
    /// The program was updated or replaced while it waited.
    Stale,
    /// The CLI used another credential than it had named.
    WrongPayer,
    /// The user cancelled, or nobody listened any more.
    Cancelled,
    /// Anything else.
    Unknown,
}

/// Why a turn failed.
#[derive(Debug)]
pub struct Failed {
    /// What stands behind it.
    pub kind: Kind,
    /// What happened, what it means, what to do.
    pub error: Error,
    /// The request may have been carried out, and count against the plan, although no answer came.
    pub may_have_run: bool,
}

impl Failed {
    /// Words a failure on this side of the server.
    pub(super) fn own(kind: Kind, may_have_run: bool, message: String, hint: &str) -> Self {
        let code = match kind {
            Kind::Cancelled => Code::Cancelled,
            Kind::TimedOut => Code::Timeout,
            _ => Code::Failed,
        };
        Self {
            kind,
            error: Error::new(code, message).hint(hint),
            may_have_run,
        }
    }

    pub(super) fn cancelled(may_have_run: bool) -> Self {
        let message = "The run was cancelled.".to_owned();
        let hint = "What had been used until then counts against the plan.";
        Self::own(Kind::Cancelled, may_have_run, message, hint)
    }

    pub(super) fn died(how: &str, may_have_run: bool) -> Self {
        let message = format!("`claude` {how}, without an end to its answer.");
        Self::own(Kind::Died, may_have_run, message, RUN_IT)
    }

    pub(super) fn silent(limit: Duration) -> Self {
        let message = format!(
            "`claude` said nothing for {} s and was ended.",
            limit.as_secs_f32()
        );
        let hint = "Try again; what it was asked may be billed all the same.";
        Self::own(Kind::TimedOut, true, message, hint)
    }

    pub(super) fn too_long(may_have_run: bool) -> Self {
        let message = format!(
            "`claude` wrote more than {} MB at once, and was ended.",
            LINE_MAX / 1024 / 1024
        );
        let hint = "Ask for a shorter answer. What had come before is kept.";
        Self::own(Kind::TooLongLine, may_have_run, message, hint)
    }

    pub(super) fn garbled(may_have_run: bool, what: &str) -> Self {
        let message = format!("`claude` {what}, and was ended.");
        Self::own(Kind::Garbled, may_have_run, message, RUN_IT)
    }

    pub(super) fn stale(error: Error) -> Self {
        Self {
            kind: Kind::Stale,
            error,
            may_have_run: false,
        }
    }

    pub(super) fn unasked(said: &str) -> Self {
        let message = format!(
            "`claude` answered by itself and asked no model{}.",
            quoted(said)
        );
        Self::own(Kind::Unasked, false, message, RUN_IT)
    }
}

/// Holds the key that a turn begins with against what was expected; `None` where that is right, or is not said.
pub(super) fn stray(key_source: Option<&str>, expected: &Expected) -> Option<Failed> {
    let source = key_source?;
    let is_right = match expected {
        Expected::OwnLogin | Expected::Token { .. } => source == NO_KEY,
        Expected::Key => source == variables::API_KEY,
        Expected::KeyOfHost => source != NO_KEY,
    };
    if is_right {
        return None;
    }
    let message = match source {
        NO_KEY => {
            "`claude` used no API key, and so bills somebody else than it had said.".to_owned()
        }
        source => format!(
            "`claude` used an API key ({}), and so bills somebody else than it had said.",
            shown(source, SAID_MAX)
        ),
    };
    let message =
        format!("{message} It was ended at once; what it may have used is booked in dollars.");
    let hint = "Settings that your organisation manages may have changed just now. Look at who pays, and send again.";
    Some(Failed {
        kind: Kind::WrongPayer,
        error: Error::new(Code::WrongPayer, message).hint(hint),
        may_have_run: true,
    })
}

/// How the CLI says that it uses no API key.
const NO_KEY: &str = "none";

const RUN_IT: &str = "Run `claude` in a terminal and see whether it works there; `claude update` \
                      brings the newest version.";

/// What a verdict is made from.
pub(super) struct Told<'a> {
    pub(super) outcome: &'a Outcome,
    /// What the line before the result said of the error.
    pub(super) fault: Option<&'a Fault>,
    pub(super) limits: Option<&'a Limits>,
    pub(super) expected: &'a Expected,
    /// An answer had begun.
    pub(super) has_begun: bool,
}

/// Judges a result that is not a success. The CLI's own word for the error decides, then the status;
/// texts are matched only where it gives nothing else (seen with CLI 2.1.330).
pub(super) fn judge(told: &Told<'_>) -> Failed {
    let outcome = told.outcome;
    let said = match &outcome.result {
        Some(text) => text.clone(),
        None => outcome.errors.join(" "),
    };
    let kind = kind(told, &said);
    let (code, meaning, hint) = words(kind, told.expected);
    let may_have_run = told.has_begun
        || matches!(
            kind,
            Kind::TooLongAnswer | Kind::Network | Kind::TimedOut | Kind::Aborted | Kind::Unknown
        );
    Failed {
        kind,
        error: Error::new(code, format!("{meaning}{}", in_brackets(&said))).hint(hint),
        may_have_run,
    }
}

fn kind(told: &Told<'_>, said: &str) -> Kind {
    let outcome = told.outcome;
    let either = |field: fn(&Fault) -> Option<&str>| {
        told.fault.and_then(field).or_else(|| field(&outcome.fault))
    };
    let word = either(|fault| fault.error.as_deref());
    let api_error = either(|fault| fault.api_error.as_deref());
    let api_type = either(|fault| fault.api_error_type.as_deref());
    let status = told.fault.and_then(|fault| fault.api_error_status);
    let status = status.or(outcome.fault.api_error_status);
    let is_rejected = told
        .limits
        .is_some_and(|limits| limits.standing == Standing::Rejected);
    match (api_error, word) {
        (Some("usage_limit_reached"), _) => return plan_limit(told.limits),
        (Some("connection_failed"), _) => return Kind::Network,
        (_, Some("rate_limit")) if is_rejected => return plan_limit(told.limits),
        (_, Some("rate_limit")) => return Kind::RateLimited,
        (_, Some("billing_error")) => return Kind::Credit,
        (_, Some("authentication_failed")) => {
            return match status {
                None => Kind::NotLoggedIn,
                Some(403) => Kind::NotAllowed,
                Some(_) => Kind::LoginRefused,
            };
        }
        (_, Some("oauth_org_not_allowed" | "account_on_hold" | "verification_required")) => {
            return Kind::NotAllowed;
        }
        (_, Some("model_not_found")) => return Kind::NoModel,
        (_, Some("overloaded" | "server_error")) => return Kind::Overloaded,
        (_, Some("invalid_request")) => return Kind::BadRequest,
        (_, Some("max_output_tokens")) => return Kind::TooLongAnswer,
        _ => {}
    }
    match status {
        Some(401) => Kind::LoginRefused,
        Some(403) => Kind::NotAllowed,
        Some(404) => Kind::NoModel,
        Some(429) if is_rejected => plan_limit(told.limits),
        Some(429) => Kind::RateLimited,
        Some(500..) => Kind::Overloaded,
        Some(400..=499) => Kind::BadRequest,
        _ if api_type == Some("overloaded_error") => Kind::Overloaded,
        _ if said.starts_with("Request timed out") => Kind::TimedOut,
        _ if outcome
            .terminal_reason
            .as_deref()
            .is_some_and(|reason| reason.starts_with("aborted")) =>
        {
            Kind::Aborted
        }
        _ => Kind::Unknown,
    }
}

fn plan_limit(limits: Option<&Limits>) -> Kind {
    Kind::PlanLimit {
        resets_at: limits.and_then(|limits| limits.resets_at),
    }
}

fn words(kind: Kind, expected: &Expected) -> (Code, &'static str, String) {
    let log_in = match expected {
        Expected::OwnLogin => "Log in anew: `claude auth login`.".to_owned(),
        Expected::Token { variable } => {
            format!("Make a new token with `claude setup-token` and put it in {variable}.")
        }
        Expected::Key => "Check the key, and choose another one if it is gone.".to_owned(),
        Expected::KeyOfHost => "Give the host another key, or send it one of yours.".to_owned(),
    };
    let (code, meaning, hint) = match kind {
        Kind::NotLoggedIn => return (Code::KeyRefused, "`claude` is not logged in.", log_in),
        Kind::LoginRefused => {
            let meaning = "The server refused the login: it has expired or was revoked.";
            return (Code::KeyRefused, meaning, log_in);
        }
        Kind::Credit => (
            Code::Refused,
            "There is no credit left for what was asked.",
            "Look at https://claude.ai/settings/usage, wait for the plan's next window, or send \
             through another tier.",
        ),
        Kind::PlanLimit { .. } => (
            Code::Busy,
            "A limit of the plan is reached.",
            "Wait until it resets, or send through another tier.",
        ),
        Kind::NotAllowed => (
            Code::KeyRefused,
            "This account is not allowed to do that.",
            "See at https://claude.ai what it asks for, or ask the organisation's admin.",
        ),
        Kind::NoModel => (
            Code::Refused,
            "The model does not exist, or not for this account.",
            "Choose a model that the plan includes.",
        ),
        Kind::RateLimited => (
            Code::Busy,
            "Too many requests for this account at the moment.",
            "Try again in a minute, or send through another tier.",
        ),
        Kind::Overloaded => (
            Code::Busy,
            "The server is overloaded or failed.",
            "Try again in a minute; if it stays so, look at https://status.claude.com.",
        ),
        Kind::BadRequest => (
            Code::Refused,
            "The server refused the request.",
            "Change the request as the server's text says.",
        ),
        Kind::TooLongAnswer => (
            Code::Refused,
            "The answer reached the longest length.",
            "Ask for less at once.",
        ),
        Kind::Network => (
            Code::Network,
            "`claude` could not reach the server, or lost it.",
            "Check the network. `claude` is started without the proxy that your shell may set.",
        ),
        Kind::TimedOut => (
            Code::Timeout,
            "The server did not answer `claude` in time.",
            "Try again, or make the prompt shorter.",
        ),
        Kind::Aborted => (
            Code::Failed,
            "`claude` stopped before the answer was complete.",
            "Try again.",
        ),
        _ => (Code::Failed, "`claude` gave no answer.", RUN_IT),
    };
    (code, meaning, hint.to_owned())
}

/// Makes the CLI's words fit to be shown: without credentials, on one line, bounded.
fn fit(said: &str) -> String {
    let words = redact(said)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    shown(&words, SAID_MAX)
}

fn in_brackets(said: &str) -> String {
    let said = fit(said);
    if said.is_empty() {
        return String::new();
    }
    format!(" (`claude`: {said})")
}

/// Returns `: …` with what somebody said, or nothing where that is empty.
pub(super) fn quoted(said: &str) -> String {
    let said = fit(said);
    if said.is_empty() {
        return String::new();
    }
    format!(": {said}")
}

/// Says in words why the CLI waits before it asks the server again.
pub(super) fn waits_for(error: Option<&str>, status: Option<u16>) -> &'static str {
    match (error, status) {
        (Some("overloaded"), _) | (_, Some(529)) => "the server is overloaded",
        (Some("rate_limit"), _) | (_, Some(429)) => "too many requests at the moment",
        (Some("authentication_failed"), _) | (_, Some(401)) => "the login was refused",
        (_, Some(500..)) => "the server failed",
        _ => "the connection broke",
    }
}
