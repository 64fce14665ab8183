//! What the user set. Each room declares its own settings with their defaults; what was never set
//! is not in the store.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Result};

/// One setting: its name in the store and what holds while it is not set.
pub struct Setting<T: 'static> {
    /// The name in the store, such as `vault.lock_after_minutes`.
    pub name: &'static str,
    /// Makes the value that holds while it is not set.
    pub default: fn() -> T,
    /// Says what is wrong with a value that is to be kept.
    pub check: fn(&T) -> Result<()>,
}

impl<T: Serialize + DeserializeOwned> Setting<T> {
    /// Returns the value; one that this version can't read counts as not set.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
    pub fn get(&self, store: &Connection) -> Result<T> {
        let kept: Option<String> = store
            .prepare_cached("SELECT value FROM settings WHERE name = ?1")
            .and_then(|mut rows| rows.query_row([self.name], |row| row.get(0)).optional())
            .doing("read a setting")?;
        Ok(kept
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_else(self.default))
    }

    /// Keeps `value`.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when its check refuses it, and
    /// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be kept.
    pub fn set(&self, store: &Connection, value: &T, now: Millis) -> Result<()> {
        (self.check)(value)?;
        let json = serde_json::to_string(value).map_err(|e| {
            Error::failed(format!("The setting {} can't be written.", self.name)).because(e)
        })?;
        store
            .execute(
                "INSERT INTO settings (name, value, changed_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
                (self.name, json, now),
            )
            .doing("keep a setting")
            .map(drop)
    }

    /// Returns the value as JSON, for a face that lists settings.
    ///
    /// # Errors
    /// As [`Setting::get`].
    pub fn shown(&self, store: &Connection) -> Result<String> {
        let value = self.get(store)?;
        serde_json::to_string(&value).map_err(|e| {
            Error::failed(format!("The setting {} can't be shown.", self.name)).because(e)
        })
    }

    /// Keeps a value that a person wrote: JSON, or a plain word where the setting is a text.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when it can't be read, else as
    /// [`Setting::set`].
    pub fn set_text(&self, store: &Connection, text: &str, now: Millis) -> Result<()> {
        let word = serde_json::Value::String(text.to_owned());
        let read = serde_json::from_str(text).or_else(|_| serde_json::from_value(word));
        let value: T = match read {
            Ok(value) => value,
            Err(e) => {
                return Err(Error::bad_input(format!(
                    "{} can't be set to {}: {e}.",
                    self.name,
                    crate::text::shown(text, 60)
                ))
                .hint(format!(
                    "Write it as what holds now: {}",
                    self.shown(store)?
                )));
            }
        };
        self.set(store, &value, now)
    }

    /// Goes back to the default.
    ///
    /// # Errors
    /// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be removed.
    pub fn clear(&self, store: &Connection) -> Result<()> {
        store
            .execute("DELETE FROM settings WHERE name = ?1", [self.name])
            .doing("clear a setting")
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Setting<u32> = Setting {
        name: "test.minutes",
        default: || 15,
        check: |minutes| match minutes {
            0 => Err(Error::bad_input("At least one.")),
            _ => Ok(()),
        },
    };

    #[test]
    fn a_setting_has_its_default_until_it_is_set_and_after_it_is_cleared() {
        let store = Connection::open_in_memory().unwrap();
        store
            .execute_batch(include_str!("../../../migrations/0001_store.sql"))
            .unwrap();
        assert_eq!(MINUTES.get(&store).unwrap(), 15);
        MINUTES.set(&store, &5, Millis(0)).unwrap();
        MINUTES.set(&store, &7, Millis(1)).unwrap();
        assert_eq!(MINUTES.get(&store).unwrap(), 7);
        store
            .execute("UPDATE settings SET value = '\"soon\"'", [])
            .unwrap();
        assert_eq!(
            MINUTES.get(&store).unwrap(),
            15,
            "an unreadable value counts as not set"
        );
        MINUTES.clear(&store).unwrap();
        assert_eq!(MINUTES.get(&store).unwrap(), 15);
    }

    #[test]
    fn what_a_setting_s_check_refuses_is_not_kept_whichever_way_it_comes() {
        let store = Connection::open_in_memory().unwrap();
        store
            .execute_batch(include_str!("../../../migrations/0001_store.sql"))
            .unwrap();
        MINUTES.set_text(&store, "9", Millis(0)).unwrap();
        assert!(MINUTES.set(&store, &0, Millis(1)).is_err());
        let unread = MINUTES.set_text(&store, "soon", Millis(1)).unwrap_err();
        assert_eq!(unread.advice(), Some("Write it as what holds now: 9"));
        assert!(MINUTES.set_text(&store, "0", Millis(1)).is_err());
        assert_eq!(MINUTES.get(&store).unwrap(), 9);
    }
}
