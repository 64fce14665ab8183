//! Lending a key to the clipboard, the one way by which a whole key leaves the program.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use switchyard_core::secret::ApiKey;
use switchyard_core::{Error, Result};
use tauri::AppHandle;
use tauri_plugin_clipboard_manager::ClipboardExt;
use zeroize::Zeroizing;

/// How long a key stays in the clipboard.
const LENT_FOR: Duration = Duration::from_secs(60);

/// How long the clipboard has at the end to give a key back; whoever holds it may not answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// The key that is in the clipboard now.
#[derive(Default)]
pub(crate) struct Lent(Arc<Mutex<Option<Zeroizing<String>>>>);

impl Lent {
    /// Puts a key into the clipboard, and takes it out again when its time is over.
    pub(crate) fn lend(&self, handle: &AppHandle, key: &ApiKey) -> Result<()> {
        handle
            .clipboard()
            .write_text(key.expose())
            .map_err(|e| Error::failed("The clipboard did not take the key.").because(e))?;
        let lent = Zeroizing::new(key.expose().to_owned());
        let held = Arc::clone(&self.0);
        *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(lent.clone());
        let handle = handle.clone();
        tauri::async_runtime::spawn(async move {
            tokio::time::sleep(LENT_FOR).await;
            clear(&handle, &lent);
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            held.take_if(|held| *held == lent);
        });
        Ok(())
    }

    /// Takes the key that was lent last out again, before its time, because the program ends.
    pub(crate) fn take_back(&self, handle: &AppHandle) {
        let lent = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(lent) = lent else { return };
        let handle = handle.clone();
        let (done, cleared) = mpsc::channel();
        std::thread::spawn(move || {
            clear(&handle, &lent);
            let _ = done.send(());
        });
        if cleared.recv_timeout(PATIENCE).is_err() {
            tracing::warn!("the clipboard did not answer; a key may still be in it");
        }
    }
}

/// Empties the clipboard, unless something else was copied since.
fn clear(handle: &AppHandle, lent: &Zeroizing<String>) {
    let now = handle.clipboard().read_text().map(Zeroizing::new);
    if now.is_ok_and(|now| now == *lent) && handle.clipboard().clear().is_err() {
        tracing::warn!("the clipboard could not be cleared");
    }
}
