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

/// What leads the requests elsewhere, or a copy of the prompt. The state file's must not hold; that of managed
/// settings is how an organisation reaches the network at all. Seen with CLI 2.1.330: empty, each of them
/// counts as not set.
const LEADING: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "CLAUDE_CODE_HTTP_PROXY",
    "CLAUDE_CODE_HTTPS_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CLAUDE_CODE_CERT_STORE",
    "CLAUDE_CODE_CLIENT_CERT",
    "CLAUDE_CODE_CLIENT_KEY",
    "CLAUDE_CODE_ENABLE_TELEMETRY",
    "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_LOG_USER_PROMPTS",
    "BETA_TRACING_ENDPOINT",
    "CLAUDE_CODE_EXTRA_BODY",
    "ANTHROPIC_BETAS",
];

/// Writes the settings that hide those of the state file. They hold nothing private: a credential of ours
/// is not among them, and other users can read arguments.
pub(super) fn hiding(server: Option<&str>) -> String {
    let mut env: Map<String, Value> = deciding()
        .chain(LEADING.iter().copied())
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
    let helper = effective
        .get("apiKeyHelper")
        .filter(|helper| !is_nothing(helper));
    let names = deciding().filter_map(said);
    let names: Vec<_> = names.chain(helper.map(|_| "apiKeyHelper")).collect();
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

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
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
        for (helper, is_right) in [
            (json!("/usr/bin/key"), false),
            (json!(""), true),
            (json!(null), true),
        ] {
            let effective = json!({ "apiKeyHelper": helper });
            assert_eq!(
                check(effective.as_object().unwrap(), None).is_ok(),
                is_right
            );
        }
        // Nothing that is not a text is known to be harmless.
        assert!(checked(&json!({ BASE_URL: 1 })).is_err());
    }
}
