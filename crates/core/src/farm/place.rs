//! Which host takes a run: the least busy one that may, or the first that has a slot again.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::futures::Notified;

use super::{Farm, unpinned};
use crate::clock::Millis;
use crate::error::{Code, Error, Remedy, Result};
use crate::hosts::{self, Host, State};
use crate::id::{HostId, KeyId};
use crate::text::shown;

/// How long is waited for a slot before the hosts are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A host as it was when it was decided that it may take a run: where it is, and who pays there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    id: HostId,
    destination: String,
    port: Option<u16>,
    key: Option<KeyId>,
    own_command: Option<String>,
}

impl From<&Host> for Chosen {
    fn from(host: &Host) -> Self {
        Self {
            id: host.id,
            destination: host.destination.clone(),
            port: host.port,
            key: host.key.clone(),
            own_command: host.own_command.clone(),
        }
    }
}

/// Which hosts may take a run.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// These, as long as they are what they were.
    pub among: Vec<Chosen>,
    /// The user has named the only one, which is then tried although it rests.
    pub is_named: bool,
    /// Not these, which have failed already.
    pub not: Vec<HostId>,
}

/// A slot of a host; free again when it is dropped.
pub struct Slot {
    farm: Farm,
    /// The host.
    pub host: Host,
}

/// The next turn at a host whose slots are all taken; given back when it is dropped.
pub struct Turn {
    farm: Farm,
    /// The host.
    pub host: Host,
}

impl Farm {
    /// Takes a slot of the least busy host that may take the run; `None` where every one of them is busy.
    /// Whoever has a `turn` at a host is given a slot there first, and that slot to nobody else.
    ///
    /// # Errors
    /// [`Code::NoHost`] where none may, with how they stand, or because it was changed since it was chosen;
    /// [`Code::HostKey`] where the only one is not pinned.
    pub fn place(&self, wanted: &Wanted, turn: Option<&Turn>) -> Result<Option<Slot>> {
        let able = self.able(wanted)?;
        let own = turn.map(|turn| turn.host.id);
        // Looked at and taken in one go: two runs must not take the same last slot.
        let mut machines = self.machines();
        let mut best: Option<(bool, (u64, u64), &Host)> = None;
        for host in &able {
            let (machine, is_own) = (machines.entry(host.id).or_default(), own == Some(host.id));
            let is_kept = !is_own && machine.has_next.load(Ordering::Relaxed);
            if machine.busy() + u32::from(is_kept) >= host.slots {
                continue;
            }
            let (is_others, share) = (!is_own, machine.share(host.slots));
            if best.is_none_or(|(before, least, _)| (is_others, share) < (before, least)) {
                best = Some((is_others, share, host));
            }
        }
        let Some((_, _, host)) = best else {
            return Ok(None);
        };
        let machine = machines.entry(host.id).or_default();
        machine.busy.fetch_add(1, Ordering::Relaxed);
        machine.used.store(count(), Ordering::Relaxed);
        Ok(Some(Slot {
            farm: self.clone(),
            host: host.clone(),
        }))
    }

    /// Takes the next turn at a host that may take the run; `None` where somebody has it at every one.
    ///
    /// # Errors
    /// As [`Farm::place`].
    pub fn turn(&self, wanted: &Wanted) -> Result<Option<Turn>> {
        let able = self.able(wanted)?;
        let mut machines = self.machines();
        for host in able {
            let machine = machines.entry(host.id).or_default();
            if !machine.has_next.swap(true, Ordering::Relaxed) {
                return Ok(Some(Turn {
                    farm: self.clone(),
                    host,
                }));
            }
        }
        Ok(None)
    }

    /// Tells whether a host may take a run, busy or not.
    pub fn is_able(&self, wanted: &Wanted, host: &Host) -> bool {
        self.able(wanted)
            .is_ok_and(|able| able.iter().any(|one| one.id == host.id))
    }

    /// Returns the hosts that may take a run, busy or not.
    fn able(&self, wanted: &Wanted) -> Result<Vec<Host>> {
        let (hosts, now) = (self.0.db.read(hosts::list)?, self.now());
        let candidates: Vec<Host> = hosts
            .into_iter()
            .filter(|host| wanted.among.iter().any(|chosen| chosen.id == host.id))
            .filter(|host| !wanted.not.contains(&host.id))
            .collect();
        let may = |host: &Host| match host.state(now) {
            State::Ready => true,
            State::Resting => wanted.is_named,
            State::Unpinned | State::KeyChanged | State::Paused | State::Gone => false,
        };
        // Nobody was shown who pays on one that was changed since, or where it is.
        let is_as_chosen = |host: &Host| wanted.among.contains(&Chosen::from(host));
        let able: Vec<Host> = candidates
            .iter()
            .filter(|host| may(host) && is_as_chosen(host))
            .cloned()
            .collect();
        match candidates.iter().find(|host| !is_as_chosen(host)) {
            _ if !able.is_empty() => Ok(able),
            Some(host) => Err(changed(host)),
            None => Err(nobody(&candidates, now)),
        }
    }

    /// Returns what tells when a slot is free again.
    pub fn freed(&self) -> Notified<'_> {
        self.0.freed.notified()
    }

    /// Waits for what [`Farm::freed`] has returned, for a while: another window may have paused a host, and
    /// a pause may be over.
    pub async fn patiently(freed: Pin<&mut Notified<'_>>) {
        let _ = tokio::time::timeout(LOOK_AGAIN, freed).await;
    }

    /// Returns how busy a host is, to be compared: the share of its slots, then who had a run last.
    #[must_use]
    pub fn share(&self, host: &Host) -> (u64, u64) {
        let machines = self.machines();
        let Some(machine) = machines.get(&host.id) else {
            return (0, 0);
        };
        machine.share(host.slots)
    }
}

/// Returns a number that only grows.
fn count() -> u64 {
    static TURN: AtomicU64 = AtomicU64::new(1);
    TURN.fetch_add(1, Ordering::Relaxed)
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(machine) = self.farm.machines().get(&self.host.id) {
            machine.free();
        }
        self.farm.0.freed.notify_waiters();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(machine) = self.farm.machines().get(&self.host.id) {
            machine.has_next.store(false, Ordering::Relaxed);
        }
        self.farm.0.freed.notify_waiters();
    }
}

/// The error of a host that is not any more what the run was meant for.
fn changed(host: &Host) -> Error {
    Error::new(
        Code::NoHost,
        format!(
            "{} was changed while the run waited for it, so nothing was sent there: another one may pay there \
             now, or it may be elsewhere.",
            shown(&host.name, 60)
        ),
    )
    .hint("Send again: who pays, and where, is decided and shown anew.")
}

/// Says why no host takes the run.
pub(crate) fn nobody(hosts: &[Host], now: Millis) -> Error {
    if let [host] = hosts
        && host.state(now) == State::Unpinned
    {
        return unpinned(host);
    }
    if let [host] = hosts
        && host.has_changed_key()
        && let Some(why) = host.last_failure.clone()
    {
        return why.into();
    }
    let said: Vec<String> = hosts
        .iter()
        .take(5)
        .map(|host| {
            let how = match host.state(now) {
                State::Ready => "has failed in this run",
                State::Unpinned => "has no pinned key",
                State::KeyChanged => "has shown another key than the pinned one",
                State::Paused => "is paused",
                State::Resting => "rests after a failure",
                State::Gone => "is gone from the list that it was imported from",
            };
            format!("{} {how}", shown(&host.name, 40))
        })
        .collect();
    let error = Error::new(
        Code::NoHost,
        match said.is_empty() {
            true => "No host of the farm can take this run.".to_owned(),
            false => format!(
                "No host of the farm can take this run: {}.",
                said.join(", ")
            ),
        },
    )
    .hint("Nothing was sent.");
    match hosts.is_empty() {
        true => error.remedy(Remedy::AddHost),
        false => error.remedy(Remedy::ListHosts),
    }
}
