//! Who wants to hear of changes: the page and the tray.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};

use crate::replies::Change;

/// How many changes may wait for a slow listener within the program. One that falls behind further is
/// told that it did.
const WAITING_MAX: usize = 16;

/// Where changes are told. Clones tell the same listeners.
#[derive(Clone)]
pub(crate) struct Followers {
    told: broadcast::Sender<Change>,
    page: Arc<Page>,
}

/// The page that came last. It asks for what changed, and waits for the answer: what the program says
/// unasked goes through the web view's engine, which makes a second one in this process for it, of 6 MB.
#[derive(Default)]
struct Page {
    told: Mutex<Told>,
    wake: Notify,
}

/// What a page does not know yet.
#[derive(Default)]
struct Told {
    /// How many pages have begun so far. One that began may have read something already.
    pages: u64,
    /// It has asked before.
    has_asked: bool,
    /// Each kind once, as it came last: the page reads again what it shows of it.
    waiting: Vec<Change>,
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            told: broadcast::Sender::new(WAITING_MAX),
            page: Arc::default(),
        }
    }
}

impl Followers {
    /// Takes note of a page that is on its way: it reads all anew, and the one before hears nothing any
    /// more.
    pub(crate) fn begin_page(&self) {
        let mut told = self.told();
        *told = Told {
            pages: told.pages + 1,
            ..Told::default()
        };
        drop(told);
        self.page.wake.notify_waiters();
    }

    /// Tells whether a page may have read something.
    pub(crate) fn has_page(&self) -> bool {
        self.told().pages > 0
    }

    /// Tells everybody who listens, and the page when it asks next.
    pub(crate) fn tell(&self, change: Change) {
        let mut told = self.told();
        if told.pages > 0 {
            // What came last counts: the keychain may wait, wait no longer, and wait again.
            told.waiting.retain(|waiting| *waiting != change);
            told.waiting.push(change);
        }
        drop(told);
        self.page.wake.notify_waiters();
        // Nobody listens before the tray is there.
        let _ = self.told.send(change);
    }

    /// Returns what is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.told.subscribe()
    }

    /// Tells whether the newest page asks for the first time, and takes note that it did.
    pub(crate) fn greets(&self) -> bool {
        !std::mem::replace(&mut self.told().has_asked, true)
    }

    /// Waits until something changed since the newest page began or was told, and returns it in its
    /// order. Returns nothing when another page has come meanwhile.
    pub(crate) async fn next(&self) -> Vec<Change> {
        let page = self.told().pages;
        loop {
            // Listened for before looking, so that what comes in between wakes it.
            let woken = self.page.wake.notified();
            {
                let mut told = self.told();
                if told.pages != page {
                    return Vec::new();
                }
                if !told.waiting.is_empty() {
                    return std::mem::take(&mut told.waiting);
                }
            }
            woken.await;
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // Whoever panicked with it left a whole list behind.
        self.page
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_page_is_told_once_of_each_thing_that_changed_since_it_began() {
        let followers = Followers::default();
        followers.tell(Change::Who);
        followers.begin_page();
        for change in [Change::Store, Change::Who, Change::Store] {
            followers.tell(change);
        }
        assert_eq!(followers.next().await, [Change::Who, Change::Store]);
        let own = followers.clone();
        let next = tokio::spawn(async move { own.next().await });
        followers.tell(Change::KeychainWaits);
        assert_eq!(next.await.unwrap(), [Change::KeychainWaits]);
    }

    #[tokio::test]
    async fn the_page_before_hears_nothing_any_more() {
        let followers = Followers::default();
        followers.begin_page();
        let own = followers.clone();
        let mut former = Box::pin(async move { own.next().await });
        let waits = poll_fn(|cx| Poll::Ready(former.as_mut().poll(cx).is_pending()));
        assert!(waits.await);
        followers.begin_page();
        followers.tell(Change::Store);
        assert_eq!(former.await, []);
        assert_eq!(followers.next().await, [Change::Store]);
    }

    #[test]
    fn each_page_asks_for_the_first_time_once() {
        let followers = Followers::default();
        for _ in 0..2 {
            followers.begin_page();
            assert!(followers.greets());
            assert!(!followers.greets());
        }
    }
}
