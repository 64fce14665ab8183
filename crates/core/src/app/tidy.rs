//! What a store needs now and then, whoever happens to use it.

use super::App;
use crate::clock::Millis;
use crate::db::Db;
use crate::dispatch;
use crate::error::Result;
use crate::settings::Setting;
use crate::usage::retention;

/// When somebody last let go of what the user does not want kept any longer.
pub const TIDIED_AT: Setting<Option<Millis>> = Setting {
    name: "store.tidied_at",
    default: || None,
    check: |_| Ok(()),
};

const DAY_MS: i64 = 86_400_000;

impl App {
    /// Once a day lets go of what the user's settings do not keep any longer: texts of the history,
    /// single rows of the ledger.
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
        retention::fold_old(db).await.map(drop)
    }
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
    use crate::db::SqlContext;
    use crate::paths::Paths;
    use crate::usage::{Basis, Entry, Payer, Tier, Tokens, book};

    const NOW: Millis = Millis(1_800_000_000_000);

    /// Books a run of two years ago, which no ledger keeps as a single row.
    async fn book_old(db: &Db) {
        let entry = Entry {
            run: None,
            at: Millis(NOW.0 - 730 * DAY_MS),
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
        db.write(move |store| book(store, &entry)).await.unwrap();
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

    #[test]
    fn a_clock_that_was_set_back_does_not_put_off_the_turn() {
        assert!(is_due(Some(Millis(NOW.0 + DAY_MS)), NOW));
        assert!(!is_due(Some(NOW), NOW));
        assert!(is_due(None, NOW));
    }
}
