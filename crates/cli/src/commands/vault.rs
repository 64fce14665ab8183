//! `switchyard vault`: make, look at, open and lock the vault.

use std::process::ExitCode;

use serde_json::json;
use switchyard_core::secret::RecoveryCode;
use switchyard_core::vault::{Lock, NewSlot, NewVault, SlotKind, Status, Why};
use switchyard_core::{App, Code, Error, Result};

use super::keys::ago;
use crate::args::{AddSlot, InitVault, OneSlot, SlotName, Vault};
use crate::ask::{self, AtTerminal};
use crate::out::Out;

pub(crate) async fn run(
    command: &Vault,
    app: &App,
    terminal: &AtTerminal,
    out: &Out,
) -> Result<ExitCode> {
    match command {
        Vault::Init(wanted) => init(wanted, app, terminal, out).await,
        Vault::Status => status(app, out).await,
        Vault::Unlock => super::unlock::run(app, out).await,
        Vault::Lock => lock(app, out).await,
        Vault::AddSlot(wanted) => add_slot(wanted, app, out).await,
        Vault::RmSlot(wanted) => remove_slot(wanted, app, out).await,
    }
}

async fn init(wanted: &InitVault, app: &App, terminal: &AtTerminal, out: &Out) -> Result<ExitCode> {
    let (vault, access) = (app.vault()?, app.access()?);
    if vault.status()?.exists {
        return Err(Error::new(Code::Duplicate, "There is a vault already.")
            .hint("Nothing was changed. `switchyard vault status` says what opens it."));
    }
    let wants_keychain = !wanted.no_keychain;
    let mut new = NewVault {
        keychain: wants_keychain,
        passphrase: None,
        recovery: !wanted.no_recovery,
    };
    if wanted.no_keychain || wanted.passphrase || terminal.has_descriptor() {
        new.passphrase = Some(ask::new_passphrase(terminal)?);
    }
    let created = match access.create(new).await {
        Err(no) if wants_keychain && no.code() == Code::KeychainUnavailable => {
            out.note(&format!("note: {no}"));
            out.note("The vault gets a passphrase instead.");
            let passphrase = Some(ask::new_passphrase(terminal)?);
            access
                .create(NewVault {
                    keychain: false,
                    passphrase,
                    recovery: !wanted.no_recovery,
                })
                .await?
        }
        other => other?,
    };
    if let Some(why) = &created.no_keychain {
        out.note(&format!(
            "note: the keychain could not be used, so the passphrase alone opens the vault. {why}"
        ));
    }
    let status = vault.status()?;
    if out.json {
        // The code is given out once, and a script that asked for JSON has nowhere else to get it.
        let code = created.recovery_code.as_ref().map(RecoveryCode::expose);
        out.json_line(&json!({ "status": status, "recovery_code": code }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(&format!(
        "The vault was made. It opens by {}.",
        ways(&status)
    ))?;
    match &created.recovery_code {
        Some(code) => tell_code(code, out)?,
        None => out.note("hint: make a recovery code soon: switchyard vault add-slot recovery"),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_code(code: &RecoveryCode, out: &Out) -> Result<()> {
    out.line(
        "\nRecovery code, shown this once. Write it down and keep it away from this machine:\n",
    )?;
    out.line(&format!("    {}\n", code.expose()))?;
    out.line("It opens the vault when the keychain or the passphrase is lost.")
}

async fn status(app: &App, out: &Out) -> Result<ExitCode> {
    if app.db_if_any()?.is_none() {
        return no_vault(out);
    }
    let access = app.access()?;
    let (status, has_agent) = (access.status().await?, access.has_agent().await?);
    if !status.exists {
        return no_vault(out);
    }
    if out.json {
        out.json_line(&json!({ "status": status, "agent": has_agent }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let state = match status.lock {
        Lock::Unlocked => "Open, kept by an agent or window.".to_owned(),
        Lock::Locked(_) if !has_agent && status.opens_silently() => {
            "Open for you: the keychain opens it when a command needs it.".to_owned()
        }
        Lock::Locked(why) => format!("Locked{}.", because(why)),
    };
    out.line(&state)?;
    out.line(&format!("It opens by {}.", ways(&status)))?;
    let now = app.db()?.clock().now();
    for slot in &status.slots {
        let used = slot.last_used_at.map_or_else(
            || "never used".to_owned(),
            |at| format!("last used {}", ago(at, now)),
        );
        out.line(&format!("  {} ({used})", slot.kind))?;
    }
    match status.lock_after_minutes {
        Some(minutes) => out.line(&format!("It locks itself after {minutes} idle minutes."))?,
        None => out.line("It does not lock itself when idle.")?,
    }
    if status.slots.len() == 1 {
        out.note("hint: one way in is one way to lose it all; add another: switchyard vault add-slot recovery");
    }
    Ok(ExitCode::SUCCESS)
}

fn because(why: Why) -> &'static str {
    match why {
        Why::Start => "",
        Why::Asked => ", because you asked for it",
        Why::Idle => ", because it was not used for a while",
        Why::Suspend => ", because the machine went to sleep",
        Why::Screen => ", because the screen was locked",
        Why::Renewed => ", because its data key was renewed",
    }
}

fn ways(status: &Status) -> String {
    let ways: Vec<&str> = status
        .slots
        .iter()
        .map(|slot| match slot.kind {
            SlotKind::Keychain => "the keychain",
            SlotKind::Passphrase => "a passphrase",
            SlotKind::Recovery => "a recovery code",
        })
        .collect();
    ways.join(" or ")
}

fn no_vault(out: &Out) -> Result<ExitCode> {
    if out.json {
        out.json_line(&json!({ "status": null }))?;
    } else {
        out.line("There is no vault yet.")?;
        out.note("hint: it is made with: switchyard vault init");
    }
    Ok(ExitCode::SUCCESS)
}

async fn lock(app: &App, out: &Out) -> Result<ExitCode> {
    app.access()?.lock_all().await?;
    done(
        out,
        "locked",
        "The vault is locked for every window and terminal.",
    )
}

async fn add_slot(wanted: &AddSlot, app: &App, out: &Out) -> Result<ExitCode> {
    let access = app.access()?;
    let replaces = access.status().await?.has(kind(wanted.slot));
    // The vault is opened first, so that the old passphrase and the new one are not mixed up.
    access.ensure_open().await?;
    let code = match wanted.slot {
        SlotName::Keychain => access.add_slot(NewSlot::Keychain).await?,
        SlotName::Recovery => access.add_slot(NewSlot::Recovery).await?,
        SlotName::Passphrase => {
            let typed = match wanted.new_passphrase_fd {
                Some(descriptor) => ask::passphrase_from(descriptor)?,
                None => ask::new_passphrase_at_terminal("--new-passphrase-fd")?,
            };
            access.add_slot(NewSlot::Passphrase(&typed)).await?
        }
    };
    match code {
        Some(code) if out.json => out.json_line(&json!({ "recovery_code": code.expose() }))?,
        Some(code) => {
            tell_code(&code, out)?;
            if replaces {
                out.line("The recovery code that you had before no longer opens anything.")?;
            }
        }
        None => {
            let sentence = format!("The vault opens by its {} now.", called(wanted.slot));
            return done(out, "added", &sentence);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove_slot(wanted: &OneSlot, app: &App, out: &Out) -> Result<ExitCode> {
    let question = format!("Stop opening the vault by its {}?", called(wanted.slot));
    if !wanted.yes && !ask::agrees(out, &question)? {
        return Err(Error::bad_input("Nothing was removed.").hint("Say --yes to agree beforehand."));
    }
    app.access()?.remove_slot(kind(wanted.slot)).await?;
    let sentence = format!("The vault no longer opens by its {}.", called(wanted.slot));
    done(out, "removed", &sentence)
}

fn called(name: SlotName) -> &'static str {
    match name {
        SlotName::Keychain => "keychain",
        SlotName::Passphrase => "passphrase",
        SlotName::Recovery => "recovery code",
    }
}

fn kind(name: SlotName) -> SlotKind {
    match name {
        SlotName::Keychain => SlotKind::Keychain,
        SlotName::Passphrase => SlotKind::Passphrase,
        SlotName::Recovery => SlotKind::Recovery,
    }
}

pub(super) fn done(out: &Out, word: &str, sentence: &str) -> Result<ExitCode> {
    if out.json {
        out.json_line(&json!({ "done": word }))?;
    } else {
        out.line(sentence)?;
    }
    Ok(ExitCode::SUCCESS)
}
