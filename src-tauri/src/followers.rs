//! Who wants to hear of changes: the page and the tray.

use std::sync::Arc;

use tauri::ipc::Channel;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::replies::Change;

/// How many changes may wait for a slow listener. One that falls behind further is told that
/// everything may have changed.
const WAITING_MAX: usize = 16;

/// Where changes are told. Clones tell the same listeners.
#[derive(Clone)]
pub(crate) struct Followers {
    told: broadcast::Sender<Change>,
    /// How many pages were there so far.
    pages: Arc<watch::Sender<u64>>,
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            told: broadcast::Sender::new(WAITING_MAX),
            pages: Arc::default(),
        }
    }
}

impl Followers {
    /// Tells everybody who listens.
    pub(crate) fn tell(&self, change: Change) {
        // Nobody listens before the first page is there.
        let _ = self.told.send(change);
    }

    /// Returns what is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.told.subscribe()
    }

    /// Passes on what is told until the next page comes. Nothing tells that a page is gone: what is
    /// sent to it then is lost without an error.
    pub(crate) async fn feed(&self, page: &Channel<Change>) {
        let mut changes = self.listen();
        self.pages.send_modify(|pages| *pages += 1);
        let mut pages = self.pages.subscribe();
        loop {
            let change = tokio::select! {
                _ = pages.changed() => return,
                change = changes.recv() => match change {
                    Ok(change) => change,
                    Err(RecvError::Lagged(_)) => Change::Store,
                    Err(RecvError::Closed) => return,
                },
            };
            if page.send(change).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_before_hears_nothing_any_more() {
        let followers = Followers::default();
        let own = followers.clone();
        let former = tokio::spawn(async move { own.feed(&Channel::new(|_| Ok(()))).await });
        let mut pages = followers.pages.subscribe();
        pages.wait_for(|pages| *pages == 1).await.unwrap();
        let own = followers.clone();
        let later = tokio::spawn(async move { own.feed(&Channel::new(|_| Ok(()))).await });
        former.await.unwrap();
        assert!(!later.is_finished());
        later.abort();
    }
}
