//! Hosts that fail are left alone for a while, longer each time.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::table;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Failure, Result};
use crate::id::HostId;

/// The first pause.
const FIRST: Duration = Duration::from_secs(15);

/// The longest pause: a box that is back is used again within it.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Returns how long a host rests after so many failures in a row.
#[must_use]
pub fn pause_after(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        more => FIRST
            .saturating_mul(2_u32.saturating_pow(more - 1))
            .min(LONGEST),
    }
}

/// Notes that a host has failed, in the caller's transaction, and lets it rest. One that rests already is not
/// counted again: its slots fail together. That it has shown another key than the pinned one is noted all the
/// same, and no other failure takes its place.
///
/// # Errors
/// [`Code::NotFound`], or when it can't be kept.
pub fn note_failure(store: &Connection, id: HostId, why: &Failure, now: Millis) -> Result<()> {
    let host = table::get(store, id)?;
    let rests = host.rests_until.is_some_and(|until| until > now);
    if host.has_changed_key() || (rests && why.code != Code::HostKey) {
        return Ok(());
    }
    let failures = host.failures.saturating_add(1);
    let why = serde_json::to_string(why)
        .map_err(|e| Error::failed("The host's failure can't be written.").because(e))?;
    store
        .execute(
            "UPDATE hosts SET failures = ?2, rests_until = ?3, last_failure = ?4 WHERE id = ?1",
            params![id, failures, now.plus(pause_after(failures)), why],
        )
        .doing("note the host's failure")
        .map(drop)
}

/// Notes that a host works, in the caller's transaction. A run says nothing of the key: its connection may be
/// older than the change.
///
/// # Errors
/// [`Code::NotFound`], or when it can't be kept.
pub fn note_success(store: &Connection, id: HostId) -> Result<()> {
    match table::get(store, id)?.has_changed_key() {
        true => Ok(()),
        false => be_well(store, id),
    }
}

/// Notes that a host that had shown another key shows the pinned one again, in the caller's transaction.
///
/// # Errors
/// [`Code::NotFound`], or when it can't be kept.
pub fn note_pinned_key(store: &Connection, id: HostId) -> Result<()> {
    match table::get(store, id)?.has_changed_key() {
        true => be_well(store, id),
        false => Ok(()),
    }
}

fn be_well(store: &Connection, id: HostId) -> Result<()> {
    store
        .execute(
            "UPDATE hosts SET failures = 0, rests_until = NULL, last_failure = NULL
             WHERE id = ?1 AND (failures > 0 OR last_failure IS NOT NULL)",
            [id],
        )
        .doing("note that the host works")
        .map(drop)
}

/// Notes that a run failed on a host that had its prompt, in the caller's transaction. It may be the prompt's
/// doing: it counts for the host only where the run before it failed as well.
///
/// # Errors
/// When it can't be kept.
pub fn note_failed_run(store: &Connection, id: HostId, why: &Failure, now: Millis) -> Result<()> {
    let text = serde_json::to_string(why)
        .map_err(|e| Error::failed("The host's failure can't be written.").because(e))?;
    let noted = store
        .execute(
            "UPDATE hosts SET last_failure = ?2 WHERE id = ?1 AND last_failure IS NULL",
            params![id, text],
        )
        .doing("note the run's failure")?;
    match noted {
        0 => note_failure(store, id, why, now),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_the_one_before_and_none_is_endless() {
        let seconds: Vec<u64> = (0..9).map(|count| pause_after(count).as_secs()).collect();
        assert_eq!(seconds, [0, 15, 30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(pause_after(u32::MAX), LONGEST);
    }
}
