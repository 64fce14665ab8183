//! The CLI's own login, asked of the CLI itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::claude_settings::{Folders, SettingsFiles};
use super::place::Place;
use super::precedence::{Credential, Login, Shape};
use super::{Question, in_force, names};
use crate::child::Environment;
use crate::claude::{self, Cli, Status};
use crate::error::{Code, Error, Result};

/// Asks the CLI for version and login. Without a CLI, or without an answer, a login is assumed where
/// its file is; the file itself is never read.
pub(super) async fn ask(
    question: &Question,
    files: &SettingsFiles,
    config: Option<&str>,
) -> (Option<Cli>, Login, Vec<String>) {
    let managed = question.managed();
    let folders = question.folders(&managed, config);
    let mut login = Login {
        console_key: in_force::console_key(files),
        ..Login::default()
    };
    let mut notes = Vec::new();
    let path = question.cli.clone().or_else(|| {
        let path = question.variable("PATH").map(std::ffi::OsStr::new);
        claude::find(path, &question.home)
    });
    let Some(path) = path else {
        notes.push("There is no `claude` on this machine.".to_owned());
        assume_login(&folders, &mut login, &mut notes);
        return (None, login, notes);
    };
    let mut cli = Cli {
        path,
        version: None,
    };
    let Some(deadline) = question.cli_deadline else {
        assume_login(&folders, &mut login, &mut notes);
        return (Some(cli), login, notes);
    };
    let environment = cli_environment(question, &folders, config);
    let (version, status) = tokio::join!(
        claude::version(&cli.path, &environment, deadline),
        ask_status(&cli.path, &environment, &folders, deadline),
    );
    cli.version = version.ok().flatten();
    match status {
        Ok(Some(status)) => apply(status, &mut login),
        Ok(None) => {
            notes.push("`claude auth status` gave no answer that could be read.".to_owned());
            assume_login(&folders, &mut login, &mut notes);
        }
        Err(error) => {
            notes.push(format!("`claude auth status`: {}", error.message()));
            assume_login(&folders, &mut login, &mut notes);
        }
    }
    (Some(cli), login, notes)
}

fn cli_environment(
    question: &Question,
    folders: &Folders<'_>,
    config: Option<&str>,
) -> Environment {
    let mut environment = question
        .scrubbed()
        .with("DISABLE_AUTOUPDATER", "1")
        .with("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    // The answer is asked for in another folder, so a relative path has to be made whole.
    if config.is_some() {
        environment = environment.with(names::CONFIG_DIR, folders.config_dir());
    }
    for name in [names::PROFILE_DIR, "XDG_CONFIG_HOME"] {
        if let Some(folder) = question.variable(name) {
            environment = environment.with(name, folder);
        }
    }
    environment
}

async fn ask_status(
    cli: &Path,
    environment: &Environment,
    folders: &Folders<'_>,
    deadline: Duration,
) -> Result<Option<Status>> {
    // A CLI that never ran has no login, and would create its files when asked.
    if !folders.has_state() {
        return Ok(Some(Status::None));
    }
    let empty = EmptyFolder::new()?;
    claude::status(cli, environment, &empty.0, deadline).await
}

fn apply(status: Status, login: &mut Login) {
    match status {
        Status::None => {}
        Status::Subscription(plan) => login.subscription = Some(plan),
        Status::Profile => login.default_profile = true,
        Status::ConsoleKey => {
            // On macOS the key is in the keychain, and its last four are not known.
            login.console_key.get_or_insert_with(|| Credential {
                name: names::LOGIN.to_owned(),
                last4: "····".to_owned(),
                shape: Shape::ApiKey,
                place: Place::Login,
            });
        }
    }
}

fn assume_login(folders: &Folders<'_>, login: &mut Login, notes: &mut Vec<String>) {
    if folders.config_dir().join(".credentials.json").is_file() {
        login.subscription = Some(None);
        notes.push("A login file is there; whether it is valid was not asked.".to_owned());
    }
}

/// A private folder with nothing in it, gone when it is dropped.
struct EmptyFolder(PathBuf);

impl EmptyFolder {
    fn new() -> Result<Self> {
        let name = format!("switchyard-{}", uuid::Uuid::now_v7().simple());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| {
            Error::new(Code::Failed, "No temporary folder could be made.").because(error)
        })?;
        Ok(Self(path))
    }
}

impl Drop for EmptyFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
