//! Response headers, and what request headers mean.

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use crate::SIMULATED_HEADER;
use crate::log::LoggedRequest;
use crate::reply::Reply;

/// The beta that an OAuth token needs.
pub(super) const OAUTH_BETA: &str = "oauth-2025-04-20";

const ORGANIZATION: &str = "00000000-0000-4000-8000-51d0000000a1";

/// A limit's name, its size, and what is left after one small request.
const LIMITS: &[(&str, u64, u64)] = &[
    ("requests", 4_000, 3_999),
    ("input-tokens", 2_000_000, 2_000_000),
    ("output-tokens", 400_000, 400_000),
    ("tokens", 2_400_000, 2_400_000),
];

/// Tells whether a credential is a subscription's token and not a key.
pub(super) fn is_oauth(credential: &str) -> bool {
    credential.starts_with("sk-ant-oat01-")
}

/// Tells whether the request names this beta.
pub(super) fn has_beta(headers: &HeaderMap, beta: &str) -> bool {
    let sent = headers.get_all("anthropic-beta").iter();
    let mut names = sent
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','));
    names.any(|name| name.trim() == beta)
}

/// Sets status and headers of a reply. What the script sets comes last and wins.
pub(super) fn complete(
    response: &mut Response,
    reply: &Reply,
    content_type: &str,
    request_id: &str,
    request: &LoggedRequest,
) {
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    set(headers, CONTENT_TYPE.as_str(), content_type);
    if !reply.from_proxy {
        set(headers, "request-id", request_id);
        if reply.status != 401 {
            set(headers, "anthropic-organization-id", ORGANIZATION);
            limits(headers, reply.status, request);
        }
    }
    for (name, value) in &reply.headers {
        set(headers, name, value);
    }
    set(headers, SIMULATED_HEADER, "true");
}

/// Sets the rate-limit headers of a Messages reply: a key's, or a subscription's.
#[expect(
    clippy::disallowed_methods,
    reason = "a server's limits reset by its own wall clock"
)]
fn limits(headers: &mut HeaderMap, status: u16, request: &LoggedRequest) {
    if !request.path.starts_with("/v1/messages") {
        return;
    }
    let now = Timestamp::now();
    let in_one_minute = now
        .saturating_add(SignedDuration::from_secs(60))
        .unwrap_or(now);
    let reset = format!("{in_one_minute:.0}");
    if request.credential().is_some_and(is_oauth) {
        return plan_limits(headers, status == 429, now);
    }
    for (name, limit, remaining) in LIMITS {
        let prefix = format!("anthropic-ratelimit-{name}");
        let remaining = if status == 429 { 0 } else { *remaining };
        set(headers, &format!("{prefix}-limit"), &limit.to_string());
        set(
            headers,
            &format!("{prefix}-remaining"),
            &remaining.to_string(),
        );
        set(headers, &format!("{prefix}-reset"), &reset);
    }
}

/// Sets the limits of a plan, of which a part is used: so much that `claude` tells of it.
fn plan_limits(headers: &mut HeaderMap, is_rejected: bool, now: Timestamp) {
    let (standing, used) = match is_rejected {
        true => ("rejected", "1"),
        false => ("allowed_warning", "0.62"),
    };
    let after = |hours| {
        let at = now.saturating_add(SignedDuration::from_hours(hours));
        at.unwrap_or(now).as_second().to_string()
    };
    let (soon, later) = (after(2), after(60));
    for (name, value) in [
        ("status", standing),
        ("representative-claim", "five_hour"),
        ("reset", &soon),
        ("5h-status", standing),
        ("5h-utilization", used),
        ("5h-surpassed-threshold", "0.5"),
        ("5h-reset", &soon),
        ("7d-status", "allowed"),
        ("7d-utilization", "0.34"),
        ("7d-reset", &later),
    ] {
        set(
            headers,
            &format!("anthropic-ratelimit-unified-{name}"),
            value,
        );
    }
}

/// Sets a header; a name or value that HTTP cannot carry is left out.
fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
