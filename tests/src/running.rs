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
        Self::ended(self.child, &self.heard)
    }

    /// Reads to the end and waits for it.
    #[must_use]
    pub fn end(mut self) -> Outcome {
        self.output
            .read_to_end(&mut self.heard)
            .expect("a readable output");
        Self::ended(self.child, &self.heard)
    }

    fn ended(child: Child, heard: &[u8]) -> Outcome {
        let mut outcome = finish(child, "");
        outcome.stdout = String::from_utf8_lossy(heard).into_owned();
        outcome
    }
}
