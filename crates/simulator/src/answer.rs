//! A model's answer and what can go wrong between its events.

use std::time::Duration;

use bytes::Bytes;

use crate::reply::{Content, Reply};
use crate::usage::Usage;

/// An answer as a script describes it, before a request makes it concrete.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) text: Text,
    pub(crate) blocks: Vec<Block>,
    pub(crate) usage: Option<Usage>,
    pub(crate) usage_shape: UsageShape,
    pub(crate) stop: Stop,
    pub(crate) pace: Option<Duration>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) style: EventStyle,
    pub(crate) without_message_stop: bool,
}

/// Where the text comes from, and how it falls into deltas.
#[derive(Clone, Debug, Default)]
pub(crate) enum Text {
    #[default]
    Echo,
    Deltas(Vec<String>),
    /// One delta of so many bytes, in one line.
    Line(u64),
    /// So many bytes in deltas of [`crate::render::FLOOD_DELTA_BYTES`] bytes.
    Flood(u64),
}

/// A content block that stands before the text.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Thinking(String),
    RedactedThinking(String),
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// `None`: not scripted. `Some(None)`: `null`.
    pub(crate) reason: Option<Option<String>>,
    pub(crate) sequence: Option<String>,
    pub(crate) details: Option<serde_json::Value>,
}

/// What happens once `after` text deltas have been sent.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) after: usize,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Debug)]
pub(crate) enum FaultKind {
    Insert(Bytes),
    Stall,
    Error { kind: String, message: String },
    Cut,
}

/// How an event is written: every choice is legal in the SSE specification.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventStyle {
    pub(crate) crlf: bool,
    pub(crate) multiline: bool,
    pub(crate) comments: bool,
    pub(crate) unknown_events: bool,
}

/// Which of the forms that `usage` has had over the years is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageShape {
    /// Every field of today's API.
    #[default]
    Full,
    /// `message_delta` carries `output_tokens` alone, as in older versions.
    OutputOnly,
    /// Every field but `input_tokens` and `output_tokens` is `null`.
    Nulls,
}

/// Answers.
impl Reply {
    /// Returns a short answer made from the prompt, which says that it is simulated.
    #[must_use]
    pub fn echo() -> Self {
        Self::answer(Text::Echo)
    }

    /// Returns an answer with this text, one delta for each word.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::deltas(text.as_ref().split_inclusive(' '))
    }

    /// Returns an answer whose text arrives in exactly these deltas.
    #[must_use]
    pub fn deltas<S: Into<String>>(deltas: impl IntoIterator<Item = S>) -> Self {
        Self::answer(Text::Deltas(deltas.into_iter().map(Into::into).collect()))
    }

    /// Returns an answer of `count` short text deltas.
    #[must_use]
    pub fn events(count: usize) -> Self {
        Self::deltas((1..=count).map(|number| format!("word{number} ")))
    }

    /// Returns an answer whose one text delta is a single line of at least `bytes` bytes.
    ///
    /// The line is made while it is sent and is never whole in memory.
    #[must_use]
    pub fn line(bytes: u64) -> Self {
        Self::answer(Text::Line(bytes))
    }

    /// Returns an answer with `bytes` bytes of text (rounded up to whole deltas of 1 KiB).
    ///
    /// The stream is made while it is sent and needs no memory to speak of; `u64::MAX` is endless.
    #[must_use]
    pub fn flood(bytes: u64) -> Self {
        Self::answer(Text::Flood(bytes))
    }

    /// Waits this long before each text delta, on a fixed beat that does not drift.
    #[must_use]
    pub fn paced(self, every: Duration) -> Self {
        self.edit(|answer| answer.pace = (!every.is_zero()).then_some(every))
    }

    /// Puts a thinking block, with its signature, before the text.
    #[must_use]
    pub fn thinking(self, text: impl Into<String>) -> Self {
        self.edit(|answer| answer.blocks.push(Block::Thinking(text.into())))
    }

    /// Puts a redacted thinking block before the text.
    #[must_use]
    pub fn redacted_thinking(self, data: impl Into<String>) -> Self {
        self.edit(|answer| answer.blocks.push(Block::RedactedThinking(data.into())))
    }

    /// Puts a content block of a type that no client knows before the text.
    #[must_use]
    pub fn unknown_block(self) -> Self {
        self.edit(|answer| answer.blocks.push(Block::Unknown))
    }

    /// Sets the usage to report, in place of one computed from lengths.
    #[must_use]
    pub fn usage(self, usage: Usage) -> Self {
        self.edit(|answer| answer.usage = Some(usage))
    }

    /// Sets which form of the `usage` object is sent.
    #[must_use]
    pub fn usage_shape(self, shape: UsageShape) -> Self {
        self.edit(|answer| answer.usage_shape = shape)
    }

    /// Sets the stop reason, known or not.
    #[must_use]
    pub fn stop_reason(self, reason: impl Into<String>) -> Self {
        self.edit(|answer| answer.stop.reason = Some(Some(reason.into())))
    }

    /// Sends `null` as the stop reason to the very end.
    #[must_use]
    pub fn without_stop_reason(self) -> Self {
        self.edit(|answer| answer.stop.reason = Some(None))
    }

    /// Ends the answer with `stop_reason: stop_sequence` and this sequence.
    #[must_use]
    pub fn stop_sequence(self, sequence: impl Into<String>) -> Self {
        self.stop_reason("stop_sequence")
            .edit(|answer| answer.stop.sequence = Some(sequence.into()))
    }

    /// Ends the answer with `stop_reason: refusal` and its `stop_details`.
    #[must_use]
    pub fn refusal(self, category: Option<&str>, explanation: Option<&str>) -> Self {
        let details = serde_json::json!({
            "type": "refusal", "category": category, "explanation": explanation,
        });
        self.stop_reason("refusal")
            .edit(|answer| answer.stop.details = Some(details))
    }

    /// Sends an `error` event after `deltas` text deltas, and nothing more.
    #[must_use]
    pub fn error_after(
        self,
        deltas: usize,
        kind: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (kind, message) = (kind.into(), message.into());
        self.fault(deltas, FaultKind::Error { kind, message })
    }

    /// Cuts the connection after `deltas` text deltas.
    #[must_use]
    pub fn cut_after(self, deltas: usize) -> Self {
        self.fault(deltas, FaultKind::Cut)
    }

    /// Falls silent after `deltas` text deltas, until
    /// [`Simulator::release`](crate::Simulator::release).
    #[must_use]
    pub fn stall_after(self, deltas: usize) -> Self {
        self.fault(deltas, FaultKind::Stall)
    }

    /// Sends these bytes as they are after `deltas` text deltas, then goes on.
    #[must_use]
    pub fn insert_after(self, deltas: usize, bytes: impl Into<Bytes>) -> Self {
        self.fault(deltas, FaultKind::Insert(bytes.into()))
    }

    /// Sends an event of a type that no client knows after each known one.
    #[must_use]
    pub fn unknown_events(self) -> Self {
        self.edit(|answer| answer.style.unknown_events = true)
    }

    /// Writes a comment line into each event.
    #[must_use]
    pub fn comments(self) -> Self {
        self.edit(|answer| answer.style.comments = true)
    }

    /// Ends lines with CR LF.
    #[must_use]
    pub fn crlf(self) -> Self {
        self.edit(|answer| answer.style.crlf = true)
    }

    /// Spreads each event's JSON over several `data:` lines.
    #[must_use]
    pub fn multiline_data(self) -> Self {
        self.edit(|answer| answer.style.multiline = true)
    }

    /// Ends the stream properly, but without `message_stop`.
    #[must_use]
    pub fn without_message_stop(self) -> Self {
        self.edit(|answer| answer.without_message_stop = true)
    }

    fn answer(text: Text) -> Self {
        Self::new(
            200,
            Content::Answer(Box::new(Answer {
                text,
                ..Answer::default()
            })),
        )
    }

    fn edit(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        if let Content::Answer(answer) = &mut self.content {
            change(answer);
        }
        self
    }

    fn fault(self, after: usize, kind: FaultKind) -> Self {
        self.edit(|answer| answer.faults.push(Fault { after, kind }))
    }
}
