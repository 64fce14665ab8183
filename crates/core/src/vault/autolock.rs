//! Locking by itself: when nobody has used the vault for a while, when the machine goes to sleep,
//! and when the screen is locked.

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use zbus::{Connection, Message, MessageStream};

use super::state::{Standing, Vault, Why};
use crate::db::Changes;
use crate::error::Result;

impl Vault {
    /// Locks the vault whenever its time has come, until `cancel`. Whoever keeps a vault open for
    /// long runs this beside it.
    ///
    /// A machine without logind or a screen saver is fine: then only idleness counts.
    pub async fn lock_by_itself(&self, cancel: CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.watch_store() => {}
            () = self.watch_system_bus() => {}
            () = self.watch_session_bus() => {}
        }
    }

    /// Waits for the moment at which the vault will have been idle for too long; a use in between
    /// only moves that moment. A changed setting, and a lock that another process asked for, are
    /// noticed as a change of the store.
    async fn watch_store(&self) {
        let mut lock = self.watch();
        let mut changes = self.shared.db.changes().ok();
        loop {
            let left = match self.settle() {
                Ok(Standing::Open(left)) => left,
                Ok(Standing::Locked) => None,
                Err(error) => {
                    tracing::warn!(%error, "the idle limit can't be read");
                    None
                }
            };
            let time_is_up = async {
                match left {
                    Some(left) => tokio::time::sleep(left).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = time_is_up => {}
                outcome = next_change(&mut changes) => if outcome.is_err() {
                    changes = None;
                },
                // The sender lives in the vault itself, so this does not fail.
                _ = lock.changed() => {}
            }
        }
    }

    async fn watch_system_bus(&self) {
        const SLEEP: &str =
            "type='signal',sender='org.freedesktop.login1',member='PrepareForSleep'";
        const LOCK: &str = "type='signal',sender='org.freedesktop.login1',member='Lock'";
        if let Err(error) = self
            .follow(Connection::system().await, &[SLEEP, LOCK])
            .await
        {
            tracing::debug!(%error, "sleep is not noticed");
        }
        // Without logind there is nothing to wait for; the other reasons go on.
        std::future::pending::<()>().await;
    }

    async fn watch_session_bus(&self) {
        const SAVER: &str = "type='signal',member='ActiveChanged'";
        if let Err(error) = self.follow(Connection::session().await, &[SAVER]).await {
            tracing::debug!(%error, "the locking of the screen is not noticed");
        }
        std::future::pending::<()>().await;
    }

    /// Locks at every signal on this bus that fits one of the rules and means it.
    async fn follow(&self, bus: zbus::Result<Connection>, rules: &[&str]) -> zbus::Result<()> {
        let bus = bus?;
        let mut streams = Vec::new();
        for rule in rules {
            streams.push(MessageStream::for_match_rule(*rule, &bus, None).await?);
        }
        let mut all = futures_util::stream::select_all(streams);
        while let Some(message) = all.next().await {
            if let Some(why) = meaning(&message?) {
                self.lock_because(why);
            }
        }
        Ok(())
    }
}

async fn next_change(changes: &mut Option<Changes>) -> Result<()> {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}

/// Returns why a signal locks the vault, if it does.
///
/// `PrepareForSleep(true)` comes before sleep and `(false)` after it; `Lock` is logind's request to
/// lock a session; `ActiveChanged(true)` is every desktop's word for a locked screen
/// (`org.freedesktop.ScreenSaver`, `org.gnome.ScreenSaver`, …).
fn meaning(signal: &Message) -> Option<Why> {
    let header = signal.header();
    let (interface, member) = (header.interface()?.as_str(), header.member()?.as_str());
    let is_on = || signal.body().deserialize::<bool>().unwrap_or(false);
    match (interface, member) {
        ("org.freedesktop.login1.Manager", "PrepareForSleep") => is_on().then_some(Why::Suspend),
        ("org.freedesktop.login1.Session", "Lock") => Some(Why::Screen),
        (saver, "ActiveChanged") if saver.ends_with(".ScreenSaver") => {
            is_on().then_some(Why::Screen)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;
    use crate::vault::tests::support::House;
    use crate::vault::{LOCK_AFTER_MINUTES, Lock};

    fn signal(interface: &str, member: &str, is_on: Option<bool>) -> Message {
        let builder = Message::signal("/a/path", interface, member).unwrap();
        match is_on {
            Some(is_on) => builder.build(&is_on),
            None => builder.build(&()),
        }
        .unwrap()
    }

    #[test]
    fn sleep_and_a_locked_screen_lock_and_waking_up_does_not() {
        let logind = "org.freedesktop.login1.Manager";
        let of = |interface: &str, member: &str, is_on| meaning(&signal(interface, member, is_on));
        assert_eq!(
            of(logind, "PrepareForSleep", Some(true)),
            Some(Why::Suspend)
        );
        assert_eq!(of(logind, "PrepareForSleep", Some(false)), None);
        assert_eq!(of(logind, "PrepareForSleep", None), None);
        assert_eq!(
            of("org.freedesktop.login1.Session", "Lock", None),
            Some(Why::Screen)
        );
        assert_eq!(of("org.freedesktop.login1.Session", "Unlock", None), None);
        for desktop in ["freedesktop", "gnome", "mate", "cinnamon", "xfce"] {
            let saver = format!("org.{desktop}.ScreenSaver");
            assert_eq!(of(&saver, "ActiveChanged", Some(true)), Some(Why::Screen));
            assert_eq!(of(&saver, "ActiveChanged", Some(false)), None);
        }
        assert_eq!(of("org.example.Player", "ActiveChanged", Some(true)), None);
    }

    #[tokio::test]
    async fn an_idle_vault_locks_itself_once_a_shorter_limit_is_set() {
        let house = House::new();
        let (vault, _) = house.full().await;
        house.clock.set(Millis(house.clock.now().0 + 6 * 60_000));
        let cancel = CancellationToken::new();
        let task = tokio::spawn({
            let (vault, cancel) = (vault.clone(), cancel.clone());
            async move { vault.lock_by_itself(cancel).await }
        });
        let mut lock = vault.watch();
        assert_eq!(*lock.borrow_and_update(), Lock::Unlocked);
        house.change(|store| LOCK_AFTER_MINUTES.set(store, &Some(5), Millis(0)));
        let locked = lock.wait_for(|now| *now == Lock::Locked(Why::Idle)).await;
        drop(locked.unwrap());
        cancel.cancel();
        task.await.unwrap();
    }
}
