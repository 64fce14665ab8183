//! One window for each store: a lock that works without a session bus.

use std::fs::{File, TryLockError};

use crate::db::{private_file, private_folder};
use crate::error::{Error, Result};
use crate::paths::Paths;
use crate::settings::Setting;

/// Whether closing the window leaves the program in the tray.
pub const KEEP_IN_TRAY: Setting<bool> = Setting {
    name: "window.keep_in_tray",
    default: || true,
    check: |_| Ok(()),
};

/// Held by the one window of a store for as long as it lives, however it ends.
#[derive(Debug)]
pub struct OneWindow {
    _lock: File,
}

impl OneWindow {
    /// Takes the place of the one window; `None` where another process has it.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when the folder can't be made.
    pub fn take(paths: &Paths) -> Result<Option<Self>> {
        private_folder(paths.data())?;
        let lock = private_file(&paths.window_lock())?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(Error::failed(
                "Whether another window is open could not be found out.",
            )
            .because(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_one_window_until_it_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::under(home.path());
        let first = OneWindow::take(&paths).unwrap();
        assert!(first.is_some());
        assert!(OneWindow::take(&paths).unwrap().is_none());
        drop(first);
        assert!(OneWindow::take(&paths).unwrap().is_some());
    }
}
