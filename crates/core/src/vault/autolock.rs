//! Locking by itself: when nobody has used the vault for a while, when the machine goes to sleep,
//! and when the screen is locked.

use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use zbus::zvariant::Value;
use zbus::{Connection, Message, MessageStream};

use super::state::{Standing, Vault, Why};
use crate::db::Changes;
use crate::error::Result;

const LOGIND: &str = "org.freedesktop.login1";
const SESSION: &str = "org.freedesktop.login1.Session";

/// How long logind has to say whose session it is. Sleep, which it announces as well, waits for this.
const ANSWER: Duration = Duration::from_millis(500);

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
            let message = message?;
            if let Some(why) = meaning(&message)
                && !is_of_another(&bus, &message).await
            {
                self.lock_because(why);
            }
        }
        Ok(())
    }
}

/// Tells whether a signal is about the session of another user: logind tells everybody when any
/// session is to be locked. Where that can't be found out, it counts as one's own.
async fn is_of_another(bus: &Connection, signal: &Message) -> bool {
    let header = signal.header();
    let is_session = |_: &_| header.interface().is_some_and(|name| *name == SESSION);
    let Some(session) = header.path().filter(is_session) else {
        return false;
    };
    let properties = Some("org.freedesktop.DBus.Properties");
    let asked = &(SESSION, "User");
    let asking = bus.call_method(Some(LOGIND), session, properties, "Get", asked);
    let answer = tokio::time::timeout(ANSWER, asking).await;
    answer.is_ok_and(|answer| names_another(answer, own_user()))
}

fn names_another(answer: zbus::Result<Message>, own: Option<u32>) -> bool {
    let user = answer.ok().and_then(|answer| user_of(&answer));
    matches!((user, own), (Some(user), Some(own)) if user != own)
}

/// Reads a session's property `User`: the user's number, and the path of an object.
fn user_of(answer: &Message) -> Option<u32> {
    match answer.body().deserialize::<Value<'_>>().ok()? {
        Value::Structure(user) => match user.fields() {
            [Value::U32(number), _] => Some(*number),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(unix)]
fn own_user() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn own_user() -> Option<u32> {
    None
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
        (SESSION, "Lock") => Some(Why::Screen),
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

    #[test]
    fn a_session_is_anothers_only_where_logind_says_so() {
        let call = Message::method_call("/a/session", "Get").unwrap();
        let call = call.build(&()).unwrap();
        let answer = |value: Value<'_>| {
            let answer = Message::method_return(&call.header()).unwrap();
            answer.build(&value)
        };
        let of_user = |number: u32| {
            let object = zbus::zvariant::ObjectPath::try_from("/a/user").unwrap();
            answer(Value::from((number, object)))
        };
        assert!(names_another(of_user(1001), Some(1000)));
        assert!(!names_another(of_user(1000), Some(1000)));
        let refused = Message::error(&call.header(), "org.freedesktop.DBus.Error.Failed");
        let unclear = [
            answer(Value::from("1001")),
            answer(Value::from((1001_u32, 1_u32, 1_u32))),
            refused.unwrap().build(&"no such session"),
            Err(zbus::Error::InvalidReply),
        ];
        for answer in unclear {
            assert!(!names_another(answer, Some(1000)), "it has to lock then");
        }
        assert!(!names_another(of_user(1001), None));
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
