//! The platform's keychain, on a thread of its own: one call at a time, each with a deadline.
//!
//! A Secret Service may never answer, and a library that waits for it can't be interrupted. So the
//! thread is never joined: a caller that gives up leaves it behind, and what it brings late is wiped.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

mod system;

/// The bytes of an entry, wiped when dropped.
pub type EntryBytes = Zeroizing<Vec<u8>>;

/// Where entries are kept. Every call may block for as long as it likes.
pub trait Entries: Send + Sync + 'static {
    /// Reads an entry, or returns `None` where there is none.
    ///
    /// # Errors
    /// [`Code::KeychainUnavailable`] when the keychain can't be reached or stays locked.
    fn read(&self, name: &str) -> Result<Option<EntryBytes>>;

    /// Makes or replaces an entry.
    ///
    /// # Errors
    /// As [`Entries::read`].
    fn write(&self, name: &str, value: &[u8]) -> Result<()>;

    /// Removes an entry; one that is not there is fine.
    ///
    /// # Errors
    /// As [`Entries::read`].
    fn remove(&self, name: &str) -> Result<()>;

    /// Tells whether the keychain is locked, so that its owner is being asked to unlock it.
    fn is_locked(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// How long a keychain may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For an answer that needs nobody.
    pub answer: Duration,
    /// After which it is asked whether it is locked.
    pub glance: Duration,
    /// For its owner to unlock it.
    pub owner: Duration,
}

impl Patience {
    /// 5 s for an answer, 2 min for its owner.
    pub const STANDARD: Self = Self {
        answer: Duration::from_secs(5),
        glance: Duration::from_millis(400),
        owner: Duration::from_secs(120),
    };
}

/// The keychain of this user. Clones share its thread.
#[derive(Clone)]
pub struct Keychain(Arc<Inner>);

struct Inner {
    entries: Arc<dyn Entries>,
    patience: Patience,
    calls: Mutex<Option<mpsc::Sender<Call>>>,
    waiting: watch::Sender<bool>,
    given_up: Notify,
}

type Call = Box<dyn FnOnce(&dyn Entries) + Send>;

impl Keychain {
    /// Uses the platform's keychain: Secret Service, macOS Keychain, Windows Credential Manager.
    /// Nothing is connected before the first call.
    #[must_use]
    pub fn of_system() -> Self {
        Self::with(system::System, Patience::STANDARD)
    }

    /// Uses other entries, such as a test's.
    #[must_use]
    pub fn with(entries: impl Entries, patience: Patience) -> Self {
        Self(Arc::new(Inner {
            entries: Arc::new(entries),
            patience,
            calls: Mutex::new(None),
            waiting: watch::Sender::new(false),
            given_up: Notify::new(),
        }))
    }

    /// Returns whether the keychain's owner is being asked to unlock it right now, as it changes.
    /// A face shows it as "waiting for your keychain", with a way to cancel.
    #[must_use]
    pub fn waiting(&self) -> watch::Receiver<bool> {
        self.0.waiting.subscribe()
    }

    /// Ends every wait for the owner: the keychain then counts as one that can't be used.
    pub fn stop_waiting(&self) {
        self.0.given_up.notify_waiters();
    }

    pub(super) async fn read(&self, vault: &str) -> Result<Option<EntryBytes>> {
        let name = vault.to_owned();
        self.call(move |entries| entries.read(&name)).await
    }

    /// Writes an entry and reads it back: a keychain that forgets at once is not one.
    pub(super) async fn write(&self, vault: &str, value: &[u8]) -> Result<()> {
        let (name, value) = (vault.to_owned(), Zeroizing::new(value.to_vec()));
        self.call(move |entries| {
            entries.write(&name, &value)?;
            match entries.read(&name)? {
                Some(kept) if kept == value => Ok(()),
                _ => Err(unavailable("it did not keep what was put into it")),
            }
        })
        .await
    }

    pub(super) async fn remove(&self, vault: &str) -> Result<()> {
        let name = vault.to_owned();
        self.call(move |entries| entries.remove(&name)).await
    }

    async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Entries) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, mut answer) = oneshot::channel();
        self.queue(Box::new(move |entries| {
            // Nobody may be waiting any more; a secret that comes too late is wiped by its type.
            drop(reply.send(act(entries)));
        }))?;
        let Patience {
            answer: in_time,
            glance,
            owner,
        } = self.0.patience;
        if let Ok(answered) = tokio::time::timeout(glance, &mut answer).await {
            return received(answered);
        }
        let rest = tokio::time::Instant::now() + in_time.saturating_sub(glance);
        let patience = async {
            let asks = tokio::time::timeout_at(rest, self.0.entries.is_locked()).await;
            if asks == Ok(true) {
                let given_up = self.0.given_up.notified();
                let _shown = Shown::begin(&self.0.waiting);
                tokio::select! {
                    () = given_up => "you stopped waiting for it",
                    () = tokio::time::sleep(owner) => "it is locked, and nobody unlocked it",
                }
            } else {
                tokio::time::sleep_until(rest).await;
                "it did not answer in time"
            }
        };
        tokio::select! {
            biased;
            answered = &mut answer => received(answered),
            why = patience => Err(unavailable(why)),
        }
    }

    fn queue(&self, call: Call) -> Result<()> {
        let mut calls = self.0.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = match &*calls {
            Some(sender) => match sender.send(call) {
                Ok(()) => return Ok(()),
                // The thread ended in a panic of some library's; the next one starts afresh.
                Err(mpsc::SendError(call)) => call,
            },
            None => call,
        };
        let (sender, queue) = mpsc::channel::<Call>();
        let entries = Arc::clone(&self.0.entries);
        std::thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                for call in queue {
                    call(&*entries);
                }
            })
            .map_err(|e| Error::failed("The keychain's thread could not be started.").because(e))?;
        let sent = sender.send(call);
        *calls = Some(sender);
        sent.map_err(|_| unavailable("its thread has ended"))
    }
}

impl std::fmt::Debug for Keychain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keychain")
    }
}

fn received<T>(answer: Result<Result<T>, oneshot::error::RecvError>) -> Result<T> {
    answer.unwrap_or_else(|_| Err(unavailable("its library failed")))
}

/// Shows "waiting for your keychain" until it is dropped, however the wait ends.
struct Shown<'a>(&'a watch::Sender<bool>);

impl<'a> Shown<'a> {
    fn begin(waiting: &'a watch::Sender<bool>) -> Self {
        waiting.send_replace(true);
        Self(waiting)
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// Tells that its owner was not waited for any longer.
pub(crate) fn not_waited_for() -> Error {
    unavailable("you stopped waiting for it")
}

/// Words a keychain that could not be used, as in "The keychain can't be used: {why}."
pub(super) fn unavailable(why: &str) -> Error {
    Error::new(
        Code::KeychainUnavailable,
        format!("The keychain can't be used: {why}."),
    )
    .hint("Use the passphrase or the recovery code instead, or unlock the keychain and try again.")
}

#[cfg(test)]
mod tests;
