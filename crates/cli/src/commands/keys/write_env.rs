//! `switchyard keys write-env`: a key in plain text, in an env file that scripts read.

use std::process::ExitCode;

use serde_json::json;
use switchyard_core::keys::{self, FileVariable};
use switchyard_core::scope::{self, Written};
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Result};

use crate::args::keys::WriteEnv;
use crate::ask;
use crate::out::{Out, count};

pub(super) async fn run(wanted: &WriteEnv, app: &App, out: &Out) -> Result<ExitCode> {
    let variable = FileVariable::new(&wanted.path, &wanted.name)?;
    let db = app.db()?;
    let key = db.read(|store| keys::find(store, &wanted.key))?;
    keys::usable(&key)?;
    let (name, file) = (shown(&key.name, 60), variable.file());
    let question = format!(
        "{name} …{} will stand in plain text in {file}: whatever sources it is billed to {name}, and whoever \
         reads it has the key. Write it?",
        key.hint
    );
    if !wanted.yes && !ask::agrees(out, &question)? {
        return Err(Error::bad_input("Nothing was written.").hint("Say --yes to agree beforehand."));
    }
    let written = scope::write_env(db, &**app.access()?, &key.id, &variable).await?;
    if out.json {
        out.json_line(&json!({
            "key": written.key,
            "file": variable.path().display().to_string(),
            "variable": variable.name(),
            "replaced": written.replaced,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.line(&format!(
        "{name} …{} is in {file} as {}{}.",
        key.hint,
        shown(variable.name(), 60),
        match written.replaced {
            0 => String::new(),
            1 => ", in the place of what was there".to_owned(),
            more => format!(", in the place of all {}", count(more as u64, "assignment")),
        }
    ))?;
    tell(&written, &name, &file, out);
    Ok(ExitCode::SUCCESS)
}

fn tell(written: &Written, name: &str, file: &str, out: &Out) {
    if let Some(url) = &written.gateway {
        out.note(&format!(
            "note: ANTHROPIC_BASE_URL is set there as well, to {}: the key is for that server.",
            shown(url, 80)
        ));
    } else if written.key.base_url.is_some() {
        out.note("note: the key is for a server of its own, which is not in the file.");
    }
    if written.was_open_to_others {
        out.note(&format!(
            "note: others could read {file}; now it is yours alone (0600)."
        ));
    }
    out.note(&format!(
        "note: it stands there in plain text and bills {name} for whatever sources it, until you remove it there."
    ));
}
