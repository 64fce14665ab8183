//! The words for each verdict: what happened, what it means, what to do.

use std::time::Duration;

use super::Kind;
use crate::error::{Code, Error};

const BILLING: &str = "https://platform.claude.com/settings/billing";
const LIMITS: &str = "https://platform.claude.com/settings/limits";
const KEYS: &str = "https://platform.claude.com/settings/keys";

/// What the words are made from.
pub(super) struct Told<'a> {
    pub(super) kind: Kind,
    pub(super) status: u16,
    /// The server's own text, already safe to show; may be empty.
    pub(super) said: &'a str,
    pub(super) host: &'a str,
    pub(super) after: Option<Duration>,
    pub(super) appeal: Option<String>,
}

/// Words a verdict.
pub(super) fn error(told: &Told<'_>) -> Error {
    let (code, meaning, hint) = words(told);
    let (host, status) = (told.host, told.status);
    let mut message = format!("{meaning} ({host}, HTTP {status}");
    if told.said.is_empty() {
        message.push(')');
    } else {
        message.push_str(": ");
        message.push_str(told.said);
        message.push(')');
    }
    Error::new(code, message).hint(hint)
}

fn words(told: &Told<'_>) -> (Code, &'static str, String) {
    let (code, meaning, hint) = match told.kind {
        Kind::NoCredit => (
            Code::Refused,
            "The prepaid credit of this key's organisation is used up. The key itself is fine.",
            format!("Buy credit at {BILLING}, or send with another key."),
        ),
        Kind::OwnSpendLimit => (
            Code::Refused,
            "The spend limit that the organisation or workspace set for itself is reached.",
            format!("Raise the limit at {LIMITS}, wait for its next period, or use another key."),
        ),
        Kind::OrganizationDisabled => (
            Code::KeyRefused,
            "The organisation that this key belongs to is disabled.",
            "Only Anthropic can enable it: write to support, or use a key of another organisation."
                .to_owned(),
        ),
        Kind::OrganizationOnHold => (
            Code::KeyRefused,
            "The organisation that this key belongs to is on hold.",
            told.appeal.as_ref().map_or_else(
                || "Write to Anthropic's support, or use a key of another organisation.".to_owned(),
                |url| format!("Appeal at {url}, or use a key of another organisation."),
            ),
        ),
        Kind::BadKey => (
            Code::KeyRefused,
            "The key was refused: it is wrong, or was revoked, deleted, set inactive or expired.",
            format!("Look it up at {KEYS}; make a new one there if needed and add that."),
        ),
        Kind::SubscriptionToken => (
            Code::KeyRefused,
            "This credential belongs to a subscription and can't pay for metered runs.",
            format!("Make an API key at {KEYS} and add that."),
        ),
        Kind::Billing => (
            Code::Refused,
            "There is a problem with the payment for this key's organisation.",
            format!("Put the payment method right at {BILLING}, or use another key."),
        ),
        Kind::EncryptionKey => (
            Code::Refused,
            "The organisation's own encryption key is switched off or out of reach, so nothing is served.",
            "Ask the organisation's admin; until then, use a key of another organisation."
                .to_owned(),
        ),
        Kind::NotAllowed => (
            Code::KeyRefused,
            "The key exists, but it is not allowed to do this.",
            "Ask the organisation's admin for a key of a workspace that may use this model."
                .to_owned(),
        ),
        Kind::RegionBlocked => (
            Code::Network,
            "This region or network is not let through. That says nothing about the key.",
            "Check VPN and proxy, or try from another network.".to_owned(),
        ),
        _ => return more_words(told),
    };
    (code, meaning, hint)
}

/// The rows that are about the request or the server and not about the key.
fn more_words(told: &Told<'_>) -> (Code, &'static str, String) {
    let (code, meaning, hint) = match told.kind {
        Kind::NoModel => (
            Code::Refused,
            "The server does not know this model, or the model is retired. The key works.",
            "Choose a model of the current list.",
        ),
        Kind::NotFound | Kind::NotTheApi => (
            Code::Refused,
            "The answer does not look like one of the Messages API.",
            "Check the key's base URL, and the proxy if there is one.",
        ),
        Kind::TooLarge => (
            Code::Refused,
            "The request is larger than the server takes (32 MB at most).",
            "Send fewer or smaller attachments.",
        ),
        Kind::TierCap => (
            Code::Refused,
            "The organisation has reached the monthly cap of its tier or contract; waiting a little does not help.",
            "Ask for a higher tier in the Console, wait for the next month, or use another key.",
        ),
        Kind::RateLimited => {
            let hint = told.after.map_or_else(
                || "Try again later, or use another key.".to_owned(),
                |wait| format!("Try again in {}, or use another key.", spoken(wait)),
            );
            let meaning = "Too many requests or tokens for this key at the moment.";
            return (Code::Busy, meaning, hint);
        }
        Kind::Conflict => (
            Code::Busy,
            "The request is in conflict with another one.",
            "Try again in a moment.",
        ),
        Kind::ServerTimeout => (
            Code::Timeout,
            "The server gave up before it had an answer.",
            "Try again, or make the prompt shorter.",
        ),
        Kind::Overloaded => (
            Code::Busy,
            "The server is overloaded or out of service. Nothing was billed for this attempt.",
            "Try again in a minute, or use another model.",
        ),
        Kind::ServerFault => (
            Code::Busy,
            "The server failed. Nothing was billed for this attempt.",
            "Try again in a minute; if it stays so, look at https://status.claude.com.",
        ),
        Kind::Redirected => (
            Code::Network,
            "The server wanted to send the request elsewhere. It wasn't followed, so that the key goes nowhere unknown.",
            "Check the key's base URL: it should name the last server of the chain.",
        ),
        _ => (
            Code::Refused,
            "The server refused the request.",
            "Change the request as the server's text says.",
        ),
    };
    (code, meaning, hint.to_owned())
}

/// Says a wait as people do: `8 s`, `3 min`, `2 h 5 min`.
pub(super) fn spoken(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, (seconds % 3600) / 60),
    }
}
