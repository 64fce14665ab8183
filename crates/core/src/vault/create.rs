//! Making a vault, and changing the ways to open it. Nothing here is reached by opening one.

use rusqlite::Connection;

use super::audit::Act;
use super::opened::{NewRows, Opened};
use super::slots::{self, Header, NewWrapping, SlotKind, SlotRow, Unwrapped};
use super::state::{SILENT_KEYCHAIN, Vault};
use crate::clock::Millis;
use crate::db::{SqlContext, note_deletion};
use crate::error::{Code, Error, Result};
use crate::secret::{Passphrase, RecoveryCode, WrappingKey};

/// Which slots a new vault gets. At least the keychain or a passphrase.
#[derive(Debug, Default)]
pub struct NewVault {
    /// Whether the platform's keychain shall open it.
    pub keychain: bool,
    /// The passphrase that shall open it.
    pub passphrase: Option<Passphrase>,
    /// Whether a recovery code shall open it.
    pub recovery: bool,
}

/// What came of making a vault.
#[derive(Debug)]
pub struct Created {
    /// The recovery code, which is shown this once.
    pub recovery_code: Option<RecoveryCode>,
    /// Why there is no keychain slot although one was wanted.
    pub no_keychain: Option<Error>,
}

/// A way to open the vault that is to be added, or to replace the one of its kind.
#[derive(Debug)]
pub enum NewSlot<'a> {
    /// The platform's keychain.
    Keychain,
    /// A passphrase.
    Passphrase(&'a Passphrase),
    /// A fresh recovery code.
    Recovery,
}

impl Vault {
    /// Makes the store's vault and leaves it unlocked.
    ///
    /// Where the keychain is wanted and can't be used, the passphrase alone has to do, and
    /// [`Created::no_keychain`] says why.
    ///
    /// # Errors
    /// [`Code::Duplicate`] where there is one, [`Code::Damaged`] where its row is gone and sealed
    /// values are not: they would never open again. [`Code::BadInput`] for a weak passphrase or no
    /// way to open it, [`Code::KeychainUnavailable`] when the keychain would have been the only
    /// way. Whatever the error, nothing was made.
    pub async fn create(&self, new: NewVault) -> Result<Created> {
        if !new.keychain && new.passphrase.is_none() {
            return Err(
                Error::bad_input("A vault needs a keychain or a passphrase to open it.")
                    .hint("Choose at least one of them."),
            );
        }
        let locks = self.locks();
        self.shared.db.read(refuse_second_vault)?;
        let (opened, rows) = Opened::fresh()?;
        let now = self.now();
        let mut slots = Vec::new();
        let mut created = Created {
            recovery_code: None,
            no_keychain: None,
        };
        if let Some(typed) = &new.passphrase {
            let wrapping = NewWrapping::by_passphrase(typed, self.shared.cost).await?;
            slots.push(wrapping.wrap(&opened, now)?);
        }
        if new.recovery {
            let (wrapping, code) = NewWrapping::by_recovery(opened.vault_id())?;
            slots.push(wrapping.wrap(&opened, now)?);
            created.recovery_code = Some(code);
        }
        if new.keychain {
            match self.new_keychain_entry(opened.vault_id()).await {
                Ok(wrapping) => slots.push(wrapping.wrap(&opened, now)?),
                Err(trouble) if new.passphrase.is_some() => created.no_keychain = Some(trouble),
                Err(trouble) => return Err(trouble),
            }
        }
        let has_entry = slots.iter().any(|slot| slot.kind == SlotKind::Keychain);
        if let Err(error) = self.insert(rows, slots, now).await {
            if has_entry {
                // An entry that opens nothing does no harm; it is only not left behind if that is easy.
                let _ = self.shared.keychain.remove(opened.vault_id()).await;
            }
            return Err(error);
        }
        // A lock that came meanwhile stands; what was made is made all the same.
        let _ = self.keep(opened, locks);
        Ok(created)
    }

    async fn insert(&self, rows: NewRows, slots: Vec<SlotRow>, now: Millis) -> Result<()> {
        let caller = self.caller.clone();
        self.shared
            .db
            .write(move |store| {
                // Another process may have been quicker.
                refuse_second_vault(store)?;
                rows.insert(store, now)?;
                for slot in &slots {
                    slot.put(store)?;
                }
                SILENT_KEYCHAIN.clear(store)?;
                caller.note(store, now, Act::Create, (None, ""))
            })
            .await
    }

    /// Adds a slot to the unlocked vault, or replaces the one of its kind. Only that slot's blob is
    /// written. Returns the recovery code if it was one.
    ///
    /// # Errors
    /// [`Code::Locked`], [`Code::BadInput`] for a weak passphrase, [`Code::KeychainUnavailable`].
    pub async fn add_slot(&self, new: NewSlot<'_>) -> Result<Option<RecoveryCode>> {
        let opened = self.opened()?;
        let (wrapping, code) = match new {
            NewSlot::Passphrase(typed) => {
                let wrapping = NewWrapping::by_passphrase(typed, self.shared.cost).await?;
                (wrapping, None)
            }
            NewSlot::Recovery => {
                let (wrapping, code) = NewWrapping::by_recovery(opened.vault_id())?;
                (wrapping, Some(code))
            }
            NewSlot::Keychain => (self.keychain_entry(opened.vault_id()).await?, None),
        };
        let slot = wrapping.wrap(&opened, self.now())?;
        let (caller, now) = (self.caller.clone(), self.now());
        self.shared
            .db
            .write(move |store| {
                let header = Header::read(store)?.ok_or_else(super::no_vault)?;
                if header.generation != slot.generation {
                    return Err(renewed());
                }
                slot.put(store)?;
                note_deletion(store)?;
                caller.note(store, now, Act::AddSlot, (None, slot.kind.as_str()))
            })
            .await?;
        // What the old slot's passphrase or code opened is not to be found in the log either.
        self.shared.db.checkpoint_or_later().await;
        Ok(code)
    }

    /// Removes a slot of the unlocked vault, never the last one.
    ///
    /// # Errors
    /// [`Code::Locked`], [`Code::NotFound`] when there is no such slot, [`Code::BadInput`] when it
    /// is the last one.
    pub async fn remove_slot(&self, kind: SlotKind) -> Result<()> {
        let opened = self.opened()?;
        let (caller, now) = (self.caller.clone(), self.now());
        self.shared
            .db
            .write(move |store| {
                slots::remove(store, kind)?;
                note_deletion(store)?;
                caller.note(store, now, Act::RemoveSlot, (None, kind.as_str()))
            })
            .await?;
        self.shared.db.checkpoint_or_later().await;
        if kind == SlotKind::Keychain {
            // Without its slot the entry opens nothing, so a keychain that is away does no harm.
            let _ = self.shared.keychain.remove(opened.vault_id()).await;
        }
        Ok(())
    }

    /// Keeps the entry that is there when it opens the present slot: then a crash in between leaves
    /// slot and entry fitting each other.
    async fn keychain_entry(&self, vault_id: &str) -> Result<NewWrapping> {
        let (_, slots) = self.found()?;
        let slot = slots.iter().find(|slot| slot.kind == SlotKind::Keychain);
        if let (Some(slot), Some(bytes)) = (slot, self.shared.keychain.read(vault_id).await?)
            && let Some(key) = WrappingKey::from_slice(&bytes)
            && matches!(slot.unwrap(vault_id, &key), Unwrapped::Open(_))
        {
            return Ok(NewWrapping::by_keychain(key));
        }
        self.new_keychain_entry(vault_id).await
    }

    async fn new_keychain_entry(&self, vault_id: &str) -> Result<NewWrapping> {
        let key = WrappingKey::random()?;
        self.shared.keychain.write(vault_id, key.expose()).await?;
        Ok(NewWrapping::by_keychain(key))
    }
}

/// A fresh key over sealed values would orphan every one of them.
fn refuse_second_vault(store: &Connection) -> Result<()> {
    if Header::read(store)?.is_some() {
        return Err(Error::new(Code::Duplicate, "There is a vault already.")
            .hint("Unlock it, or change its slots."));
    }
    let has_rows: bool = store
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM vault_slots) OR EXISTS (SELECT 1 FROM vault_keys)
                 OR EXISTS (SELECT 1 FROM api_keys WHERE key IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM runs
                            WHERE coalesce(system, prompt, answer) IS NOT NULL)",
            [],
            |row| row.get(0),
        )
        .doing("look for sealed values")?;
    if has_rows {
        return Err(Error::new(
            Code::Damaged,
            "The store holds sealed values, but the vault that opens them is gone from it. A new vault could never open them.",
        )
        .hint("Nothing was changed. Put the store back from a backup."));
    }
    Ok(())
}

fn renewed() -> Error {
    Error::new(
        Code::Locked,
        "The vault's data key was renewed elsewhere, so nothing was changed.",
    )
    .hint("Unlock the vault again and repeat.")
}
