//! Who wants to hear of changes: the page and the tray.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// How many pages have listened so far.
    pages: Arc<watch::Sender<u64>>,
    newest: Arc<Newest>,
}

/// What is known of the page that came last.
#[derive(Default)]
struct Newest {
    /// It may have read something already.
    has_begun: AtomicBool,
    /// It is told of changes.
    listens: AtomicBool,
    /// Something changed before it was.
    has_missed: AtomicBool,
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            told: broadcast::Sender::new(WAITING_MAX),
            pages: Arc::default(),
            newest: Arc::default(),
        }
    }
}

impl Followers {
    /// Takes note of a page that is on its way: it reads before it listens.
    pub(crate) fn begin_page(&self) {
        self.newest.listens.store(false, Ordering::SeqCst);
        self.newest.has_begun.store(true, Ordering::SeqCst);
    }

    /// Tells whether a page may have read something.
    pub(crate) fn has_page(&self) -> bool {
        self.newest.has_begun.load(Ordering::SeqCst)
    }

    /// Tells everybody who listens. A page that does not yet is told when it does.
    pub(crate) fn tell(&self, change: Change) {
        if !self.newest.listens.load(Ordering::SeqCst) {
            self.newest.has_missed.store(true, Ordering::SeqCst);
        }
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
        self.newest.listens.store(true, Ordering::SeqCst);
        let has_missed = self.newest.has_missed.swap(false, Ordering::SeqCst);
        if has_missed && page.send(Change::Store).is_err() {
            return;
        }
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
    async fn a_page_is_told_of_what_changed_between_its_reading_and_its_listening() {
        let followers = Followers::default();
        let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
        for is_changed in [true, false] {
            followers.begin_page();
            if is_changed {
                followers.tell(Change::Store);
            }
            let (own, heard) = (followers.clone(), heard.clone());
            let page = Channel::new(move |_| {
                heard.send(is_changed).unwrap_or_default();
                Ok(())
            });
            let mut pages = followers.pages.subscribe();
            let before = *pages.borrow_and_update();
            let feeding = tokio::spawn(async move { own.feed(&page).await });
            pages.wait_for(|pages| *pages > before).await.unwrap();
            followers.tell(Change::Who);
            assert_eq!(hears.recv().await, Some(is_changed));
            if is_changed {
                assert_eq!(hears.recv().await, Some(true), "the missed one came first");
            }
            assert!(hears.is_empty());
            feeding.abort();
        }
    }

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
