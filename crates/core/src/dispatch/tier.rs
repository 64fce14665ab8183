//! The seam that every tier stands behind.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::event::{RunEvent, Sink};
use super::request::Request;
use super::routing::Cause;
use crate::error::{Code, Error, Result};
use crate::id::HostId;
use crate::usage::{Tokens, Used};

/// How much of an answer is kept, in bytes. All of it is shown; the longest that a model gives
/// (300,000 tokens) is less than half of this.
pub const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// An answer that outgrows this gets all the room at once: room that is not used costs nothing,
/// while doubling again and again leaves holes as large as the answer.
const ANSWER_USUAL: usize = 64 * 1024;

/// A future that a trait object can return.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A way for a prompt to reach a model.
pub trait Tier: Send + Sync {
    /// Carries the request to its end, and notes in `seen` what comes, as it comes: that is what
    /// is booked, however the run ends. Returns as soon as `cancel` asks, with
    /// [`Code::Cancelled`].
    ///
    /// # Errors
    /// Why the answer is not complete.
    fn run<'a>(
        &'a self,
        request: &'a Request,
        seen: &'a mut Seen,
        sink: &'a Sink,
        cancel: &'a CancellationToken,
    ) -> Running<'a>;
}

/// What has been seen of a run so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// The answer's text, up to [`ANSWER_MAX`] bytes.
    pub answer: String,
    /// How many bytes of text and thinking came, kept or not.
    pub output_bytes: u64,
    /// What the server reported.
    pub used: Used,
    /// What earlier attempts used, whose answer is not the one that counts; only those that may be billed.
    pub earlier: Vec<Earlier>,
    /// The model that answers.
    pub model: Option<String>,
    /// Why the model stopped, in the API's word.
    pub stop_reason: Option<String>,
    /// What the server adds to that.
    pub stop_detail: Option<String>,
    /// The server's name for the request.
    pub request_id: Option<String>,
    /// From the start to the first piece of text or thinking.
    pub first_token: Option<Duration>,
    /// How often the request was sent.
    pub attempts: u32,
    /// A request is out, or was, of which nobody knows whether it was carried out.
    pub may_have_run: bool,
    /// What the server or the CLI said of the credential that it was given.
    pub proof: Option<String>,
    /// The host of the farm that has it, with its name.
    pub host: Option<(HostId, String)>,
    /// Usage beyond a plan was charged for.
    pub is_extra: bool,
    /// Somebody else is billed than the route says; nobody knows who.
    pub is_stray: bool,
    /// Why it ended early, where another way may be taken for that.
    pub cause: Option<Cause>,
    /// A piece did not fit; what follows it must not be kept without it.
    is_full: bool,
}

/// What was used by an attempt that came to nothing before another one was made: it is billed as well. Each is
/// kept by itself, because what a request costs depends on how long its prompt is.
#[derive(Debug)]
pub struct Earlier {
    /// What it reported, which is not certain to be its whole; `None` where it may have been carried out and
    /// reported nothing.
    pub used: Option<Used>,
    /// The model that answered it.
    pub model: Option<String>,
}

impl Seen {
    /// Puts aside what was used so far, because the prompt is handed over once more.
    pub(super) fn begin_anew(&mut self) {
        let used = std::mem::take(&mut self.used);
        if !std::mem::take(&mut self.may_have_run) && !used.is_reported {
            return;
        }
        self.earlier.push(Earlier {
            used: used.is_reported.then_some(used),
            model: self.model.clone(),
        });
    }

    /// Returns what has been reported so far, by all attempts.
    pub(super) fn reported(&self) -> Tokens {
        let earlier = self.earlier.iter().filter_map(|one| one.used.as_ref());
        earlier.fold(self.used.tokens, |sum, used| {
            sum.checked_add(&used.tokens).unwrap_or(sum)
        })
    }

    /// Tells whether a part of the answer, or of what the model thinks, has been shown.
    pub(super) fn has_shown(&self) -> bool {
        self.output_bytes > 0 || !self.answer.is_empty()
    }

    /// Puts `text` in the place of the answer so far.
    pub(super) fn replace(&mut self, text: &str) {
        self.answer.clear();
        self.is_full = false;
        self.keep(text);
    }

    /// Keeps a piece of the answer, as far as there is room.
    pub(super) fn keep(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        let room = ANSWER_MAX.saturating_sub(self.answer.len());
        let end = text.floor_char_boundary(room.min(text.len()));
        let length = self.answer.len();
        if length + end > ANSWER_USUAL && self.answer.capacity() < ANSWER_MAX {
            self.answer.reserve_exact(ANSWER_MAX - length);
        }
        self.answer.push_str(&text[..end]);
        self.is_full = end < text.len();
    }
}

/// Sends an event.
///
/// # Errors
/// [`Code::Cancelled`] when nobody listens any more.
pub(super) async fn tell(sink: &Sink, event: RunEvent) -> Result<()> {
    sink.send(event).await.map_err(|_| {
        Error::new(
            Code::Cancelled,
            "Nobody was listening any more, so the run was ended.",
        )
    })
}

/// The error of a run that the user ended.
pub(super) fn cancelled() -> Error {
    Error::new(Code::Cancelled, "The run was cancelled.")
        .hint("What had been used until then is booked as an estimate.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_up_to_its_bound_and_nothing_after_a_gap() {
        let mut seen = Seen::default();
        let almost = "x".repeat(ANSWER_MAX - 2);
        seen.keep(&almost);
        seen.keep("世");
        seen.keep("ab");
        assert_eq!(
            seen.answer.len(),
            ANSWER_MAX - 2,
            "no half character, and nothing after it"
        );
        assert_eq!(seen.answer, almost);
        let mut seen = Seen::default();
        seen.keep(&"y".repeat(ANSWER_MAX + 10));
        assert_eq!(seen.answer.len(), ANSWER_MAX);
    }
}
