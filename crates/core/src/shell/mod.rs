//! Who pays right now: which credential a plain `claude -p` bills, and where it comes from.
//!
//! Read only: it needs neither vault nor store, changes no file, and shows no more of a secret than
//! its last four characters.
//!
//! - [`names`]: the variables that matter, and what each does
//! - [`precedence`]: the CLI's own rules, as one pure function
//! - `claude_settings`, `in_force`: settings files, laid over the environment as the CLI does it
//! - `login_shell`: what a new login shell exports
//! - `files`, `parse`, `words`: the start-up files and the lines that set something
//! - [`env_file`]: a variable of a file of assignments, read and set without a shell
//! - `login`: whether the CLI is logged in, as it says itself ([`crate::claude`])
//! - `chosen`: what settings files make of a credential that was chosen for one command
//! - `watch`: notices that one of the files has changed
//! - `findings`, [`report`]: the answer, and its sentences

mod bounded;
mod chosen;
mod claude_settings;
pub mod env_file;
mod environment;
mod files;
mod findings;
mod heard;
mod in_force;
mod login;
mod login_shell;
pub mod names;
mod parse;
pub mod place;
pub mod precedence;
pub mod report;
mod start_files;
mod watch;
mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::Environment;
use crate::error::{Error, Result};
use crate::secret::ApiKey;
pub use chosen::{Chosen, overruled};
use claude_settings::Folders;
use heard::Heard;
use precedence::Credential;
pub use report::{Finding, Next, Redirect, Report, State};
pub use watch::Changes;

/// How long the login shell may take to answer.
pub const SHELL_DEADLINE: Duration = Duration::from_secs(3);
/// How long the CLI may take to answer.
pub const CLI_DEADLINE: Duration = Duration::from_secs(3);

/// Whose environment is meant by "right now".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A terminal: our own environment is what a `claude` typed there gets.
    Terminal,
    /// A desktop program: what a new login shell exports.
    Desktop,
}

/// What is asked, and where to look; everything can be set, so that a test can ask about a house of
/// its own.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whose environment is meant.
    pub asker: Asker,
    /// The environment of the asking process.
    pub environment: Vec<(OsString, OsString)>,
    /// The home folder.
    pub home: PathBuf,
    /// The working directory, whose project settings count.
    pub working: PathBuf,
    /// The folder that stands for `/` when system files are looked for.
    pub root: PathBuf,
    /// How long the login shell may take; `None` leaves it out.
    pub shell_deadline: Option<Duration>,
    /// How long the CLI may take; `None` leaves it out.
    pub cli_deadline: Option<Duration>,
    /// The CLI, where the user pointed to it; otherwise it is looked for.
    pub cli: Option<PathBuf>,
}

impl Question {
    /// Asks about this process: its environment, home and working directory.
    ///
    /// # Errors
    /// [`Code::Failed`] when there is no home folder or the working directory is gone.
    pub fn of_this_process(asker: Asker) -> Result<Self> {
        let home = std::env::home_dir()
            .filter(|home| home.is_absolute())
            .ok_or_else(|| {
                Error::failed("Your home folder is not known.")
                    .hint("Set HOME to an absolute path.")
            })?;
        let working = std::env::current_dir().map_err(|error| {
            Error::failed("The working directory can't be read.")
                .hint("Change to a folder that exists.")
                .because(error)
        })?;
        Ok(Self {
            asker,
            environment: std::env::vars_os().collect(),
            home,
            working,
            root: PathBuf::from("/"),
            shell_deadline: Some(SHELL_DEADLINE),
            cli_deadline: Some(CLI_DEADLINE),
            cli: None,
        })
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    fn shell(&self) -> Option<PathBuf> {
        let user = self.variable("USER").or_else(|| self.variable("LOGNAME"));
        let passwd = self.root.join("etc/passwd");
        login_shell::of_user(self.variable("SHELL"), user, &passwd)
    }

    fn managed(&self) -> PathBuf {
        self.root.join(if cfg!(target_os = "macos") {
            "Library/Application Support/ClaudeCode"
        } else if cfg!(windows) {
            "Program Files/ClaudeCode"
        } else {
            "etc/claude-code"
        })
    }

    fn folders<'a>(&'a self, managed: &'a Path, config: Option<&'a str>) -> Folders<'a> {
        Folders {
            home: &self.home,
            working: &self.working,
            managed,
            config,
        }
    }

    /// Returns an environment without credentials for what is started, with this home.
    fn scrubbed(&self) -> Environment {
        Environment::scrubbed(self.environment.clone()).with("HOME", &self.home)
    }
}

/// Finds out who pays right now. What has to be started runs at the same time, each with its
/// deadline; what does not answer becomes a note, never an error.
pub async fn who(question: &Question) -> Report {
    Heard::of(question).await.report()
}

/// Returns the key that pays right now, if it is one that could be stored: the way to take it over
/// without anybody having to copy it. What a helper prints or a login holds is not taken.
pub async fn paying_key(question: &Question) -> Option<(Credential, ApiKey)> {
    Heard::of(question).await.paying_key()
}

#[cfg(test)]
#[cfg(unix)]
#[path = "who_tests.rs"]
mod tests;
