//! From a prompt to an answer: route and payer, the tiers, retries, and the history of it all.
//!
//! [`Dispatch::preflight`] decides and shows who pays; [`Dispatch::run`] sends, streams and books.

mod as_text;
mod attachment;
mod auto;
mod booking;
mod by_farm;
mod by_plan;
mod check;
mod draft;
mod event;
mod farm;
mod history;
mod inflight;
mod kept;
mod lines;
mod metered;
mod models;
mod onward;
mod payer;
mod reaching;
mod recovery;
mod request;
mod retry;
mod route;
pub mod routing;
mod run;
mod runs;
mod shown;
mod sse;
mod stopped;
mod subscription;
mod tier;
mod told;
mod unbooked;
mod ways;
mod wire;

pub use crate::usage::Used;
pub use attachment::{Attachment, IMAGE_MAX, Media, TEXT_MAX};
pub use auto::{Auto, FallbackWay};
pub use by_farm::{FarmAsk, FarmHost, FarmRoute};
pub use by_plan::PlanRoute;
pub use event::{Amount, Books, Instead, Receipt, RunEvent, Sink, State, channel};
pub use history::{Details, Summary, forget, list, prune};
pub use inflight::{Flight, InFlight};
pub use kept::KEEP_DAYS;
pub use lines::{Identity, Line, LineKey, LineState};
pub use metered::Metered;
pub use models::{MODEL, Models, UnknownModel, keep_models, models, usual_model_doubt};
pub use recovery::{Recovered, recover};
pub use request::{ATTACHMENTS_MAX, Effort, MAX_TOKENS, REQUEST_MAX, Request, Thinking, Turn};
pub use retry::{RETRIES, RetryState, WAIT_MAX, Wait};
pub use route::{Ask, Class, PayWith, Prepared, Route};
pub use run::{Dispatch, Outcome};
pub use shown::{ShownPayer, ShownPayers};
pub use tier::{ANSWER_MAX, Seen, Tier};
pub use ways::Way;

/// Turns a count into what a column holds.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Turns what a column holds into a count.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests;
