//! The sums of days and the ledger's rows as CSV and JSON, for other programs.

use std::io::{self, Write};

use rusqlite::Connection;

use super::names::Names;
use super::select::{CONDITION, count, each_cell};
use super::{Days, Filter, span};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::usage::{Nano, zone};

/// Milliseconds in a day, more than any zone is away from UTC.
const DAY: i64 = 86_400_000;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values by RFC 4180, with a row of names.
    Csv,
    /// One array of objects.
    Json,
}

const DAY_COLUMNS: &[&str] = &[
    "day",
    "payer",
    "key",
    "key_name",
    "tier",
    "model",
    "host",
    "host_name",
    "environment",
    "basis",
    "runs",
    "runs_without_price",
    "cost_usd",
    "input",
    "output",
    "cache_write_5m",
    "cache_write_1h",
    "cache_read",
    "thinking",
    "web_searches",
];

const RUN_COLUMNS: &[&str] = &[
    "time",
    "run",
    "payer",
    "key",
    "key_name",
    "tier",
    "model",
    "host",
    "host_name",
    "environment",
    "basis",
    "cost_usd",
    "priced_as_of",
    "input",
    "output",
    "cache_write_5m",
    "cache_write_1h",
    "cache_read",
    "thinking",
    "web_searches",
];

/// Writes the sums of each day, one row for each payer, key, tier, model, host, environment and
/// basis; returns how many.
///
/// # Errors
/// [`Code::Failed`](crate::error::Code::Failed) when `out` does not take it, and
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn export_days(
    store: &Connection,
    days: Days,
    filter: &Filter,
    format: Format,
    out: &mut dyn Write,
) -> Result<u64> {
    let names = all_names(store)?;
    let mut table = Table::begin(format, DAY_COLUMNS, out)?;
    each_cell(store, days, filter, |cell| {
        let day = span::day(cell.day).to_string();
        table.row(&[
            Field::Text(&day),
            Field::Text(cell.payer),
            Field::Text(cell.key),
            Field::Text(&key_name(&names, cell.key)),
            Field::Text(cell.tier),
            Field::Text(cell.model),
            Field::Id((cell.host != 0).then_some(cell.host)),
            Field::Text(&host_name(&names, cell.host)),
            Field::Text(cell.environment),
            Field::Text(cell.basis.as_str()),
            Field::Count(cell.figure.runs),
            Field::Count(cell.figure.unpriced),
            Field::Money(Some(cell.figure.cost)),
            Field::Count(cell.tokens.input),
            Field::Count(cell.tokens.output),
            Field::Count(cell.tokens.cache_write_5m),
            Field::Count(cell.tokens.cache_write_1h),
            Field::Count(cell.tokens.cache_read),
            Field::Count(cell.tokens.thinking),
            Field::Count(cell.tokens.web_searches),
        ])
    })?;
    table.end()
}

/// Writes the ledger's rows, one for each run that has not been folded; returns how many.
///
/// # Errors
/// As [`export_days`].
pub fn export_runs(
    store: &Connection,
    days: Days,
    filter: &Filter,
    format: Format,
    out: &mut dyn Write,
) -> Result<u64> {
    const DOING: &str = "read the ledger";
    let names = all_names(store)?;
    let zone = zone::zone(store)?;
    let (first, last) = days.numbers();
    let mut statement = store
        .prepare_cached(&format!(
            "SELECT timestamp, run_id, payer, coalesce(key_id, ''), tier, model, host_id, environment,
                 basis, cost_estimate, coalesce(priced_as_of, ''), input, output, cache_write_5m,
                 cache_write_1h, cache_read, thinking, web_searches
             FROM key_usage WHERE timestamp >= ?1 AND timestamp < ?2 {CONDITION} ORDER BY timestamp, id"
        ))
        .doing(DOING)?;
    // A day more on either side, from which the zone then takes its own: exact also where a day
    // has 23 or 25 hours.
    let from = (first - 1).saturating_mul(DAY);
    let until = (last + 2).saturating_mul(DAY);
    let mut rows = statement.query(filter.between(from, until)?).doing(DOING)?;
    let mut table = Table::begin(format, RUN_COLUMNS, out)?;
    while let Some(row) = rows.next().doing(DOING)? {
        let at: Millis = row.get(0).doing(DOING)?;
        if !(first..=last).contains(&zone::local_day(&zone, at)) {
            continue;
        }
        let text = |column| row.get::<_, String>(column).doing(DOING);
        let host: Option<i64> = row.get(6).doing(DOING)?;
        let count = |column| count(row, column).map(Field::Count).doing(DOING);
        let (payer, key, tier, model) = (text(2)?, text(3)?, text(4)?, text(5)?);
        let (environment, basis, priced_as_of) = (text(7)?, text(8)?, text(10)?);
        table.row(&[
            Field::Text(&at.timestamp().to_string()),
            Field::Id(row.get(1).doing(DOING)?),
            Field::Text(&payer),
            Field::Text(&key),
            Field::Text(&key_name(&names, &key)),
            Field::Text(&tier),
            Field::Text(&model),
            Field::Id(host),
            Field::Text(&host_name(&names, host.unwrap_or(0))),
            Field::Text(&environment),
            Field::Text(&basis),
            Field::Money(row.get(9).doing(DOING)?),
            Field::Text(&priced_as_of),
            count(11)?,
            count(12)?,
            count(13)?,
            count(14)?,
            count(15)?,
            count(16)?,
            count(17)?,
        ])?;
    }
    table.end()
}

fn all_names(store: &Connection) -> Result<Names> {
    let ids = |sql: &str| -> Result<Vec<String>> {
        store
            .prepare_cached(sql)
            .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect())
            .doing("read names")
    };
    let keys = ids("SELECT id FROM api_keys")?;
    let hosts = ids("SELECT CAST(id AS TEXT) FROM hosts")?;
    Names::read(store, std::iter::empty(), keys.iter(), hosts.iter())
}

fn host_name(names: &Names, id: i64) -> String {
    if id == 0 {
        String::new()
    } else {
        names.host(&id.to_string()).0
    }
}

fn key_name(names: &Names, id: &str) -> String {
    if id.is_empty() {
        String::new()
    } else {
        names.key(id).0
    }
}

enum Field<'a> {
    Text(&'a str),
    Count(u64),
    Id(Option<i64>),
    Money(Option<Nano>),
}

/// A table on its way out, row by row.
struct Table<'a> {
    format: Format,
    columns: &'static [&'static str],
    out: &'a mut dyn Write,
    rows: u64,
}

impl<'a> Table<'a> {
    fn begin(
        format: Format,
        columns: &'static [&'static str],
        out: &'a mut dyn Write,
    ) -> Result<Self> {
        let mut table = Self {
            format,
            columns,
            out,
            rows: 0,
        };
        match format {
            Format::Csv => table.put(&format!("{}\r\n", columns.join(",")))?,
            Format::Json => table.put("[")?,
        }
        Ok(table)
    }

    fn row(&mut self, fields: &[Field<'_>]) -> Result<()> {
        let text = match self.format {
            Format::Csv => {
                let cells: Vec<String> = fields.iter().map(Field::csv).collect();
                format!("{}\r\n", cells.join(","))
            }
            Format::Json => {
                let members: Vec<String> = self
                    .columns
                    .iter()
                    .zip(fields)
                    .map(|(name, field)| format!("\"{name}\":{}", field.json()))
                    .collect();
                let comma = if self.rows == 0 { "" } else { "," };
                format!("{comma}\n{{{}}}", members.join(","))
            }
        };
        self.rows += 1;
        self.put(&text)
    }

    fn end(mut self) -> Result<u64> {
        if self.format == Format::Json {
            self.put("\n]\n")?;
        }
        self.out.flush().map_err(not_taken)?;
        Ok(self.rows)
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(not_taken)
    }
}

impl Field<'_> {
    fn csv(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Count(count) => count.to_string(),
            Self::Id(id) => id.map_or_else(String::new, |id| id.to_string()),
            // A word, so that no spreadsheet adds it up as nothing without a trace.
            Self::Money(cost) => cost.map_or_else(|| "unknown".to_owned(), Nano::to_decimal),
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Text(text) => serde_json::Value::from(*text).to_string(),
            Self::Count(count) => count.to_string(),
            Self::Id(id) => id.map_or_else(|| "null".to_owned(), |id| id.to_string()),
            Self::Money(cost) => cost.map_or_else(
                || "null".to_owned(),
                |cost| format!("\"{}\"", cost.to_decimal()),
            ),
        }
    }
}

/// Writes text for a CSV file so that no spreadsheet takes it for a formula: names come from
/// people and model names from servers.
fn quoted(text: &str) -> String {
    let starts_a_formula = text.trim_start().starts_with([
        '=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}',
    ]) || text.starts_with(['\t', '\r', '\n']);
    let guard = if starts_a_formula { "'" } else { "" };
    if starts_a_formula || text.contains([',', '"', '\n', '\r', ';', '\t']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn not_taken(error: io::Error) -> Error {
    Error::failed("The export could not be written to its end.")
        .hint("What was written is not complete. Check the disk or the program that reads it.")
        .because(error)
}
