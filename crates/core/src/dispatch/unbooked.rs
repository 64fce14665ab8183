//! What runs used that the store could not take: each run's end in a small file, until it is booked.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::event::{Amount, State};
use super::runs::Closing;
use crate::clock::Millis;
use crate::db::{Db, private_folder, read_private, unwritable, write_private};
use crate::error::{Code, Error, Failure, Result};
use crate::id::RunId;
use crate::paths::Paths;
use crate::usage::Entry;

/// The most bytes that are read of such a file; it has a few hundred, unless a server's names are long.
const FILE_MAX: u64 = 1024 * 1024;

/// How a run ended: what its row does not say yet. Texts are left out, for they could be large, and
/// they are never on disk in the clear.
#[derive(Serialize, Deserialize)]
pub(super) struct Ending {
    state: State,
    at: Millis,
    model_served: Option<String>,
    first_token_ms: Option<u64>,
    attempts: u32,
    stop_reason: Option<String>,
    request_id: Option<String>,
    proof: Option<String>,
    error: Option<Code>,
    amount: Option<Amount>,
}

impl Ending {
    pub(super) fn of(closing: &Closing) -> Self {
        let entry = closing.entry.as_ref();
        Self {
            state: closing.state,
            at: closing.at,
            model_served: closing.model_served.clone(),
            first_token_ms: closing.first_token_ms,
            attempts: closing.attempts,
            stop_reason: closing.stop_reason.clone(),
            request_id: closing.request_id.clone(),
            proof: closing.proof.clone(),
            error: closing.error.as_ref().map(|error| error.code),
            amount: entry.map(|entry| Amount {
                tokens: entry.tokens,
                cost: entry.cost,
                basis: entry.basis,
                priced_as_of: entry.priced_as_of.clone(),
            }),
        }
    }

    /// Returns what the process of `run` would have written; `row` is what its row says of who pays.
    pub(super) fn closing(self, run: RunId, row: Entry) -> Closing {
        let model = self.model_served.clone().unwrap_or(row.model);
        let entry = self.amount.map(|amount| Entry {
            at: self.at,
            model,
            basis: amount.basis,
            tokens: amount.tokens,
            cost: amount.cost,
            priced_as_of: amount.priced_as_of,
            ..row
        });
        Closing {
            run,
            state: self.state,
            at: self.at,
            model_served: self.model_served,
            first_token_ms: self.first_token_ms,
            attempts: self.attempts,
            stop_reason: self.stop_reason,
            request_id: self.request_id,
            proof: self.proof,
            error: self.error.map(|code| Failure {
                code,
                message: String::new(),
                hint: None,
                remedy: None,
            }),
            answer: String::new(),
            keeper: None,
            entry,
        }
    }
}

/// Keeps a run's end in a file of its own, and returns it. The name says whose run it is: an owner is
/// one process with one store, so that no other store takes the run for one of its own.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can be written in neither folder.
pub(super) fn set_aside(db: &Db, closing: &Closing) -> Result<PathBuf> {
    let ending = serde_json::to_vec(&Ending::of(closing))
        .map_err(|e| Error::failed("The run's end can't be written down.").because(e))?;
    let name = format!("{}-{}.json", db.owner(), closing.run);
    let write_in = |folder: &Path| {
        private_folder(folder)?;
        let path = folder.join(&name);
        write_private(&path, &ending).map(|()| path)
    };
    let [beside, elsewhere] = db.paths().unbooked();
    write_in(&beside).or_else(|_| write_in(&elsewhere))
}

/// Lets go of a file whose run is booked. One that stays is harmless: no closed run is booked again.
pub(super) fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// A file of this kind, or a draft of one.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) owner: String,
    pub(super) run: RunId,
}

/// What reading a file of this kind comes to.
pub(super) enum Read {
    /// How the run ended.
    Whole(Ending),
    /// It is a draft, or damaged, and will not say more at another time.
    NotWhole,
    /// It can't be read now: too many open files, a disk that fails, no permission.
    NotNow(Error),
}

impl Found {
    fn at(path: PathBuf) -> Option<Self> {
        let (owner, run) = path.file_stem()?.to_str()?.split_once('-')?;
        let (owner, run) = (owner.to_owned(), RunId(run.parse().ok()?));
        Some(Self { path, owner, run })
    }

    /// Reads how the run ended.
    pub(super) fn read(&self) -> Read {
        if self.path.extension().is_none_or(|ending| ending != "json") {
            return Read::NotWhole;
        }
        let bytes = match read_private(&self.path, FILE_MAX) {
            Ok(bytes) => bytes,
            Err(error) if is_too_large(&error) => return Read::NotWhole,
            Err(error) => return Read::NotNow(error),
        };
        match serde_json::from_slice::<Ending>(&bytes) {
            Ok(ending) if !matches!(ending.state, State::Started | State::Lost) => {
                Read::Whole(ending)
            }
            _ => Read::NotWhole,
        }
    }
}

fn is_too_large(error: &Error) -> bool {
    let cause = std::error::Error::source(error);
    cause
        .and_then(|cause| cause.downcast_ref::<std::io::Error>())
        .is_some_and(|cause| cause.kind() == ErrorKind::FileTooLarge)
}

/// What was set aside, as far as it can be seen.
#[derive(Default)]
pub(super) struct Aside {
    pub(super) files: Vec<Found>,
    /// Why there may be more: a folder can't be looked into now.
    pub(super) unseen: Option<Error>,
}

/// Finds what was set aside. It may be of another store of the same user. Costs no more than two
/// looks for a folder where there is nothing.
pub(super) fn find(paths: &Paths) -> Aside {
    let mut aside = Aside::default();
    for folder in paths.unbooked() {
        match files_in(&folder) {
            Ok(files) => aside.files.extend(files),
            Err(error) => aside.unseen = Some(error),
        }
    }
    aside
}

fn files_in(folder: &Path) -> Result<Vec<Found>> {
    let unseen = |error| unwritable(folder, "look into", error);
    let files = match folder.read_dir() {
        Ok(files) => files,
        // No folder, so no file either.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(unseen(e)),
    };
    // Whatever others could have put there must not be booked.
    private_folder(folder)?;
    let mut found = Vec::new();
    for file in files {
        let file = file.map_err(unseen)?;
        match file.file_type() {
            Ok(kind) if kind.is_file() => found.extend(Found::at(file.path())),
            Ok(_) => {}
            // Booked and removed by another process meanwhile.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(unseen(e)),
        }
    }
    Ok(found)
}
