//! What is tested inside of a session: see the module above.

use std::path::Path;
use std::time::Duration;

use switchyard_core::child::{self, Environment};
use switchyard_core::clock::Clock;
use switchyard_core::db::Db;
use switchyard_core::paths::Paths;
use switchyard_core::secret::Passphrase;
use switchyard_core::vault::{
    Cost, Custody, Keychain, Lock, NewSlot, NewVault, UnlockWith, Vault, Why, vault_id,
};
use switchyard_core::{Code, Result};
use tokio_util::sync::CancellationToken;
use zbus::Connection;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, Value};

const SECRETS: &str = "org.freedesktop.secrets";

/// A store in this session's home.
fn store() -> Db {
    assert!(
        std::env::var_os(super::INSIDE).is_some(),
        "only runs inside a session of its own"
    );
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

/// Runs `secret-tool` with our entry's attributes and `text` on its standard input.
async fn secret_tool(act: &[&str], text: &str) {
    let id = store().read(vault_id).unwrap();
    let script = r#"text=$1; shift; printf %s "$text" | secret-tool "$@""#;
    let own: Vec<_> = std::env::vars_os().collect();
    let environment = own
        .into_iter()
        .fold(Environment::default(), |all, (name, value)| {
            all.with(name, value)
        });
    let mut command = child::command(Path::new("sh"), &environment);
    command.args(["-c", script, "sh", text]).args(act).args([
        "service",
        "switchyard",
        "username",
        &id,
    ]);
    let done = child::output(command, Duration::from_secs(20), 10_000)
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.code, Some(0), "{complaint}");
}

#[tokio::test]
#[ignore = "runs inside a session of its own"]
async fn an_unlocked_keyring() {
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

    let other = "x".repeat(32);
    secret_tool(&["store", "--label=x"], &other).await;
    assert_eq!(
        code(vault.unlock(UnlockWith::Keychain).await),
        Some(Code::KeychainMismatch)
    );
    secret_tool(&["store", "--label=x"], &other[1..]).await;
    assert_eq!(
        code(vault.unlock(UnlockWith::Keychain).await),
        Some(Code::KeychainMismatch)
    );
    secret_tool(&["clear"], "").await;
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
    let service = zbus::Proxy::new(
        &bus,
        SECRETS,
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service",
    )
    .await
    .unwrap();
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
