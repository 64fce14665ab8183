//! `switchyard key-helper`: prints one key, for a program that asks for it.

use std::process::ExitCode;

use switchyard_core::{App, Code, Error, Remedy, Result, keys, scope};
use zeroize::Zeroizing;

use super::refuse_json;
use crate::args::scope::KeyHelper;
use crate::out::Out;

pub(crate) async fn run(wanted: &KeyHelper, app: &App, out: &Out) -> Result<ExitCode> {
    refuse_json(out)?;
    let Some(db) = app.db_if_any()? else {
        return Err(Error::new(Code::NoVault, "There is no vault yet.").remedy(Remedy::MakeVault));
    };
    let key = db.read(|store| keys::find(store, &wanted.key))?;
    // Nobody is asked: whoever runs this reads its output and has no ear for a question.
    let access = app.access_quietly()?;
    let credential = scope::stored(db, &*access, &key.id, "key-helper").await?;
    let line = Zeroizing::new(format!("{}\n", credential.key().expose()));
    out.bytes(line.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
