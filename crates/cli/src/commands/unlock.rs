//! `switchyard vault unlock`: the keychain first, and its user where that does not open the vault.

use std::process::ExitCode;

use switchyard_core::agent::{self, Access, Background};
use switchyard_core::vault::{Lock, SlotKind, Status, UnlockWith};
use switchyard_core::{App, Code, Error, Remedy, Result};

use super::vault::done;
use crate::out::Out;

pub(crate) async fn run(app: &App, out: &Out) -> Result<ExitCode> {
    let access = app.access()?;
    let status = access.status().await?;
    if !status.exists {
        return Err(Error::new(Code::NoVault, "There is no vault yet.").remedy(Remedy::MakeVault));
    }
    if status.lock == Lock::Unlocked {
        return done(
            out,
            "unlocked",
            "The vault is open already, for every window and terminal.",
        );
    }
    if access.has_agent().await? {
        access.unlock_all().await?;
    } else {
        open(access, &status, || agent_for(access)).await?;
    }
    done(
        out,
        "unlocked",
        "The vault is open for every window and terminal, until it is locked.",
    )
}

/// Opens a vault that no agent serves. A keychain that opens it does so for every program; what a
/// person types only an agent can keep, which is started for it.
async fn open(
    access: &Access,
    status: &Status,
    start: impl AsyncFnOnce() -> Result<Option<Background>>,
) -> Result<()> {
    let mut trouble = None;
    if status.has(SlotKind::Keychain) {
        match access.unlock_with(UnlockWith::Keychain).await {
            Ok(()) => return Ok(()),
            Err(error) => trouble = Some(error),
        }
    }
    let can_be_typed = status.has(SlotKind::Passphrase) || status.has(SlotKind::Recovery);
    let started = if can_be_typed { start().await? } else { None };
    // Not by way of the keychain once more: whoever has just refused it would be asked again.
    let unlocked = access.unlock_by_asking(trouble).await;
    if let (Some(agent), Err(_)) = (started, &unlocked)
        && access.status().await?.lock != Lock::Unlocked
    {
        agent.end().await;
    }
    unlocked
}

/// Starts the agent where none runs: what a passphrase opens, somebody has to keep, else it is asked
/// for again each time.
async fn agent_for(access: &Access) -> Result<Option<Background>> {
    if access.has_agent().await? {
        return Ok(None);
    }
    let program = std::env::current_exe()
        .map_err(|e| Error::failed("This program does not know where it is.").because(e))?;
    match agent::start_in_background(&program).await {
        Ok(started) => Ok(Some(started)),
        // Another terminal started one at the same moment, and one is enough.
        Err(_) if access.has_agent().await? => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
