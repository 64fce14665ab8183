//! Telling of hosts, changing what is known of them, pinning their keys, pausing and removing them.

use rusqlite::{Connection, params};
use serde::Deserialize;

use super::probe::forget_probe;
use super::{Host, SLOTS_MAX, Source, table};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::id::{HostId, KeyId};
use crate::ssh::{Destination, HostKey, check_identity};
use crate::text;

/// The most labels of a host.
const LABELS_MAX: usize = 20;

/// The most hosts.
const HOSTS_MAX: usize = 1_000;

/// What the user says of a host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS), ts(optional_fields))]
pub struct NewHost {
    /// What to call it.
    pub name: String,
    /// `[user@]host`, or an entry of the ssh configuration.
    pub destination: String,
    /// Its port, where the configuration does not say it.
    pub port: Option<u16>,
    /// The file of the private key to log in with.
    pub identity: Option<String>,
    /// How many runs it takes at a time; one where absent.
    pub slots: Option<u32>,
    /// The systemd unit whose state is watched.
    pub service_unit: Option<String>,
    /// The key that pays for what runs there.
    pub key: Option<KeyId>,
    /// The program there that brings the box's own key.
    pub own_command: Option<String>,
    /// Words to choose it by.
    pub labels: Vec<String>,
}

/// What to change of a host; `None` leaves a field as it is, and an empty text takes it away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "HostEdit", optional_fields))]
pub struct Edit {
    /// A new name.
    pub name: Option<String>,
    /// A new destination. The pinned keys go with the old one.
    pub destination: Option<String>,
    /// A new port; 0 is that of the configuration. The pinned keys go with the old one.
    pub port: Option<u16>,
    /// Another private key's file.
    pub identity: Option<String>,
    /// Another number of slots.
    pub slots: Option<u32>,
    /// Another unit to watch.
    pub service_unit: Option<String>,
    /// Another key that pays there; an empty one is the active key.
    pub key: Option<KeyId>,
    /// Another program that brings the box's own key.
    pub own_command: Option<String>,
    /// New labels in place of the old ones.
    pub labels: Option<Vec<String>>,
}

/// Adds a host, in the caller's transaction. Its key is not pinned yet.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) that says what can't be,
/// [`Code::Duplicate`](crate::error::Code::Duplicate) when the name is taken.
pub fn add(store: &Connection, new: NewHost, now: Millis) -> Result<Host> {
    insert(store, new, (Source::Manual, None), now)
}

/// Adds a host that a source names.
pub(super) fn insert(
    store: &Connection,
    new: NewHost,
    (source, origin): (Source, Option<&str>),
    now: Millis,
) -> Result<Host> {
    let count = table::list(store)?.len();
    if count >= HOSTS_MAX {
        return Err(Error::bad_input(format!("{HOSTS_MAX} hosts is the most."))
            .hint("Remove some that are not used."));
    }
    let new = checked(new)?;
    table::refuse_taken_name(store, &new.name, None)?;
    store
        .execute(
            "INSERT INTO hosts (name, name_folded, destination, port, identity_file, slots,
                 service_unit, key_id, own_command, labels, source, origin, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                new.name,
                text::folded(&new.name),
                new.destination,
                new.port,
                new.identity,
                new.slots.unwrap_or(1),
                new.service_unit,
                new.key,
                new.own_command,
                json(&new.labels)?,
                source,
                origin,
                now,
            ],
        )
        .doing("keep the host")?;
    table::get(store, HostId(store.last_insert_rowid()))
}

/// Changes a host, in the caller's transaction, and returns it as it is then. Where it goes elsewhere, its
/// pinned keys are dropped; where it may be another box, or another login there, so is what it answered.
///
/// # Errors
/// As [`add`], and [`Code::NotFound`](crate::error::Code::NotFound).
pub fn edit(store: &Connection, id: HostId, change: Edit) -> Result<Host> {
    let host = table::get(store, id)?;
    let new = checked(NewHost {
        name: change.name.unwrap_or_else(|| host.name.clone()),
        destination: change
            .destination
            .unwrap_or_else(|| host.destination.clone()),
        port: change.port.or(host.port).filter(|port| *port != 0),
        identity: change.identity.or_else(|| host.identity.clone()),
        slots: Some(change.slots.unwrap_or(host.slots)),
        service_unit: change.service_unit.or_else(|| host.service_unit.clone()),
        key: change.key.or_else(|| host.key.clone()),
        own_command: change.own_command.or_else(|| host.own_command.clone()),
        labels: change.labels.unwrap_or_else(|| host.labels.clone()),
    })?;
    table::refuse_taken_name(store, &new.name, Some(id))?;
    let is_elsewhere = (&new.destination, new.port) != (&host.destination, host.port);
    store
        .execute(
            "UPDATE hosts SET name = ?2, name_folded = ?3, destination = ?4, port = ?5,
                 identity_file = ?6, slots = ?7, service_unit = ?8, key_id = ?9, own_command = ?10,
                 labels = ?11, failures = 0, rests_until = NULL,
                 last_failure = CASE WHEN ?12 THEN NULL ELSE last_failure END,
                 host_keys = CASE WHEN ?12 THEN '[]' ELSE host_keys END,
                 pinned_at = CASE WHEN ?12 THEN NULL ELSE pinned_at END
             WHERE id = ?1",
            params![
                id,
                new.name,
                text::folded(&new.name),
                new.destination,
                new.port,
                new.identity,
                new.slots,
                new.service_unit,
                new.key,
                new.own_command,
                json(&new.labels)?,
                is_elsewhere,
            ],
        )
        .doing("change the host")?;
    let changed = table::get(store, id)?;
    if changed.is_reached_as(&host) {
        return Ok(changed);
    }
    forget_probe(store, id)?;
    table::get(store, id)
}

/// Pins the keys by which a host must prove itself from now on, in the caller's transaction. What answered
/// before may have been another box, and is forgotten.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound), or when it can't be kept.
pub fn pin(store: &Connection, id: HostId, keys: &[HostKey], now: Millis) -> Result<Host> {
    table::get(store, id)?;
    store
        .execute(
            "UPDATE hosts SET host_keys = ?2, pinned_at = ?3, failures = 0, rests_until = NULL,
                 last_failure = NULL
             WHERE id = ?1",
            params![id, json(&keys)?, now],
        )
        .doing("pin the host's key")?;
    forget_probe(store, id)?;
    table::get(store, id)
}

/// Pauses a host, or lets it take runs again at once, in the caller's transaction.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound), or when it can't be kept.
pub fn pause(store: &Connection, id: HostId, is_paused: bool) -> Result<Host> {
    table::get(store, id)?;
    store
        .execute(
            "UPDATE hosts SET is_paused = ?2,
                 failures = CASE WHEN ?2 THEN failures ELSE 0 END,
                 rests_until = CASE WHEN ?2 THEN rests_until ELSE NULL END
             WHERE id = ?1",
            params![id, is_paused],
        )
        .doing("change the host")?;
    table::get(store, id)
}

/// Removes a host, in the caller's transaction. Runs and the ledger keep its name.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound), or when it can't be written.
pub fn remove(store: &Connection, id: HostId, now: Millis) -> Result<Host> {
    let host = table::get(store, id)?;
    store
        .execute(
            "UPDATE hosts SET deleted_at = ?2, host_keys = '[]', probe = NULL WHERE id = ?1",
            params![id, now],
        )
        .doing("remove the host")?;
    Ok(host)
}

/// Checks every field and leaves out what is blank.
fn checked(mut new: NewHost) -> Result<NewHost> {
    new.name = text::check_name("host's name", &new.name)?.to_owned();
    new.destination = Destination::parse(new.destination.trim())?
        .as_str()
        .to_owned();
    for field in [
        &mut new.identity,
        &mut new.service_unit,
        &mut new.own_command,
    ] {
        *field = field
            .take()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
    }
    new.key = new.key.filter(|key| !key.as_str().is_empty());
    if let Some(identity) = &new.identity {
        check_identity(identity)?;
    }
    if let Some(unit) = &new.service_unit {
        check_word("service unit", unit, ":_.@-\\", "name.service")?;
    }
    if let Some(program) = &new.own_command {
        check_word(
            "program of the box's own key",
            program,
            "/._+-",
            "/usr/local/bin/claude-own-key",
        )?;
    }
    if new.own_command.is_some() && new.key.is_some() {
        return Err(
            Error::bad_input("A box that has its own key is sent none of yours.")
                .hint("Name the key, or the program that brings the box's own; not both."),
        );
    }
    let slots = new.slots.unwrap_or(1);
    if !(1..=SLOTS_MAX).contains(&slots) {
        return Err(
            Error::bad_input(format!("A host can't have {slots} slots."))
                .hint(format!("Give a number from 1 to {SLOTS_MAX}.")),
        );
    }
    if new.port == Some(0) {
        return Err(Error::bad_input("There is no port 0.").hint("Leave it out for 22."));
    }
    new.labels = labels(&new.labels)?;
    Ok(new)
}

fn labels(given: &[String]) -> Result<Vec<String>> {
    let mut labels: Vec<String> = Vec::new();
    for label in given {
        let label = text::check_name("label", label)?;
        if !labels
            .iter()
            .any(|other| text::folded(other) == text::folded(label))
        {
            labels.push(label.to_owned());
        }
    }
    if labels.len() > LABELS_MAX {
        return Err(
            Error::bad_input(format!("{LABELS_MAX} labels is the most of a host."))
                .hint("Leave some out."),
        );
    }
    Ok(labels)
}

/// Checks a word that a box is given: a shell there must find nothing to take apart.
fn check_word(what: &str, word: &str, also: &str, example: &str) -> Result<()> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    if word.len() <= 255 && !word.starts_with('-') && word.chars().all(is_part) {
        return Ok(());
    }
    Err(
        Error::bad_input(format!("{} is no {what}.", text::shown(word, 60))).hint(format!(
            "Write it as one word without blanks, such as {example}."
        )),
    )
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::failed("The host can't be written.").because(e))
}
