//! Numbered migrations, each store brought forward in one transaction after a verified backup.

use std::path::PathBuf;
use std::sync::LazyLock;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::backup::{self, Kind};
use super::error::SqlContext;
use crate::clock::Millis;
use crate::error::{Code, Error, Result};
use crate::paths::Paths;

const FILES: &[&str] = &[
    include_str!("../../../../migrations/0001_store.sql"),
    include_str!("../../../../migrations/0002_vault_and_keys.sql"),
    include_str!("../../../../migrations/0003_runs.sql"),
    include_str!("../../../../migrations/0004_ledger.sql"),
    include_str!("../../../../migrations/0005_plan.sql"),
    include_str!("../../../../migrations/0006_hosts.sql"),
    include_str!("../../../../migrations/0007_routing.sql"),
    include_str!("../../../../migrations/0008_lines.sql"),
];

/// The schema that this version writes; a store's own is in `PRAGMA user_version`.
pub const SCHEMA_VERSION: usize = FILES.len();

static MIGRATIONS: LazyLock<Migrations<'static>> =
    LazyLock::new(|| Migrations::new(FILES.iter().map(|sql| M::up(sql)).collect()));

/// Returns the schema version of an open store.
///
/// # Errors
/// [`Code::StoreDamaged`] when it can't be read.
pub(super) fn version(connection: &Connection) -> Result<usize> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .doing("read its version")
        // A negative version is nobody's; it is refused as newer.
        .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
}

/// Refuses a schema that a newer Switchyard wrote.
///
/// # Errors
/// [`Code::StoreNewer`].
pub(super) fn refuse_newer(version: usize) -> Result<()> {
    if version <= SCHEMA_VERSION {
        return Ok(());
    }
    Err(Error::new(
        Code::StoreNewer,
        format!("The store was written by a newer Switchyard (schema {version}; this one knows {SCHEMA_VERSION})."),
    )
    .hint("Nothing was changed. Update Switchyard, or set SWITCHYARD_HOME to another folder."))
}

/// Applies what is missing, all in one transaction.
///
/// # Errors
/// [`Code::StoreUnwritable`] or [`Code::Failed`]; the store is then as it was.
pub(super) fn to_latest(connection: &mut Connection) -> Result<()> {
    up_to(connection, &MIGRATIONS)
}

fn up_to(connection: &mut Connection, migrations: &Migrations<'_>) -> Result<()> {
    migrations
        .to_latest(connection)
        .map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => {
                match Err::<(), _>(err).doing("be brought to this version's form") {
                    Err(worded) => worded,
                    Ok(()) => Error::failed("The migration failed."),
                }
            }
            other => Error::failed(format!(
                "The store could not be brought to this version's form: {other}."
            ))
            .hint("Nothing was changed; the backup beside the store is the state from before."),
        })
}

/// Copies the store aside and checks the copy.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be written or does not check out: the migration stops.
pub(super) fn back_up(
    connection: &Connection,
    paths: &Paths,
    from: usize,
    now: Millis,
) -> Result<PathBuf> {
    let folder = paths.backups();
    backup::into_folder(connection, &folder, Kind::Schema(from), now).map_err(|error| {
        Error::new(
            Code::StoreUnwritable,
            format!(
                "The backup before the migration failed, so the store was left as it is: {error}"
            ),
        )
        .hint(format!(
            "Make room in {} and start again.",
            folder.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid_one_after_another() {
        MIGRATIONS.validate().unwrap();
    }

    #[test]
    fn a_migration_that_fails_half_way_leaves_nothing_of_itself() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migrations::new(vec![
            M::up("CREATE TABLE first (id INTEGER) STRICT;"),
            M::up("CREATE TABLE second (id INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"),
        ]);
        assert!(up_to(&mut connection, &broken).is_err());
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!((tables, version(&connection).unwrap()), (0, 0));
    }

    #[test]
    fn a_disk_that_is_full_in_the_middle_of_a_migration_leaves_the_old_store() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(FILES[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let pages: i64 = connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        // Room for a part of it.
        connection
            .pragma_update(None, "max_page_count", pages + 3)
            .unwrap();
        let schema = |connection: &Connection| -> i64 {
            connection
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
                .unwrap()
        };
        let before = schema(&connection);
        let error = to_latest(&mut connection).unwrap_err();
        assert_eq!(error.code(), Code::StoreUnwritable);
        assert!(error.message().contains("disk is full"), "{error}");
        assert_eq!(
            (schema(&connection), version(&connection).unwrap()),
            (before, 1)
        );
    }
}
