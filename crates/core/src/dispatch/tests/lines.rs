//! The lines of a file: which run answered one, and that no two processes send the same.

use switchyard_simulator::KnownError;

use super::*;

/// Returns a prompt, and what names it as a line.
fn one(home: &Home) -> (Ask, LineKey) {
    let ask = home.ask("One");
    let db = &home.dispatch.db;
    let identity = db.read(|store| Identity::of(store, &ask.request));
    let key = identity.unwrap().line("One", 0);
    (ask, key)
}

#[tokio::test]
async fn a_line_that_another_process_has_sent_since_it_was_looked_at_is_not_sent_again() {
    let home = Home::new(Script::new()).await;
    let (ask, key) = one(&home);
    let before = home.dispatch.line(key).unwrap();
    assert_eq!(before.state, LineState::ToSend);
    let first = home.prepare(ask.clone()).await.for_line(before);
    let done = home.start(first).end().await;
    assert!(done.outcome.error.is_none());
    let now = home.dispatch.line(key).unwrap();
    assert_eq!(now.state, LineState::Answered(done.outcome.receipt.run));

    let elsewhere = |store: &rusqlite::Connection| {
        store
            .execute("UPDATE runs SET owner = 'another'", [])
            .doing("give the run to another process")
    };
    home.dispatch.db.write(elsewhere).await.unwrap();
    let late = home.prepare(ask.clone()).await.for_line(before);
    let (sink, _events) = channel();
    let sent = home
        .dispatch
        .run(late, sink, CancellationToken::new())
        .await;
    let error = sent.unwrap_err();
    assert!(error.message().contains("Another process"), "{error}");
    let runs: i64 = home
        .dispatch
        .db
        .read(|store| {
            let count = store.query_row("SELECT count(*) FROM runs", [], |row| row.get(0));
            count.doing("count the runs")
        })
        .unwrap();
    assert_eq!(runs, 1, "nothing is left of the one that was refused");

    home.dispatch.send_anew(vec![key]).await.unwrap();
    assert_eq!(home.dispatch.line(key).unwrap().state, LineState::ToSend);
}

#[tokio::test]
async fn a_line_that_was_billed_without_an_answer_is_never_sent_by_itself_however_long_ago_that_was()
 {
    let home = Home::new(Script::new()).await;
    let (ask, key) = one(&home);
    let line = home.dispatch.line(key).unwrap();
    home.simulator.push(Reply::html(504, "Gave up"));
    let prepared = home.prepare(ask.clone()).await.for_line(line);
    let done = home.start(prepared).end().await;
    let unsure = LineState::Unsure(done.outcome.receipt.run);
    assert_eq!(home.dispatch.line(key).unwrap().state, unsure);
    // Its row in the ledger is folded.
    let after = NOW.plus(Duration::from_secs(60));
    let folded = crate::usage::retention::fold_before(&home.dispatch.db, after).await;
    assert_eq!(folded.unwrap(), 1);
    assert_eq!(home.dispatch.line(key).unwrap().state, unsure);
}

#[tokio::test]
async fn a_line_that_cost_nothing_is_sent_again() {
    let home = Home::new(Script::new()).await;
    let (ask, key) = one(&home);
    let line = home.dispatch.line(key).unwrap();
    home.simulator.push(KnownError::InvalidRequest.reply());
    let prepared = home.prepare(ask.clone()).await.for_line(line);
    let done = home.start(prepared).end().await;
    assert_eq!(done.outcome.receipt.booked, None);
    assert_eq!(home.dispatch.line(key).unwrap().state, LineState::ToSend);
}
