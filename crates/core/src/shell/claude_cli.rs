//! The user's own `claude`: where it is, its version, and whether it is logged in.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::names;
use crate::child::{self, Environment};
use crate::error::Result;

/// Where installers put the CLI under the home folder (the Agent SDK looks in the same places).
const UNDER_HOME: &[&str] = &[
    ".npm-global/bin/claude",
    ".local/bin/claude",
    "node_modules/.bin/claude",
    ".yarn/bin/claude",
    ".claude/local/claude",
];

/// Finds the CLI: in the folders of `path`, then where installers put it.
///
/// On Windows only a real `claude.exe` counts: `cmd.exe`, which would run a `claude.cmd`, can be made
/// to execute text from arguments.
#[must_use]
pub fn find(path: Option<&OsStr>, home: &Path) -> Option<PathBuf> {
    let name = if cfg!(windows) {
        "claude.exe"
    } else {
        "claude"
    };
    let on_path = path
        .map(std::env::split_paths)
        .into_iter()
        .flatten()
        // A relative entry would make the answer depend on the working directory.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name));
    let installed = UNDER_HOME
        .iter()
        .map(|rest| home.join(rest).with_file_name(name))
        .chain(std::iter::once(Path::new("/usr/local/bin").join(name)));
    on_path.chain(installed).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// The CLI, as far as it answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Cli {
    /// The program.
    pub path: PathBuf,
    /// Its version, where it said one.
    pub version: Option<String>,
}

/// How the CLI is logged in by itself, without any variable or settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// No login.
    None,
    /// A subscription login, with the plan where it is known.
    Subscription(Option<String>),
    /// The key of a Console login.
    ConsoleKey,
    /// A bearer token that no variable gave: the default Anthropic profile.
    Profile,
}

/// Asks the CLI for its version, such as `2.1.330`.
///
/// # Errors
/// As [`child::output`].
pub(super) async fn version(
    cli: &Path,
    environment: &Environment,
    deadline: Duration,
) -> Result<Option<String>> {
    let mut command = child::command(cli, environment);
    command.arg("--version");
    let answer = child::output(command, deadline, 4 << 10).await?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let word = text.split_whitespace().next().unwrap_or_default();
    let is_version = word.starts_with(|c: char| c.is_ascii_digit()) && word.len() < 40;
    Ok(is_version.then(|| word.to_owned()))
}

/// Asks the CLI how it is logged in by itself, in an empty working directory and without settings
/// files; variables that managed settings or the CLI's state file set are blanked. It sends nothing
/// and runs no helper. `Ok(None)` means that it gave no answer that could be read.
///
/// # Errors
/// As [`child::output`].
pub(super) async fn status(
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
        names::API_KEY,
        names::AUTH_TOKEN,
        names::OAUTH_TOKEN,
        names::PROFILE,
        names::FEDERATION_RULE,
        names::SIMPLE,
        names::MANAGED_BY_HOST,
        names::UNIX_SOCKET,
    ];
    let switches = names::PROVIDERS.iter().map(|(switch, _)| *switch);
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
    #[cfg(unix)]
    fn the_cli_is_found_on_the_path_first_and_must_be_a_program() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let put = |rest: &str, mode| {
            let path = folder.path().join(rest);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let installed = put(".claude/local/claude", 0o755);
        let path = std::env::join_paths([folder.path().join("a"), folder.path().join("b")]);
        let path = path.unwrap();
        put("a/claude", 0o644);
        put("b/claude.cmd", 0o755);
        assert_eq!(find(Some(&path), folder.path()), Some(installed));
        let named = put("b/claude", 0o755);
        assert_eq!(find(Some(&path), folder.path()), Some(named));
    }

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
