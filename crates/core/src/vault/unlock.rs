//! Opening the vault through one of its slots. Nothing here can make a key.

use super::audit::Act;
use super::opened::Opened;
use super::passphrase;
use super::recovery;
use super::slots::{self, Header, SlotKind, SlotRow, Unwrapped};
use super::state::{SILENT_KEYCHAIN, Vault};
use crate::error::{Code, Error, Remedy, Result};
use crate::secret::{Passphrase, RecoveryCode, WrappingKey};

/// What to open the vault with.
#[derive(Clone, Copy, Debug)]
pub enum UnlockWith<'a> {
    /// The key in the platform's keychain.
    Keychain,
    /// The passphrase.
    Passphrase(&'a Passphrase),
    /// The recovery code.
    Recovery(&'a RecoveryCode),
}

impl UnlockWith<'_> {
    /// Returns the kind of slot that it opens.
    #[must_use]
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Keychain => SlotKind::Keychain,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Recovery(_) => SlotKind::Recovery,
        }
    }
}

/// What an unlock is for, and so whom it concerns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// Someone asked for the vault to be open: that ends a lock that was asked for.
    AsAsked,
    /// Work that goes on needs it: a lock that was asked for stands.
    ForUse,
    /// Work of this process needs it, which shares the vault with nobody.
    Here,
    /// As that, and nobody was asked: a lock that was asked for stands.
    Silent,
}

impl Meant {
    /// Tells whether a lock that was asked for forbids it.
    fn heeds_a_lock(self) -> bool {
        matches!(self, Self::ForUse | Self::Silent)
    }
}

impl Vault {
    /// Opens the vault because someone asked for it, and allows silent use of the keychain again.
    /// Dropping the future gives up waiting for the keychain.
    ///
    /// # Errors
    /// [`Code::NoVault`], [`Code::NotFound`] when it has no such slot, [`Code::BadInput`] for a
    /// mistyped recovery code, and one code for each way out: [`Code::WrongPassphrase`] (try again),
    /// [`Code::KeychainEmpty`] and [`Code::KeychainMismatch`] (open it another way, then set the
    /// keychain slot anew), [`Code::KeychainUnavailable`] (unlock or start the keychain),
    /// [`Code::Damaged`] (put a backup in place).
    pub async fn unlock(&self, with: UnlockWith<'_>) -> Result<()> {
        self.open_slot(with, Meant::AsAsked).await
    }

    /// Opens the vault for all who share it, because the work of one of them needs it and its user
    /// typed what opens it. That ends a lock for idleness or sleep, and not one that someone asked
    /// for.
    ///
    /// # Errors
    /// [`Code::Locked`] when someone asked for the lock, else as [`Vault::unlock`].
    pub async fn unlock_for_use(&self, with: UnlockWith<'_>) -> Result<()> {
        self.open_slot(with, Meant::ForUse).await
    }

    /// Opens the vault for this process alone, because someone typed what opens it: what was said
    /// about silent use of the keychain stands.
    ///
    /// # Errors
    /// As [`Vault::unlock`].
    pub async fn unlock_here(&self, with: UnlockWith<'_>) -> Result<()> {
        self.open_slot(with, Meant::Here).await
    }

    /// Opens the vault through the keychain if that is allowed without asking.
    ///
    /// # Errors
    /// [`Code::Locked`] when it is not, else as [`Vault::unlock`].
    pub async fn unlock_silently(&self) -> Result<()> {
        if self.status()?.opens_silently() {
            return self.open_slot(UnlockWith::Keychain, Meant::Silent).await;
        }
        // Says NoVault where there is none.
        self.found()?;
        Err(Error::new(
            Code::Locked,
            "The vault is locked, and may not be opened without asking.",
        )
        .remedy(Remedy::UnlockVault))
    }

    async fn open_slot(&self, with: UnlockWith<'_>, meant: Meant) -> Result<()> {
        let locks = self.locks();
        let (header, slots) = self.found()?;
        // After the header is read: a lock that comes later has another number, which is seen below.
        if meant.heeds_a_lock() && !self.shared.db.read(|store| SILENT_KEYCHAIN.get(store))? {
            return Err(self.locked());
        }
        let slot = pick(&slots, with.kind())?;
        let wrapping = self.wrapping_key(with, &header, slot).await?;
        match slot.unwrap(&header.vault_id, &wrapping) {
            Unwrapped::Open(data) => {
                let opened = self
                    .shared
                    .db
                    .read(|store| Opened::take(store, &header, data))?;
                if self.locks() != locks {
                    return Err(self.locked());
                }
                self.note_unlock(&header, slot, meant).await?;
                self.keep(opened, locks)
            }
            Unwrapped::WrongKey => Err(wrong_key(with)),
            Unwrapped::Damaged => Err(damaged_slot(with.kind())),
        }
    }

    async fn wrapping_key(
        &self,
        with: UnlockWith<'_>,
        header: &Header,
        slot: &SlotRow,
    ) -> Result<WrappingKey> {
        match with {
            UnlockWith::Passphrase(typed) => {
                let kdf = slot.kdf.as_deref().unwrap_or_default();
                passphrase::derive(typed, kdf).await
            }
            UnlockWith::Recovery(code) => recovery::derive(code, &header.vault_id, &slot.id),
            UnlockWith::Keychain => {
                let entry = self.shared.keychain.read(&header.vault_id).await?;
                let bytes = entry.ok_or_else(keychain_empty)?;
                WrappingKey::from_slice(&bytes).ok_or_else(|| wrong_key(with))
            }
        }
    }

    async fn note_unlock(&self, header: &Header, slot: &SlotRow, meant: Meant) -> Result<()> {
        let (caller, now) = (self.caller.clone(), self.now());
        let (id, kind) = (slot.id.clone(), slot.kind);
        let (epoch, overtaken) = (header.lock_epoch, self.locked());
        self.shared
            .db
            .write(move |store| {
                // A lock that another process asked for meanwhile must not be taken back by this.
                if Header::read(store)?.is_none_or(|now| now.lock_epoch != epoch) {
                    return Err(overtaken);
                }
                // Nor one that came between the look at the setting and the one at the header.
                if meant.heeds_a_lock() && !SILENT_KEYCHAIN.get(store)? {
                    return Err(overtaken);
                }
                slots::used(store, &id, now)?;
                if meant == Meant::AsAsked && !SILENT_KEYCHAIN.get(store)? {
                    SILENT_KEYCHAIN.clear(store)?;
                }
                caller.note(store, now, Act::Unlock, (None, kind.as_str()))
            })
            .await
    }
}

fn pick(slots: &[SlotRow], kind: SlotKind) -> Result<&SlotRow> {
    slots.iter().find(|slot| slot.kind == kind).ok_or_else(|| {
        let others: Vec<_> = slots.iter().map(|slot| slot.kind.as_str()).collect();
        Error::new(
            Code::NotFound,
            format!("The vault can't be opened by {kind}: it has no such slot."),
        )
        .hint(match others.as_slice() {
            [] => "It has no slot at all. Put the store back from a backup.".to_owned(),
            others => format!("It opens by: {}.", others.join(", ")),
        })
    })
}

fn wrong_key(with: UnlockWith<'_>) -> Error {
    match with {
        UnlockWith::Keychain => Error::new(
            Code::KeychainMismatch,
            "The keychain holds an entry for this vault, but its key is another one.",
        )
        .hint("Nothing was changed. Open the vault with its passphrase or recovery code, then set the keychain slot anew."),
        UnlockWith::Passphrase(_) => Error::new(
            Code::WrongPassphrase,
            "That is not this vault's passphrase.",
        )
        .hint("Try again, or open the vault with the recovery code."),
        UnlockWith::Recovery(_) => Error::new(
            Code::WrongPassphrase,
            "That is a recovery code, but not this vault's newest one.",
        )
        .hint("Look for a newer copy: each new code replaces the one before."),
    }
}

fn keychain_empty() -> Error {
    Error::new(
        Code::KeychainEmpty,
        "The keychain holds no entry for this vault.",
    )
    .hint("Nothing was changed. Open the vault with its passphrase or recovery code, then set the keychain slot anew.")
}

fn damaged_slot(kind: SlotKind) -> Error {
    Error::new(
        Code::Damaged,
        format!("The {kind} slot is damaged, so it can't say whether the key was right."),
    )
    .hint("Nothing was changed. Open the vault another way and set this slot anew, or put a backup of the store in place.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::tests::support::House;
    use crate::vault::{Lock, Why};

    #[tokio::test]
    async fn a_lock_that_comes_after_the_look_at_the_vault_is_not_overtaken_in_silence() {
        let house = House::new();
        house.full().await;
        let vault = house.vault();
        assert!(vault.status().unwrap().opens_silently());
        house.vault().lock().await.unwrap();
        // What is left of a silent unlock that had looked before.
        let outcome = vault.open_slot(UnlockWith::Keychain, Meant::Silent).await;
        assert_eq!(outcome.unwrap_err().code(), Code::Locked);
        assert_eq!(vault.status().unwrap().lock, Lock::Locked(Why::Start));
    }

    #[tokio::test]
    async fn a_lock_is_heeded_in_the_transaction_that_notes_the_unlock() {
        let house = House::new();
        let (vault, _) = house.full().await;
        house.vault().lock().await.unwrap();
        let (header, slots) = vault.found().unwrap();
        let slot = pick(&slots, SlotKind::Keychain).unwrap();
        for meant in [Meant::Silent, Meant::ForUse] {
            let noted = vault.note_unlock(&header, slot, meant).await;
            assert_eq!(noted.unwrap_err().code(), Code::Locked);
        }
        vault.note_unlock(&header, slot, Meant::Here).await.unwrap();
        assert!(!vault.status().unwrap().silent_keychain);
    }
}
