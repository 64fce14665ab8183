//! What goes on behind the window: the vault is kept for other faces, changes are told, and at the
//! end every run is booked.

use std::sync::Arc;
use std::time::Duration;

use switchyard_core::agent::Server;
use switchyard_core::shell::{Asker, Changes, Question};
use switchyard_core::vault::{Lock, Vault};
use switchyard_core::{App, Code};
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Manager};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::desktop::Desktop;
use crate::followers::Followers;
use crate::instance;
use crate::replies::Change;
use crate::tray;

/// How long runs under way have at the end to be booked. A keychain that hangs is not waited for.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// After how long something that failed is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// How long the first screen has until the rest goes on without it.
const SOON_ENOUGH: Duration = Duration::from_secs(5);

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
        first_screen(&own).await;
        watch_payer(&own.followers).await;
    });
    let (own, tray_of) = (Arc::clone(desktop), handle.clone());
    spawn(async move {
        first_screen(&own).await;
        show_tray(&tray_of);
    });
    let own = Arc::clone(desktop);
    spawn(async move { keep(&own).await });
}

/// Waits until the first screen can be seen: nothing of this must hold it up. A page that fails does not
/// hold this up, either.
async fn first_screen(desktop: &Desktop) {
    let mut is_shown = desktop.is_shown.subscribe();
    let shown = is_shown.wait_for(|is_shown| *is_shown);
    if tokio::time::timeout(SOON_ENOUGH, shown).await.is_err() {
        tracing::warn!("the first screen takes long");
    }
}

fn show_tray(handle: &AppHandle) {
    let own = handle.clone();
    let shown = handle.run_on_main_thread(move || {
        // Without a tray there is still a window, and closing it ends the program.
        if let Err(error) = tray::start(&own) {
            tracing::warn!(%error, "there is no tray");
        }
    });
    if let Err(error) = shown {
        tracing::warn!(%error, "there is no tray");
    }
}

/// Ends every run and lets them be booked.
pub(crate) fn finish(handle: &AppHandle) {
    // A second start that only knocked has nothing to end.
    if let Some(desktop) = handle.try_state::<Arc<Desktop>>() {
        desktop.lent.take_back(handle);
        block_on(desktop.in_flight.end_all(PATIENCE));
        desktop.app.close_farm();
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

/// Opens the store while the web view starts, so that the page's first question finds it open and
/// watched; all that can wait begins after the first screen.
async fn keep(desktop: &Desktop) {
    let vault = vault_of(desktop).await;
    let lock = vault.watch();
    let later = async {
        first_screen(desktop).await;
        tokio::join!(serve(desktop, &vault), desktop.app.keep_tidy());
    };
    let followers = &desktop.followers;
    tokio::join!(
        later,
        follow(&desktop.app, followers),
        lock_shown(desktop, lock)
    );
}

/// Waits until there is a store that can be opened. Nothing is made before the user wants a vault, and
/// what stands in the way now, such as a full disk, may be mended while the program runs.
async fn vault_of(desktop: &Desktop) -> Vault {
    let mut changes = desktop.followers.listen();
    loop {
        let opened = desktop.app.db_if_any().and_then(|db| match db {
            Some(_) => desktop.app.vault().cloned().map(Some),
            None => Ok(None),
        });
        match opened {
            Ok(Some(vault)) => return vault,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the store is not followed yet"),
        }
        // A change, or a while: whoever mends a disk does not tell.
        let _ = tokio::time::timeout(TRY_AGAIN, changes.recv()).await;
    }
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

/// Tells of every change of the store, also of what may have changed between a page's reading and the
/// watching, or while the store could not be watched.
async fn follow(app: &App, followers: &Followers) {
    loop {
        let watched = app.db().and_then(switchyard_core::db::Db::changes);
        if followers.has_page() {
            followers.tell(Change::Store);
        }
        let ended = match watched {
            Ok(mut changes) => loop {
                match changes.next().await {
                    Ok(()) => followers.tell(Change::Store),
                    Err(error) => break error,
                }
            },
            Err(error) => error,
        };
        tracing::warn!(error = %ended, "changes by other processes are not noticed for a while");
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Tells that who pays may be someone else now, as soon as a file that decides it has changed.
async fn watch_payer(followers: &Followers) {
    let watched = Question::of_this_process(Asker::Desktop).and_then(Changes::watch);
    let ended = match watched {
        Ok(mut changes) => loop {
            match changes.next().await {
                Ok(()) => followers.tell(Change::Who),
                Err(error) => break error,
            }
        },
        Err(error) => error,
    };
    // The page still looks again when its window is come back to.
    tracing::warn!(error = %ended, "changes of who pays are not noticed at once");
}

/// Tells of the lock, which is a fact of this process besides what the store says. Nothing that waits knows a
/// conversation while it is locked.
async fn lock_shown(desktop: &Desktop, mut lock: watch::Receiver<Lock>) {
    while lock.changed().await.is_ok() {
        let is_locked = matches!(*lock.borrow_and_update(), Lock::Locked(_));
        if is_locked {
            desktop.app.cool_plan().await;
        }
        desktop.followers.tell(Change::Store);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use switchyard_core::clock::Clock;
    use switchyard_core::paths::Paths;

    use super::*;
    use crate::desktop::InPlace;

    #[tokio::test]
    async fn what_changed_before_the_store_was_watched_is_told() {
        let home = tempfile::tempdir().unwrap();
        let followers = Followers::default();
        followers.begin_page();
        let mut page = followers.listen();
        let ask = Arc::new(InPlace(followers.clone()));
        let app = App::at(Paths::under(home.path()), Clock::system(), "window", ask);
        app.db().unwrap();
        let told = async {
            tokio::select! {
                () = follow(&app, &followers) => unreachable!("it goes on"),
                told = page.recv() => told.unwrap(),
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(10), told).await;
        assert_eq!(told, Ok(Change::Store));
    }
}
