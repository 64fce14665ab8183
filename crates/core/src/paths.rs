//! Where things are on this machine: the store, its lock files, and the private socket.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The longest path that a Unix socket's address can hold on Linux, less its closing NUL.
const SOCKET_PATH_MAX: usize = 107;

/// The folders of one store.
#[derive(Clone, Debug)]
pub struct Paths {
    data: PathBuf,
    runtime: PathBuf,
}

impl Paths {
    /// Finds the user's folders.
    ///
    /// `SWITCHYARD_HOME`, where it is set, holds everything (a second store, a portable one, the
    /// demo's throw-away one); else the XDG folders on Linux and the platform's own elsewhere.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when there is no home folder, or the one
    /// named is not an absolute path.
    pub fn of_user() -> Result<Self> {
        Self::from_variables(|name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        })
    }

    /// Names both folders: that of the store and that of the socket.
    #[must_use]
    pub fn new(data: PathBuf, runtime: PathBuf) -> Self {
        Self { data, runtime }
    }

    /// Puts everything under `home`.
    #[must_use]
    pub fn under(home: &Path) -> Self {
        Self {
            data: home.to_owned(),
            runtime: home.join("run"),
        }
    }

    fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        if let Some(home) = variable("SWITCHYARD_HOME") {
            if !home.is_absolute() {
                return Err(Error::bad_input(format!(
                    "SWITCHYARD_HOME is {}, which is not an absolute path.",
                    home.display()
                ))
                .hint("Give the full path of a folder, beginning with /."));
            }
            return Ok(Self::under(&home));
        }
        let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
        let data = absolute("XDG_DATA_HOME")
            .or_else(|| platform_data(&variable))
            .ok_or_else(|| {
                Error::bad_input("There is no home folder: HOME is not set.")
                    .hint("Set HOME, or SWITCHYARD_HOME to the folder that holds the store.")
            })?
            .join("switchyard");
        let runtime = absolute("XDG_RUNTIME_DIR")
            .map_or_else(|| data.join("run"), |folder| folder.join("switchyard"));
        Ok(Self { data, runtime })
    }

    /// Returns the folder of the store: database, backups, lock files.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("switchyard.db")
    }

    /// Returns the folder of verified copies of the store.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.data.join("backups")
    }

    /// Returns the folder in which every running process holds a locked file of its own.
    #[must_use]
    pub fn live(&self) -> PathBuf {
        self.data.join("live")
    }

    /// Returns the folders for what runs used that the store could not take, in the order in which
    /// they are tried: beside the store, and with the socket, which usually lies on another file system.
    #[must_use]
    pub fn unbooked(&self) -> [PathBuf; 2] {
        [&self.data, &self.runtime].map(|folder| folder.join("unbooked"))
    }

    /// Returns the file that the one agent of this store holds locked.
    #[must_use]
    pub fn agent_lock(&self) -> PathBuf {
        self.data.join("agent.lock")
    }

    /// Returns the file that the one window of this store holds locked.
    #[must_use]
    pub fn window_lock(&self) -> PathBuf {
        self.data.join("window.lock")
    }

    /// Returns the folder of what the window's web view keeps.
    #[must_use]
    pub fn web(&self) -> PathBuf {
        self.data.join("web")
    }

    /// Returns the empty folder that `claude` is started in. Its name says nothing, because a CLI may
    /// tell it to its server.
    #[must_use]
    pub fn working(&self) -> PathBuf {
        self.runtime.join("w")
    }

    /// Returns the private folder for what a `claude` that is given a token keeps: no login, and no prompt.
    #[must_use]
    pub fn kept(&self) -> PathBuf {
        self.runtime.join("c")
    }

    /// Returns the private folder of the socket.
    #[must_use]
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// Returns the socket on which the one unlocked vault of this store is served. Its name holds
    /// a hash of the store's folder, so that two stores of one user never meet.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when the path is longer than an address can be.
    pub fn socket(&self) -> Result<PathBuf> {
        let hash = Sha256::digest(self.data.as_os_str().as_encoded_bytes());
        let name: String = hash
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = self.runtime.join(format!("{name}.sock"));
        if path.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(Error::bad_input(format!(
                "The folder {} is too long to hold a socket.",
                self.runtime.display()
            ))
            .hint("Set XDG_RUNTIME_DIR, or SWITCHYARD_HOME, to a shorter path."));
        }
        Ok(path)
    }
}

#[cfg(target_os = "macos")]
fn platform_data(variable: &impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    Some(variable("HOME")?.join("Library/Application Support"))
}

#[cfg(windows)]
fn platform_data(variable: &impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    variable("LOCALAPPDATA")
}

#[cfg(not(any(target_os = "macos", windows)))]
fn platform_data(variable: &impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    Some(variable("HOME")?.join(".local/share"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(pairs: &[(&str, &str)]) -> Result<Paths> {
        Paths::from_variables(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| PathBuf::from(value))
        })
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_xdg_folders_are_used_when_they_are_absolute() {
        let own = paths(&[
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_RUNTIME_DIR", "/r"),
        ])
        .unwrap();
        assert_eq!(own.database(), Path::new("/d/switchyard/switchyard.db"));
        assert_eq!(own.runtime(), Path::new("/r/switchyard"));
        let relative = paths(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]).unwrap();
        assert_eq!(relative.data(), Path::new("/h/.local/share/switchyard"));
        assert_eq!(
            relative.runtime(),
            Path::new("/h/.local/share/switchyard/run")
        );
    }

    #[test]
    fn one_variable_moves_everything() {
        let own = paths(&[("HOME", "/h"), ("SWITCHYARD_HOME", "/s")]).unwrap();
        assert_eq!(own.data(), Path::new("/s"));
        assert_eq!(own.runtime(), Path::new("/s/run"));
        assert!(paths(&[("SWITCHYARD_HOME", "s")]).is_err());
        assert!(paths(&[]).is_err());
    }

    #[test]
    fn two_stores_have_two_sockets_and_a_long_path_is_refused() {
        let one = Paths::under(Path::new("/one")).socket().unwrap();
        let two = Paths::under(Path::new("/two")).socket().unwrap();
        assert_ne!(one.file_name(), two.file_name());
        assert!(
            Paths::under(&Path::new("/").join("x".repeat(200)))
                .socket()
                .is_err()
        );
    }
}
