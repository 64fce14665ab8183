//! What a login's `claude` said last: whose it is, and how much of the plan is used.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::claude::{Account, Limits};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Result};

/// What is known of a login, from the last run through it. Nothing is spent to learn it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "PlanKnown"))]
pub struct Known {
    /// The account that the CLI named.
    pub account: Option<Account>,
    /// The plan's limits.
    pub limits: Option<Limits>,
    /// When the limits were told.
    pub limits_at: Option<Millis>,
}

/// Returns what is known of a login; a part that this version can't read counts as not known.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn known(store: &Connection, login: &str) -> Result<Known> {
    let kept = store
        .query_row(
            "SELECT account, limits, limits_at FROM plan_logins WHERE login = ?1",
            [login],
            |row| {
                Ok(Known {
                    account: read(row.get(0)?),
                    limits: read(row.get(1)?),
                    limits_at: row.get(2)?,
                })
            },
        )
        .optional()
        .doing("read what is known of a login")?;
    Ok(kept.unwrap_or_default())
}

/// Keeps the account that a login's `claude` named, in the caller's transaction.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be kept.
pub fn note_account(store: &Connection, login: &str, account: &Account) -> Result<()> {
    store
        .execute(
            "INSERT INTO plan_logins (login, account) VALUES (?1, ?2)
             ON CONFLICT (login) DO UPDATE SET account = excluded.account",
            (login, written(account)?),
        )
        .doing("keep what is known of a login")
        .map(drop)
}

/// Keeps the limits of a login's plan, in the caller's transaction.
///
/// # Errors
/// As [`note_account`].
pub fn note_limits(store: &Connection, login: &str, limits: &Limits, now: Millis) -> Result<()> {
    store
        .execute(
            "INSERT INTO plan_logins (login, limits, limits_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (login) DO UPDATE
             SET limits = excluded.limits, limits_at = excluded.limits_at",
            (login, written(limits)?, now),
        )
        .doing("keep what is known of a login")
        .map(drop)
}

fn read<T: DeserializeOwned>(json: Option<String>) -> Option<T> {
    serde_json::from_str(&json?).ok()
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| Error::failed("What is known of a login can't be written.").because(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Connection {
        let store = Connection::open_in_memory().unwrap();
        store
            .execute_batch(include_str!("../../../../migrations/0005_plan.sql"))
            .unwrap();
        store
    }

    #[test]
    fn account_and_limits_are_kept_each_by_itself() {
        let store = store();
        assert_eq!(known(&store, "work").unwrap(), Known::default());
        let limits = Limits {
            is_extra: true,
            ..Limits::default()
        };
        note_limits(&store, "work", &limits, Millis(7)).unwrap();
        let account = Account {
            plan: Some("Claude Max".to_owned()),
            ..Account::default()
        };
        note_account(&store, "work", &account).unwrap();
        let known = known(&store, "work").unwrap();
        assert_eq!(known.account, Some(account));
        assert_eq!(
            (known.limits, known.limits_at),
            (Some(limits), Some(Millis(7)))
        );
    }
}
