//! A started `claude` as a process: its pipes, and its end with all that it started.

use std::time::Duration;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep_until};

use super::lines::{Lines, Read, Tail};
use super::start::Patience;
use crate::child;
use crate::error::{Error, Result};

/// How long what was written before the end may take to be read, where somebody else still holds the
/// pipe.
const DRAIN: Duration = Duration::from_secs(1);

/// A child with its pipes. Dropping it ends its whole process group at once.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) input: Option<ChildStdin>,
    pub(super) lines: Lines<ChildStdout>,
    pub(super) tail: Tail,
    pub(super) patience: Patience,
    /// The leader of its process group; `None` once the leader's end was taken note of, because its
    /// number may then be given to somebody else.
    group: Option<u32>,
    /// Until when what is left in the pipe is read, once the leader has ended.
    read_until: Option<Instant>,
}

impl Running {
    pub(super) fn start(mut command: Command, patience: Patience) -> Result<Self> {
        let mut child = command.spawn().map_err(|error| {
            Error::failed(format!("`claude` could not be started: {error}."))
                .hint("Run `claude` in a terminal and see whether it works there.")
        })?;
        let group = child.id();
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            child::end_group(group);
            return Err(Error::failed("`claude` was started without its pipes."));
        };
        let tail = Tail::default();
        tokio::spawn(tail.clone().follow(errors));
        Ok(Self {
            child,
            input: Some(input),
            lines: Lines::new(output),
            tail,
            patience,
            group,
            read_until: None,
        })
    }

    /// Waits for the next line. Once the leader has ended, what it started is ended too and only what
    /// is in the pipe is read: a grandchild may hold it open. Dropping this loses nothing.
    pub(super) async fn next(&mut self) -> Read {
        loop {
            let until = self.read_until.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                read = self.lines.next() => return read,
                _ = self.child.wait(), if self.read_until.is_none() => self.has_ended(),
                () = sleep_until(until), if self.read_until.is_some() => {
                    return Read::End { is_cut: false };
                }
            }
        }
    }

    /// Tells whether it has not ended.
    pub(super) fn is_alive(&mut self) -> bool {
        match self.child.try_wait() {
            Ok(None) => true,
            Ok(Some(_)) | Err(_) => {
                self.has_ended();
                false
            }
        }
    }

    /// Ends what the leader left behind, once the leader itself has ended.
    fn has_ended(&mut self) {
        child::end_group(self.group.take());
        self.read_until
            .get_or_insert_with(|| Instant::now() + DRAIN);
    }

    /// Asks the whole group to end.
    pub(super) fn ask_to_end(&self) {
        child::ask_group_to_end(self.group);
    }

    /// Asks the whole group to end, and ends by force what has not after a while.
    pub(super) async fn end(mut self) {
        // Without a prompt to come, an idle CLI ends by itself.
        self.input = None;
        self.ask_to_end();
        let ended = tokio::time::timeout(self.patience.grace, self.child.wait()).await;
        if ended.is_err() {
            child::end_group(self.group);
            // Where there are no groups, at least itself.
            let _ = self.child.start_kill();
            // What was killed is waited for, or it would stay in the list of processes.
            let _ = self.child.wait().await;
        }
        self.has_ended();
    }

    /// Says in words how it ended, with the end of what it wrote to standard error.
    pub(super) async fn how_it_ended(&mut self) -> String {
        let status = tokio::time::timeout(DRAIN, self.child.wait()).await;
        let how = match status {
            Ok(Ok(status)) => {
                self.has_ended();
                match status.code() {
                    Some(code) => format!("ended with exit code {code}"),
                    None => "was ended by a signal".to_owned(),
                }
            }
            _ => "closed its output".to_owned(),
        };
        // What the two pipes hold is read by two tasks; this lets the other one go first.
        tokio::task::yield_now().await;
        match self.tail.text() {
            Some(text) => format!("{how} (it wrote: {text})"),
            None => how,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        child::end_group(self.group);
    }
}
