//! Stored credentials: what is known of each, and the rules for adding, choosing and removing them.
//!
//! The secret itself never leaves through this room: rows carry the last four characters, and only
//! [`Custody`](crate::vault::Custody) opens a key, for one use.

mod active;
mod add;
mod check;
mod edit;
mod remove;
mod rows;
mod shape;
mod table;
mod variable;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::id::KeyId;
use crate::words::words;

pub use crate::shell::env_file::FileVariable;
pub use active::{ACTIVE_KEY, active, select};
pub use add::{Added, NewKey, add};
pub(crate) use check::{Asked, keep_verdict};
pub use check::{Checked, check};
pub use edit::{Edit, edit};
pub use remove::remove;
pub use rows::{Row, rows};
pub use shape::classify;
pub use table::{find, get, list, usable};
pub use variable::{of_file, of_variable};

words! {
    /// What a key may be used for.
    #[cfg_attr(feature = "wire", ts(rename = "KeyKind"))]
    Kind {
        /// Pays for runs.
        Api = "api",
        /// Manages an organisation; never used for a run.
        Admin = "admin",
    }
}

words! {
    /// How a key came into the store.
    #[cfg_attr(feature = "wire", ts(rename = "KeySource"))]
    Source {
        /// Pasted by the user.
        Manual = "manual",
        /// Made by a sign-in.
        OAuth = "oauth",
        /// Taken over from an environment variable.
        Env = "env",
        /// Brought from another store.
        Import = "import",
    }
}

words! {
    /// What the server last said of a key.
    Validity {
        /// Never asked, or not since it was added without a check.
        Unchecked = "unchecked",
        /// Accepted. Credit is only known after a real call.
        Valid = "valid",
        /// Accepted, but the account has no credit.
        NoCredit = "no_credit",
        /// Wrong, revoked, expired or switched off: the server does not say which.
        Refused = "refused",
        /// Accepted, but not allowed to do this.
        NotAllowed = "not_allowed",
        /// Its organisation is disabled.
        Disabled = "disabled",
        /// Its organisation has a payment problem.
        Billing = "billing",
    }
}

/// What is known of a stored key; no part of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Key {
    /// Its id, the same in every store.
    pub id: KeyId,
    /// Its name, exactly as it was given.
    pub name: String,
    /// What it may be used for.
    pub kind: Kind,
    /// How it came here.
    pub source: Source,
    /// The last four characters of the secret.
    #[serde(rename = "last4")]
    pub hint: String,
    /// The gateway that it is for; `None` is Anthropic's own API.
    pub base_url: Option<String>,
    /// The organisation that pays, as the user or the server named it.
    pub organization: Option<String>,
    /// What it is for, such as `production`; frozen into each run.
    pub environment: String,
    /// Free words to search and group by.
    pub tags: Vec<String>,
    /// Free text.
    pub note: String,
    /// The newest verdict.
    pub validity: Validity,
    /// When the newest verdict was asked for.
    pub checked_at: Option<Millis>,
    /// When a check last found the key good.
    pub valid_at: Option<Millis>,
    /// When it was added.
    pub created_at: Millis,
    /// When it last paid for a run.
    pub last_used_at: Option<Millis>,
    /// When it stops being valid, where that is known.
    pub expires_at: Option<Millis>,
    /// Whether it is usable: not retired.
    pub is_active: bool,
}

#[cfg(test)]
mod tests;
