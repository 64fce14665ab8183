//! Whether the vault is locked, and what holds its keys while it is not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::audit::{Act, Caller};
use super::keychain::Keychain;
use super::moment::Moment;
use super::opened::Opened;
use super::passphrase::Cost;
use super::slots::{self, Header, Slot, SlotKind, SlotRow};
use super::{no_vault, note_lock};
use crate::clock::Millis;
use crate::db::Db;
use crate::error::{Code, Error, Remedy, Result};
use crate::settings::Setting;
use crate::words::words;

/// After how many idle minutes the vault locks itself. Not set means 15 where opening it takes a
/// passphrase or code, and never where a keychain slot opens it; 0 means never.
pub const LOCK_AFTER_MINUTES: Setting<Option<u32>> = Setting {
    name: "vault.lock_after_minutes",
    default: || None,
    check: |_| Ok(()),
};

/// Whether the keychain slot may be used without asking. An explicit lock says no, until an
/// explicit unlock; so this also tells a lock that someone asked for from one for idleness or sleep.
pub const SILENT_KEYCHAIN: Setting<bool> = Setting {
    name: "vault.silent_keychain",
    default: || true,
    check: |_| Ok(()),
};

const STANDARD_LOCK_AFTER: Duration = Duration::from_secs(15 * 60);

words! {
    /// Why the vault is locked.
    #[cfg_attr(feature = "wire", ts(rename = "LockReason"))]
    Why {
        /// Nobody has unlocked it in this process yet.
        Start = "start",
        /// Someone asked for it.
        Asked = "asked",
        /// It was not used for a while.
        Idle = "idle",
        /// The machine went to sleep.
        Suspend = "suspend",
        /// The screen was locked.
        Screen = "screen",
        /// Its data key was renewed elsewhere.
        Renewed = "renewed",
    }
}

/// Whether the vault is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Lock {
    /// It is, for this reason.
    Locked(Why),
    /// It is not.
    Unlocked,
}

/// What can be said of a vault without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "VaultStatus"))]
pub struct Status {
    /// Whether there is a vault.
    pub exists: bool,
    /// Whether it is locked.
    pub lock: Lock,
    /// The ways to open it.
    pub slots: Vec<Slot>,
    /// After how many idle minutes it locks itself; `None` is never.
    pub lock_after_minutes: Option<u64>,
    /// Whether the keychain slot may be used without asking.
    pub silent_keychain: bool,
}

impl Status {
    /// Tells whether the vault is open in the process that says so.
    #[must_use]
    pub fn is_unlocked(&self) -> bool {
        self.lock == Lock::Unlocked
    }

    /// Tells whether the vault has a slot of this kind.
    #[must_use]
    pub fn has(&self, kind: SlotKind) -> bool {
        self.slots.iter().any(|slot| slot.kind == kind)
    }

    /// Tells whether the keychain may open the vault without anybody asking for it.
    #[must_use]
    pub fn opens_silently(&self) -> bool {
        self.silent_keychain && self.has(SlotKind::Keychain)
    }
}

/// The vault of one store, in this process. Clones share its lock.
#[derive(Clone)]
pub struct Vault {
    pub(super) shared: Arc<Shared>,
    pub(super) caller: Caller,
}

pub(super) struct Shared {
    pub(super) db: Db,
    pub(super) keychain: Keychain,
    pub(super) cost: Cost,
    state: Mutex<State>,
    lock: watch::Sender<Lock>,
}

struct State {
    opened: Option<Arc<Opened>>,
    /// How often it was locked: an unlock that a lock overtakes must not win.
    locks: u64,
    last_use: Moment,
}

/// How the vault stands in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is locked.
    Locked,
    /// It is open, and may stay unused for this much longer; `None` is for ever.
    Open(Option<Duration>),
}

impl Vault {
    /// Takes the vault of `db`, locked, whether it exists yet or not. `face` names this program in
    /// the audit.
    #[must_use]
    pub fn of(db: Db, keychain: Keychain, face: &'static str) -> Self {
        let last_use = Moment::now(db.clock());
        Self {
            shared: Arc::new(Shared {
                db,
                keychain,
                cost: Cost::STANDARD,
                state: Mutex::new(State {
                    opened: None,
                    locks: 0,
                    last_use,
                }),
                lock: watch::Sender::new(Lock::Locked(Why::Start)),
            }),
            caller: Caller {
                face: face.into(),
                pid: Some(std::process::id()),
            },
        }
    }

    /// Makes new passphrase slots cost this much, as long as the vault has no clones.
    #[must_use]
    pub fn with_cost(mut self, cost: Cost) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.cost = cost;
        }
        self
    }

    /// Returns the same vault, used on behalf of another process: the audit names that one.
    #[must_use]
    pub fn on_behalf_of(&self, face: &str, pid: Option<u32>) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            caller: Caller {
                face: face.into(),
                pid,
            },
        }
    }

    /// Returns the keychain that its keychain slot uses.
    #[must_use]
    pub fn keychain(&self) -> &Keychain {
        &self.shared.keychain
    }

    /// Returns whether the vault is locked, as it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Lock> {
        self.shared.lock.subscribe()
    }

    /// Says what can be said without opening the vault.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`] when the store can't be read.
    pub fn status(&self) -> Result<Status> {
        self.settle()?;
        let lock = *self.shared.lock.borrow();
        self.shared.db.read(|store| {
            let rows = slots::all(store)?;
            let lock_after = lock_after(LOCK_AFTER_MINUTES.get(store)?, &rows);
            Ok(Status {
                exists: Header::read(store)?.is_some(),
                lock,
                slots: rows.iter().map(SlotRow::shown).collect(),
                lock_after_minutes: lock_after.map(|after| after.as_secs() / 60),
                silent_keychain: SILENT_KEYCHAIN.get(store)?,
            })
        })
    }

    /// Locks the vault because someone asked for it, in every process that has it open, and stops
    /// silent use of the keychain until an explicit unlock. Here the keys are wiped at once, elsewhere
    /// when the change is noticed, and no later than at the next use; uses in flight end with what
    /// they took.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`] when the lock holds for this process only, because it could not
    /// be noted for the others.
    pub async fn lock(&self) -> Result<()> {
        self.forget(Why::Asked);
        let (caller, now) = (self.caller.clone(), self.now());
        self.shared
            .db
            .write(move |store| {
                if Header::read(store)?.is_none() {
                    return Err(no_vault());
                }
                note_lock(store, &caller, now)
            })
            .await
    }

    /// Locks the vault for a reason of its own. Returns at once; the audit follows.
    pub fn lock_because(&self, why: Why) {
        if !self.forget(why) {
            return;
        }
        let (caller, now) = (self.caller.clone(), self.now());
        // The job is done whether or not anybody awaits it.
        drop(
            self.shared
                .db
                .write(move |store| caller.note(store, now, Act::Lock, (None, why.as_str()))),
        );
    }

    /// Notes that the user is here, which puts off the lock of an idle vault.
    pub fn touch(&self) {
        if self
            .settle()
            .is_ok_and(|standing| matches!(standing, Standing::Open(_)))
        {
            self.state().last_use = Moment::now(self.shared.db.clock());
        }
    }

    /// Locks the vault if it must not be open any more, and says how it stands then.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`] when the store can't be read.
    pub(super) fn settle(&self) -> Result<Standing> {
        let (opened, last_use) = {
            let state = self.state();
            match &state.opened {
                Some(opened) => (Arc::clone(opened), state.last_use),
                None => return Ok(Standing::Locked),
            }
        };
        let (header, limit) = self.shared.db.read(|store| {
            let limit = lock_after(LOCK_AFTER_MINUTES.get(store)?, &slots::all(store)?);
            Ok((Header::read(store)?, limit))
        })?;
        if header.is_none_or(|header| header.lock_epoch != opened.lock_epoch()) {
            // Whoever asked for it has noted it in the audit.
            self.forget(Why::Asked);
            return Ok(Standing::Locked);
        }
        let passed = last_use.passed(self.shared.db.clock());
        let left = limit.map(|limit| limit.saturating_sub(passed));
        if left.is_some_and(|left| left.is_zero()) {
            self.lock_because(Why::Idle);
            return Ok(Standing::Locked);
        }
        Ok(Standing::Open(left))
    }

    /// Takes the keys for one use.
    pub(super) fn opened(&self) -> Result<Arc<Opened>> {
        // Not only the watcher's business: a machine that slept through its time, or a process that
        // was stopped when the lock was asked for, must not find it open.
        self.settle()?;
        let mut state = self.state();
        let Some(opened) = state.opened.clone() else {
            drop(state);
            return Err(self.locked());
        };
        state.last_use = Moment::now(self.shared.db.clock());
        Ok(opened)
    }

    /// Returns how often the vault was locked so far: what an unlock that begins now is to give to
    /// [`Vault::keep`].
    pub(super) fn locks(&self) -> u64 {
        self.state().locks
    }

    /// Keeps the keys, unless the vault was locked since `locks` was asked for.
    pub(super) fn keep(&self, opened: Opened, locks: u64) -> Result<()> {
        let mut state = self.state();
        if state.locks != locks {
            drop(state);
            return Err(self.locked());
        }
        state.opened = Some(Arc::new(opened));
        state.last_use = Moment::now(self.shared.db.clock());
        self.shared.lock.send_replace(Lock::Unlocked);
        Ok(())
    }

    /// Lets go of the keys, which wipes them. Returns whether there were any.
    fn forget(&self, why: Why) -> bool {
        let mut state = self.state();
        let was_open = state.opened.take().is_some();
        state.locks += 1;
        if was_open || why == Why::Asked {
            self.shared.lock.send_replace(Lock::Locked(why));
        }
        was_open
    }

    pub(super) fn now(&self) -> Millis {
        self.shared.db.clock().now()
    }

    /// Reads the vault and its slots.
    pub(super) fn found(&self) -> Result<(Header, Vec<SlotRow>)> {
        self.shared.db.read(|store| {
            let header = Header::read(store)?.ok_or_else(no_vault)?;
            Ok((header, slots::all(store)?))
        })
    }

    pub(super) fn locked(&self) -> Error {
        let exists = self
            .shared
            .db
            .read(|store| Ok(Header::read(store)?.is_some()));
        match exists {
            Ok(false) => return no_vault(),
            Err(error) => return error,
            Ok(true) => {}
        }
        let why = match *self.shared.lock.borrow() {
            Lock::Locked(Why::Idle) => "The vault is locked: it was not used for a while.",
            Lock::Locked(Why::Suspend) => "The vault is locked: the machine went to sleep.",
            Lock::Locked(Why::Screen) => "The vault is locked, because the screen was.",
            Lock::Locked(Why::Renewed) => {
                "The vault is locked: its data key was renewed elsewhere."
            }
            _ => "The vault is locked.",
        };
        Error::new(Code::Locked, why).remedy(Remedy::UnlockVault)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("lock", &*self.shared.lock.borrow())
            .finish_non_exhaustive()
    }
}

fn lock_after(setting: Option<u32>, slots: &[SlotRow]) -> Option<Duration> {
    match setting {
        Some(0) => None,
        Some(minutes) => Some(Duration::from_secs(u64::from(minutes) * 60)),
        None if slots.iter().any(|slot| slot.kind == SlotKind::Keychain) => None,
        None => Some(STANDARD_LOCK_AFTER),
    }
}
