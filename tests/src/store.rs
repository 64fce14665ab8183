//! Looking into the store of a machine from outside, and checking that it is whole.

use std::path::Path;

use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, OpenFlags};

use crate::machine::Machine;

/// The sums that a day's row keeps, each beside the same sum of the ledger's rows.
const SUMS: &str = "
    SELECT count(*) FROM (
        SELECT payer, coalesce(key_id, '') k, tier, model, environment, basis, count(*) runs,
               sum(cost_estimate IS NULL) unpriced, coalesce(sum(cost_estimate), 0) cost,
               sum(input) i, sum(output) o, sum(cache_read) r
        FROM key_usage GROUP BY 1, 2, 3, 4, 5, 6
        EXCEPT
        SELECT payer, key_id, tier, model, environment, basis, sum(runs), sum(unpriced), sum(cost),
               sum(input), sum(output), sum(cache_read)
        FROM usage_daily GROUP BY 1, 2, 3, 4, 5, 6)";

impl Machine {
    /// Opens this machine's store, for a look or for damage on purpose.
    #[must_use]
    pub fn store(&self) -> Connection {
        open(&self.paths().database())
    }

    /// Returns the one value that a query gives.
    #[must_use]
    #[track_caller]
    pub fn value<T: FromSql>(&self, sql: &str) -> T {
        self.store()
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Checks the store as [`expect_sound`] does.
    #[track_caller]
    pub fn expect_sound_store(&self) {
        expect_sound(&self.paths().database());
    }
}

/// Checks the file itself, the references between rows, and that each day's sums are those of the
/// ledger's rows.
#[track_caller]
pub fn expect_sound(database: &Path) {
    let store = open(database);
    let value = |sql: &str| -> Value {
        store
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    assert_eq!(value("PRAGMA integrity_check"), Value::Text("ok".into()));
    let astray = value("SELECT count(*) FROM pragma_foreign_key_check");
    assert_eq!(
        astray,
        Value::Integer(0),
        "rows refer to others that are not there"
    );
    assert_eq!(
        value(SUMS),
        Value::Integer(0),
        "sums differ from their rows"
    );
    let (rows, summed) = (
        value("SELECT count(*) FROM key_usage"),
        value("SELECT coalesce(sum(runs), 0) FROM usage_daily"),
    );
    assert_eq!(rows, summed, "runs are summed that are not in the ledger");
}

fn open(database: &Path) -> Connection {
    let store = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .expect("a store that opens");
    store
        .busy_timeout(std::time::Duration::from_secs(30))
        .expect("a limit");
    store
}
