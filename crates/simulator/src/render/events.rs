//! Server-sent events, in every legal way of writing them.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::FLOOD_DELTA_BYTES;
use crate::answer::EventStyle;
use crate::feed::Piece;

/// A thinking block's signature: opaque to clients, and visibly not a real one.
pub(crate) const SIGNATURE: &str = "U0lNVUxBVEVE";

/// How many bytes of filler are one unit of a lazily made text.
const FILLER_UNIT: u64 = 64 * 1024;

/// How many deltas of a flood are written as one unit.
const FLOOD_UNIT_DELTAS: u64 = 32;

/// An event's JSON: `type` first, as the API writes it.
#[derive(Serialize)]
struct Data<'a> {
    r#type: &'a str,
    #[serde(flatten)]
    rest: Value,
}

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
    pub(super) fn send(&mut self, name: &str, rest: Value) {
        let event = self.write(name, rest);
        self.pieces.push(Piece::Bytes(event.into()));
        if self.style.unknown_events {
            let unknown = self.write("weather_report", json!({"sky": ["blue", null]}));
            self.pieces.push(Piece::Bytes(unknown.into()));
        }
    }

    /// Sends one text delta on the next beat.
    pub(super) fn text(&mut self, index: usize, text: &str) {
        self.pieces.push(Piece::Tick);
        self.send("content_block_delta", text_delta(index, text));
    }

    /// Sends a thinking block up to its stop: words, then the signature.
    pub(super) fn thinking(&mut self, index: usize, text: &str) {
        let empty = json!({"type": "thinking", "thinking": "", "signature": ""});
        self.send(
            "content_block_start",
            json!({"index": index, "content_block": empty}),
        );
        for word in text.split_inclusive(' ') {
            let delta = json!({"type": "thinking_delta", "thinking": word});
            self.send(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            );
        }
        let delta = json!({"type": "signature_delta", "signature": SIGNATURE});
        self.send(
            "content_block_delta",
            json!({"index": index, "delta": delta}),
        );
    }

    /// Sends one delta with so many bytes of text, made while it is sent.
    pub(super) fn line(&mut self, index: usize, bytes: u64) {
        let event = self.write("content_block_delta", text_delta(index, "\0"));
        self.pieces.push(Piece::Tick);
        if let Some((before, after)) = event.split_once("\\u0000") {
            self.pieces
                .push(Piece::Bytes(Bytes::from(before.to_owned())));
            self.pieces.extend(filler(bytes));
            self.pieces
                .push(Piece::Bytes(Bytes::from(after.to_owned())));
        }
    }

    /// Sends so many bytes of text in equal deltas, made while they are sent.
    pub(super) fn flood(&mut self, index: usize, bytes: u64) {
        let text = "x".repeat(usize::try_from(FLOOD_DELTA_BYTES).unwrap_or_default());
        let event = self.write("content_block_delta", text_delta(index, &text));
        let deltas = bytes.div_ceil(FLOOD_DELTA_BYTES);
        let unit = event.repeat(usize::try_from(FLOOD_UNIT_DELTAS).unwrap_or_default());
        self.pieces.push(Piece::Tick);
        let times = deltas / FLOOD_UNIT_DELTAS;
        self.pieces.push(Piece::Repeat {
            unit: unit.into(),
            times,
        });
        let times = deltas % FLOOD_UNIT_DELTAS;
        self.pieces.push(Piece::Repeat {
            unit: event.into(),
            times,
        });
    }

    fn write(&self, name: &str, rest: Value) -> String {
        let data = Data { r#type: name, rest };
        let end = if self.style.crlf { "\r\n" } else { "\n" };
        let mut event = String::new();
        if self.style.comments {
            event.push_str(&format!(": keep-alive{end}"));
        }
        event.push_str(&format!("event: {name}{end}"));
        if self.style.multiline {
            let pretty = serde_json::to_string_pretty(&data).unwrap_or_default();
            pretty
                .lines()
                .for_each(|line| event.push_str(&format!("data: {line}{end}")));
        } else {
            let line = serde_json::to_string(&data).unwrap_or_default();
            event.push_str(&format!("data: {line}{end}"));
        }
        event.push_str(end);
        event
    }
}

/// Returns so many bytes of text that JSON need not escape.
pub(super) fn filler(bytes: u64) -> [Piece; 2] {
    let unit = Bytes::from("x".repeat(usize::try_from(FILLER_UNIT).unwrap_or_default()));
    let rest = unit.slice(..usize::try_from(bytes % FILLER_UNIT).unwrap_or_default());
    [
        Piece::Repeat {
            unit,
            times: bytes / FILLER_UNIT,
        },
        Piece::Bytes(rest),
    ]
}

fn text_delta(index: usize, text: &str) -> Value {
    json!({"index": index, "delta": {"type": "text_delta", "text": text}})
}
