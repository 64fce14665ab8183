//! What the page is told where the core's own type can't be written down, because it holds an error
//! or a secret that this one reply is for.

use serde::{Deserialize, Serialize};
use switchyard_core::dispatch::{Auto, Prepared, Route};
use switchyard_core::keys::{self, Key};
use switchyard_core::usage::{Estimate, Nano};
use switchyard_core::{Failure, vault};
use ts_rs::TS;

use crate::failure;

/// Who would pay for a draft, and how much at most.
#[derive(Serialize, TS)]
pub(crate) struct Offer {
    /// Where it would go and who would pay.
    pub(crate) route: Route,
    /// What it would cost, as far as that is known; of a plan, outside of one.
    pub(crate) estimate: Estimate,
    /// The most dollars that leave, fallbacks left out; `None` where the price is unknown.
    pub(crate) at_most: Option<Nano>,
    /// All who may pay, and the most that leaves in all, where the routing table was asked.
    pub(crate) auto: Option<Box<Auto>>,
}

impl Offer {
    /// Tells what was decided. What the routing table says goes with it: nothing is sent by `prepared`.
    pub(crate) fn of(prepared: &mut Prepared) -> Self {
        Self {
            at_most: prepared.at_most(),
            route: prepared.route.clone(),
            estimate: prepared.estimate,
            auto: prepared.auto.take(),
        }
    }
}

/// What came of adding a key.
#[derive(Serialize, TS)]
pub(crate) struct Added {
    /// The key as it is stored.
    pub(crate) key: Key,
    /// Whether it is the active key now.
    pub(crate) is_selected: bool,
    /// Why it could not be checked, where it was stored unchecked.
    pub(crate) unchecked_because: Option<Failure>,
}

impl From<keys::Added> for Added {
    fn from(added: keys::Added) -> Self {
        Self {
            key: added.key,
            is_selected: added.is_selected,
            unchecked_because: added.unchecked_because.as_ref().map(failure),
        }
    }
}

/// What a check found out.
#[derive(Serialize, TS)]
pub(crate) struct Checked {
    /// The key as it is stored now.
    pub(crate) key: Key,
    /// What is wrong, or why nothing was found out.
    pub(crate) trouble: Option<Failure>,
    /// Whether the server gave a verdict.
    pub(crate) is_answered: bool,
    /// What the check cost, where it was a real call.
    pub(crate) cost: Option<Nano>,
}

impl From<keys::Checked> for Checked {
    fn from(checked: keys::Checked) -> Self {
        Self {
            trouble: checked.trouble.as_ref().map(failure),
            key: checked.key,
            is_answered: checked.is_answered,
            cost: checked.cost,
        }
    }
}

/// What came of making a vault.
#[derive(Serialize, TS)]
pub(crate) struct Created {
    /// The recovery code, which is shown this once and can't be asked for again.
    pub(crate) recovery_code: Option<String>,
    /// Why there is no keychain slot although one was wanted.
    pub(crate) no_keychain: Option<Failure>,
}

impl From<vault::Created> for Created {
    fn from(created: vault::Created) -> Self {
        Self {
            recovery_code: created.recovery_code.map(|code| code.expose().to_owned()),
            no_keychain: created.no_keychain.as_ref().map(failure),
        }
    }
}

/// The files that the user chose.
#[derive(Serialize, TS)]
pub(crate) struct Chosen {
    /// Those that are attached now.
    pub(crate) attached: Vec<Attached>,
    /// Why the first of the others was not.
    pub(crate) trouble: Option<Failure>,
}

/// A file that was attached to the draft.
#[derive(Clone, Deserialize, Serialize, TS)]
pub(crate) struct Attached {
    /// The name under which a draft refers to it.
    pub(crate) id: u32,
    /// The file's name, without its folder.
    pub(crate) name: String,
    /// What it is, found out from its bytes.
    pub(crate) media: String,
    /// Its size, in bytes.
    pub(crate) bytes: usize,
}

/// A setting as a list shows it.
#[derive(Serialize, TS)]
pub(crate) struct SettingRow {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is for, and the values that it takes.
    pub(crate) about: &'static str,
    /// The value that holds, as JSON.
    pub(crate) value: String,
}

/// What changed; the page reads again what it shows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// Something in the store, or the vault's lock.
    Store,
    /// Who pays may be someone else now.
    Who,
    /// The keychain waits for its owner.
    KeychainWaits,
    /// The keychain waits no longer.
    KeychainDone,
}
