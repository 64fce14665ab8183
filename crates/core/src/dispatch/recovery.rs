//! Booking runs after their time: exactly where their end was set aside, else as an estimate.

use rusqlite::{Connection, OptionalExtension};

use super::event::State;
use super::runs::{finish, settle};
use super::unbooked::{self, Found};
use super::unsigned;
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::error::{Code, Result};
use crate::id::RunId;
use crate::usage::{Basis, Booked, Conditions, Entry, Tokens, catalogue};

/// The runs that were booked after their time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Those whose end the store could not take then: booked as they would have been.
    pub exactly: Vec<RunId>,
    /// Those whose process ended before they did: the prompt as it was estimated, the answer unknown.
    pub as_estimates: Vec<RunId>,
}

/// Books the runs whose end could not be booked by their own process: what was set aside exactly,
/// whether or not that process lives; a run that ended with its process as an estimate; none dropped.
///
/// # Errors
/// [`Code::StoreUnwritable`] when they can't be booked; the next call tries again.
pub async fn recover(db: &Db) -> Result<Recovered> {
    // In this order: what an owner set aside was there before it was gone.
    let lost = lost(db)?;
    let exactly = book_unbooked(db).await?;
    if lost.is_empty() {
        return Ok(Recovered {
            exactly,
            ..Recovered::default()
        });
    }
    let now = db.clock().now();
    let as_estimates = db
        .write(move |store| {
            let mut booked = Vec::new();
            for run in lost {
                if lose(store, run, now)? {
                    booked.push(run);
                }
            }
            Ok(booked)
        })
        .await?;
    Ok(Recovered {
        exactly,
        as_estimates,
    })
}

/// Books what was set aside, and returns which runs. A file that is not whole is left to the estimate
/// of its run; once that run is closed, its files go.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be booked; the files stay.
pub(super) async fn book_unbooked(db: &Db) -> Result<Vec<RunId>> {
    let mut booked = Vec::new();
    for found in unbooked::find(db.paths()) {
        match book_found(db, &found).await {
            Ok(Some(outcome)) => {
                unbooked::remove(&found.path);
                booked.extend((outcome == Booked::New).then_some(found.run));
            }
            Ok(None) => {}
            Err(error) if error.code() == Code::StoreUnwritable => return Err(error),
            Err(error) => {
                tracing::warn!(%error, run = %found.run, "a run that was set aside can't be booked");
            }
        }
    }
    Ok(booked)
}

/// Books one file; `None` where it is another store's, or is not whole.
async fn book_found(db: &Db, found: &Found) -> Result<Option<Booked>> {
    match db.read(|store| state(store, found))? {
        Some(State::Started) => {}
        Some(_) => return Ok(Some(Booked::Already)),
        None => return Ok(None),
    }
    let Some(ending) = found.ending() else {
        return Ok(None);
    };
    let run = found.run;
    let close = move |store: &Connection| {
        let row = estimate(store, run)?;
        finish(store, ending.closing(run, row))
    };
    db.write(close).await.map(Some)
}

/// Returns how the run of a file stands, where it is one of this store.
fn state(store: &Connection, found: &Found) -> Result<Option<State>> {
    store
        .query_row(
            "SELECT state FROM runs WHERE id = ?1 AND owner = ?2",
            (found.run, &found.owner),
            |row| row.get(0),
        )
        .optional()
        .doing("look for a run that was set aside")
}

/// Returns the open runs whose process is gone.
fn lost(db: &Db) -> Result<Vec<RunId>> {
    let open = db.read(|store| {
        store
            .prepare_cached("SELECT id, owner FROM runs WHERE state = 'started'")
            .and_then(|mut rows| {
                rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<Vec<(RunId, String)>>>()
            })
            .doing("look for lost runs")
    })?;
    let lost = open.into_iter().filter(|(_, owner)| db.is_gone(owner));
    Ok(lost.map(|(run, _)| run).collect())
}

fn lose(store: &Connection, run: RunId, now: Millis) -> Result<bool> {
    let closed = store
        .execute(
            "UPDATE runs SET state = 'lost', finished_at = ?2 WHERE id = ?1 AND state = 'started'",
            (run, now),
        )
        .doing("write down a lost run")?;
    if closed == 0 {
        return Ok(false);
    }
    settle(store, run, Some(&estimate(store, run)?))?;
    Ok(true)
}

/// Returns the ledger row of a run of which nothing is known but how it began.
fn estimate(store: &Connection, run: RunId) -> Result<Entry> {
    store
        .query_row(
            "SELECT started_at, payer, key_id, tier, model, host_id, environment, input_estimate
             FROM runs WHERE id = ?1",
            [run],
            |row| {
                let tokens = Tokens {
                    input: unsigned(row.get(7)?),
                    ..Tokens::default()
                };
                let model: String = row.get(4)?;
                let priced = catalogue().price(&model, &tokens, &Conditions::default());
                Ok(Entry {
                    run: Some(run),
                    // When it ended is unknown; it began on this day.
                    at: row.get(0)?,
                    payer: row.get(1)?,
                    key: row.get(2)?,
                    tier: row.get(3)?,
                    model,
                    host: row.get(5)?,
                    environment: row.get(6)?,
                    basis: Basis::Estimated,
                    tokens,
                    cost: priced.as_ref().map(|priced| priced.cost),
                    priced_as_of: priced.map(|priced| priced.as_of),
                })
            },
        )
        .doing("read how a run began")
}
