//! The events of a streamed answer as the API sends them. Nearly everything may be missing or
//! `null`, and unknown types are let through unread. Source: Messages API, streaming and usage.

use std::borrow::Cow;

use serde::Deserialize;

use crate::usage::Usage;

/// One event that matters to us.
#[derive(Debug)]
pub(super) enum Event<'a> {
    Start(Start),
    Text(Cow<'a, str>),
    Thinking(Cow<'a, str>),
    Delta(Delta),
    Stop,
    Error(Failure),
    /// A ping, a signature, the start or end of a block, or something newer than this program.
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Start {
    pub(super) message: Message,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) delta: Stopped,
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stopped {
    pub(super) stop_reason: Option<String>,
    pub(super) stop_details: Option<StopDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StopDetails {
    pub(super) category: Option<String>,
    pub(super) explanation: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Failure {
    pub(super) error: FailureText,
    pub(super) request_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FailureText {
    pub(super) r#type: Option<String>,
    pub(super) message: Option<String>,
}

/// A block's start or delta; both carry text under the same names.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, alias = "delta")]
    content_block: Option<Piece<'a>>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, default)]
    text: Option<Str<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Str<'a>>,
}

/// Borrows where the JSON has no escapes; serde borrows no `Cow` inside an `Option` by itself.
#[derive(Deserialize)]
#[serde(transparent)]
struct Str<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads one event, by the name that stands before it, else by the `type` in its data.
///
/// # Errors
/// When an event of a known type isn't the JSON that it should be.
pub(super) fn read<'a>(name: &[u8], data: &'a [u8]) -> Result<Event<'a>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, default)]
        r#type: Cow<'a, str>,
    }
    if name.is_empty() {
        // Without a name there is nothing to say that this has to be JSON.
        return match serde_json::from_slice::<Typed<'_>>(data) {
            Ok(typed) if !typed.r#type.is_empty() => read(typed.r#type.as_bytes(), data),
            _ => Ok(Event::Other),
        };
    }
    Ok(match name {
        b"message_start" => Event::Start(serde_json::from_slice(data)?),
        b"message_delta" => Event::Delta(serde_json::from_slice(data)?),
        b"message_stop" => Event::Stop,
        b"error" => Event::Error(serde_json::from_slice(data).unwrap_or_default()),
        b"content_block_start" | b"content_block_delta" => block(serde_json::from_slice(data)?),
        _ => Event::Other,
    })
}

fn block(block: Block<'_>) -> Event<'_> {
    match block.content_block {
        Some(Piece {
            text: Some(text), ..
        }) if !text.0.is_empty() => Event::Text(text.0),
        Some(Piece {
            thinking: Some(text),
            ..
        }) if !text.0.is_empty() => Event::Thinking(text.0),
        _ => Event::Other,
    }
}

#[cfg(test)]
mod tests;
