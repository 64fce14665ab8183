//! Notices the commits of other processes: the system wakes us, and one pragma tells whether it was
//! a commit that we have not seen.
//!
//! What is watched is a file of one byte that every writer rewrites *after* its commit. The log
//! itself would wake us too early: a commit becomes visible through shared memory, which the system
//! does not report, a moment after the last write to the log.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::error::SqlContext;
use super::{Db, files, open};
use crate::error::{Error, Result};

/// A stream of "something changed, read again".
pub struct Changes {
    // Held so that the system goes on reporting.
    _watcher: RecommendedWatcher,
    woken: mpsc::Receiver<()>,
    connection: Connection,
    seen: i64,
}

impl Changes {
    pub(super) fn watch(db: &Db) -> Result<Self> {
        let connection = open::reader(db.path(), db.access())?;
        let seen = data_version(&connection)?;
        // One waiting wake-up is enough: it stands for all that came since.
        let (wake, woken) = mpsc::channel(1);
        let signal = Signal::path(db.path());
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let concerns_us = event.map_or(true, |event| {
                    !event.kind.is_access() && event.paths.contains(&signal)
                });
                if concerns_us {
                    let _ = wake.try_send(());
                }
            })
            .map_err(|e| not_watchable(db, e))?;
        let folder = db.path().parent().unwrap_or(db.path());
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .map_err(|e| not_watchable(db, e))?;
        Ok(Self {
            _watcher: watcher,
            woken,
            connection,
            seen,
        })
    }

    /// Waits until another connection has committed something, this process's writer included.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read any more.
    pub async fn next(&mut self) -> Result<()> {
        loop {
            let now = data_version(&self.connection)?;
            if now != self.seen {
                self.seen = now;
                return Ok(());
            }
            if self.woken.recv().await.is_none() {
                return Err(Error::failed("The store's folder is no longer watched."));
            }
        }
    }
}

/// The file that tells other processes of a commit.
pub(super) struct Signal(File);

impl Signal {
    pub(super) fn open(store: &Path) -> Result<Self> {
        files::private_file(&Self::path(store)).map(Self)
    }

    fn path(store: &Path) -> PathBuf {
        store.with_file_name("changed")
    }

    /// Tells the others; without it they notice at their next read, so a failure is no error.
    pub(super) fn raise(&mut self) {
        let _ = self.0.rewind().and_then(|()| self.0.write_all(b"."));
    }
}

fn data_version(connection: &Connection) -> Result<i64> {
    connection
        .pragma_query_value(None, "data_version", |row| row.get(0))
        .doing("be read")
}

fn not_watchable(db: &Db, error: notify::Error) -> Error {
    Error::failed(format!(
        "Changes of {} can't be noticed.",
        db.path().display()
    ))
    .hint("Changes made by another window or command show after a restart.")
    .because(error)
}
