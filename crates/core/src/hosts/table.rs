//! Rows of `hosts`: reading and finding them.

use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::Host;
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::id::HostId;
use crate::text;

const COLUMNS: &str = "id, name, destination, port, identity_file, slots, service_unit, key_id,
    own_command, labels, source, origin, host_keys, pinned_at, is_paused, gone_at, failures,
    last_failure, rests_until, probed_at, probe, created_at";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Host> {
    let json = |column: usize| row.get::<_, Option<String>>(column);
    Ok(Host {
        id: row.get(0)?,
        name: row.get(1)?,
        destination: row.get(2)?,
        port: row.get(3)?,
        identity: row.get(4)?,
        slots: row.get(5)?,
        service_unit: row.get(6)?,
        key: row.get(7)?,
        own_command: row.get(8)?,
        labels: read(json(9)?).unwrap_or_default(),
        source: row.get(10)?,
        origin: row.get(11)?,
        // Keys that can't be read are no pinned keys: then nothing is sent.
        host_keys: read(json(12)?).unwrap_or_default(),
        pinned_at: row.get(13)?,
        is_paused: row.get(14)?,
        gone_at: row.get(15)?,
        failures: row.get(16)?,
        last_failure: read(json(17)?),
        rests_until: row.get(18)?,
        probed_at: row.get(19)?,
        probe: read(json(20)?),
        created_at: row.get(21)?,
    })
}

/// Reads what this version can of a column of JSON.
fn read<T: serde::de::DeserializeOwned>(json: Option<String>) -> Option<T> {
    serde_json::from_str(&json?).ok()
}

fn select(store: &Connection, rest: &str, with: &[&dyn ToSql]) -> Result<Vec<Host>> {
    let sql = format!("SELECT {COLUMNS} FROM hosts WHERE deleted_at IS NULL {rest}");
    let mut rows = store.prepare_cached(&sql).doing("list the hosts")?;
    let hosts = rows.query_map(with, from_row).and_then(Iterator::collect);
    hosts.doing("list the hosts")
}

/// Returns every host, by name; removed ones are left out.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub fn list(store: &Connection) -> Result<Vec<Host>> {
    select(store, "ORDER BY name_folded", &[])
}

/// Returns the host with this number.
///
/// # Errors
/// [`Code::NotFound`] when there is none, or it was removed.
pub fn get(store: &Connection, id: HostId) -> Result<Host> {
    select(store, "AND id = ?1", &[&id])?.pop().ok_or_else(|| {
        Error::new(Code::NotFound, "This host is no longer in the store.").remedy(Remedy::ListHosts)
    })
}

/// Finds a host by its name.
///
/// # Errors
/// [`Code::NotFound`], with the names that there are.
pub fn find(store: &Connection, wanted: &str) -> Result<Host> {
    if let Some(host) = select(store, "AND name_folded = ?1", &[&text::folded(wanted)])?.pop() {
        return Ok(host);
    }
    let names: Vec<String> = list(store)?
        .iter()
        .take(8)
        .map(|host| text::shown(&host.name, 30))
        .collect();
    let error = Error::new(
        Code::NotFound,
        format!("There is no host called {}.", text::shown(wanted, 60)),
    );
    Err(match names.is_empty() {
        true => error.remedy(Remedy::AddHost),
        false => error.hint(format!("There are: {}.", names.join(", "))),
    })
}

/// Returns the host that its source calls this.
pub(super) fn of_origin(
    store: &Connection,
    source: super::Source,
    origin: &str,
) -> Result<Option<Host>> {
    let rest = "AND source = ?1 AND origin = ?2";
    Ok(select(store, rest, &[&source, &origin])?.pop())
}

/// Refuses a name that another host has, or one that looks the same.
pub(super) fn refuse_taken_name(store: &Connection, name: &str, own: Option<HostId>) -> Result<()> {
    let taken: Option<(HostId, String)> = store
        .query_row(
            "SELECT id, name FROM hosts WHERE name_folded = ?1 AND deleted_at IS NULL",
            [text::folded(name)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("look for the name")?;
    match taken {
        Some((id, other)) if Some(id) != own => Err(Error::new(
            Code::Duplicate,
            format!(
                "There is a host called {} already, and two that look alike could be mixed up.",
                text::shown(&other, 60)
            ),
        )
        .hint("Choose another name.")),
        _ => Ok(()),
    }
}
