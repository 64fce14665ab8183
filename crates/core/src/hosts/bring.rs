//! Hosts that another list names, kept in step with it.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::edit::{self, edit};
use super::{Edit, Host, NewHost, Source, table};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Failure, Result};
use crate::id::HostId;
use crate::text::shown;

/// What a list says.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which kind of list it is.
    pub source: Source,
    /// The hosts, each with what the list calls it.
    pub hosts: Vec<(String, NewHost)>,
    /// What the list names besides, and which is therefore not gone, unless it had `tag` before.
    pub others: Vec<String>,
    /// The tag that each of the hosts has, where only those with one were asked for.
    pub tag: Option<String>,
    /// What it names that is no host, with the reason.
    pub refused: Vec<(String, Failure)>,
    /// The beginnings of what the list would call a host: only one that it would have named is gone when
    /// it does not. An empty list names none; then it is about the one that is known.
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
/// When the store can't be written; [`Code::BadInput`] for an empty list that may be of any of several
/// scopes. A host that can't be taken over does not stop the others.
pub fn bring(store: &Connection, found: Found, now: Millis) -> Result<Brought> {
    let source = found.source;
    let scopes = match found.scopes.is_empty() {
        true => known_scope(store, source)?,
        false => found.scopes,
    };
    let mut brought = Brought {
        refused: found.refused,
        ..Brought::default()
    };
    let mut named = BTreeSet::new();
    for (origin, new) in found.hosts {
        let listed = (origin.as_str(), found.tag.as_deref());
        match take_over(store, source, listed, new, now) {
            Ok(Taken::New(host)) => brought.added.push(host),
            Ok(Taken::Changed(host)) => brought.changed.push(host),
            Ok(Taken::Same) => brought.same += 1,
            Err(error) if error.code() == Code::StoreUnwritable => return Err(error),
            Err(error) => brought
                .refused
                .push((shown(&origin, 60), Failure::from(&error))),
        }
        named.insert(origin);
    }
    let others: BTreeSet<String> = found.others.into_iter().collect();
    for host in table::list(store)? {
        let origin = host.origin.as_deref().unwrap_or_default();
        let would_be_named = host.source == source
            && scopes
                .iter()
                .any(|scope| origin.starts_with(scope.as_str()));
        if !would_be_named || named.contains(origin) || host.gone_at.is_some() {
            continue;
        }
        let had_tag = found.tag.is_some() && said_of(store, host.id)?.tag == found.tag;
        if had_tag || !others.contains(origin) {
            brought.gone.push(note_gone(store, host.id, now)?);
        }
    }
    Ok(brought)
}

/// Returns what hosts of such lists are called by, where an empty list does not say it itself.
fn known_scope(store: &Connection, source: Source) -> Result<BTreeSet<String>> {
    let hosts = table::list(store)?;
    let origins = hosts.iter().filter(|host| host.source == source);
    let scopes: BTreeSet<String> = origins
        .filter_map(|host| host.origin.as_deref()?.rsplit_once('/'))
        .map(|(scope, _)| format!("{scope}/"))
        .collect();
    if scopes.len() > 1 {
        return Err(Error::bad_input(
            "The list is empty and so does not say which account and region it is from, and there are hosts \
             from several. Nothing was changed.",
        )
        .hint("Remove the hosts that are not there any more."));
    }
    Ok(scopes)
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

/// What became of a host of a list.
enum Taken {
    New(Host),
    Changed(Host),
    Same,
}

/// Adds a host of a list, or lets it follow the list where it is known.
fn take_over(
    store: &Connection,
    source: Source,
    (origin, tag): (&str, Option<&str>),
    new: NewHost,
    now: Millis,
) -> Result<Taken> {
    let listed = new.destination.clone();
    let Some(known) = table::of_origin(store, source, origin)? else {
        let host = insert(store, source, origin, new, now)?;
        note_listed(store, host.id, &listed, tag)?;
        return Ok(Taken::New(host));
    };
    let before = said_of(store, known.id)?;
    let was_listed = before.destination.as_deref().unwrap_or(&known.destination);
    let destination = followed(&known.destination, was_listed, &listed);
    if destination != known.destination {
        go_to(store, &known, destination)?;
    }
    let (user, _) = parts(&listed);
    let listed = joined(user.or(parts(was_listed).0), parts(&listed).1);
    note_listed(store, known.id, &listed, tag)?;
    let host = table::get(store, known.id)?;
    Ok(match host == known {
        true => Taken::Same,
        false => Taken::Changed(host),
    })
}

/// Lets a host be elsewhere, where it must still show its pinned key.
fn go_to(store: &Connection, known: &Host, destination: String) -> Result<()> {
    let keys = serde_json::to_string(&known.host_keys).unwrap_or_default();
    let change = Edit {
        destination: Some(destination),
        ..Edit::default()
    };
    edit(store, known.id, change)?;
    store
        .execute(
            "UPDATE hosts SET host_keys = ?2, pinned_at = ?3 WHERE id = ?1",
            params![known.id, keys, known.pinned_at],
        )
        .doing("keep the host's pinned key")
        .map(drop)
}

/// Returns where a host is, of which the list says `listed` now and said `was_listed` before: the user's name
/// there and the address each follow the list, unless the user has set another.
fn followed(stored: &str, was_listed: &str, listed: &str) -> String {
    let ((user, address), was, is) = (parts(stored), parts(was_listed), parts(listed));
    let user = match user == was.0 {
        true => is.0.or(user),
        false => user,
    };
    let address = match address == was.1 {
        true => is.1,
        false => address,
    };
    joined(user, address)
}

/// Takes `[user@]host` apart.
fn parts(destination: &str) -> (Option<&str>, &str) {
    match destination.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, destination),
    }
}

fn joined(user: Option<&str>, address: &str) -> String {
    user.map_or_else(|| address.to_owned(), |user| format!("{user}@{address}"))
}

/// What a list said of a host when it was taken over last.
struct Said {
    destination: Option<String>,
    tag: Option<String>,
}

fn said_of(store: &Connection, id: HostId) -> Result<Said> {
    let read = |row: &Row<'_>| {
        Ok(Said {
            destination: row.get(0)?,
            tag: row.get(1)?,
        })
    };
    store
        .query_row(
            "SELECT origin_destination, origin_tag FROM hosts WHERE id = ?1",
            [id],
            read,
        )
        .doing("look what the list said before")
}

/// Notes that a list names a host, and what it says of it.
fn note_listed(store: &Connection, id: HostId, destination: &str, tag: Option<&str>) -> Result<()> {
    store
        .execute(
            "UPDATE hosts SET gone_at = NULL, origin_destination = ?2,
                 origin_tag = coalesce(?3, origin_tag) WHERE id = ?1",
            params![id, destination, tag],
        )
        .doing("note what the list says")
        .map(drop)
}

fn note_gone(store: &Connection, id: HostId, now: Millis) -> Result<Host> {
    store
        .execute(
            "UPDATE hosts SET gone_at = ?2 WHERE id = ?1",
            params![id, now],
        )
        .doing("note that the host is gone")?;
    table::get(store, id)
}
