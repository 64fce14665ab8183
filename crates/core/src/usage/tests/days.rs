use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

#[test]
fn a_clock_that_is_set_back_a_year_books_on_the_day_that_it_shows() {
    let store = store("Europe/Berlin");
    book(&store, &entry(NOON)).unwrap();
    book(&store, &entry(NOON - 365 * 24 * HOUR)).unwrap();
    book(&store, &entry(-HOUR * 30)).unwrap();
    let days = "SELECT group_concat(day, ' ') FROM (SELECT day FROM usage_daily ORDER BY day)";
    assert_eq!(one::<String>(&store, days), "-2 20414 20779");
    let before = cells(&store, "usage_daily");
    zone::rebuild(&store).unwrap();
    assert_eq!(cells(&store, "usage_daily"), before);
}

#[test]
fn a_day_begins_where_its_zone_says_also_when_clocks_change() {
    let day = |name: &str, at: &str| {
        let at: jiff::Timestamp = at.parse().unwrap();
        zone::local_day(&TimeZone::get(name).unwrap(), Millis(at.as_millisecond()))
    };
    let civil = |text: &str| {
        let date: jiff::civil::Date = text.parse().unwrap();
        i64::from((date - jiff::civil::date(1970, 1, 1)).get_days())
    };
    // The day on which clocks go forward has 23 hours, the one on which they go back 25.
    for (name, at, date) in [
        ("Europe/Berlin", "2026-03-28T22:59:59.999Z", "2026-03-28"),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00Z", "2026-03-30"),
        ("Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-26"),
        ("Asia/Kathmandu", "2026-01-01T18:14:59Z", "2026-01-01"),
        ("Asia/Kathmandu", "2026-01-01T18:15:00Z", "2026-01-02"),
        ("Asia/Kolkata", "2026-01-01T18:30:00Z", "2026-01-02"),
        ("Pacific/Kiritimati", "2026-01-01T10:00:00Z", "2026-01-02"),
        ("Pacific/Pago_Pago", "2026-01-01T10:59:59Z", "2025-12-31"),
        // Samoa left out the 30th of December 2011 when it crossed the date line.
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"),
    ] {
        assert_eq!(day(name, at), civil(date), "{name} at {at}");
    }
}

#[test]
fn a_zone_that_does_not_exist_is_refused_and_changes_nothing() {
    let store = store("Europe/Berlin");
    book(&store, &entry(NOON)).unwrap();
    let before = cells(&store, "usage_daily");
    let error = zone::set_zone(&store, "Mars/Olympus").unwrap_err();
    assert_eq!(error.code(), crate::Code::BadInput);
    assert_eq!(zone::zone_name(&store).unwrap(), "Europe/Berlin");
    assert_eq!(cells(&store, "usage_daily"), before);
}

#[test]
fn folding_goes_in_slices_and_leaves_what_is_newer() {
    let store = store("UTC");
    for n in 0..25 {
        // Several rows share a moment, across the border of a slice too.
        book(&store, &entry(NOON + (n / 3) * HOUR)).unwrap();
    }
    let cutoff = Millis(NOON + 7 * HOUR);
    let slices: Vec<usize> =
        std::iter::repeat_with(|| retention::fold_slice(&store, cutoff, 10).unwrap())
            .take_while(|rows| *rows > 0)
            .collect();
    assert_eq!(slices, [10, 10, 1]);
    assert_eq!(one::<i64>(&store, "SELECT count(*) FROM key_usage"), 4);
    assert_eq!(one::<i64>(&store, "SELECT sum(runs) FROM usage_folded"), 21);
}

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
];

prop_compose! {
    fn any_entry()(
        at in 1_300_000_000_000_i64..1_800_000_000_000,
        who in 0_usize..4,
        tier in prop::sample::select(vec![Tier::Subscription, Tier::Metered, Tier::Farm]),
        basis in prop::sample::select(vec![Basis::Metered, Basis::Estimated, Basis::Billed, Basis::Plan, Basis::Extra]),
        model in prop::sample::select(vec!["claude-opus-5-5", "claude-haiku-5-5"]),
        host in prop::option::of(Just(HostId(1))),
        environment in prop::sample::select(vec!["", "production"]),
        counts in prop::array::uniform7(0_u64..1_000_000),
        cost in prop::option::of(0_i64..1_000_000_000_000),
    ) -> Entry {
        let key = ["k1", "k2"].get(who).map(|id| KeyId::from_text(*id));
        let [input, output, cache_write_5m, cache_write_1h, cache_read, thinking, web_searches] = counts;
        Entry {
            payer: key.clone().map_or(Payer::Plan(format!("plan {who}")), Payer::Key),
            key, tier, basis, host,
            model: model.to_owned(),
            environment: environment.to_owned(),
            tokens: Tokens { input, output, cache_write_5m, cache_write_1h, cache_read, thinking, web_searches },
            cost: cost.map(Nano),
            ..entry(at)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_change_of_zone_gives_the_sums_that_booking_in_it_would_have_given(
        entries in prop::collection::vec(any_entry(), 1..40),
        first in prop::sample::select(&ZONES[..]),
        second in prop::sample::select(&ZONES[..]),
        cutoff in 1_300_000_000_000_i64..1_800_000_000_000,
    ) {
        let moved = store(first);
        let there = store(second);
        for entry in &entries {
            book(&moved, entry).unwrap();
            book(&there, entry).unwrap();
        }
        let before = cells(&moved, "usage_daily");
        zone::rebuild(&moved).unwrap();
        prop_assert_eq!(&cells(&moved, "usage_daily"), &before);
        while retention::fold_slice(&moved, Millis(cutoff), 7).unwrap() > 0 {}
        prop_assert_eq!(&cells(&moved, "usage_daily"), &before, "folding left the sums alone");
        zone::set_zone(&moved, second).unwrap();
        prop_assert_eq!(cells(&moved, "usage_daily"), cells(&there, "usage_daily"));
        zone::set_zone(&moved, first).unwrap();
        prop_assert_eq!(cells(&moved, "usage_daily"), before);
    }
}
