//! Local days: which one a moment belongs to, in the store's zone.

use jiff::tz::TimeZone;
use rusqlite::Connection;

use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::Result;

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
