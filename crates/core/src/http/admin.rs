//! What can be asked with an admin key without changing anything.

use serde::Deserialize;

use super::client::Http;
use super::endpoint::Endpoint;
use super::probe::Check;
use crate::clock::Millis;
use crate::error::{Code, Error};
use crate::secret::ApiKey;

#[derive(Deserialize)]
struct Organization {
    #[serde(rename = "type")]
    kind: String,
}

/// Asks whether the server accepts an admin key, for free (`GET /v1/organizations/me`).
pub async fn check_admin_key(http: &Http, endpoint: &Endpoint, key: &ApiKey, now: Millis) -> Check {
    let reply = match http.get(endpoint, "/v1/organizations/me", key).await {
        Ok(reply) => reply,
        Err(verdict) => return verdict.into(),
    };
    match http.whole_or_verdict(reply, endpoint, key, now).await {
        Ok(body) => match serde_json::from_slice::<Organization>(&body) {
            Ok(organization) if organization.kind == "organization" => Check::Valid,
            _ => Check::Unknown(
                Error::new(
                    Code::Refused,
                    format!(
                        "{} answered, but did not name an organisation.",
                        endpoint.host()
                    ),
                )
                .hint("Check the base URL, and whether the network wants a sign-in first."),
            ),
        },
        Err(verdict) => verdict.into(),
    }
}
