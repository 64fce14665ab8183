//! The active key: the one that pays for metered runs when no other is named.

use rusqlite::Connection;

use super::{Key, table};
use crate::clock::Millis;
use crate::error::{Code, Result};
use crate::id::KeyId;
use crate::settings::Setting;

/// The setting that names the active key.
pub const ACTIVE_KEY: Setting<Option<KeyId>> = Setting {
    name: "keys.active",
    default: || None,
    check: |_| Ok(()),
};

/// Returns the active key; one that was deleted or retired since counts as none.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub fn active(store: &Connection) -> Result<Option<Key>> {
    let Some(id) = ACTIVE_KEY.get(store)? else {
        return Ok(None);
    };
    match table::get(store, &id) {
        Ok(key) if table::usable(&key).is_ok() => Ok(Some(key)),
        Ok(_) => Ok(None),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a key the active one.
///
/// # Errors
/// As [`usable`](super::usable), [`Code::NotFound`] and [`Code::StoreUnwritable`].
pub fn select(store: &Connection, id: &KeyId, now: Millis) -> Result<Key> {
    let key = table::get(store, id)?;
    table::usable(&key)?;
    ACTIVE_KEY.set(store, &Some(id.clone()), now)?;
    Ok(key)
}
