//! From a request to a reply, gate by gate.

mod headers;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, request::Parts};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::MAX_REQUEST_BYTES;
use crate::feed::{self, Piece};
use crate::known_error::KnownError;
use crate::listing;
use crate::log::LoggedRequest;
use crate::render::{self, Asked, ErrorObject};
use crate::reply::{Content, Reply};
use crate::simulator::Shared;
use crate::usage::prompt_tokens;
use crate::validate;

const MESSAGES: &str = "/v1/messages";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";
const MODELS: &str = "/v1/models";
const ORGANIZATION: &str = "/v1/organizations/me";

/// Returns the server: one handler, because every path passes the same gates.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = receive(body).await;
    // Before the request is in the log: whoever sees it there may release it at once.
    let mut releases = shared.releases.subscribe();
    let logged = logged(&parts, body.clone().unwrap_or_default());
    let guard = shared.log.add(logged.clone());
    let request_id = format!("req_01{}", uuid::Uuid::now_v7().simple());

    let decision = match body {
        Some(_) => decide(&shared, &parts.headers, &logged),
        None => Decision::plain(KnownError::TooLarge.reply()),
    };
    let Decision {
        reply,
        asked,
        stream,
    } = decision;
    if reply.wire.held && releases.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    let (content_type, pieces, pace) = match &reply.content {
        Content::Answer(answer) if stream => {
            let pieces = render::stream(answer, &asked, &request_id);
            ("text/event-stream; charset=utf-8", pieces, answer.pace)
        }
        Content::Answer(answer) => ("application/json", render::message(answer, &asked), None),
        Content::Error {
            kind,
            message,
            details,
        } => {
            let error = ErrorObject {
                r#type: kind,
                message,
                details: details.as_ref(),
            };
            let body = error_body(error, &request_id);
            ("application/json", vec![Piece::Bytes(body)], None)
        }
        Content::Raw {
            content_type,
            bytes,
        } => (
            content_type.as_str(),
            vec![Piece::Bytes(bytes.clone())],
            None,
        ),
    };
    let body = feed::body(pieces, pace, &reply.wire, releases, guard);
    let mut response = Response::new(body);
    headers::complete(&mut response, &reply, content_type, &request_id, &logged);
    response
}

/// What a request gets, and what the rendering needs to know about the request.
struct Decision {
    reply: Reply,
    asked: Asked,
    stream: bool,
}

impl Decision {
    fn plain(reply: Reply) -> Self {
        Self {
            reply,
            asked: Asked::default(),
            stream: false,
        }
    }
}

fn decide(shared: &Shared, headers: &HeaderMap, request: &LoggedRequest) -> Decision {
    gates(shared, headers, request).unwrap_or_else(|refused| Decision::plain(*refused))
}

fn gates(
    shared: &Shared,
    headers: &HeaderMap,
    request: &LoggedRequest,
) -> Result<Decision, Box<Reply>> {
    let mut script = shared.script();
    let Some(credential) = request.credential() else {
        return Err(Box::new(KnownError::MissingCredential.reply()));
    };
    if headers::is_oauth(credential) && !headers::has_beta(headers, headers::OAUTH_BETA) {
        return Err(Box::new(KnownError::OauthUnsupported.reply()));
    }
    if let Some(reply) = script.objection_to(credential, &request.path) {
        return Err(Box::new(reply));
    }
    let decision = match (request.method.as_str(), request.path.as_str()) {
        ("POST", MESSAGES) => {
            let version = validate::version(headers)?;
            let body = validate::json(&request.body)?;
            let model = validate::prompt(&body, version, headers, &script.models)?;
            let max_tokens = validate::max_tokens(&body, model)?;
            let asked = asked(&body, &model.id, max_tokens);
            let stream = body["stream"].as_bool().unwrap_or_default();
            let ruled = script.ruled(request, &body);
            let reply = ruled.unwrap_or_else(|| script.next_reply());
            Decision {
                reply,
                asked,
                stream,
            }
        }
        ("POST", COUNT_TOKENS) => {
            let version = validate::version(headers)?;
            let body = validate::json(&request.body)?;
            validate::prompt(&body, version, headers, &script.models)?;
            let ruled = script.ruled(request, &body);
            Decision::plain(
                ruled
                    .unwrap_or_else(|| listing::ok(&json!({"input_tokens": prompt_tokens(&body)}))),
            )
        }
        (method, path) => {
            let ruled = script.ruled(request, &request.json());
            let model = path
                .strip_prefix(MODELS)
                .and_then(|rest| rest.strip_prefix('/'));
            Decision::plain(match (ruled, method, model) {
                (Some(reply), _, _) => reply,
                (None, "GET", None) if path == MODELS => {
                    validate::version(headers)?;
                    listing::page(&script.models, request.query.as_deref())
                }
                (None, "GET", Some(name)) => {
                    validate::version(headers)?;
                    listing::one(&script.models, name)
                }
                (None, "GET", _) if path == ORGANIZATION => organization(credential),
                (None, _, _) if [MESSAGES, COUNT_TOKENS, MODELS].contains(&path) => {
                    Reply::error(405, "invalid_request_error", "Method Not Allowed")
                }
                _ => KnownError::NotFound.reply(),
            })
        }
    };
    Ok(decision)
}

/// Returns the organisation that an admin key belongs to; other keys may not ask.
fn organization(credential: &str) -> Reply {
    if !credential.starts_with("sk-ant-admin01-") {
        return KnownError::Permission.reply();
    }
    listing::ok(&json!({
        "id": "00000000-0000-4000-8000-000000000000",
        "type": "organization",
        "name": "Simulated organization",
    }))
}

fn asked(body: &Value, model: &str, max_tokens: u64) -> Asked {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    Asked {
        model: model.into(),
        prompt: last_prompt(body),
        input_tokens: prompt_tokens(body),
        max_tokens: Some(max_tokens),
        inference_geo: text("inference_geo"),
        speed: text("speed"),
    }
}

/// Returns the text of the last message from the user.
fn last_prompt(body: &Value) -> String {
    let mut messages = body["messages"].as_array().into_iter().flatten();
    let Some(message) = messages.rfind(|message| message["role"] == "user") else {
        return String::new();
    };
    match &message["content"] {
        Value::String(text) => text.clone(),
        content => {
            let blocks = content.as_array().into_iter().flatten();
            blocks
                .filter_map(|block| block["text"].as_str())
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// Reads a body to its end, and returns it if it is within the limit.
///
/// The rest of one that is not is read and thrown away, so that the client is done sending when
/// it is told.
async fn receive(body: Body) -> Option<Bytes> {
    let mut stream = body.into_data_stream();
    let (mut kept, mut total) = (Vec::new(), 0_usize);
    while let Some(Ok(chunk)) = stream.next().await {
        total = total.saturating_add(chunk.len());
        if total <= MAX_REQUEST_BYTES {
            kept.extend_from_slice(&chunk);
        }
    }
    (total <= MAX_REQUEST_BYTES).then(|| kept.into())
}

fn logged(parts: &Parts, body: Bytes) -> LoggedRequest {
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    LoggedRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers.iter().map(header).collect(),
        body,
        at: Instant::now(),
    }
}

fn error_body(error: ErrorObject<'_>, request_id: &str) -> Bytes {
    #[derive(serde::Serialize)]
    struct ErrorBody<'a> {
        r#type: &'a str,
        error: ErrorObject<'a>,
        request_id: &'a str,
    }
    let body = ErrorBody {
        r#type: "error",
        error,
        request_id,
    };
    serde_json::to_vec(&body).unwrap_or_default().into()
}
