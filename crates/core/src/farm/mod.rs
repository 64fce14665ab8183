//! The farm at work: connections to its hosts, their slots, and what runs there.
//!
//! - `place`: which host takes a run, and waiting for a slot
//! - `machine`: a host's connections, opened when they are needed and shared
//! - `remote`: the two texts that run there, `worker.sh` and `probe.sh`
//! - `work`: one `claude` started there; `probe`: how a host stands

mod machine;
mod place;
mod probe;
mod remote;
mod settings;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OnceCell};

use crate::clock::Millis;
use crate::db::Db;
use crate::error::{Code, Error, Remedy, Result};
use crate::hosts::{self, Host, Row};
use crate::id::HostId;
use crate::ssh::{self, Destination, HostKey, Patience, Target};
use crate::text::shown;

pub(crate) use place::nobody;
pub use place::{Chosen, Slot, Turn, Wanted};
pub(crate) use settings::TIMEOUT_MAX;
pub use settings::{CONNECT, SSH_CONFIG, TIMEOUT};
pub use work::{Did, Unready, Waiting, Work};

use machine::{Machine, Way};

/// The hosts of a store, with what goes on there from this process. Clones share it.
#[derive(Clone)]
pub struct Farm(Arc<Shared>);

struct Shared {
    db: Db,
    machines: Mutex<BTreeMap<HostId, Arc<Machine>>>,
    /// Told when a slot is free again.
    freed: Notify,
    /// What killed processes left behind has been looked after.
    is_swept: OnceCell<()>,
}

/// Returns the text that runs on a box, as the one command that a login shell is given.
#[must_use]
pub fn worker() -> &'static str {
    &remote::WORKER
}

impl Farm {
    /// Makes the farm of a store. Nothing is connected to by that.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Shared {
            db,
            machines: Mutex::default(),
            freed: Notify::new(),
            is_swept: OnceCell::new(),
        }))
    }

    /// Returns how many runs of this process go on at a host.
    #[must_use]
    pub fn busy(&self, id: HostId) -> u32 {
        self.machines().get(&id).map_or(0, |machine| machine.busy())
    }

    /// Lists the hosts as they stand now.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`] when the store can't be read.
    pub fn rows(&self) -> Result<Vec<Row>> {
        let now = self.0.db.clock().now();
        let hosts = self.0.db.read(hosts::list)?;
        let row = |host: Host| Row::of(host.clone(), self.busy(host.id), now);
        Ok(hosts.into_iter().map(row).collect())
    }

    /// Asks a host for its key, without logging in. Whether it is the right one is for the user to say.
    ///
    /// # Errors
    /// As [`ssh::fetch`].
    pub async fn fetch_key(&self, host: &Host) -> Result<HostKey> {
        let way = self.way(host).await?;
        ssh::fetch(&way.folder, &way.target, way.patience.connect).await
    }

    /// Ends every connection, with what runs over it: when the vault is locked, and at the end of the
    /// program. The next run opens a new one.
    pub fn close(&self) {
        for machine in self.machines().values() {
            machine.close();
        }
    }

    /// Returns what ends every connection over which nothing runs, and, as soon as it is over, the others:
    /// to be called when the vault is locked. It returns whether the farm is still there.
    pub fn rest(&self) -> impl Fn() -> bool + Send + use<> {
        let shared = Arc::downgrade(&self.0);
        move || {
            let Some(farm) = shared.upgrade().map(Farm) else {
                return false;
            };
            for machine in farm.machines().values() {
                machine.close_when_idle();
            }
            true
        }
    }

    /// Ends the connections to one host, such as one whose key or address has been changed.
    pub fn close_to(&self, id: HostId) {
        if let Some(machine) = self.machines().get(&id) {
            machine.close();
        }
    }

    /// Returns what a connection to a host is opened with; checked anew, because the store may have been
    /// edited by anybody.
    fn target(&self, host: &Host) -> Result<Target> {
        if let Some(identity) = &host.identity {
            ssh::check_identity(identity)?;
        }
        Ok(Target {
            name: host.name.clone(),
            destination: Destination::parse(&host.destination)?,
            port: host.port,
            identity: host.identity.clone(),
            config: self.0.db.read(|store| SSH_CONFIG.get(store))?,
        })
    }

    /// Returns how a host is reached.
    async fn way(&self, host: &Host) -> Result<Way> {
        let folder = ssh::folder(self.0.db.paths().runtime())?;
        self.sweep().await;
        let seconds = self.0.db.read(|store| CONNECT.get(store))?;
        let connect = Duration::from_secs(seconds);
        Ok(Way {
            folder,
            target: self.target(host)?,
            patience: Patience {
                connect,
                session: connect,
            },
        })
    }

    /// Ends, once, the connections that killed processes left behind. Costs one look into a folder where there
    /// are none.
    pub(crate) async fn sweep(&self) {
        let folder = ssh::folder_of(self.0.db.paths().runtime());
        self.0.is_swept.get_or_init(|| ssh::sweep(&folder)).await;
    }

    fn machine(&self, id: HostId) -> Arc<Machine> {
        Arc::clone(self.machines().entry(id).or_default())
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<HostId, Arc<Machine>>> {
        self.0
            .machines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Millis {
        self.0.db.clock().now()
    }
}

/// The error of a host whose key nobody has pinned.
fn unpinned(host: &Host) -> Error {
    let name = shown(&host.name, 60);
    Error::new(
        Code::HostKey,
        format!("The key of {name} is not pinned yet, so nothing is sent there."),
    )
    .hint("Compare the fingerprint that it shows with the one on the box, and pin it.")
    .remedy(Remedy::PinHost)
    .about(&host.name)
}
