//! A host's connections, as far as this process has any.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::hosts::Host;
use crate::ssh::{Channel, Fault, Kind, Master, Patience, Target};

/// How often a box that turns connections away (`MaxStartups` of its sshd) is tried, and how long is waited
/// before each further try.
const WAITS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1800),
];

/// How long is waited for a session that ends, before its room is asked for again.
const ROOM: Duration = Duration::from_millis(50);

/// How a host is reached.
pub(super) struct Way {
    /// The private folder of sockets.
    pub(super) folder: PathBuf,
    pub(super) target: Target,
    pub(super) patience: Patience,
}

/// A host of which runs go on, or connections stand.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) busy: AtomicU32,
    /// So many ask how it stands. They take no slot.
    asking: AtomicU32,
    /// A run has the next turn, and gets ready there.
    pub(super) has_next: AtomicBool,
    /// Grows with each run, so that hosts that are equally busy take turns.
    pub(super) used: AtomicU64,
    masters: Mutex<Vec<Opened>>,
    /// The connections go as soon as nothing runs over them.
    is_closing: AtomicBool,
    /// Whether its `claude` is fit is asked by one run, and not by all that begin together.
    pub(super) fitting: AsyncMutex<()>,
    /// One connection is opened at a time: most often it is enough for all that wait for it. Where it can't be
    /// opened, that holds for them as well.
    opening: AsyncMutex<Option<Failed>>,
}

/// Somebody asks how a host stands, until this is dropped.
pub(super) struct Asking<'a>(&'a Machine);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::SeqCst);
        self.0.settle();
    }
}

/// A connection that was opened.
#[derive(Clone)]
struct Opened {
    at: Instant,
    /// The host as it was then.
    host: Host,
    master: Arc<Master>,
    /// Nothing further could be started over it. What runs over it goes on.
    is_spoilt: bool,
}

/// A connection that could not be opened, or over which nothing could be started.
struct Failed {
    at: Instant,
    /// The host as it was then.
    host: Host,
    fault: Fault,
}

impl Failed {
    fn now(host: &Host, fault: &Fault) -> Self {
        Self {
            at: Instant::now(),
            host: host.clone(),
            fault: fault.again(),
        }
    }
}

impl Machine {
    pub(super) fn busy(&self) -> u32 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Returns the share of its slots that is taken, in millionths, and when it had a run last.
    pub(super) fn share(&self, slots: u32) -> (u64, u64) {
        let share = u64::from(self.busy()) * 1_000_000 / u64::from(slots.max(1));
        (share, self.used.load(Ordering::Relaxed))
    }

    /// Ends every connection. Runs that hold one lose it.
    pub(super) fn close(&self) {
        for opened in self.masters().drain(..) {
            opened.master.end();
        }
    }

    /// Ends every connection as soon as nothing runs over them, which may be now.
    pub(super) fn close_when_idle(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        self.settle();
    }

    /// Notes that a run has ended.
    pub(super) fn free(&self) {
        self.busy.fetch_sub(1, Ordering::SeqCst);
        self.settle();
    }

    /// Notes that somebody asks how it stands, as long as what is returned is kept.
    pub(super) fn asking(&self) -> Asking<'_> {
        self.asking.fetch_add(1, Ordering::SeqCst);
        Asking(self)
    }

    /// One order holds for all of these, so that whoever is the last one sees that it is.
    fn settle(&self) {
        let is_used = [&self.busy, &self.asking].map(|count| count.load(Ordering::SeqCst));
        if is_used == [0, 0] && self.is_closing.swap(false, Ordering::SeqCst) {
            self.close();
        }
        self.sweep();
    }

    /// Ends the spoilt connections over which nothing runs any more.
    fn sweep(&self) {
        self.masters()
            .retain(|opened| !opened.is_spoilt || Arc::strong_count(&opened.master) > 1);
    }

    /// Starts a command over a connection that has room for it, or over a further one. Where nothing can be
    /// started over one that was opened since it was asked for, another one would do no better.
    pub(super) async fn start(
        &self,
        way: &Way,
        host: &Host,
        command: &'static str,
    ) -> Result<Channel, Fault> {
        let mut tried: Vec<Arc<Master>> = Vec::new();
        let began = Instant::now();
        let deadline = began + way.patience.session;
        loop {
            let broken = match self.over_one(host, &mut tried, command).await {
                Ok(channel) => return Ok(channel),
                Err(broken) => broken,
            };
            let mut failed = self.opening.lock().await;
            let open = self.alive(host);
            if let Some((opened_at, fault)) = broken
                && opened_at >= began
            {
                *failed = Some(Failed::now(host, &fault));
                return Err(fault);
            }
            let is_new =
                |opened: &Opened| !tried.iter().any(|one| Arc::ptr_eq(one, &opened.master));
            if open.iter().any(is_new) {
                // Somebody else has opened one meanwhile.
                continue;
            }
            // Each slot has a connection of its own by now. A session whose run is over here may not be
            // over there yet, so there is room soon, or the box takes fewer than it has slots.
            if open.len() >= usize::try_from(host.slots.max(1)).unwrap_or(usize::MAX) {
                if Instant::now() >= deadline {
                    return Err(Fault::full(&host.name));
                }
                tokio::time::sleep(ROOM).await;
                tried.clear();
                continue;
            }
            if let Some(failed) = &*failed
                && failed.at > began
                && failed.host.is_reached_as(host)
            {
                return Err(failed.fault.again());
            }
            match open_patiently(way, host).await {
                Ok(master) => {
                    *failed = None;
                    self.masters().push(Opened {
                        at: Instant::now(),
                        host: host.clone(),
                        master: Arc::new(master),
                        is_spoilt: false,
                    });
                }
                Err(fault) => {
                    *failed = Some(Failed::now(host, &fault));
                    return Err(fault);
                }
            }
        }
    }

    /// Tries the connections that stand and were not tried yet. Returns what was said over the newest one that is
    /// of no more use, and when that was opened; `None` where each has as many sessions as the box allows.
    async fn over_one(
        &self,
        host: &Host,
        tried: &mut Vec<Arc<Master>>,
        command: &'static str,
    ) -> Result<Channel, Option<(Instant, Fault)>> {
        let mut broken = None;
        for Opened { at, master, .. } in self.alive(host) {
            if tried.iter().any(|one| Arc::ptr_eq(one, &master)) {
                continue;
            }
            match master.start(command).await {
                Ok(channel) => return Ok(channel),
                Err(fault) if fault.kind == Kind::Full => tried.push(master),
                // It says nothing of the connection, and would be the same with every other.
                Err(fault) if fault.kind == Kind::NoSsh => {
                    return Err(Some((Instant::now(), fault)));
                }
                Err(fault) => {
                    self.spoil(master);
                    broken = Some((at, fault));
                }
            }
        }
        Err(broken)
    }

    /// Notes that a connection is of no use to further runs. Others may go on over it, whose answers are paid for:
    /// it ends with the last of them.
    fn spoil(&self, master: Arc<Master>) {
        for opened in self.masters().iter_mut() {
            opened.is_spoilt |= Arc::ptr_eq(&opened.master, &master);
        }
        drop(master);
        self.sweep();
    }

    /// Returns the connections that stand, in the order in which they were opened, and ends those to where the
    /// host was before: another window may have given it another address, or pinned another key. Spoilt ones are left
    /// out.
    fn alive(&self, host: &Host) -> Vec<Opened> {
        self.sweep();
        let mut masters = self.masters();
        masters.retain(|opened| {
            let leads_there = opened.host.is_reached_as(host);
            if !leads_there {
                opened.master.end();
            }
            leads_there && opened.master.is_alive()
        });
        let useful = masters.iter().filter(|opened| !opened.is_spoilt);
        useful.cloned().collect()
    }

    fn masters(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.masters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open_patiently(way: &Way, host: &Host) -> Result<Master, Fault> {
    let open = || Master::open(&way.folder, &way.target, &host.host_keys, way.patience);
    for wait in WAITS {
        match open().await {
            Err(fault) if fault.kind == Kind::TurnedAway => tokio::time::sleep(wait).await,
            done => return done,
        }
    }
    open().await
}
