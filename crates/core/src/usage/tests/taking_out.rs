use super::super::ledger::take_out;
use super::*;

/// Books runs of several cells and days, all but the one that is `left_out`.
fn booked(zone: &str, left_out: Option<i64>) -> Connection {
    let store = store(zone);
    for id in 1..=4 {
        let run = started_run(&store, id);
        let even = id % 2 == 0;
        let entry = Entry {
            run: Some(run),
            cost: even.then_some(Nano(id)),
            key: even.then(|| KeyId::from_text("k1")),
            host: (id == 3).then_some(HostId(1)),
            ..entry(NOON + id / 4 * 24 * HOUR)
        };
        if left_out != Some(id) {
            book(&store, &entry).unwrap();
        }
    }
    // Two more of the cell of run 2.
    book(&store, &entry(NOON)).unwrap();
    book(&store, &entry(NOON)).unwrap();
    store
}

#[test]
fn a_row_that_is_taken_out_leaves_the_sums_as_if_it_had_never_been() {
    for id in 1..=4 {
        let store = booked("Europe/Berlin", None);
        assert!(take_out(&store, RunId(id)).unwrap());
        let without = booked("Europe/Berlin", Some(id));
        assert_eq!(cells(&store, "usage_daily"), cells(&without, "usage_daily"));
        assert_eq!(one::<i64>(&store, "SELECT count(*) FROM key_usage"), 5);
    }
}

#[test]
fn a_row_whose_day_has_moved_is_taken_out_of_the_sums_all_the_same() {
    let store = booked("UTC", None);
    // As new rules for a zone would move it.
    store
        .execute("UPDATE store SET zone = 'Pacific/Kiritimati'", [])
        .unwrap();
    assert!(take_out(&store, RunId(2)).unwrap());
    let without = booked("Pacific/Kiritimati", Some(2));
    assert_eq!(cells(&store, "usage_daily"), cells(&without, "usage_daily"));
}

#[test]
fn what_is_not_in_the_ledger_is_not_taken_out() {
    let store = booked("UTC", None);
    let before = cells(&store, "usage_daily");
    assert!(!take_out(&store, RunId(9)).unwrap());
    assert_eq!(cells(&store, "usage_daily"), before);
}
