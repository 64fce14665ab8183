use jiff::civil::Date;

use super::*;
use crate::usage::report::{Days, Filter, Range, Report, report, totals};

const DAY: i64 = 24 * HOUR;

fn key(id: &str) -> KeyId {
    KeyId::from_text(id)
}

/// A store with a bit of everything: NOON is the 22nd of November 2026.
pub(super) fn furnished() -> Connection {
    let store = store("Europe/Berlin");
    let old_ci = Entry {
        key: Some(key("k2")),
        payer: Payer::Key(key("k2")),
        ..entry(NOON - DAY)
    };
    for entry in [
        entry(NOON),
        Entry {
            cost: None,
            ..entry(NOON)
        },
        Entry {
            basis: Basis::Estimated,
            cost: Some(Nano(500)),
            ..entry(NOON - DAY)
        },
        Entry {
            cost: Some(Nano(7_000)),
            model: "claude-opus-5-5".to_owned(),
            ..old_ci.clone()
        },
        Entry {
            basis: Basis::Plan,
            tier: Tier::Subscription,
            key: None,
            payer: Payer::Plan("max".to_owned()),
            environment: String::new(),
            cost: Some(Nano(1_000_000)),
            ..entry(NOON)
        },
        Entry {
            key: None,
            payer: Payer::env("ANTHROPIC_API_KEY", "abcd", &[0xab, 1, 2, 3]),
            cost: Some(Nano(30)),
            ..entry(NOON)
        },
        Entry {
            key: None,
            payer: Payer::Host(HostId(1)),
            host: Some(HostId(1)),
            tier: Tier::Farm,
            basis: Basis::Extra,
            cost: Some(Nano(40)),
            ..entry(NOON)
        },
        // The 5th of October, and the 30th: only the first is within "the same days".
        Entry {
            cost: Some(Nano(2_000)),
            ..entry(NOON - 48 * DAY)
        },
        Entry {
            cost: Some(Nano(9_000)),
            ..entry(NOON - 23 * DAY)
        },
    ] {
        book(&store, &entry).unwrap();
    }
    store
        .execute(
            "UPDATE api_keys SET key = NULL, deleted_at = 1, is_active = 0 WHERE id = 'k2'",
            [],
        )
        .unwrap();
    store
}

fn month(store: &Connection, filter: &Filter) -> Report {
    report(store, Range::Month, filter, Millis(NOON)).unwrap()
}

fn labels(groups: &[crate::usage::report::Group]) -> Vec<String> {
    groups
        .iter()
        .map(|group| {
            let deleted = if group.is_deleted { ", deleted" } else { "" };
            format!("{}{deleted}: {}", group.label, group.sums.leaving.cost.0)
        })
        .collect()
}

#[test]
fn money_that_leaves_and_money_that_a_plan_saved_are_never_added() {
    let report = month(&furnished(), &Filter::default());
    assert_eq!(report.total.leaving.cost, Nano(8_570));
    assert_eq!(report.total.leaving.runs, 6);
    assert_eq!(
        report.total.leaving.unpriced, 1,
        "a row without a price is counted beside the total"
    );
    assert_eq!(report.total.plan.cost, Nano(1_000_000));
    assert_eq!(report.total.plan.runs, 1);
    assert_eq!(report.total.by_basis[&Basis::Extra].cost, Nano(40));
    assert_eq!(report.total.tokens.input, 70);
    assert_eq!(report.cached_permille, Some(227), "5 of 22");
}

#[test]
fn every_payer_has_its_name_also_when_its_key_has_been_deleted() {
    let report = month(&furnished(), &Filter::default());
    assert_eq!(
        labels(&report.payers),
        [
            "Old CI, deleted: 7000",
            "Work: 1500",
            "box-1's own key: 40",
            "$ANTHROPIC_API_KEY …abcd: 30",
            "plan max: 0",
        ]
    );
    assert_eq!(
        labels(&report.keys),
        ["Old CI, deleted: 7000", "Work: 1500", "no stored key: 70"]
    );
    assert_eq!(
        labels(&report.environments),
        ["production: 8570", "no environment: 0"]
    );
    assert_eq!(
        labels(&report.tiers),
        ["metered: 8530", "farm: 40", "subscription: 0"]
    );
    assert_eq!(
        labels(&report.models),
        ["claude-opus-5-5: 7000", "claude-sonnet-5-5: 1570"]
    );
}

#[test]
fn hosts_have_their_sums_and_can_be_looked_at_alone() {
    let store = furnished();
    let report = month(&store, &Filter::default());
    assert_eq!(
        labels(&report.hosts),
        ["not on the farm: 8530", "box-1: 40"]
    );
    let filter = Filter {
        hosts: vec![HostId(1)],
        ..Filter::default()
    };
    let alone = month(&store, &filter);
    assert_eq!(alone.total.leaving.cost, Nano(40));
    assert_eq!(labels(&alone.hosts), ["box-1: 40"]);
    store
        .execute("UPDATE hosts SET deleted_at = 1 WHERE id = 1", [])
        .unwrap();
    let removed = month(&store, &filter);
    assert_eq!(labels(&removed.hosts), ["box-1, deleted: 40"]);
}

#[test]
fn the_days_of_a_report_add_up_to_it_and_each_to_its_payers() {
    let report = month(&furnished(), &Filter::default());
    let dates: Vec<String> = report
        .series
        .iter()
        .map(|day| day.date.to_string())
        .collect();
    assert_eq!(dates, ["2026-11-21", "2026-11-22"]);
    let sum = |costs: Vec<Nano>| Nano::checked_sum(costs).unwrap();
    assert_eq!(
        sum(report
            .series
            .iter()
            .map(|day| day.sums.leaving.cost)
            .collect()),
        report.total.leaving.cost
    );
    for day in &report.series {
        assert_eq!(
            sum(day.payers.values().map(|sums| sums.leaving.cost).collect()),
            day.sums.leaving.cost
        );
    }
}

#[test]
fn a_month_is_compared_with_the_same_days_of_the_last_one() {
    let store = furnished();
    let week = report(&store, Range::Last(7), &Filter::default(), Millis(NOON)).unwrap();
    assert_eq!(week.projected, None);
    let report = month(&store, &Filter::default());
    assert_eq!(report.previous_days.last.to_string(), "2026-10-22");
    assert_eq!(report.previous.leaving.cost, Nano(2_000));
    // 8,570 in 22 of 30 days.
    assert_eq!(report.projected, Some(Nano(11_686)));
}

#[test]
fn each_filter_leaves_out_the_rest() {
    let store = furnished();
    let cost = |filter: Filter| month(&store, &filter).total.leaving.cost.0;
    assert_eq!(
        cost(Filter {
            keys: vec![key("k2")],
            ..Filter::default()
        }),
        7_000
    );
    assert_eq!(
        cost(Filter {
            keys: vec![key("k1"), key("k2")],
            ..Filter::default()
        }),
        8_500
    );
    assert_eq!(
        cost(Filter {
            payers: vec![Payer::Host(HostId(1))],
            ..Filter::default()
        }),
        40
    );
    assert_eq!(
        cost(Filter {
            tiers: vec![Tier::Farm],
            ..Filter::default()
        }),
        40
    );
    assert_eq!(
        cost(Filter {
            models: vec!["claude-opus-5-5".to_owned()],
            ..Filter::default()
        }),
        7_000
    );
    assert_eq!(
        cost(Filter {
            environments: vec![String::new()],
            ..Filter::default()
        }),
        0
    );
    assert_eq!(
        cost(Filter {
            models: vec!["'; DROP TABLE runs".to_owned()],
            ..Filter::default()
        }),
        0
    );
}

#[test]
fn a_report_is_made_without_the_ledger() {
    let store = furnished();
    let before = month(&store, &Filter::default());
    store
        .execute_batch("DROP TABLE key_usage; DROP TABLE usage_folded")
        .unwrap();
    assert_eq!(month(&store, &Filter::default()), before);
}

#[test]
fn only_the_days_that_are_asked_for_are_read() {
    let store = furnished();
    for sql in [
        crate::usage::report::select::cells_sql(),
        crate::usage::report::select::totals_sql(),
    ] {
        let plan: Vec<String> = store
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap()
            .query_map([None::<i64>; 8], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            plan[0].contains("SEARCH usage_daily USING PRIMARY KEY (day>? AND day<?)"),
            "{plan:?}"
        );
        assert!(
            !plan.iter().any(|step| step.contains("key_usage")),
            "{plan:?}"
        );
    }
}

#[test]
fn quick_totals_are_those_of_the_report() {
    let store = furnished();
    let report = month(&store, &Filter::default());
    assert_eq!(
        totals(&store, report.days, &Filter::default()).unwrap(),
        report.total
    );
    let empty = Days {
        first: date("1999-01-01"),
        last: date("1999-12-31"),
    };
    assert_eq!(
        totals(&store, empty, &Filter::default()).unwrap(),
        Default::default()
    );
}

pub(super) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn money_crosses_every_wire_as_a_decimal_string() {
    let report = month(&furnished(), &Filter::default());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["total"]["leaving"]["cost"], "0.00000857");
    assert_eq!(json["total"]["by_basis"]["plan"]["cost"], "0.001");
    assert_eq!(json["days"]["first"], "2026-11-01");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn sums_beyond_what_can_be_kept_are_an_error_and_not_a_wrong_figure() {
    let store = store("UTC");
    for day in [NOON, NOON - DAY] {
        book(
            &store,
            &Entry {
                cost: Some(Nano(i64::MAX)),
                ..entry(day)
            },
        )
        .unwrap();
    }
    assert!(report(&store, Range::Month, &Filter::default(), Millis(NOON)).is_err());
    assert!(report(&store, Range::Today, &Filter::default(), Millis(NOON)).is_ok());
    let again = book(
        &store,
        &Entry {
            cost: Some(Nano(1)),
            ..entry(NOON)
        },
    );
    assert!(again.is_err(), "a sum must not wrap or become a float");
}
