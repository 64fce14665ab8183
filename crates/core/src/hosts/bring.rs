//! Hosts that another list names, kept in step with it.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::edit::{self, edit};
use super::{Edit, Host, NewHost, Source, table};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Failure, Result};
use crate::text::shown;

/// What a list says.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which kind of list it is.
    pub source: Source,
    /// The hosts, each with what the list calls it.
    pub hosts: Vec<(String, NewHost)>,
    /// What the list names besides, and which is therefore not gone.
    pub others: Vec<String>,
    /// What it names that is no host, with the reason.
    pub refused: Vec<(String, Failure)>,
    /// The beginnings of what the list would call a host: only one that it would have named is gone when
    /// it does not.
    pub scopes: BTreeSet<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "BroughtHosts"))]
pub struct Brought {
    /// New hosts. Their keys are not pinned yet.
    pub added: Vec<Host>,
    /// Hosts that are somewhere else now, or are back.
    pub changed: Vec<Host>,
    /// Hosts that were known and are as they were.
    pub same: usize,
    /// Hosts that the list does not name any more. They take no runs, and stay until they are removed.
    pub gone: Vec<Host>,
    /// What could not be taken over, with the reason.
    pub refused: Vec<(String, Failure)>,
}

/// Brings the hosts of a list into the store, in the caller's transaction. What the user has set for a host
/// that is known stays; its pinned keys do too, because it must still be the same box.
///
/// # Errors
/// When the store can't be written. A host that can't be taken over does not stop the others.
pub fn bring(store: &Connection, found: Found, now: Millis) -> Result<Brought> {
    let source = found.source;
    let mut brought = Brought {
        refused: found.refused,
        ..Brought::default()
    };
    let mut named: BTreeSet<String> = found.others.into_iter().collect();
    for (origin, new) in found.hosts {
        named.insert(origin.clone());
        match table::of_origin(store, source, &origin)? {
            Some(known) => match follow(store, &known, &new) {
                Ok(host) if host == known => brought.same += 1,
                Ok(host) => brought.changed.push(host),
                Err(error) => brought
                    .refused
                    .push((shown(&origin, 60), Failure::from(&error))),
            },
            None => match insert(store, source, &origin, new, now) {
                Ok(host) => brought.added.push(host),
                Err(error) if error.code() == Code::StoreUnwritable => return Err(error),
                Err(error) => brought
                    .refused
                    .push((shown(&origin, 60), Failure::from(&error))),
            },
        }
    }
    for host in table::list(store)? {
        let origin = host.origin.as_deref().unwrap_or_default();
        let would_be_named = found
            .scopes
            .iter()
            .any(|scope| origin.starts_with(scope.as_str()));
        let is_gone = host.source == source && would_be_named && !named.contains(origin);
        if is_gone && host.gone_at.is_none() {
            store
                .execute(
                    "UPDATE hosts SET gone_at = ?2 WHERE id = ?1",
                    params![host.id, now],
                )
                .doing("note that the host is gone")?;
            brought.gone.push(table::get(store, host.id)?);
        }
    }
    Ok(brought)
}

/// Says what [`bring`] would do, and does nothing.
///
/// # Errors
/// As [`bring`].
pub fn preview(store: &Connection, found: Found, now: Millis) -> Result<Brought> {
    let step = |sql| store.execute_batch(sql).doing("look at the hosts");
    step("SAVEPOINT preview")?;
    let brought = bring(store, found, now);
    step("ROLLBACK TO preview; RELEASE preview")?;
    brought
}

/// Adds a host under the name that its list gives it, or, where that is taken, with what makes it unique.
fn insert(
    store: &Connection,
    source: Source,
    origin: &str,
    new: NewHost,
    now: Millis,
) -> Result<Host> {
    let origin_of = (source, Some(origin));
    let last = origin.rsplit('/').next().unwrap_or(origin);
    let other = NewHost {
        name: format!("{} ({last})", new.name),
        ..new.clone()
    };
    match edit::insert(store, new, origin_of, now) {
        Err(error) if error.code() == Code::Duplicate && source == Source::Ec2 => {
            edit::insert(store, other, origin_of, now)
        }
        done => done,
    }
}

/// Lets a host that is known follow its list: where it is, and that it is there.
fn follow(store: &Connection, known: &Host, new: &NewHost) -> Result<Host> {
    if known.destination != new.destination {
        let keys = serde_json::to_string(&known.host_keys).unwrap_or_default();
        let change = Edit {
            destination: Some(new.destination.clone()),
            ..Edit::default()
        };
        edit(store, known.id, change)?;
        store
            .execute(
                "UPDATE hosts SET host_keys = ?2, pinned_at = ?3 WHERE id = ?1",
                params![known.id, keys, known.pinned_at],
            )
            .doing("keep the host's pinned key")?;
    }
    store
        .execute(
            "UPDATE hosts SET gone_at = NULL WHERE id = ?1 AND gone_at IS NOT NULL",
            [known.id],
        )
        .doing("note that the host is back")?;
    table::get(store, known.id)
}
