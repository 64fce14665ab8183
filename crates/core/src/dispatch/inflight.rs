//! The runs of a process that lives longer than one of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::id::RunId;

/// The runs under way, each under a name that its caller chose. Clones share them.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Shared>);

#[derive(Default)]
struct Shared {
    runs: Mutex<Runs>,
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Runs {
    entered: u64,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    /// Tells a run from a later one that took its name.
    number: u64,
    /// Known once the run has begun.
    run: Option<RunId>,
    cancel: CancellationToken,
}

/// One run under way; dropped when it is over.
pub struct Flight {
    all: InFlight,
    name: String,
    number: u64,
    /// Ends the run.
    pub cancel: CancellationToken,
}

impl InFlight {
    /// Enters a run. One that is under way under the same name is cancelled.
    #[must_use]
    pub fn enter(&self, name: String) -> Flight {
        let cancel = CancellationToken::new();
        let mut runs = self.runs();
        runs.entered += 1;
        let number = runs.entered;
        let entry = Entry {
            number,
            run: None,
            cancel: cancel.clone(),
        };
        if let Some(former) = runs.entries.insert(name.clone(), entry) {
            former.cancel.cancel();
        }
        self.0.count.send_replace(runs.entries.len());
        drop(runs);
        Flight {
            all: self.clone(),
            name,
            number,
            cancel,
        }
    }

    /// Cancels a run; one that is over already stays as it is.
    pub fn cancel(&self, name: &str) {
        if let Some(entry) = self.runs().entries.get(name) {
            entry.cancel.cancel();
        }
    }

    /// Cancels the run of this number. Returns whether it is under way here.
    #[must_use]
    pub fn cancel_run(&self, run: RunId) -> bool {
        let runs = self.runs();
        let entry = runs.entries.values().find(|entry| entry.run == Some(run));
        if let Some(entry) = entry {
            entry.cancel.cancel();
        }
        entry.is_some()
    }

    /// Returns how many runs are under way, as it changes.
    #[must_use]
    pub fn count(&self) -> watch::Receiver<usize> {
        self.0.count.subscribe()
    }

    /// Cancels every run and waits until each is booked, at most for `patience`. What is not booked
    /// by then is booked by whoever opens the store next.
    pub async fn end_all(&self, patience: Duration) {
        for entry in self.runs().entries.values() {
            entry.cancel.cancel();
        }
        let mut count = self.count();
        let all_over = async { count.wait_for(|count| *count == 0).await.is_ok() };
        if tokio::time::timeout(patience, all_over).await.is_err() {
            tracing::warn!("a run was not over in time");
        }
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Notes which run it is, as soon as that is known.
    pub fn began(&self, run: RunId) {
        let mut runs = self.all.runs();
        let entry = runs.entries.get_mut(&self.name);
        if let Some(entry) = entry.filter(|entry| entry.number == self.number) {
            entry.run = Some(run);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut runs = self.all.runs();
        let is_own = |entry: &Entry| entry.number == self.number;
        if runs.entries.get(&self.name).is_some_and(is_own) {
            runs.entries.remove(&self.name);
        }
        self.all.0.count.send_replace(runs.entries.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_run_is_cancelled_and_waited_for_at_the_end() {
        let all = InFlight::default();
        let (first, second) = (all.enter("a".to_owned()), all.enter("b".to_owned()));
        let ending = tokio::spawn({
            let all = all.clone();
            async move { all.end_all(Duration::from_secs(60)).await }
        });
        first.cancel.cancelled().await;
        second.cancel.cancelled().await;
        drop(first);
        assert_eq!(*all.count().borrow(), 1);
        assert!(!ending.is_finished());
        drop(second);
        ending.await.unwrap();
    }

    #[test]
    fn a_run_that_takes_a_name_ends_the_former_one_and_outlives_its_end() {
        let all = InFlight::default();
        let former = all.enter("a".to_owned());
        let later = all.enter("a".to_owned());
        assert!(former.cancel.is_cancelled() && !later.cancel.is_cancelled());
        drop(former);
        all.cancel("a");
        assert!(later.cancel.is_cancelled());
    }
    #[test]
    fn a_run_that_has_begun_is_cancelled_by_its_number() {
        let all = InFlight::default();
        let (first, second) = (all.enter("a".to_owned()), all.enter("b".to_owned()));
        assert!(!all.cancel_run(RunId(7)), "nobody said which run it is");
        second.began(RunId(7));
        assert!(all.cancel_run(RunId(7)));
        assert!(second.cancel.is_cancelled() && !first.cancel.is_cancelled());
    }
}
