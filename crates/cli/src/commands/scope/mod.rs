//! `switchyard exec`, `env` and `key-helper`: one credential for one use, and none beside it.

pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod key_helper;

use switchyard_core::dispatch::PayWith;
use switchyard_core::scope::{self, Credential};
use switchyard_core::{App, Error, Result};

use super::payer;
use crate::out::Out;

/// Opens the one credential that was named. The use is in the audit, with its `purpose`, when this returns.
///
/// # Errors
/// As [`payer::named`], [`scope::stored`], [`scope::of_variable`] and [`scope::of_file`].
async fn credential(
    named: &str,
    base_url: Option<&str>,
    purpose: &str,
    app: &App,
) -> Result<Credential> {
    match payer::named(named, base_url, app)? {
        PayWith::Env { name, base_url } => {
            let value = std::env::var(&name).ok();
            let credential = scope::of_variable(&name, value, base_url.as_deref())?;
            scope::note(
                app.db()?,
                app.face(),
                format!("{purpose}, paid by env:{name}"),
            )
            .await?;
            Ok(credential)
        }
        PayWith::EnvFile { variable, base_url } => {
            let credential = scope::of_file(&variable, base_url.as_deref())?;
            let file = variable.place();
            scope::note(
                app.db()?,
                app.face(),
                format!("{purpose}, paid by env-file:{file}"),
            )
            .await?;
            Ok(credential)
        }
        PayWith::Key(id) => scope::stored(app.db()?, &**app.access()?, &id, purpose).await,
        PayWith::Usual
        | PayWith::Auto
        | PayWith::Metered
        | PayWith::Active
        | PayWith::Plan { .. }
        | PayWith::Farm(_) => Err(Error::bad_input("No payer was named.")),
    }
}

/// Refuses to write a key as JSON, which promises to hold none.
fn refuse_json(out: &Out) -> Result<()> {
    match out.json {
        true => Err(Error::bad_input("A key is never written as JSON.").hint("Leave --json out.")),
        false => Ok(()),
    }
}
