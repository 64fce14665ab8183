//! The lines that the CLI writes with `--output-format stream-json`. Nearly everything may be missing,
//! and unknown types are let through unread. Source: runs of CLI 2.1.330 and the schema inside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits::{Limits, Told};
use crate::usage::{Tokens, Usage};

/// One line that matters to us.
#[derive(Debug)]
pub(super) enum Line {
    /// The answer to a request of ours.
    Answer(Answer),
    /// The CLI waits before it asks the server again.
    Retry(Retry),
    /// An event of the API, as it came.
    Stream(Box<Stream>),
    /// A block of an answer, complete; or an error in the place of one.
    Assistant(Box<Assistant>),
    /// How much of the plan is used.
    Limits(Limits),
    /// A turn begins, with the credential that it uses.
    Begun(Begun),
    /// The end of a turn.
    Result(Box<Outcome>),
    /// Anything else.
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) subtype: String,
    pub(super) request_id: String,
    pub(super) error: Option<String>,
    response: Option<Map<String, Value>>,
}

impl Answer {
    /// Returns the account, where the answer holds one.
    pub(super) fn account(&self) -> Option<&Map<String, Value>> {
        self.response.as_ref()?.get("account")?.as_object()
    }

    /// Returns the settings that hold, where the answer says them.
    pub(super) fn settings(&self) -> Option<&Map<String, Value>> {
        self.response.as_ref()?.get("effective")?.as_object()
    }
}

/// What `system/init` says; it comes with each turn, before the request leaves.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Begun {
    /// Where the API key comes from that is used; `none` where a login or its token is.
    #[serde(rename = "apiKeySource")]
    pub(super) key_source: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Retry {
    pub(super) attempt: u32,
    pub(super) max_retries: u32,
    pub(super) retry_delay_ms: f64,
    pub(super) error_status: Option<u16>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    pub(super) event: Event,
    #[serde(default)]
    pub(super) ttft_ms: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    MessageStart {
        #[serde(default)]
        message: Message,
    },
    ContentBlockDelta {
        #[serde(default)]
        delta: Delta,
    },
    MessageDelta {
        #[serde(default)]
        delta: Stopped,
        #[serde(default)]
        usage: Option<Usage>,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) content: Vec<Block>,
}

/// A block, or a piece of one; both carry text under the same names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    pub(super) text: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stopped {
    pub(super) stop_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Assistant {
    pub(super) message: Message,
    pub(super) request_id: Option<String>,
    #[serde(flatten)]
    pub(super) fault: Fault,
}

/// What a line says of an error of the API.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fault {
    /// The CLI's own word; only in the line before the result.
    pub(super) error: Option<String>,
    pub(super) api_error_status: Option<u16>,
    pub(super) api_error_type: Option<String>,
    pub(super) api_error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outcome {
    /// Only `false` is a success; it may be missing.
    pub(super) is_error: Option<bool>,
    pub(super) terminal_reason: Option<String>,
    pub(super) stop_reason: Option<String>,
    pub(super) result: Option<String>,
    pub(super) errors: Vec<String>,
    pub(super) ttft_ms: Option<f64>,
    pub(super) usage: Option<Usage>,
    /// Of this turn alone, every attempt counted; `modelUsage` grows with the session.
    model_usage_since_last_result: BTreeMap<String, ModelUsage>,
    #[serde(flatten)]
    pub(super) fault: Fault,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ModelUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    #[serde(rename = "cacheCreationEphemeral1hInputTokens")]
    written_1h: u64,
    thinking_tokens: u64,
    web_search_requests: u64,
}

impl Outcome {
    /// Returns the tokens of this turn for each model that was asked.
    pub(super) fn by_model(&self) -> Vec<(String, Tokens)> {
        let all = self.model_usage_since_last_result.iter();
        all.map(|(model, usage)| (model.clone(), usage.tokens()))
            .collect()
    }
}

impl ModelUsage {
    fn tokens(&self) -> Tokens {
        let written = self.cache_creation_input_tokens;
        let hour = self.written_1h.min(written);
        Tokens {
            input: self.input_tokens,
            output: self.output_tokens,
            // What the split does not cover counts at the five-minute rate.
            cache_write_5m: written - hour,
            cache_write_1h: hour,
            cache_read: self.cache_read_input_tokens,
            thinking: self.thinking_tokens,
            web_searches: self.web_search_requests,
        }
    }
}

/// Reads one line; `None` where it is not what the CLI writes.
pub(super) fn read(line: &[u8]) -> Option<Line> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        r#type: Cow<'a, str>,
        #[serde(borrow, default)]
        subtype: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Answered {
        response: Answer,
    }
    #[derive(Deserialize)]
    struct Limited {
        rate_limit_info: Told,
    }
    let head: Head<'_> = serde_json::from_slice(line).ok()?;
    Some(match (&*head.r#type, head.subtype.as_deref()) {
        ("control_response", _) => {
            Line::Answer(serde_json::from_slice::<Answered>(line).ok()?.response)
        }
        ("system", Some("init")) => Line::Begun(serde_json::from_slice(line).ok()?),
        ("system", Some("api_retry")) => Line::Retry(serde_json::from_slice(line).ok()?),
        ("stream_event", _) => Line::Stream(serde_json::from_slice(line).ok()?),
        ("assistant", _) => Line::Assistant(serde_json::from_slice(line).ok()?),
        ("result", _) => Line::Result(serde_json::from_slice(line).ok()?),
        ("rate_limit_event", _) => {
            let told: Limited = serde_json::from_slice(line).ok()?;
            Line::Limits(told.rate_limit_info.into())
        }
        _ => Line::Other,
    })
}
