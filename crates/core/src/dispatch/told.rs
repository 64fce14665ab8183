//! What a `claude` tells while it answers, as a run tells it.

use tokio::time::Instant;

use super::event::{RunEvent, Sink};
use super::routing::Cause;
use super::tier::{Seen, tell};
use crate::claude::{Event, Kind, Turn};
use crate::clock::Clock;
use crate::error::Result;

/// Takes in one event and hands on what people see of it. How much of a plan is used is its tier's own.
///
/// # Errors
/// As [`tell`].
pub(super) async fn take(
    event: Event,
    (start, clock): (Instant, &Clock),
    seen: &mut Seen,
    sink: &Sink,
) -> Result<()> {
    let mut came = |text: &str| {
        seen.first_token.get_or_insert_with(|| start.elapsed());
        seen.output_bytes += text.len() as u64;
    };
    match event {
        Event::Model(model) => {
            seen.model = Some(model);
            Ok(())
        }
        Event::Text(text) => {
            came(&text);
            seen.keep(&text);
            tell(sink, RunEvent::Text { text }).await
        }
        Event::Thinking(text) => {
            came(&text);
            tell(sink, RunEvent::Thinking { text }).await
        }
        Event::Replaced(text) => {
            seen.replace(&text);
            tell(sink, RunEvent::Replaced { text }).await
        }
        Event::Usage(used) => {
            seen.used = used;
            let tokens = seen.reported();
            tell(sink, RunEvent::Usage { tokens }).await
        }
        Event::Waiting { delay, why, .. } => {
            // Counted on from those on other hosts. The CLI knows only of its own.
            seen.attempts += 1;
            let attempt = seen.attempts;
            let until = clock.now().plus(delay);
            let why = why.to_owned();
            let event = RunEvent::Waiting {
                why,
                until,
                attempt,
            };
            tell(sink, event).await
        }
        Event::Limits(_) => Ok(()),
    }
}

/// Takes in what remains of a turn.
///
/// # Errors
/// Why there is no complete answer.
pub(super) fn end(turn: Turn, seen: &mut Seen) -> Result<()> {
    seen.stop_reason = turn.stop_reason;
    seen.request_id = turn.request_id;
    seen.model = turn.model.or(seen.model.take());
    seen.used = turn.used;
    if let [(_, tokens)] = turn.by_model.as_slice() {
        // Attempts that broke count as well. They had the same prompt as the one that was reported last.
        let prompt = seen.used.tokens.prompt();
        seen.used.prompt_of_each = seen.used.is_reported.then_some(prompt);
        seen.used.tokens = *tokens;
        seen.used.is_reported = true;
    }
    match turn.failure {
        Some(failed) => {
            seen.may_have_run = failed.may_have_run;
            seen.is_stray = failed.kind == Kind::WrongPayer;
            seen.cause = cause(failed.kind);
            Err(failed.error)
        }
        None => Ok(()),
    }
}

/// Says for which reason another way may be taken, if for any.
fn cause(kind: Kind) -> Option<Cause> {
    match kind {
        Kind::PlanLimit { .. } => Some(Cause::PlanLimit),
        Kind::RateLimited => Some(Cause::RateLimited),
        Kind::Overloaded => Some(Cause::Overloaded),
        Kind::NotLoggedIn | Kind::LoginRefused => Some(Cause::Unavailable),
        _ => None,
    }
}
