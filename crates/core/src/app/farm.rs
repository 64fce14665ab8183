//! The farm, for the faces: its hosts, their keys, how they stand.

use std::path::Path;

use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::App;
use crate::error::Result;
use crate::farm::Farm;
use crate::hosts::{self, Brought, Edit, Found, Host, NewHost, Probe, Row};
use crate::id::HostId;
use crate::ssh::HostKey;
use crate::vault::Lock;

/// A key that a host has shown, held against what is pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct ShownKey {
    /// The key.
    pub key: HostKey,
    /// Its type, such as `ssh-ed25519`.
    pub kind: String,
    /// What people compare, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// It is one of the pinned keys.
    pub is_pinned: bool,
    /// The fingerprints that are pinned; none where this is the first key.
    pub pinned: Vec<String>,
}

impl App {
    /// Returns the farm. Nothing is connected to by that; what killed processes left of their connections is
    /// ended meanwhile.
    ///
    /// # Errors
    /// As [`App::db`].
    pub fn farm(&self) -> Result<&Farm> {
        let db = self.db()?;
        let vault = self.vault()?;
        self.once(&self.farm, || {
            let farm = Farm::new(db.clone());
            // Without a runtime nothing is connected to either.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(close_with(vault.watch(), farm.rest()));
                let farm = farm.clone();
                runtime.spawn(async move { farm.sweep().await });
            }
            Ok(farm)
        })
    }

    /// Ends the farm's connections, if there are any.
    pub fn close_farm(&self) {
        if let Some(farm) = self.farm.get() {
            farm.close();
        }
    }

    /// Lists the hosts as they stand now.
    ///
    /// # Errors
    /// As [`App::db`].
    pub fn hosts(&self) -> Result<Vec<Row>> {
        self.farm()?.rows()
    }

    /// Adds a host. Nothing is connected to by that, and its key is not pinned yet.
    ///
    /// # Errors
    /// As [`hosts::add`].
    pub async fn add_host(&self, new: NewHost) -> Result<Host> {
        self.write(move |store, now| hosts::add(store, new, now))
            .await
    }

    /// Changes a host. Connections to where it was are ended; where it is reached as before, what runs there goes
    /// on.
    ///
    /// # Errors
    /// As [`hosts::edit`].
    pub async fn edit_host(&self, id: HostId, change: Edit) -> Result<Host> {
        let (was, host) = self
            .write(move |store, _| {
                let was = hosts::get(store, id)?;
                Ok((was, hosts::edit(store, id, change)?))
            })
            .await?;
        if !was.is_reached_as(&host) {
            self.farm()?.close_to(id);
        }
        Ok(host)
    }

    /// Removes a host and ends the connections to it. Runs and the ledger keep its name.
    ///
    /// # Errors
    /// As [`hosts::remove`].
    pub async fn remove_host(&self, id: HostId) -> Result<Host> {
        let host = self
            .write(move |store, now| hosts::remove(store, id, now))
            .await?;
        self.farm()?.close_to(id);
        Ok(host)
    }

    /// Pauses a host, or lets it take runs again at once. What runs there goes on.
    ///
    /// # Errors
    /// As [`hosts::pause`].
    pub async fn pause_host(&self, id: HostId, is_paused: bool) -> Result<Host> {
        self.write(move |store, _| hosts::pause(store, id, is_paused))
            .await
    }

    /// Asks a host for its key, without logging in, and pins nothing.
    ///
    /// # Errors
    /// As [`Farm::fetch_key`].
    pub async fn host_key(&self, id: HostId) -> Result<ShownKey> {
        let host = self.read(|store, _| hosts::get(store, id))?;
        let key = self.farm()?.fetch_key(&host).await?;
        Ok(ShownKey {
            kind: key.kind().to_owned(),
            fingerprint: key.fingerprint(),
            is_pinned: host.host_keys.contains(&key),
            pinned: host.host_keys.iter().map(HostKey::fingerprint).collect(),
            key,
        })
    }

    /// Pins the keys by which a host must prove itself from now on, on the user's word.
    ///
    /// # Errors
    /// As [`hosts::pin`].
    pub async fn pin_host(&self, id: HostId, keys: Vec<HostKey>) -> Result<Host> {
        let host = self
            .write(move |store, now| hosts::pin(store, id, &keys, now))
            .await?;
        self.farm()?.close_to(id);
        Ok(host)
    }

    /// Asks a host how it stands, and keeps the answer.
    ///
    /// # Errors
    /// As [`Farm::probe`].
    pub async fn probe_host(&self, id: HostId) -> Result<Probe> {
        let probe = async {
            let host = self.read(|store, _| hosts::get(store, id))?;
            self.farm()?.probe(&host).await
        };
        in_turn(probe).await
    }

    /// Asks several hosts how they stand, many at once: one that is silent holds up few.
    pub async fn probe_hosts(&self, hosts: &[HostId]) -> Vec<Result<Probe>> {
        futures_util::future::join_all(hosts.iter().map(|id| self.probe_host(*id))).await
    }

    /// Reads the hosts that an ssh configuration names; where no file is named, the one that connections are
    /// made with. The names mean nothing to `ssh` without it. `pattern` is what holds for each of them.
    ///
    /// # Errors
    /// As [`hosts::from_ssh_config`].
    pub async fn read_ssh_config(&self, file: Option<&Path>, pattern: &NewHost) -> Result<Found> {
        let in_use = self.read(|store, _| crate::farm::SSH_CONFIG.get(store))?;
        let usual = || std::env::home_dir().unwrap_or_default().join(".ssh/config");
        let file = file.map_or_else(|| in_use.unwrap_or_else(usual), Path::to_owned);
        let file = std::path::absolute(&file).unwrap_or(file);
        let found = hosts::from_ssh_config(&file, pattern)?;
        Ok(hosts::left_out(found, &file).await)
    }

    /// Says what [`App::import_hosts`] would do with a list, and does nothing.
    ///
    /// # Errors
    /// As [`hosts::bring`].
    pub async fn preview_hosts(&self, found: Found) -> Result<Brought> {
        self.write(move |store, now| hosts::preview(store, found, now))
            .await
    }

    /// Takes over the hosts of a list. Connections to where one was are ended.
    ///
    /// # Errors
    /// As [`hosts::bring`].
    pub async fn import_hosts(&self, found: Found) -> Result<Brought> {
        let (were, brought) = self
            .write(move |store, now| {
                let were = hosts::list(store)?;
                Ok((were, hosts::bring(store, found, now)?))
            })
            .await?;
        for host in &brought.changed {
            let is_as_before = |was: &Host| was.id == host.id && was.is_reached_as(host);
            if !were.iter().any(is_as_before) {
                self.farm()?.close_to(host.id);
            }
        }
        Ok(brought)
    }
}

/// The most hosts that are asked at once how they stand: with hundreds of `ssh` that start together, this
/// machine would be too slow, and hosts that are well would seem silent.
const PROBES_MAX: usize = 32;

/// Waits until fewer than [`PROBES_MAX`] probes go on, and then for this one.
async fn in_turn<T>(probe: impl Future<Output = T>) -> T {
    static TURNS: Semaphore = Semaphore::const_new(PROBES_MAX);
    let _turn = TURNS.acquire().await;
    probe.await
}

/// Ends connections that nobody needs whenever the vault is locked, as long as there is a farm.
async fn close_with(mut lock: watch::Receiver<Lock>, close: impl Fn() -> bool) {
    while lock.changed().await.is_ok() {
        let is_locked = *lock.borrow_and_update() != Lock::Unlocked;
        if is_locked && !close() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn of_many_probes_only_some_go_on_at_once() {
        let (now, most) = (Cell::new(0), Cell::new(0));
        let probe = || async {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            tokio::task::yield_now().await;
            now.set(now.get() - 1);
        };
        let all = (0..700).map(|_| in_turn(probe()));
        let done = futures_util::future::join_all(all).await;
        assert_eq!((done.len(), most.get(), now.get()), (700, PROBES_MAX, 0));
    }
}
