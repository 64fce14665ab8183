//! Token figures: what a script sets, and what is made up when it sets nothing.

/// What a simulated call used, in tokens, exactly as the `usage` object will report it.
///
/// `..Usage::default()` leaves everything else at zero or absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to the cache.
    pub input: u64,
    /// Input tokens written to the five-minute cache.
    pub cache_write_5m: u64,
    /// Input tokens written to the one-hour cache.
    pub cache_write_1h: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Output tokens, thinking included.
    pub output: u64,
    /// The part of `output` that was thinking.
    pub thinking: u64,
    /// Web searches made by the server.
    pub web_searches: u64,
    /// `service_tier`; `standard` when absent.
    pub service_tier: Option<&'static str>,
    /// `inference_geo`; what the request asked for, else `global`, when absent.
    pub inference_geo: Option<&'static str>,
    /// `speed`; what the request asked for, else `standard`, when absent.
    pub speed: Option<&'static str>,
}

impl Usage {
    /// Returns a usage without caching.
    #[must_use]
    pub fn new(input: u64, output: u64) -> Self {
        Self {
            input,
            output,
            ..Self::default()
        }
    }
}

/// What every prompt costs before its first word: the API counts eight tokens for `hi`.
const PROMPT_OVERHEAD: u64 = 7;

/// A picture's flat price in tokens, close to what a full-sized one costs.
const IMAGE_TOKENS: u64 = 1_600;

/// Returns a deterministic token count for a text: one token for each started four bytes.
pub(crate) fn text_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

/// Returns the input tokens of a Messages or `count_tokens` body.
pub(crate) fn prompt_tokens(body: &serde_json::Value) -> u64 {
    let messages = body["messages"].as_array().into_iter().flatten();
    let contents = messages.map(|message| content_tokens(&message["content"]));
    PROMPT_OVERHEAD + content_tokens(&body["system"]) + contents.sum::<u64>()
}

fn content_tokens(content: &serde_json::Value) -> u64 {
    if let Some(text) = content.as_str() {
        return text_tokens(text.len() as u64);
    }
    let blocks = content.as_array().into_iter().flatten();
    blocks
        .map(|block| match block["type"].as_str() {
            Some("image" | "document") => IMAGE_TOKENS,
            _ => text_tokens(block["text"].as_str().map_or(0, str::len) as u64),
        })
        .sum()
}
