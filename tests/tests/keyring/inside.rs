//! What is tested inside of a session: see the module above.

use std::collections::HashMap;
use std::time::Duration;

use switchyard_core::clock::Clock;
use switchyard_core::db::Db;
use switchyard_core::paths::Paths;
use switchyard_core::secret::Passphrase;
use switchyard_core::vault::{
    Cost, Custody, Keychain, Lock, NewSlot, NewVault, UnlockWith, Vault, Why, vault_id,
};
use switchyard_core::{Code, Result};
use tokio_util::sync::CancellationToken;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

const SECRETS: &str = "org.freedesktop.secrets";

/// Tells whether this process was started in a session for these tests. Where all ignored tests are
/// run at once there is none, and the keyring would be the user's own.
fn is_inside() -> bool {
    std::env::var_os(super::INSIDE).is_some()
}

/// A store in this session's home.
fn store() -> Db {
    Db::open(&Paths::of_user().unwrap(), &Clock::system()).unwrap()
}

fn vault() -> Vault {
    Vault::of(store(), Keychain::of_system(), "test").with_cost(Cost::LEAST)
}

fn keychain_only() -> NewVault {
    NewVault {
        keychain: true,
        ..NewVault::default()
    }
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code())
}

fn passphrase() -> Passphrase {
    Passphrase::new("seven ducks in a row".to_owned())
}

async fn proxy(bus: &Connection, path: OwnedObjectPath, interface: &'static str) -> Proxy<'static> {
    Proxy::new_owned(bus.clone(), SECRETS, path, interface)
        .await
        .unwrap()
}

async fn service(bus: &Connection) -> Proxy<'static> {
    let path = ObjectPath::from_static_str_unchecked("/org/freedesktop/secrets");
    proxy(bus, path.into(), "org.freedesktop.Secret.Service").await
}

/// Puts `value` into the vault's entry behind its back, or removes the entry.
async fn replace_entry(value: Option<&[u8]>) {
    let bus = Connection::session().await.unwrap();
    let service = service(&bus).await;
    let id = store().read(vault_id).unwrap();
    let wanted = HashMap::from([("service", "switchyard"), ("username", id.as_str())]);
    let (found, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service.call("SearchItems", &wanted).await.unwrap();
    assert_eq!(found.len(), 1, "the entry is not named by the vault's id");
    let item = proxy(&bus, found[0].clone(), "org.freedesktop.Secret.Item").await;
    let Some(value) = value else {
        let _: OwnedObjectPath = item.call("Delete", &()).await.unwrap();
        return;
    };
    let (_, session): (OwnedValue, OwnedObjectPath) = service
        .call("OpenSession", &("plain", Value::from("")))
        .await
        .unwrap();
    let secret = (session, Vec::<u8>::new(), value, "application/octet-stream");
    let () = item.call("SetSecret", &(secret,)).await.unwrap();
}

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn an_unlocked_keyring() {
    if !is_inside() {
        return;
    }
    let created = vault().create(keychain_only()).await.unwrap();
    assert!(created.no_keychain.is_none());
    let vault = vault();
    vault.unlock_silently().await.unwrap();
    let history = *vault.history_key().await.unwrap().expose();
    vault.lock().await.unwrap();
    vault.unlock(UnlockWith::Keychain).await.unwrap();
    assert_eq!(*vault.history_key().await.unwrap().expose(), history);
    let phrase = passphrase();
    vault.add_slot(NewSlot::Passphrase(&phrase)).await.unwrap();

    for length in [0, 31, 32, 33] {
        replace_entry(Some(&vec![7; length])).await;
        let outcome = vault.unlock(UnlockWith::Keychain).await;
        assert_eq!(
            code(outcome),
            Some(Code::KeychainMismatch),
            "{length} bytes"
        );
    }
    replace_entry(None).await;
    assert_eq!(
        code(vault.unlock(UnlockWith::Keychain).await),
        Some(Code::KeychainEmpty)
    );
    vault.unlock(UnlockWith::Passphrase(&phrase)).await.unwrap();
    vault.add_slot(NewSlot::Keychain).await.unwrap();
    vault.unlock(UnlockWith::Keychain).await.unwrap();
    assert_eq!(*vault.history_key().await.unwrap().expose(), history);
}

/// Locks the keyring's default collection, as its owner can.
async fn lock_keyring() {
    let bus = Connection::session().await.unwrap();
    let service = service(&bus).await;
    let collection: OwnedObjectPath = service.call("ReadAlias", &"default").await.unwrap();
    let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) = service
        .call("Lock", &vec![ObjectPath::from(collection)])
        .await
        .unwrap();
    assert_eq!(locked.len(), 1, "the keyring did not lock");
}

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn a_locked_keyring() {
    if !is_inside() {
        return;
    }
    let vault = vault();
    vault.create(keychain_only()).await.unwrap();
    vault.lock().await.unwrap();
    lock_keyring().await;
    // There is nobody here to be asked, and no window to ask in.
    let error = vault.unlock(UnlockWith::Keychain).await.unwrap_err();
    assert_eq!(error.code(), Code::KeychainUnavailable, "{error}");
    assert!(error.message().contains("locked"), "{error}");
    {
        let waiting = vault.unlock(UnlockWith::Keychain);
        // Cancelled before it can have been answered.
        tokio::select! {
            biased;
            _ = waiting => panic!("it was answered at once"),
            () = std::future::ready(()) => {}
        }
    }
    assert_eq!(vault.status().unwrap().lock, Lock::Locked(Why::Asked));
}

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn no_keyring() {
    if !is_inside() {
        return;
    }
    let vault = vault();
    let error = vault.create(keychain_only()).await.unwrap_err();
    assert_eq!(error.code(), Code::KeychainUnavailable);
    assert!(error.advice().unwrap().contains("passphrase"));
    assert!(!vault.status().unwrap().exists);
    let both = NewVault {
        keychain: true,
        passphrase: Some(passphrase()),
        recovery: false,
    };
    let created = vault.create(both).await.unwrap();
    assert_eq!(
        created.no_keychain.map(|error| error.code()),
        Some(Code::KeychainUnavailable)
    );
    vault.history_key().await.unwrap();
}

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn a_silent_keyring() {
    if !is_inside() {
        return;
    }
    // Owns the name, reads nothing, answers nothing.
    let silent = Connection::session().await.unwrap();
    silent.request_name(SECRETS).await.unwrap();
    let vault = vault();
    let error = vault.create(keychain_only()).await.unwrap_err();
    assert_eq!(error.code(), Code::KeychainUnavailable);
    assert!(error.message().contains("did not answer"), "{error}");
    // The thread that waits is still there when this process ends.
}

/// A Secret Service whose collection is locked, and whose owner never comes.
struct Asking;

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl Asking {
    async fn open_session(
        &self,
        _algorithm: &str,
        _input: Value<'_>,
    ) -> (Value<'_>, OwnedObjectPath) {
        std::future::pending().await
    }

    async fn read_alias(&self, _name: &str) -> OwnedObjectPath {
        ObjectPath::from_static_str_unchecked(COLLECTION).into()
    }
}

struct LockedCollection;

#[zbus::interface(name = "org.freedesktop.Secret.Collection")]
impl LockedCollection {
    #[zbus(property)]
    async fn locked(&self) -> bool {
        true
    }
}

const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn an_asking_keyring() {
    if !is_inside() {
        return;
    }
    let service = Connection::session().await.unwrap();
    let objects = service.object_server();
    objects
        .at("/org/freedesktop/secrets", Asking)
        .await
        .unwrap();
    objects.at(COLLECTION, LockedCollection).await.unwrap();
    service.request_name(SECRETS).await.unwrap();
    let vault = vault();
    let mut notice = vault.keychain().waiting();
    {
        let making = vault.create(keychain_only());
        let shown = async { notice.wait_for(|is_shown| *is_shown).await.map(drop) };
        tokio::select! {
            outcome = making => panic!("nobody was waited for: {outcome:?}"),
            shown = shown => shown.unwrap(),
        }
    }
    // Cancelled: the notice is down, nothing was made, and the end of this process is not held up.
    assert!(!*vault.keychain().waiting().borrow());
    assert!(!vault.status().unwrap().exists);
}

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn a_locked_screen() {
    if !is_inside() {
        return;
    }
    let vault = vault();
    vault.create(keychain_only()).await.unwrap();
    let cancel = CancellationToken::new();
    let guard = tokio::spawn({
        let (vault, cancel) = (vault.clone(), cancel.clone());
        async move { vault.lock_by_itself(cancel).await }
    });
    let bus = Connection::session().await.unwrap();
    let mut lock = vault.watch();
    let saver = async {
        // Again and again, because nothing tells when the vault has begun to listen.
        let mut again = tokio::time::interval(Duration::from_millis(50));
        loop {
            again.tick().await;
            let (path, name) = ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver");
            bus.emit_signal(None::<&str>, path, name, "ActiveChanged", &true)
                .await
                .unwrap();
        }
    };
    let locked = async {
        let reason = Lock::Locked(Why::Screen);
        lock.wait_for(|now| *now == reason).await.map(drop)
    };
    tokio::select! {
        () = saver => {}
        locked = locked => locked.unwrap(),
    }
    cancel.cancel();
    guard.await.unwrap();
}
