//! Variables in env files: files of assignments, such as `repos.env`, that scripts read with `.`. They are
//! read and never run.

mod change;
mod settled;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::names::API_KEY;
use super::place::tilde;
use crate::error::{Code, Error, Result};
use crate::secret::ApiKey;
use crate::text::shown;
pub use change::Changed;

/// The most bytes of an env file that is read.
const MAX: u64 = 1 << 20;

/// More room than the bytes for which the standard library looks in a buffer of its own, to see whether there is
/// more.
const PROBED: usize = 64;

/// A variable as one env file sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVariable {
    path: PathBuf,
    name: String,
}

impl FileVariable {
    /// Makes one of a file, in which `~/` stands for the home folder, and of a variable's name.
    ///
    /// # Errors
    /// [`Code::BadInput`] for an empty path and for what is no variable's name.
    pub fn new(path: &Path, name: &str) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::bad_input(format!(
                "{} is not the name of a variable.",
                shown(name, 60)
            ))
            .hint("Letters, digits and _ make one, such as ANTHROPIC_API_KEY."));
        }
        let home = std::env::home_dir().unwrap_or_default();
        let path = match path.strip_prefix("~") {
            Ok(rest) => home.join(rest),
            Err(_) => path.to_owned(),
        };
        // Where the process stands does not matter to who is billed, and is not in the ledger.
        let path = std::path::absolute(&path).map_err(|_| {
            Error::bad_input("No file was named.").hint("Give the env file's path.")
        })?;
        Ok(Self {
            path,
            name: name.to_owned(),
        })
    }

    /// Reads `PATH` or `PATH#NAME`; without a name it is `ANTHROPIC_API_KEY`.
    ///
    /// # Errors
    /// As [`FileVariable::new`].
    pub fn parse(text: &str) -> Result<Self> {
        match text.rsplit_once('#') {
            Some((path, name)) if is_name(name) => Self::new(Path::new(path), name),
            _ => Self::new(Path::new(text), API_KEY),
        }
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns another variable of the same file.
    #[must_use]
    pub fn beside(&self, name: &'static str) -> Self {
        Self {
            path: self.path.clone(),
            name: name.to_owned(),
        }
    }

    /// Returns the file as people know it, with `~`.
    #[must_use]
    pub fn file(&self) -> String {
        file_name(&self.path)
    }

    /// Returns what tells it from other variables of other files: `~/repos.env`, or `~/repos.env#NAME` where
    /// it is not `ANTHROPIC_API_KEY`.
    #[must_use]
    pub fn place(&self) -> String {
        match self.name.as_str() {
            API_KEY => self.file(),
            name => format!("{}#{}", self.file(), shown(name, 60)),
        }
    }

    /// Reads what the file sets it to.
    ///
    /// # Errors
    /// [`Code::NotFound`] where there is no such file, [`Code::BadInput`] for one that is no file of
    /// assignments, and where the value is for a shell to compute.
    pub fn value(&self) -> Result<Option<ApiKey>> {
        let Some(file) = EnvFile::open(&self.path)? else {
            return Err(
                Error::new(Code::NotFound, format!("There is no file {}.", self.file()))
                    .hint("Check its path. Nothing was sent."),
            );
        };
        file.value(&self.name)
    }

    /// Tells whether other users may read the file.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        std::fs::metadata(&self.path)
            .is_ok_and(|about| about.is_file() && about.mode() & 0o044 != 0)
    }
}

/// An env file as it was read.
pub struct EnvFile {
    file: String,
    bytes: Zeroizing<Vec<u8>>,
    /// Who owns it, as the system numbers users.
    pub owner: u32,
    /// Who may do what with it: the bits of `chmod`.
    pub mode: u32,
}

impl EnvFile {
    /// Reads a file, through links; `None` where there is none.
    ///
    /// # Errors
    /// [`Code::BadInput`] for what can't be read, is no regular file, or is larger than 1 MiB.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let name = file_name(path);
        let refused = |why: &str| Error::bad_input(format!("{name} {why}."));
        // A pipe would otherwise wait for its writer.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut options = std::fs::OpenOptions::new();
        let opened = options.read(true).custom_flags(nonblock).open(path);
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(&format!("can't be read: {error}"))),
        };
        let unreadable = |error| refused(&format!("can't be read: {error}"));
        let about = opened.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(refused("is no regular file").hint("Name a file of assignments."));
        }
        // As long as it will be, so that no copy of a key is left where it grew.
        let length = usize::try_from(about.len().min(MAX)).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + PROBED));
        opened
            .take(MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX {
            return Err(refused(
                "is larger than 1 MiB, far more than an env file is",
            ));
        }
        Ok(Some(Self {
            file: name,
            bytes,
            owner: about.uid(),
            mode: about.mode() & 0o7777,
        }))
    }

    /// Makes one that is not there yet.
    #[must_use]
    pub fn empty(path: &Path) -> Self {
        Self {
            file: file_name(path),
            bytes: Zeroizing::default(),
            owner: rustix::process::geteuid().as_raw(),
            mode: 0o600,
        }
    }

    /// Tells whether both hold the same bytes.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    /// Returns what a variable is after the whole file; `None` where it is not set, or empty.
    ///
    /// # Errors
    /// As [`FileVariable::value`].
    pub fn value(&self, name: &str) -> Result<Option<ApiKey>> {
        settled::value(&self.text(), &self.file, name)
    }

    /// Sets a variable, and leaves all other bytes as they are. Every assignment that there is takes the new
    /// value in its place, so that no older key stays in the file; where there is none, a line is added at
    /// the end.
    ///
    /// # Errors
    /// [`Code::BadInput`] where the file would not say that value afterwards, or an assignment shares its line.
    pub fn with(&self, name: &str, value: &str) -> Result<Changed> {
        change::with(self, name, value)
    }

    /// Bytes that are not UTF-8 become U+FFFD: a stray one in another line does not matter here.
    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned())
    }
}

fn file_name(path: &Path) -> String {
    tilde(path, &std::env::home_dir().unwrap_or_default())
}

/// Tells whether a shell can have a variable of this name.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
