//! What people call the payers and keys of the sums, also those that have been deleted.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::text;
use crate::usage::Payer;

/// The names of keys and hosts, with whether they have been deleted.
pub(super) struct Names {
    keys: HashMap<String, (String, bool)>,
    hosts: HashMap<String, (String, bool)>,
}

impl Names {
    /// Reads the names that occur in `payers`, `keys` and `hosts`.
    pub(super) fn read<'a>(
        store: &Connection,
        payers: impl Iterator<Item = &'a String>,
        keys: impl Iterator<Item = &'a String>,
        hosts: impl Iterator<Item = &'a String>,
    ) -> Result<Self> {
        let mut key_ids: Vec<String> = keys.filter(|id| !id.is_empty()).cloned().collect();
        let mut host_ids: Vec<String> = hosts.cloned().collect();
        for payer in payers {
            match payer.parse() {
                Ok(Payer::Key(id)) => key_ids.push(id.to_string()),
                Ok(Payer::Host(id)) => host_ids.push(id.to_string()),
                _ => {}
            }
        }
        Ok(Self {
            keys: look_up(
                store,
                "SELECT id, name, deleted_at IS NOT NULL FROM api_keys
                 WHERE id IN (SELECT value FROM json_each(?1))",
                &key_ids,
            )?,
            hosts: look_up(
                store,
                "SELECT CAST(id AS TEXT), name, deleted_at IS NOT NULL FROM hosts
                 WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?1))",
                &host_ids,
            )?,
        })
    }

    /// Returns a payer's label, and whether it has been deleted.
    pub(super) fn payer(&self, id: &str) -> (String, bool) {
        match id.parse() {
            Ok(Payer::Key(key)) => self.key(key.as_str()),
            Ok(Payer::Env { name, last4, .. }) => (Payer::env_label(&name, &last4), false),
            Ok(Payer::EnvFile { file, last4, .. }) => (Payer::env_file_label(&file, &last4), false),
            Ok(Payer::Plan(name)) => (format!("plan {name}"), false),
            Ok(Payer::Host(host)) => match self.hosts.get(&host.to_string()) {
                Some((name, is_deleted)) => (format!("{name}'s own key"), *is_deleted),
                None => same(id),
            },
            // Written by another version: its own words are the best that there is.
            Err(_) => same(id),
        }
    }

    /// Returns a host's name, and whether it has been removed.
    pub(super) fn host(&self, id: &str) -> (String, bool) {
        if id == "0" {
            return ("not on the farm".to_owned(), false);
        }
        self.hosts.get(id).cloned().unwrap_or_else(|| same(id))
    }

    /// Returns a stored key's name, and whether it has been deleted.
    pub(super) fn key(&self, id: &str) -> (String, bool) {
        if id.is_empty() {
            return ("no stored key".to_owned(), false);
        }
        self.keys.get(id).cloned().unwrap_or_else(|| same(id))
    }
}

/// Checks that some key or some sum has the environment label `wanted`; the empty one always stands.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) with the labels that there are.
pub fn check_environment(store: &Connection, wanted: &str) -> Result<()> {
    const DOING: &str = "read the environments";
    let mut labels = store
        .prepare_cached(
            "SELECT environment FROM usage_daily UNION SELECT environment FROM api_keys ORDER BY 1",
        )
        .doing(DOING)?;
    let labels: Vec<String> = labels
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .doing(DOING)?;
    if wanted.is_empty() || labels.iter().any(|label| label == wanted) {
        return Ok(());
    }
    let there: Vec<String> = labels
        .iter()
        .filter(|label| !label.is_empty())
        .take(8)
        .map(|label| text::shown(label, 30))
        .collect();
    let error = Error::bad_input(format!(
        "No key and no run has the environment {}.",
        text::shown(wanted, 60)
    ));
    Err(match there.is_empty() {
        true => error.hint("None has one yet; a key's label is set when it is added or edited."),
        false => error.hint(format!("There are: {}.", there.join(", "))),
    })
}

/// Returns an environment's label.
pub(super) fn environment(id: &str) -> (String, bool) {
    if id.is_empty() {
        return ("no environment".to_owned(), false);
    }
    same(id)
}

/// Returns the label of what is called as the store calls it.
pub(super) fn same(id: &str) -> (String, bool) {
    (id.to_owned(), false)
}

fn look_up(
    store: &Connection,
    sql: &str,
    ids: &[String],
) -> Result<HashMap<String, (String, bool)>> {
    let ids = serde_json::to_string(ids)
        .map_err(|e| Error::failed("The names can't be asked for.").because(e))?;
    let mut statement = store.prepare_cached(sql).doing("read names")?;
    statement
        .query_map([ids], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
        .and_then(Iterator::collect)
        .doing("read names")
}
