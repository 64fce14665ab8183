//! The store's folder and files: private before SQLite opens them, and locks that die with a process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Code, Error, Result};
use crate::paths::Paths;

/// Makes `folder` and its parents, private to the user, and checks one that was there already.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be made, is not a folder, or others may write in it.
pub fn private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|e| unwritable(folder, "make the folder", e))?;
    tighten(folder)
}

#[cfg(unix)]
fn tighten(folder: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    // Looked at and changed through one handle, so that it is one and the same folder.
    let opened = File::open(folder).map_err(|e| unwritable(folder, "look at the folder", e))?;
    let found = opened
        .metadata()
        .map_err(|e| unwritable(folder, "look at the folder", e))?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::new(
            Code::StoreUnwritable,
            format!("The folder {} belongs to another user.", folder.display()),
        )
        .hint("Take it over with chown, or set SWITCHYARD_HOME to a folder of your own."));
    }
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    if found.mode() & 0o022 != 0 {
        // Others could have put files of their own in here; taking the right away now would only
        // hide that.
        return Err(Error::new(
            Code::StoreUnwritable,
            format!(
                "Others may write in {}, so what is in it can't be trusted.",
                folder.display()
            ),
        )
        .hint(format!(
            "Look at what is in it, then: chmod 700 '{}'",
            folder.display()
        )));
    }
    let is_link = folder.symlink_metadata().is_ok_and(|own| own.is_symlink());
    if is_link {
        // What it leads to may be anything of the user's.
        return Err(Error::new(
            Code::StoreUnwritable,
            format!(
                "{} leads to a folder that others may look into.",
                folder.display()
            ),
        )
        .hint(format!(
            "If that is right: chmod 700 '{}'",
            folder.display()
        )));
    }
    let mut mode = found.permissions();
    mode.set_mode(0o700);
    opened
        .set_permissions(mode)
        .map_err(|e| unwritable(folder, "make private the folder", e))
}

#[cfg(not(unix))]
fn tighten(_folder: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// Makes a file that only the user can read and write, or checks one that is there. A link is not
/// followed: what it leads to is not ours to change.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be made or opened.
pub(crate) fn private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(NO_FOLLOW);
    }
    let file = options
        .open(path)
        .map_err(|e| unwritable(path, "open", e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o600);
        file.set_permissions(mode)
            .map_err(|e| unwritable(path, "make private", e))?;
    }
    Ok(file)
}

/// Writes a small file that only the user can read: whole, durable and under its name, or not at all.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be written; a file of that name stays as it was.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("new");
    let written = private_file(&draft).and_then(|mut file| {
        file.set_len(0)
            .and_then(|()| file.write_all(bytes))
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&draft, path))
            .map_err(|e| unwritable(path, "write", e))
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Reads a file of at most `max` bytes. A link is not followed.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be read, or is longer.
pub(crate) fn read_private(path: &Path, max: u64) -> Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NO_FOLLOW);
    let mut bytes = Vec::new();
    options
        .open(path)
        .and_then(|file| file.take(max.saturating_add(1)).read_to_end(&mut bytes))
        .and_then(|read| match u64::try_from(read) {
            Ok(read) if read <= max => Ok(bytes),
            _ => Err(ErrorKind::FileTooLarge.into()),
        })
        .map_err(|e| unwritable(path, "read", e))
}

/// Makes the names in a folder durable: a file that was made or renamed is only when its folder is.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(test)]
    tests::note_saved(folder);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| unwritable(folder, "save the folder", e))
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Makes a file that only the user can read and write, where there is nothing yet.
///
/// # Errors
/// [`Code::Duplicate`] when there is something, else [`Code::StoreUnwritable`].
pub(super) fn new_private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Error::new(
            Code::Duplicate,
            format!("There is a file {} already.", path.display()),
        )
        .hint("Nothing was changed. Give another name; nothing is overwritten."),
        _ => unwritable(path, "make", e),
    })
}

/// What belongs to a database file, after its name.
pub(super) const PARTS: &[&str] = &["", "-wal", "-shm", "-journal"];

/// Returns the file of a database that has this ending, which is one of [`PARTS`].
pub(super) fn part(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a database that is only a draft, with all that SQLite keeps beside it.
pub(super) fn remove_database(draft: &Path) {
    for ending in PARTS {
        // Where one can't be removed, writing the draft says why.
        let _ = std::fs::remove_file(part(draft, ending));
    }
}

/// Waits until what a file holds is on the disk.
///
/// # Errors
/// [`Code::StoreUnwritable`] when the disk did not take it.
pub(super) fn sync(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| unwritable(path, "save", e))
}

/// As [`sync_folder`], of the folder that a file is in.
///
/// # Errors
/// As there.
pub(super) fn sync_folder_of(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
        _ => sync_folder(Path::new(".")),
    }
}

/// Waits for the lock that is held while a store is made, migrated or replaced; it goes with the
/// file's handle.
///
/// # Errors
/// [`Code::StoreUnwritable`] when the lock file can't be made.
pub(crate) fn lock_for_opening(paths: &Paths) -> Result<File> {
    opening_lock(paths, File::lock)
}

/// Waits for a share of that lock, which whoever opens the store holds until its live file is there.
///
/// # Errors
/// As [`lock_for_opening`].
pub(super) fn share_opening(paths: &Paths) -> Result<File> {
    opening_lock(paths, File::lock_shared)
}

fn opening_lock(paths: &Paths, take: fn(&File) -> std::io::Result<()>) -> Result<File> {
    let path = paths.data().join("opening.lock");
    let file = private_file(&path)?;
    take(&file).map_err(|e| unwritable(&path, "lock", e))?;
    Ok(file)
}

/// A locked file that names this process for as long as it lives, however it ends.
pub(crate) struct LiveFile {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl LiveFile {
    pub(crate) fn take(paths: &Paths) -> Result<Self> {
        let folder = paths.live();
        private_folder(&folder)?;
        let name = uuid::Uuid::now_v7().simple().to_string();
        let path = folder.join(&name);
        let lock = private_file(&path)?;
        lock.try_lock()
            .map_err(|e| unwritable(&path, "lock", e.into()))?;
        // For people: whoever has to wait for this process can say which one it is.
        let _ = (&lock).write_all(std::process::id().to_string().as_bytes());
        Ok(Self {
            name,
            path,
            _lock: lock,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for LiveFile {
    fn drop(&mut self) {
        // A file left behind is harmless: its lock is gone, and that is what counts.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Tells whether nobody holds the live file called `owner` beside the database `store`.
pub(crate) fn is_gone(store: &Path, owner: &str) -> bool {
    let is_plain = !owner.is_empty() && owner.chars().all(|c| c.is_ascii_alphanumeric());
    let Some(path) = store
        .parent()
        .filter(|_| is_plain)
        .map(|data| data.join("live").join(owner))
    else {
        return true;
    };
    match OpenOptions::new().read(true).write(true).open(&path) {
        Err(e) => e.kind() == ErrorKind::NotFound,
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                let _ = std::fs::remove_file(&path);
                true
            }
            Err(TryLockError::WouldBlock) => false,
            // A file system without locks: keep the run rather than book it twice.
            Err(TryLockError::Error(_)) => false,
        },
    }
}

/// Returns the ids of the processes that have the store open.
pub(super) fn live_processes(paths: &Paths) -> Vec<String> {
    let files = paths.live().read_dir().into_iter().flatten().flatten();
    let held = files.filter(|file| {
        let opened = OpenOptions::new().read(true).write(true).open(file.path());
        opened.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    });
    held.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default())
        .collect()
}

/// Removes the live files of processes that were killed. One that is young may be just about to be
/// locked.
pub(crate) fn sweep_live(store: &Path) {
    const YOUNG: Duration = Duration::from_secs(24 * 60 * 60);
    let files = store.parent().map(|data| data.join("live").read_dir());
    let Some(Ok(files)) = files else { return };
    for file in files.flatten() {
        let age = file.metadata().and_then(|found| found.modified());
        let is_old = age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > YOUNG));
        if let Some(owner) = file.file_name().to_str().filter(|_| is_old) {
            // Removes it where nobody holds it.
            is_gone(store, owner);
        }
    }
}

/// Words an input or output failure on one of the store's files.
pub(crate) fn unwritable(path: &Path, doing: &str, error: std::io::Error) -> Error {
    if let Some(full) = Error::of_open_files(&error) {
        return full.because(error);
    }
    let why = match error.kind() {
        ErrorKind::PermissionDenied => "there is no permission for it".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    };
    Error::new(
        Code::StoreUnwritable,
        format!("Could not {doing} {}: {why}.", path.display()),
    )
    .hint("Nothing was changed. Check the folder's permissions and the disk, then try again.")
    .because(error)
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static SAVED: RefCell<Vec<(PathBuf, Vec<String>)>> = const { RefCell::new(Vec::new()) };
    }

    /// Notes a folder that is made durable, with the names that are in it at that moment.
    pub(super) fn note_saved(folder: &Path) {
        let names = folder.read_dir().into_iter().flatten().flatten();
        let mut names: Vec<_> = names
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        SAVED.with_borrow_mut(|saved| saved.push((folder.to_owned(), names)));
    }

    /// Takes what this thread has made durable so far, in order.
    pub(in super::super) fn take_saved() -> Vec<(PathBuf, Vec<String>)> {
        SAVED.take()
    }
}
