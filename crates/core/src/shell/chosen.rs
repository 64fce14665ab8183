//! What settings files make of a credential that was chosen for one `claude`.

use super::claude_settings;
use super::precedence::{Credential, Login, Payer, Source, decide};
use super::{Question, environment, findings, in_force, names, place, report};
use crate::shell::in_force::Layers;
use crate::shell::place::Place;

/// What was chosen to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The key in the environment.
    Key,
    /// The CLI's own login.
    Login,
    /// The subscription token in the environment.
    Token,
}

/// Says in a sentence each what would overrule the choice, if a `claude` were started with the environment
/// and in the folder of the question. Reads settings files and starts nothing; that there is a login is
/// taken for granted.
#[must_use]
pub fn overruled(question: &Question, chosen: Chosen) -> Vec<String> {
    let own = in_force::from_environment(question.variables(), &Place::Environment);
    let managed = question.managed();
    let config = environment::value_of(&own, names::CONFIG_DIR);
    let files = claude_settings::read(&question.folders(&managed, config));
    let layers = Layers {
        environment: &own,
        files: &files,
        profiles: &environment::profiles(question, &own),
    };
    let login = Login {
        subscription: Some(None),
        console_key: in_force::console_key(&files),
        default_profile: false,
    };
    let payer = decide(&layers.facts(&login));
    let mut said = Vec::new();
    if !is_as_chosen(&payer, chosen) {
        let billed = report::billed(&payer, &question.home);
        said.push(format!("A settings file overrules this: claude {billed}."));
    }
    said.extend(redirects(question, &layers));
    said
}

fn is_as_chosen(payer: &Payer, chosen: Chosen) -> bool {
    let Payer::One { source } = payer else {
        return false;
    };
    let is_set_as = |wanted: &str, credential: &Credential| {
        credential.name == wanted && credential.place == Place::Environment
    };
    match (source, chosen) {
        (Source::Credential(credential), Chosen::Key) => is_set_as(names::API_KEY, credential),
        (Source::Credential(credential), Chosen::Token) => {
            is_set_as(names::OAUTH_TOKEN, credential)
        }
        (Source::Login { .. }, Chosen::Login) => true,
        _ => false,
    }
}

/// Says where a settings file sends the credential, if it is not where the environment does.
fn redirects(question: &Question, layers: &Layers<'_>) -> Vec<String> {
    let has_own_server = environment::value_of(layers.environment, names::BASE_URL).is_some();
    [names::UNIX_SOCKET, names::BASE_URL]
        .into_iter()
        .filter_map(|name| layers.in_force(name))
        .filter(|setting| setting.scope.is_some())
        .filter_map(|setting| {
            let server = match setting.name.as_str() {
                names::BASE_URL => place::host(setting.value.expose().trim()),
                _ => "a local socket".to_owned(),
            };
            let is_usual = server == findings::ANTHROPIC && !has_own_server;
            (!is_usual).then(|| {
                format!(
                    "A settings file sends the credential to {server} ({}, {}).",
                    setting.name,
                    setting.place.shown(&question.home)
                )
            })
        })
        .collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::path::Path;

    use super::super::Asker;
    use super::*;

    fn question(home: &Path, variables: &[(&str, &str)]) -> Question {
        Question {
            asker: Asker::Terminal,
            environment: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            home: home.to_owned(),
            working: home.join("work"),
            root: home.to_owned(),
            shell_deadline: None,
            cli_deadline: None,
            cli: None,
        }
    }

    fn house(file: &str, text: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        home
    }

    const KEY: (&str, &str) = (names::API_KEY, "a-key-of-a-gateway");
    const TOKEN: (&str, &str) = (names::OAUTH_TOKEN, "a-token");

    #[test]
    fn nothing_is_said_where_the_choice_stands() {
        let home = house(".claude/settings.json", r#"{"env":{"EDITOR":"vi"}}"#);
        assert!(overruled(&question(home.path(), &[KEY]), Chosen::Key).is_empty());
        assert!(overruled(&question(home.path(), &[]), Chosen::Login).is_empty());
        assert!(overruled(&question(home.path(), &[TOKEN]), Chosen::Token).is_empty());
    }

    #[test]
    fn a_settings_file_that_overrules_the_choice_is_named() {
        for (file, text, named) in [
            (
                ".claude/settings.json",
                r#"{"env":{"ANTHROPIC_API_KEY":"another"}}"#,
                "~/.claude/settings.json, line 1",
            ),
            (
                "work/.claude/settings.local.json",
                r#"{"env":{"ANTHROPIC_AUTH_TOKEN":"another"}}"#,
                "settings.local.json, line 1",
            ),
            (
                "etc/claude-code/managed-settings.json",
                r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}"#,
                "Amazon Bedrock",
            ),
        ] {
            let home = house(file, text);
            for (variables, chosen) in [
                (&[KEY][..], Chosen::Key),
                (&[], Chosen::Login),
                (&[TOKEN], Chosen::Token),
            ] {
                let said = overruled(&question(home.path(), variables), chosen);
                assert_eq!(said.len(), 1, "{file}: {said:?}");
                assert!(said[0].contains(named), "{said:?}");
            }
        }
    }

    #[test]
    fn a_helper_outranks_the_login_and_fills_the_second_slot_beside_a_key() {
        let home = house(".claude/settings.json", r#"{"apiKeyHelper":"print-a-key"}"#);
        for (variables, chosen) in [(&[KEY][..], Chosen::Key), (&[], Chosen::Login)] {
            let said = overruled(&question(home.path(), variables), chosen);
            assert!(said[0].contains("apiKeyHelper"), "{said:?}");
        }
    }

    #[test]
    fn a_server_that_a_settings_file_names_is_said() {
        let elsewhere = r#"{"env":{"ANTHROPIC_BASE_URL":"https://gateway.example"}}"#;
        let usual = r#"{"env":{"ANTHROPIC_BASE_URL":"https://api.anthropic.com"}}"#;
        let own = (names::BASE_URL, "https://mine.example");
        for (text, variables, is_said) in [
            (elsewhere, &[KEY][..], true),
            (elsewhere, &[KEY, own], true),
            (usual, &[KEY], false),
            (usual, &[KEY, own], true),
        ] {
            let home = house(".claude/settings.json", text);
            let said = overruled(&question(home.path(), variables), Chosen::Key);
            assert_eq!(!said.is_empty(), is_said, "{text} {variables:?}: {said:?}");
        }
    }
}
