//! `switchyard store`: back up the store, and put a backup in its place.

use std::process::ExitCode;

use serde_json::json;
use switchyard_core::{App, Code, Error, Result};

use crate::args::{BackUp, Restore, Store};
use crate::ask;
use crate::out::Out;

pub(crate) fn run(command: &Store, app: &App, out: &Out) -> Result<ExitCode> {
    match command {
        Store::Backup(wanted) => back_up(wanted, app, out),
        Store::Restore(wanted) => restore(wanted, app, out),
    }
}

fn back_up(wanted: &BackUp, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app
        .db_if_any()?
        .ok_or_else(|| Error::new(Code::NotFound, "There is no store to back up yet."))?;
    let file = db.back_up(wanted.file.as_deref())?;
    if out.json {
        out.json_line(&json!({ "backup": file }))?;
    } else {
        out.line(&format!("Backed up to {}", file.display()))?;
        out.note("hint: put it in place with: switchyard store restore FILE");
    }
    Ok(ExitCode::SUCCESS)
}

fn restore(wanted: &Restore, app: &App, out: &Out) -> Result<ExitCode> {
    let question = format!(
        "Put {} in the place of the store? Runs booked and keys added since it was made are not in it.",
        wanted.file.display()
    );
    if !wanted.yes && !ask::agrees(out, &question)? {
        return Err(
            Error::bad_input("Nothing was restored.").hint("Say --yes to agree beforehand.")
        );
    }
    let aside = app.restore(&wanted.file)?;
    if out.json {
        out.json_line(&json!({ "restored": wanted.file, "set_aside": aside }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(&format!("Restored from {}", wanted.file.display()))?;
    out.line("Runs booked and keys added since that copy was made are not in it.")?;
    if let Some(aside) = aside {
        out.line(&format!(
            "The store as it was before is in {}; nothing removes it but you.",
            aside.display()
        ))?;
    }
    out.line("The vault is locked. Open it with: switchyard vault unlock")?;
    Ok(ExitCode::SUCCESS)
}
