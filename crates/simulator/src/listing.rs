//! `GET /v1/models` and `GET /v1/models/{id}`.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::catalogue::Model;
use crate::reply::Reply;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1000;

/// Returns one page of the list.
pub(crate) fn page(models: &[Model], query: Option<&str>) -> Reply {
    let asked = match Asked::parse(query.unwrap_or_default()) {
        Ok(asked) => asked,
        Err(message) => return Reply::error(400, "invalid_request_error", message),
    };
    let listed: Vec<&Model> = models
        .iter()
        .filter(|model| asked.includes(model))
        .collect();
    let place = |id: &str| listed.iter().position(|model| model.id == id);
    // `after_id` pages forward from a model, `before_id` backward to it.
    let (start, end) = match (&asked.after_id, &asked.before_id) {
        (Some(id), _) => match place(id) {
            Some(index) => (index + 1, (index + 1 + asked.limit).min(listed.len())),
            None => return unknown_cursor("after_id", id),
        },
        (None, Some(id)) => match place(id) {
            Some(index) => (index.saturating_sub(asked.limit), index),
            None => return unknown_cursor("before_id", id),
        },
        (None, None) => (0, asked.limit.min(listed.len())),
    };
    let backward = asked.after_id.is_none() && asked.before_id.is_some();
    let has_more = if backward {
        start > 0
    } else {
        end < listed.len()
    };
    let shown = listed.get(start..end).unwrap_or_default();
    ok(&json!({
        "data": shown.iter().map(|model| object(model)).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": shown.first().map(|model| &model.id),
        "last_id": shown.last().map(|model| &model.id),
    }))
}

/// Returns one model, retired ones included.
pub(crate) fn one(models: &[Model], name: &str) -> Reply {
    match models.iter().find(|model| model.is_called(name)) {
        Some(model) => ok(&object(model)),
        None => Reply::error(404, "not_found_error", format!("model: {name}")),
    }
}

/// Returns a 200 with this JSON.
pub(crate) fn ok(value: &Value) -> Reply {
    Reply::raw(200, "application/json", value.to_string())
}

fn unknown_cursor(name: &str, id: &str) -> Reply {
    Reply::error(
        400,
        "invalid_request_error",
        format!("{name}: no model has the id {id}"),
    )
}

struct Asked {
    limit: usize,
    before_id: Option<String>,
    after_id: Option<String>,
    lifecycles: Vec<String>,
}

impl Asked {
    fn parse(query: &str) -> Result<Self, String> {
        let mut asked = Self {
            limit: DEFAULT_LIMIT,
            before_id: None,
            after_id: None,
            lifecycles: Vec::new(),
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => asked.limit = limit(&value)?,
                "before_id" => asked.before_id = Some(value.into_owned()),
                "after_id" => asked.after_id = Some(value.into_owned()),
                "lifecycle[]" | "lifecycle" => asked.lifecycles.push(lifecycle(&value)?),
                _ => {}
            }
        }
        Ok(asked)
    }

    fn includes(&self, model: &Model) -> bool {
        if self.lifecycles.is_empty() {
            return !model.is_retired();
        }
        self.lifecycles.contains(&model.lifecycle)
    }
}

fn limit(value: &str) -> Result<usize, String> {
    let limit = value
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("limit: Input should be between 1 and {MAX_LIMIT}"))
}

fn lifecycle(value: &str) -> Result<String, String> {
    match value {
        "active" | "deprecated" | "retired" => Ok(value.into()),
        _ => Err("lifecycle: Input should be 'active', 'deprecated' or 'retired'".into()),
    }
}

fn object(model: &Model) -> Value {
    json!({
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": model.created_at,
        "lifecycle": model.lifecycle,
        "deprecated_at": model.deprecated_at,
        "retires_at": model.retires_at,
        "line": model.line,
        "max_input_tokens": model.max_input_tokens,
        "max_tokens": model.max_tokens,
        "capabilities": capabilities(),
    })
}

/// Returns the same capabilities for every model; clients here do not branch on them.
fn capabilities() -> Value {
    let yes = || json!({"supported": true});
    json!({
        "batch": yes(),
        "citations": yes(),
        "code_execution": yes(),
        "context_management": {
            "supported": true,
            "clear_thinking_20251015": yes(),
            "clear_tool_uses_20250919": yes(),
            "compact_20260112": yes(),
        },
        "effort": {
            "supported": true,
            "low": yes(), "medium": yes(), "high": yes(), "xhigh": yes(), "max": yes(),
        },
        "image_input": yes(),
        "pdf_input": yes(),
        "server_tools": {"supported": true, "code_execution": yes(), "web_search": yes()},
        "structured_outputs": yes(),
        "thinking": {
            "supported": true,
            "types": {
                "adaptive": yes(),
                "between_tools": yes(),
                "disabled": yes(),
                "enabled": yes(),
            },
        },
    })
}
