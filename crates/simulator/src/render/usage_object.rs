//! The `usage` object in its places and its historical forms.

use serde::Serialize;

use super::Asked;
use crate::answer::UsageShape;
use crate::usage::Usage;

/// `usage` of a message: at the start of a stream, or whole.
#[derive(Serialize)]
pub(crate) struct MessageUsage<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
    #[serde(flatten)]
    whole: Option<WholeOnly>,
    service_tier: Option<&'a str>,
    inference_geo: Option<&'a str>,
    speed: Option<&'a str>,
}

/// Fields that are known only at the end, and so are not in `message_start`.
#[derive(Serialize)]
struct WholeOnly {
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerToolUse>,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

#[derive(Serialize)]
struct ServerToolUse {
    web_search_requests: u64,
    web_fetch_requests: u64,
}

/// `usage` of `message_delta`: cumulative, without the cache's split and without the tier.
#[derive(Serialize)]
pub(crate) struct DeltaUsage {
    #[serde(flatten)]
    input: Option<DeltaInput>,
    output_tokens: u64,
    #[serde(flatten)]
    whole: Option<WholeOnly>,
}

#[derive(Serialize)]
struct DeltaInput {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

/// Returns the usage of `message_start`: the input as it is, and one output token.
pub(super) fn for_start<'a>(
    usage: &'a Usage,
    shape: UsageShape,
    asked: &'a Asked,
) -> MessageUsage<'a> {
    let output_tokens = usage.output.min(1);
    MessageUsage {
        output_tokens,
        whole: None,
        ..for_whole(usage, shape, asked)
    }
}

/// Returns the usage of a message outside a stream.
pub(super) fn for_whole<'a>(
    usage: &'a Usage,
    shape: UsageShape,
    asked: &'a Asked,
) -> MessageUsage<'a> {
    let full = shape != UsageShape::Nulls;
    let either = |set: Option<&'a str>, sent: Option<&'a str>, usual: &'a str| {
        full.then(|| set.or(sent).unwrap_or(usual))
    };
    MessageUsage {
        input_tokens: usage.input,
        cache_creation_input_tokens: full.then_some(usage.cache_write_5m + usage.cache_write_1h),
        cache_read_input_tokens: full.then_some(usage.cache_read),
        cache_creation: full.then_some(CacheCreation {
            ephemeral_5m_input_tokens: usage.cache_write_5m,
            ephemeral_1h_input_tokens: usage.cache_write_1h,
        }),
        output_tokens: usage.output,
        whole: Some(whole_only(usage, full)),
        service_tier: either(usage.service_tier, None, "standard"),
        inference_geo: either(
            usage.inference_geo,
            asked.inference_geo.as_deref(),
            "global",
        ),
        speed: either(usage.speed, asked.speed.as_deref(), "standard"),
    }
}

/// Returns the usage of `message_delta`.
pub(super) fn for_delta(usage: &Usage, shape: UsageShape) -> DeltaUsage {
    let full = shape == UsageShape::Full;
    let modern = shape != UsageShape::OutputOnly;
    DeltaUsage {
        input: modern.then(|| DeltaInput {
            input_tokens: full.then_some(usage.input),
            cache_creation_input_tokens: full
                .then_some(usage.cache_write_5m + usage.cache_write_1h),
            cache_read_input_tokens: full.then_some(usage.cache_read),
        }),
        output_tokens: usage.output,
        whole: modern.then(|| whole_only(usage, full)),
    }
}

fn whole_only(usage: &Usage, full: bool) -> WholeOnly {
    WholeOnly {
        output_tokens_details: full.then_some(OutputDetails {
            thinking_tokens: usage.thinking,
        }),
        server_tool_use: full.then_some(ServerToolUse {
            web_search_requests: usage.web_searches,
            web_fetch_requests: 0,
        }),
    }
}
