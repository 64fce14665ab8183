//! The room against recordings of the real CLI, and against a fake that follows a script.

mod faults;
mod isolation;
mod proofs;
mod replay;
mod turns;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::child::Environment;
use crate::error::Result;

/// The fake; it is linked to and never written, so that starting it can't meet a writer.
pub(super) const FAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/claude/tests/fake_claude");

/// Long enough for a machine with far too much to do.
const PATIENT: Patience = Patience {
    start_up: Duration::from_secs(60),
    answer: Duration::from_secs(60),
    silence: Duration::from_secs(60),
    grace: Duration::from_secs(60),
};

/// A fake `claude` in a folder of its own.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(FAKE, folder.path().join("claude")).unwrap();
        std::fs::write(folder.path().join("version"), "2.1.330 (Claude Code)").unwrap();
        std::fs::write(folder.path().join("script"), script).unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    async fn program(&self) -> Program {
        let environment = Environment::scrubbed_own();
        let path = self.path("claude");
        let gate = Program::gate(Some(&path), None, Path::new("/nonexistent"), &environment);
        gate.await.unwrap()
    }

    async fn start(&self) -> Start {
        self.start_as(Login::own(None).unwrap()).await
    }

    async fn start_as(&self, login: Login) -> Start {
        let (program, empty) = (self.program().await, self.path("empty"));
        let kept = self.path("kept");
        let start = Start::new(
            program,
            login,
            "claude-sonnet-5-5",
            Some("low"),
            empty,
            kept,
        );
        start.unwrap().patient(PATIENT)
    }

    async fn initialized(&self, patience: Patience) -> Result<Process> {
        let start = self.start().await.patient(patience);
        start.spawn().unwrap().initialize(None).await
    }

    async fn process(&self) -> Process {
        self.initialized(PATIENT).await.unwrap()
    }
}

/// Asks something and returns what was told and what remains.
async fn ask(process: &mut Process) -> (Vec<Event>, Turn) {
    let (sink, mut events) = mpsc::channel(1000);
    let prompt = Prompt {
        text: "hello",
        images: &[],
    };
    let cancel = CancellationToken::new();
    let turn = process.turn(&prompt, &sink, &cancel).await;
    drop(sink);
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(event);
    }
    (told, turn)
}

/// Returns the answer as a face would show it at the end.
fn shown(events: &[Event]) -> String {
    events
        .iter()
        .fold(String::new(), |shown, event| match event {
            Event::Text(text) => shown + text,
            Event::Replaced(text) => text.clone(),
            _ => shown,
        })
}

fn kind(turn: &Turn) -> Option<Kind> {
    turn.failure.as_ref().map(|failed| failed.kind)
}
