//! The cells of `usage_daily` that a report is made from.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};
use serde::Deserialize;

use super::{Basis, Days, Figure, Nano, Sums};
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::id::{HostId, KeyId};
use crate::usage::{Payer, Tier, Tokens};

/// Which part of the ledger is meant; a list that is empty leaves everything in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[cfg_attr(
    feature = "wire",
    derive(ts_rs::TS),
    ts(rename = "UsageFilter", optional_fields)
)]
pub struct Filter {
    /// Only these stored keys.
    pub keys: Vec<KeyId>,
    /// Only these payers.
    #[serde(skip)]
    pub payers: Vec<Payer>,
    /// Only these tiers.
    pub tiers: Vec<Tier>,
    /// Only these models, by their ids in the ledger.
    pub models: Vec<String>,
    /// Only these hosts of the farm.
    #[serde(skip)]
    pub hosts: Vec<HostId>,
    /// Only these environment labels; the empty one stands for keys without one.
    pub environments: Vec<String>,
}

impl Filter {
    /// Returns the parameters of a statement with [`CONDITION`]: the first and last of what it reads, then each
    /// list as JSON, or NULL where it is empty.
    pub(super) fn between(&self, first: i64, last: i64) -> Result<impl Params + use<>> {
        fn list<T: ToString>(values: &[T]) -> Result<Option<String>> {
            if values.is_empty() {
                return Ok(None);
            }
            let texts: Vec<String> = values.iter().map(T::to_string).collect();
            serde_json::to_string(&texts)
                .map(Some)
                .map_err(|e| Error::failed("The filter can't be written.").because(e))
        }
        Ok((
            first,
            last,
            list(&self.keys)?,
            list(&self.payers)?,
            list(&self.tiers)?,
            list(&self.models)?,
            list(&self.environments)?,
            list(&self.hosts)?,
        ))
    }
}

/// The filter in SQL, the same for every filter, so that its statements stay prepared.
pub(super) const CONDITION: &str = "
    AND (?3 IS NULL OR key_id IN (SELECT value FROM json_each(?3)))
    AND (?4 IS NULL OR payer IN (SELECT value FROM json_each(?4)))
    AND (?5 IS NULL OR tier IN (SELECT value FROM json_each(?5)))
    AND (?6 IS NULL OR model IN (SELECT value FROM json_each(?6)))
    AND (?7 IS NULL OR environment IN (SELECT value FROM json_each(?7)))
    AND (?8 IS NULL OR host_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?8)))";

const MEASURES: &str = "runs, unpriced, cost, input, output, cache_write_5m, cache_write_1h, \
    cache_read, thinking, web_searches";

/// One cell of `usage_daily`.
pub(super) struct Cell<'a> {
    pub(super) day: i64,
    pub(super) payer: &'a str,
    pub(super) key: &'a str,
    pub(super) tier: &'a str,
    pub(super) model: &'a str,
    pub(super) host: i64,
    pub(super) environment: &'a str,
    pub(super) basis: Basis,
    pub(super) figure: Figure,
    pub(super) tokens: Tokens,
}

pub(in crate::usage) fn cells_sql() -> String {
    format!(
        "SELECT {MEASURES}, day, payer, key_id, tier, model, host_id, environment, basis
         FROM usage_daily WHERE day BETWEEN ?1 AND ?2 {CONDITION}
         ORDER BY day, payer, key_id, tier, model, host_id, environment, basis"
    )
}

pub(in crate::usage) fn totals_sql() -> String {
    let sums = MEASURES.replace(", ", "), sum(");
    format!(
        "SELECT sum({sums}), basis FROM usage_daily WHERE day BETWEEN ?1 AND ?2 {CONDITION} GROUP BY basis"
    )
}

/// Hands each cell of `days` to `take`, by day.
pub(super) fn each_cell(
    store: &Connection,
    days: Days,
    filter: &Filter,
    mut take: impl FnMut(&Cell<'_>) -> Result<()>,
) -> Result<()> {
    const DOING: &str = "read its sums";
    let (first, last) = days.numbers();
    let mut statement = store.prepare_cached(&cells_sql()).doing(DOING)?;
    let mut rows = statement.query(filter.between(first, last)?).doing(DOING)?;
    while let Some(row) = rows.next().doing(DOING)? {
        take(&cell(row).doing(DOING)?)?;
    }
    Ok(())
}

/// Returns the sums of `days`: the quick way to one figure, as for a budget or the tray.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn totals(store: &Connection, days: Days, filter: &Filter) -> Result<Sums> {
    const DOING: &str = "read its sums";
    let (first, last) = days.numbers();
    let mut statement = store.prepare_cached(&totals_sql()).doing(DOING)?;
    let mut rows = statement.query(filter.between(first, last)?).doing(DOING)?;
    let mut sums = Sums::default();
    while let Some(row) = rows.next().doing(DOING)? {
        let (figure, tokens) = measures(row).doing(DOING)?;
        sums.add(row.get(10).doing(DOING)?, &figure, &tokens)?;
    }
    Ok(sums)
}

fn cell<'a>(row: &'a Row<'_>) -> rusqlite::Result<Cell<'a>> {
    let (figure, tokens) = measures(row)?;
    Ok(Cell {
        figure,
        tokens,
        day: row.get(10)?,
        payer: text(row.get_ref(11)?)?,
        key: text(row.get_ref(12)?)?,
        tier: text(row.get_ref(13)?)?,
        model: text(row.get_ref(14)?)?,
        host: row.get(15)?,
        environment: text(row.get_ref(16)?)?,
        basis: row.get(17)?,
    })
}

fn measures(row: &Row<'_>) -> rusqlite::Result<(Figure, Tokens)> {
    let figure = Figure {
        runs: count(row, 0)?,
        unpriced: count(row, 1)?,
        cost: Nano(row.get(2)?),
    };
    let tokens = Tokens {
        input: count(row, 3)?,
        output: count(row, 4)?,
        cache_write_5m: count(row, 5)?,
        cache_write_1h: count(row, 6)?,
        cache_read: count(row, 7)?,
        thinking: count(row, 8)?,
        web_searches: count(row, 9)?,
    };
    Ok((figure, tokens))
}

fn text(value: ValueRef<'_>) -> rusqlite::Result<&str> {
    Ok(value.as_str()?)
}

/// Reads a count; one below nothing is damage.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, count))
}
