//! `switchyard vault unlock`: the keychain first, and its user where that does not open the vault.

use std::process::ExitCode;

use switchyard_core::agent::{self, Access, Answered, Ask, Background, Question};
use switchyard_core::vault::{Lock, SlotKind, Status, UnlockWith};
use switchyard_core::{App, Code, Error, Remedy, Result};

use super::vault::done;
use crate::ask::AtTerminal;
use crate::out::Out;

/// How often a user may mistype before it counts as not knowing.
const TRIES: usize = 3;

pub(crate) async fn run(app: &App, terminal: &AtTerminal, out: &Out) -> Result<ExitCode> {
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
        open(access, &status, terminal, || agent_for(access)).await?;
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
    user: &impl Ask,
    start: impl AsyncFnOnce() -> Result<Option<Background>>,
) -> Result<()> {
    let mut trouble = None;
    if status.has(SlotKind::Keychain) {
        match access.unlock_with(UnlockWith::Keychain).await {
            Ok(()) => return Ok(()),
            Err(error) => trouble = Some(error),
        }
    }
    if !status.has(SlotKind::Passphrase) && !status.has(SlotKind::Recovery) {
        return Err(still_locked(trouble));
    }
    let started = start().await?;
    // Not by way of the keychain once more: whoever has just refused it would be asked again.
    let unlocked = by_asking(access, status, user, trouble).await;
    if let (Some(agent), Err(_)) = (started, &unlocked)
        && access.status().await?.lock != Lock::Unlocked
    {
        agent.end().await;
    }
    unlocked
}

async fn by_asking(
    access: &Access,
    status: &Status,
    user: &impl Ask,
    mut trouble: Option<Error>,
) -> Result<()> {
    for tried in 0..TRIES {
        let question = Question {
            takes_passphrase: status.has(SlotKind::Passphrase),
            takes_recovery: status.has(SlotKind::Recovery),
            trouble: trouble.take(),
        };
        let answered = user.ask(&question).await;
        let with = match &answered {
            Some(Answered::Passphrase(typed)) => UnlockWith::Passphrase(typed),
            Some(Answered::Recovery(code)) => UnlockWith::Recovery(code),
            Some(Answered::Cancelled) => return Err(cancelled()),
            // After a wrong answer, no further one means that the wrong one stands.
            None if tried > 0 => {
                return Err(question.trouble.unwrap_or_else(|| still_locked(None)));
            }
            None => return Err(still_locked(question.trouble)),
        };
        match access.unlock_with(with).await {
            Err(error) if matches!(error.code(), Code::WrongPassphrase | Code::BadInput) => {
                trouble = Some(error);
            }
            outcome => return outcome,
        }
    }
    Err(trouble.unwrap_or_else(|| still_locked(None)))
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

fn cancelled() -> Error {
    Error::new(
        Code::Cancelled,
        "Nothing was entered, so the vault stays locked.",
    )
}

/// Nothing opened it: says so, and what stood in the way.
fn still_locked(trouble: Option<Error>) -> Error {
    let Some(trouble) = trouble else {
        return Error::new(Code::Locked, "The vault is locked.").remedy(Remedy::UnlockVault);
    };
    let mut locked = trouble.failure().clone();
    locked.code = Code::Locked;
    locked.message = format!("The vault is locked. {}", trouble.message());
    locked.into()
}

#[cfg(test)]
mod tests;
