//! Verified copies of the store: before a migration, on request, and now and then.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::error::SqlContext;
use super::{Db, files, migrate};
use crate::clock::Millis;
use crate::error::{Code, Error, Result};

/// For how long a copy may be in the making.
const YOUNG: Duration = Duration::from_secs(24 * 60 * 60);

/// How many copies of each kind are kept in the folder of backups; the oldest goes first.
const KEPT: usize = 5;

/// How the name of a copy ends, and begins to end for what SQLite keeps beside it, until it is checked.
const DRAFT: &str = "part";

/// A store that is larger is not copied unasked.
const LARGEST_UNASKED: u64 = 512 * 1024 * 1024;

/// Why a copy is made. Its name begins with this, and each kind is counted for itself.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A migration comes next.
    Schema(usize),
    /// The user asked for it.
    Asked,
    /// The last one is old.
    Unasked,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Schema(_) => "schema",
            Self::Asked => "asked",
            Self::Unasked => "weekly",
        }
    }
}

impl Db {
    /// Copies the store into one file that stands alone, private to the user, and checks the copy.
    /// Without `to` it goes into the folder of backups, which keeps the newest five of them. Returns
    /// where it is. Waits on the calling thread.
    ///
    /// # Errors
    /// [`Code::Duplicate`] when `to` is there already: nothing is overwritten. [`Code::BadInput`] when
    /// it is among the store's own files.
    /// [`Code::StoreUnwritable`] when the copy can't be written, and [`Code::StoreDamaged`] when it
    /// does not check out; then there is none.
    pub fn back_up(&self, to: Option<&Path>) -> Result<PathBuf> {
        let now = self.clock().now();
        self.read(|store| match to {
            Some(path) => {
                self.refuse_among_its_files(path)?;
                copy(store, path, now)?;
                Ok(path.to_owned())
            }
            None => into_folder(store, &self.backups(), Kind::Asked, now),
        })
    }

    /// Refuses a place in the store's own folder, where a name may mean something: a copy that is to be
    /// restored, a draft.
    fn refuse_among_its_files(&self, to: &Path) -> Result<()> {
        let folder = match to.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let real = |folder: &Path| folder.canonicalize().ok();
        let (Some(folder), Some(data)) = (real(folder), real(self.paths().data())) else {
            // Where there is no such folder, making the file says so.
            return Ok(());
        };
        let is_backup = real(&self.backups()).is_some_and(|backups| folder.starts_with(backups));
        if is_backup || !folder.starts_with(data) {
            return Ok(());
        }
        Err(Error::bad_input(format!(
            "No copy was made: {} is in the folder that holds the store's own files.",
            to.display()
        ))
        .hint(format!(
            "Name a file in another folder, or in {}.",
            self.backups().display()
        )))
    }

    /// As [`Db::back_up`], unasked: returns `None` where the store is large or the disk has less
    /// than twice its size left.
    ///
    /// # Errors
    /// As [`Db::back_up`].
    pub fn back_up_unasked(&self) -> Result<Option<PathBuf>> {
        let size = size_of(self.path()) + size_of(&self.path().with_extension("db-wal"));
        let has_room = free_in(self.path()).is_none_or(|free| free >= 2 * size);
        if size > LARGEST_UNASKED || !has_room {
            return Ok(None);
        }
        let now = self.clock().now();
        self.read(|store| into_folder(store, &self.backups(), Kind::Unasked, now))
            .map(Some)
    }

    /// Returns when each copy in the folder of backups was made, those included that a restore has
    /// put aside there.
    #[must_use]
    pub fn backups_made_at(&self) -> Vec<Millis> {
        let folder = self.backups();
        let inside = entries(&folder).filter(|path| path.is_dir());
        let all = entries(&folder).chain(inside.flat_map(|folder| entries(&folder)));
        all.filter(|path| is_store(path))
            .filter_map(|path| made_at(&path))
            .collect()
    }

    /// Returns when the newest backup was made. What a restore has put aside is none, and a time that
    /// is yet to come is that of a clock that was wrong.
    #[must_use]
    pub fn newest_backup(&self) -> Option<Millis> {
        let now = self.clock().now();
        entries(&self.backups())
            .filter(|path| is_store(path))
            .filter_map(|path| made_at(&path))
            .filter(|made_at| *made_at <= now)
            .max()
    }

    /// Returns the folder of backups.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.path().with_file_name("backups")
    }
}

/// Makes a copy in the folder of backups and lets go of the oldest of its kind.
///
/// # Errors
/// As [`Db::back_up`].
pub(super) fn into_folder(
    store: &Connection,
    folder: &Path,
    kind: Kind,
    now: Millis,
) -> Result<PathBuf> {
    files::private_folder(folder)?;
    let label = match kind {
        Kind::Schema(from) => format!("{}{from}", kind.word()),
        _ => kind.word().to_owned(),
    };
    let path = folder.join(format!("{label}-{}.db", stamp(now)));
    // Called a store only once it is checked: what a killed process leaves counts for nothing.
    let draft = path.with_extension(DRAFT);
    copy(store, &draft, now)?;
    std::fs::rename(&draft, &path).map_err(|e| files::unwritable(&path, "put in place", e))?;
    files::sync_folder_of(&path)?;
    drop_oldest(folder, kind, now);
    sweep_drafts(folder);
    Ok(path)
}

/// Returns a name for something made now, which nothing else has.
pub(super) fn stamp(now: Millis) -> String {
    let at = now.timestamp().strftime("%Y%m%dT%H%M%SZ");
    format!("{at}-{}", uuid::Uuid::now_v7().simple())
}

/// Copies the store into a new file and checks the copy; one that fails is removed.
fn copy(store: &Connection, path: &Path, now: Millis) -> Result<()> {
    let file = files::new_private_file(path)?;
    let outcome = write(store, path)
        .and_then(|()| verify(path, migrate::version(store)?))
        .and_then(|()| files::sync_folder_of(path));
    if let Err(error) = outcome {
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    // By the store's own clock, which is what its age is told by.
    let at = u64::try_from(now.0).unwrap_or_default();
    let _ = file.set_modified(UNIX_EPOCH + Duration::from_millis(at));
    Ok(())
}

/// Fills `path`, an empty file, with all that `from` holds, its log included.
pub(super) fn write(from: &Connection, path: &Path) -> Result<()> {
    let mut copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .doing("open its copy")?;
    Backup::new(from, &mut copy)
        .and_then(|backup| backup.run_to_completion(4096, Duration::ZERO, None))
        .doing("be copied")?;
    // The copy must stand alone: one file, no log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")
        .doing("finish its copy")?;
    copy.close().map_err(|(_, e)| e).doing("close its copy")
}

/// Checks that the copy is whole and of this schema.
///
/// # Errors
/// [`Code::StoreDamaged`] when it is not.
pub(super) fn verify(path: &Path, version: usize) -> Result<()> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .doing("open its copy again")?;
    let verdict: String = copy
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .doing("check its copy")?;
    if verdict != "ok" || migrate::version(&copy)? != version {
        return Err(Error::new(
            Code::StoreDamaged,
            format!("The copy does not check out ({verdict})."),
        )
        .hint("Nothing was changed. What was copied is damaged; an older copy may be whole."));
    }
    Ok(())
}

fn drop_oldest(folder: &Path, kind: Kind, now: Millis) {
    let is_of_kind = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        is_store(path) && name.is_some_and(|name| name.starts_with(kind.word()))
    };
    let mut copies: Vec<_> = entries(folder)
        .filter(is_of_kind)
        .filter_map(|path| {
            let made_at = made_at(&path)?;
            // How old one from the future is nobody knows, so it does not push out one that is known.
            Some((made_at <= now, made_at, path))
        })
        .collect();
    copies.sort();
    let surplus = copies.len().saturating_sub(KEPT);
    for (.., path) in copies.into_iter().take(surplus) {
        // An old copy that stays costs space and nothing else.
        let _ = std::fs::remove_file(path);
    }
}

/// Removes what killed processes left; one that is young may be in the making.
fn sweep_drafts(folder: &Path) {
    let is_old = |path: &PathBuf| {
        let modified = path.metadata().and_then(|found| found.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > YOUNG))
    };
    let is_draft = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| ending.starts_with(DRAFT))
    };
    for path in entries(folder).filter(is_draft).filter(is_old) {
        let _ = std::fs::remove_file(path);
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let found = std::fs::read_dir(folder).into_iter().flatten();
    found.flatten().map(|entry| entry.path())
}

fn is_store(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "db")
}

fn made_at(path: &Path) -> Option<Millis> {
    let at = path.metadata().ok()?.modified().ok()?;
    let passed = at.duration_since(UNIX_EPOCH).ok()?.as_millis();
    i64::try_from(passed).ok().map(Millis)
}

fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Returns how many bytes the disk has left for this user, where the system says so.
#[cfg(unix)]
fn free_in(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_in(_path: &Path) -> Option<u64> {
    None
}
