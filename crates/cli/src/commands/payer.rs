//! Who pays, as the options `--key` and `--base-url` name it.

use switchyard_core::dispatch::PayWith;
use switchyard_core::http::Endpoint;
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Result, keys};

/// Names the server of the environment's own credentials.
const BASE_URL: &str = "ANTHROPIC_BASE_URL";

/// The credentials that [`BASE_URL`] is set for.
const OF_THE_BASE_URL: [&str; 2] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// Reads who shall pay: a stored key, or `env:VAR` with the server that it is for.
///
/// # Errors
/// [`Code::BadInput`](switchyard_core::Code::BadInput) when it can't be read, and
/// [`Code::NotFound`](switchyard_core::Code::NotFound) when there is no such key.
pub(crate) fn named(named: &str, given: Option<&str>, app: &App) -> Result<PayWith> {
    match named.strip_prefix("env:") {
        Some("") => Err(Error::bad_input("env: names no variable.").hint("Write it as env:NAME.")),
        Some(name) => Ok(PayWith::Env {
            base_url: server_of(name, given)?,
            name: name.to_owned(),
        }),
        None if given.is_some() => Err(Error::bad_input(
            "A stored key goes to the server that is stored with it.",
        )
        .hint("Leave --base-url out; it is for --key env:VAR.")),
        None => Ok(PayWith::Key(
            app.db()?.read(|store| keys::find(store, named))?.id,
        )),
    }
}

/// Returns the server that the key of a variable is for: the one given, or the one that the
/// environment names for the credentials that Anthropic's own tools read from it. Any other secret
/// goes nowhere because of a variable that was not set for it.
fn server_of(variable: &str, given: Option<&str>) -> Result<Option<String>> {
    if let Some(given) = given {
        return Ok(Some(given.to_owned()));
    }
    let is_elsewhere = |url: &String| {
        !url.is_empty() && !Endpoint::parse(Some(url)).is_ok_and(|server| server.is_anthropic())
    };
    match std::env::var(BASE_URL).ok().filter(is_elsewhere) {
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
