//! The `usage` object in its three places and its three historical forms.

use serde::Serialize;
use serde_json::Value;

use super::Asked;
use crate::answer::UsageShape;
use crate::usage::Usage;

/// `usage` of a message: at the start of a stream, or whole.
#[derive(Serialize)]
pub(super) struct MessageUsage<'a> {
    input_tokens: u64,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_tool_use: Option<Value>,
    service_tier: Option<&'a str>,
    inference_geo: Option<&'a str>,
    speed: Option<&'a str>,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

/// `usage` of `message_delta`: cumulative, without the cache's split and without the tier.
#[derive(Serialize)]
pub(super) struct DeltaUsage {
    #[serde(flatten)]
    more: Option<DeltaUsageMore>,
    output_tokens: u64,
}

#[derive(Serialize)]
struct DeltaUsageMore {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens_details: Option<Value>,
    server_tool_use: Option<Value>,
}

/// Returns the usage of `message_start`: the input as it is, and one output token.
pub(super) fn for_start<'a>(
    usage: &'a Usage,
    shape: UsageShape,
    asked: &'a Asked,
) -> MessageUsage<'a> {
    MessageUsage {
        output_tokens: usage.output.min(1),
        output_tokens_details: None,
        server_tool_use: None,
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
    let either = |set: Option<&'static str>, sent: &'a Option<String>, standard: &'static str| {
        full.then(|| set.or(sent.as_deref()).unwrap_or(standard))
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
        output_tokens_details: Some(output_details(usage, full)),
        server_tool_use: Some(server_tools(usage, full)),
        service_tier: either(usage.service_tier, &None, "standard"),
        inference_geo: either(usage.inference_geo, &asked.inference_geo, "global"),
        speed: either(usage.speed, &asked.speed, "standard"),
    }
}

/// Returns the usage of `message_delta`.
pub(super) fn for_delta(usage: &Usage, shape: UsageShape) -> DeltaUsage {
    let full = shape == UsageShape::Full;
    let more = DeltaUsageMore {
        input_tokens: full.then_some(usage.input),
        cache_creation_input_tokens: full.then_some(usage.cache_write_5m + usage.cache_write_1h),
        cache_read_input_tokens: full.then_some(usage.cache_read),
        output_tokens_details: Some(output_details(usage, full)),
        server_tool_use: Some(server_tools(usage, full && usage.web_searches > 0)),
    };
    DeltaUsage {
        more: (shape != UsageShape::OutputOnly).then_some(more),
        output_tokens: usage.output,
    }
}

fn output_details(usage: &Usage, full: bool) -> Value {
    full.then(|| serde_json::json!({"thinking_tokens": usage.thinking}))
        .into()
}

fn server_tools(usage: &Usage, full: bool) -> Value {
    let count = usage.web_searches;
    full.then(|| serde_json::json!({"web_search_requests": count, "web_fetch_requests": 0}))
        .into()
}
