//! Changing what is known of a key; the secret stays.

use rusqlite::Connection;
use serde::Deserialize;

use super::{Key, table};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::text;

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(
    feature = "wire",
    derive(ts_rs::TS),
    ts(rename = "KeyEdit", optional_fields)
)]
pub struct Edit {
    /// A new name.
    pub name: Option<String>,
    /// A new environment label; empty removes it.
    pub environment: Option<String>,
    /// A new organisation; empty removes it.
    pub organization: Option<String>,
    /// New tags in place of the old ones.
    pub tags: Option<Vec<String>>,
    /// A new note; empty removes it.
    pub note: Option<String>,
    /// When the key stops being valid; `Some(None)` is never.
    #[serde(deserialize_with = "given")]
    #[cfg_attr(feature = "wire", ts(optional, type = "number | null"))]
    pub expires_at: Option<Option<Millis>>,
}

/// Reads a field that is there: null is an answer, unlike a field that is missing.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<Millis>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl Edit {
    /// Tells whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.environment.is_none()
            && self.organization.is_none()
            && self.tags.is_none()
            && self.note.is_none()
            && self.expires_at.is_none()
    }

    /// Checks every field, before anything is sent or changed.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) that says which field breaks which rule.
    pub fn checked(mut self) -> Result<Self> {
        if let Some(name) = &mut self.name {
            *name = text::check_name("name", name)?.to_owned();
            refuse_scheme(name)?;
        }
        for (what, field) in [
            ("environment label", &mut self.environment),
            ("organisation", &mut self.organization),
        ] {
            if let Some(value) = field.as_mut().filter(|value| !value.trim().is_empty()) {
                *value = text::check_name(what, value)?.to_owned();
            }
        }
        for tag in self.tags.iter_mut().flatten() {
            *tag = text::check_name("tag", tag)?.to_owned();
        }
        if let Some(note) = &self.note {
            text::check_length("note", note, text::NOTE_MAX)?;
            text::refuse_key("note", note)?;
        }
        Ok(self)
    }
}

/// Refuses a name that would be read as a source of keys, where a payer is named.
fn refuse_scheme(name: &str) -> Result<()> {
    let folded = name.to_lowercase();
    if ["env:", "env-file:"]
        .iter()
        .any(|scheme| folded.starts_with(scheme))
    {
        return Err(Error::bad_input(
            "A key's name can't begin with env: or env-file:, which name other sources of keys.",
        )
        .hint("Choose another name."));
    }
    Ok(())
}

/// Changes a key's fields and returns it as it is then.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput), [`Code::Duplicate`](crate::error::Code::Duplicate)
/// when the name is taken, [`Code::NotFound`](crate::error::Code::NotFound).
pub fn edit(store: &Connection, id: &KeyId, change: Edit) -> Result<Key> {
    let change = change.checked()?;
    table::get(store, id)?;
    if let Some(name) = &change.name {
        table::refuse_taken_name(store, name, Some(id))?;
        update(
            store,
            "name = ?2, name_folded = ?3",
            (id, name, text::folded(name)),
        )?;
    }
    if let Some(environment) = &change.environment {
        update(store, "environment = ?2", (id, environment.trim()))?;
    }
    if let Some(organization) = &change.organization {
        let kept = Some(organization.trim()).filter(|name| !name.is_empty());
        update(store, "organization = ?2", (id, kept))?;
    }
    if let Some(note) = &change.note {
        update(store, "note = ?2", (id, note))?;
    }
    if let Some(expires_at) = change.expires_at {
        update(store, "expires_at = ?2", (id, expires_at))?;
    }
    if let Some(tags) = &change.tags {
        table::set_tags(store, id, tags)?;
    }
    table::get(store, id)
}

fn update(store: &Connection, what: &str, with: impl rusqlite::Params) -> Result<()> {
    store
        .execute(&format!("UPDATE api_keys SET {what} WHERE id = ?1"), with)
        .doing("change the key")
        .map(drop)
}
