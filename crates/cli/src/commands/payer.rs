//! Who pays, as the options `--key` and `--base-url` name it.

use switchyard_core::dispatch::PayWith;
use switchyard_core::http::Endpoint;
use switchyard_core::keys::FileVariable;
use switchyard_core::shell::names::{API_KEY, AUTH_TOKEN, BASE_URL};
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Result, keys};

use crate::out::Out;

/// The credentials that `ANTHROPIC_BASE_URL` is set for.
const OF_THE_BASE_URL: [&str; 2] = [API_KEY, AUTH_TOKEN];

/// Reads who shall pay: a stored key, or `env:VAR` or `env-file:PATH` with the server that it is for.
///
/// # Errors
/// [`Code::BadInput`](switchyard_core::Code::BadInput) when it can't be read, and
/// [`Code::NotFound`](switchyard_core::Code::NotFound) when there is no such key.
pub(crate) fn named(named: &str, given: Option<&str>, app: &App) -> Result<PayWith> {
    if let Some(text) = named.strip_prefix("env-file:") {
        let variable = env_file(text)?;
        return Ok(PayWith::EnvFile {
            base_url: server_in(&variable, given)?,
            variable,
        });
    }
    match named.strip_prefix("env:") {
        Some("") => Err(Error::bad_input("env: names no variable.").hint("Write it as env:NAME.")),
        Some(name) => Ok(PayWith::Env {
            base_url: server_of(name, given)?,
            name: name.to_owned(),
        }),
        None if given.is_some() => Err(Error::bad_input(
            "A stored key goes to the server that is stored with it.",
        )
        .hint("Leave --base-url out; it is for --key env:VAR and env-file:PATH.")),
        None => Ok(PayWith::Key(
            app.db()?.read(|store| keys::find(store, named))?.id,
        )),
    }
}

/// Reads which variable of which env file is meant, and warns where others can read it as well.
///
/// # Errors
/// [`Code::BadInput`](switchyard_core::Code::BadInput) for an empty path.
pub(super) fn env_file(text: &str) -> Result<FileVariable> {
    let variable = FileVariable::parse(text)?;
    if variable.is_open_to_others() {
        let file = variable.file();
        Out::new(false).note(&format!(
            "warning: others can read {file}, and the key in it; chmod 600 makes it yours alone."
        ));
    }
    Ok(variable)
}

/// As [`server_of`]; what the file itself names comes before what stands in the environment.
fn server_in(variable: &FileVariable, given: Option<&str>) -> Result<Option<String>> {
    let beside = match given {
        Some(_) => None,
        None => variable.beside(BASE_URL).value()?,
    };
    match beside {
        Some(url) => server_for(variable.name(), Some(url.expose().to_owned())),
        None => server_of(variable.name(), given),
    }
}

/// Returns the server that the key of a variable is for: the one given, or the one that the
/// environment names for the credentials that Anthropic's own tools read from it. Any other secret
/// goes nowhere because of a variable that was not set for it.
fn server_of(variable: &str, given: Option<&str>) -> Result<Option<String>> {
    if let Some(given) = given {
        return Ok(Some(given.to_owned()));
    }
    server_for(variable, std::env::var(BASE_URL).ok())
}

fn server_for(variable: &str, around: Option<String>) -> Result<Option<String>> {
    let is_elsewhere = |url: &String| {
        !url.is_empty() && !Endpoint::parse(Some(url)).is_ok_and(|server| server.is_anthropic())
    };
    match around.filter(is_elsewhere) {
        Some(_) if !OF_THE_BASE_URL.contains(&variable) => Err(Error::bad_input(format!(
            "{BASE_URL} is set, but that says nothing of {}: which server is it for?",
            shown(variable, 60)
        ))
        .hint(format!(
            "Name it: --base-url {}, or your gateway's. Nothing was sent.",
            Endpoint::ANTHROPIC
        ))),
        around => Ok(around),
    }
}
