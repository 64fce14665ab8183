//! Local days: which one a moment belongs to, and what happens to the sums when the zone changes.

use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension};

use super::cells::{ADD, COLUMNS, GROUP, OF_CELLS, OF_LEDGER, divided_down};
use super::retention::QUARTER;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Result};

/// Seconds in a day as clocks count it.
const DAY: i64 = 86_400;

/// Returns the name of the zone whose days the sums are kept for.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn zone_name(store: &Connection) -> Result<String> {
    store
        .prepare_cached("SELECT zone FROM store WHERE id = 1")
        .and_then(|mut row| row.query_row([], |row| row.get(0)))
        .doing("read its zone")
}

/// Returns the zone whose days the sums are kept for; one that is not known counts as UTC, so that
/// a row is booked all the same.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn zone(store: &Connection) -> Result<TimeZone> {
    let name = zone_name(store)?;
    // jiff keeps the zones that it has read.
    Ok(TimeZone::get(&name).unwrap_or_else(|error| {
        tracing::warn!(zone = name, %error, "the store's zone is not known; days are those of UTC");
        TimeZone::UTC
    }))
}

/// Returns the local day of `at`, in days since 1970-01-01.
#[must_use]
pub fn local_day(zone: &TimeZone, at: Millis) -> i64 {
    let at = at.timestamp();
    let offset = i64::from(zone.to_offset(at).seconds());
    // Whole seconds, rounded down also before 1970.
    (at.as_millisecond().div_euclid(1_000) + offset).div_euclid(DAY)
}

/// Changes the zone and rebuilds the sums for its days, in the caller's transaction.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) where there is no such zone, and
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub fn set_zone(store: &Connection, name: &str) -> Result<()> {
    let zone = TimeZone::get(name).map_err(|e| {
        Error::bad_input("There is no time zone of that name.")
            .hint("Give an IANA name, as in Europe/Berlin or America/New_York.")
            .because(e)
    })?;
    // The name as the zone data spells it, which may not be how it was typed.
    store
        .execute(
            "UPDATE store SET zone = ?1 WHERE id = 1",
            [zone.iana_name().unwrap_or(name)],
        )
        .doing("change its zone")?;
    rebuild_for(store, &zone)
}

/// Makes the sums anew from the ledger and from what was folded, in the caller's transaction.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub fn rebuild(store: &Connection) -> Result<()> {
    rebuild_for(store, &zone(store)?)
}

fn rebuild_for(store: &Connection, zone: &TimeZone) -> Result<()> {
    store
        .execute("DELETE FROM usage_daily", [])
        .doing("clear its sums")?;
    for source in [LEDGER, FOLDED] {
        source.add_up(store, zone).doing("add up the ledger")?;
    }
    Ok(())
}

/// A table that the sums of days are made from.
struct Source {
    table: &'static str,
    /// The column that says when, and how many milliseconds one of its units has.
    when: &'static str,
    unit: i64,
    sums: &'static str,
}

const LEDGER: Source = Source {
    table: "key_usage",
    when: "timestamp",
    unit: 1,
    sums: OF_LEDGER,
};

const FOLDED: Source = Source {
    table: "usage_folded",
    when: "quarter",
    unit: QUARTER,
    sums: OF_CELLS,
};

impl Source {
    /// Adds the table to the sums, one stretch of constant offset from UTC after the other: within
    /// one, the day is plain arithmetic that SQLite does itself.
    fn add_up(&self, store: &Connection, zone: &TimeZone) -> rusqlite::Result<()> {
        let Self {
            table,
            when,
            unit,
            sums,
        } = self;
        let day = divided_down(&format!("{when} * {unit} + ?3"), DAY * 1_000);
        let mut first = store.prepare(&format!(
            "SELECT {when} FROM {table} WHERE {when} >= ?1 ORDER BY {when} LIMIT 1"
        ))?;
        let mut add = store.prepare(&format!(
            "INSERT INTO usage_daily (day, {COLUMNS})
             SELECT {day}, {sums} FROM {table} WHERE {when} >= ?1 AND {when} < ?2 {GROUP} {ADD}"
        ))?;
        let mut from = i64::MIN;
        while let Some(begin) = first
            .query_row([from], |row| row.get::<_, i64>(0))
            .optional()?
        {
            let at = Millis(begin.saturating_mul(*unit)).timestamp();
            let offset = i64::from(zone.to_offset(at).seconds()) * 1_000;
            let until = zone
                .following(at)
                .next()
                // Transitions fall on quarter-hours, so that none of them cuts a folded one.
                .map_or(i64::MAX, |next| next.timestamp().as_millisecond() / unit);
            add.execute([begin, until, offset])?;
            if until == i64::MAX {
                break;
            }
            from = until;
        }
        Ok(())
    }
}
