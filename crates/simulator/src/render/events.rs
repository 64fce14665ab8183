//! Server-sent events, in every legal way of writing them.

use bytes::Bytes;

use super::wire::{ContentBlock, Delta, Event};
use super::{FLOOD_DELTA_BYTES, SIGNATURE, SLOT, SLOT_AS_JSON};
use crate::answer::EventStyle;
use crate::feed::Piece;

/// How many bytes of filler are one unit of a lazily made text.
const FILLER_UNIT_BYTES: usize = 64 * 1024;

/// How many deltas of a flood are written as one unit.
const FLOOD_UNIT_DELTAS: usize = 32;

/// The events of one stream so far.
pub(super) struct Events {
    pub(super) pieces: Vec<Piece>,
    style: EventStyle,
}

impl Events {
    pub(super) fn new(style: EventStyle) -> Self {
        Self {
            pieces: Vec::new(),
            style,
        }
    }

    /// Sends one event at once.
    pub(super) fn send(&mut self, event: &Event<'_>) {
        let event = self.write(event);
        self.pieces.push(Piece::Bytes(event.into()));
        if self.style.unknown_events {
            let unknown = self.write(&Event::WeatherReport {
                sky: [Some("blue"), None],
            });
            self.pieces.push(Piece::Bytes(unknown.into()));
        }
    }

    /// Sends one text delta on the next beat.
    pub(super) fn text(&mut self, index: usize, text: &str) {
        self.pieces.push(Piece::Tick);
        self.send(&text_delta(index, text));
    }

    /// Sends a thinking block up to its stop: words, then the signature.
    pub(super) fn thinking(&mut self, index: usize, text: &str) {
        let content_block = ContentBlock::Thinking {
            thinking: "",
            signature: "",
        };
        self.send(&Event::ContentBlockStart {
            index,
            content_block,
        });
        for thinking in text.split_inclusive(' ') {
            let delta = Delta::ThinkingDelta { thinking };
            self.send(&Event::ContentBlockDelta { index, delta });
        }
        let delta = Delta::SignatureDelta {
            signature: SIGNATURE,
        };
        self.send(&Event::ContentBlockDelta { index, delta });
    }

    /// Sends one delta with so many bytes of text, made while it is sent.
    pub(super) fn line(&mut self, index: usize, bytes: u64) {
        let event = self.write(&text_delta(index, SLOT));
        self.pieces.push(Piece::Tick);
        self.pieces.extend(with_filler(&event, bytes));
    }

    /// Sends so many bytes of text in equal deltas, made while they are sent.
    pub(super) fn flood(&mut self, index: usize, bytes: u64) {
        let event = self.write(&text_delta(index, &"x".repeat(FLOOD_DELTA_BYTES)));
        let deltas = bytes.div_ceil(FLOOD_DELTA_BYTES as u64);
        let unit = Bytes::from(event.repeat(FLOOD_UNIT_DELTAS));
        let (times, rest) = (
            deltas / FLOOD_UNIT_DELTAS as u64,
            deltas % FLOOD_UNIT_DELTAS as u64,
        );
        self.pieces.push(Piece::Tick);
        self.pieces.push(Piece::Repeat { unit, times });
        self.pieces.push(Piece::Repeat {
            unit: event.into(),
            times: rest,
        });
    }

    fn write(&self, event: &Event<'_>) -> String {
        let end = if self.style.crlf { "\r\n" } else { "\n" };
        let json = if self.style.multiline {
            serde_json::to_string_pretty(event)
        } else {
            serde_json::to_string(event)
        };
        let mut lines = vec![format!("event: {}", event.name())];
        if self.style.comments {
            lines.insert(0, ": keep-alive".into());
        }
        // These shapes have nothing that JSON cannot say.
        lines.extend(
            json.unwrap_or_default()
                .lines()
                .map(|line| format!("data: {line}")),
        );
        lines.push(String::new());
        lines.iter().flat_map(|line| [line.as_str(), end]).collect()
    }
}

/// Returns a text with so many bytes in its slot that are made while they are sent.
pub(super) fn with_filler(text: &str, bytes: u64) -> [Piece; 4] {
    let (before, after) = text.split_once(SLOT_AS_JSON).unwrap_or((text, ""));
    let unit = Bytes::from("x".repeat(FILLER_UNIT_BYTES));
    let rest = usize::try_from(bytes % FILLER_UNIT_BYTES as u64).unwrap_or_default();
    let rest = unit.slice(..rest);
    [
        Piece::Bytes(Bytes::from(before.to_owned())),
        Piece::Repeat {
            unit,
            times: bytes / FILLER_UNIT_BYTES as u64,
        },
        Piece::Bytes(rest),
        Piece::Bytes(Bytes::from(after.to_owned())),
    ]
}

fn text_delta(index: usize, text: &str) -> Event<'_> {
    Event::ContentBlockDelta {
        index,
        delta: Delta::TextDelta { text },
    }
}
