//! Whether a file is still the one that it was.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells a file from the one that an update puts in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Device and inode, where the system has them; links are followed, because the installer
    /// updates by changing one.
    file: Option<(u64, u64)>,
    modified: Option<SystemTime>,
    size: u64,
}

impl Identity {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let file = {
            use std::os::unix::fs::MetadataExt;
            Some((about.dev(), about.ino()))
        };
        #[cfg(not(unix))]
        let file = None;
        Some(Self {
            file,
            modified: about.modified().ok(),
            size: about.len(),
        })
    }
}

/// A file that may be replaced, or may come; what stands in it is not looked at.
#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    before: Option<Identity>,
}

impl Watched {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            before: Identity::of(&path),
            path,
        }
    }

    pub(super) fn is_unchanged(&self) -> bool {
        Identity::of(&self.path) == self.before
    }
}
