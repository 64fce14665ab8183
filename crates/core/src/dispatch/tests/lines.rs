//! The lines of a file: which run answered one, and that no two processes send the same.

use super::*;

#[tokio::test]
async fn a_line_that_another_process_has_sent_since_it_was_looked_at_is_not_sent_again() {
    let home = Home::new(Script::new()).await;
    let ask = home.ask("One");
    let identity = home
        .dispatch
        .db
        .read(|store| Identity::of(store, &ask.request));
    let key = identity.unwrap().line("One", 0);
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
