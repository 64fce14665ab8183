//! Lending a key to the clipboard, the one way by which a whole key leaves the program.

use std::time::Duration;

use switchyard_core::secret::ApiKey;
use switchyard_core::{Error, Result};
use tauri::AppHandle;
use tauri_plugin_clipboard_manager::ClipboardExt;
use zeroize::Zeroizing;

/// How long a key stays in the clipboard.
const LENT_FOR: Duration = Duration::from_secs(60);

/// Puts a key into the clipboard and takes it out again, unless something else was copied since.
pub(crate) fn lend(handle: &AppHandle, key: &ApiKey) -> Result<()> {
    handle
        .clipboard()
        .write_text(key.expose())
        .map_err(|e| Error::failed("The clipboard did not take the key.").because(e))?;
    let lent = Zeroizing::new(key.expose().to_owned());
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(LENT_FOR).await;
        let now = handle.clipboard().read_text().map(Zeroizing::new);
        if now.is_ok_and(|now| *now == *lent) && handle.clipboard().clear().is_err() {
            tracing::warn!("the clipboard could not be cleared");
        }
    });
    Ok(())
}
