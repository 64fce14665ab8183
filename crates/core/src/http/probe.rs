//! What a key is good for, found out as cheaply as possible.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Http;
use super::endpoint::Endpoint;
use super::verdict::{Kind, Verdict};
use crate::clock::Millis;
use crate::error::{Code, Error};
use crate::secret::ApiKey;
use crate::usage::Tokens;

/// What a check found out about a key.
#[derive(Debug)]
pub enum Check {
    /// The key is accepted. The free check sees neither credit nor permission for one model.
    Valid,
    /// Wrong, revoked, deleted, inactive or expired; the server does not say which.
    Refused(Error),
    /// The key exists but may not do this.
    NotAllowed(Error),
    /// Its organisation is disabled or on hold.
    Disabled(Error),
    /// A payment problem, or a spend limit that is reached.
    Billing(Error),
    /// The key is good, but there is no credit.
    NoCredit(Error),
    /// Nothing was found out: the network, a busy server. The last verdict stands.
    Unknown(Error),
}

impl Check {
    /// Returns the word of `api_keys.validity`, or `None` where the last verdict stands.
    #[must_use]
    pub fn validity(&self) -> Option<&'static str> {
        Some(match self {
            Self::Valid => "valid",
            Self::Refused(_) => "refused",
            Self::NotAllowed(_) => "not_allowed",
            Self::Disabled(_) => "disabled",
            Self::Billing(_) => "billing",
            Self::NoCredit(_) => "no_credit",
            Self::Unknown(_) => return None,
        })
    }

    /// Returns what to tell the user, unless all is well.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Valid => None,
            Self::Refused(e)
            | Self::NotAllowed(e)
            | Self::Disabled(e)
            | Self::Billing(e)
            | Self::NoCredit(e)
            | Self::Unknown(e) => Some(e),
        }
    }

    /// Takes out what to tell the user, unless all is well.
    #[must_use]
    pub fn into_error(self) -> Option<Error> {
        match self {
            Self::Valid => None,
            Self::Refused(e)
            | Self::NotAllowed(e)
            | Self::Disabled(e)
            | Self::Billing(e)
            | Self::NoCredit(e)
            | Self::Unknown(e) => Some(e),
        }
    }
}

impl From<Verdict> for Check {
    fn from(verdict: Verdict) -> Self {
        let error = verdict.error;
        match verdict.kind {
            // The key got as far as the model: it works.
            Kind::NoModel => Self::Valid,
            Kind::BadKey | Kind::SubscriptionToken => Self::Refused(error),
            Kind::NotAllowed => Self::NotAllowed(error),
            Kind::OrganizationDisabled | Kind::OrganizationOnHold => Self::Disabled(error),
            Kind::Billing | Kind::OwnSpendLimit | Kind::TierCap => Self::Billing(error),
            Kind::NoCredit => Self::NoCredit(error),
            _ => Self::Unknown(error),
        }
    }
}

/// Asks whether the server accepts the key, with a request that costs nothing
/// (`GET /v1/models?limit=1`).
pub async fn check_key(http: &Http, endpoint: &Endpoint, key: &ApiKey, now: Millis) -> Check {
    let reply = match http.get(endpoint, "/v1/models?limit=1", key).await {
        Ok(reply) => reply,
        Err(verdict) => return verdict.into(),
    };
    match http.whole_or_verdict(reply, endpoint, key, now).await {
        // A login page of a hotel's network is a 200 as well.
        Ok(body) if serde_json::from_slice::<Value>(&body).is_ok_and(|v| v["data"].is_array()) => {
            Check::Valid
        }
        Ok(_) => Check::Unknown(
            Error::new(
                Code::Refused,
                format!(
                    "{} answered, but not with a list of models.",
                    endpoint.host()
                ),
            )
            .hint("Check the base URL, and whether the network wants a sign-in first."),
        ),
        Err(verdict) => verdict.into(),
    }
}

/// What a real call found out, and what it used.
#[derive(Debug)]
pub struct RealCall {
    /// The verdict on the key.
    pub check: Check,
    /// The model that was called.
    pub model: String,
    /// What to book, or `None` if nothing was billed.
    pub tokens: Option<Tokens>,
    /// Whether the server reported that; else it is [`REAL_CALL_TOKENS`], for want of anything better.
    pub is_reported: bool,
}

/// What [`test_with_real_call`] sends.
pub const REAL_CALL_PROMPT: &str = "hi";

/// About what [`test_with_real_call`] uses, to say what it costs beforehand.
pub const REAL_CALL_TOKENS: Tokens = Tokens {
    input: 8,
    output: 1,
    cache_write_5m: 0,
    cache_write_1h: 0,
    cache_read: 0,
    thinking: 0,
    web_searches: 0,
};

/// The counts without which a report is none.
#[derive(Deserialize)]
struct WholeUsage {
    input_tokens: u64,
    output_tokens: u64,
    // A gateway may put a prompt of its own before ours, and cache it.
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl From<WholeUsage> for Tokens {
    fn from(usage: WholeUsage) -> Self {
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_write_5m: usage.cache_creation_input_tokens.unwrap_or_default(),
            cache_read: usage.cache_read_input_tokens.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Sends the smallest possible prompt to `model`, which should be the cheapest active one of the
/// server's list: the only way to see whether there is credit. Costs about [`REAL_CALL_TOKENS`].
pub async fn test_with_real_call(
    http: &Http,
    endpoint: &Endpoint,
    key: &ApiKey,
    model: &str,
    now: Millis,
) -> RealCall {
    let body = json!({
        "model": model,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": REAL_CALL_PROMPT}],
    });
    let ended = |check, tokens| RealCall {
        check,
        model: model.to_owned(),
        tokens,
        is_reported: false,
    };
    let body = Bytes::from(body.to_string());
    let reply = match http.post(endpoint, "/v1/messages", key, body, &[]).await {
        Ok(reply) => reply,
        Err(verdict) => {
            let tokens = verdict.may_have_run.then_some(REAL_CALL_TOKENS);
            return ended(verdict.into(), tokens);
        }
    };
    match http.whole_or_verdict(reply, endpoint, key, now).await {
        Ok(body) => {
            let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            if answer["type"] != "message" {
                // Whatever answered may have passed the call on.
                return ended(Check::Unknown(no_message(endpoint)), Some(REAL_CALL_TOKENS));
            }
            let usage = serde_json::from_value::<WholeUsage>(answer["usage"].take()).ok();
            RealCall {
                is_reported: usage.is_some(),
                ..ended(
                    Check::Valid,
                    Some(usage.map_or(REAL_CALL_TOKENS, Tokens::from)),
                )
            }
        }
        Err(verdict) => {
            let tokens = verdict.may_have_run.then_some(REAL_CALL_TOKENS);
            ended(verdict.into(), tokens)
        }
    }
}

fn no_message(endpoint: &Endpoint) -> Error {
    Error::new(
        Code::Refused,
        format!(
            "{} answered, but not with a message of a model, so nothing was found out about the key.",
            endpoint.host()
        ),
    )
    .hint("Check the base URL, and whether the network wants a sign-in first.")
}

#[derive(Deserialize)]
struct Counted {
    input_tokens: u64,
}

/// Asks the server how many tokens a prompt has. Free, with a rate limit of its own. `body` is a
/// Messages body without `max_tokens` and `stream`.
///
/// # Errors
/// The verdict; gateways often don't know this call.
pub async fn count_tokens(
    http: &Http,
    endpoint: &Endpoint,
    key: &ApiKey,
    body: Bytes,
    now: Millis,
) -> Result<u64, Verdict> {
    let path = "/v1/messages/count_tokens";
    let reply = http.post(endpoint, path, key, body, &[]).await?;
    let body = http.whole_or_verdict(reply, endpoint, key, now).await?;
    serde_json::from_slice::<Counted>(&body)
        .map(|counted| counted.input_tokens)
        .map_err(|_| Verdict::broken(endpoint))
}
