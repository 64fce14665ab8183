//! `switchyard keys add`: a key is told apart, checked with its server and stored.

use std::process::ExitCode;

use switchyard_core::keys::{self, Edit, Kind, NewKey, Source};
use switchyard_core::secret::ApiKey;
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Result};

use super::super::payer;
use super::{health, labels};
use crate::args::keys::AddKey;
use crate::ask;
use crate::out::Out;

pub(super) async fn run(wanted: &AddKey, app: &App, out: &Out) -> Result<ExitCode> {
    let (secret, source) = match (&wanted.from_env, &wanted.from_env_file) {
        (Some(variable), _) => (from_environment(variable)?, Source::Env),
        (None, Some(text)) => (from_file(text)?, Source::Env),
        (None, None) => (ask::key("Key (not shown): ")?, Source::Manual),
    };
    // Told apart before the vault is asked for: a mistake in pasting needs no passphrase.
    keys::classify(&secret, wanted.base_url.is_some())?;
    let new = NewKey {
        secret,
        source,
        base_url: wanted.base_url.clone(),
        labels: Edit {
            name: Some(wanted.name.clone()),
            ..labels(&wanted.labels)
        },
        unchecked: wanted.unchecked,
        select: wanted.select,
    };
    let added = keys::add(
        app.db()?,
        app.access()?.as_ref(),
        app.http()?,
        new,
        app.face(),
    )
    .await?;
    if out.json {
        out.json_line(&added.key)?;
        return Ok(ExitCode::SUCCESS);
    }
    let key = &added.key;
    out.line(&format!(
        "Stored {} …{}, {}.",
        shown(&key.name, 60),
        key.hint,
        health(key)
    ))?;
    if let Some(why) = &added.unchecked_because {
        out.note(&format!("note: not checked: {why}"));
    }
    match key.kind {
        Kind::Admin => {
            out.note("note: admin keys manage an organisation; they never pay for runs.");
        }
        Kind::Api if added.is_selected => {
            out.note("It is the active key: runs are billed to it unless you name another.");
        }
        Kind::Api => {}
    }
    if wanted.from_env.is_some() {
        out.note("note: the variable still bills every plain `claude` until you remove it; `switchyard who` says where it is set.");
    }
    if wanted.from_env_file.is_some() {
        out.note("note: the file still holds it in plain text, and bills whoever sources it, until you remove the line.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the key of an env file. A server that the file names for it is not taken over by itself.
fn from_file(text: &str) -> Result<ApiKey> {
    let variable = payer::env_file(text)?;
    variable.value()?.ok_or_else(|| {
        Error::bad_input(format!(
            "{} does not set {}.",
            variable.file(),
            shown(variable.name(), 60)
        ))
        .hint("Name another of its variables after #.")
    })
}

fn from_environment(variable: &str) -> Result<ApiKey> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(ApiKey::new(value)),
        _ => Err(
            Error::bad_input(format!("The variable {} is not set.", shown(variable, 60)))
                .hint("Name a variable that holds a key in this terminal."),
        ),
    }
}
