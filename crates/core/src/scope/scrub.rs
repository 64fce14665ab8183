//! Which variables a command may keep when exactly one credential of Claude is to count.
//!
//! The command is the user's own and needs their environment, so this is a list of what goes, not of
//! what stays. It errs towards taking away: a name of Anthropic's that nobody here knows goes too.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use crate::shell::names::{self, Role};

/// What every credential of Anthropic's begins with.
const CREDENTIAL: &[u8] = b"sk-ant-";

/// Words in the name of a variable of Claude Code that nobody here knows, which could mean that it holds,
/// names, moves or switches a credential.
const TELLING: &[&str] = &[
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "AUTH",
    "OAUTH",
    "BEARER",
    "LOGIN",
    "URL",
    "URI",
    "ENDPOINT",
    "HOST",
    "SOCKET",
    "DESCRIPTOR",
    "FD",
    "PROVIDER",
    "USE",
    "GATEWAY",
    "PROFILE",
    "HEADER",
    "HEADERS",
    "HELPER",
    "ACCOUNT",
    "ORGANIZATION",
];

/// An environment without what could decide who pays for Claude.
pub struct Scrubbed {
    /// What is left.
    pub environment: Vec<(OsString, OsString)>,
    /// The names of what was taken away, sorted.
    pub removed: BTreeSet<String>,
}

/// Takes away every variable that names, holds, moves or switches a credential of Claude, whatever its
/// name where its value holds one.
///
/// What chooses models, networks and telemetry stays: it does not decide who pays, and without its proxy
/// or its certificates a command reaches nobody. `CLAUDE_CONFIG_DIR` stays: it says which of several
/// logins and settings are the user's choice here. `keep_cloud` also leaves the accounts of cloud
/// providers, which Claude uses only when it is switched to one, and the switches go in any case.
pub fn scrub(
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
    keep_cloud: bool,
) -> Scrubbed {
    let (gone, environment): (Vec<_>, Vec<_>) = inherited.into_iter().partition(|(name, value)| {
        holds_credential(value) || name.to_str().is_some_and(|name| goes(name, keep_cloud))
    });
    Scrubbed {
        environment,
        removed: gone
            .into_iter()
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect(),
    }
}

fn goes(name: &str, keep_cloud: bool) -> bool {
    // Windows does not tell the case of a name.
    let name = match cfg!(windows) {
        true => &*name.to_uppercase(),
        false => name,
    };
    match names::role(name) {
        Some(Role::Model | Role::Network | Role::Telemetry) => false,
        Some(Role::Provider) => !keep_cloud || is_of_claude(name),
        Some(Role::Behaviour) => name != names::CONFIG_DIR,
        Some(Role::Credential | Role::Profile | Role::Endpoint) => true,
        None => is_suspect(name),
    }
}

fn holds_credential(value: &OsStr) -> bool {
    let mut places = value.as_encoded_bytes().windows(CREDENTIAL.len());
    places.any(|bytes| bytes == CREDENTIAL)
}

fn is_of_claude(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    name.starts_with("ANTHROPIC_") || name.starts_with("CLAUDE")
}

/// Tells whether a name that nobody here knows could matter all the same.
fn is_suspect(name: &str) -> bool {
    let is_of_anthropic = name.trim_start_matches('_').starts_with("ANTHROPIC_");
    is_of_anthropic || is_of_claude(name) && name.split('_').any(|word| TELLING.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(names: &[&str]) -> Vec<(OsString, OsString)> {
        names
            .iter()
            .map(|name| (OsString::from(name), OsString::from("value")))
            .collect()
    }

    fn left(names: &[&str], keep_cloud: bool) -> Vec<String> {
        scrub(variables(names), keep_cloud)
            .environment
            .into_iter()
            .map(|(name, _)| name.into_string().unwrap())
            .collect()
    }

    #[test]
    fn every_name_of_the_table_goes_but_for_what_does_not_decide_who_pays() {
        for (pattern, role) in names::known() {
            let name = pattern.replace('*', "X");
            let stays = matches!(role, Role::Model | Role::Network | Role::Telemetry)
                || name == names::CONFIG_DIR;
            assert_eq!(!left(&[&name], false).is_empty(), stays, "{name}");
        }
    }

    #[test]
    fn cloud_accounts_stay_when_asked_for_and_what_turns_claude_to_them_never() {
        let clouds = ["AWS_PROFILE", "GOOGLE_CLOUD_PROJECT", "CLOUD_ML_REGION"];
        assert!(left(&clouds, false).is_empty());
        assert_eq!(left(&clouds, true), clouds);
        let switches = [
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_SKIP_VERTEX_AUTH",
            "ANTHROPIC_VERTEX_PROJECT_ID",
            "AWS_BEARER_TOKEN_BEDROCK",
        ];
        assert!(left(&switches, true).is_empty());
    }

    #[test]
    fn a_name_that_nobody_knows_goes_where_it_could_be_a_credential() {
        let suspect = [
            "ANTHROPIC_SOMETHING_NEW",
            "CLAUDE_CODE_NEW_TOKEN",
            "CLAUDE_CODE_USE_MOON",
            "CLAUDE_NEW_API_KEY",
            "_CLAUDE_CODE_NEW_URL",
        ];
        assert!(left(&suspect, false).is_empty());
        let harmless = [
            "PATH",
            "EDITOR",
            "SSH_AUTH_SOCK",
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            "CLAUDE_PROJECT_DIR",
            "OPENAI_API_KEY",
            "MY_ANTHROPIC_API_KEY",
        ];
        assert_eq!(left(&harmless, false), harmless);
    }

    #[test]
    fn a_credential_goes_whatever_its_variable_is_called() {
        let value = format!("x-api-key: {}api03-{}", "sk-ant-", "made-up");
        let inherited = [("NOTE", value.as_str()), ("EDITOR", "vi")]
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let scrubbed = scrub(inherited, true);
        assert_eq!(scrubbed.removed, BTreeSet::from(["NOTE".to_owned()]));
        assert_eq!(scrubbed.environment.len(), 1);
    }
}
