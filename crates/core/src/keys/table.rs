//! Rows of `api_keys`: reading and finding them.

use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::{Key, Kind};
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::id::KeyId;
use crate::text;

const COLUMNS: &str = "id, name, kind, source, hint, base_url, organization, environment,
    (SELECT json_group_array(tag) FROM (SELECT tag FROM key_tags WHERE key_id = api_keys.id ORDER BY tag_folded)),
    note, validity, checked_at, valid_at, created_at, last_used_at, expires_at, is_active";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Key> {
    let tags: String = row.get(8)?;
    Ok(Key {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        source: row.get(3)?,
        hint: row.get(4)?,
        base_url: row.get(5)?,
        organization: row.get(6)?,
        environment: row.get(7)?,
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        note: row.get(9)?,
        validity: row.get(10)?,
        checked_at: row.get(11)?,
        valid_at: row.get(12)?,
        created_at: row.get(13)?,
        last_used_at: row.get(14)?,
        expires_at: row.get(15)?,
        is_active: row.get(16)?,
    })
}

fn select(store: &Connection, rest: &str, with: &[&dyn ToSql]) -> Result<Vec<Key>> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE deleted_at IS NULL {rest}");
    let mut rows = store.prepare_cached(&sql).doing("list the keys")?;
    let keys = rows.query_map(with, from_row).and_then(Iterator::collect);
    keys.doing("list the keys")
}

/// Returns every stored key, by name; deleted ones are left out.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub fn list(store: &Connection) -> Result<Vec<Key>> {
    select(store, "ORDER BY name_folded", &[])
}

/// Returns the key with this id.
///
/// # Errors
/// [`Code::NotFound`] when there is none, or it was deleted.
pub fn get(store: &Connection, id: &KeyId) -> Result<Key> {
    select(store, "AND id = ?1", &[id])?
        .pop()
        .ok_or_else(|| Error::new(Code::NotFound, "This key is no longer in the store."))
}

/// Finds a key by its name, its id, or its last four characters where only one key has them.
///
/// # Errors
/// [`Code::NotFound`], with the names that there are; [`Code::BadInput`] when several match.
pub fn find(store: &Connection, wanted: &str) -> Result<Key> {
    if let Some(key) = select(store, "AND name_folded = ?1", &[&text::folded(wanted)])?.pop() {
        return Ok(key);
    }
    if let Some(key) = select(store, "AND id = ?1", &[&wanted])?.pop() {
        return Ok(key);
    }
    let last_four = wanted.trim_start_matches('…');
    let mut matches = select(store, "AND hint = ?1 ORDER BY name_folded", &[&last_four])?;
    match (matches.len(), matches.pop()) {
        (1, Some(key)) => Ok(key),
        (0, _) => Err(unknown(store, wanted)?),
        (_, _) => Err(Error::bad_input(format!(
            "Several keys end in {}.",
            text::shown(last_four, 20)
        ))
        .hint("Use the name of the key that you mean.")),
    }
}

fn unknown(store: &Connection, wanted: &str) -> Result<Error> {
    text::refuse_key("name", wanted)?;
    let names: Vec<String> = list(store)?
        .iter()
        .take(8)
        .map(|key| text::shown(&key.name, 30))
        .collect();
    let error = Error::new(
        Code::NotFound,
        format!("There is no key called {}.", text::shown(wanted, 60)),
    );
    Ok(if names.is_empty() {
        error.remedy(Remedy::AddKey)
    } else {
        error.hint(format!("There are: {}.", names.join(", ")))
    })
}

/// Checks that a key can pay for a run.
///
/// # Errors
/// [`Code::BadInput`] for an admin key and for a retired one, with what to do instead.
pub fn usable(key: &Key) -> Result<()> {
    let name = text::shown(&key.name, 60);
    if key.kind == Kind::Admin {
        return Err(Error::bad_input(format!(
            "{name} is an admin key, which never pays for runs."
        ))
        .hint("Choose an API key."));
    }
    if !key.is_active {
        return Err(Error::bad_input(format!("{name} is retired.")).hint("Choose another key."));
    }
    Ok(())
}

/// Returns the name of the stored key with this fingerprint.
pub(super) fn with_fingerprint(store: &Connection, fingerprint: &[u8]) -> Result<Option<Key>> {
    Ok(select(store, "AND fingerprint = ?1", &[&fingerprint])?.pop())
}

/// Refuses a name that another key has, or one that looks the same.
pub(super) fn refuse_taken_name(store: &Connection, name: &str, own: Option<&KeyId>) -> Result<()> {
    let taken: Option<(KeyId, String)> = store
        .query_row(
            "SELECT id, name FROM api_keys WHERE name_folded = ?1 AND deleted_at IS NULL",
            [text::folded(name)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("look for the name")?;
    match taken {
        Some((id, other)) if Some(&id) != own => {
            let other = text::shown(&other, 60);
            Err(Error::new(Code::Duplicate, format!("There is a key called {other} already, and two that look alike could be mixed up."))
                .hint("Choose another name."))
        }
        _ => Ok(()),
    }
}

/// Puts `tags` in place of those that the key has.
pub(super) fn set_tags(store: &Connection, id: &KeyId, tags: &[String]) -> Result<()> {
    store
        .execute("DELETE FROM key_tags WHERE key_id = ?1", [id])
        .doing("keep the tags")?;
    for tag in tags {
        store
            .execute(
                "INSERT OR IGNORE INTO key_tags (key_id, tag, tag_folded) VALUES (?1, ?2, ?3)",
                (id, tag, text::folded(tag)),
            )
            .doing("keep the tags")?;
    }
    Ok(())
}
