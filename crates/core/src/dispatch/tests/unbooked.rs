//! Runs whose end the store did not take.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::dispatch::runs::Closing;
use crate::dispatch::unbooked::{Ending, find};
use crate::error::Failure;
use crate::id::HostId;
use crate::usage::{Entry, Payer, Tier as Way, Tokens};

pub(super) const USED: Usage = Usage {
    input: 25,
    output: 15,
    cache_write_5m: 60,
    cache_write_1h: 40,
    cache_read: 50,
    thinking: 5,
    web_searches: 3,
    service_tier: None,
    inference_geo: Some("us"),
    speed: None,
};

/// Lets no run end in the store, or lets them again.
pub(super) async fn refuse_ends(home: &Home, is_refused: bool) {
    let sql = if is_refused {
        "CREATE TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END"
    } else {
        "DROP TRIGGER full"
    };
    execute(&home.dispatch.db, sql).await;
}

async fn execute(db: &Db, sql: &'static str) {
    let change = move |store: &rusqlite::Connection| store.execute_batch(sql).doing("change");
    db.write(change).await.unwrap();
}

/// A store with a run that ended while nothing could be written.
pub(super) async fn unbooked() -> (Home, Done) {
    let home = Home::new(Script::new()).await;
    let done = end_unwritten(&home).await;
    (home, done)
}

/// Sends a prompt whose end the store does not take, and lets it take the next.
pub(super) async fn end_unwritten(home: &Home) -> Done {
    let answer = Reply::deltas(["one ", "two"]).usage(USED).stall_after(1);
    home.simulator.push(answer);
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    refuse_ends(home, true).await;
    home.simulator.release();
    let done = run.end().await;
    refuse_ends(home, false).await;
    done
}

/// Returns the files of runs that are not booked.
pub(super) fn files(home: &Home) -> Vec<PathBuf> {
    let found = find(home.dispatch.db.paths()).files;
    found.into_iter().map(|found| found.path).collect()
}

/// Opens the store as another process would.
pub(super) fn another_process(home: &Home) -> Db {
    Db::open(home.dispatch.db.paths(), &Clock::fixed(NOW)).unwrap()
}

/// Returns all that the store says of a run's end and of its cost, as one text.
pub(super) fn books(home: &Home, run: RunId) -> String {
    home.value(&format!(
        "SELECT json_array(r.state, r.finished_at, r.model_served, r.attempts, r.stop_reason,
             r.error_code, u.key_id, u.tokens_used, u.cost_estimate, u.timestamp, u.payer, u.tier,
             u.model, u.host_id, u.environment, u.basis, u.input, u.output, u.cache_write_5m,
             u.cache_write_1h, u.cache_read, u.thinking, u.web_searches, u.priced_as_of)
         FROM runs r LEFT JOIN key_usage u ON u.run_id = r.id WHERE r.id = {run}"
    ))
}

#[tokio::test]
async fn a_store_that_can_be_written_again_soon_is_waited_for() {
    let home = Home::new(Script::new().reply(Reply::deltas(["one ", "two"]).stall_after(1))).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    refuse_ends(&home, true).await;
    home.simulator.release();
    while let Some(event) = run.events.recv().await {
        if matches!(event, RunEvent::Usage { .. }) {
            // The last word before the end: whether the first try failed or not, a later one works.
            refuse_ends(&home, false).await;
        }
    }
    let outcome = run.run.await.unwrap().unwrap();
    assert_eq!(outcome.receipt.books, Books::Kept);
    assert!(outcome.receipt.booked.is_some());
    assert_eq!(
        files(&home),
        [] as [PathBuf; 0],
        "a file of a booked run stays"
    );
    home.assert_settled();
}

#[tokio::test]
async fn a_run_whose_end_cannot_be_written_is_booked_exactly_while_its_process_lives() {
    let (home, done) = unbooked().await;
    let receipt = &done.outcome.receipt;
    assert_eq!(receipt.books, Books::SetAside);
    assert!(!receipt.is_kept, "the answer is nowhere");
    assert!(done.error().message().contains("could not be booked yet"));
    assert!(done.error().advice().unwrap().contains("exactly"));
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 0);
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "started");
    let recovered = recover(&home.dispatch.db).await.unwrap();
    assert_eq!(recovered.exactly, [receipt.run]);
    assert_eq!(recovered.as_estimates, []);
    assert_eq!(files(&home), [] as [PathBuf; 0]);
    let cost: Option<Nano> = home.value("SELECT cost_estimate FROM key_usage");
    assert_eq!(cost, done.amount().cost);
    // The same prompt and the same answer, in a store that takes the end at once.
    home.simulator
        .push(Reply::deltas(["one ", "two"]).usage(USED));
    let twin = home.send("Hi").await.outcome.receipt;
    assert_eq!(twin.books, Books::Kept);
    assert_eq!(books(&home, receipt.run), books(&home, twin.run));
    home.assert_settled();
}

#[tokio::test]
async fn what_was_set_aside_is_private_and_holds_no_text() {
    let (home, _) = unbooked().await;
    let [file] = &files(&home)[..] else {
        panic!("not one file");
    };
    assert!(file.starts_with(home.folder.path().join("home/unbooked")));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file.parent().unwrap()), mode(file)), (0o700, 0o600));
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("\"output\":15"), "{text}");
    assert!(!text.contains("one "), "{text}");
    assert!(!text.contains("Hi"), "{text}");
}

#[tokio::test]
async fn the_next_run_that_is_booked_books_the_one_before_it() {
    let (home, _) = unbooked().await;
    assert_eq!(home.send("Again").await.outcome.receipt.books, Books::Kept);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 2);
    home.assert_settled();
}

#[tokio::test]
async fn where_nothing_can_be_written_beside_the_store_it_is_set_aside_elsewhere() {
    let home = Home::new(Script::new()).await;
    let [beside, elsewhere] = home.dispatch.db.paths().unbooked();
    // A file where the folder belongs.
    std::fs::write(beside, "in the way").unwrap();
    let done = end_unwritten(&home).await;
    assert_eq!(done.outcome.receipt.books, Books::SetAside);
    assert!(files(&home)[0].starts_with(elsewhere));
    let recovered = recover(&home.dispatch.db).await.unwrap();
    assert_eq!(recovered.exactly, [done.outcome.receipt.run]);
    home.assert_settled();
}

#[tokio::test]
async fn where_not_even_a_file_can_be_written_the_run_is_booked_as_an_estimate() {
    let home = Home::new(Script::new()).await;
    for folder in home.dispatch.db.paths().unbooked() {
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        std::fs::write(folder, "in the way").unwrap();
    }
    let done = end_unwritten(&home).await;
    let receipt = &done.outcome.receipt;
    assert_eq!(receipt.books, Books::Lost);
    assert_eq!(
        receipt.booked, None,
        "an amount that will not be in the ledger"
    );
    assert!(done.error().message().contains("could not be booked"));
    assert!(done.error().advice().unwrap().contains("an estimate"));
    let other = another_process(&home);
    assert_eq!(
        recover(&other).await.unwrap(),
        Recovered::default(),
        "its process lives"
    );
    execute(&home.dispatch.db, "UPDATE runs SET owner = 'gone1'").await;
    let recovered = recover(&other).await.unwrap();
    assert_eq!(recovered.as_estimates, [receipt.run]);
    home.assert_settled();
}

#[tokio::test]
async fn processes_that_recover_at_once_book_a_run_once() {
    let (home, done) = unbooked().await;
    let others: Vec<Db> = (0..8).map(|_| another_process(&home)).collect();
    let recovering = others.iter().map(recover);
    let recovered = futures_util::future::join_all(recovering).await;
    let exactly: Vec<RunId> = recovered
        .into_iter()
        .flat_map(|recovered| recovered.unwrap().exactly)
        .collect();
    assert_eq!(exactly, [done.outcome.receipt.run]);
    assert_eq!(files(&home), [] as [PathBuf; 0]);
    let cost: Option<Nano> = home.value("SELECT sum(cost) FROM usage_daily");
    assert_eq!(cost, done.amount().cost);
    home.assert_settled();
}

#[tokio::test]
async fn a_file_that_is_not_whole_is_left_to_the_estimate_and_then_removed() {
    let (home, _) = unbooked().await;
    let file = files(&home).remove(0);
    let whole = std::fs::read(&file).unwrap();
    let other = another_process(&home);
    let started = String::from_utf8_lossy(&whole).replace("finished", "started");
    let half = &whole[..whole.len() / 2];
    for damaged in [half, b"", b"{}", b"\xff\0", started.as_bytes()] {
        std::fs::write(&file, damaged).unwrap();
        assert_eq!(recover(&other).await.unwrap(), Recovered::default());
        assert!(file.exists(), "its run is not closed");
    }
    std::fs::write(&file, vec![b' '; 2 * 1024 * 1024]).unwrap();
    assert_eq!(recover(&other).await.unwrap(), Recovered::default());
    std::fs::write(file.with_extension("new"), &whole).unwrap();
    assert_eq!(
        recover(&other).await.unwrap(),
        Recovered::default(),
        "a draft was booked"
    );
    let (owner, vault) = (home.dispatch.db.owner().to_owned(), home.vault.clone());
    // The process ends, and with it the file that is locked in its name.
    let Home {
        folder, dispatch, ..
    } = home;
    drop((dispatch, vault));
    assert!(other.is_gone(&owner));
    assert_eq!(recover(&other).await.unwrap().as_estimates.len(), 1);
    assert_eq!(recover(&other).await.unwrap(), Recovered::default());
    assert_eq!(
        find(other.paths()).files.len(),
        0,
        "files of a closed run stay"
    );
    drop(folder);
}

#[tokio::test]
async fn a_file_of_a_closed_run_of_another_store_or_of_no_run_books_nothing() {
    let (home, _) = unbooked().await;
    let file = files(&home).remove(0);
    let whole = std::fs::read(&file).unwrap();
    assert_eq!(recover(&home.dispatch.db).await.unwrap().exactly.len(), 1);
    // The process died between the booking and the end of the file.
    std::fs::write(&file, &whole).unwrap();
    let strangers = [
        "another0owner-1.json",
        "another0owner-9.json",
        "notes.txt",
        "-.json",
    ];
    for name in strangers {
        std::fs::write(file.with_file_name(name), &whole).unwrap();
    }
    assert_eq!(
        recover(&home.dispatch.db).await.unwrap(),
        Recovered::default()
    );
    assert!(!file.exists(), "it stays for ever");
    for name in strangers {
        assert!(
            file.with_file_name(name).exists(),
            "{name} is not ours to remove"
        );
    }
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 1);
    home.assert_settled();
}

#[tokio::test]
async fn what_others_could_have_put_there_is_not_booked() {
    let (home, _) = unbooked().await;
    let folder = files(&home)[0].parent().unwrap().to_owned();
    let set = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode));
    set(0o777).unwrap();
    assert_eq!(
        recover(&home.dispatch.db).await.unwrap(),
        Recovered::default()
    );
    set(0o700).unwrap();
    assert_eq!(recover(&home.dispatch.db).await.unwrap().exactly.len(), 1);
}

#[tokio::test]
async fn what_a_store_did_not_take_that_became_read_only_is_booked_when_it_can_be_written() {
    let home = Home::new(Script::new().reply(Reply::deltas(["one ", "two"]).stall_after(1))).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    // For the rest of this process's life.
    execute(&home.dispatch.db, "PRAGMA query_only = 1").await;
    home.simulator.release();
    let done = run.end().await;
    assert_eq!(done.outcome.receipt.books, Books::SetAside);
    assert_eq!(done.error().code(), Code::StoreUnwritable);
    let refused = recover(&home.dispatch.db).await.unwrap_err();
    assert_eq!(refused.code(), Code::StoreUnwritable);
    assert_eq!(files(&home).len(), 1);
    let recovered = recover(&another_process(&home)).await.unwrap();
    assert_eq!(recovered.exactly, [done.outcome.receipt.run]);
    home.assert_settled();
}

#[tokio::test]
async fn a_run_whose_task_is_thrown_away_is_set_aside_too() {
    let home = Home::new(Script::new().reply(Reply::deltas(["one ", "two"]).stall_after(1))).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    refuse_ends(&home, true).await;
    run.run.abort();
    while files(&home).is_empty() {
        tokio::task::yield_now().await;
    }
    refuse_ends(&home, false).await;
    let other = another_process(&home);
    while files(&home)
        .iter()
        .any(|file| file.extension().unwrap() == "new")
    {
        tokio::task::yield_now().await;
    }
    assert!(
        recover(&other).await.unwrap().exactly.len() <= 1,
        "its own process may be first"
    );
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "cancelled");
    assert_eq!(
        home.value::<i64>("SELECT output FROM key_usage"),
        2,
        "what was shown"
    );
    home.assert_settled();
}

#[tokio::test]
async fn a_run_that_can_not_be_taken_back_is_closed_and_costs_nothing() {
    let home = Home::new(Script::new()).await;
    let prepared = home.prepare(home.ask("Hi")).await;
    home.vault.secrets.lock().unwrap().clear();
    let keep =
        "CREATE TRIGGER kept BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END";
    execute(&home.dispatch.db, keep).await;
    let refused = home.start(prepared).run.await.unwrap();
    assert!(refused.is_err(), "a run without a key");
    // Queued behind the end of the run, so done after it.
    home.dispatch.db.write(|_| Ok(())).await.unwrap();
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "cancelled");
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 0);
    home.assert_settled();
}

fn tokens() -> impl Strategy<Value = Tokens> {
    any::<[u64; 7]>().prop_map(|counts| Tokens {
        input: counts[0],
        output: counts[1],
        cache_write_5m: counts[2],
        cache_write_1h: counts[3],
        cache_read: counts[4],
        thinking: counts[5],
        web_searches: counts[6],
    })
}

fn amount() -> impl Strategy<Value = Amount> {
    let basis = prop_oneof![Just(Basis::Metered), Just(Basis::Estimated)];
    let priced = proptest::option::of((any::<i64>(), ".{0,20}"));
    (tokens(), basis, priced).prop_map(|(tokens, basis, priced)| Amount {
        tokens,
        basis,
        cost: priced.as_ref().map(|(cost, _)| Nano(*cost)),
        priced_as_of: priced.map(|(_, as_of)| as_of),
    })
}

proptest! {
    #[test]
    fn what_is_set_aside_comes_back_to_the_token_and_the_nano_dollar(
        amount in proptest::option::of(amount()),
        at in any::<i64>(),
        served in proptest::option::of(".{0,40}"),
        stop_reason in proptest::option::of(".{0,20}"),
        run in 1..i64::MAX,
    ) {
        let row = Entry {
            run: Some(RunId(run)),
            at: NOW,
            payer: Payer::env("MINE", "abcd", &[1, 2, 3, 4]),
            key: None,
            tier: Way::Metered,
            model: "asked".to_owned(),
            host: Some(HostId(3)),
            environment: "test".to_owned(),
            basis: Basis::Estimated,
            tokens: Tokens::default(),
            cost: None,
            priced_as_of: None,
        };
        let closing = Closing {
            run: RunId(run),
            state: State::Failed,
            at: Millis(at),
            model_served: served.clone(),
            first_token_ms: Some(7),
            attempts: 2,
            stop_reason,
            request_id: None,
            proof: Some("organization o".to_owned()),
            error: Some(Failure::from(&Error::failed("It broke."))),
            answer: "an answer".to_owned(),
            keeper: None,
            entry: amount.map(|amount| Entry {
                at: Millis(at),
                model: served.unwrap_or_else(|| row.model.clone()),
                basis: amount.basis,
                tokens: amount.tokens,
                cost: amount.cost,
                priced_as_of: amount.priced_as_of,
                ..row.clone()
            }),
        };
        let file = serde_json::to_vec(&Ending::of(&closing)).unwrap();
        let back = serde_json::from_slice::<Ending>(&file).unwrap().closing(closing.run, row);
        prop_assert_eq!(&back.entry, &closing.entry);
        prop_assert_eq!((back.state, back.at), (closing.state, closing.at));
        prop_assert_eq!((&back.model_served, &back.stop_reason), (&closing.model_served, &closing.stop_reason));
        prop_assert_eq!((back.first_token_ms, back.attempts), (Some(7), 2));
        prop_assert_eq!(back.error.unwrap().code, Code::Failed);
        prop_assert_eq!(back.answer, "");
    }
}
