//! What was spent in some stretch of days, and by whom: read from the sums of days alone, so that
//! it takes as long as there are sums, however many runs are behind them.

mod export;
mod names;
pub(super) mod select;
mod span;
mod sums;

use std::collections::BTreeMap;

use jiff::civil::Date;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{Basis, Nano, zone};
use crate::clock::Millis;
use crate::error::Result;

pub use export::{Format, export_days, export_runs};
pub use names::check_environment;
pub use select::{Filter, totals};
pub use span::{Days, Range};
pub use sums::{Figure, Sums};

/// The sums of one payer, key, model, tier, environment or host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "UsageGroup"))]
pub struct Group {
    /// What the store calls it, to filter by.
    pub id: String,
    /// What a person calls it; as the user typed it, so shown with `text::shown`.
    pub label: String,
    /// Tells whether it is a key or host that has been deleted.
    pub is_deleted: bool,
    /// Its sums.
    pub sums: Sums,
}

/// The sums of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "UsageDay"))]
pub struct Day {
    /// The local day.
    #[cfg_attr(feature = "wire", ts(type = "string"))]
    pub date: Date,
    /// Its sums.
    pub sums: Sums,
    /// The same by payer, under the ids of [`Report::payers`].
    pub payers: BTreeMap<String, Sums>,
}

/// What was spent in some stretch of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "UsageReport"))]
pub struct Report {
    /// The days that it is about.
    pub days: Days,
    /// The zone whose days they are.
    pub zone: String,
    /// All of it.
    pub total: Sums,
    /// How much of the prompts came from the cache, in thousandths.
    pub cached_permille: Option<u16>,
    /// The days that `previous` is about: see [`Range::previous`].
    pub previous_days: Days,
    /// The sums of those days.
    pub previous: Sums,
    /// For this month: what will have left by its end at the pace so far.
    pub projected: Option<Nano>,
    /// By payer, the most money that leaves first, as are all the following.
    pub payers: Vec<Group>,
    /// By stored key; runs without one are under the empty id.
    pub keys: Vec<Group>,
    /// By model.
    pub models: Vec<Group>,
    /// By tier.
    pub tiers: Vec<Group>,
    /// By environment label; keys without one are under the empty id.
    pub environments: Vec<Group>,
    /// By host of the farm, the last one that had the run; runs that were on none are under the id 0.
    pub hosts: Vec<Group>,
    /// Day by day, only the days that have runs.
    pub series: Vec<Day>,
}

/// Makes the report of `range` as of `now`.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn report(store: &Connection, range: Range, filter: &Filter, now: Millis) -> Result<Report> {
    let today = today(store, now)?;
    let days = range.days(today);
    let previous_days = range.previous(today);
    let mut sheet = Sheet::default();
    select::each_cell(store, days, filter, |cell| sheet.add(cell))?;
    let names = names::Names::read(
        store,
        sheet.payers.keys(),
        sheet.keys.keys(),
        sheet.hosts.keys(),
    )?;
    Ok(Report {
        days,
        zone: zone::zone_name(store)?,
        cached_permille: sheet.total.cached_permille(),
        previous_days,
        previous: totals(store, previous_days, filter)?,
        projected: projected(range, today, days, sheet.total.leaving.cost),
        payers: groups(sheet.payers, |id| names.payer(id)),
        keys: groups(sheet.keys, |id| names.key(id)),
        models: groups(sheet.models, names::same),
        tiers: groups(sheet.tiers, names::same),
        environments: groups(sheet.environments, names::environment),
        hosts: groups(sheet.hosts, |id| names.host(id)),
        series: sheet
            .days
            .into_iter()
            .map(|(number, (sums, payers))| Day {
                date: span::day(number),
                sums,
                payers,
            })
            .collect(),
        total: sheet.total,
    })
}

/// Returns the money that has left through each stored key, by its id.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn leaving_by_key(
    store: &Connection,
    range: Range,
    now: Millis,
) -> Result<BTreeMap<String, Figure>> {
    let days = range.days(today(store, now)?);
    let mut keys: BTreeMap<String, Sums> = BTreeMap::new();
    select::each_cell(store, days, &Filter::default(), |cell| {
        named(&mut keys, cell.key).add(cell.basis, &cell.figure, &cell.tokens)
    })?;
    Ok(keys
        .into_iter()
        .map(|(id, sums)| (id, sums.leaving))
        .collect())
}

/// Returns the local day that `now` is in.
///
/// # Errors
/// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read.
pub fn today(store: &Connection, now: Millis) -> Result<Date> {
    Ok(span::day(zone::local_day(&zone::zone(store)?, now)))
}

/// Everything that is added up in one pass over the cells.
#[derive(Default)]
struct Sheet {
    total: Sums,
    payers: BTreeMap<String, Sums>,
    keys: BTreeMap<String, Sums>,
    models: BTreeMap<String, Sums>,
    tiers: BTreeMap<String, Sums>,
    environments: BTreeMap<String, Sums>,
    hosts: BTreeMap<String, Sums>,
    days: BTreeMap<i64, (Sums, BTreeMap<String, Sums>)>,
}

impl Sheet {
    fn add(&mut self, cell: &select::Cell<'_>) -> Result<()> {
        let (day, day_payers) = self.days.entry(cell.day).or_default();
        for sums in [
            &mut self.total,
            day,
            named(day_payers, cell.payer),
            named(&mut self.payers, cell.payer),
            named(&mut self.keys, cell.key),
            named(&mut self.models, cell.model),
            named(&mut self.tiers, cell.tier),
            named(&mut self.environments, cell.environment),
            named(&mut self.hosts, &cell.host.to_string()),
        ] {
            sums.add(cell.basis, &cell.figure, &cell.tokens)?;
        }
        Ok(())
    }
}

fn named<'a>(groups: &'a mut BTreeMap<String, Sums>, name: &str) -> &'a mut Sums {
    groups.entry(name.to_owned()).or_default()
}

fn groups(sums: BTreeMap<String, Sums>, label: impl Fn(&str) -> (String, bool)) -> Vec<Group> {
    let mut groups: Vec<Group> = sums
        .into_iter()
        .map(|(id, sums)| {
            let (label, is_deleted) = label(&id);
            Group {
                id,
                label,
                is_deleted,
                sums,
            }
        })
        .collect();
    // The sort is stable: equal ones stay in the order of their ids.
    groups.sort_by_key(|group| std::cmp::Reverse((group.sums.leaving.cost, group.sums.plan.cost)));
    groups
}

fn projected(range: Range, today: Date, days: Days, so_far: Nano) -> Option<Nano> {
    if range != Range::Month {
        return None;
    }
    let whole = i128::from(days.count());
    let begun = i128::from(today.day());
    let amount = super::money::divide_half_even(i128::from(so_far.0) * whole, begun);
    i64::try_from(amount).ok().map(Nano)
}
