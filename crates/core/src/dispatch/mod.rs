//! From a prompt to an answer: route and payer, the tiers, retries, and the history of it all.
//!
//! [`preflight`] decides and shows who pays; [`run`] sends, streams and books.

mod attachment;
mod event;
mod metered;
mod request;
mod retry;
mod sse;
mod tier;
mod wire;

pub use attachment::{Attachment, IMAGE_MAX, Media, TEXT_MAX};
pub use event::{Amount, Failure, Receipt, RunEvent, Sink, State, channel};
pub use metered::Metered;
pub use request::{Effort, MAX_TOKENS, Request, Thinking, Turn};
pub use retry::{RETRIES, RetryState, WAIT_MAX, Wait};
pub use tier::{ANSWER_MAX, Seen, Tier};
pub use wire::Used;
