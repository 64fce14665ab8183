//! The processes that wait: one for each conversation that goes on.

use std::time::{Duration, Instant};

use super::{Plan, PlanLogin};
use crate::claude::Process;
use crate::id::RunId;

/// How many conversations keep their process; each is a whole CLI in memory.
const MOST: usize = 3;

/// After how long without a prompt a process is ended.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// What a process is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The login: its name alone may be given to another one.
    pub login: PlanLogin,
    /// The model's id.
    pub model: String,
    /// How much work goes into the answers.
    pub effort: Option<&'static str>,
    /// The instructions above the conversation.
    pub system: Option<String>,
}

/// Processes that wait, the one used last at the end.
#[derive(Default)]
pub(super) struct Live(Vec<Waiting>);

struct Waiting {
    wanted: Wanted,
    /// The run that was answered last.
    after: RunId,
    process: Process,
    since: Instant,
}

impl Plan {
    /// Takes the process that has answered `run`, where it still waits and is what is wanted. Nobody
    /// else gets it then.
    pub async fn take_after(&self, run: RunId, wanted: &Wanted) -> Option<Process> {
        let mut live = self.0.live.lock().await;
        live.drop_idle();
        let at = live.0.iter().position(|one| one.after == run)?;
        let mut found = live.0.remove(at);
        (found.wanted == *wanted && found.process.is_usable()).then_some(found.process)
    }

    /// Keeps a process that has just answered `run`, for its conversation alone.
    pub async fn keep_after(&self, run: RunId, wanted: Wanted, mut process: Process) {
        if !process.is_usable() {
            return;
        }
        let mut live = self.0.live.lock().await;
        live.drop_idle();
        if live.0.len() >= MOST {
            live.0.remove(0);
        }
        live.0.push(Waiting {
            wanted,
            after: run,
            process,
            since: Instant::now(),
        });
        drop(live);
        let plan = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            plan.0.live.lock().await.drop_idle();
        });
    }
}

impl Live {
    fn drop_idle(&mut self) {
        self.0
            .retain_mut(|one| one.since.elapsed() < IDLE && one.process.is_usable());
    }
}
