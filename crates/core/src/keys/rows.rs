//! The keys as a screen lists them: each with whether it pays, and what it has cost this month.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;

use super::{Key, active, table};
use crate::clock::Millis;
use crate::error::Result;
use crate::usage::report::{self, Figure, Range};

/// A key in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "KeyRow"))]
pub struct Row {
    /// What is known of it.
    #[serde(flatten)]
    pub key: Key,
    /// Whether it is the active key.
    pub is_selected: bool,
    /// The money that has left through it this month.
    pub month: Figure,
}

/// Lists every key with this month's money. Reads the sums of days only, in one pass.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn rows(store: &Connection, now: Millis) -> Result<Vec<Row>> {
    let selected = active(store)?.map(|key| key.id);
    let mut spent: BTreeMap<String, Figure> = report::leaving_by_key(store, Range::Month, now)?;
    let row = |key: Key| Row {
        is_selected: selected.as_ref() == Some(&key.id),
        month: spent.remove(key.id.as_str()).unwrap_or_default(),
        key,
    };
    Ok(table::list(store)?.into_iter().map(row).collect())
}
