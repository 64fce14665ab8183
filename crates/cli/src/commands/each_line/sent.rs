//! One line on its way, and what it came to.

use serde_json::{Value, json};
use switchyard_core::dispatch::{
    ANSWER_MAX, Books, Dispatch, Outcome, Prepared, Receipt, RunEvent, channel,
};
use switchyard_core::{Code, Error, Failure, Result};
use tokio_util::sync::CancellationToken;

use super::file::PromptLine;

/// A line whose turn has come.
pub(super) struct Turn {
    /// Its place among the prompts of the file, from 0.
    pub(super) at: usize,
    pub(super) line: PromptLine,
}

/// One line that has been sent.
pub(super) struct Sent {
    pub(super) turn: Turn,
    pub(super) ended: Result<(Outcome, String)>,
    /// What remains of the ways that a fallback stood in for.
    pub(super) left: Vec<Receipt>,
}

impl Sent {
    /// Tells whether nothing was billed for it, on no way.
    pub(super) fn is_free(&self) -> bool {
        let last = self.ended.iter().map(|(outcome, _)| &outcome.receipt);
        // What could not be booked may be billed all the same.
        let is_free = |receipt: &Receipt| receipt.booked.is_none() && receipt.books == Books::Kept;
        self.left.iter().chain(last).all(is_free)
    }
}

/// Sends one line and gathers its answer.
pub(super) async fn send(
    dispatch: Dispatch,
    prepared: Prepared,
    turn: Turn,
    cancel: CancellationToken,
) -> Sent {
    let (sink, mut events) = channel();
    let mut left = Vec::new();
    let gather = async {
        let mut answer = String::new();
        while let Some(event) = events.recv().await {
            match event {
                RunEvent::Text { text } if answer.len() + text.len() <= ANSWER_MAX => {
                    answer.push_str(&text);
                }
                RunEvent::Replaced { text } => answer = text,
                RunEvent::Fallback { receipt, .. } => {
                    left.extend(receipt);
                }
                _ => {}
            }
        }
        answer
    };
    let (outcome, answer) = tokio::join!(dispatch.run(prepared, sink, cancel), gather);
    Sent {
        turn,
        ended: outcome.map(|outcome| (outcome, answer)),
        left,
    }
}

pub(super) fn result(number: u64, outcome: &Outcome, text: &str) -> Value {
    let receipt = &outcome.receipt;
    let booked = receipt.booked.as_ref();
    json!({
        "line": number, "run": receipt.run, "state": receipt.state, "text": text,
        "model": receipt.model, "payer_label": receipt.payer_label,
        "cost": booked.and_then(|booked| booked.cost), "basis": booked.map(|booked| booked.basis),
        "instead_of": receipt.instead_of, "is_resumed": false, "error": outcome.error.as_ref().map(Failure::from),
    })
}

/// Tells whether what ended one line would end every other.
pub(super) fn halts(code: Code) -> bool {
    matches!(
        code,
        Code::KeyRefused
            | Code::ConsentNeeded
            | Code::WrongPayer
            | Code::HostKey
            | Code::Locked
            | Code::StoreUnwritable
            | Code::StoreDamaged
    )
}

pub(super) fn unsure() -> Error {
    Error::failed(
        "An earlier run of this line was billed, or may have been, without a whole answer.",
    )
    .hint("It is not sent again by itself; --again sends it.")
}

/// Says of a line that it would be paid for otherwise than was said before the first was sent.
pub(super) fn not_as_said(number: u64, code: Code, why: &str) -> Error {
    Error::new(code, format!("Line {number}: {why}")).hint(
        "It was not sent. The same call again says who pays by now, and how much, and goes on with what is left.",
    )
}
