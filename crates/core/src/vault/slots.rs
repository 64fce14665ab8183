//! Slots: the ways to open the vault. Each holds the data key, wrapped by a key of its own.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::envelope::{Place, open_with, seal_with};
use super::opened::Opened;
use super::passphrase::{self, Cost};
use super::recovery;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Result};
use crate::secret::{DataKey, Passphrase, RecoveryCode, WrappingKey};
use crate::words::words;

/// Bytes of the checksum that tells a damaged slot from a wrong key.
const SUM: usize = 8;

words! {
    /// What opens a slot.
    SlotKind {
        /// A random key in the platform's keychain.
        Keychain = "keychain",
        /// A passphrase.
        Passphrase = "passphrase",
        /// The printed recovery code.
        Recovery = "recovery",
    }
}

/// A slot, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Slot {
    /// What opens it.
    pub kind: SlotKind,
    /// When it was made.
    pub created_at: Millis,
    /// When it last opened the vault.
    pub last_used_at: Option<Millis>,
}

/// A slot's row.
pub(super) struct SlotRow {
    pub(super) id: String,
    pub(super) kind: SlotKind,
    pub(super) generation: i64,
    pub(super) wrapped: Vec<u8>,
    pub(super) kdf: Option<String>,
    pub(super) created_at: Millis,
    pub(super) last_used_at: Option<Millis>,
}

/// The key of a slot that is being made.
pub(super) struct NewWrapping {
    id: String,
    kind: SlotKind,
    key: WrappingKey,
    kdf: Option<String>,
}

impl NewWrapping {
    pub(super) fn by_keychain(key: WrappingKey) -> Self {
        Self {
            id: new_id(),
            kind: SlotKind::Keychain,
            key,
            kdf: None,
        }
    }

    pub(super) async fn by_passphrase(typed: &Passphrase, cost: Cost) -> Result<Self> {
        passphrase::check_passphrase(typed)?;
        let kdf = passphrase::new_derivation(cost)?;
        Ok(Self {
            id: new_id(),
            kind: SlotKind::Passphrase,
            key: passphrase::derive(typed, &kdf).await?,
            kdf: Some(kdf),
        })
    }

    pub(super) fn by_recovery(vault_id: &str) -> Result<(Self, RecoveryCode)> {
        let (id, code) = (new_id(), recovery::fresh()?);
        let new = Self {
            key: recovery::derive(&code, vault_id, &id)?,
            id,
            kind: SlotKind::Recovery,
            kdf: None,
        };
        Ok((new, code))
    }

    /// Wraps the data key of `opened` in a slot.
    pub(super) fn wrap(self, opened: &Opened, now: Millis) -> Result<SlotRow> {
        let mut slot = SlotRow {
            id: self.id,
            kind: self.kind,
            generation: opened.generation(),
            wrapped: Vec::new(),
            kdf: self.kdf,
            created_at: now,
            last_used_at: None,
        };
        let blob = seal_with(
            &self.key,
            &slot.place(opened.vault_id()),
            &slot.authenticated(),
            opened.data_key().expose(),
        )?;
        slot.wrapped = slot.sum(&blob).into_iter().chain(blob).collect();
        Ok(slot)
    }
}

fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// What came of opening a slot.
pub(super) enum Unwrapped {
    /// It opened.
    Open(DataKey),
    /// It is as it was written, so the key is another one.
    WrongKey,
    /// It is not as it was written.
    Damaged,
}

impl SlotRow {
    /// Opens the slot. An envelope alone can't say why it does not open; the checksum before it
    /// can: damage changes what it was made of, another key does not.
    pub(super) fn unwrap(&self, vault_id: &str, wrapping: &WrappingKey) -> Unwrapped {
        let Some((sum, blob)) = self.wrapped.split_first_chunk::<SUM>() else {
            return Unwrapped::Damaged;
        };
        let opened = open_with(wrapping, &self.place(vault_id), &self.authenticated(), blob);
        match opened.and_then(|bytes| DataKey::from_slice(&bytes)) {
            Some(data) => Unwrapped::Open(data),
            None if bool::from(self.sum(blob).ct_eq(sum)) => Unwrapped::WrongKey,
            None => Unwrapped::Damaged,
        }
    }

    fn place<'a>(&'a self, vault: &'a str) -> Place<'a> {
        Place {
            vault,
            table: "vault_slots",
            column: "wrapped",
            row: &self.id,
        }
    }

    /// What the wrapping authenticates besides its place: the kind, the data key's number, and the
    /// derivation with all its parameters.
    fn authenticated(&self) -> Vec<u8> {
        let kdf = self.kdf.as_deref().unwrap_or_default();
        format!("{}\0{}\0{kdf}", self.kind, self.generation).into_bytes()
    }

    fn sum(&self, blob: &[u8]) -> [u8; SUM] {
        let hash = Sha256::new()
            .chain_update(self.authenticated())
            .chain_update([0])
            .chain_update(blob)
            .finalize();
        std::array::from_fn(|index| hash[index])
    }

    pub(super) fn shown(&self) -> Slot {
        Slot {
            kind: self.kind,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }

    /// Puts the slot in, in place of the one of its kind.
    pub(super) fn put(&self, store: &Connection) -> Result<()> {
        store
            .execute("DELETE FROM vault_slots WHERE kind = ?1", [self.kind])
            .and_then(|_| {
                store.execute(
                    "INSERT INTO vault_slots (id, kind, generation, wrapped, kdf, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    (
                        &self.id,
                        self.kind,
                        self.generation,
                        &self.wrapped,
                        &self.kdf,
                        self.created_at,
                    ),
                )
            })
            .doing("keep a slot")
            .map(drop)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            generation: row.get(2)?,
            wrapped: row.get(3)?,
            kdf: row.get(4)?,
            created_at: row.get(5)?,
            last_used_at: row.get(6)?,
        })
    }
}

/// Returns every slot, in the order in which they were made.
pub(super) fn all(store: &Connection) -> Result<Vec<SlotRow>> {
    store
        .prepare_cached(
            "SELECT id, kind, generation, wrapped, kdf, created_at, last_used_at
             FROM vault_slots ORDER BY created_at, id",
        )
        .and_then(|mut rows| rows.query_map([], SlotRow::from_row)?.collect())
        .doing("read the slots")
}

/// Notes that the slot opened the vault.
pub(super) fn used(store: &Connection, slot: &str, now: Millis) -> Result<()> {
    store
        .execute(
            "UPDATE vault_slots SET last_used_at = ?2 WHERE id = ?1",
            (slot, now),
        )
        .doing("note the use of a slot")
        .map(drop)
}

/// Removes the slot of a kind, unless it is the last one.
pub(super) fn remove(store: &Connection, kind: SlotKind) -> Result<()> {
    let kept = all(store)?;
    if !kept.iter().any(|slot| slot.kind == kind) {
        return Err(Error::new(
            Code::NotFound,
            format!("The vault has no {kind} slot."),
        ));
    }
    if kept.len() == 1 {
        return Err(Error::bad_input(format!(
            "The {kind} slot is the only way to open the vault, so it stays."
        ))
        .hint("Add another way first: keychain, passphrase or recovery code."));
    }
    store
        .execute("DELETE FROM vault_slots WHERE kind = ?1", [kind])
        .doing("remove a slot")
        .map(drop)
}

/// The vault's own row.
pub(super) struct Header {
    pub(super) vault_id: String,
    /// Counts the data keys that the vault has had. Renewing the data key wraps the new one in
    /// every slot under the next number and reseals every row of `api_keys`, `vault_keys` and
    /// `vault.key_check`, all in one transaction; the history stays as it is.
    pub(super) generation: i64,
    /// Counts the locks that someone asked for. What was unlocked before the newest one counts as
    /// locked in every process, also in one that no message reaches.
    pub(super) lock_epoch: i64,
    pub(super) key_check: Vec<u8>,
}

impl Header {
    /// Reads the row, or returns `None` where there is no vault.
    pub(super) fn read(store: &Connection) -> Result<Option<Self>> {
        store
            .prepare_cached("SELECT vault_id, generation, lock_epoch, key_check FROM vault")
            .and_then(|mut rows| {
                rows.query_row([], |row| {
                    Ok(Self {
                        vault_id: row.get(0)?,
                        generation: row.get(1)?,
                        lock_epoch: row.get(2)?,
                        key_check: row.get(3)?,
                    })
                })
                .optional()
            })
            .doing("read the vault")
    }

    pub(super) fn insert(&self, store: &Connection, now: Millis) -> Result<()> {
        store
            .execute(
                "INSERT INTO vault (id, vault_id, created_at, generation, lock_epoch, key_check)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                (
                    &self.vault_id,
                    now,
                    self.generation,
                    self.lock_epoch,
                    &self.key_check,
                ),
            )
            .doing("make the vault")
            .map(drop)
    }

    /// Voids every unlock so far.
    pub(super) fn lock(store: &Connection) -> Result<()> {
        store
            .execute("UPDATE vault SET lock_epoch = lock_epoch + 1", [])
            .doing("lock the vault")
            .map(drop)
    }

    pub(super) fn place(vault: &str) -> Place<'_> {
        Place {
            vault,
            table: "vault",
            column: "key_check",
            row: "1",
        }
    }
}
