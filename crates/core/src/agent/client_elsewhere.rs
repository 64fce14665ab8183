//! Where there are no Unix sockets no vault is shared yet: there is never an agent to be found.

use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::paths::Paths;
use crate::secret::{ApiKey, HistoryKey, RecoveryCode};
use crate::vault::{Custody, Later, NewSlot, SealedKey, SlotKind, Status, UnlockWith};

/// A way to the agent of this store. There is none on this platform, so none is ever made.
#[derive(Clone, Debug)]
pub enum Client {}

/// Returns false: where nobody is asked, nobody ends meanwhile.
pub(super) fn has_broken_off(_error: &Error) -> bool {
    false
}

impl Client {
    /// Returns `None`.
    ///
    /// # Errors
    /// None.
    pub async fn connect(_paths: &Paths, _face: &'static str) -> Result<Option<Self>> {
        Ok(None)
    }

    /// Never called.
    #[must_use]
    pub fn waiting(&self) -> watch::Receiver<bool> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn status(&self) -> Result<Status> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn unlock(&self, _with: UnlockWith<'_>) -> Result<()> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn unlock_for_use(&self, _with: UnlockWith<'_>) -> Result<()> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn unlock_silently(&self) -> Result<()> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn lock(&self) -> Result<()> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn add_slot(&self, _new: NewSlot<'_>) -> Result<Option<RecoveryCode>> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn remove_slot(&self, _kind: SlotKind) -> Result<()> {
        match *self {}
    }
}

impl Custody for Client {
    fn open_key<'a>(
        &'a self,
        _key: &'a KeyId,
        _base_url: Option<&'a str>,
        _purpose: &'a str,
    ) -> Later<'a, ApiKey> {
        match *self {}
    }

    fn seal_key<'a>(
        &'a self,
        _key: &'a KeyId,
        _base_url: Option<&'a str>,
        _secret: &'a ApiKey,
    ) -> Later<'a, SealedKey> {
        match *self {}
    }

    fn history_key(&self) -> Later<'_, HistoryKey> {
        match *self {}
    }
}
