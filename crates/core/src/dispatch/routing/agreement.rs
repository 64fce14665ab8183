//! What the user allows with a fallback: the exact change of payer, in words and as a fingerprint.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Class, Destination, Fallback, Rule, Through};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Result};
use crate::id::{HostId, KeyId};
use crate::text::shown;
use crate::{hosts, keys};

/// How much of a name is shown, in columns of text.
const NAME_MAX: usize = 60;

/// How many bytes of the hash tell one agreement from another.
const VERSION_BYTES: usize = 8;

/// What is allowed with a fallback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "FallbackAgreement"))]
pub struct Agreement {
    /// What changes, as a sentence: when, from whom, to whom.
    pub sentence: String,
    /// Stands for exactly this change. One that is allowed is void as soon as any part of it differs.
    pub version: String,
}

/// What the version is a hash of. A key is meant by its id, so that a new name voids nothing.
#[derive(Serialize)]
struct Agreed<'a> {
    class: Class,
    from: &'a Destination,
    fallback: &'a Fallback,
}

/// Returns what is allowed with a fallback of a rule.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub(in crate::dispatch) fn agreement(
    store: &Connection,
    rule: &Rule,
    fallback: &Fallback,
) -> Result<Agreement> {
    let agreed = Agreed {
        class: rule.class,
        from: &rule.first,
        fallback,
    };
    let agreed = serde_json::to_vec(&agreed)
        .map_err(|e| Error::failed("A fallback can't be written down.").because(e))?;
    let hash = Sha256::digest(&agreed);
    let version = hash.iter().take(VERSION_BYTES);
    let to = &fallback.to;
    let model = to.model.as_deref().map_or_else(
        || "the same model".to_owned(),
        |model| shown(model, NAME_MAX),
    );
    let effort = to.effort.map_or_else(String::new, |effort| {
        format!(" with {} effort", effort.as_str())
    });
    Ok(Agreement {
        // A fallback may follow on another one, so that is part of what is allowed.
        sentence: format!(
            "For {}: when {} before an answer has begun, {} pays in place of {}, or of a fallback that pays by \
             then, for {model}{effort}.",
            rule.class,
            fallback.cause.clause(),
            payer(store, &to.through)?,
            payer(store, &rule.first.through)?,
        ),
        version: version.map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// Returns since when this very change is allowed, if it is.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub(in crate::dispatch) fn allowed_at(store: &Connection, version: &str) -> Result<Option<Millis>> {
    store
        .prepare_cached(
            "SELECT max(allowed_at) FROM fallback_allowances
             WHERE version = ?1 AND withdrawn_at IS NULL",
        )
        .and_then(|mut rows| rows.query_row([version], |row| row.get(0)).optional())
        .map(Option::flatten)
        .doing("look what is allowed")
}

/// Says who pays, as people know them.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub(in crate::dispatch) fn payer(store: &Connection, through: &Through) -> Result<String> {
    Ok(match through {
        Through::Subscription { login: Some(login) } => {
            format!("your plan (login {})", shown(login, NAME_MAX))
        }
        Through::Subscription { login: None } => "your plan".to_owned(),
        Through::Metered { key: Some(id) } => key_of(store, id)?,
        Through::Metered { key: None } => "the active key".to_owned(),
        Through::Farm { host, label, key } => {
            let place = place(store, *host, label.as_deref())?;
            match key {
                Some(id) => format!("{} on {place}", key_of(store, id)?),
                None => format!("whoever pays on {place}"),
            }
        }
    })
}

fn key_of(store: &Connection, id: &KeyId) -> Result<String> {
    match keys::get(store, id) {
        Ok(key) => Ok(format!(
            "the key {} (…{})",
            shown(&key.name, NAME_MAX),
            key.hint
        )),
        Err(error) if error.code() == Code::NotFound => Ok("a key that is gone".to_owned()),
        Err(error) => Err(error),
    }
}

fn place(store: &Connection, host: Option<HostId>, label: Option<&str>) -> Result<String> {
    let Some(id) = host else {
        return Ok(match label {
            Some(label) => format!("a host of the farm labelled {}", shown(label, NAME_MAX)),
            None => "a host of the farm".to_owned(),
        });
    };
    match hosts::get(store, id) {
        Ok(host) => Ok(format!("the host {}", shown(&host.name, NAME_MAX))),
        Err(error) if error.code() == Code::NotFound => Ok("a host that is gone".to_owned()),
        Err(error) => Err(error),
    }
}
