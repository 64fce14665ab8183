//! The encrypted part of the store, and the act of locking and unlocking it.

use std::future::Future;
use std::pin::Pin;

use crate::error::Result;
use crate::id::KeyId;
use crate::secret::{ApiKey, HistoryKey};

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
    fn open_key<'a>(&'a self, key: &'a KeyId, purpose: &'a str) -> Later<'a, ApiKey>;

    /// Seals a secret for the row `key`, which need not exist yet.
    fn seal_key<'a>(&'a self, key: &'a KeyId, secret: &'a ApiKey) -> Later<'a, SealedKey>;

    /// Returns the key that seals prompts and answers.
    fn history_key(&self) -> Later<'_, HistoryKey>;
}
