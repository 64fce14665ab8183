//! What settings may still say to a `claude` of ours: nothing that decides who pays.
//!
//! With no settings file to read, the CLI still lays two `env` blocks over its environment: that of its
//! state file, which lies with its own login, and that of managed settings, from a file or from a server.
//! Neither shows in the account that it names. What `--settings` says outranks the first; of the second
//! the CLI says itself what holds. All seen with CLI 2.1.330.

use serde_json::{Map, Value, json};

use super::variables::{self, BASE_URL, CUSTOM_HEADERS, PROVIDERS};
use crate::error::{Code, Error, Result};

/// The server that a plan's credential goes to.
const ANTHROPIC: &str = "https://api.anthropic.com";

/// What names, moves or switches a credential, besides the switches to a provider.
const DECIDING: &[&str] = &[
    variables::API_KEY,
    variables::AUTH_TOKEN,
    variables::OAUTH_TOKEN,
    CUSTOM_HEADERS,
    BASE_URL,
    variables::UNIX_SOCKET,
    variables::PROFILE,
    variables::FEDERATION_RULE,
    variables::SIMPLE,
    variables::MANAGED_BY_HOST,
];

/// Writes the settings that hide those of the state file. They hold nothing private: a credential of ours
/// is not among them, and other users can read arguments.
pub(super) fn hiding(server: Option<&str>) -> String {
    let mut env: Map<String, Value> = deciding()
        .map(|name| (name.to_owned(), json!("")))
        .collect();
    // Empty, it would be for the CLI to say what that means.
    env.insert(BASE_URL.to_owned(), json!(server.unwrap_or(ANTHROPIC)));
    json!({ "env": env }).to_string()
}

/// Checks the settings that hold, as the CLI says them. `server` stands in for Anthropic's.
///
/// # Errors
/// [`Code::WrongPayer`] with the names of what would change who pays.
pub(super) fn check(effective: &Map<String, Value>, server: Option<&str>) -> Result<()> {
    let said = |name: &'static str| {
        let value = effective.get("env")?.get(name)?;
        let is_harmless = match value.as_str().map(str::trim) {
            Some("") => true,
            Some(url) if name == BASE_URL => url == server.unwrap_or(ANTHROPIC),
            Some(headers) if name == CUSTOM_HEADERS => !headers.lines().any(is_credential),
            _ => false,
        };
        (!is_harmless).then_some(name)
    };
    let names: Vec<_> = deciding().filter_map(said).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::WrongPayer,
        format!(
            "Managed settings set {}, so `claude` would have billed or asked somebody else than you chose. It \
             was ended before the prompt was given to it; nothing was sent.",
            names.join(", ")
        ),
    )
    .hint("Ask whoever manages this machine or your organisation's `claude`, or send with a key."))
}

fn deciding() -> impl Iterator<Item = &'static str> {
    let providers = PROVIDERS.iter().map(|(name, _)| *name);
    DECIDING.iter().copied().chain(providers)
}

/// Tells whether a line of headers holds a credential.
fn is_credential(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    ["x-api-key", "authorization"]
        .iter()
        .any(|credential| name.eq_ignore_ascii_case(credential))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(env: &Value) -> Result<()> {
        let effective = json!({ "env": env, "model": "opus" });
        check(effective.as_object().unwrap(), None)
    }

    #[test]
    fn what_is_hidden_passes_and_what_decides_does_not() {
        let hiding: Value = serde_json::from_str(&hiding(None)).unwrap();
        assert!(check(hiding.as_object().unwrap(), None).is_ok());
        let elsewhere = check(hiding.as_object().unwrap(), Some("http://127.0.0.1:1"));
        assert!(elsewhere.unwrap_err().message().contains(BASE_URL));
        assert!(check(&Map::new(), None).is_ok());
        for harmless in [
            json!({}),
            json!({ "EDITOR": "vi", "ANTHROPIC_MODEL": "opus" }),
            json!({ BASE_URL: ANTHROPIC }),
            json!({ CUSTOM_HEADERS: "X-Team: trains\nX-Authorization: no" }),
        ] {
            assert!(checked(&harmless).is_ok(), "{harmless}");
        }
        for name in deciding() {
            let error = checked(&json!({ name: "private" })).err();
            if name == CUSTOM_HEADERS {
                assert!(error.is_none());
                continue;
            }
            let error = error.unwrap_or_else(|| panic!("{name} passed"));
            assert!(error.message().contains(name), "{error}");
            assert!(!format!("{error:?}").contains("private"));
        }
        for headers in ["X-API-Key: k", "X-Team: trains\n authorization : Bearer k"] {
            assert!(checked(&json!({ CUSTOM_HEADERS: headers })).is_err());
        }
        // Nothing that is not a text is known to be harmless.
        assert!(checked(&json!({ BASE_URL: 1 })).is_err());
    }
}
