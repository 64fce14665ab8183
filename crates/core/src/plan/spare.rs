//! The warm spare: one `claude` that has said who pays and waits for the first prompt of a conversation,
//! so that its start is not waited for.

use std::time::{Duration, Instant};

use super::live::Live;
use super::{Plan, Wanted};
use crate::claude::{Login, Process};
use crate::error::Result;
use crate::settings::Setting;

/// Whether a spare is kept warm where the plan is used.
pub const WARM_SPARE: Setting<bool> = Setting {
    name: "plan.warm_spare",
    default: || true,
    check: |_| Ok(()),
};

/// After how long without use a spare is ended.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// How long what is wanted has to stay the same before a spare is replaced: a system prompt that is being
/// typed is another one at each pause.
const SETTLED: Duration = Duration::from_secs(2);

/// With less memory than this, in KiB, none is started: a CLI takes some 200 MiB.
const SPARE_MEMORY_KIB: u64 = 1024 * 1024;

/// A process that waits for whoever comes first.
#[derive(Default)]
pub(super) enum Spare {
    /// There is none.
    #[default]
    None,
    /// One is being started.
    Starting(Wanted),
    /// One waits.
    Waiting {
        wanted: Wanted,
        process: Box<Process>,
        since: Instant,
    },
}

/// What is found when a spare is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// It is there, or on its way.
    Fits,
    /// None is there that could still be used.
    First,
    /// One is, for something else.
    Another,
}

impl Plan {
    /// Starts a spare for what is likely to be asked next, in the background, unless the one that is there
    /// fits; ends it where the user wants none or memory is short. One that can't be started is not missed:
    /// a run then starts its own, and says what is wrong.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub fn warm(&self, login: Login, wanted: Wanted) -> Result<()> {
        let may_be = self.0.db.read(|store| WARM_SPARE.get(store))? && !is_memory_short();
        let plan = self.clone();
        tokio::spawn(async move {
            if !may_be {
                *plan.0.spare.lock().await = Spare::None;
                return;
            }
            match plan.claim(&wanted).await {
                Claim::Fits => return,
                Claim::First => {}
                Claim::Another => tokio::time::sleep(SETTLED).await,
            }
            if plan.is_claimed(&wanted).await {
                plan.start_spare(login, wanted).await;
            }
        });
        Ok(())
    }

    /// Takes the spare, where it is what is wanted. It is nobody else's from then on.
    pub async fn take_spare(&self, wanted: &Wanted) -> Option<Process> {
        let mut spare = self.0.spare.lock().await;
        match std::mem::take(&mut *spare) {
            Spare::Waiting {
                wanted: found,
                mut process,
                since,
            } if found == *wanted => {
                (since.elapsed() < IDLE && process.is_usable()).then_some(*process)
            }
            // Another one may be right for the next run.
            other => {
                *spare = other;
                None
            }
        }
    }

    /// Tells whether a spare waits.
    pub async fn is_warm(&self) -> bool {
        matches!(&*self.0.spare.lock().await, Spare::Waiting { .. })
    }

    /// Ends what waits for a prompt: the spare, and the processes of conversations that go on.
    pub async fn cool(&self) {
        *self.0.spare.lock().await = Spare::None;
        *self.0.live.lock().await = Live::default();
    }

    /// Makes the place of the spare this one's, unless it is already. What stood there is ended.
    async fn claim(&self, wanted: &Wanted) -> Claim {
        let mut spare = self.0.spare.lock().await;
        let claim = match &mut *spare {
            Spare::None => Claim::First,
            Spare::Starting(other) if other == wanted => Claim::Fits,
            Spare::Waiting {
                wanted: other,
                process,
                since,
            } if other == wanted => match since.elapsed() < IDLE && process.is_usable() {
                true => Claim::Fits,
                false => Claim::First,
            },
            Spare::Starting(_) | Spare::Waiting { .. } => Claim::Another,
        };
        if claim != Claim::Fits {
            *spare = Spare::Starting(wanted.clone());
        }
        claim
    }

    /// Tells whether the place is still this one's, with none there yet.
    async fn is_claimed(&self, wanted: &Wanted) -> bool {
        matches!(&*self.0.spare.lock().await, Spare::Starting(other) if other == wanted)
    }

    async fn start_spare(&self, login: Login, wanted: Wanted) {
        let started = self.start(login, &wanted).await;
        let mut spare = self.0.spare.lock().await;
        // Whoever wanted another one meanwhile, or none, has the last word.
        if !matches!(&*spare, Spare::Starting(other) if *other == wanted) {
            return;
        }
        *spare = match started {
            Ok(process) => Spare::Waiting {
                wanted,
                process: Box::new(process),
                since: Instant::now(),
            },
            Err(error) => {
                tracing::info!(%error, "there is no warm spare");
                Spare::None
            }
        };
        drop(spare);
        let plan = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            plan.drop_idle_spare().await;
        });
    }

    async fn drop_idle_spare(&self) {
        let mut spare = self.0.spare.lock().await;
        if matches!(&*spare, Spare::Waiting { since, .. } if since.elapsed() >= IDLE) {
            *spare = Spare::None;
        }
    }
}

/// Tells whether the system has little memory left, as far as it says.
fn is_memory_short() -> bool {
    let about = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = about.lines().find_map(|line| {
        let rest = line.strip_prefix("MemAvailable:")?.trim();
        rest.strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    available.is_some_and(|kib| kib < SPARE_MEMORY_KIB)
}
