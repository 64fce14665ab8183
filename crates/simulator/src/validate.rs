//! What the API refuses about a Messages or `count_tokens` body, in its own words.

use axum::http::HeaderMap;
use serde_json::Value;

use crate::catalogue::Model;
use crate::reply::Reply;

const VERSIONS: &[&str] = &["2023-06-01", "2026-10-21"];
const SAMPLING: &[&str] = &["temperature", "top_p", "top_k"];
const FIELDS: &[&str] = &[
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

type Refused = Box<Reply>;

/// Checks `anthropic-version`.
pub(crate) fn version(headers: &HeaderMap) -> Result<&str, Refused> {
    let sent = headers
        .get("anthropic-version")
        .and_then(|value| value.to_str().ok());
    match sent {
        None => Err(invalid("anthropic-version: header is required")),
        Some(version) if VERSIONS.contains(&version) => Ok(version),
        Some(version) => Err(invalid(format!(
            "anthropic-version: \"{version}\" is not a valid version"
        ))),
    }
}

/// Parses a body as a JSON object.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, Refused> {
    match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(invalid("The request body is not a JSON object")),
        Err(error) => Err(invalid(format!(
            "The request body is not valid JSON: {error}"
        ))),
    }
}

/// Checks what Messages and `count_tokens` share, and returns the model that is meant.
pub(crate) fn prompt<'a>(
    body: &Value,
    version: &str,
    headers: &HeaderMap,
    models: &'a [Model],
) -> Result<&'a Model, Refused> {
    if version != "2023-06-01"
        && let Some(name) = SAMPLING.iter().find(|name| body.get(**name).is_some())
    {
        return Err(invalid(format!(
            "{name}: Not supported with anthropic-version {version}"
        )));
    }
    // A beta may bring fields of its own, and this list has none of them.
    if headers.get("anthropic-beta").is_none()
        && let Some(name) = body
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .find(unknown)
    {
        return Err(invalid(format!("{name}: Extra inputs are not permitted")));
    }
    let Some(name) = body["model"].as_str() else {
        return Err(missing_or("model", body, "Input should be a valid string"));
    };
    messages(body)?;
    match models.iter().find(|model| model.is_called(name)) {
        Some(model) if !model.is_retired() => Ok(model),
        _ => Err(Box::new(Reply::error(
            404,
            "not_found_error",
            format!("model: {name}"),
        ))),
    }
}

/// Checks `max_tokens`, which only Messages have, and returns it.
pub(crate) fn max_tokens(body: &Value, model: &Model) -> Result<u64, Refused> {
    let Some(max_tokens) = body["max_tokens"].as_u64() else {
        let wrong = "Input should be a valid integer, greater than or equal to 0";
        return Err(missing_or("max_tokens", body, wrong));
    };
    if max_tokens > model.max_tokens {
        return Err(invalid(format!(
            "max_tokens: {max_tokens} > {}, which is the maximum allowed number of output tokens \
             for {}",
            model.max_tokens, model.id
        )));
    }
    Ok(max_tokens)
}

fn messages(body: &Value) -> Result<(), Refused> {
    let Some(messages) = body["messages"].as_array() else {
        return Err(missing_or("messages", body, "Input should be a valid list"));
    };
    if messages.is_empty() {
        return Err(invalid("messages: at least one message is required"));
    }
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str();
        if !matches!(role, Some("user" | "assistant" | "system")) {
            return Err(invalid(format!(
                "messages.{index}.role: Input should be 'user', 'assistant' or 'system'"
            )));
        }
        let last = index + 1 == messages.len();
        let may_be_empty = match role {
            Some("assistant") => last,
            // Controls for the turn without a word: CLI 2.1.330 sends its effort so, where a key pays
            // (beta per-turn-control-2026-07-01).
            Some("system") => message.get("output_config").is_some(),
            _ => false,
        };
        if is_empty(&message["content"]) && !may_be_empty {
            return Err(invalid(format!(
                "messages.{index}: all messages must have non-empty content except for the \
                 optional final assistant message"
            )));
        }
    }
    Ok(())
}

fn is_empty(content: &Value) -> bool {
    match content {
        Value::String(text) => text.is_empty(),
        Value::Array(blocks) => blocks.is_empty(),
        _ => true,
    }
}

fn unknown(name: &&str) -> bool {
    !FIELDS.contains(name)
}

fn missing_or(name: &str, body: &Value, otherwise: &str) -> Refused {
    let what = if body.get(name).is_none() {
        "Field required"
    } else {
        otherwise
    };
    invalid(format!("{name}: {what}"))
}

fn invalid(message: impl Into<String>) -> Refused {
    Box::new(Reply::error(400, "invalid_request_error", message))
}
