//! A month's sums: from the sums of days, beside the same from the rows, in a long ledger and in a
//! short one that occupies as many cells.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use switchyard_core::Result;
use switchyard_core::clock::Millis;
use switchyard_core::db::{Db, SqlContext};
use switchyard_core::usage::report::{Filter, Range, Report as Month, report as month};

use crate::ledger::Ledger;
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

/// The rows at which the indexed query is to be left far behind; fewer are only shown.
const MANY: u32 = 1_000_000;

/// What one would write without sums of days: the same dimensions and measures, over an index.
const GROUP_BY: &str = "
    SELECT timestamp / 86400000 AS day, payer, coalesce(key_id, ''), tier, model,
        coalesce(host_id, 0), environment, basis, count(*), sum(cost_estimate IS NULL),
        sum(cost_estimate), sum(input), sum(output), sum(cache_write_5m), sum(cache_write_1h),
        sum(cache_read), sum(thinking), sum(web_searches)
    FROM key_usage WHERE timestamp >= ?1 AND timestamp < ?2 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";

pub(crate) async fn measure(ledger: &Ledger, size: Size, report: &mut Report) -> Measured<()> {
    let rows = ledger.rows;
    report.title(&format!("A month's sums, {rows} rows in the ledger"));
    let (mut of_large, mut of_small) = (Samples::default(), Samples::default());
    let mut of_rows = Samples::default();
    let read = |db: &Db| {
        timed(db, |store| {
            month(store, Range::Month, &Filter::default(), ledger.now)
        })
    };
    // The first of each reads its pages.
    let (_, large) = read(&ledger.large)?;
    let (_, small) = read(&ledger.small)?;
    agree(&large, &small)?;
    let days = (large.days.first, large.days.last);
    let bounds = (millis(days.0), millis(days.1) + 86_400_000);
    let (_, counted) = timed(&ledger.large, |store| grouped(store, bounds))?;
    let runs = i64::try_from(large.total.runs())?;
    if counted.1 != runs {
        return Err(format!("the two ways disagree: {} and {runs} runs", counted.1).into());
    }
    for _ in 0..size.times(15, 30) {
        of_large.add_time(read(&ledger.large)?.0);
        of_small.add_time(read(&ledger.small)?.0);
        of_rows.add_time(timed(&ledger.large, |store| grouped(store, bounds))?.0);
        // Between two readings, so that an interruption is heard.
        tokio::task::yield_now().await;
    }
    report.figure(
        &format!("sums of days ({} cells)", counted.0),
        "ms",
        &of_large,
    );
    report.figure("sums of days, one row in each cell", "ms", &of_small);
    report.figure("GROUP BY over the rows, by index", "ms", &of_rows);
    report.judged(
        "many rows ÷ one row in each cell",
        "×",
        &of_large.beside(&of_small),
        Target::AtMost(2.0),
    );
    let faster = of_rows.beside(&of_large);
    if rows < MANY {
        report.figure("GROUP BY ÷ sums of days", "×", &faster);
    } else {
        report.judged(
            "GROUP BY ÷ sums of days",
            "×",
            &faster,
            Target::AtLeast(20.0),
        );
    }
    Ok(())
}

/// Two ledgers with the same cells are shown as equally many groups.
fn agree(large: &Month, small: &Month) -> Measured<()> {
    let shape = |month: &Month| (month.series.len(), month.keys.len(), month.models.len());
    match shape(large) == shape(small) {
        true => Ok(()),
        false => Err("the two ledgers don't occupy the same cells".into()),
    }
}

fn timed<T>(db: &Db, read: impl FnOnce(&Connection) -> Result<T>) -> Result<(Duration, T)> {
    let begin = Instant::now();
    let found = db.read(read)?;
    Ok((begin.elapsed(), found))
}

/// Runs the query to its end; returns how many groups there are, and of how many runs.
fn grouped(store: &Connection, bounds: (i64, i64)) -> Result<(usize, i64)> {
    const DOING: &str = "read its rows";
    let mut statement = store.prepare_cached(GROUP_BY).doing(DOING)?;
    let mut rows = statement.query(bounds).doing(DOING)?;
    let (mut groups, mut runs) = (0, 0_i64);
    while let Some(row) = rows.next().doing(DOING)? {
        groups += 1;
        runs += row.get::<_, i64>(8).doing(DOING)?;
    }
    Ok((groups, runs))
}

fn millis(day: jiff::civil::Date) -> i64 {
    day.to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(Millis(0), |at| Millis(at.timestamp().as_millisecond()))
        .0
}
