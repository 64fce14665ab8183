//! A stored key in an env file, for scripts that read one: in plain text, because its user asked for it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::db::Db;
use crate::error::{Error, Result};
use crate::http::Endpoint;
use crate::id::KeyId;
use crate::keys::{self, FileVariable, Key};
use crate::shell::env_file::{Changed, EnvFile};
use crate::shell::names::{API_KEY, AUTH_TOKEN, BASE_URL};
use crate::text::shown;
use crate::vault::Custody;

/// A key that was written into an env file.
#[derive(Debug)]
pub struct Written {
    /// The key.
    pub key: Key,
    /// How many assignments took it; 0 where a line was added.
    pub replaced: usize,
    /// Others could read the file before; now only its owner can.
    pub was_open_to_others: bool,
    /// The key's own server, which was written beside it.
    pub gateway: Option<String>,
}

/// Writes a stored key into an env file. Every assignment of the variable takes it, all other bytes stay; the
/// file is then the user's alone (0600), and changed as a whole or not at all. Behind a link, the file that
/// it leads to is changed. The key's own server is written beside it, into `ANTHROPIC_BASE_URL`, where the
/// variable is one that it counts for. The opening is in the audit, with the file, before the key is there.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) for a key that can't pay, a file of another user, a
/// read-only one, one that sends the key elsewhere, and one that is not known for certain to say what was
/// written; else as [`stored`](super::stored).
pub async fn write_env(
    db: &Db,
    custody: &dyn Custody,
    id: &KeyId,
    variable: &FileVariable,
) -> Result<Written> {
    let key = db.read(|store| keys::get(store, id))?;
    keys::usable(&key)?;
    let endpoint = Endpoint::parse(key.base_url.as_deref())?;
    let target = target(variable)?;
    let before = EnvFile::open(&target)?;
    if let Some(before) = &before {
        refuse_foreign(variable, before)?;
    }
    let is_new = before.is_none();
    let before = before.unwrap_or_else(|| EnvFile::empty(&target));
    let gateway = server(variable, &before, &endpoint)?;
    // Whatever would refuse the file does so before the key is opened.
    changed(&before, variable, "key", gateway.as_deref())?;
    let purpose = format!(
        "written in plain text into {} as {}",
        variable.file(),
        variable.name()
    );
    let opened = super::stored(db, custody, id, &purpose).await?;
    let after = changed(&before, variable, opened.key().expose(), gateway.as_deref())?;
    replace(variable, &target, &before, &after, is_new)?;
    Ok(Written {
        key,
        replaced: after.replaced,
        was_open_to_others: before.mode & 0o077 != 0,
        gateway,
    })
}

fn changed(
    before: &EnvFile,
    variable: &FileVariable,
    value: &str,
    gateway: Option<&str>,
) -> Result<Changed> {
    let changed = before.with(variable.name(), value)?;
    match gateway {
        None => Ok(changed),
        Some(url) => Ok(Changed {
            replaced: changed.replaced,
            ..changed.file.with(BASE_URL, url)?
        }),
    }
}

/// Returns the file that is to be changed: what a link leads to, and not the link.
fn target(variable: &FileVariable) -> Result<PathBuf> {
    let path = variable.path();
    let refused = |why: &str| {
        Error::bad_input(format!("{} {why}.", variable.file())).hint("Nothing was written.")
    };
    let name = path.file_name().ok_or_else(|| refused("names no file"))?;
    if path.symlink_metadata().is_ok() {
        return std::fs::canonicalize(path).map_err(|_| refused("is a link that leads to no file"));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::canonicalize(folder)
        .map(|folder| folder.join(name))
        .map_err(|_| refused("would be in a folder that is not there"))
}

/// A file of somebody else, or one that is meant to stay as it is, could be replaced all the same by
/// whoever may write in its folder.
fn refuse_foreign(variable: &FileVariable, file: &EnvFile) -> Result<()> {
    let why = match file.owner == rustix::process::geteuid().as_raw() {
        false => "belongs to another user",
        true if file.mode & 0o200 == 0 => "is read-only",
        true => return Ok(()),
    };
    Err(Error::bad_input(format!("{} {why}.", variable.file()))
        .hint("Nothing was written. Name a file of your own."))
}

/// Returns the server that has to stand beside the key; refuses a file that would send it elsewhere.
fn server(variable: &FileVariable, file: &EnvFile, of_key: &Endpoint) -> Result<Option<String>> {
    if ![API_KEY, AUTH_TOKEN].contains(&variable.name()) {
        return Ok(None);
    }
    if !of_key.is_anthropic() {
        return Ok(of_key.to_store());
    }
    let Some(there) = file.value(BASE_URL)? else {
        return Ok(None);
    };
    let there = Endpoint::parse(Some(there.expose()))?;
    match there.is_anthropic() {
        true => Ok(None),
        false => Err(Error::bad_input(format!(
            "{} sends {} to {} ({BASE_URL}), and this key is for Anthropic's API.",
            variable.file(),
            variable.name(),
            shown(&there.host(), 60)
        ))
        .hint("Nothing was written. Name another file, or the key of that server.")),
    }
}

/// Puts the new text in the place of the old: a private draft beside it, made durable, then one rename.
fn replace(
    variable: &FileVariable,
    target: &Path,
    before: &EnvFile,
    after: &Changed,
    is_new: bool,
) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::failed(format!(
            "{} could not be written: {error}.",
            variable.file()
        ))
        .hint("It is as it was.")
    };
    let folder = target.parent().unwrap_or(Path::new("/"));
    let draft = Draft(folder.join(format!(".switchyard-{}", uuid::Uuid::now_v7().simple())));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&draft.0).map_err(failed)?;
    file.write_all(after.bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    let is_unchanged = match EnvFile::open(target)? {
        Some(now) => !is_new && now.is_same(before),
        None => is_new,
    };
    if !is_unchanged {
        return Err(
            Error::failed(format!("{} has changed in the meantime.", variable.file()))
                .hint("Nothing was written. Try again."),
        );
    }
    std::fs::rename(&draft.0, target).map_err(failed)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| {
            Error::failed(format!(
                "{} was written, but may be lost if the machine stops now: {error}.",
                variable.file()
            ))
            .hint("Check the disk.")
        })
}

/// A file that is removed again unless it has got its name.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename there is none.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_user_and_a_read_only_one_are_refused() {
        let path = Path::new("/srv/repos.env");
        let variable = FileVariable::new(path, API_KEY).unwrap();
        let mut file = EnvFile::empty(path);
        refuse_foreign(&variable, &file).unwrap();
        file.mode = 0o400;
        let error = refuse_foreign(&variable, &file).unwrap_err();
        assert!(error.message().ends_with("is read-only."), "{error}");
        file.owner += 1;
        let error = refuse_foreign(&variable, &file).unwrap_err();
        assert!(error.message().contains("another user"), "{error}");
    }

    #[test]
    fn a_file_that_was_changed_in_the_meantime_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.env");
        let variable = FileVariable::new(&path, API_KEY).unwrap();
        std::fs::write(&path, "A=1\n").unwrap();
        let before = EnvFile::open(&path).unwrap().unwrap();
        let after = changed(&before, &variable, "key", None).unwrap();
        std::fs::write(&path, "A=2\n").unwrap();
        for is_new in [false, true] {
            let error = replace(&variable, &path, &before, &after, is_new).unwrap_err();
            assert!(error.message().contains("in the meantime"), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=2\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::remove_file(&path).unwrap();
        replace(&variable, &path, &before, &after, false).unwrap_err();
        assert!(!path.exists());
    }
}
