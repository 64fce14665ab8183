//! Runs that end while another process writes to the store.

use rusqlite::Connection;

use super::unbooked::{USED, files};
use super::*;
use crate::dispatch::runs;
use crate::dispatch::unbooked::{Read, find};
use crate::usage::{Entry, Tokens};

/// A run that has ended while another process holds the store, and was set aside for that.
struct Held {
    home: Home,
    run: Underway,
    /// The transaction of the other process.
    other: Connection,
}

impl Held {
    async fn new() -> Self {
        let home = Home::new(Script::new()).await;
        let answer = Reply::deltas(["one ", "two"]).usage(USED).stall_after(1);
        home.simulator.push(answer);
        let mut run = home.start(home.prepare(home.ask("Hi")).await);
        run.first_text().await;
        let other = Connection::open(home.dispatch.db.path()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        home.simulator.release();
        let is_whole = || {
            let files = files(&home);
            files.iter().any(|file| file.extension().unwrap() == "json")
        };
        while !is_whole() {
            tokio::task::yield_now().await;
        }
        Self { home, run, other }
    }

    async fn answer(home: &Home, run: RunId) -> String {
        let keeper = home.dispatch.keeper().await.unwrap();
        let before = |store: &Connection| keeper.conversation(store, run);
        let before = home.dispatch.db.read(before).unwrap();
        before.turns.last().unwrap().answer.clone()
    }
}

#[tokio::test]
async fn the_end_of_a_run_is_in_a_file_for_as_long_as_a_busy_store_does_not_take_it() {
    let Held { home, run, other } = Held::new().await;
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "started");
    other.execute_batch("COMMIT").unwrap();
    let done = run.end().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    let receipt = &done.outcome.receipt;
    assert_eq!((receipt.books, receipt.is_kept), (Books::Kept, true));
    assert_eq!(files(&home).len(), 0, "a file of a booked run stays");
    assert_eq!(Held::answer(&home, receipt.run).await, "one two");
    assert_eq!(
        home.value::<String>("SELECT basis FROM key_usage"),
        "metered"
    );
    home.assert_settled();
}

#[tokio::test]
async fn a_run_that_another_process_books_from_its_file_first_keeps_its_answer() {
    let Held { home, run, other } = Held::new().await;
    let found = find(home.dispatch.db.paths()).files.remove(0);
    let Read::Whole(ending) = found.read() else {
        panic!("the file is not whole");
    };
    let row = Entry {
        run: Some(found.run),
        at: NOW,
        payer: crate::usage::Payer::Key(home.key.clone()),
        key: Some(home.key.clone()),
        tier: crate::usage::Tier::Metered,
        model: String::new(),
        host: None,
        environment: "test".to_owned(),
        basis: Basis::Estimated,
        tokens: Tokens::default(),
        cost: None,
        priced_as_of: None,
    };
    runs::finish(&other, ending.closing(found.run, row)).unwrap();
    other.execute_batch("COMMIT").unwrap();
    let done = run.end().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    assert_eq!(Held::answer(&home, found.run).await, "one two");
    assert_eq!(files(&home).len(), 0);
    home.assert_settled();
}
