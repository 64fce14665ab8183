//! Who wants to hear of changes: pages and the tray.

use tauri::ipc::Channel;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::replies::Change;

/// How many changes may wait for a slow listener. One that falls behind further is told that
/// everything may have changed.
const WAITING_MAX: usize = 16;

/// Where changes are told. Clones tell the same listeners.
#[derive(Clone)]
pub(crate) struct Followers(broadcast::Sender<Change>);

impl Default for Followers {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING_MAX))
    }
}

impl Followers {
    /// Tells everybody who listens.
    pub(crate) fn tell(&self, change: Change) {
        // Nobody listens before the first page is there.
        let _ = self.0.send(change);
    }

    /// Returns what is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }

    /// Passes on what is told until the page is gone.
    pub(crate) async fn feed(&self, page: &Channel<Change>) {
        let mut changes = self.listen();
        loop {
            let change = match changes.recv().await {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => Change::Store,
                Err(RecvError::Closed) => return,
            };
            if page.send(change).is_err() {
                return;
            }
        }
    }
}
