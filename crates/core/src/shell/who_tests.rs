//! Whole answers, in houses of their own: real shells, and a `claude` that follows a script.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::shell::place::Place;
use crate::shell::precedence::{Payer, Source};

struct House {
    folder: tempfile::TempDir,
    question: Question,
}

impl House {
    /// Makes a house whose user has `shell` and a `claude` with a Max login.
    fn new(shell: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let variable = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
        let house = Self {
            question: Question {
                asker: Asker::Terminal,
                environment: vec![variable("SHELL", shell), variable("PATH", &path)],
                home: root.join("home"),
                working: root.join("work"),
                root: root.clone(),
                shell_deadline: Some(Duration::from_secs(20)),
                cli_deadline: Some(Duration::from_secs(20)),
                cli: None,
            },
            folder,
        };
        std::fs::create_dir_all(root.join("work")).unwrap();
        house.file("home/.claude.json", "{}").file(
            "bin/claude",
            r#"#!/bin/sh
case "$*" in
  --version) echo '2.1.330 (Claude Code)' ;;
  *) echo '{"loggedIn":true,"authMethod":"claude.ai","subscriptionType":"max"}' ;;
esac
"#,
        )
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.question.environment.push((name.into(), value.into()));
        self
    }

    async fn who(&self) -> Report {
        who(&self.question).await
    }
}

const BASH: &str = "/bin/bash";

fn key() -> String {
    format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple())
}

fn last4(key: &str) -> &str {
    &key[key.len() - 4..]
}

fn finding<'a>(report: &'a Report, name: &str, source: &str) -> &'a Finding {
    let mut all = report.findings.iter();
    all.find(|found| found.name == name && found.source == source)
        .unwrap_or_else(|| panic!("no {name} {source} in {:#?}", report.findings))
}

#[tokio::test]
async fn a_key_in_force_is_traced_to_the_line_that_sets_it() {
    let (old, new) = (key(), key());
    let house = House::new(BASH)
        .file(
            "home/.bash_profile",
            &format!("export ANTHROPIC_API_KEY={old}\n. ~/.keys\n"),
        )
        .file(
            "home/.keys",
            &format!("\n\nexport ANTHROPIC_API_KEY=\"{new}\"\n"),
        )
        .file("home/.zshrc", &format!("export ANTHROPIC_API_KEY={old}\n"))
        .variable(names::API_KEY, &new);
    let report = house.who().await;
    let sentence = format!(
        "Plain `claude -p` bills key …{}, from ~/.keys, line 3.",
        last4(&new)
    );
    assert_eq!(report.sentence, sentence);
    assert_eq!(report.next, None);
    assert_eq!(
        report.cli.as_ref().unwrap().version.as_deref(),
        Some("2.1.330")
    );
    let own = finding(&report, names::API_KEY, "from ~/.keys, line 3");
    assert_eq!(own.state, State::InForce);
    let earlier = finding(&report, names::API_KEY, "from ~/.bash_profile, line 1");
    let by = "ANTHROPIC_API_KEY, from ~/.keys, line 3".to_owned();
    assert_eq!(earlier.state, State::Overridden { by });
    let foreign = finding(&report, names::API_KEY, "from ~/.zshrc, line 1");
    assert!(
        matches!(&foreign.state, State::Unused { .. }),
        "{foreign:?}"
    );
    let login = finding(&report, names::LOGIN, "through the login of the CLI");
    assert!(matches!(&login.state, State::Overridden { by } if by.contains(last4(&new))));
    assert_eq!(report.findings[0].state, State::InForce);
}

#[tokio::test]
async fn the_key_that_pays_can_be_taken_over_and_no_other_secret_can() {
    let key = key();
    let text = format!("export ANTHROPIC_API_KEY={key}\n");
    let mut house = House::new(BASH).file("home/.bash_profile", &text);
    assert!(paying_key(&house.question).await.is_none(), "the plan pays");
    house.question.asker = Asker::Desktop;
    let (credential, taken) = paying_key(&house.question).await.unwrap();
    assert_eq!(taken.expose(), key);
    assert_eq!(credential.last4, last4(&key));
    assert!(matches!(credential.place, Place::ShellFile { line: 1, .. }));
    let token = key.replace("sk-ant-api03-", "sk-ant-oat01-");
    let text = format!("export CLAUDE_CODE_OAUTH_TOKEN={token}\n");
    let mut house = House::new(BASH).file("home/.bash_profile", &text);
    house.question.asker = Asker::Desktop;
    assert!(
        paying_key(&house.question).await.is_none(),
        "a token is no key"
    );
}

#[tokio::test]
async fn a_line_that_was_added_but_not_sourced_bills_the_next_terminal() {
    let key = key();
    let text = format!("export ANTHROPIC_API_KEY={key}\n");
    let report = House::new(BASH)
        .file("home/.bash_profile", &text)
        .who()
        .await;
    assert_eq!(
        report.sentence,
        "Plain `claude -p` bills your plan (Claude Max), through the login of the CLI."
    );
    let next = report.next.as_ref().unwrap();
    let sentence = format!(
        "In a new terminal, plain `claude -p` bills key …{}, from ~/.bash_profile, line 1.",
        last4(&key)
    );
    assert_eq!(next.sentence, sentence);
    let line = finding(&report, names::API_KEY, "from ~/.bash_profile, line 1");
    assert_eq!(line.state, State::Pending);
}

#[cfg(not(target_os = "macos"))]
#[tokio::test]
async fn a_line_that_only_terminals_read_bills_the_next_terminal_too() {
    let key = key();
    let report = House::new(BASH)
        .file("home/.bash_profile", "true\n")
        .file("home/.bashrc", &format!("export ANTHROPIC_API_KEY={key}\n"))
        .who()
        .await;
    let sentence = format!(
        "In a new terminal, plain `claude -p` bills key …{}, from ~/.bashrc, line 1.",
        last4(&key)
    );
    assert_eq!(report.next.as_ref().unwrap().sentence, sentence);
}

#[tokio::test]
async fn a_variable_of_this_terminal_alone_does_not_bill_the_next_one() {
    let report = House::new(BASH)
        .variable(names::API_KEY, &key())
        .who()
        .await;
    assert!(
        report.sentence.ends_with("set in this environment only."),
        "{}",
        report.sentence
    );
    let source = Source::Login {
        plan: Some("max".to_owned()),
    };
    assert_eq!(report.next.unwrap().payer, Payer::One { source });
}

#[tokio::test]
async fn a_desktop_program_is_told_what_a_login_shell_exports() {
    let key = key();
    let text = format!("export ANTHROPIC_API_KEY=$(echo {key})\n");
    let mut house = House::new(BASH).file("home/.bash_profile", &text);
    house.question.asker = Asker::Desktop;
    let report = house.who().await;
    let sentence = format!(
        "Plain `claude -p` bills key …{}, from ~/.bash_profile, line 1.",
        last4(&key)
    );
    assert_eq!(report.sentence, sentence);
}

#[tokio::test]
async fn a_shell_that_hangs_becomes_a_note_and_its_files_still_count() {
    let key = key();
    let text = format!("export ANTHROPIC_API_KEY={key}\nsleep 600\n");
    let mut house = House::new(BASH).file("home/.bash_profile", &text);
    house.question.asker = Asker::Desktop;
    house.question.shell_deadline = Some(Duration::from_millis(300));
    let report = house.who().await;
    let note = "Your login shell did not answer in 0.3 s.";
    assert!(
        report.notes.iter().any(|own| own == note),
        "{:?}",
        report.notes
    );
    assert!(report.sentence.contains(last4(&key)), "{}", report.sentence);
}

#[tokio::test]
async fn a_cli_that_hangs_becomes_a_note_and_its_login_file_still_counts() {
    let mut house = House::new(BASH)
        .file("bin/claude", "#!/bin/sh\nsleep 600\n")
        .file("home/.claude/.credentials.json", "never read");
    house.question.cli_deadline = Some(Duration::from_millis(300));
    house.question.shell_deadline = None;
    let report = house.who().await;
    let source = Source::Login { plan: None };
    assert_eq!(report.payer, Payer::One { source });
    assert!(
        report.notes.iter().any(|note| note.contains("auth status")),
        "{:?}",
        report.notes
    );
}

#[tokio::test]
async fn a_redirected_base_url_is_told_by_its_host_alone() {
    let report = House::new(BASH)
        .file(
            "work/.claude/settings.json",
            r#"{
  "env": {
    "ANTHROPIC_BASE_URL": "https://user:password@gateway.example:8443/v1"
  }
}"#,
        )
        .who()
        .await;
    let redirect = report.redirect.as_ref().unwrap();
    assert_eq!(redirect.host, "gateway.example:8443");
    assert!(!serde_json::to_string(&report).unwrap().contains("password"));
    assert!(
        redirect.sentence.contains("settings.json, line 3"),
        "{}",
        redirect.sentence
    );
}

#[tokio::test]
async fn no_secret_is_in_the_report() {
    let keys: Vec<String> = (0..8).map(|_| key()).collect();
    let report = House::new(BASH)
        .variable(names::API_KEY, &keys[0])
        .variable(names::AUTH_TOKEN, &keys[1])
        .variable(names::CUSTOM_HEADERS, &format!("x-api-key: {}", keys[2]))
        .variable(names::PROFILE, &keys[3])
        .file(
            "home/.bashrc",
            &format!("alias claude='ANTHROPIC_API_KEY={} claude'", keys[4]),
        )
        .file("work/.env", &format!("ANTHROPIC_API_KEY={}", keys[5]))
        .file(
            "home/.claude/settings.json",
            &format!(
                r#"{{"env":{{"ANTHROPIC_API_KEY":"{}"}},"apiKeyHelper":"echo {}"}}"#,
                keys[6], keys[7]
            ),
        )
        .who()
        .await;
    let text = format!("{report:?}{}", serde_json::to_string(&report).unwrap());
    for key in &keys {
        assert!(!text.contains(&key[..key.len() - 4]), "{text}");
    }
    for key in [&keys[1], &keys[2]] {
        assert!(report.sentence.contains(last4(key)), "{}", report.sentence);
    }
    assert!(
        report.notes.iter().any(|note| note.contains("alias")),
        "{:?}",
        report.notes
    );
}

#[tokio::test]
async fn a_house_without_anything_bills_nobody() {
    let mut house = House::new(BASH).file("bin/claude", "");
    house
        .question
        .environment
        .retain(|(name, _)| name != "PATH");
    let report = house.who().await;
    assert_eq!(
        report.sentence,
        "Plain `claude -p` bills nobody: not logged in."
    );
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn the_local_settings_of_the_repository_root_outrank_those_of_the_working_directory() {
    let (above, below) = (key(), key());
    let local = |key: &str| format!(r#"{{"env":{{"ANTHROPIC_API_KEY":"{key}"}}}}"#);
    let mut house = House::new(BASH)
        .file("work/.git/HEAD", "")
        .file("work/.claude/settings.local.json", &local(&above))
        .file("work/sub/.claude/settings.local.json", &local(&below));
    house.question.working.push("sub");
    let report = house.who().await;
    assert!(
        report.sentence.contains(last4(&above)),
        "{}",
        report.sentence
    );
    let states: Vec<_> = report.findings.iter().map(|found| &found.state).collect();
    assert!(matches!(
        states[..],
        [
            State::InForce,
            State::Overridden { .. },
            State::Overridden { .. }
        ]
    ));
}

#[tokio::test]
async fn a_moved_configuration_folder_is_where_settings_are_read() {
    let (moved, usual) = (key(), key());
    let settings = |key: &str| format!(r#"{{"env":{{"ANTHROPIC_API_KEY":"{key}"}}}}"#);
    for (given, folder) in [("other", "work/other"), ("", "work")] {
        let report = House::new(BASH)
            .file(&format!("{folder}/settings.json"), &settings(&moved))
            .file("home/.claude/settings.json", &settings(&usual))
            .variable(names::CONFIG_DIR, given)
            .who()
            .await;
        assert!(
            report.sentence.contains(last4(&moved)),
            "{}",
            report.sentence
        );
    }
}
