//! The encrypted part of the store, and the act of locking and unlocking it.
//!
//! One random data key seals every secret ([`seal`]). It is wrapped once in each slot: keychain,
//! passphrase, recovery code. [`Vault::create`] makes a vault and [`Vault::unlock`] opens one; they
//! share no code that could give a vault with rows a fresh key.

mod audit;
mod autolock;
mod create;
mod custody;
mod envelope;
pub(crate) mod keychain;
mod moment;
mod opened;
mod passphrase;
mod recovery;
mod slots;
mod state;
mod unlock;

use std::future::Future;
use std::pin::Pin;

use rusqlite::Connection;

use crate::clock::Millis;
use crate::error::{Code, Error, Remedy, Result};
use crate::id::KeyId;
use crate::secret::{ApiKey, HistoryKey};

use audit::Caller;
use slots::Header;

pub use audit::Act;
pub use create::{Created, NewSlot, NewVault};
pub use envelope::{Place, Seals, open, open_text, seal, seal_text};
pub use keychain::{Entries, EntryBytes, Keychain, Patience};
pub use passphrase::{Cost, PASSPHRASE_MIN, check_passphrase};
pub use recovery::is_recovery_code;
pub use slots::{Slot, SlotKind};
pub use state::{LOCK_AFTER_MINUTES, Lock, SILENT_KEYCHAIN, Status, Vault, Why};
pub use unlock::UnlockWith;

/// A future that a trait object can return.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A secret sealed for its place, with the fingerprint by which a duplicate is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    /// What goes into `api_keys.key`.
    pub sealed: Vec<u8>,
    /// What goes into `api_keys.fingerprint`.
    pub fingerprint: Vec<u8>,
}

/// What an unlocked vault does for the rooms above it, whether it is in this process or in the
/// agent's.
///
/// Every method fails with [`Code::Locked`](crate::error::Code::Locked) when nothing can open the
/// vault without asking, and with [`Code::NoVault`](crate::error::Code::NoVault) when there is none.
pub trait Custody: Send + Sync {
    /// Opens a stored key for one use; the use is in the audit before the key is handed out.
    ///
    /// `base_url` is the server that the caller will send it to, as the store writes it. The key
    /// opens for the server that it was sealed for and for no other, so that a row that was edited
    /// behind Switchyard's back can't lead the key elsewhere:
    /// [`Code::Damaged`](crate::error::Code::Damaged).
    fn open_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        purpose: &'a str,
    ) -> Later<'a, ApiKey>;

    /// Seals a secret for the row `key`, which need not exist yet, and for its server.
    fn seal_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        secret: &'a ApiKey,
    ) -> Later<'a, SealedKey>;

    /// Returns the key that seals prompts and answers.
    fn history_key(&self) -> Later<'_, HistoryKey>;

    /// Says why no key could be opened now without asking somebody; nothing is opened by that.
    fn could_open(&self) -> Later<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Tells whether what it writes goes through this process's own writer, so that it can share a
    /// commit with what the caller writes. Two processes at once would only wait for each other.
    fn shares_commits(&self) -> bool {
        false
    }
}

/// Returns the id of the store's vault, which is part of every [`Place`].
///
/// # Errors
/// [`Code::NoVault`] where there is none.
pub fn vault_id(store: &Connection) -> Result<String> {
    Header::read(store)?
        .map(|header| header.vault_id)
        .ok_or_else(no_vault)
}

/// Locks the vault of a store that nobody has open, as [`Vault::lock`] does; where there is one.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be noted.
pub fn lock_stored(store: &Connection, face: &str, now: Millis) -> Result<()> {
    match Header::read(store)? {
        Some(_) => note_lock(store, &Caller::own(face), now),
        None => Ok(()),
    }
}

/// Notes in the audit what this process does, as part of the caller's write, where it is about no stored
/// key. `purpose` says what it is about, and never holds a secret.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be noted.
pub fn note(store: &Connection, face: &str, now: Millis, act: Act, purpose: &str) -> Result<()> {
    Caller::own(face).note(store, now, act, (None, purpose))
}

/// Notes that someone asked for the lock: for all who have the vault open, and for the keychain.
fn note_lock(store: &Connection, caller: &Caller, now: Millis) -> Result<()> {
    Header::lock(store)?;
    SILENT_KEYCHAIN.set(store, &false, now)?;
    caller.note(store, now, Act::Lock, (None, Why::Asked.as_str()))
}

fn no_vault() -> Error {
    Error::new(Code::NoVault, "There is no vault yet.").remedy(Remedy::MakeVault)
}

#[cfg(test)]
pub(crate) mod tests;
