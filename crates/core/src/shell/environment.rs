//! The environments that are judged: this one, and what the next terminal gets.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::claude_settings::Setting;
use super::files::Scanned;
use super::login_shell::Exported;
use super::place::Place;
use super::{Question, in_force, names};

/// Returns the value of a variable.
pub(super) fn value_of<'a>(environment: &'a [Setting], name: &str) -> Option<&'a str> {
    environment
        .iter()
        .find(|setting| setting.name == name)
        .map(|setting| setting.value.expose())
}

/// Puts the line that sets a value in the place of "this environment": the last one that sets
/// exactly this value, else the last one whose value only the shell can compute.
pub(super) fn attributed(mut settings: Vec<Setting>, scanned: &Scanned) -> Vec<Setting> {
    for setting in &mut settings {
        let lines = || scanned.lines.iter().rev();
        let value = setting.value.expose();
        let exact = lines()
            .find(|line| line.is_passed_on() && line.sets(&setting.name, value))
            .or_else(|| lines().find(|line| !line.is_read && line.sets(&setting.name, value)));
        let computed = || {
            lines().find(|line| {
                line.name == setting.name && line.value.is_none() && line.is_passed_on()
            })
        };
        if let Some(line) = exact.or_else(computed) {
            setting.place = line.place.clone();
        }
    }
    settings
}

/// Returns what a new terminal gets: what the shell exports, and what the session set before it.
pub(super) fn next(exported: &Exported, own: &[Setting], scanned: &Scanned) -> Vec<Setting> {
    let mut next = in_force::from_environment(exported.variables(), &Place::LoginShell);
    let session = own.iter().filter(|setting| {
        let value = setting.value.expose();
        let mut lines = scanned.lines.iter();
        lines.any(|line| line.is_session && line.sets(&setting.name, value))
            && !scanned
                .lines
                .iter()
                .any(|line| line.is_read && line.removes && line.name == setting.name)
    });
    for setting in session {
        if value_of(&next, &setting.name).is_none() {
            next.extend(in_force::from_environment(
                [(setting.name.as_str(), setting.value.expose())],
                &setting.place,
            ));
        }
    }
    attributed(next, scanned)
}

/// Returns our own environment with what the start-up files set written over it: the best guess
/// where the shell itself was not heard.
pub(super) fn guessed(own: &[Setting], scanned: &Scanned) -> Vec<Setting> {
    let mut guess: Vec<Setting> = own
        .iter()
        .flat_map(|setting| {
            in_force::from_environment(
                [(setting.name.as_str(), setting.value.expose())],
                &setting.place,
            )
        })
        .collect();
    for line in scanned.lines.iter().filter(|line| line.is_read) {
        if line.removes {
            guess.retain(|setting| setting.name != line.name);
        } else if let Some(value) = line.value.as_ref().filter(|_| line.is_passed_on()) {
            guess.retain(|setting| setting.name != line.name);
            guess.extend(in_force::from_environment(
                [(line.name.as_str(), value.expose())],
                &line.place,
            ));
        }
    }
    guess
}

/// Returns the names of the Anthropic profiles that have both their halves.
pub(super) fn profiles(question: &Question, environment: &[Setting]) -> BTreeSet<String> {
    let folder = value_of(environment, names::PROFILE_DIR).map_or_else(
        || {
            question
                .variable("XDG_CONFIG_HOME")
                .map_or_else(|| question.home.join(".config"), PathBuf::from)
                .join("anthropic")
        },
        |given| question.working.join(given),
    );
    std::fs::read_dir(folder.join("configs"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .filter(|name| {
            let half = folder.join("credentials").join(format!("{name}.json"));
            half.is_file()
        })
        .collect()
}
