//! Whether the user's own `claude` is logged in, as it says itself.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::variables;
use crate::child::{self, Environment};
use crate::error::Result;

/// How the CLI is logged in by itself, without any variable or settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// No login.
    None,
    /// A subscription login, with the plan where it is known.
    Subscription(Option<String>),
    /// The key of a Console login.
    ConsoleKey,
    /// A bearer token that no variable gave: the default Anthropic profile.
    Profile,
}

/// Asks the CLI how it is logged in by itself, in an empty working directory and without settings
/// files; variables that managed settings or the CLI's state file set are blanked. It sends nothing
/// and runs no helper. `Ok(None)` means that it gave no answer that could be read.
///
/// # Errors
/// As [`child::output`].
pub async fn status(
    cli: &Path,
    environment: &Environment,
    working: &Path,
    deadline: Duration,
) -> Result<Option<Status>> {
    let mut command = child::command(cli, environment);
    command.current_dir(working).args([
        "--setting-sources",
        "",
        "--settings",
        &blank(),
        "auth",
        "status",
        "--json",
    ]);
    let answer = child::output(command, deadline, 64 << 10).await?;
    Ok(parse(&answer.stdout))
}

/// Returns settings that blank every variable which would hide the login. They hold no secret.
fn blank() -> String {
    let hiding = [
        variables::API_KEY,
        variables::AUTH_TOKEN,
        variables::OAUTH_TOKEN,
        variables::PROFILE,
        variables::FEDERATION_RULE,
        variables::SIMPLE,
        variables::MANAGED_BY_HOST,
        variables::UNIX_SOCKET,
    ];
    let switches = variables::PROVIDERS.iter().map(|(switch, _)| *switch);
    let env: serde_json::Map<String, Value> = hiding
        .into_iter()
        .chain(switches)
        .map(|name| (name.to_owned(), Value::String(String::new())))
        .collect();
    serde_json::json!({ "env": env }).to_string()
}

fn parse(stdout: &[u8]) -> Option<Status> {
    let answer: Value = serde_json::from_slice(stdout).ok()?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let logged_in = answer.get("loggedIn").and_then(Value::as_bool)?;
    Some(match text("authMethod")? {
        "claude.ai" if logged_in => {
            Status::Subscription(text("subscriptionType").map(str::to_owned))
        }
        "api_key" if text("apiKeySource") == Some("/login managed key") => Status::ConsoleKey,
        "oauth_token" if logged_in => Status::Profile,
        _ => Status::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_auth_status_are_told_apart() {
        let cases = [
            (
                r#"{"loggedIn":false,"authMethod":"none"}"#,
                Some(Status::None),
            ),
            (
                r#"{"loggedIn":true,"authMethod":"claude.ai","subscriptionType":"max"}"#,
                Some(Status::Subscription(Some("max".to_owned()))),
            ),
            (
                r#"{"loggedIn":true,"authMethod":"claude.ai","subscriptionType":null}"#,
                Some(Status::Subscription(None)),
            ),
            (
                r#"{"loggedIn":true,"authMethod":"api_key","apiKeySource":"/login managed key"}"#,
                Some(Status::ConsoleKey),
            ),
            (
                r#"{"loggedIn":true,"authMethod":"oauth_token"}"#,
                Some(Status::Profile),
            ),
            (r#"{"loggedIn":tr"#, None),
            ("error: unknown option", None),
        ];
        for (answer, expected) in cases {
            assert_eq!(parse(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn nothing_secret_is_in_the_arguments() {
        assert!(!blank().contains("sk-"));
        assert!(blank().contains(r#""ANTHROPIC_API_KEY":"""#));
    }
}
