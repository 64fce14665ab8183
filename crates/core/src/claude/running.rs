//! A started `claude`: its pipes, and its end with all that it started, here or on another machine.

use std::any::Any;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use super::lines::{Lines, Read};
use super::start::Patience;
use crate::child::{self, Tail};
use crate::error::{Error, Result};
use crate::secret::Sent;

/// How long what was written before the end may take to be read, where somebody else still holds the
/// pipe.
const DRAIN: Duration = Duration::from_secs(1);

/// Where the lines of a `claude` come from.
pub type Output = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// Where its prompts go.
pub type Input = Box<dyn AsyncWrite + Send + Sync + Unpin>;

/// A `claude` with its pipes. Dropping it ends it: here, its whole process group at once.
pub(super) struct Running {
    pub(super) input: Option<Input>,
    lines: Lines<Output>,
    tail: Tail,
    pub(super) patience: Patience,
    life: Life,
}

/// What is known of its end.
enum Life {
    Here(Here),
    There(There),
}

/// A child of ours.
struct Here {
    child: Child,
    /// The leader of its process group; `None` once the leader's end was taken note of, because its
    /// number may then be given to somebody else.
    group: Option<u32>,
    /// Until when what is left in the pipe is read, once the leader has ended.
    read_until: Option<Instant>,
}

/// A `claude` on another machine, behind what has started it there: closing its input ends it, with all
/// that it started.
pub struct There {
    /// What it reads.
    pub input: Input,
    /// What it writes, from its first line on.
    pub lines: Lines<Output>,
    /// The key that it was sent, which is taken out of all that it says.
    pub sent: Sent,
    /// What it writes to standard error; only what comes after `mark` is its own.
    pub tail: Tail,
    /// What a line begins with that is not its own: `MARK ended CODE` is the last one.
    pub mark: String,
    /// What keeps the way to it open.
    pub held: Box<dyn Any + Send + Sync>,
    /// Its exit code, once it has ended.
    pub ended: Option<i32>,
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
            input: Some(Box::new(input)),
            lines: Lines::new(Box::new(output)),
            tail,
            patience,
            life: Life::Here(Here {
                child,
                group,
                read_until: None,
            }),
        })
    }

    /// Takes one that was started on another machine.
    pub(super) fn there(mut there: There, patience: Patience) -> Self {
        let input = std::mem::replace(&mut there.input, Box::new(tokio::io::sink()));
        let nothing = Lines::new(Box::new(tokio::io::empty()) as Output);
        Self {
            input: Some(input),
            lines: std::mem::replace(&mut there.lines, nothing),
            tail: there.tail.clone(),
            patience,
            life: Life::There(there),
        }
    }

    /// Waits for the next line. Dropping this loses nothing.
    pub(super) async fn next(&mut self) -> Read {
        let read = match &mut self.life {
            Life::Here(here) => here.next(&mut self.lines).await,
            Life::There(_) => self.lines.next().await,
        };
        self.own(read)
    }

    /// Returns what is there already, without waiting.
    pub(super) fn ready(&mut self) -> Option<Read> {
        let read = self.lines.ready()?;
        Some(self.own(read))
    }

    /// Returns the key that it was sent to another machine with.
    pub(super) fn sent(&self) -> Sent {
        match &self.life {
            Life::Here(_) => Sent::default(),
            Life::There(there) => there.sent.clone(),
        }
    }

    /// Tells a line of its own from the last one of what has started it there.
    fn own(&mut self, read: Read) -> Read {
        match (&mut self.life, read) {
            (Life::There(there), Read::Line(line)) if line.starts_with(there.mark.as_bytes()) => {
                let text = String::from_utf8_lossy(&line);
                let code = text.rsplit(' ').next().and_then(|code| code.parse().ok());
                there.ended = code.or(Some(-1));
                Read::End { is_cut: false }
            }
            (Life::There(there), Read::Line(line)) => match there.sent.redact_json(&line) {
                Some(clean) => Read::Line(clean.as_str().into()),
                None => Read::Line(line),
            },
            (_, read) => read,
        }
    }

    /// Tells whether it has not ended.
    pub(super) fn is_alive(&mut self) -> bool {
        match &mut self.life {
            Life::Here(here) => here.is_alive(),
            Life::There(there) => there.ended.is_none() && !self.lines.is_over(),
        }
    }

    /// Tells whether the way to it was lost before it had ended.
    pub(super) fn is_lost(&self) -> bool {
        matches!(&self.life, Life::There(there) if there.ended.is_none())
    }

    /// Asks it to end, with all that it started.
    pub(super) fn ask_to_end(&mut self) {
        match &self.life {
            Life::Here(here) => child::ask_group_to_end(here.group),
            Life::There(_) => self.input = None,
        }
    }

    /// Asks the whole group to end, and ends by force what has not after a while.
    pub(super) async fn end(mut self) {
        // Without a prompt to come, an idle CLI ends by itself.
        self.input = None;
        self.ask_to_end();
        let grace = self.patience.grace;
        match &mut self.life {
            Life::Here(here) => here.end(grace).await,
            // It is seen to over there, by what has started it.
            Life::There(_) => {}
        }
    }

    /// Says in words how it ended, with the end of what it wrote to standard error.
    pub(super) async fn how_it_ended(&mut self) -> String {
        let (how, said) = match &mut self.life {
            Life::Here(here) => (here.how().await, self.tail.text()),
            Life::There(there) => {
                let how = match there.ended {
                    Some(code) => format!("ended with exit code {code}"),
                    None => "was lost with the connection to its host".to_owned(),
                };
                // Both streams end together, and are read by two tasks.
                let _ = tokio::time::timeout(DRAIN, self.tail.is_whole()).await;
                (how, self.tail.text_after(&there.mark))
            }
        };
        match said {
            Some(text) => format!("{how} (it wrote: {text})"),
            None => how,
        }
    }
}

impl Here {
    /// Waits for the next line. Once the leader has ended, what it started is ended too and only what
    /// is in the pipe is read: a grandchild may hold it open.
    async fn next(&mut self, lines: &mut Lines<Output>) -> Read {
        loop {
            let until = self.read_until.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                read = lines.next() => return read,
                _ = self.child.wait(), if self.read_until.is_none() => self.has_ended(),
                () = sleep_until(until), if self.read_until.is_some() => {
                    return Read::End { is_cut: false };
                }
            }
        }
    }

    fn is_alive(&mut self) -> bool {
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

    async fn end(&mut self, grace: Duration) {
        let ended = tokio::time::timeout(grace, self.child.wait()).await;
        if ended.is_err() {
            child::end_group(self.group);
            // Where there are no groups, at least itself.
            let _ = self.child.start_kill();
            // What was killed is waited for, or it would stay in the list of processes.
            let _ = self.child.wait().await;
        }
        self.has_ended();
    }

    async fn how(&mut self) -> String {
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
        how
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        child::end_group(self.group);
    }
}
