//! The order in which a face looks for an open vault: the agent, the keychain in silence, and only
//! then its user. Nothing is opened before the first secret is needed.

use std::future::Future;

use tokio::sync::{Mutex, Notify};

use super::ask::{Answered, Ask, Question};
use super::client::{Client, has_broken_off};
use super::holder::{Holder, Meant};
use super::refusals::{cancelled, existing, not_noted, still_locked, still_open};
use crate::error::{Code, Error, Result};
use crate::id::KeyId;
use crate::paths::Paths;
use crate::secret::{ApiKey, HistoryKey, RecoveryCode};
use crate::vault::{
    Created, Custody, Later, Lock, NewSlot, NewVault, SealedKey, SlotKind, Status, UnlockWith,
    Vault, keychain,
};

/// How often a user may mistype before it counts as not knowing.
const TRIES: usize = 3;

/// The vault as one face reaches it. Opens it when the first secret is needed, at most once.
pub struct Access {
    paths: Paths,
    vault: Vault,
    face: &'static str,
    ask: Box<dyn Ask>,
    // Also keeps two needs at once from asking twice.
    found: Mutex<Option<Holder>>,
    given_up: Notify,
}

impl Access {
    /// Prepares the way to the vault of a store; `vault` is this process's own, for when no agent
    /// runs.
    #[must_use]
    pub fn new(paths: Paths, vault: Vault, face: &'static str, ask: impl Ask + 'static) -> Self {
        Self {
            paths,
            vault,
            face,
            ask: Box::new(ask),
            found: Mutex::new(None),
            given_up: Notify::new(),
        }
    }

    /// Says how the vault is, wherever it is held.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`] when the store can't be read.
    pub async fn status(&self) -> Result<Status> {
        twice(|| async { self.holder().await?.status().await }).await
    }

    /// Tells whether an agent serves this store's vault.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn has_agent(&self) -> Result<bool> {
        Ok(matches!(self.holder().await?, Holder::Agent(_)))
    }

    /// Opens the vault because its user asked for it: through the keychain, else by asking. An
    /// agent is unlocked for everyone. Allows silent use of the keychain again.
    ///
    /// # Errors
    /// As [`Vault::unlock`], and [`Code::Locked`] when nobody can be asked.
    pub async fn unlock_all(&self) -> Result<()> {
        let mut found = self.found.lock().await;
        *found = Some(twice(|| self.unlock_holder()).await?);
        Ok(())
    }

    async fn unlock_holder(&self) -> Result<Holder> {
        let holder = self.holder().await?;
        let status = existing(holder.status().await?)?;
        let mut trouble = None;
        if status.has(SlotKind::Keychain) {
            let unlocking = holder.unlock(&self.vault, UnlockWith::Keychain, Meant::ForAll);
            match self.shown(&holder, unlocking).await {
                Err(error) if !has_broken_off(&error) => trouble = Some(error),
                outcome => return outcome,
            }
        }
        self.open_by_asking(&holder, &status, trouble, Meant::ForAll)
            .await
    }

    /// Opens the vault for every face with what its user gave.
    ///
    /// # Errors
    /// As [`Vault::unlock`].
    pub async fn unlock_with(&self, with: UnlockWith<'_>) -> Result<()> {
        let mut found = self.found.lock().await;
        let holder = self.holder().await?;
        existing(holder.status().await?)?;
        let unlocking = holder.unlock(&self.vault, with, Meant::ForAll);
        *found = Some(self.shown(&holder, unlocking).await?);
        Ok(())
    }

    /// Opens the vault for every face by asking its user, after the keychain was tried; `trouble` is what
    /// stood in the way there.
    ///
    /// # Errors
    /// As [`Vault::unlock`], and [`Code::Locked`] when nobody can be asked or nothing they type opens it.
    pub async fn unlock_by_asking(&self, trouble: Option<Error>) -> Result<()> {
        let mut found = self.found.lock().await;
        let holder = self.holder().await?;
        let status = existing(holder.status().await?)?;
        let asking = self.open_by_asking(&holder, &status, trouble, Meant::ForAll);
        *found = Some(asking.await?);
        Ok(())
    }

    /// Stops waiting for the keychain's owner, if anything here does: it then counts as a keychain that
    /// can't be used, so that another way is asked for.
    pub fn stop_waiting(&self) {
        self.vault.keychain().stop_waiting();
        self.given_up.notify_waiters();
    }

    /// Makes the vault in this process and leaves it unlocked.
    ///
    /// # Errors
    /// As [`Vault::create`].
    pub async fn create(&self, new: NewVault) -> Result<Created> {
        let own = Holder::Own(self.vault.clone());
        self.shown(&own, self.vault.create(new)).await
    }

    /// Locks the vault for every face, and stops silent use of the keychain until it is unlocked.
    ///
    /// # Errors
    /// As [`Vault::lock`].
    pub async fn lock_all(&self) -> Result<()> {
        // The lock is a fact of the store, so it holds for an agent that hangs or is not found, too. It
        // waits for nothing, and ends an unlock under way.
        let noted = self.vault.lock().await;
        // One that is well looks at the store before it answers, so that its keys are wiped by now.
        let agent = Client::connect(&self.paths, self.face).await;
        if let Err(error) = &agent {
            tracing::warn!(%error, "the agent did not confirm the lock");
        }
        if let Ok(mut found) = self.found.try_lock() {
            *found = None;
        }
        let Err(why) = noted else { return Ok(()) };
        if why.code() == Code::NoVault {
            return Err(why);
        }
        // Told by itself, it forgets its keys before it tries to write that down.
        let told = match agent {
            Ok(None) => return Err(not_noted(&why)),
            Ok(Some(agent)) => agent.lock().await,
            Err(error) => Err(error),
        };
        match told {
            Ok(()) => Ok(()),
            Err(error) if has_broken_off(&error) || error.code() == Code::Timeout => {
                Err(still_open(&error))
            }
            Err(_) => Err(not_noted(&why)),
        }
    }

    /// Opens the vault, asking if it has to.
    ///
    /// # Errors
    /// As [`Custody`].
    pub async fn ensure_open(&self) -> Result<()> {
        self.open().await.map(drop)
    }

    /// Adds or replaces a slot of the vault, which is opened first.
    ///
    /// # Errors
    /// As [`Vault::add_slot`], and as [`Custody`].
    pub async fn add_slot(&self, new: NewSlot<'_>) -> Result<Option<RecoveryCode>> {
        let holder = self.open().await?;
        let adding = async {
            match &holder {
                Holder::Agent(client) => client.add_slot(new).await,
                Holder::Own(vault) => vault.add_slot(new).await,
            }
        };
        self.shown(&holder, adding).await
    }

    /// Removes a slot of the vault, which is opened first.
    ///
    /// # Errors
    /// As [`Vault::remove_slot`], and as [`Custody`].
    pub async fn remove_slot(&self, kind: SlotKind) -> Result<()> {
        let holder = self.open().await?;
        let removing = async {
            match &holder {
                Holder::Agent(client) => client.remove_slot(kind).await,
                Holder::Own(vault) => vault.remove_slot(kind).await,
            }
        };
        self.shown(&holder, removing).await
    }

    async fn holder(&self) -> Result<Holder> {
        Ok(match Client::connect(&self.paths, self.face).await? {
            Some(client) => Holder::Agent(client),
            None => Holder::Own(self.vault.clone()),
        })
    }

    /// Returns who holds the vault open, opening it if nobody does.
    async fn open(&self) -> Result<Holder> {
        let mut found = self.found.lock().await;
        if let Some(holder) = &*found {
            return Ok(holder.clone());
        }
        let holder = twice(|| self.open_holder()).await?;
        *found = Some(holder.clone());
        Ok(holder)
    }

    async fn open_holder(&self) -> Result<Holder> {
        let holder = self.holder().await?;
        let status = existing(holder.status().await?)?;
        if status.lock == Lock::Unlocked {
            return Ok(holder);
        }
        let mut trouble = None;
        if status.opens_silently() {
            match self.shown(&holder, holder.unlock_silently()).await {
                Err(error) if !has_broken_off(&error) => trouble = Some(error),
                outcome => return outcome.map(|()| holder),
            }
        }
        self.open_by_asking(&holder, &status, trouble, Meant::ForNow)
            .await
    }

    async fn open_by_asking(
        &self,
        holder: &Holder,
        status: &Status,
        mut trouble: Option<Error>,
        meant: Meant,
    ) -> Result<Holder> {
        let takes = |kind| status.has(kind);
        let (takes_passphrase, takes_recovery) =
            (takes(SlotKind::Passphrase), takes(SlotKind::Recovery));
        if !takes_passphrase && !takes_recovery {
            return Err(still_locked(trouble));
        }
        for tried in 0..TRIES {
            let question = Question {
                takes_passphrase,
                takes_recovery,
                trouble: trouble.take(),
            };
            let answered = self.ask.ask(&question).await;
            let with = match &answered {
                Some(Answered::Passphrase(typed)) => UnlockWith::Passphrase(typed),
                Some(Answered::Recovery(code)) => UnlockWith::Recovery(code),
                Some(Answered::Cancelled) => return Err(cancelled()),
                // After a wrong answer, no further one means that the wrong one stands.
                None if tried > 0 => {
                    return Err(question.trouble.unwrap_or_else(|| still_locked(None)));
                }
                None => return Err(still_locked(question.trouble)),
            };
            match holder.unlock(&self.vault, with, meant).await {
                Err(error) if matches!(error.code(), Code::WrongPassphrase | Code::BadInput) => {
                    trouble = Some(error);
                }
                outcome => return outcome,
            }
        }
        Err(trouble.unwrap_or_else(|| still_locked(None)))
    }

    /// Shows a wait for the keychain's owner while `using` it goes on.
    async fn shown<T>(&self, holder: &Holder, using: impl Future<Output = Result<T>>) -> Result<T> {
        let mut notice = holder.waiting();
        let given_up = self.given_up.notified();
        tokio::pin!(using, given_up);
        let mut is_shown = false;
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut using => break outcome,
                Ok(()) = notice.changed() => {
                    is_shown = *notice.borrow_and_update();
                    self.ask.waiting(is_shown);
                }
                // The agent notices that nobody is there any more. What this process does itself is
                // never cut off: its keychain ends the wait.
                () = &mut given_up, if is_shown && matches!(holder, Holder::Agent(_)) => {
                    break Err(keychain::not_waited_for());
                }
            }
        };
        if is_shown {
            self.ask.waiting(false);
        }
        outcome
    }

    /// Forgets a holder that turned out locked or gone, so that the next need looks again.
    async fn look_again(&self, error: &Error) -> bool {
        let mut found = self.found.lock().await;
        let is_stale = match &*found {
            Some(Holder::Agent(_)) => {
                matches!(error.code(), Code::Locked | Code::Failed | Code::Timeout)
            }
            Some(Holder::Own(_)) => error.code() == Code::Locked,
            None => true,
        };
        if is_stale {
            *found = None;
        }
        is_stale
    }
}

/// Opens the vault and asks its holder; once more if that one was locked or ended meanwhile.
macro_rules! once_open {
    ($access:ident, $custody:ident => $use:expr) => {
        Box::pin(async move {
            let holder = $access.open().await?;
            let $custody = holder.custody();
            match $use.await {
                Err(error) if $access.look_again(&error).await => {
                    let holder = $access.open().await?;
                    let $custody = holder.custody();
                    $use.await
                }
                outcome => outcome,
            }
        })
    };
}

impl Custody for Access {
    fn open_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        purpose: &'a str,
    ) -> Later<'a, ApiKey> {
        once_open!(self, custody => custody.open_key(key, base_url, purpose))
    }

    fn seal_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        secret: &'a ApiKey,
    ) -> Later<'a, SealedKey> {
        once_open!(self, custody => custody.seal_key(key, base_url, secret))
    }

    fn history_key(&self) -> Later<'_, HistoryKey> {
        once_open!(self, custody => custody.history_key())
    }

    fn could_open(&self) -> Later<'_, ()> {
        Box::pin(async move {
            let status = existing(self.status().await?)?;
            match status.is_unlocked() || status.opens_silently() {
                true => Ok(()),
                false => Err(still_locked(None)),
            }
        })
    }

    fn shares_commits(&self) -> bool {
        // Somebody who is looking for the vault at this moment may find an agent.
        self.found
            .try_lock()
            .is_ok_and(|found| matches!(&*found, Some(Holder::Own(_))))
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access")
    }
}

/// Does it once more where the agent that was asked had just ended: there is another, or none.
async fn twice<T, F: Future<Output = Result<T>>>(doing: impl Fn() -> F) -> Result<T> {
    match doing().await {
        Err(error) if has_broken_off(&error) => doing().await,
        outcome => outcome,
    }
}
