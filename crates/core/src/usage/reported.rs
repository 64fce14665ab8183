//! What a server reports of the tokens while it answers. Nearly everything may be missing or `null`.
//! Source: Messages API, streaming and usage; the `claude` CLI passes the same objects on.

use serde::Deserialize;

use super::Tokens;

/// The `usage` object of an answer, as the server sends it: at the start, and again at the end.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Usage {
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

/// What the server has said so far of the tokens and of how they are priced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The newest figures.
    pub tokens: Tokens,
    /// How long the prompt of one request was, where the figures are those of several with the same prompt.
    pub prompt_of_each: Option<u64>,
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
    pub fn take_last(&mut self, usage: Usage) {
        self.is_final |= usage.output_tokens.is_some();
        self.take(usage);
    }

    /// Takes over a report. Figures are totals and not increments; what a report leaves out keeps
    /// its last value (the final one names neither the split of cache writes nor the tier).
    pub fn take(&mut self, usage: Usage) {
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
