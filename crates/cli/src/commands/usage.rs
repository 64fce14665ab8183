//! `switchyard usage`: what runs have cost.

use std::process::ExitCode;

use switchyard_core::text::shown;
use switchyard_core::usage::report::{self, Filter, Format, Group, Range, Report, Sums};
use switchyard_core::usage::{Basis, catalogue, shown as money};
use switchyard_core::{App, Result, keys};

use crate::args::{Grouping, Usage};
use crate::out::{Out, Table, count};

pub(crate) async fn run(wanted: &Usage, app: &App, out: &Out) -> Result<ExitCode> {
    let range: Range = wanted.range.parse()?;
    if app.db_if_any()?.is_none() && !wanted.csv && !out.json {
        out.line("Nothing has been spent yet.")?;
        out.note("hint: send a first prompt with: switchyard send \"…\"");
        return Ok(ExitCode::SUCCESS);
    }
    // For a program an empty ledger has the same form as any other.
    let db = app.db()?;
    let now = db.clock().now();
    let key = match &wanted.key {
        Some(name) => vec![db.read(|store| keys::find(store, name))?.id],
        None => Vec::new(),
    };
    let host = match &wanted.host {
        Some(name) => vec![super::hosts::found(name, app)?.id],
        None => Vec::new(),
    };
    if let Some(label) = &wanted.environment {
        db.read(|store| report::check_environment(store, label))?;
    }
    let filter = Filter {
        keys: key,
        models: wanted.model.iter().map(|model| resolved(model)).collect(),
        environments: wanted.environment.iter().cloned().collect(),
        hosts: host,
        ..Filter::default()
    };
    if wanted.csv {
        let days = range.days(db.read(|store| report::today(store, now))?);
        // Gathered first: a pager that takes its time must not keep the store's log from being cut.
        let mut table = Vec::new();
        db.read(|store| report::export_days(store, days, &filter, Format::Csv, &mut table))?;
        out.bytes(&table)?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = db.read(|store| report::report(store, range, &filter, now))?;
    if out.json {
        out.json_line(&report)?;
    } else {
        tell(&report, wanted.by, out)?;
    }
    app.tidy().await;
    Ok(ExitCode::SUCCESS)
}

/// Returns the model's full id where `text` is one of its short names.
fn resolved(text: &str) -> String {
    catalogue()
        .resolve(text)
        .map_or_else(|| text.to_owned(), |model| model.id.clone())
}

fn tell(report: &Report, by: Grouping, out: &Out) -> Result<()> {
    let days = report.days;
    out.line(&format!(
        "{} to {}, days of {}",
        days.first, days.last, report.zone
    ))?;
    let total = &report.total;
    out.line(&format!(
        "{} spent in {}, {} tokens{}{}",
        money_of(total),
        count(total.runs(), "run"),
        grouped(total.tokens.total()),
        report
            .cached_permille
            .map_or_else(String::new, |share| format!(
                ", {}% of prompts from cache",
                share / 10
            )),
        unpriced(total),
    ))?;
    if total.plan.runs > 0 {
        out.line(&format!(
            "On a plan, not billed: ≈ {} in {}",
            total.plan.cost,
            count(total.plan.runs, "run")
        ))?;
    }
    let previous = report.previous_days;
    out.line(&format!(
        "Before, {} to {}: {}{}",
        previous.first,
        previous.last,
        money_of(&report.previous),
        report.projected.map_or_else(String::new, |amount| format!(
            " · projected to the end: {amount}"
        )),
    ))?;
    if total.runs() == 0 {
        return Ok(());
    }
    out.line("")?;
    for line in table(report, by).lines() {
        out.line(&line)?;
    }
    out.note(&format!(
        "Prices: list of {}. Estimated figures are of runs that were cut off.",
        catalogue().as_of()
    ));
    Ok(())
}

fn table(report: &Report, by: Grouping) -> Table {
    let heading = match by {
        Grouping::Payer => "PAYER",
        Grouping::Key => "KEY",
        Grouping::Model => "MODEL",
        Grouping::Tier => "TIER",
        Grouping::Environment => "ENVIRONMENT",
        Grouping::Host => "HOST",
        Grouping::Day => "DAY",
    };
    let mut table = Table::new(&[
        heading,
        ">COST",
        ">ESTIMATED",
        ">ON A PLAN",
        ">RUNS",
        ">IN",
        ">OUT",
        ">NO PRICE",
    ]);
    let groups: &[Group] = match by {
        Grouping::Payer => &report.payers,
        Grouping::Key => &report.keys,
        Grouping::Model => &report.models,
        Grouping::Tier => &report.tiers,
        Grouping::Environment => &report.environments,
        Grouping::Host => &report.hosts,
        Grouping::Day => {
            for day in &report.series {
                table.row(row(day.date.to_string(), &day.sums));
            }
            return table;
        }
    };
    for group in groups {
        let deleted = if group.is_deleted { " (deleted)" } else { "" };
        table.row(row(
            format!("{}{deleted}", shown(&group.label, 40)),
            &group.sums,
        ));
    }
    table
}

fn row(label: String, sums: &Sums) -> Vec<String> {
    let estimated = sums.by_basis.get(&Basis::Estimated);
    let count = |number: u64| {
        if number == 0 {
            String::new()
        } else {
            number.to_string()
        }
    };
    vec![
        label,
        money_of(sums),
        estimated.map_or_else(String::new, |figure| figure.cost.to_string()),
        if sums.plan.runs == 0 {
            String::new()
        } else {
            format!("≈ {}", sums.plan.cost)
        },
        sums.runs().to_string(),
        grouped(sums.tokens.prompt()),
        grouped(sums.tokens.output),
        count(sums.leaving.unpriced),
    ]
}

/// Returns the money that leaves; unknown where no run of it has a price.
fn money_of(sums: &Sums) -> String {
    let is_unknown = sums.leaving.runs > 0 && sums.leaving.unpriced == sums.leaving.runs;
    money(if is_unknown {
        None
    } else {
        Some(sums.leaving.cost)
    })
}

fn unpriced(sums: &Sums) -> String {
    match sums.leaving.unpriced {
        0 => String::new(),
        number => format!(
            " · {} without a price, not in the sum",
            count(number, "run")
        ),
    }
}

/// Writes a number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(grouped)
        );
    }
}
