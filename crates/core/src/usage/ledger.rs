//! The ledger: one row for each run, and its sums in the same transaction.

use rusqlite::{Connection, params};

use super::cells::{ADD, COLUMNS};
use super::{Entry, Nano, Tokens, zone};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::Result;
use crate::id::{KeyId, RunId};

/// The most tokens, or searches, that a row takes for true. A thousand times the largest context:
/// what a broken server claims beyond it must not make every later sum overflow.
const COUNT_MAX: u64 = 10_000_000_000;

/// The most characters of a model's name that a row keeps; the name comes from the server.
const MODEL_MAX: usize = 200;

/// Whether a row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// It was.
    New,
    /// The run is in the ledger already, and nothing was changed.
    Already,
}

/// Writes one ledger row and adds it to the sums, in the caller's transaction. A run that is
/// booked already is left as it is.
///
/// A count beyond all reason is cut to 10^10 and its cost is then unknown.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub fn book(store: &Connection, entry: &Entry) -> Result<Booked> {
    let entry = &plausible(entry);
    if insert(store, entry).doing("write the ledger")? == 0 {
        return Ok(Booked::Already);
    }
    let day = zone::local_day(&zone::zone(store)?, entry.at);
    add_up(store, entry, day).doing("add up the ledger")?;
    Ok(Booked::New)
}

/// Takes the row of a run out of the ledger and of the sums, in the caller's transaction, so that the
/// run can be booked anew. Returns whether it had a row of its own.
///
/// # Errors
/// As [`book`].
pub fn take_out(store: &Connection, run: RunId) -> Result<bool> {
    let rows = store
        .execute("DELETE FROM key_usage WHERE run_id = ?1", [run])
        .doing("write the ledger")?;
    if rows == 0 {
        return Ok(false);
    }
    // Made anew rather than subtracted: which cell a row went into depends on what the rules of the
    // zone were then. It is slower, and hardly ever needed.
    zone::rebuild(store)?;
    Ok(true)
}

/// Writes the row alone; returns 0 where its run is booked already.
pub(super) fn insert(store: &Connection, entry: &Entry) -> rusqlite::Result<usize> {
    store
        .prepare_cached(
            "INSERT INTO key_usage (key_id, tokens_used, cost_estimate, timestamp, payer, run_id, tier,
                 model, host_id, environment, basis, input, output, cache_write_5m, cache_write_1h,
                 cache_read, thinking, web_searches, priced_as_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
             ON CONFLICT (run_id) WHERE run_id IS NOT NULL DO NOTHING",
        )?
        .execute(params![
            entry.key,
            signed(entry.tokens.total()),
            entry.cost,
            entry.at,
            entry.payer,
            entry.run,
            entry.tier,
            entry.model,
            entry.host,
            entry.environment,
            entry.basis,
            signed(entry.tokens.input),
            signed(entry.tokens.output),
            signed(entry.tokens.cache_write_5m),
            signed(entry.tokens.cache_write_1h),
            signed(entry.tokens.cache_read),
            signed(entry.tokens.thinking),
            signed(entry.tokens.web_searches),
            entry.priced_as_of,
        ])
}

fn add_up(store: &Connection, entry: &Entry, day: i64) -> rusqlite::Result<()> {
    store
        .prepare_cached(
            &format!(
                "INSERT INTO usage_daily (day, {COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
                 {ADD}"
            ),
        )?
        .execute(params![
            day,
            entry.payer,
            entry.key.as_ref().map_or("", KeyId::as_str),
            entry.tier,
            entry.model,
            entry.host.map_or(0, |host| host.0),
            entry.environment,
            entry.basis,
            entry.cost.is_none(),
            entry.cost.unwrap_or(Nano::ZERO),
            signed(entry.tokens.input),
            signed(entry.tokens.output),
            signed(entry.tokens.cache_write_5m),
            signed(entry.tokens.cache_write_1h),
            signed(entry.tokens.cache_read),
            signed(entry.tokens.thinking),
            signed(entry.tokens.web_searches),
        ])
        .map(drop)
}

/// Returns the entry as it can be kept: bounded counts, name and time, and no cost
/// below nothing.
fn plausible(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if entry.model.len() > MODEL_MAX {
        entry.model = entry.model.chars().take(MODEL_MAX).collect();
    }
    entry.at = Millis(entry.at.timestamp().as_millisecond());
    let told = entry.tokens;
    let cut = |count: u64| count.min(COUNT_MAX);
    entry.tokens = Tokens {
        input: cut(told.input),
        output: cut(told.output),
        cache_write_5m: cut(told.cache_write_5m),
        cache_write_1h: cut(told.cache_write_1h),
        cache_read: cut(told.cache_read),
        thinking: cut(told.thinking),
        web_searches: cut(told.web_searches),
    };
    if entry.tokens != told {
        tracing::warn!(
            model = entry.model,
            "a run's token counts are beyond all reason; its cost counts as unknown"
        );
        entry.cost = None;
    }
    entry.cost = entry.cost.filter(|cost| *cost >= Nano::ZERO);
    entry
}

/// Returns a bounded count as SQLite keeps it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
