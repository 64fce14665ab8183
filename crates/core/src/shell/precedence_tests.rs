//! The table of what was seen, held against the rules.

use std::path::Path;

use super::rows::{ROWS, Row};
use super::*;
use crate::shell::claude_settings::{self, Folders};
use crate::shell::in_force::{self, Layers};

/// Makes a credential whose last four characters are its label.
fn made(label: &str) -> String {
    let kind = if label.starts_with('T') {
        "oat01"
    } else {
        "api03"
    };
    let random = uuid::Uuid::now_v7().simple();
    format!("sk-ant-{kind}-{random}{label:-<4}")
}

const LABELS: &[&str] = &["K", "K2", "G", "T", "T2", "H", "P", "C", "R"];

fn filled(text: &str) -> String {
    LABELS.iter().fold(text.to_owned(), |text, label| {
        text.replace(&format!("{{{label}}}"), &made(label))
    })
}

fn decided(row: &Row, root: &Path) -> Payer {
    for (path, text) in row.files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, filled(text)).unwrap();
    }
    let (home, working) = (root.join("home"), root.join("work"));
    let files = claude_settings::read(&Folders {
        home: &home,
        working: &working,
        managed: &root.join("etc/claude-code"),
        config: None,
    });
    let values: Vec<_> = row.env.iter().map(|(n, v)| (*n, filled(v))).collect();
    let environment = in_force::from_environment(
        values.iter().map(|(name, value)| (*name, value.as_str())),
        &Place::Environment,
    );
    let both_halves = row
        .files
        .iter()
        .filter(|(path, _)| path.contains("/anthropic/"));
    let profiles = (both_halves.count() == 2).then(|| "work".to_owned());
    let layers = Layers {
        environment: &environment,
        files: &files,
        profiles: &profiles.into_iter().collect(),
    };
    decide(&layers.facts(&Login {
        subscription: row.login.then(|| Some("max".to_owned())),
        console_key: in_force::console_key(&files),
        default_profile: false,
    }))
}

/// Writes a payer the way the table does.
fn outcome(payer: &Payer) -> String {
    let named = |source: &Source| match source {
        Source::Credential(held) => held.last4.trim_end_matches('-').to_owned(),
        Source::Helper { .. } => "helper".to_owned(),
        Source::Login { .. } => "login".to_owned(),
        Source::Profile { .. } => "profile".to_owned(),
        Source::Federation { .. } => "federation".to_owned(),
    };
    match payer {
        Payer::Nobody(_) => "nothing".to_owned(),
        Payer::Cloud { provider, .. } => format!("cloud={provider}"),
        Payer::Both { key, bearer } => format!("key={} bearer={}", named(key), named(bearer)),
        Payer::One {
            source: source @ Source::Helper { .. },
        } => {
            format!("key={0} bearer={0}", named(source))
        }
        Payer::One { source } => named(source),
    }
}

#[test]
fn the_rules_say_what_the_cli_was_seen_to_do() {
    let mut wrong = Vec::new();
    for row in ROWS {
        let folder = tempfile::tempdir().unwrap();
        let payer = decided(row, folder.path());
        let outcome = outcome(&payer);
        // One credential is the same whichever header it goes in.
        let seen = match row.sends {
            sends if sends.contains(' ') || sends.starts_with("cloud") => sends,
            sends => sends.split_once('=').map_or(sends, |(_, name)| name),
        };
        if outcome != seen {
            wrong.push(format!("{}: seen {seen}, decided {outcome}", row.about));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_login_that_is_there_but_unused_is_told_apart_from_none() {
    let mut facts = Facts {
        simple: true,
        ..Facts::default()
    };
    assert_eq!(decide(&facts), Payer::Nobody(Nobody::NotLoggedIn));
    facts.login.subscription = Some(None);
    assert_eq!(decide(&facts), Payer::Nobody(Nobody::LoginUnused));
}

#[test]
fn a_federation_rule_hides_the_login_and_bills_its_organisation() {
    let facts = Facts {
        federation: Some(Place::Environment),
        login: Login {
            subscription: Some(None),
            ..Login::default()
        },
        ..Facts::default()
    };
    let place = Place::Environment;
    let source = Source::Federation { place };
    assert_eq!(decide(&facts), Payer::One { source });
}
