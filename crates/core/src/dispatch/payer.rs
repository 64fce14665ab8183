//! Who pays: the key or plan that was named, the one that paid before, or the active key.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension};
use sha2::Sha256;

use super::by_farm::{self, FarmAsk, FarmRoute};
use super::by_plan::{self, PlanRoute};
use super::kept::no_run;
use super::route::PayWith;
use crate::claude;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::farm::Farm;
use crate::http::Endpoint;
use crate::id::{KeyId, RunId};
use crate::keys::{self, FileVariable};
use crate::secret::ApiKey;
use crate::text;
use crate::usage::Payer;

/// A payer as it was found.
pub(super) struct Found {
    pub(super) label: String,
    pub(super) key: Option<KeyId>,
    pub(super) endpoint: Endpoint,
    pub(super) environment: String,
    pub(super) reason: String,
    pub(super) booked_to: Payer,
    pub(super) variable: Option<ApiKey>,
    pub(super) plan: Option<PlanRoute>,
    pub(super) login: Option<claude::Login>,
    pub(super) farm: Option<FarmRoute>,
}

/// Finds who pays.
///
/// # Errors
/// As [`Dispatch::preflight`](super::Dispatch::preflight).
pub(super) fn payer(
    store: &Connection,
    pay_with: &PayWith,
    reply_to: Option<RunId>,
    farm: &Farm,
    variable: &impl Fn(&str) -> Option<String>,
    now: Millis,
) -> Result<Found> {
    match pay_with {
        // By the routing table it is decided before, where it has a rule.
        PayWith::Usual | PayWith::Auto => usual(store, reply_to, farm, variable, now),
        PayWith::Metered => metered(store, reply_to),
        key @ (PayWith::Active
        | PayWith::Key(_)
        | PayWith::Env { .. }
        | PayWith::EnvFile { .. }) => of_key(store, key, variable),
        PayWith::Plan { login } => by_plan::payer(store, login.as_deref(), variable, now),
        PayWith::Farm(ask) => by_farm::payer(store, farm, ask, reply_to, variable),
    }
}

/// Finds who pays where a key shall.
///
/// # Errors
/// [`Code::BadInput`] for what is no key.
pub(super) fn of_key(
    store: &Connection,
    pay_with: &PayWith,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Found> {
    match pay_with {
        PayWith::Active => active(store),
        PayWith::Key(id) => {
            let key = keys::get(store, id)?;
            let name = text::shown(&key.name, 60);
            stored(key, format!("because you chose {name}"))
        }
        PayWith::Env { name, base_url } => {
            from_variable(store, name, variable(name), base_url.as_deref())
        }
        PayWith::EnvFile { variable, base_url } => from_file(store, variable, base_url.as_deref()),
        PayWith::Usual
        | PayWith::Auto
        | PayWith::Metered
        | PayWith::Plan { .. }
        | PayWith::Farm(_) => {
            Err(Error::bad_input("That names no key.").remedy(Remedy::ChoosePayer))
        }
    }
}

fn usual(
    store: &Connection,
    reply_to: Option<RunId>,
    farm: &Farm,
    variable: &impl Fn(&str) -> Option<String>,
    now: Millis,
) -> Result<Found> {
    let Some(run) = reply_to else {
        return active(store);
    };
    if let Some(login) = by_plan::paid_for(store, run)? {
        let found = by_plan::payer(store, Some(&login), variable, now)?;
        let reason = because_it_paid(run);
        return Ok(Found { reason, ..found });
    }
    if by_farm::before(store, run)?.is_some() {
        return by_farm::payer(store, farm, &FarmAsk::default(), Some(run), variable);
    }
    stored(paid_by(store, run)?, because_it_paid(run))
}

/// The key that paid before, in the metered tier; whom no key has paid, the active one pays.
fn metered(store: &Connection, reply_to: Option<RunId>) -> Result<Found> {
    let Some(run) = reply_to else {
        return active(store);
    };
    let before = by_farm::before(store, run)?.map(|before| before.payer);
    let is_of_a_key = !matches!(before, Some(Payer::Host(_)));
    match is_of_a_key && by_plan::paid_for(store, run)?.is_none() {
        true => stored(paid_by(store, run)?, because_it_paid(run)),
        false => active(store),
    }
}

pub(super) fn because_it_paid(run: RunId) -> String {
    format!("because it paid for run {run}")
}

pub(super) fn active(store: &Connection) -> Result<Found> {
    let Some(key) = keys::active(store)? else {
        return Err(nobody(store)?);
    };
    let name = text::shown(&key.name, 60);
    stored(key, format!("because {name} is the active key"))
}

/// Returns the stored key that paid for a run, if it can pay again.
///
/// # Errors
/// [`Code::BadInput`] where it can't: nobody else pays for a conversation without being named.
pub(super) fn paid_by(store: &Connection, run: RunId) -> Result<keys::Key> {
    let (id, label): (Option<KeyId>, String) = store
        .query_row(
            "SELECT key_id, payer_label FROM runs WHERE id = ?1",
            [run],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("look who paid before")?
        .ok_or_else(|| no_run(run))?;
    let again = id.map(|id| keys::get(store, &id)).transpose();
    match again {
        Ok(Some(key)) if keys::usable(&key).is_ok() => Ok(key),
        Err(error) if error.code() != Code::NotFound => Err(error),
        _ => Err(Error::bad_input(format!(
            "Run {run} was paid by {}, which does not pay again by itself.",
            text::shown(&label, 60)
        ))
        .hint("Nothing was sent.")
        .remedy(Remedy::ChoosePayer)),
    }
}

pub(super) fn stored(key: keys::Key, reason: String) -> Result<Found> {
    keys::usable(&key)?;
    Ok(Found {
        endpoint: Endpoint::parse(key.base_url.as_deref())?,
        label: key.name,
        environment: key.environment,
        reason,
        booked_to: Payer::Key(key.id.clone()),
        key: Some(key.id),
        variable: None,
        plan: None,
        login: None,
        farm: None,
    })
}

pub(super) fn from_variable(
    store: &Connection,
    name: &str,
    value: Option<String>,
    base_url: Option<&str>,
) -> Result<Found> {
    let shown = text::shown(name, 60);
    let endpoint = Endpoint::parse(base_url)?;
    let key = keys::of_variable(name, value, &endpoint)?;
    Ok(unstored(
        Payer::env_label(name, &key.last4()),
        format!("because you named the variable {shown}"),
        Payer::env(name, key.last4(), &fingerprint(store, &key)?),
        (key, endpoint),
    ))
}

fn from_file(store: &Connection, variable: &FileVariable, base_url: Option<&str>) -> Result<Found> {
    let place = variable.place();
    let endpoint = Endpoint::parse(base_url)?;
    let key = keys::of_file(variable, &endpoint)?;
    Ok(unstored(
        Payer::env_file_label(&place, &key.last4()),
        format!("because you named the file {place}"),
        Payer::env_file(place, key.last4(), &fingerprint(store, &key)?),
        (key, endpoint),
    ))
}

fn unstored(
    label: String,
    reason: String,
    booked_to: Payer,
    (key, endpoint): (ApiKey, Endpoint),
) -> Found {
    Found {
        label,
        key: None,
        endpoint,
        environment: String::new(),
        reason,
        booked_to,
        variable: Some(key),
        plan: None,
        login: None,
        farm: None,
    }
}

/// Tells one key of a variable or file from the next in the ledger: HMAC-SHA256 of it under the store's
/// pepper, of which the ledger keeps eight hexadecimal digits.
fn fingerprint(store: &Connection, key: &ApiKey) -> Result<[u8; 32]> {
    let pepper: Vec<u8> = store
        .query_row("SELECT pepper FROM store", [], |row| row.get(0))
        .doing("read its own row")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&pepper)
        .map_err(|e| Error::failed("The fingerprint could not be made.").because(e))?;
    mac.update(key.expose().as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn nobody(store: &Connection) -> Result<Error> {
    let any = keys::list(store)?
        .iter()
        .any(|key| keys::usable(key).is_ok());
    let (message, remedy) = match any {
        true => (
            "No key is selected, so nobody would pay.",
            Remedy::SelectKey,
        ),
        false => (
            "No key that can pay is stored, so nobody would pay.",
            Remedy::AddKey,
        ),
    };
    Ok(Error::new(Code::NotFound, message).remedy(remedy))
}
