//! Emptying the log after something was deleted, also when it can't be done at once: the log may
//! hold what the database does not any more, and another process that reads keeps it from being cut.
//!
//! The store counts the deletions, in the same commit as each, and up to which of them the log was
//! emptied. Whoever opens the store next, or writes to it, makes up for what is left.

use std::time::Duration;

use rusqlite::Connection;

use super::error::SqlContext;
use super::open::BUSY_TIMEOUT;
use crate::error::{Code, Error, Result};

/// Notes that the write that this is part of deletes or replaces what must not stay in the log.
/// [`Db::checkpoint`](super::Db::checkpoint) is due after it.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be noted.
pub fn note_deletion(store: &Connection) -> Result<()> {
    store
        .execute("UPDATE store SET deletions = deletions + 1", [])
        .doing("note a deletion")
        .map(drop)
}

/// Tells whether the log may still hold what was deleted.
pub(super) fn is_due(store: &Connection) -> bool {
    let due = "SELECT deletions > emptied FROM store";
    store.query_row(due, [], |row| row.get(0)).unwrap_or(false)
}

/// Empties the log, waiting for readers as long as the busy timeout.
pub(super) fn empty_log(connection: &Connection) -> Result<()> {
    // Read first: a deletion that is noted after this is not one that was made up for.
    let deletions: i64 = connection
        .query_row("SELECT coalesce(max(deletions), 0) FROM store", [], |row| {
            row.get(0)
        })
        .doing("empty its log")?;
    checkpoint(connection)?;
    connection
        .execute(
            "UPDATE store SET emptied = ?1 WHERE emptied < ?1",
            [deletions],
        )
        .doing("empty its log")
        .map(drop)
}

/// As [`empty_log`] without waiting. Returns whether it is still due.
pub(super) fn try_again(connection: &Connection) -> bool {
    let without_waiting = connection.busy_timeout(Duration::ZERO);
    let outcome = without_waiting
        .doing("empty its log")
        .and_then(|()| empty_log(connection));
    if let Err(error) = connection.busy_timeout(BUSY_TIMEOUT) {
        tracing::warn!(%error, "the busy timeout could not be set again");
    }
    outcome.is_err()
}

pub(super) fn checkpoint(connection: &Connection) -> Result<()> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .doing("empty its log")?;
    if busy != 0 {
        return Err(Error::new(
            Code::StoreUnwritable,
            "The store's log could not be emptied: another process kept reading.",
        )
        .hint("Deleted bytes may still be in the log; the next command empties it."));
    }
    Ok(())
}
