//! A command that is still running: what it has said so far, and signals for it.

use std::io::Read;
use std::process::{Child, ChildStdout};

use rustix::process::{Pid, Signal};

use crate::machine::{Outcome, finish};

/// A running command whose standard output is read as it comes.
pub struct Running {
    child: Child,
    output: ChildStdout,
    heard: Vec<u8>,
    noted: Vec<u8>,
}

impl Running {
    /// Takes over a child with piped streams, and closes its standard input.
    #[must_use]
    pub fn new(mut child: Child) -> Self {
        drop(child.stdin.take());
        let output = child.stdout.take().expect("a piped standard output");
        Self {
            child,
            output,
            heard: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// Reads until `text` has been said.
    #[track_caller]
    pub fn hear(&mut self, text: &str) {
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&self.heard).contains(text) {
            let count = self.output.read(&mut piece).expect("a readable output");
            let so_far = String::from_utf8_lossy(&self.heard);
            assert!(count > 0, "it ended before it said {text:?}: {so_far}");
            self.heard.extend_from_slice(&piece[..count]);
        }
    }

    /// Reads standard error until `text` has been said there.
    #[track_caller]
    pub fn hear_note(&mut self, text: &str) {
        let notes = self.child.stderr.as_mut().expect("a piped standard error");
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&self.noted).contains(text) {
            let count = notes.read(&mut piece).expect("a readable standard error");
            let so_far = String::from_utf8_lossy(&self.noted);
            assert!(count > 0, "it ended before it noted {text:?}: {so_far}");
            self.noted.extend_from_slice(&piece[..count]);
        }
    }

    /// Returns the process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("the process takes signals");
    }

    /// Stops reading and waits for the end; what was heard before counts as the output.
    #[must_use]
    pub fn stop_reading(self) -> Outcome {
        drop(self.output);
        Self::ended(self.child, &self.heard, &self.noted)
    }

    /// Waits for the end and reads no more of its output, which stays open.
    #[must_use]
    pub fn end_unread(self) -> Outcome {
        let _open = self.output;
        Self::ended(self.child, &self.heard, &self.noted)
    }

    /// Reads to the end and waits for it.
    #[must_use]
    pub fn end(mut self) -> Outcome {
        self.output
            .read_to_end(&mut self.heard)
            .expect("a readable output");
        Self::ended(self.child, &self.heard, &self.noted)
    }

    fn ended(child: Child, heard: &[u8], noted: &[u8]) -> Outcome {
        let mut outcome = finish(child, "");
        outcome
            .stderr
            .insert_str(0, &String::from_utf8_lossy(noted));
        outcome.stdout = String::from_utf8_lossy(heard).into_owned();
        outcome
    }
}
