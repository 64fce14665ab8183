//! What an unlocked vault does for the rooms above it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::audit::Act;
use super::opened::Opened;
use super::state::{Vault, Why};
use super::{Custody, Later, SealedKey};
use crate::db::SqlContext;
use crate::error::{Code, Error, Result};
use crate::id::KeyId;
use crate::secret::{ApiKey, HistoryKey};

impl Vault {
    fn sealed(&self, opened: &Arc<Opened>, key: &KeyId) -> Result<Vec<u8>> {
        let found: Option<(Vec<u8>, i64)> = self.shared.db.read(|store| {
            store
                .prepare_cached(
                    "SELECT k.key, v.generation FROM api_keys k, vault v
                     WHERE k.id = ?1 AND k.key IS NOT NULL",
                )
                .and_then(|mut rows| {
                    rows.query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
                        .optional()
                })
                .doing("read a key")
        })?;
        let Some((sealed, generation)) = found else {
            return Err(
                Error::new(Code::NotFound, "There is no such key in the vault.")
                    .hint("It may have been deleted meanwhile; list the keys."),
            );
        };
        if generation != opened.generation() {
            // Another process renewed the data key; what is held here opens nothing any more.
            self.lock_because(Why::Renewed);
            return Err(self.locked());
        }
        Ok(sealed)
    }
}

impl Custody for Vault {
    fn open_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        purpose: &'a str,
    ) -> Later<'a, ApiKey> {
        Box::pin(async move {
            let opened = self.opened()?;
            let sealed = self.sealed(&opened, key)?;
            let (caller, now) = (self.caller.clone(), self.now());
            let (noted_key, noted_purpose) = (key.clone(), purpose.to_owned());
            // Queued first, so that the disk works while the envelope is opened.
            let noted = self.shared.db.write(move |store| {
                caller.note(
                    store,
                    now,
                    Act::Open,
                    (Some(&noted_key), noted_purpose.as_str()),
                )
            });
            let secret = opened.open_key(key, base_url, &sealed);
            noted.await?;
            secret
        })
    }

    fn seal_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        secret: &'a ApiKey,
    ) -> Later<'a, SealedKey> {
        Box::pin(async move {
            let sealed = self.opened()?.seal_key(key, base_url, secret)?;
            let (caller, now, row) = (self.caller.clone(), self.now(), key.clone());
            let note =
                move |store: &Connection| caller.note(store, now, Act::Seal, (Some(&row), ""));
            self.shared.db.write(note).await?;
            Ok(sealed)
        })
    }

    fn history_key(&self) -> Later<'_, HistoryKey> {
        Box::pin(async move {
            let opened = self.opened()?;
            let history = opened.history_key()?;
            // Once for each process: a list that is shown takes it again with every change of the
            // store, and a note is such a change.
            if !opened.is_new_reader(&self.caller) {
                return Ok(history);
            }
            let (caller, now) = (self.caller.clone(), self.now());
            // Not waited for: a run notes the use of its key right after this, in the same commit,
            // and a store that can only be read must still show its history.
            drop(
                self.shared
                    .db
                    .write(move |store| caller.note(store, now, Act::OpenHistory, (None, ""))),
            );
            Ok(history)
        })
    }

    fn shares_commits(&self) -> bool {
        true
    }
}
