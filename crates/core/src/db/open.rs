//! Opening a store: make it, or check it, migrate it, and hand out connections to it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::SqlContext;
use super::watch::Signal;
use super::{Access, Db, Inner, files, migrate, restore, writer};
use crate::clock::Clock;
use crate::error::{Code, Error, Remedy, Result};
use crate::paths::Paths;

pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

pub(super) fn open(paths: &Paths, clock: &Clock) -> Result<Db> {
    files::private_folder(paths.data())?;
    let path = paths.database();
    let share = loop {
        let share = files::share_opening(paths);
        if path
            .try_exists()
            .map_err(|e| files::unwritable(&path, "look for", e))?
            && !restore::is_begun(paths)
        {
            break share;
        }
        drop(share);
        let _lock = files::lock_for_opening(paths)?;
        restore::finish(paths, clock.now())?;
        create(paths, clock)?;
    };
    if let Some(why) = damage(&path)? {
        return Ok(rescue(paths, clock, why));
    }
    match open_sound(paths, clock, share?) {
        Err(error) if error.code() == Code::StoreDamaged => {
            Ok(rescue(paths, clock, error.message().to_owned()))
        }
        other => other,
    }
}

fn open_sound(paths: &Paths, clock: &Clock, share: File) -> Result<Db> {
    let path = paths.database();
    files::private_file(&path)?;
    let mut connection = connect(&path)?;
    let mut lock = share;
    let version = migrate::version(&connection)?;
    migrate::refuse_newer(version)?;
    if version < migrate::SCHEMA_VERSION {
        // Two that share the lock would wait for each other, so it is let go of before it is raised.
        drop(lock);
        lock = files::lock_for_opening(paths)?;
        connection = connect(&path)?;
        // A second look: another process may have migrated it meanwhile.
        let version = migrate::version(&connection)?;
        migrate::refuse_newer(version)?;
        if version < migrate::SCHEMA_VERSION {
            let copy = migrate::back_up(&connection, paths, version, clock.now())?;
            tracing::info!(from = version, to = migrate::SCHEMA_VERSION, backup = %copy.display(), "migrating the store");
            migrate::to_latest(&mut connection)?;
        }
    }
    let live = files::LiveFile::take(paths)?;
    // From here on the live file keeps the store from being replaced.
    drop(lock);
    let signal = Signal::open(&path)?;
    Ok(Db(Arc::new(Inner {
        paths: paths.clone(),
        path,
        access: Access::Full,
        clock: clock.clone(),
        readers: Mutex::new(Vec::new()),
        writer: Some(writer::Writer::start(connection, signal)?),
        live: Some(live),
    })))
}

/// Makes a store beside its final name and moves it there when it is whole, so that a store that
/// exists is never empty: an empty file is damage, not a beginning. Under the lock for opening.
fn create(paths: &Paths, clock: &Clock) -> Result<()> {
    let path = paths.database();
    if path.exists() {
        return Ok(());
    }
    refuse_beside_a_log(paths)?;
    let draft = paths.data().join("switchyard.db.new");
    files::remove_database(&draft);
    files::private_file(&draft)?;
    let mut connection = connect(&draft)?;
    migrate::to_latest(&mut connection)?;
    let pepper = crate::secret::FingerprintKey::random()?;
    connection
        .execute(
            "INSERT INTO store (id, store_id, created_at, zone, pepper) VALUES (1, ?1, ?2, ?3, ?4)",
            (
                uuid::Uuid::now_v7().to_string(),
                clock.now(),
                local_zone(),
                pepper.expose().as_slice(),
            ),
        )
        .doing("be made")?;
    connection
        .pragma_update(None, "wal_checkpoint", "TRUNCATE")
        .doing("be made")?;
    connection.close().map_err(|(_, e)| e).doing("be made")?;
    std::fs::rename(&draft, &path).map_err(|e| files::unwritable(&path, "put in place", e))?;
    files::sync_folder_of(&path)
}

/// Refuses to make a store where the log of another one lies: it would be replayed into the new one.
/// Nothing is moved, because a store that comes back needs its log in its place.
fn refuse_beside_a_log(paths: &Paths) -> Result<()> {
    let database = paths.database();
    for ending in ["db-wal", "db-journal"] {
        let log = database.with_extension(ending);
        match log.symlink_metadata() {
            // Nothing is in it.
            Ok(found) if found.is_file() && found.len() == 0 => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(files::unwritable(&log, "look for", e)),
            Ok(_) => return Err(log_alone(&database, &log)),
        }
    }
    Ok(())
}

fn log_alone(database: &Path, log: &Path) -> Error {
    Error::new(
        Code::StoreDamaged,
        format!(
            "The store {} is gone, but its log is still there: {}. Nothing was changed.",
            database.display(),
            log.display()
        ),
    )
    .hint(
        "If you moved the store, put it back: its log holds what was written last. To begin with an \
         empty store, move the log to another folder first. A copy can be restored at once; the log \
         then goes to the folder backups.",
    )
    .remedy(Remedy::RestoreStore)
}

/// Returns the IANA name of the machine's zone, or UTC where it has none.
pub(crate) fn local_zone() -> String {
    jiff::tz::TimeZone::system()
        .iana_name()
        .unwrap_or("UTC")
        .to_owned()
}

/// Looks for damage that SQLite would not see, or would repair by starting over: no file header, or
/// fewer pages than the header counts. Returns what is wrong.
pub(super) fn damage(path: &Path) -> Result<Option<String>> {
    let mut file = File::open(path).map_err(|e| files::unwritable(path, "open", e))?;
    let length = file
        .metadata()
        .map_err(|e| files::unwritable(path, "look at", e))?
        .len();
    if length == 0 {
        return Ok(Some("the file is empty, and a store never is.".to_owned()));
    }
    let mut header = [0_u8; 100];
    if file.read_exact(&mut header).is_err() || &header[..16] != MAGIC {
        return Ok(Some("the file is not a Switchyard store.".to_owned()));
    }
    let field = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let page_size = match u64::from(field(16) >> 16) {
        1 => 65_536,
        size => size,
    };
    let pages = u64::from(field(28));
    // The count is only right where the change counter agrees with it (SQLite file format, 1.3.7).
    let count_is_right = field(24) == field(92);
    // With a log beside it, the newest pages may not have reached the file yet.
    let has_log = path
        .with_extension("db-wal")
        .metadata()
        .is_ok_and(|log| log.len() > 0);
    if count_is_right && !has_log && length < pages * page_size {
        let missing = pages - length / page_size.max(1);
        return Ok(Some(format!(
            "the file is cut short: {missing} of its {pages} pages are missing."
        )));
    }
    Ok(None)
}

fn rescue(paths: &Paths, clock: &Clock, why: String) -> Db {
    tracing::warn!(%why, "the store is opened for reading only");
    Db(Arc::new(Inner {
        paths: paths.clone(),
        path: paths.database(),
        access: Access::Rescue(why),
        clock: clock.clone(),
        readers: Mutex::new(Vec::new()),
        writer: None,
        // Where even that can't be written, reading goes on without it.
        live: files::LiveFile::take(paths).ok(),
    }))
}

/// Opens a connection for reading.
///
/// # Errors
/// [`Code::StoreDamaged`] when the file can't be read.
pub(super) fn reader(path: &Path, access: &Access) -> Result<Connection> {
    match access {
        Access::Full => {
            let connection = connect(path)?;
            connection
                .pragma_update(None, "query_only", true)
                .doing("be opened for reading")?;
            Ok(connection)
        }
        Access::Rescue(why) => {
            let connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection
                .busy_timeout(BUSY_TIMEOUT)
                .doing("be opened for reading")?;
            // Without this SQLite gives up on a file that is shorter than its header says; nothing
            // can be written through this connection all the same.
            connection
                .pragma_update(None, "writable_schema", true)
                .doing("be opened for reading")?;
            let tables: i64 = connection
                .query_row(
                    "SELECT count(*) FROM sqlite_schema WHERE name = 'store'",
                    [],
                    |row| row.get(0),
                )
                .doing("be read")?;
            if tables == 0 {
                return Err(super::read_only(why));
            }
            Ok(connection)
        }
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection> {
    let connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure(&connection).doing("be opened")?;
    Ok(connection)
}

fn open_with(path: &Path, mode: OpenFlags) -> Result<Connection> {
    Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).doing("be opened")
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A schema that somebody edited must not run functions of its own choice.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(())
}
