//! Ledgers of any length with the same occupied cells, filled with plain SQL.

use rusqlite::Connection;
use switchyard_core::Result;
use switchyard_core::clock::{Clock, Millis};
use switchyard_core::db::{Db, SqlContext};
use switchyard_core::paths::Paths;
use switchyard_core::usage::zone;
use tempfile::TempDir;

use crate::Measured;

/// How many keys and models are in use; each pair has a cell on each day.
pub(crate) const KEYS: u32 = 5;
const MODELS: u32 = 5;
const DAYS: u32 = 400;
const CELLS: u32 = DAYS * KEYS * MODELS;
const DAY_MS: i64 = 86_400_000;
/// The first day, 2025-10-27, so that the last is the thirtieth of a month.
const FIRST_DAY: i64 = 20_388;

/// A store with a full ledger, beside one with as many cells and one row in each.
pub(crate) struct Ledger {
    pub(crate) rows: u32,
    pub(crate) large: Db,
    pub(crate) small: Db,
    /// Late on the last day.
    pub(crate) now: Millis,
    // After the stores, which are closed before their folder goes.
    _folder: TempDir,
}

impl Ledger {
    /// Makes a ledger of about so many rows.
    pub(crate) async fn of(rows: u32) -> Measured<Self> {
        let folder = tempfile::Builder::new().prefix("sy").tempdir()?;
        let now = Millis((FIRST_DAY + i64::from(DAYS)) * DAY_MS - 1);
        let open =
            |name: &str| Db::open(&Paths::under(&folder.path().join(name)), &Clock::fixed(now));
        let (large, small) = (open("large")?, open("small")?);
        let in_each = (rows / CELLS).max(1);
        large.write(move |store| fill(store, in_each)).await?;
        small.write(|store| fill(store, 1)).await?;
        for db in [&large, &small] {
            db.checkpoint().await?;
        }
        Ok(Self {
            rows: in_each * CELLS,
            large,
            small,
            now,
            _folder: folder,
        })
    }
}

fn fill(store: &Connection, in_each: u32) -> Result<()> {
    const DOING: &str = "be filled";
    zone::set_zone(store, "UTC")?;
    store
        .execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, created_at)
             SELECT 'key-' || i, 'Key ' || i, 'key ' || i, x'00', 'api', 'manual', '', 0 FROM n",
            [KEYS],
        )
        .doing(DOING)?;
    // In the order of time, as a ledger grows: one day after the other, its cells in turn.
    store
        .execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO key_usage (key_id, payer, tokens_used, cost_estimate, timestamp, tier, model,
                 environment, basis, input, output, cache_write_5m, cache_write_1h, cache_read,
                 priced_as_of)
             SELECT 'key-' || (i % ?2), 'key:key-' || (i % ?2), 1200 + i % 977, 1000 * (i % 4999),
                 ?5 + (i / ?4) * 86400000 + (i % ?4) * 86400000 / ?4, 'metered',
                 'claude-model-' || (i / ?2 % ?3), 'production', 'metered', 1000 + i % 977, 200, 0, 0,
                 0, '2026-11-01'
             FROM n",
            (
                i64::from(CELLS) * i64::from(in_each),
                KEYS,
                MODELS,
                KEYS * MODELS * in_each,
                FIRST_DAY * DAY_MS,
            ),
        )
        .doing(DOING)?;
    zone::rebuild(store)
}
