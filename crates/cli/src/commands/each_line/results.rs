//! Standard output on a thread of its own: a reader who takes nothing holds up no signal, and nothing that
//! is under way.

use std::future::pending;
use std::io;

use tokio::sync::mpsc::{OwnedPermit, Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::out::put;

/// How many results may wait for the reader; then no further line is begun.
const WAITING_MAX: usize = 16;

/// The results on their way to the reader, in their order.
pub(super) struct Results {
    /// Absent once no further one follows.
    lines: Option<Sender<String>>,
    thread: JoinHandle<io::Result<()>>,
}

impl Results {
    pub(super) fn new() -> Self {
        let (lines, mut waiting) = channel::<String>(WAITING_MAX);
        let write = move || {
            while let Some(line) = waiting.blocking_recv() {
                put(&line)?;
            }
            Ok(())
        };
        Self {
            lines: Some(lines),
            thread: spawn_blocking(write),
        }
    }

    /// Waits for room for one more; for ever where none can be written any more, which
    /// [`Results::broken`] tells.
    pub(super) async fn room(&self) -> OwnedPermit<String> {
        match &self.lines {
            Some(lines) => match lines.clone().reserve_owned().await {
                Ok(room) => room,
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }

    /// Waits until nothing can be written any more.
    pub(super) async fn broken(&self) {
        match &self.lines {
            Some(lines) => lines.closed().await,
            None => pending().await,
        }
    }

    /// Waits until all is written; nothing follows from then on. To be awaited again where it was left.
    ///
    /// # Errors
    /// What the system says, such as that nobody reads any more.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.lines = None;
        let ended = (&mut self.thread).await;
        ended.unwrap_or_else(|e| Err(io::Error::other(e)))
    }
}
