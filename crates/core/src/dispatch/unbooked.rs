//! What runs used that the store could not take: each run's end in a small file, until it is booked.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::event::{Amount, State};
use super::runs::Closing;
use crate::clock::Millis;
use crate::db::{Db, private_folder, read_private, write_private};
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

impl Found {
    fn at(path: PathBuf) -> Option<Self> {
        let (owner, run) = path.file_stem()?.to_str()?.split_once('-')?;
        let (owner, run) = (owner.to_owned(), RunId(run.parse().ok()?));
        Some(Self { path, owner, run })
    }

    /// Reads how the run ended; `None` where the file is a draft, or is not whole.
    pub(super) fn ending(&self) -> Option<Ending> {
        if self.path.extension()? != "json" {
            return None;
        }
        let bytes = read_private(&self.path, FILE_MAX).ok()?;
        let ending: Ending = serde_json::from_slice(&bytes).ok()?;
        (ending.state != State::Started).then_some(ending)
    }
}

/// Finds what was set aside. It may be of another store of the same user. Costs no more than two
/// looks for a folder where there is nothing.
pub(super) fn find(paths: &Paths) -> Vec<Found> {
    let folders = paths.unbooked().into_iter();
    let files = folders.filter_map(|folder| {
        let files = folder.read_dir().ok()?;
        // Whatever others could have put there must not be booked.
        private_folder(&folder).ok().map(|()| files)
    });
    files
        .flatten()
        .flatten()
        .filter(|file| file.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|file| Found::at(file.path()))
        .collect()
}
