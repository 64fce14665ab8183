//! The events of a streamed answer as the API sends them. Nearly everything may be missing or
//! `null`, and unknown types are let through unread. Source: Messages API, streaming and usage.

use std::borrow::Cow;

use serde::Deserialize;

use crate::usage::Tokens;

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

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerTools>,
    service_tier: Option<String>,
    inference_geo: Option<String>,
    speed: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServerTools {
    web_search_requests: Option<u64>,
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

/// What the server has said so far of the tokens and of how they are priced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The newest figures.
    pub tokens: Tokens,
    /// `standard`, `priority` or `batch`.
    pub service_tier: Option<String>,
    /// Where it was computed, such as `global` or `us`.
    pub inference_geo: Option<String>,
    /// `standard` or `fast`.
    pub speed: Option<String>,
    /// The server has reported anything at all.
    pub is_reported: bool,
    /// The report at the end of the answer, which alone counts the whole of it, is there.
    pub is_final: bool,
}

impl Used {
    /// Takes over the report at the end of the answer. What the start reports as output is the
    /// first token or so, so without a count of the output here there is no final figure.
    pub(super) fn take_last(&mut self, usage: Usage) {
        self.is_final |= usage.output_tokens.is_some();
        self.take(usage);
    }

    /// Takes over a report. Figures are totals and not increments; what a report leaves out keeps
    /// its last value (the final one names neither the split of cache writes nor the tier).
    pub(super) fn take(&mut self, usage: Usage) {
        let tokens = &mut self.tokens;
        self.is_reported |= usage.input_tokens.is_some() || usage.output_tokens.is_some();
        replace(&mut tokens.input, usage.input_tokens);
        replace(&mut tokens.output, usage.output_tokens);
        replace(&mut tokens.cache_read, usage.cache_read_input_tokens);
        if let Some(split) = usage.cache_creation {
            replace(&mut tokens.cache_write_5m, split.ephemeral_5m_input_tokens);
            replace(&mut tokens.cache_write_1h, split.ephemeral_1h_input_tokens);
        }
        if let Some(total) = usage.cache_creation_input_tokens {
            // What the split does not cover counts at the five-minute rate.
            tokens.cache_write_1h = tokens.cache_write_1h.min(total);
            tokens.cache_write_5m = total - tokens.cache_write_1h;
        }
        let details = usage.output_tokens_details;
        replace(
            &mut tokens.thinking,
            details.and_then(|d| d.thinking_tokens),
        );
        let tools = usage.server_tool_use;
        replace(
            &mut tokens.web_searches,
            tools.and_then(|t| t.web_search_requests),
        );
        for (kept, new) in [
            (&mut self.service_tier, usage.service_tier),
            (&mut self.inference_geo, usage.inference_geo),
            (&mut self.speed, usage.speed),
        ] {
            if new.is_some() {
                *kept = new;
            }
        }
    }
}

fn replace(kept: &mut u64, new: Option<u64>) {
    *kept = new.unwrap_or(*kept);
}

#[cfg(test)]
mod tests;
