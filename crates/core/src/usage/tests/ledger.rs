use super::*;

#[test]
fn a_row_is_in_the_ledger_and_in_the_sums() {
    let store = store("Europe/Berlin");
    assert_eq!(book(&store, &entry(NOON)).unwrap(), Booked::New);
    assert_eq!(book(&store, &entry(NOON + 1)).unwrap(), Booked::New);
    assert_eq!(
        one::<i64>(&store, "SELECT sum(tokens_used) FROM key_usage"),
        84
    );
    assert_eq!(
        cells(&store, "usage_daily"),
        [concat!(
            "Integer(20779)|Text(\"key:k1\")|Text(\"k1\")|Text(\"metered\")|Text(\"claude-sonnet-5-5\")",
            "|Integer(0)|Text(\"production\")|Text(\"metered\")|Integer(2)|Integer(0)|Integer(2000)",
            "|Integer(20)|Integer(40)|Integer(6)|Integer(8)|Integer(10)|Integer(12)|Integer(2)"
        )]
    );
}

#[test]
fn a_run_is_booked_once_and_the_second_booking_changes_nothing() {
    let store = store("UTC");
    let run = started_run(&store, 7);
    let first = Entry {
        run: Some(run),
        ..entry(NOON)
    };
    assert_eq!(book(&store, &first).unwrap(), Booked::New);
    let before = cells(&store, "usage_daily");
    let second = Entry {
        cost: Some(Nano(999)),
        ..first
    };
    assert_eq!(book(&store, &second).unwrap(), Booked::Already);
    assert_eq!(cells(&store, "usage_daily"), before);
    assert_eq!(one::<i64>(&store, "SELECT count(*) FROM key_usage"), 1);
}

#[test]
fn a_row_without_a_price_is_counted_and_not_taken_for_nothing() {
    let store = store("UTC");
    let unknown = Entry {
        cost: None,
        priced_as_of: None,
        ..entry(NOON)
    };
    book(&store, &unknown).unwrap();
    book(&store, &entry(NOON)).unwrap();
    assert_eq!(
        one::<Option<i64>>(
            &store,
            "SELECT min(cost_estimate) FROM key_usage WHERE priced_as_of IS NULL"
        ),
        None
    );
    assert_eq!(
        one::<String>(
            &store,
            "SELECT runs || ' ' || unpriced || ' ' || cost FROM usage_daily"
        ),
        "2 1 1000"
    );
}

#[test]
fn payers_without_a_stored_key_have_cells_of_their_own() {
    let store = store("UTC");
    for payer in [
        Payer::env("ANTHROPIC_API_KEY", "abcd", &[1, 2, 3, 4]),
        Payer::env("ANTHROPIC_API_KEY", "abcd", &[5, 6, 7, 8]),
        Payer::Plan("max".to_owned()),
        Payer::Host(HostId(1)),
    ] {
        book(
            &store,
            &Entry {
                payer,
                key: None,
                ..entry(NOON)
            },
        )
        .unwrap();
    }
    assert_eq!(
        one::<i64>(&store, "SELECT count(*) FROM usage_daily WHERE key_id = ''"),
        4
    );
    assert_eq!(
        one::<i64>(
            &store,
            "SELECT count(*) FROM key_usage WHERE key_id IS NULL"
        ),
        4
    );
}

#[test]
fn counts_beyond_all_reason_neither_break_the_sums_nor_make_a_price() {
    let store = store("UTC");
    let absurd = Entry {
        tokens: Tokens {
            input: u64::MAX,
            output: u64::MAX,
            ..Tokens::default()
        },
        model: "m".repeat(10_000),
        at: Millis(i64::MAX),
        ..entry(NOON)
    };
    for _ in 0..3 {
        book(&store, &absurd).unwrap();
    }
    assert_eq!(one::<i64>(&store, "SELECT unpriced FROM usage_daily"), 3);
    assert_eq!(
        one::<i64>(&store, "SELECT input FROM usage_daily"),
        30_000_000_000
    );
    assert_eq!(
        one::<i64>(&store, "SELECT length(model) FROM usage_daily"),
        200
    );
}

#[test]
fn two_writers_at_once_lose_and_double_nothing() {
    const EACH: i64 = 500;
    let place = place();
    let open = || Db::open(&place.paths, &place.clock).unwrap();
    let (one_db, two_db) = (open(), open());
    one_db.write_blocking(furnish).unwrap();
    std::thread::scope(|scope| {
        for (writer, db) in [&one_db, &two_db].into_iter().enumerate() {
            scope.spawn(move || {
                for n in 0..EACH {
                    let offset = i64::try_from(writer).unwrap() * EACH + n;
                    let entry = Entry {
                        cost: Some(Nano(offset + 1)),
                        ..entry(NOON + offset)
                    };
                    db.write_blocking(move |store| book(store, &entry)).unwrap();
                }
            });
        }
    });
    let sums = one_db
        .read(|store| {
            Ok(one::<String>(
                store,
                "SELECT sum(runs) || ' ' || sum(cost) FROM usage_daily",
            ))
        })
        .unwrap();
    assert_eq!(
        sums,
        format!("{} {}", 2 * EACH, (1..=2 * EACH).sum::<i64>())
    );
}

#[test]
fn a_row_with_its_sums_writes_at_most_three_times_the_pages_of_the_bare_row() {
    const ROWS: i64 = 400;
    let place = place();
    let db = Db::open(&place.paths, &place.clock).unwrap();
    db.write_blocking(furnish).unwrap();
    let store = Connection::open(db.path()).unwrap();
    store.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    let log = db.path().with_extension("db-wal");
    // A log has a header of 32 bytes, and a header of 24 bytes before each page of 4,096.
    let pages = || (log.metadata().unwrap().len() - 32) / 4_120;
    // A season of runs, so that cells are made as well as added to.
    let step = 90 * 24 * HOUR / ROWS;
    let written = |write: &dyn Fn(&Entry)| {
        let before = pages();
        for n in 0..ROWS {
            write(&entry(NOON + n * step));
        }
        pages() - before
    };
    let bare = written(&|entry| {
        assert_eq!(super::super::ledger::insert(&store, entry).unwrap(), 1);
    });
    let booked = written(&|entry| {
        let transaction = store.unchecked_transaction().unwrap();
        book(&transaction, entry).unwrap();
        transaction.commit().unwrap();
    });
    assert!(bare >= 400, "{bare} pages: the log was not counted");
    assert!(booked <= 3 * bare, "{booked} pages booked, {bare} bare");
    println!("{booked} pages booked, {bare} bare");
}
