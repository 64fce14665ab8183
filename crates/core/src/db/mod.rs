//! The store: one SQLite file, private to its user.
//!
//! Every write goes through one thread for each process, which commits what is queued together
//! ([`Db::write`]); reads take a connection of their own ([`Db::read`]). A newer schema is refused,
//! a damaged file is opened for reading only and never recreated ([`Access::Rescue`]).

mod backup;
mod erase;
mod error;
mod files;
mod migrate;
mod open;
mod restore;
mod watch;
mod writer;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::clock::Clock;
use crate::error::{Code, Error, Remedy, Result};
use crate::paths::Paths;

pub use erase::note_deletion;
pub use error::SqlContext;
pub use files::private_folder;
pub(crate) use files::{private_file, read_private, unwritable, write_private};
pub use migrate::SCHEMA_VERSION;
pub(crate) use open::local_zone;
pub use restore::restore;
pub use watch::Changes;

/// What to do about a damaged file. Putting a copy in its place by hand would leave its log beside the
/// copy, to be replayed into that one.
pub(crate) const PUT_BACK: &str = "Nothing was changed. Copies of the store are in the folder backups \
     beside it. Don't move its files by hand: its log has to go with it.";

/// How many idle read connections are kept.
const IDLE_READERS: usize = 4;

/// What can be done with the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// Reading what can be read; the text says what is wrong with the file.
    Rescue(String),
}

/// An open store. Clones share one writer.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    paths: Paths,
    path: PathBuf,
    access: Access,
    clock: Clock,
    readers: Mutex<Vec<Connection>>,
    writer: Option<writer::Writer>,
    // Held for the life of the process: a run whose owner's file is not locked has no owner.
    live: Option<files::LiveFile>,
}

impl Db {
    /// Opens the store, making it where there is none, and brings it to this version's schema
    /// after a verified backup.
    ///
    /// A file that is damaged is opened for reading only: see [`Db::access`].
    ///
    /// # Errors
    /// [`Code::StoreNewer`] when a newer Switchyard wrote it (the file stays as it is),
    /// [`Code::StoreUnwritable`] when the folder or the disk does not allow it, and
    /// [`Code::StoreDamaged`] when not even reading is possible.
    pub fn open(paths: &Paths, clock: &Clock) -> Result<Self> {
        open::open(paths, clock)
    }

    /// Tells whether there is a store, also one that a restore was killed over.
    #[must_use]
    pub fn exists(paths: &Paths) -> bool {
        // What can't be looked for is left to the opening, which says why.
        restore::is_begun(paths) || paths.database().try_exists().unwrap_or(true)
    }

    /// Returns the database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the store's folders.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// Returns what can be done with the store.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// Returns what is wrong with the file and what to do about it, where it is open for reading only.
    #[must_use]
    pub fn damage(&self) -> Option<Error> {
        match &self.0.access {
            Access::Full => None,
            Access::Rescue(why) => Some(read_only(why)),
        }
    }

    /// Returns the clock that stamps the rows.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Returns the name under which this process owns its runs.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0.live.as_ref().map_or("", files::LiveFile::name)
    }

    /// Tells whether the process that owns runs under `owner` has ended.
    #[must_use]
    pub fn is_gone(&self, owner: &str) -> bool {
        owner != self.owner() && files::is_gone(&self.0.path, owner)
    }

    /// Removes what processes that were killed left beside the store.
    pub fn sweep(&self) {
        files::sweep_live(&self.0.path);
    }

    /// Runs `job` in a transaction of its own meaning: all of it is durable when the future
    /// yields `Ok`, none of it when it yields `Err`. Jobs that are queued together share one commit.
    ///
    /// The job is done whether or not the future is awaited.
    ///
    /// # Errors
    /// What the job returned, or [`Code::StoreUnwritable`] when it could not be committed.
    pub fn write<T, F>(&self, job: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let queued = self.queue(job, reply);
        async move {
            queued?;
            answer.await.unwrap_or_else(|_| Err(writer_gone()))
        }
    }

    /// As [`Db::write`], for a caller outside of any async runtime; waits on the calling thread.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.queue(job, reply)?;
        answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(writer_gone()))
    }

    fn queue<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        reply: tokio::sync::oneshot::Sender<Result<T>>,
    ) -> Result<()> {
        match (&self.0.writer, &self.0.access) {
            (Some(writer), _) => writer.queue(job, reply),
            (None, Access::Rescue(why)) => Err(read_only(why)),
            (None, Access::Full) => Err(writer_gone()),
        }
    }

    /// Reads with a connection that sees one consistent state for the whole of `job`.
    ///
    /// # Errors
    /// What the job returned, or [`Code::StoreDamaged`] when the file can't be read.
    pub fn read<T>(&self, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let pooled = self.lock_readers().pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => open::reader(&self.0.path, &self.0.access)?,
        };
        let snapshot = connection
            .transaction()
            .doing("start a read of the store")?;
        let outcome = job(&snapshot);
        drop(snapshot);
        let mut idle = self.lock_readers();
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        outcome
    }

    /// Copies the log into the database and cuts it to nothing, so that what was deleted is in
    /// neither file. Waits for readers as long as the busy timeout.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`] when another process kept reading. The deletion stands; where it was
    /// noted ([`note_deletion`]), the next write or the next opening finishes the work.
    pub async fn checkpoint(&self) -> Result<()> {
        self.lock_readers().clear();
        let Some(writer) = &self.0.writer else {
            return Ok(());
        };
        let (reply, answer) = tokio::sync::oneshot::channel();
        writer.queue_checkpoint(reply)?;
        answer.await.unwrap_or_else(|_| Err(writer_gone()))
    }

    /// As [`Db::checkpoint`], after a deletion that was noted: that it has to wait is no failure of
    /// what the user asked for, so it is only logged.
    pub async fn checkpoint_or_later(&self) {
        if let Err(error) = self.checkpoint().await {
            tracing::warn!(%error, "the log is emptied later");
        }
    }

    /// Watches for commits of other processes, without a timer.
    ///
    /// # Errors
    /// [`Code::Failed`] when the system can't watch the folder.
    pub fn changes(&self) -> Result<Changes> {
        Changes::watch(self)
    }

    fn lock_readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("path", &self.0.path)
            .field("access", &self.0.access)
            .finish()
    }
}

fn writer_gone() -> Error {
    Error::failed("The store's writer has stopped; nothing of this was saved.")
        .hint("Start Switchyard again.")
}

fn read_only(why: &str) -> Error {
    Error::new(
        Code::StoreDamaged,
        format!("The store is damaged, so it is open for reading only: {why}"),
    )
    .hint(PUT_BACK)
    .remedy(Remedy::RestoreStore)
}

#[cfg(test)]
mod tests;
