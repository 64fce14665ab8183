//! What a login's `claude` said last: whose it is, and how much of the plan is used.

use std::time::Duration;

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

/// How long what was told without an end counts: as long as a plan's shortest window.
const LASTING: Duration = Duration::from_secs(5 * 60 * 60);

impl Known {
    /// Tells whether the last run was paid beyond the plan's limits and these have not begun anew since, so
    /// that a run at `now` may be, too.
    #[must_use]
    pub fn is_extra(&self, now: Millis) -> bool {
        let Some(limits) = self.limits.as_ref().filter(|limits| limits.is_extra) else {
            return false;
        };
        let lasting = self.limits_at.map(|at| at.plus(LASTING));
        limits.resets_at.or(lasting).is_none_or(|end| now < end)
    }
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

/// Forgets what was known of a login, in the caller's transaction.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when that can't be written.
pub(super) fn forget(store: &Connection, login: &str) -> Result<()> {
    store
        .execute("DELETE FROM plan_logins WHERE login = ?1", [login])
        .doing("forget a login")
        .map(drop)
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
    fn extra_usage_counts_until_the_limits_begin_anew() {
        let at = |resets_at, limits_at| Known {
            limits: Some(Limits {
                is_extra: true,
                resets_at,
                ..Limits::default()
            }),
            limits_at,
            ..Known::default()
        };
        let told = at(Some(Millis(9)), Some(Millis(1)));
        assert!(told.is_extra(Millis(8)) && !told.is_extra(Millis(9)));
        let five_hours = Millis(5 * 60 * 60 * 1000);
        let endless = at(None, Some(Millis(0)));
        assert!(endless.is_extra(Millis(1)) && !endless.is_extra(five_hours));
        assert!(!Known::default().is_extra(Millis(1)));
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
