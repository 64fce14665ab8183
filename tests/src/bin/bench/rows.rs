//! What booking a run costs beside a bare insert of its row: rows a second, each durable, and pages
//! written.

use std::time::Instant;

use rusqlite::Connection;
use switchyard_core::Result;
use switchyard_core::clock::Millis;
use switchyard_core::db::{Db, SqlContext};
use switchyard_core::id::KeyId;
use switchyard_core::usage::{Basis, Entry, Nano, Payer, Tier, Tokens, book};
use tokio::task::JoinSet;

use crate::ledger::{KEYS, Ledger};
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

const WRITERS: u32 = 64;
/// Rows between two looks at the log; few enough that SQLite does not begin it anew meanwhile.
const LOOKED_AT: u32 = 100;
/// The head of the log, and one frame of it: a page with its own head (SQLite file format, 4.1).
const LOG_HEAD: u64 = 32;
const FRAME: u64 = 4096 + 24;

/// A way to write one row.
#[derive(Clone, Copy)]
enum How {
    /// The row and the sums of its day, as the engine does.
    Booked,
    /// The row alone.
    Bare,
}

pub(crate) async fn measure(ledger: &Ledger, size: Size, report: &mut Report) -> Measured<()> {
    report.title(&format!(
        "Writing to a ledger of {} rows, each row durable",
        ledger.rows
    ));
    let mut writing = Writing {
        db: &ledger.large,
        at: ledger.now,
        written: 0,
    };
    let (mut alone, mut together, mut pages) = <(Pair, Pair, Pair)>::default();
    for _ in 0..size.times(5, 15) {
        for how in [How::Booked, How::Bare] {
            alone.of(how).add(writing.one_by_one(how, 100).await?);
            together.of(how).add(writing.together(how, 20).await?);
            pages.of(how).add(writing.pages(how).await?);
        }
    }
    report.figure(
        "one row in a commit: booked with its sums",
        "rows/s",
        &alone.booked,
    );
    report.figure("one row in a commit: bare insert", "rows/s", &alone.bare);
    report.figure(
        "one row in a commit: booked ÷ bare",
        "×",
        &alone.booked.beside(&alone.bare),
    );
    report.figure(
        "64 writers: booked with their sums",
        "rows/s",
        &together.booked,
    );
    report.figure("64 writers: bare inserts", "rows/s", &together.bare);
    report.figure(
        "64 writers: booked ÷ bare",
        "×",
        &together.booked.beside(&together.bare),
    );
    report.figure("pages written for a row: booked", "pages", &pages.booked);
    report.figure("pages written for a row: bare insert", "pages", &pages.bare);
    report.judged(
        "pages written: booked ÷ bare",
        "×",
        &pages.booked.beside(&pages.bare),
        Target::AtMost(3.0),
    );
    Ok(())
}

/// Both ways, measured in turn.
#[derive(Default)]
struct Pair {
    booked: Samples,
    bare: Samples,
}

impl Pair {
    fn of(&mut self, how: How) -> &mut Samples {
        match how {
            How::Booked => &mut self.booked,
            How::Bare => &mut self.bare,
        }
    }
}

/// A ledger that grows.
struct Writing<'a> {
    db: &'a Db,
    at: Millis,
    written: u32,
}

impl Writing<'_> {
    /// Returns rows a second where each has a commit of its own.
    async fn one_by_one(&mut self, how: How, rows: u32) -> Measured<f64> {
        let begin = Instant::now();
        for _ in 0..rows {
            let entry = self.next();
            self.db.write(move |store| how.write(store, &entry)).await?;
        }
        Ok(f64::from(rows) / begin.elapsed().as_secs_f64())
    }

    /// Returns rows a second where many writers wait at once, each for its own row.
    async fn together(&mut self, how: How, rows: u32) -> Measured<f64> {
        let mut writers = JoinSet::new();
        let begin = Instant::now();
        for _ in 0..WRITERS {
            let db = self.db.clone();
            let entries: Vec<Entry> = (0..rows).map(|_| self.next()).collect();
            writers.spawn(async move {
                for entry in entries {
                    db.write(move |store| how.write(store, &entry)).await?;
                }
                Ok::<_, switchyard_core::Error>(())
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        Ok(f64::from(WRITERS * rows) / begin.elapsed().as_secs_f64())
    }

    /// Returns pages written for a row.
    async fn pages(&mut self, how: How) -> Measured<f64> {
        self.db.checkpoint().await?;
        self.one_by_one(how, LOOKED_AT).await?;
        let log = self.db.path().with_extension("db-wal").metadata()?.len();
        let frames = log.saturating_sub(LOG_HEAD) / FRAME;
        Ok(f64::from(u32::try_from(frames)?) / f64::from(LOOKED_AT))
    }

    /// Returns the next run's entry: the payers in turn, a second apart.
    fn next(&mut self) -> Entry {
        self.written += 1;
        let key = KeyId::from_text(format!("key-{}", self.written % KEYS));
        Entry {
            run: None,
            at: Millis(self.at.0 + i64::from(self.written) * 1_000),
            payer: Payer::Key(key.clone()),
            key: Some(key),
            tier: Tier::Metered,
            model: "claude-model-0".to_owned(),
            host: None,
            environment: "production".to_owned(),
            basis: Basis::Metered,
            tokens: Tokens {
                input: 1_000,
                output: 200,
                ..Tokens::default()
            },
            cost: Some(Nano(2_000_000)),
            priced_as_of: Some("2026-11-01".to_owned()),
        }
    }
}

impl How {
    fn write(self, store: &Connection, entry: &Entry) -> Result<()> {
        match self {
            Self::Booked => book(store, entry).map(drop),
            Self::Bare => insert(store, entry),
        }
    }
}

fn insert(store: &Connection, entry: &Entry) -> Result<()> {
    store
        .prepare_cached(
            "INSERT INTO key_usage (key_id, tokens_used, cost_estimate, timestamp, payer, tier, model,
                 environment, basis, input, output, cache_write_5m, cache_write_1h, cache_read,
                 priced_as_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0, ?12)",
        )
        .and_then(|mut row| {
            row.execute((
                &entry.key,
                signed(entry.tokens.total()),
                entry.cost,
                entry.at,
                &entry.payer,
                entry.tier,
                &entry.model,
                &entry.environment,
                entry.basis,
                signed(entry.tokens.input),
                signed(entry.tokens.output),
                &entry.priced_as_of,
            ))
        })
        .doing("write the row")
        .map(drop)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
