//! `switchyard agent`: keeps the unlocked vault for other commands and windows, without a window.

use std::process::ExitCode;
use std::time::Duration;

use switchyard_core::agent::{READY, Server};
use switchyard_core::vault::{Lock, Vault};
use switchyard_core::{App, Code, Error, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::args::Agent;
use crate::out::Out;

/// How long an agent that was started for an unlock waits for it: three tries at a passphrase.
const UNLOCK_PATIENCE: Duration = Duration::from_secs(3 * 60);

pub(crate) async fn run(wanted: &Agent, app: &App, out: &Out) -> Result<ExitCode> {
    let vault = app.vault()?.clone();
    if !vault.status()?.exists {
        return Err(Error::new(Code::NoVault, "There is no vault to keep yet.")
            .remedy(switchyard_core::Remedy::MakeVault));
    }
    let server = Server::bind(app.paths(), vault.clone())?;
    if wanted.until_locked {
        // Whoever started this in the background waits for the line, and may be gone after it.
        let _ = out.line(READY);
    }
    let end = CancellationToken::new();
    let work = async {
        unlock(app, wanted, out).await?;
        tokio::select! {
            outcome = stopped(&vault, wanted.until_locked, out) => outcome,
            never = app.keep_tidy() => match never {},
        }
    };
    let ended = async {
        let outcome = work.await;
        end.cancel();
        outcome
    };
    let ((), outcome) = tokio::join!(server.serve(end.clone()), ended);
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Opens the vault with what is at hand; without it the agent starts locked, and whoever needs the
/// vault first unlocks it for all. A lock that was asked for stands: an agent is also started by what
/// starts with the session.
async fn unlock(app: &App, wanted: &Agent, out: &Out) -> Result<()> {
    let vault = app.vault()?;
    if vault.unlock_silently().await.is_ok() {
        out.note("The vault is unlocked by the keychain.");
        return Ok(());
    }
    if wanted.until_locked {
        // Started in the background: the one who did it unlocks over the socket.
        return Ok(());
    }
    let is_locked_on_request = !vault.status()?.silent_keychain;
    if !is_locked_on_request {
        match app.access()?.unlock_all().await {
            Err(locked) if locked.code() == Code::Locked => {}
            outcome => {
                outcome?;
                out.note("The vault is unlocked.");
                return Ok(());
            }
        }
    }
    out.note("The vault is locked; unlock it with: switchyard vault unlock");
    Ok(())
}

/// Waits for the lock that comes after an unlock, or until the unlock is long overdue: whoever started
/// the agent for it has given up.
async fn locked_again(mut lock: watch::Receiver<Lock>, patience: Duration) {
    let unlocked = async { lock.wait_for(|lock| *lock == Lock::Unlocked).await.is_ok() };
    if tokio::time::timeout(patience, unlocked).await == Ok(true) {
        let _ = lock.wait_for(|lock| *lock != Lock::Unlocked).await;
    }
}

/// Waits for the signal to end, or for the lock where that ends it.
async fn stopped(vault: &Vault, until_locked: bool, out: &Out) -> Result<()> {
    let locked = locked_again(vault.watch(), UNLOCK_PATIENCE);
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = locked, if until_locked => out.note("The vault is locked, so the agent ends."),
        () = terminated => {}
        pressed = tokio::signal::ctrl_c() => {
            pressed.map_err(|e| Error::failed("Signals can't be received.").because(e))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use switchyard_core::vault::Why;

    use super::*;

    #[tokio::test]
    async fn an_agent_ends_with_the_lock_and_without_an_unlock_when_nobody_waits_for_it() {
        let (vault, lock) = watch::channel(Lock::Locked(Why::Start));
        // Ends by itself.
        locked_again(lock.clone(), Duration::from_millis(1)).await;

        vault.send_replace(Lock::Unlocked);
        let ended = tokio::spawn(locked_again(lock, Duration::ZERO));
        tokio::task::yield_now().await;
        assert!(!ended.is_finished(), "it ended with the vault open");
        vault.send_replace(Lock::Locked(Why::Asked));
        ended.await.unwrap();
    }
}
