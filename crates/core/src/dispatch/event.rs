//! What a run tells while it goes on, and what remains of it.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::routing::Cause;
use crate::claude::Limits;
use crate::clock::Millis;
use crate::error::Failure;
use crate::id::{ConversationId, KeyId, RunId};
use crate::usage::{Basis, Nano, Payer, Tier, Tokens};
use crate::words::words;

/// How many events may wait for a slow reader; then the server is read no faster than the reader.
const WAITING_MAX: usize = 64;

/// Where a run's events go. When the other end is dropped, the run is cancelled: nobody would see
/// what is still being paid for.
pub type Sink = mpsc::Sender<RunEvent>;

/// Makes a [`Sink`] and its other end.
#[must_use]
pub fn channel() -> (Sink, mpsc::Receiver<RunEvent>) {
    mpsc::channel(WAITING_MAX)
}

/// One thing that happened in a run. The last one is `Finished` or `Failed`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum RunEvent {
    /// The run is in the store, and its request is about to leave.
    Started {
        /// The run.
        run: RunId,
        /// The conversation that it belongs to.
        conversation: ConversationId,
        /// The tier that it goes through.
        tier: Tier,
        /// The model that is asked.
        model: String,
        /// Who is billed, as people know them.
        #[serde(rename = "payer_label")]
        payer: String,
        /// The most that it can cost; absent where the price is unknown.
        at_most: Option<Nano>,
    },
    /// A host of the farm has taken the run.
    Placed {
        /// Its name.
        host: String,
    },
    /// A piece of the answer.
    Text {
        /// The piece.
        text: String,
    },
    /// A piece of what the model thinks first.
    Thinking {
        /// The piece.
        text: String,
    },
    /// All of the answer so far is void, and this stands in its place; it may be empty.
    Replaced {
        /// The answer.
        text: String,
    },
    /// How much of the plan is used.
    Limits {
        /// The plan's limits.
        limits: Limits,
    },
    /// The newest token counts; they are totals.
    Usage {
        /// The counts.
        tokens: Tokens,
    },
    /// The run waits before it tries again.
    Waiting {
        /// What for.
        why: String,
        /// Until when.
        until: Millis,
        /// The number of the attempt that follows.
        attempt: u32,
    },
    /// The run goes on another way, which the user has allowed beforehand: from here on somebody else
    /// pays. What follows begins with `Started`; nothing of an answer had been shown.
    Fallback {
        /// Why.
        cause: Cause,
        /// Who paid, or would have, as people know them.
        from: String,
        /// Who pays from here on.
        to: String,
        /// What went wrong.
        error: Failure,
        /// What remains of the run that ended; absent where none had begun.
        receipt: Option<Receipt>,
    },
    /// The answer is complete.
    Finished {
        /// What remains.
        receipt: Receipt,
    },
    /// The run ended early: it failed or was cancelled. What was shown before stays.
    Failed {
        /// Why.
        error: Failure,
        /// What remains.
        receipt: Receipt,
    },
}

words! {
    /// How a run stands.
    #[cfg_attr(feature = "wire", ts(rename = "RunState"))]
    State {
        /// Under way.
        Started = "started",
        /// Complete.
        Finished = "finished",
        /// Ended by an error.
        Failed = "failed",
        /// Ended by the user.
        Cancelled = "cancelled",
        /// Its process ended before it did.
        Lost = "lost",
    }
}

/// What a run stands in for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Instead {
    /// Why.
    pub cause: Cause,
    /// Who paid there, or would have, as people know them.
    #[serde(rename = "payer_label")]
    pub payer: String,
    /// The run that ended; `None` where none had begun.
    pub run: Option<RunId>,
}

/// What remains of a run: who paid what for it, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Receipt {
    /// The run.
    pub run: RunId,
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// How it ended.
    pub state: State,
    /// The tier that it went through.
    pub tier: Tier,
    /// The model that answered, or the one asked where none did.
    pub model: String,
    /// Who is billed.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "wire", ts(type = "string"))]
    pub payer: Payer,
    /// Who is billed, as people know them.
    pub payer_label: String,
    /// The stored key, where one paid.
    pub key: Option<KeyId>,
    /// The host of the farm that it went to, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "wire", ts(optional))]
    pub host: Option<String>,
    /// What is booked, now or later as `books` says; `None` where nothing was billed, or where it is
    /// lost.
    pub booked: Option<Amount>,
    /// Whether the run's end is in the store.
    pub books: Books,
    /// Why the model stopped, in the API's word.
    pub stop_reason: Option<String>,
    /// What that word means, where the answer is not simply complete.
    pub stop_note: Option<String>,
    /// The server's name for the request.
    pub request_id: Option<String>,
    /// What the server or the CLI said of the credential that it was given.
    pub proof: Option<String>,
    /// How often the request was sent.
    pub attempts: u32,
    /// From the start to the first piece of the answer, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// From the start to the end, in milliseconds.
    pub total_ms: u64,
    /// What it stands in for, where a fallback was taken.
    pub instead_of: Option<Instead>,
    /// Prompt and answer are kept, sealed; else they are nowhere once they have been shown.
    pub is_kept: bool,
}

words! {
    /// Where the end of a run went: see [`recover`](super::recover) for what the store did not take.
    Books {
        /// The store has it.
        Kept = "kept",
        /// The store could not be written. It is in a file, from which it is booked exactly as soon as
        /// the store can be written, by whichever process comes first.
        SetAside = "set_aside",
        /// Not even a file could be written. When the process has ended, the run is booked as an
        /// estimate of its prompt.
        Lost = "lost",
    }
}

/// What the ledger says of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Amount {
    /// The tokens.
    pub tokens: Tokens,
    /// The cost; `None` where the price is unknown.
    pub cost: Option<Nano>,
    /// What the figure rests on.
    pub basis: Basis,
    /// The date of the price table.
    pub priced_as_of: Option<String>,
}

fn as_text<S: serde::Serializer>(payer: &Payer, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(payer)
}

/// Says what a stop reason means, where the answer is not simply complete.
#[must_use]
pub(super) fn stop_note(reason: &str, detail: Option<&str>) -> Option<String> {
    let note = match reason {
        "end_turn" | "stop_sequence" => return None,
        "max_tokens" => "The answer reached the longest length that was asked for.",
        "model_context_window_exceeded" => "The conversation fills the model's context window.",
        "refusal" => "The model declined to answer.",
        "pause_turn" => "The model paused; reply to let it go on.",
        "tool_use" => "The model wanted to use a tool; there are none here.",
        _ => "The model stopped.",
    };
    Some(match detail {
        Some(detail) => format!("{note} {detail}"),
        None => note.to_owned(),
    })
}
