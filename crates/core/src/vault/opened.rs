//! What an unlocked vault holds: the data key, and the keys for a purpose of their own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::Connection;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::SealedKey;
use super::audit::Caller;
use super::envelope::{Place, open, open_with, seal, seal_with};
use super::slots::Header;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Result};
use crate::id::KeyId;
use crate::secret::{ApiKey, DataKey, FingerprintKey, HistoryKey};

/// What `vault.key_check` seals: it opens with this vault's data key and with no other.
const CHECK: &[u8] = b"switchyard vault";

/// How many readers of the history are remembered; beyond that, some are noted a second time.
const READERS_MAX: usize = 1_024;
const HISTORY: &str = "history";
const FINGERPRINT: &str = "fingerprint";

/// The keys of an unlocked vault, wiped when the last use of them ends.
pub(super) struct Opened {
    vault_id: String,
    generation: i64,
    lock_epoch: i64,
    data: DataKey,
    // One damaged row leaves the rest of the vault usable, so each says for itself how it opened.
    history: Result<HistoryKey>,
    fingerprint: Result<FingerprintKey>,
    /// The processes that have taken the history's key since the unlock.
    readers: Mutex<BTreeSet<Caller>>,
}

/// The rows of a vault that is being made.
pub(super) struct NewRows {
    pub(super) header: Header,
    keys: [(&'static str, Vec<u8>); 2],
}

impl Opened {
    /// Makes the keys of a new vault, and the rows that keep them.
    pub(super) fn fresh() -> Result<(Self, NewRows)> {
        let (data, history, fingerprint) = (
            DataKey::random()?,
            HistoryKey::random()?,
            FingerprintKey::random()?,
        );
        let vault_id = uuid::Uuid::now_v7().to_string();
        let sealed = |purpose, key: &[u8; 32]| {
            seal(&data, &place(&vault_id, purpose), key).map(|blob| (purpose, blob))
        };
        let rows = NewRows {
            keys: [
                sealed(HISTORY, history.expose())?,
                sealed(FINGERPRINT, fingerprint.expose())?,
            ],
            header: Header {
                key_check: seal(&data, &Header::place(&vault_id), CHECK)?,
                vault_id: vault_id.clone(),
                generation: 1,
                lock_epoch: 0,
            },
        };
        let opened = Self {
            vault_id,
            generation: rows.header.generation,
            lock_epoch: rows.header.lock_epoch,
            data,
            history: Ok(history),
            fingerprint: Ok(fingerprint),
            readers: Mutex::default(),
        };
        Ok((opened, rows))
    }

    /// Takes over a data key that a slot gave, once it has proved to be this vault's.
    ///
    /// # Errors
    /// [`Code::Damaged`] when it opens nothing of this vault.
    pub(super) fn take(store: &Connection, header: &Header, data: DataKey) -> Result<Self> {
        let vault = &header.vault_id;
        let checked = open(&data, &Header::place(vault), &header.key_check);
        let history = own_key(store, vault, &data, HISTORY);
        let fingerprint = own_key(store, vault, &data, FINGERPRINT);
        let is_ours = checked.is_ok_and(|plain| plain.as_slice() == CHECK);
        if !is_ours && history.is_err() && fingerprint.is_err() {
            return Err(Error::new(
                Code::Damaged,
                "The slot opened, but its data key opens nothing of this vault: the store was put together from parts of different age.",
            )
            .hint("Nothing was changed. Open the vault another way, or put a whole backup in place."));
        }
        Ok(Self {
            vault_id: vault.clone(),
            generation: header.generation,
            lock_epoch: header.lock_epoch,
            data,
            history: history
                .and_then(|bytes| HistoryKey::from_slice(&bytes).ok_or_else(|| misfit(HISTORY))),
            fingerprint: fingerprint.and_then(|bytes| {
                FingerprintKey::from_slice(&bytes).ok_or_else(|| misfit(FINGERPRINT))
            }),
            readers: Mutex::default(),
        })
    }

    pub(super) fn data_key(&self) -> &DataKey {
        &self.data
    }

    pub(super) fn vault_id(&self) -> &str {
        &self.vault_id
    }

    /// Returns the number of its data key: see [`Header::generation`].
    pub(super) fn generation(&self) -> i64 {
        self.generation
    }

    /// Returns the number of the lock that it was opened after: see [`Header::lock_epoch`].
    pub(super) fn lock_epoch(&self) -> i64 {
        self.lock_epoch
    }

    /// Notes that a process takes the history's key, and tells whether it is its first time.
    pub(super) fn is_new_reader(&self, caller: &Caller) -> bool {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() >= READERS_MAX {
            readers.clear();
        }
        readers.insert(caller.clone())
    }

    pub(super) fn open_key(
        &self,
        key: &KeyId,
        base_url: Option<&str>,
        sealed: &[u8],
    ) -> Result<ApiKey> {
        let plain = open_with(&self.data, &self.place_of(key), server(base_url), sealed)
            .ok_or_else(not_for_there)?;
        // Only text is ever sealed here; anything else is not what was put in.
        let text = std::str::from_utf8(&plain).map_err(|_| misfit("key"))?;
        Ok(ApiKey::new(text.to_owned()))
    }

    pub(super) fn seal_key(
        &self,
        key: &KeyId,
        base_url: Option<&str>,
        secret: &ApiKey,
    ) -> Result<SealedKey> {
        let fingerprint = self.fingerprint.as_ref().map_err(Error::again)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(fingerprint.expose())
            .map_err(|_| misfit(FINGERPRINT))?;
        mac.update(secret.expose().as_bytes());
        Ok(SealedKey {
            sealed: seal_with(
                &self.data,
                &self.place_of(key),
                server(base_url),
                secret.expose().as_bytes(),
            )?,
            fingerprint: mac.finalize().into_bytes().to_vec(),
        })
    }

    pub(super) fn history_key(&self) -> Result<HistoryKey> {
        let key = self.history.as_ref().map_err(Error::again)?;
        HistoryKey::from_slice(key.expose()).ok_or_else(|| misfit(HISTORY))
    }

    fn place_of<'a>(&'a self, key: &'a KeyId) -> Place<'a> {
        Place {
            vault: &self.vault_id,
            table: "api_keys",
            column: "key",
            row: key.as_str(),
        }
    }
}

impl NewRows {
    pub(super) fn insert(&self, store: &Connection, now: Millis) -> Result<()> {
        self.header.insert(store, now)?;
        for (purpose, sealed) in &self.keys {
            store
                .execute(
                    "INSERT INTO vault_keys (purpose, sealed, created_at) VALUES (?1, ?2, ?3)",
                    (purpose, sealed, now),
                )
                .doing("make the vault")?;
        }
        Ok(())
    }
}

fn own_key(
    store: &Connection,
    vault: &str,
    data: &DataKey,
    purpose: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    let sealed: Vec<u8> = store
        .query_row(
            "SELECT sealed FROM vault_keys WHERE purpose = ?1",
            [purpose],
            |row| row.get(0),
        )
        .doing("read the vault's own keys")?;
    open(data, &place(vault, purpose), &sealed)
}

fn place<'a>(vault: &'a str, purpose: &'a str) -> Place<'a> {
    Place {
        vault,
        table: "vault_keys",
        column: "sealed",
        row: purpose,
    }
}

/// What a sealed key authenticates besides its place: the server that it goes to, where that is not
/// Anthropic's own.
fn server(base_url: Option<&str>) -> &[u8] {
    base_url.unwrap_or_default().as_bytes()
}

fn not_for_there() -> Error {
    Error::new(
        Code::Damaged,
        "The key does not open for this server: its row, or the server's address in it, was changed behind Switchyard's back.",
    )
    .hint("The key was sent nowhere. Delete it and add it again, or put the store back from a backup.")
}

fn misfit(what: &str) -> Error {
    Error::new(
        Code::Damaged,
        format!("The vault's {what} opened to something that is not one."),
    )
    .hint("Everything else still opens. Put the store back from a backup.")
}
