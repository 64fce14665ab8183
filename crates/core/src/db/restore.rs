//! Putting a copy in the place of the store. Killed at any moment, this leaves the one or the other.
//!
//! The copy is drafted beside the store, checked and saved. Then the draft gets the name [`READY`], and
//! from that moment on the copy is the store: what is left is to move files, and whoever opens the
//! store next goes on with it ([`finish`]). The store that was goes aside together with its log, which
//! would else be replayed into the copy.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::error::SqlContext;
use super::{backup, erase, files, migrate, open};
use crate::clock::Millis;
use crate::error::{Code, Error, Remedy, Result};
use crate::paths::Paths;

/// A copy that is not yet known to be whole.
const DRAFT: &str = "switchyard.db.draft";
/// A copy that is about to be the store.
pub(super) const READY: &str = "switchyard.db.restored";
/// Where the store that was is gathered before it goes to the backups.
pub(super) const ASIDE: &str = "replaced";
const NO_STORE: &str = "the file is not a Switchyard store.";

/// Puts the copy `from` in the place of the store, brought to this version's schema. `prepare` changes
/// it before anybody can open it. Returns the folder in which the store that was is now; `None` where
/// there was none. The file `from` stays as it is.
///
/// # Errors
/// Nothing is changed then: [`Code::NotFound`] without such a file, [`Code::StoreDamaged`] for one that
/// is not a store or not whole, [`Code::StoreNewer`] for one of a newer Switchyard, and
/// [`Code::StoreUnwritable`] when another process has the store open, or the disk does not allow it.
pub fn restore(
    paths: &Paths,
    from: &Path,
    now: Millis,
    prepare: impl FnOnce(&Connection) -> Result<()>,
) -> Result<Option<PathBuf>> {
    let database = paths.database();
    if !from.is_file() {
        return Err(Error::new(
            Code::NotFound,
            format!("There is no file {}.", from.display()),
        )
        .hint(format!(
            "Copies of the store are in {}, unless you keep others.",
            paths.backups().display()
        )));
    }
    files::private_folder(paths.data())?;
    // Whoever opens the store waits for this, and has a live file before it lets go of its own.
    let _lock = files::lock_for_opening(paths)?;
    // What was to be restored before may be no store; then this copy takes its turn, if it is one.
    let is_unsound = match finish(paths, now) {
        Ok(_) => false,
        Err(error) if error.code() == Code::StoreDamaged => true,
        Err(error) => return Err(error),
    };
    refuse_in_use(paths)?;
    if from.canonicalize().ok() == database.canonicalize().ok() {
        return Err(Error::bad_input(
            "That is the store itself, not a copy of it.",
        ));
    }
    let draft = paths.data().join(DRAFT);
    files::remove_database(&draft);
    if let Err(error) = write_draft(from, &draft, prepare) {
        files::remove_database(&draft);
        return Err(error);
    }
    if is_unsound {
        put_off(paths, now)?;
    }
    put(&draft, &paths.data().join(READY))?;
    files::sync_folder_of(&draft)?;
    install(paths, now)
}

/// Tells whether a restore was begun that is to be finished before the store is opened.
pub(super) fn is_begun(paths: &Paths) -> bool {
    paths.data().join(READY).exists()
}

/// Finishes a restore that is ready, if there is one, under the lock for opening. Each step may have
/// been done already. Returns where the store that was is now.
///
/// # Errors
/// [`Code::StoreUnwritable`] when a file can't be moved; the next call goes on.
/// [`Code::StoreDamaged`] when what has the name of a copy that is ready is none: nothing is moved.
pub(super) fn finish(paths: &Paths, now: Millis) -> Result<Option<PathBuf>> {
    if !is_begun(paths) {
        return Ok(None);
    }
    // It was checked when it got its name, unless somebody else gave it that, or the disk lost it.
    refuse_unsound(paths)?;
    install(paths, now)
}

/// Moves the store that is aside and the copy that is ready into its place.
fn install(paths: &Paths, now: Millis) -> Result<Option<PathBuf>> {
    let database = paths.database();
    let aside = paths.data().join(ASIDE);
    files::private_folder(&aside)?;
    if database.exists() && aside.join("switchyard.db").exists() {
        // Another store than the one that is aside: neither may take the other's name.
        keep(paths, &aside, now)?;
        files::private_folder(&aside)?;
    }
    // Its name has to be durable before anything is only in there.
    files::sync_folder_of(&aside)?;
    for ending in files::PARTS {
        let name = format!("switchyard.db{ending}");
        let from = paths.data().join(&name);
        match std::fs::rename(&from, aside.join(&name)) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                return Err(files::unwritable(&from, "move", e));
            }
            _ => {}
        }
    }
    files::sync_folder(&aside)?;
    // An empty folder: there was no store, or it was moved on before.
    let moved = match std::fs::remove_dir(&aside) {
        Ok(()) => None,
        Err(_) => Some(keep(paths, &aside, now)?),
    };
    // The log must be known to be gone before there is a file that it could be replayed into.
    files::sync_folder_of(&database)?;
    put(&paths.data().join(READY), &database)?;
    files::sync_folder_of(&database)?;
    Ok(moved)
}

/// Refuses a file that has the name of a copy that is ready, and is no whole store.
fn refuse_unsound(paths: &Paths) -> Result<()> {
    let ready = paths.data().join(READY);
    let why = match unsoundness(&ready) {
        Ok(None) => return Ok(()),
        Ok(Some(why)) => why,
        Err(error) if error.code() == Code::StoreDamaged => error.message().to_owned(),
        Err(error) => return Err(error),
    };
    let database = paths.database();
    let hint = if database.exists() {
        format!(
            "Nothing was changed. Move {} to another folder, and the store opens as it was; or \
             restore another copy.",
            ready.display()
        )
    } else {
        format!(
            "The store that was is in {}. Restore its file switchyard.db, or another copy.",
            paths.data().join(ASIDE).display()
        )
    };
    Err(Error::new(
        Code::StoreDamaged,
        format!(
            "{} was to take the place of the store, but can't: {why}",
            ready.display()
        ),
    )
    .hint(hint)
    .remedy(Remedy::RestoreStore))
}

/// Looks whether a file is a whole store; returns what is wrong.
fn unsoundness(path: &Path) -> Result<Option<String>> {
    if let Some(why) = open::damage(path)? {
        return Ok(Some(why));
    }
    // Not for reading only, so that what SQLite makes beside it goes when it is closed.
    let store = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .doing("open the copy")?;
    if !is_store(&store)? {
        return Ok(Some(NO_STORE.to_owned()));
    }
    let verdict: String = store
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .doing("check the copy")?;
    store.close().map_err(|(_, e)| e).doing("close the copy")?;
    Ok((verdict != "ok").then(|| format!("it is not whole ({verdict}).")))
}

fn is_store(copy: &Connection) -> Result<bool> {
    let asked = "SELECT count(*) = 1 FROM pragma_table_info('store') WHERE name = 'store_id'";
    copy.query_row(asked, [], |row| row.get(0))
        .doing("read the copy")
}

/// Moves what is wrongly called ready to the backups, where it does not count as one.
fn put_off(paths: &Paths, now: Millis) -> Result<()> {
    files::private_folder(&paths.backups())?;
    let (ready, name) = (
        paths.data().join(READY),
        format!("unusable-{}", backup::stamp(now)),
    );
    match std::fs::rename(&ready, paths.backups().join(&name)) {
        Err(e) if e.kind() == ErrorKind::CrossesDevices => put(&ready, &paths.data().join(&name)),
        moved => moved.map_err(|e| files::unwritable(&ready, "move", e)),
    }
}

/// Moves what was gathered to the backups, under a name of its own.
fn keep(paths: &Paths, aside: &Path, now: Millis) -> Result<PathBuf> {
    files::private_folder(&paths.backups())?;
    let name = format!("{ASIDE}-{}", backup::stamp(now));
    let kept = paths.backups().join(&name);
    match std::fs::rename(aside, &kept) {
        // The backups are on a disk of their own, so it stays beside the store.
        Err(e) if e.kind() == ErrorKind::CrossesDevices => {
            let kept = paths.data().join(&name);
            put(aside, &kept)?;
            Ok(kept)
        }
        Err(e) => Err(files::unwritable(aside, "move", e)),
        Ok(()) => {
            // Before the data folder forgets it: killed in between, it is in both and not in neither.
            files::sync_folder(&paths.backups())?;
            Ok(kept)
        }
    }
}

fn put(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|e| files::unwritable(to, "put in place", e))
}

fn write_draft(
    from: &Path,
    draft: &Path,
    prepare: impl FnOnce(&Connection) -> Result<()>,
) -> Result<()> {
    if let Some(why) = open::damage(from)? {
        return Err(not_a_copy(from, &why));
    }
    let copy = Connection::open_with_flags(
        from,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .doing("open the copy")?;
    let version = migrate::version(&copy)?;
    if !is_store(&copy)? {
        return Err(not_a_copy(from, NO_STORE));
    }
    migrate::refuse_newer(version)?;
    drop(files::new_private_file(draft)?);
    backup::write(&copy, draft)?;
    backup::verify(draft, version)?;
    let mut store = open::connect(draft)?;
    migrate::to_latest(&mut store)?;
    let change = store.transaction().doing("change the copy")?;
    prepare(&change)?;
    change.commit().doing("change the copy")?;
    erase::checkpoint(&store)?;
    store.close().map_err(|(_, e)| e).doing("close the copy")?;
    files::sync(draft)
}

fn refuse_in_use(paths: &Paths) -> Result<()> {
    let processes = files::live_processes(paths);
    if processes.is_empty() {
        return Ok(());
    }
    let (named, kill) = (processes.join(", "), processes.join(" "));
    Err(Error::new(
        Code::StoreUnwritable,
        format!("The store was not replaced, because it is in use by process {named}."),
    )
    .hint(format!(
        "Close Switchyard's windows and end its commands and agent, then try again. Locking the vault \
         ends an agent that an unlock has started; any other ends by Ctrl+C where it was started, or: \
         kill {kill}"
    )))
}

fn not_a_copy(path: &Path, why: &str) -> Error {
    Error::new(
        Code::StoreDamaged,
        format!("{} can't be restored: {why}", path.display()),
    )
    .hint("Nothing was changed. Restore another copy.")
}
