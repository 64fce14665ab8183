//! The platform's own keychain, through the crates of the keyring project.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error as Trouble};
use zeroize::{Zeroize, Zeroizing};

use super::{Entries, EntryBytes, unavailable};
use crate::error::{Error, Result};

/// The name under which every vault's entry is filed.
const SERVICE: &str = "switchyard";

/// The keychain of this login. Each call connects anew, so that a keychain that was restarted, or
/// came up late, is found.
pub(super) struct System;

impl Entries for System {
    fn read(&self, name: &str) -> Result<Option<EntryBytes>> {
        match entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(Trouble::NoEntry) => Ok(None),
            Err(trouble) => Err(worded(trouble)),
        }
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<()> {
        entry(name)?.set_secret(value).map_err(worded)
    }

    fn remove(&self, name: &str) -> Result<()> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Trouble::NoEntry) => Ok(()),
            Err(trouble) => Err(worded(trouble)),
        }
    }

    fn is_locked(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(is_locked())
    }
}

fn entry(name: &str) -> Result<Entry> {
    let store = store().map_err(worded)?;
    // Only the Secret Service shows a label, and only it takes one here.
    let label = HashMap::from([("label", "Switchyard vault")]);
    let modifiers = cfg!(all(unix, not(target_os = "macos"))).then_some(&label);
    store.build(SERVICE, name, modifiers).map_err(worded)
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<impl CredentialStoreApi>, Trouble> {
    apple_native_keyring_store::keychain::Store::new()
}

#[cfg(windows)]
fn store() -> Result<Arc<impl CredentialStoreApi>, Trouble> {
    windows_native_keyring_store::Store::new()
}

#[cfg(all(unix, not(target_os = "macos")))]
fn store() -> Result<Arc<impl CredentialStoreApi>, Trouble> {
    zbus_secret_service_keyring_store::Store::new()
}

/// Words what the keychain said. Its error may carry bytes of the secret, so it goes no further
/// than here, and those bytes are wiped.
fn worded(trouble: Trouble) -> Error {
    match trouble {
        Trouble::BadEncoding(mut bytes) | Trouble::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            unavailable("its entry can't be read")
        }
        Trouble::NoStorageAccess(_) => unavailable("it is locked and was not unlocked"),
        Trouble::Ambiguous(_) => unavailable("it holds more than one entry for this vault"),
        Trouble::PlatformFailure(_) | Trouble::NoDefaultStore => {
            unavailable("none is running in this login session, or it failed")
        }
        _ => unavailable("it refused the request"),
    }
}

/// Asks the Secret Service whether its default collection is locked. Any failure counts as "no":
/// then nobody is being asked, and there is nothing to be patient for.
#[cfg(all(unix, not(target_os = "macos")))]
async fn is_locked() -> bool {
    ask_whether_locked().await.unwrap_or(false)
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn ask_whether_locked() -> zbus::Result<bool> {
    const NAME: &str = "org.freedesktop.secrets";
    let bus = zbus::Connection::session().await?;
    let service = zbus::Proxy::new(
        &bus,
        NAME,
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service",
    )
    .await?;
    let path: zbus::zvariant::OwnedObjectPath = service.call("ReadAlias", &"default").await?;
    let collection =
        zbus::Proxy::new(&bus, NAME, path, "org.freedesktop.Secret.Collection").await?;
    collection.get_property("Locked").await
}

/// macOS asks its user whenever it likes and can't be asked whether it is doing so.
#[cfg(target_os = "macos")]
async fn is_locked() -> bool {
    true
}

/// Windows opens its store with the login and never asks.
#[cfg(windows)]
async fn is_locked() -> bool {
    false
}
