//! The wire's own shapes, fields in the API's order.

use serde::Serialize;
use serde_json::Value;

use super::usage_object::{DeltaUsage, MessageUsage};

/// One event's `data`. The event's name is its `type`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    MessageStart {
        message: Box<Message<'a>>,
    },
    ContentBlockStart {
        index: usize,
        content_block: ContentBlock<'a>,
    },
    Ping {},
    ContentBlockDelta {
        index: usize,
        delta: Delta<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: Stop<'a>,
        usage: DeltaUsage,
    },
    MessageStop {},
    Error {
        error: ErrorObject<'a>,
        request_id: &'a str,
    },
    /// A type that no client knows.
    WeatherReport {
        sky: [Option<&'a str>; 2],
    },
}

impl Event<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::Ping {} => "ping",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop {} => "message_stop",
            Self::Error { .. } => "error",
            Self::WeatherReport { .. } => "weather_report",
        }
    }
}

/// A message, at the start of a stream or whole.
#[derive(Serialize)]
pub(crate) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) r#type: &'a str,
    pub(super) role: &'a str,
    pub(super) model: &'a str,
    pub(super) content: Vec<ContentBlock<'a>>,
    #[serde(flatten)]
    pub(super) whole: Option<WholeOnly>,
    pub(super) stop_reason: Option<&'a str>,
    pub(super) stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_details: Option<Value>,
    pub(super) usage: MessageUsage<'a>,
}

/// Fields that only a message outside a stream has; `null` without tools.
#[derive(Default, Serialize)]
pub(super) struct WholeOnly {
    container: (),
    diagnostics: (),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ContentBlock<'a> {
    /// As a stream opens it.
    Text {
        text: &'a str,
    },
    /// As a whole message has it.
    #[serde(rename = "text")]
    WholeText {
        text: &'a str,
        citations: (),
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    /// A type that no client knows.
    Hologram {
        frames: [u8; 0],
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the wire names them so")]
pub(crate) enum Delta<'a> {
    TextDelta { text: &'a str },
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: &'a str },
}

/// `delta` of `message_delta`.
#[derive(Serialize)]
pub(crate) struct Stop<'a> {
    pub(super) stop_reason: Option<&'a str>,
    pub(super) stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_details: Option<&'a Value>,
}

/// `error` of an error event and of an error body.
#[derive(Serialize)]
pub(crate) struct ErrorObject<'a> {
    pub(crate) r#type: &'a str,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<&'a Value>,
}
