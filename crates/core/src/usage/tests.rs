//! The ledger with its sums, through every change that must leave them exact.

mod days;
mod export;
mod ledger;
mod report;
mod taking_out;

use rusqlite::Connection;
use rusqlite::types::FromSql;

use super::*;
use crate::clock::{Clock, Millis};
use crate::db::{Db, SqlContext};
use crate::id::{HostId, KeyId, RunId};
use crate::paths::Paths;

/// Noon in Berlin and Greenwich's eleventh hour of a day in winter.
const NOON: i64 = 1_795_345_200_000;
const HOUR: i64 = 3_600_000;

/// A bare store in memory, with the keys `k1` and `k2`, and the host 1.
fn store(zone: &str) -> Connection {
    let store = Connection::open_in_memory().unwrap();
    for sql in [
        include_str!("../../../../migrations/0001_store.sql"),
        include_str!("../../../../migrations/0002_vault_and_keys.sql"),
        include_str!("../../../../migrations/0003_runs.sql"),
        include_str!("../../../../migrations/0004_ledger.sql"),
        include_str!("../../../../migrations/0006_hosts.sql"),
    ] {
        store.execute_batch(sql).unwrap();
    }
    store
        .execute(
            "INSERT INTO store (id, store_id, created_at, zone, pepper) VALUES (1, 'test', 0, ?1, zeroblob(32))",
            [zone],
        )
        .unwrap();
    furnish(&store).unwrap();
    store
}

fn furnish(store: &Connection) -> crate::Result<()> {
    store
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, created_at)
                 VALUES ('k1', 'Work', 'work', x'00', 'api', 'manual', 'aaaa', 0),
                        ('k2', 'Old CI', 'old ci', x'00', 'api', 'manual', 'bbbb', 0);
             INSERT INTO hosts (id, name, name_folded, destination, created_at) VALUES (1, 'box-1', 'box-1', 'box-1', 0);
             INSERT INTO conversations (id, created_at) VALUES (1, 0);",
        )
        .doing("furnish")
}

fn entry(at: i64) -> Entry {
    Entry {
        run: None,
        at: Millis(at),
        payer: Payer::Key(KeyId::from_text("k1")),
        key: Some(KeyId::from_text("k1")),
        tier: Tier::Metered,
        model: "claude-sonnet-5-5".to_owned(),
        host: None,
        environment: "production".to_owned(),
        basis: Basis::Metered,
        tokens: Tokens {
            input: 10,
            output: 20,
            cache_write_5m: 3,
            cache_write_1h: 4,
            cache_read: 5,
            thinking: 6,
            web_searches: 1,
        },
        cost: Some(Nano(1_000)),
        priced_as_of: Some("2026-11-22".to_owned()),
    }
}

/// Every cell of a table as text, in order.
fn cells(store: &Connection, table: &str) -> Vec<String> {
    let mut rows = store
        .prepare(&format!(
            "SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8"
        ))
        .unwrap();
    let columns = rows.column_count();
    rows.query_map([], |row| {
        (0..columns)
            .map(|i| {
                row.get::<_, rusqlite::types::Value>(i)
                    .map(|v| format!("{v:?}"))
            })
            .collect::<rusqlite::Result<Vec<_>>>()
    })
    .unwrap()
    .map(|row| row.unwrap().join("|"))
    .collect()
}

fn one<T: FromSql>(store: &Connection, sql: &str) -> T {
    store.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn started_run(store: &Connection, id: i64) -> RunId {
    store
        .execute(
            "INSERT INTO runs (id, conversation_id, owner, face, state, tier, model, payer, payer_label, started_at)
             VALUES (?1, 1, 'me', 'test', 'started', 'metered', 'm', 'key:k1', 'Work', 0)",
            [id],
        )
        .unwrap();
    RunId(id)
}

struct Place {
    _folder: tempfile::TempDir,
    paths: Paths,
    clock: Clock,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::under(&folder.path().join("home"));
    Place {
        _folder: folder,
        paths,
        clock: Clock::fixed(Millis(NOON)),
    }
}
