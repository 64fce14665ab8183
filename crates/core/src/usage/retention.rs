//! Old ledger rows are folded into quarter-hours: the sums stay, the single runs go.

use rusqlite::{Connection, OptionalExtension};

use super::cells::{ADD, COLUMNS, GROUP, OF_LEDGER, divided_down};
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::error::Result;
use crate::settings::Setting;

/// Milliseconds in a quarter of an hour. Every zone's day has begun on one of them since 1972, so
/// that folded rows can be added up for any zone.
pub(super) const QUARTER: i64 = 15 * 60 * 1_000;

/// The most rows that are folded in one transaction: others can write in between.
pub const SLICE: usize = 5_000;

/// How many months a ledger row is kept before it is folded. Thirteen by default: a month can be
/// looked at run by run, beside the same month of the year before. 0 keeps them for ever.
pub const KEEP_MONTHS: Setting<u32> = Setting {
    name: "usage.keep_months",
    default: || 13,
    check: |_| Ok(()),
};

/// Folds what is older than [`KEEP_MONTHS`] says; returns how many rows were folded.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written; what
/// was folded by then stays so.
pub async fn fold_old(db: &Db) -> Result<usize> {
    let months = db.read(|store| KEEP_MONTHS.get(store))?;
    let Some(cutoff) = cutoff(db.clock().now(), months) else {
        return Ok(0);
    };
    // Nearly always there is nothing to do, and looking takes no lock.
    let has_old = db.read(|store| {
        store
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM key_usage WHERE timestamp < ?1)")
            .and_then(|mut rows| rows.query_row([cutoff], |row| row.get(0)))
            .doing("look for old rows of the ledger")
    })?;
    if has_old {
        fold_before(db, cutoff).await
    } else {
        Ok(0)
    }
}

/// Folds the rows from before `cutoff`, slice by slice, each in a transaction of its own; returns
/// how many rows were folded. All sums stay as they are.
///
/// # Errors
/// As [`fold_old`].
pub async fn fold_before(db: &Db, cutoff: Millis) -> Result<usize> {
    let mut folded = 0;
    loop {
        let rows = db
            .write(move |store| fold_slice(store, cutoff, SLICE))
            .await?;
        folded += rows;
        if rows < SLICE {
            return Ok(folded);
        }
    }
}

/// Folds the oldest rows from before `cutoff`, at most `most` of them, in the caller's
/// transaction; returns how many.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub fn fold_slice(store: &Connection, cutoff: Millis, most: usize) -> Result<usize> {
    fold(store, cutoff, most).doing("fold old rows of the ledger")
}

fn fold(store: &Connection, cutoff: Millis, most: usize) -> rusqlite::Result<usize> {
    let last: Option<(i64, i64)> = store
        .prepare_cached(
            "SELECT timestamp, id FROM
                 (SELECT timestamp, id FROM key_usage WHERE timestamp < ?1 ORDER BY timestamp, id LIMIT ?2)
             ORDER BY timestamp DESC, id DESC LIMIT 1",
        )?
        .query_row((cutoff, i64::try_from(most).unwrap_or(i64::MAX)), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some(last) = last else { return Ok(0) };
    let quarter = divided_down("timestamp", QUARTER);
    store
        .prepare_cached(&format!(
            "INSERT INTO usage_folded (quarter, {COLUMNS})
             SELECT {quarter}, {OF_LEDGER} FROM key_usage WHERE (timestamp, id) <= (?1, ?2) {GROUP} {ADD}"
        ))?
        .execute(last)?;
    store
        .prepare_cached("DELETE FROM key_usage WHERE (timestamp, id) <= (?1, ?2)")?
        .execute(last)
}

/// Returns the moment `months` before `now`, or `None` where rows are kept for ever.
fn cutoff(now: Millis, months: u32) -> Option<Millis> {
    if months == 0 {
        return None;
    }
    let now = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    let span = jiff::Span::new().try_months(months).ok()?;
    Some(Millis(
        now.checked_sub(span).ok()?.timestamp().as_millisecond(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_for_whole_months_or_for_ever() {
        let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(
            cutoff(at("2026-11-22T10:00:00Z"), 13),
            Some(at("2025-10-22T10:00:00Z"))
        );
        assert_eq!(
            cutoff(at("2026-03-31T00:00:00Z"), 1),
            Some(at("2026-02-28T00:00:00Z"))
        );
        assert_eq!(cutoff(at("2026-11-22T10:00:00Z"), 0), None);
        assert_eq!(cutoff(at("2026-11-22T10:00:00Z"), u32::MAX), None);
    }
}
