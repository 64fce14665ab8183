use super::report::{date, furnished};
use super::*;
use crate::usage::report::{Days, Filter, Format, export_days, export_runs};

fn exported(
    store: &Connection,
    format: Format,
    export: impl Fn(&Connection, Days, &Filter, Format, &mut dyn std::io::Write) -> crate::Result<u64>,
) -> (u64, String) {
    let days = Days {
        first: date("2026-11-01"),
        last: date("2026-11-22"),
    };
    let mut out = Vec::new();
    let rows = export(store, days, &Filter::default(), format, &mut out).unwrap();
    (rows, String::from_utf8(out).unwrap())
}

#[test]
fn an_export_has_one_row_for_each_cell_or_run_in_both_forms() {
    let store = furnished();
    for (rows, text) in [
        exported(&store, Format::Csv, export_days),
        exported(&store, Format::Csv, export_runs),
    ] {
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(u64::try_from(lines.len()).unwrap(), rows + 1);
        let columns = lines[0].split(',').count();
        assert!(
            lines.iter().all(|line| line.split(',').count() == columns),
            "{text}"
        );
    }
    let (rows, text) = exported(&store, Format::Json, export_runs);
    assert_eq!(rows, 7);
    let json: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(json.len(), 7);
    assert_eq!(json[0]["time"], "2026-11-21T11:00:00Z");
    assert_eq!(json[0]["cost_usd"], "0.0000005");
    assert!(
        json.iter().any(|row| row["cost_usd"].is_null()),
        "a row without a price"
    );
    let (_, csv) = exported(&store, Format::Csv, export_runs);
    assert!(csv.contains(",metered,unknown,2026-11-22,"), "{csv}");
    let (rows, text) = exported(&store, Format::Json, export_days);
    let json: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(u64::try_from(json.len()).unwrap(), rows);
    assert_eq!(json[0]["key_name"], "Work");
    let hosts: Vec<_> = json.iter().filter(|row| !row["host"].is_null()).collect();
    assert_eq!((hosts.len(), &hosts[0]["host_name"]), (1, &"box-1".into()));
    assert_eq!(json[0]["host_name"], "");
}

#[test]
fn an_export_of_runs_has_the_days_of_the_zone_and_no_moment_more() {
    let store = store("Europe/Berlin");
    // The 29th of March 2026, on which clocks go forward: 23:00 UTC to 22:00 UTC.
    let first: jiff::Timestamp = "2026-03-28T23:00:00Z".parse().unwrap();
    let first = first.as_millisecond();
    for at in [first - 1, first, first + 23 * HOUR - 1, first + 23 * HOUR] {
        book(&store, &entry(at)).unwrap();
    }
    let day = Days {
        first: date("2026-03-29"),
        last: date("2026-03-29"),
    };
    let mut out = Vec::new();
    export_runs(&store, day, &Filter::default(), Format::Csv, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let times: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(times, ["2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999Z"]);
}

#[test]
fn an_export_of_no_days_is_whole_all_the_same() {
    let store = store("UTC");
    assert_eq!(
        exported(&store, Format::Json, export_days),
        (0, "[\n]\n".to_owned())
    );
    assert_eq!(
        exported(&store, Format::Csv, export_runs).1.lines().count(),
        1
    );
}

#[test]
fn no_name_becomes_a_formula_or_a_second_cell_in_a_spreadsheet() {
    let store = store("UTC");
    for (model, cell) in [
        ("=1+1", "\"'=1+1\""),
        ("  @SUM(A1)", "\"'  @SUM(A1)\""),
        ("-2+3", "\"'-2+3\""),
        ("\tx", "\"'\tx\""),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\r\nlines", "\"two\r\nlines\""),
        ("plain-name", "plain-name"),
    ] {
        store
            .execute_batch("DELETE FROM key_usage; DELETE FROM usage_daily")
            .unwrap();
        book(
            &store,
            &Entry {
                model: model.to_owned(),
                ..entry(NOON)
            },
        )
        .unwrap();
        for (_, text) in [
            exported(&store, Format::Csv, export_days),
            exported(&store, Format::Csv, export_runs),
        ] {
            assert!(
                text.contains(&format!(",metered,{cell},")),
                "{model:?}: {text}"
            );
        }
    }
}

#[test]
fn an_export_that_nobody_takes_says_so() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let days = Days {
        first: date("2026-11-01"),
        last: date("2026-11-22"),
    };
    let error = export_days(
        &furnished(),
        days,
        &Filter::default(),
        Format::Csv,
        &mut Full,
    )
    .unwrap_err();
    assert!(error.message().contains("could not be written"));
}
