//! What a server's refusal means, and what to do about it: one pure table.
//!
//! Source: the API's error page. Its wording may change, so status, `error.type` and
//! `error.details.error_code` decide; texts are matched only where the API gives nothing else
//! (low credit, spend limits and disabled organisations are all a plain 400).

mod advice;
mod failure;
mod table;

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::endpoint::Endpoint;
use crate::clock::Millis;
use crate::error::Error;
use crate::secret::{ApiKey, redact_known};
use crate::text;
use table::{Facts, kind};

/// How much of a server's text is repeated to people, in characters.
const TEXT_MAX: usize = 300;

/// How much of a server's text is looked at, in bytes.
const HEAD_MAX: usize = 64 * 1024;

/// With these, something on the way gives up on a server that has the request. The API says so in
/// a body of its own, and does not bill then; nobody knows what is behind another body.
const GAVE_UP: [u16; 4] = [408, 502, 504, 524];

/// So many characters of a key would tell something of it.
const TELLING: usize = 4;

/// What stands behind a refusal or failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The request makes no sense to the server.
    BadRequest,
    /// The prepaid credit is used up.
    NoCredit,
    /// The spend limit that the owner set, for the organisation or workspace, is reached.
    OwnSpendLimit,
    /// The organisation is disabled.
    OrganizationDisabled,
    /// The organisation is on hold.
    OrganizationOnHold,
    /// The key is wrong, revoked, deleted or expired.
    BadKey,
    /// The credential is a subscription's and not a key.
    SubscriptionToken,
    /// A payment problem.
    Billing,
    /// The organisation's own encryption key, without which nothing is served, can't be used.
    EncryptionKey,
    /// The key lacks a permission.
    NotAllowed,
    /// The region or network is blocked; says nothing of the key.
    RegionBlocked,
    /// No such model, or a retired one.
    NoModel,
    /// No such path: probably not a server of this API.
    NotFound,
    /// The request is larger than the server takes.
    TooLarge,
    /// The monthly cap of the organisation's tier or contract is reached.
    TierCap,
    /// Too many requests or tokens for now.
    RateLimited,
    /// In conflict with another request.
    Conflict,
    /// The server gave up waiting.
    ServerTimeout,
    /// The server failed.
    ServerFault,
    /// The server has too much to do.
    Overloaded,
    /// The server wants to send us, and the key, elsewhere.
    Redirected,
    /// The answer is not one of this API.
    NotTheApi,
    /// No connection came about; nothing was sent.
    Unreachable,
    /// The server could not prove who it is; nothing was sent.
    Untrusted,
    /// The connection broke after the request had begun to leave.
    Broken,
    /// No answer within our own limit.
    Silent,
    /// Something on this side: nothing was sent.
    Local,
}

impl Kind {
    /// Tells whether the same request may succeed a little later.
    fn may_pass(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::Conflict
                | Self::ServerTimeout
                | Self::ServerFault
                | Self::Overloaded
                | Self::Unreachable
        )
    }
}

/// Says that the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How long the server asked to wait.
    pub after: Option<Duration>,
}

/// A refusal or failure: what it is, how to tell it to people, and whether trying again may help.
#[derive(Debug)]
pub struct Verdict {
    /// What stands behind it.
    pub kind: Kind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What happened, what it means, what to do.
    pub error: Error,
    /// Present if the same request may be sent again.
    pub retry: Option<Retry>,
    /// The server's name for the request.
    pub request_id: Option<String>,
    /// The request may have been carried out, and be billed, although no answer came.
    pub may_have_run: bool,
}

/// The API's error body; everything may be missing, and proxies send something else altogether.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: BodyError,
    request_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BodyError {
    r#type: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    error_code: Option<String>,
    appeal_url: Option<String>,
}

impl Verdict {
    /// Judges an answer that is not a success. `now` is for a `retry-after` that names a date.
    #[must_use]
    pub fn of(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        endpoint: &Endpoint,
        key: &ApiKey,
        now: Millis,
    ) -> Self {
        let parsed = serde_json::from_slice::<Body>(body).ok();
        let is_ours = parsed
            .as_ref()
            .is_some_and(|body| body.error.message.is_some() || body.error.r#type.is_some());
        let parsed = parsed.unwrap_or_default();
        let details = parsed.error.details.unwrap_or_default();
        let message = parsed.error.message.unwrap_or_default();
        let kind = kind(&Facts {
            status,
            error_type: parsed.error.r#type.as_deref().unwrap_or_default(),
            error_code: details.error_code.as_deref().unwrap_or_default(),
            message: &message,
        });
        let said = if is_ours {
            shown(&message, key)
        } else {
            shown(&String::from_utf8_lossy(body), key)
        };
        let after = retry_after(headers, now);
        let error = advice::error(&advice::Told {
            kind,
            status,
            said: &said,
            host: &endpoint.host(),
            after,
            appeal: details.appeal_url.as_deref().map(|url| shown(url, key)),
        });
        let may_have_run = !is_ours && GAVE_UP.contains(&status);
        Self {
            kind,
            status: Some(status),
            error: if may_have_run {
                error.hint(failure::MAY_BE_BILLED)
            } else {
                error
            },
            retry: retry(kind, status, headers, after).filter(|_| !may_have_run),
            may_have_run,
            request_id: parsed.request_id.map(|id| shown(&id, key)).or_else(|| {
                let sent = headers.get("request-id")?.to_str().ok()?;
                Some(shown(sent, key))
            }),
        }
    }

    /// Judges an `error` event in the middle of a stream, where the status was 200 long ago.
    #[must_use]
    pub fn in_stream(
        error_type: &str,
        message: &str,
        request_id: Option<String>,
        endpoint: &Endpoint,
        key: &ApiKey,
    ) -> Self {
        let status = match error_type {
            "overloaded_error" => 529,
            "rate_limit_error" => 429,
            "timeout_error" => 504,
            "authentication_error" => 401,
            "billing_error" => 402,
            "permission_error" => 403,
            "not_found_error" => 404,
            "request_too_large" => 413,
            "invalid_request_error" => 400,
            _ => 500,
        };
        let kind = kind(&Facts {
            status,
            error_type,
            error_code: "",
            message,
        });
        let told = advice::Told {
            kind,
            status,
            said: &shown(message, key),
            host: &endpoint.host(),
            after: None,
            appeal: None,
        };
        Self {
            kind,
            status: None,
            error: advice::error(&told),
            // The first part has been seen and paid for: the user decides about a second try.
            retry: None,
            request_id,
            may_have_run: true,
        }
    }
}

/// Decides whether the same request may be sent again. `x-should-retry` overrides the status, but
/// where only the owner can help (credit, caps, keys) trying again never does.
fn retry(kind: Kind, status: u16, headers: &HeaderMap, after: Option<Duration>) -> Option<Retry> {
    let asked = headers
        .get("x-should-retry")
        .and_then(|value| match value.as_bytes() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        });
    // A 429 that names no time is a cap in disguise: waiting does not lift it.
    let by_itself = status != 429 || after.is_some();
    (kind.may_pass() && asked.unwrap_or(by_itself)).then_some(Retry { after })
}

/// Reads `retry-after-ms`, else `retry-after` in seconds or as an HTTP date.
fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let duration = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    let wait = sent("retry-after-ms")
        .and_then(number)
        .and_then(|ms| duration(ms / 1000.0))
        .or_else(|| {
            let text = sent("retry-after")?;
            number(text).and_then(duration).or_else(|| until(text, now))
        })?;
    (!wait.is_zero()).then_some(wait)
}

fn until(date: &str, now: Millis) -> Option<Duration> {
    let then = httpdate::parse_http_date(date.trim()).ok()?;
    let since_epoch = then.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now.0).ok()?);
    since_epoch.checked_sub(now)
}

/// Makes a server's text fit to be shown: without the key, on one line, bounded.
fn shown(text: &str, key: &ApiKey) -> String {
    // Cut generously first: the text may be megabytes of a proxy's page.
    let head = &text[..text.floor_char_boundary(HEAD_MAX.min(text.len()))];
    let clean = redact_known(without_start_of(head, key.expose()), key);
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    text::shown(&words, TEXT_MAX)
}

/// Takes off the end of a text what a cut left of the key there, which is not the key any more
/// and would not be redacted.
fn without_start_of<'a>(text: &'a str, key: &str) -> &'a str {
    let ends = key.char_indices().map(|(at, _)| at).rev();
    let mut starts = ends.filter(|at| *at >= TELLING).map(|at| &key[..at]);
    let found = starts.find_map(|start| text.strip_suffix(start));
    found.unwrap_or(text)
}

#[cfg(test)]
mod tests;
