//! How a `claude` is started so that nothing but one credential can be billed, and nothing but the
//! prompt is sent.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::gate::Program;
use super::identity::Watched;
use super::login::{Expected, Login};
use super::process::Spawned;
use super::running::Running;
use super::settings;
use super::variables;
use crate::child::{self, Environment};
use crate::error::{Error, Result};

/// The most characters of a model's name.
const MODEL_MAX: usize = 120;

/// What the CLI takes for `--effort`. It warns of another word and goes on without (seen with CLI
/// 2.1.330), so this is checked here.
const EFFORTS: &[&str] = &["low", "medium", "high", "xhigh", "max"];

/// The arguments of every start. Nothing that a person wrote is among them: other users of the
/// machine can read them.
///
/// Text only, no tools, no server, no hook, no settings file, no session on disk. Seen with CLI
/// 2.1.330: with settings files, helpers, hooks and servers all around, nothing of them ran or was
/// used. Never `--bare`, which uses no login.
pub const ARGUMENTS: &[&str] = &[
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    // Without it the CLI refuses that format.
    "--verbose",
    "--include-partial-messages",
    "--no-session-persistence",
    "--tools",
    "",
    "--safe-mode",
    "--setting-sources",
    "",
    "--strict-mcp-config",
    "--disable-slash-commands",
    "--permission-prompts",
    "none",
];

/// What is set for every start, besides the credential.
const SETTINGS: &[(&str, &str)] = &[
    ("DISABLE_AUTOUPDATER", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    // The CLI's own are 10 retries, which take three minutes, and ten minutes for an answer to begin.
    ("CLAUDE_CODE_MAX_RETRIES", "2"),
    ("API_TIMEOUT_MS", "120000"),
    // A broken stream would be followed by a second request, which counts again.
    ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
    // Without it, CLI 2.1.330 reads each file that an `@` in a prompt names and sends it along, also
    // where it has no tools.
    ("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1"),
];

/// How long the CLI may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the start to its first line, or to its answer where that comes first. Idle, a machine
    /// needs 0.3–0.5 s for that, and one with more work than processors was seen to take 17.7 s. No
    /// prompt waits for this long unseen: it can be cancelled, and nothing has been sent.
    pub start_up: Duration,
    /// From the moment when it has started and was asked to the answer that names who pays. It was
    /// seen to take 0.02–0.15 s however busy the machine was, because the slow part is over by then.
    pub answer: Duration,
    /// Between two lines of a turn. The CLI gives up on a silent stream by itself after five minutes.
    pub silence: Duration,
    /// From the request to end to the end by force.
    pub grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            start_up: Duration::from_secs(20),
            answer: Duration::from_secs(2),
            silence: Duration::from_secs(6 * 60),
            grace: Duration::from_secs(5),
        }
    }
}

/// The address of a server on this machine: the only one that stands in for Anthropic's.
#[derive(Clone, Copy, Debug)]
pub struct Loopback(SocketAddr);

impl Loopback {
    /// Lets an address of this machine pass.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) for that of another one.
    pub fn new(server: SocketAddr) -> Result<Self> {
        match server.ip().is_loopback() {
            true => Ok(Self(server)),
            false => Err(Error::bad_input(format!(
                "{server} is not on this machine; the credential of a plan goes to Anthropic alone."
            ))
            .hint("Use an address of the loopback interface, such as 127.0.0.1.")),
        }
    }
}

/// Everything that a `claude` is started with.
#[derive(Debug)]
pub struct Start {
    program: Program,
    login: Login,
    model: String,
    effort: Option<String>,
    working: PathBuf,
    kept: PathBuf,
    inherited: Vec<(OsString, OsString)>,
    server: Option<Loopback>,
    patience: Patience,
}

impl Start {
    /// Prepares a start. `working` is an empty folder that nobody else writes to; the CLI tells the
    /// server its path with each prompt (seen with CLI 2.1.330), so it wants a name that says nothing.
    /// `kept` is a private folder of ours for what a CLI with a token keeps: in the user's own, a state file
    /// could name another token, and the CLI would not tell them apart.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) for a model or effort that can't be one, or a
    /// folder that is not empty: what stands there could steer the CLI.
    pub fn new(
        program: Program,
        login: Login,
        model: &str,
        effort: Option<&str>,
        working: PathBuf,
        kept: PathBuf,
    ) -> Result<Self> {
        check_model(model)?;
        if let Some(effort) = effort.filter(|effort| !EFFORTS.contains(effort)) {
            return Err(Error::bad_input(format!(
                "`claude` knows no effort {}.",
                crate::text::shown(effort, MODEL_MAX)
            ))
            .hint(format!("Choose one of {}.", EFFORTS.join(", "))));
        }
        check_empty(&working)?;
        Ok(Self {
            program,
            login,
            model: model.to_owned(),
            effort: effort.map(str::to_owned),
            working,
            kept,
            inherited: std::env::vars_os().collect(),
            server: None,
            patience: Patience::default(),
        })
    }

    /// Takes another environment than our own to inherit from. As from ours, only what
    /// [`Environment::scrubbed`] lets through reaches the CLI.
    #[must_use]
    pub fn inheriting(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.inherited = variables.into_iter().collect();
        self
    }

    /// Sends the credential to a server on this machine in place of Anthropic's: for the demo and for
    /// tests. No setting and no variable leads here.
    #[must_use]
    pub fn at_loopback(mut self, server: Loopback) -> Self {
        self.server = Some(server);
        self
    }

    /// Waits longer or shorter than usual.
    #[must_use]
    pub fn patient(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it. It waits, has read no prompt, and has sent nothing.
    ///
    /// # Errors
    /// [`Code::Failed`](crate::error::Code::Failed) when the program was replaced since it passed the
    /// gate, or can't be started.
    pub fn spawn(self) -> Result<Spawned> {
        if !self.program.is_unchanged() {
            return Err(replaced(self.program.path()));
        }
        // It may have been filled since.
        check_empty(&self.working)?;
        let mut command = child::command(self.program.path(), &self.environment());
        command
            .args(ARGUMENTS)
            .args(["--model", &self.model])
            .current_dir(&self.working)
            .stdin(Stdio::piped());
        if let Some(effort) = &self.effort {
            command.args(["--effort", effort]);
        }
        let server = self.stand_in();
        if self.login.expected() == Expected::OwnLogin {
            command.args(["--settings", &settings::hiding(server.as_deref())]);
        }
        // Looked at before it is read.
        let login = self.login.file(self.home()).map(Watched::new);
        let running = Running::start(command, self.patience)?;
        let expected = self.login.expected();
        Ok(Spawned::new(running, expected, self.program, login, server))
    }

    fn home(&self) -> Option<&Path> {
        let mut inherited = self.inherited.iter();
        let (_, home) = inherited.find(|(name, _)| name == "HOME")?;
        Some(Path::new(home))
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::scrubbed(self.inherited.iter().cloned());
        for (name, value) in SETTINGS {
            environment = environment.with(*name, *value);
        }
        if let Some(server) = self.stand_in() {
            environment = environment.with(variables::BASE_URL, server);
        }
        self.login.added_to(environment, &self.kept)
    }

    /// Returns the address of what stands in for Anthropic's server.
    fn stand_in(&self) -> Option<String> {
        self.server
            .map(|Loopback(server)| format!("http://{server}"))
    }
}

pub(super) fn replaced(program: &Path) -> Error {
    Error::failed(format!(
        "{} was updated or replaced since it was looked at.",
        program.display()
    ))
    .hint("Try again; the new one is looked at first. Nothing was sent.")
}

fn check_model(model: &str) -> Result<()> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let is_one = model.starts_with(|c: char| c.is_ascii_alphanumeric())
        && model.len() <= MODEL_MAX
        && model.chars().all(is_part);
    if is_one {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "{} is no name of a model.",
        crate::text::shown(model, MODEL_MAX)
    ))
    .hint("Give the model's id, such as claude-sonnet-5-5."))
}

fn check_empty(folder: &Path) -> Result<()> {
    let unfit = |why: &str| {
        Error::bad_input(format!(
            "{} {why}, so `claude` is not started in it.",
            folder.display()
        ))
        .hint("Remove what is in that folder; it is there for `claude` to run in and stays empty.")
    };
    if !folder.is_absolute() {
        return Err(unfit("is no whole path"));
    }
    let mut entries = std::fs::read_dir(folder).map_err(|e| unfit("can't be read").because(e))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(unfit("is not empty")),
    }
}
