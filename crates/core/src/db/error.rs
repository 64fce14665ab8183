//! What SQLite says, in words that a user can act on.

use rusqlite::ErrorCode;

use crate::error::{Code, Error, Remedy, Result};

/// Turns a SQLite result into one of ours, naming what was being done.
pub trait SqlContext<T> {
    /// Names what was being done, as in "The store could not {doing}: …".
    ///
    /// # Errors
    /// The same failure, with a code that callers branch on.
    fn doing(self, doing: &str) -> Result<T>;
}

impl<T> SqlContext<T> for rusqlite::Result<T> {
    fn doing(self, doing: &str) -> Result<T> {
        self.map_err(|error| explain(error, doing))
    }
}

fn explain(error: rusqlite::Error, doing: &str) -> Error {
    let (code, why, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            Code::StoreUnwritable,
            "the disk is full",
            "Nothing of this was saved, and what was there is unharmed. Free some space and try again.",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            Code::StoreUnwritable,
            "the file or its folder is read-only",
            "Nothing was changed. Give yourself write permission on the folder and try again.",
        ),
        Some(ErrorCode::CannotOpen) => (
            Code::StoreUnwritable,
            "the file can't be opened",
            "Check that the folder exists and belongs to you.",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            Code::StoreUnwritable,
            "the disk did not take or give the data",
            "Nothing of this was saved. Check the disk, then try again.",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (Code::StoreDamaged, "the file is damaged", super::PUT_BACK)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Code::StoreUnwritable,
            "another process kept it busy for more than 5 s",
            "Nothing of this was saved. Try again; if it stays so, end the other process.",
        ),
        _ => {
            return Error::failed(format!("The store could not {doing}: {error}.")).because(error);
        }
    };
    let worded = Error::new(code, format!("The store could not {doing}: {why}."))
        .hint(hint)
        .because(error);
    match code {
        Code::StoreDamaged => worded.remedy(Remedy::RestoreStore),
        _ => worded,
    }
}
