//! One window for each store. The plugin brings the first one to the front over the session bus; a
//! lock of our own holds where there is no bus, and then a line in a socket does the bringing.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use switchyard_core::db::private_folder;
use switchyard_core::paths::Paths;
use switchyard_core::{Error, Result};
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Wry};
use tokio::net::UnixListener;

use crate::window;

/// How long a door that can't be listened at is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// Returns the plugin, under a name that is this store's own: the demo's window is another one.
pub(crate) fn plugin(paths: &Paths) -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::Builder::new()
        .callback(|handle, _arguments, _folder| show(handle))
        .dbus_id(format!(
            "dev.switchyard.desktop.s{:016x}",
            fingerprint(paths)
        ))
        .build()
}

/// Brings the window to the front whenever somebody knocks, for as long as the program runs.
pub(crate) async fn listen(handle: AppHandle, paths: &Paths) -> Result<()> {
    private_folder(paths.runtime())?;
    let door = door(paths);
    let closed = |e: io::Error| Error::failed("The window's door can't be opened.").because(e);
    // Only the holder of the lock gets here, so what is there is a dead process's.
    let _ = std::fs::remove_file(&door);
    let listener = UnixListener::bind(&door).map_err(closed)?;
    loop {
        match listener.accept().await {
            Ok(_) => show(&handle),
            // Such as no descriptor left: a moment later there may be one.
            Err(error) => {
                tracing::warn!(%error, "a knock was not heard");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Knocks at the first window's door. That it is not heard leaves things as they are.
pub(crate) fn knock(paths: &Paths) {
    let _ = UnixStream::connect(door(paths));
}

fn show(handle: &AppHandle) {
    if let Err(error) = window::open(handle) {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
}

fn door(paths: &Paths) -> PathBuf {
    // The folder may be the same for several stores.
    let store = fingerprint(paths);
    paths.runtime().join(format!("window-{store:016x}.sock"))
}

/// Tells stores apart. The same in every process of one version, which is all that it has to be.
fn fingerprint(paths: &Paths) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    paths.data().hash(&mut hasher);
    hasher.finish()
}
