//! Starts the agent by itself, where an unlocked vault needs somebody to keep it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::child::{self, Environment};
use crate::error::{Code, Error, Remedy, Result};

/// The first line that `switchyard agent` writes once its socket is there.
pub const READY: &str = "ready";

/// How long the agent may take to come up.
const START: Duration = Duration::from_secs(10);

/// Variables besides the allowed ones by which the agent finds the same store, socket and keychain.
const NEEDED: &[&str] = &[
    "SWITCHYARD_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
];

/// An agent that was started in the background; it goes on when this is dropped.
#[derive(Debug)]
pub struct Background(Child);

impl Background {
    /// Ends it, and waits until it has ended: one that nobody unlocked serves nobody.
    pub async fn end(mut self) {
        child::end_group(self.0.id());
        // It can only be gone already.
        let _ = self.0.wait().await;
    }
}

/// Starts `program agent` and waits until its socket is there. It goes on when this process ends, and
/// ends by itself when the vault is locked.
///
/// # Errors
/// [`Code::Failed`] or [`Code::Timeout`] when it did not come up.
pub async fn start_in_background(program: &Path) -> Result<Background> {
    let environment = Environment::scrubbed_own().with_own(NEEDED);
    let mut command = child::command(program, &environment);
    command
        .args(["agent", "--until-locked"])
        // It outlives whatever is mounted where it was started.
        .current_dir("/")
        .stderr(Stdio::null())
        .kill_on_drop(false);
    let mut agent = command.spawn().map_err(|e| not_up().because(e))?;
    let Some(output) = agent.stdout.take() else {
        return Err(not_up());
    };
    let mut first = String::new();
    let mut lines = BufReader::new(output);
    let answered = tokio::time::timeout(START, lines.read_line(&mut first)).await;
    match answered {
        Ok(Ok(_)) if first.trim_end() == READY => Ok(Background(agent)),
        Ok(_) => Err(not_up()),
        Err(_) => {
            child::end_group(agent.id());
            Err(Error::new(
                Code::Timeout,
                "The agent did not come up in time and was ended.",
            ))
        }
    }
}

fn not_up() -> Error {
    Error::failed("The agent that would keep the vault open could not be started.")
        .remedy(Remedy::StartAgent)
}
