//! What was done with the vault and its keys, when, by which face. Never a key.

use std::sync::Arc;

use rusqlite::Connection;

use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::Result;
use crate::id::KeyId;
use crate::words::words;

words! {
    /// What was done.
    Act {
        /// A stored key was opened.
        Open = "open",
        /// A command was started for a payer whose credential is not in the vault.
        Scope = "scope",
        /// A key that is to be stored was sealed.
        Seal = "seal",
        /// The key of the history was taken.
        OpenHistory = "history_open",
        /// The vault was made.
        Create = "vault_create",
        /// The vault was unlocked.
        Unlock = "vault_unlock",
        /// The vault was locked.
        Lock = "vault_lock",
        /// A slot was added or replaced.
        AddSlot = "slot_add",
        /// A slot was removed.
        RemoveSlot = "slot_remove",
        /// A risk text was accepted.
        AcceptConsent = "consent_accept",
        /// What was accepted of a risk text was withdrawn.
        WithdrawConsent = "consent_withdraw",
        /// A fallback, which changes who pays, was allowed beforehand.
        AllowFallback = "fallback_allow",
        /// A fallback is allowed no longer.
        DisallowFallback = "fallback_disallow",
    }
}

/// Who does it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Caller {
    pub(super) face: Arc<str>,
    pub(super) pid: Option<u32>,
}

impl Caller {
    /// Names this process.
    pub(super) fn own(face: &str) -> Self {
        Self {
            face: face.into(),
            pid: Some(std::process::id()),
        }
    }

    /// Writes one row. It is durable when the write that it is part of is.
    pub(super) fn note(
        &self,
        store: &Connection,
        now: Millis,
        act: Act,
        (key, purpose): (Option<&KeyId>, &str),
    ) -> Result<()> {
        store
            .prepare_cached(
                "INSERT INTO audit (at, act, key_id, face, pid, purpose) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut row| {
                row.execute((now, act, key, &*self.face, self.pid, purpose))
            })
            .doing("write the audit")
            .map(drop)
    }
}
