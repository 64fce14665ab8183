//! Booking runs after their time: exactly where their end was set aside, else as an estimate.

use rusqlite::{Connection, OptionalExtension};

use super::event::State;
use super::runs::{finish, settle};
use super::unbooked::{self, Found, Read};
use super::unsigned;
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::error::{Code, Error, Result};
use crate::id::RunId;
use crate::usage::{Basis, Booked, Conditions, Entry, Nano, Tier, Tokens, catalogue, take_out};

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
/// Nothing is estimated of which an exact end may be there that can't be read now. An estimate that
/// was booked all the same, by a process that could not see the file, gives way to it.
///
/// # Errors
/// [`Code::StoreUnwritable`] when they can't be booked, or some had to be put off; the next call tries
/// again.
pub async fn recover(db: &Db) -> Result<Recovered> {
    // In this order: what an owner set aside was there before it was gone.
    let lost = lost(db)?;
    let aside = book_aside(db).await?;
    let (put_off, lost): (Vec<_>, Vec<_>) = lost
        .into_iter()
        .partition(|run| aside.unseen.is_some() || aside.unread.contains(run));
    let as_estimates = lose_all(db, lost).await?;
    // Nothing is put off of what another process has booked meanwhile, and removed.
    if let Some(why) = aside.unseen.or(aside.why_unread)
        && !put_off.is_empty()
        && self::lost(db)?.iter().any(|run| put_off.contains(run))
    {
        return Err(not_seen(&why));
    }
    Ok(Recovered {
        exactly: aside.booked,
        as_estimates,
    })
}

async fn lose_all(db: &Db, lost: Vec<RunId>) -> Result<Vec<RunId>> {
    if lost.is_empty() {
        return Ok(lost);
    }
    let now = db.clock().now();
    db.write(move |store| {
        let mut booked = Vec::new();
        for run in lost {
            if lose(store, run, now)? {
                booked.push(run);
            }
        }
        Ok(booked)
    })
    .await
}

fn not_seen(why: &Error) -> Error {
    let put_off = Error::new(
        Code::StoreUnwritable,
        format!(
            "Not every run that was cut off is booked yet, because what it used may be in a file that \
             can't be read now. {}",
            why.message()
        ),
    );
    match why.advice() {
        Some(advice) => put_off.hint(advice),
        None => put_off,
    }
}

/// Books what was set aside, and returns which runs. A file that is not whole is left to the estimate
/// of its run; once that run is closed, its files go. One that can't be read now stays.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be booked; the files stay.
pub(super) async fn book_unbooked(db: &Db) -> Result<Vec<RunId>> {
    book_aside(db).await.map(|aside| aside.booked)
}

/// What came of the files that were set aside.
struct BookedAside {
    booked: Vec<RunId>,
    /// The runs whose file can't be read now, and why not.
    unread: Vec<RunId>,
    why_unread: Option<Error>,
    /// Why there may be files that can't be seen now.
    unseen: Option<Error>,
}

/// What came of one file.
enum Outcome {
    /// Its run is closed now, or was before.
    Done(Booked),
    /// It is another store's, or is not whole.
    Left,
    /// It can't be read now.
    Unread(Error),
}

async fn book_aside(db: &Db) -> Result<BookedAside> {
    let aside = unbooked::find(db.paths());
    let mut came = BookedAside {
        booked: Vec::new(),
        unread: Vec::new(),
        why_unread: None,
        unseen: aside.unseen,
    };
    for found in aside.files {
        match book_found(db, &found).await {
            Ok(Outcome::Done(outcome)) => {
                unbooked::remove(&found.path);
                came.booked
                    .extend((outcome == Booked::New).then_some(found.run));
            }
            Ok(Outcome::Left) => {}
            Ok(Outcome::Unread(why)) => {
                tracing::warn!(error = %why, run = %found.run, "the end of a run can't be read now");
                came.unread.push(found.run);
                came.why_unread = Some(why);
            }
            Err(error) if error.code() == Code::StoreUnwritable => return Err(error),
            Err(error) => {
                tracing::warn!(%error, run = %found.run, "a run that was set aside can't be booked");
            }
        }
    }
    if let Some(error) = &came.unseen {
        tracing::warn!(%error, "what was set aside there can't be seen now");
    }
    Ok(came)
}

async fn book_found(db: &Db, found: &Found) -> Result<Outcome> {
    let is_lost = match db.read(|store| state(store, found))? {
        Some(State::Started) => false,
        Some(State::Lost) => true,
        Some(_) => return Ok(Outcome::Done(Booked::Already)),
        None => return Ok(Outcome::Left),
    };
    let ending = match found.read() {
        Read::Whole(ending) => ending,
        Read::NotNow(why) => return Ok(Outcome::Unread(why)),
        // The estimate is all that there will be.
        Read::NotWhole if is_lost => return Ok(Outcome::Done(Booked::Already)),
        Read::NotWhole => return Ok(Outcome::Left),
    };
    let run = found.run;
    let close = move |store: &Connection| {
        let row = estimate(store, run)?;
        if !give_back(store, run)? {
            return Ok(Booked::Already);
        }
        finish(store, ending.closing(run, row))
    };
    db.write(close).await.map(Outcome::Done)
}

/// Opens a run again that was given up for lost, and takes its estimate out of the ledger, in the
/// caller's transaction. Returns whether its end can be booked exactly.
fn give_back(store: &Connection, run: RunId) -> Result<bool> {
    let lost: bool = store
        .query_row(
            "SELECT state = 'lost' FROM runs WHERE id = ?1",
            [run],
            |row| row.get(0),
        )
        .doing("look for a lost run")?;
    if !lost {
        return Ok(true);
    }
    if !take_out(store, run)? {
        // Its row was folded into the sums long ago, where it can't be told from others.
        return Ok(false);
    }
    store
        .execute(
            "UPDATE runs SET state = 'started', finished_at = NULL WHERE id = ?1",
            [run],
        )
        .doing("open a lost run again")?;
    Ok(true)
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
            "SELECT started_at, payer, key_id, tier, model, host_id, environment, input_estimate,
                    worst_case_nano
             FROM runs WHERE id = ?1",
            [run],
            |row| {
                let tokens = Tokens {
                    input: unsigned(row.get(7)?),
                    ..Tokens::default()
                };
                let model: String = row.get(4)?;
                let priced = catalogue().price(&model, &tokens, &Conditions::default());
                let tier = row.get(3)?;
                let at_most: Option<Nano> = row.get(8)?;
                Ok(Entry {
                    run: Some(run),
                    // When it ended is unknown; it began on this day.
                    at: row.get(0)?,
                    payer: row.get(1)?,
                    key: row.get(2)?,
                    tier,
                    model,
                    host: row.get(5)?,
                    environment: row.get(6)?,
                    basis: match tier {
                        // Within the plan's limits no dollars could leave, and the route said so.
                        Tier::Subscription if at_most == Some(Nano(0)) => Basis::Plan,
                        Tier::Subscription => Basis::Extra,
                        Tier::Metered | Tier::Farm => Basis::Estimated,
                    },
                    tokens,
                    cost: priced.as_ref().map(|priced| priced.cost),
                    priced_as_of: priced.map(|priced| priced.as_of),
                })
            },
        )
        .doing("read how a run began")
}
