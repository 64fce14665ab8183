//! What a store needs now and then, whoever happens to use it.

use std::convert::Infallible;
use std::time::Duration;

use super::App;
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::dispatch;
use crate::error::{Error, Result};
use crate::settings::Setting;
use crate::usage::retention;

/// When somebody last let go of what the user does not want kept any longer.
pub const TIDIED_AT: Setting<Option<Millis>> = Setting {
    name: "store.tidied_at",
    default: || None,
    check: |_| Ok(()),
};

const DAY_MS: i64 = 86_400_000;

/// How often a program that stays looks whether a day has passed. More often than once a day, so
/// that it notices one that the machine slept through.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

impl App {
    /// Books what other processes left, and tidies, for as long as it is polled: for a program that
    /// stays. What fails is tried again at the next turn.
    pub async fn keep_tidy(&self) -> Infallible {
        let mut due = tokio::time::interval(LOOK_EVERY);
        loop {
            due.tick().await;
            // Where there is a store there may be hosts, and connections that a killed process left.
            if let Ok(Some(_)) = self.db_if_any()
                && let Err(error) = self.farm()
            {
                tracing::warn!(%error, "connections to hosts could not be looked after");
            }
            // A store that can't be written now is no reason to stop.
            if let Err(error) = self.catch_up().await {
                tracing::warn!(%error, "runs could not be booked yet");
            }
            self.tidy().await;
        }
    }

    /// Once a day lets go of what the user's settings do not keep any longer: texts of the history,
    /// single rows of the ledger. Then backs the store up, if the newest copy is older than a week and
    /// not of the same.
    ///
    /// On every other call it costs one short read, so that each command can call it when its work
    /// is done. What fails is only logged: the next day tries again.
    pub async fn tidy(&self) {
        if let Err(error) = self.try_tidy().await {
            tracing::warn!(%error, "the store could not be tidied");
        }
    }

    async fn try_tidy(&self) -> Result<()> {
        let Some(db) = self.db_if_any()? else {
            return Ok(());
        };
        if !take_turn(db).await? {
            return Ok(());
        }
        db.sweep();
        dispatch::prune(db).await?;
        retention::fold_old(db).await?;
        if is_backup_due(db)? {
            let db = db.clone();
            // On a thread of its own: an agent goes on serving meanwhile.
            tokio::task::spawn_blocking(move || db.back_up_unasked())
                .await
                .map_err(|e| Error::failed("The backup was not finished.").because(e))??;
        }
        Ok(())
    }
}

/// Tells whether the newest copy, or the store without any, is older than a week, and a key was used
/// or changed, or a run booked, since; what tidying itself writes does not count.
fn is_backup_due(db: &Db) -> Result<bool> {
    let newest = db.newest_backup();
    let now = db.clock().now();
    let week_ago = now.0 - 7 * DAY_MS;
    db.read(|store| {
        store
            .query_row(
                "SELECT since <= ?2 AND (EXISTS (SELECT 1 FROM audit WHERE at > since)
                                      OR EXISTS (SELECT 1 FROM key_usage WHERE timestamp > since))
                 -- A store that was made by a clock that was ahead is as good as old.
                 FROM (SELECT coalesce(?1, iif(created_at <= ?3, created_at, 0)) AS since FROM store)",
                (newest, week_ago, now),
                |row| row.get(0),
            )
            .doing("look for what is new")
    })
}

/// Takes today's turn, unless it was taken already. It is noted first, so that of many processes
/// only one works; should that one die, the next day's turn does its work as well.
async fn take_turn(db: &Db) -> Result<bool> {
    let now = db.clock().now();
    if !is_due(db.read(|store| TIDIED_AT.get(store))?, now) {
        return Ok(false);
    }
    db.write(move |store| {
        let is_due = is_due(TIDIED_AT.get(store)?, now);
        if is_due {
            TIDIED_AT.set(store, &Some(now), now)?;
        }
        Ok(is_due)
    })
    .await
}

/// Tells whether a day has passed; a turn in the future is that of a clock that was set back.
fn is_due(last: Option<Millis>, now: Millis) -> bool {
    last.is_none_or(|last| last > now || now.0 - last.0 >= DAY_MS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::Nobody;
    use crate::clock::Clock;
    use crate::paths::Paths;
    use crate::usage::{self, Basis, Entry, Payer, Tier, Tokens};

    const NOW: Millis = Millis(1_800_000_000_000);

    /// Books a run of two years ago, which no ledger keeps as a single row.
    async fn book_old(db: &Db) {
        book(db, Millis(NOW.0 - 730 * DAY_MS)).await;
    }

    async fn book(db: &Db, at: Millis) {
        let entry = Entry {
            run: None,
            at,
            payer: Payer::env("TEST", "abcd", &[0; 32]),
            key: None,
            tier: Tier::Metered,
            model: "a-model".to_owned(),
            host: None,
            environment: String::new(),
            basis: Basis::Metered,
            tokens: Tokens::default(),
            cost: None,
            priced_as_of: None,
        };
        db.write(move |store| usage::book(store, &entry))
            .await
            .unwrap();
    }

    fn single_rows(db: &Db) -> i64 {
        db.read(|store| {
            store
                .query_row("SELECT count(*) FROM key_usage", [], |row| row.get(0))
                .doing("count")
        })
        .unwrap()
    }

    #[tokio::test]
    async fn what_is_not_kept_any_longer_goes_once_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(NOW);
        let app = App::at(
            Paths::under(folder.path()),
            clock.clone(),
            "test",
            Arc::new(Nobody),
        );
        let db = app.db().unwrap();

        book_old(db).await;
        app.tidy().await;
        assert_eq!(single_rows(db), 0, "the first turn is due at once");

        book_old(db).await;
        clock.set(Millis(NOW.0 + DAY_MS - 1));
        app.tidy().await;
        assert_eq!(single_rows(db), 1, "today's turn was taken");

        clock.set(Millis(NOW.0 + DAY_MS));
        app.tidy().await;
        assert_eq!(single_rows(db), 0);
    }

    #[tokio::test]
    async fn tidying_makes_no_store_where_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let app = App::at(
            Paths::under(folder.path()),
            Clock::fixed(NOW),
            "test",
            Arc::new(Nobody),
        );
        app.tidy().await;
        assert!(!app.paths().database().exists());
    }

    #[tokio::test]
    async fn the_store_is_backed_up_after_a_week_in_which_it_changed_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(NOW);
        let app = App::at(
            Paths::under(folder.path()),
            clock.clone(),
            "test",
            Arc::new(Nobody),
        );
        let db = app.db().unwrap();
        let copies = async |days: i64| {
            clock.set(Millis(NOW.0 + days * DAY_MS));
            app.tidy().await;
            db.backups_made_at().len()
        };
        assert_eq!(copies(8).await, 0, "there was nothing in it");
        book(db, Millis(NOW.0 + 8 * DAY_MS)).await;
        assert_eq!(copies(9).await, 1);
        book(db, Millis(NOW.0 + 10 * DAY_MS)).await;
        assert_eq!(copies(15).await, 1, "the newest is six days old");
        assert_eq!(copies(16).await, 2);
        assert_eq!(copies(30).await, 2, "nothing is new");
    }

    #[tokio::test]
    async fn a_store_and_a_backup_of_a_time_to_come_do_not_put_off_the_next_backup() {
        let folder = tempfile::tempdir().unwrap();
        let years_ahead = Millis(NOW.0 + 3_650 * DAY_MS);
        let clock = Clock::fixed(years_ahead);
        let app = App::at(
            Paths::under(folder.path()),
            clock.clone(),
            "test",
            Arc::new(Nobody),
        );
        let db = app.db().unwrap();
        clock.set(NOW);
        book(db, NOW).await;
        app.tidy().await;
        assert_eq!(db.newest_backup(), Some(NOW), "the store seems to be new");

        clock.set(years_ahead);
        db.back_up(None).unwrap();
        clock.set(Millis(NOW.0 + 8 * DAY_MS));
        book(db, clock.now()).await;
        app.tidy().await;
        assert_eq!(db.newest_backup(), Some(clock.now()));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_put_off_the_turn() {
        assert!(is_due(Some(Millis(NOW.0 + DAY_MS)), NOW));
        assert!(!is_due(Some(NOW), NOW));
        assert!(is_due(None, NOW));
    }
}
