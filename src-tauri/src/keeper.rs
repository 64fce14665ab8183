//! What goes on behind the window: the vault is kept for other faces, changes are told, and at the
//! end every run is booked.

use std::sync::Arc;
use std::time::Duration;

use switchyard_core::agent::Server;
use switchyard_core::vault::Vault;
use switchyard_core::{Code, Result};
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Manager};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::desktop::Desktop;
use crate::instance;
use crate::replies::Change;

/// How long runs under way have at the end to be booked. A keychain that hangs is not waited for.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Begins the work behind the window.
pub(crate) fn start(desktop: &Arc<Desktop>, handle: &AppHandle) {
    let (own, front) = (Arc::clone(desktop), handle.clone());
    spawn(async move {
        if let Err(error) = instance::listen(front, own.app.paths()).await {
            tracing::warn!(%error, "a second start will not bring the window to the front");
        }
    });
    spawn(until_told(handle.clone()));
    let own = Arc::clone(desktop);
    spawn(async move {
        if let Err(error) = keep(&own).await {
            tracing::warn!(%error, "the store is not followed");
        }
    });
}

/// Ends every run and lets them be booked.
pub(crate) fn finish(handle: &AppHandle) {
    // A second start that only knocked has nothing to end.
    if let Some(desktop) = handle.try_state::<Arc<Desktop>>() {
        block_on(desktop.in_flight.end_all(PATIENCE));
    }
}

/// Ends the program as its menu does when the session ends, or a terminal that it was started from.
#[cfg(unix)]
async fn until_told(handle: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let of =
        |kind| signal(kind).inspect_err(|error| tracing::warn!(%error, "a signal is not heard"));
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) = (
        of(SignalKind::terminate()),
        of(SignalKind::interrupt()),
        of(SignalKind::hangup()),
    ) else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = hup.recv() => {}
    }
    handle.exit(0);
}

#[cfg(not(unix))]
async fn until_told(_handle: AppHandle) {}

async fn keep(desktop: &Desktop) -> Result<()> {
    // Nothing is made before the user wants a vault.
    let mut changes = desktop.followers.listen();
    while desktop.app.db_if_any()?.is_none() {
        if changes.recv().await.is_err() {
            return Ok(());
        }
    }
    let vault = desktop.app.vault()?.clone();
    let _ = desktop.app.catch_up().await;
    tokio::join!(
        serve(desktop, &vault),
        follow(desktop),
        lock_shown(desktop, &vault)
    );
    Ok(())
}

/// Serves the vault to the user's other processes, which also locks it by itself when its time has
/// come. Where an agent does so already, takes its place as soon as it has ended: what is unlocked here
/// afterwards must be neither asked for again elsewhere nor left open.
async fn serve(desktop: &Desktop, vault: &Vault) {
    let mut changes = desktop.followers.listen();
    loop {
        match Server::bind(desktop.app.paths(), vault.clone()) {
            Ok(server) => return server.serve(CancellationToken::new()).await,
            // Unlocking the vault here is a change; before that there is nothing to serve.
            Err(error) if error.code() == Code::Duplicate => {
                if let Err(RecvError::Closed) = changes.recv().await {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "other commands will ask for the passphrase themselves");
                return vault.lock_by_itself(CancellationToken::new()).await;
            }
        }
    }
}

async fn follow(desktop: &Desktop) {
    let watched = desktop.app.db().and_then(switchyard_core::db::Db::changes);
    let mut changes = match watched {
        Ok(changes) => changes,
        Err(error) => {
            tracing::warn!(%error, "changes by other processes are not noticed");
            return;
        }
    };
    while changes.next().await.is_ok() {
        desktop.followers.tell(Change::Store);
    }
}

/// Tells of the lock, which is a fact of this process besides what the store says.
async fn lock_shown(desktop: &Desktop, vault: &Vault) {
    let mut lock = vault.watch();
    while lock.changed().await.is_ok() {
        desktop.followers.tell(Change::Store);
    }
}
