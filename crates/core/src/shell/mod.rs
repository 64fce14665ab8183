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
//! - [`claude_cli`]: where the CLI is, and whether it is logged in
//! - `findings`, [`report`]: the answer, and its sentences

mod bounded;
pub mod claude_cli;
mod claude_settings;
mod environment;
mod files;
mod findings;
mod in_force;
mod login;
mod login_shell;
pub mod names;
mod parse;
pub mod place;
pub mod precedence;
pub mod report;
mod start_files;
mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::Environment;
use crate::error::{Error, Result};
use claude_cli::Cli;
use claude_settings::{Folders, Setting};
use files::{Scanned, Search};
use in_force::Layers;
use login_shell::{Dialect, Exported};
use place::Place;
use precedence::{Login, decide};
pub use report::{Finding, Next, Redirect, Report, State};

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
    let shell = question.shell();
    let dialect = shell.as_deref().map_or(Dialect::None, Dialect::of);
    let managed = question.managed();
    let config = question.variable(names::CONFIG_DIR);
    let own_files = claude_settings::read(&question.folders(&managed, config));
    let (exported, scanned, (cli, login, cli_notes)) = tokio::join!(
        ask_shell(question, shell.as_deref()),
        async { scan(question, dialect) },
        login::ask(question, &own_files, config),
    );
    let mut notes = own_files.notes.clone();
    notes.extend(scanned.notes.iter().cloned());
    notes.extend(cli_notes);
    let exported = match exported {
        Ok(exported) => exported,
        Err(note) => {
            notes.push(note);
            None
        }
    };
    let own = environment::attributed(
        in_force::from_environment(question.variables(), &Place::Environment),
        &scanned,
    );
    let next = exported.map(|exported| environment::next(&exported, &own, &scanned));
    if question.asker == Asker::Desktop && next.is_none() {
        notes.push("The start-up files were read, but the shell itself was not heard.".to_owned());
    }
    let judged = match (question.asker, &next) {
        (Asker::Terminal, _) => None,
        (Asker::Desktop, Some(_)) => next.as_deref(),
        (Asker::Desktop, None) => None,
    };
    let guessed = (question.asker == Asker::Desktop && next.is_none())
        .then(|| environment::guessed(&own, &scanned));
    let judged = judged.or(guessed.as_deref()).unwrap_or(&own);
    answer(Gathered {
        question,
        judged,
        next: next.as_deref(),
        scanned: &scanned,
        login,
        cli,
        notes,
    })
}

/// All that was found, before it is judged.
struct Gathered<'a> {
    question: &'a Question,
    /// The environment that "right now" means.
    judged: &'a [Setting],
    /// The environment of the next login shell.
    next: Option<&'a [Setting]>,
    scanned: &'a Scanned,
    login: Login,
    cli: Option<Cli>,
    notes: Vec<String>,
}

fn answer(gathered: Gathered<'_>) -> Report {
    let Gathered {
        question,
        judged,
        next,
        scanned,
        login,
        cli,
        mut notes,
    } = gathered;
    let home = &question.home;
    let managed = question.managed();
    let read = |environment: &[Setting]| {
        let config = environment::value_of(environment, names::CONFIG_DIR);
        claude_settings::read(&question.folders(&managed, config))
    };
    let profiles = |environment: &[Setting]| environment::profiles(question, environment);
    let (files, present) = (read(judged), profiles(judged));
    let layers = Layers {
        environment: judged,
        files: &files,
        profiles: &present,
    };
    let payer = decide(&layers.facts(&login));
    let later = next
        .filter(|_| question.asker == Asker::Terminal)
        .and_then(|environment| {
            let (files, present) = (read(environment), profiles(environment));
            let layers = Layers {
                environment,
                files: &files,
                profiles: &present,
            };
            let later = decide(&layers.facts(&login));
            (!later.is_same(&payer)).then(|| Next {
                sentence: format!(
                    "In a new terminal, plain `claude -p` {}.",
                    report::billed(&later, home)
                ),
                payer: later,
            })
        });
    let redirect = findings::redirect(&layers, &payer, home);
    notes.extend(findings::warnings(&payer, scanned, home));
    Report {
        sentence: report::sentence(&payer, home),
        redirect,
        next: later,
        findings: findings::all(&findings::Found {
            layers: &layers,
            payer: &payer,
            next,
            scanned,
            login: &login,
            dot_env: &files::dot_env(&question.working),
            home,
        }),
        payer,
        notes,
        cli,
    }
}

/// Asks the login shell, or says in a note why there is no answer.
async fn ask_shell(
    question: &Question,
    shell: Option<&Path>,
) -> std::result::Result<Option<Exported>, String> {
    let Some(deadline) = question.shell_deadline else {
        return Ok(None);
    };
    let Some(shell) = shell else {
        return Err("Your login shell is not known, so it was not asked.".to_owned());
    };
    login_shell::exported(shell, question.scrubbed(), deadline)
        .await
        .map(Some)
        .map_err(|error| error.message().to_owned())
}

fn scan(question: &Question, dialect: Dialect) -> Scanned {
    files::scan(&Search {
        home: &question.home,
        root: &question.root,
        dialect,
        zdotdir: question.variable("ZDOTDIR").map(Path::new),
        config: question.variable("XDG_CONFIG_HOME").map(Path::new),
    })
}

#[cfg(test)]
#[cfg(unix)]
#[path = "who_tests.rs"]
mod tests;
