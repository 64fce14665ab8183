//! Runs that end early: what came is kept and booked, and the reason is said.

use super::*;

/// Checks an early end: the text that came, the code, and an estimate of what was used.
fn assert_cut(home: &Home, done: &Done, text: &str, code: Code) {
    assert_eq!(done.text(), text);
    assert_eq!(done.error().code(), code, "{}", done.error());
    assert!(done.error().advice().is_some());
    let receipt = &done.outcome.receipt;
    assert_eq!(
        receipt.attempts, 1,
        "it was sent again after its answer had begun"
    );
    assert_eq!(done.amount().basis, Basis::Estimated);
    assert!(done.amount().tokens.output >= text.len() as u64 / 4);
    assert!(matches!(done.events.last(), Some(RunEvent::Failed { .. })));
    home.assert_settled();
}

async fn kept_answer(home: &Home, done: &Done) -> String {
    let shown = home.dispatch.show(done.outcome.receipt.run).await.unwrap();
    shown.answer.unwrap()
}

#[tokio::test]
async fn an_error_event_after_text_keeps_both() {
    let reply = Reply::deltas(["one ", "two "]).error_after(2, "overloaded_error", "Overloaded");
    let home = Home::new(Script::new().reply(reply)).await;
    let done = home.send("Hi").await;
    assert_cut(&home, &done, "one two ", Code::Busy);
    assert_eq!(kept_answer(&home, &done).await, "one two ");
    assert_eq!(home.value::<String>("SELECT error_code FROM runs"), "busy");
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "failed");
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_an_event_keeps_what_came() {
    let home = Home::new(Script::new().reply(Reply::deltas(["one ", "two "]).cut_after(1))).await;
    let done = home.send("Hi").await;
    assert_cut(&home, &done, "one ", Code::Network);
    // In the middle of an event and of a character.
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"one \"}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"世\"}}\n\n";
    let cut = (stream.len() - 6) as u64;
    home.simulator
        .push(Reply::raw(200, "text/event-stream", stream).cut_at_byte(cut));
    let done = home.send("Hi").await;
    assert_cut(&home, &done, "one ", Code::Network);
    assert_eq!(done.amount().tokens.input, 9);
}

#[tokio::test]
async fn a_stream_that_ends_without_a_stop_reason_is_not_complete() {
    let reply = Reply::text("one")
        .without_stop_reason()
        .without_message_stop();
    let home = Home::new(Script::new().reply(reply)).await;
    let done = home.send("Hi").await;
    assert_cut(&home, &done, "one", Code::Network);
}

#[tokio::test]
async fn a_server_that_falls_silent_ends_the_run_with_what_came() {
    let reply = Reply::deltas(["one ", "two "]).stall_after(1);
    let home = Home::with(Script::new().reply(reply), brief(), false).await;
    let done = home.send("Hi").await;
    assert_cut(&home, &done, "one ", Code::Timeout);
    assert!(done.error().message().contains("in the middle"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_booked_as_the_prompt_that_it_got() {
    let home = Home::with(Script::new().reply(Reply::echo().held()), brief(), false).await;
    let done = home.send("Hi").await;
    assert_eq!(done.error().code(), Code::Timeout);
    assert!(done.error().message().contains("did not begin"));
    let amount = done.amount();
    assert_eq!((amount.basis, amount.tokens.output), (Basis::Estimated, 0));
    assert!(amount.tokens.input > 0);
    home.assert_settled();
}

#[tokio::test]
async fn the_total_time_is_bounded_however_busy_the_stream_is() {
    let timeouts = Timeouts {
        total: Duration::from_millis(300),
        ..Timeouts::default()
    };
    let endless = Reply::events(2_000).paced(Duration::from_millis(5));
    let home = Home::with(Script::new().reply(endless), timeouts, false).await;
    let done = home.send("Hi").await;
    assert_eq!(done.error().code(), Code::Timeout);
    assert!(done.text().starts_with("word1 word2 "));
    assert_eq!(kept_answer(&home, &done).await, done.text());
    home.assert_settled();
}

#[tokio::test]
async fn a_cancelled_run_hangs_up_and_books_what_it_used() {
    let slow = Reply::events(2_000).paced(Duration::from_millis(5));
    let home = Home::new(Script::new().reply(slow)).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    let first = run.first_text().await;
    run.cancel.cancel();
    let done = run.end().await;
    assert_eq!(done.outcome.receipt.state, State::Cancelled);
    assert_eq!(done.error().code(), Code::Cancelled);
    assert_eq!(done.amount().basis, Basis::Estimated);
    assert!(kept_answer(&home, &done).await.starts_with(&first));
    assert_eq!(home.simulator.wait_for_disconnects(1).await.len(), 1);
    home.assert_settled();
}

#[tokio::test]
async fn a_run_cancelled_before_any_answer_is_booked_as_its_prompt() {
    let home = Home::new(Script::new().reply(Reply::echo().held())).await;
    let run = home.start(home.prepare(home.ask("Hi")).await);
    home.simulator.wait_for_requests(1).await;
    run.cancel.cancel();
    let done = run.end().await;
    assert_eq!(done.outcome.receipt.state, State::Cancelled);
    assert_eq!(done.amount().tokens.output, 0);
    home.assert_settled();
}

#[tokio::test]
async fn a_run_that_nobody_listens_to_is_ended_and_booked() {
    let slow = Reply::events(2_000).paced(Duration::from_millis(5));
    let home = Home::new(Script::new().reply(slow)).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    drop(run.events);
    let outcome = run.run.await.unwrap().unwrap();
    assert_eq!(outcome.receipt.state, State::Cancelled);
    assert!(outcome.receipt.booked.is_some());
    home.simulator.wait_for_disconnects(1).await;
    home.assert_settled();
}

#[tokio::test]
async fn a_run_whose_task_is_thrown_away_is_booked_all_the_same() {
    let slow = Reply::events(2_000).paced(Duration::from_millis(5));
    let home = Home::new(Script::new().reply(slow)).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    run.run.abort();
    assert!(run.run.await.unwrap_err().is_cancelled());
    // Queued behind the booking, so done after it.
    home.dispatch.db.write(|_| Ok(())).await.unwrap();
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "cancelled");
    assert_eq!(
        home.value::<String>("SELECT basis FROM key_usage"),
        "estimated"
    );
    home.assert_settled();
}

#[tokio::test]
async fn a_refused_request_costs_nothing_and_says_why() {
    use switchyard_simulator::KnownError;
    let home = Home::new(Script::new()).await;
    for (error, code) in [
        (KnownError::NoCredit, Code::Refused),
        (KnownError::BadKey, Code::KeyRefused),
        (KnownError::RetiredModel, Code::Refused),
        (KnownError::TooLargeAtProxy, Code::Refused),
        (KnownError::TierCap, Code::Refused),
    ] {
        home.simulator.push(error);
        let done = home.send("Hi").await;
        assert_eq!(done.error().code(), code, "{error:?}");
        assert_eq!(done.outcome.receipt.booked, None, "{error:?}");
        assert_eq!(
            done.outcome.receipt.attempts, 1,
            "{error:?} was tried again"
        );
    }
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 0);
    assert_eq!(
        home.value::<i64>("SELECT count(*) FROM runs WHERE state = 'failed'"),
        5
    );
    home.assert_settled();
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_an_error_and_not_an_empty_answer() {
    let home = Home::new(Script::new().reply(Reply::html(200, "Sign in"))).await;
    let done = home.send("Hi").await;
    assert_eq!(done.error().code(), Code::Refused);
    assert!(done.error().message().contains("text/html"));
    assert_eq!(done.outcome.receipt.booked, None, "no model writes pages");
    home.simulator
        .push(Reply::raw(200, "application/json", "{\"content\":[]}"));
    let done = home.send("Hi").await;
    assert_eq!(done.error().code(), Code::Refused);
    assert_eq!(done.amount().basis, Basis::Estimated, "a model has run");
    home.assert_settled();
}

#[tokio::test]
async fn an_event_that_cannot_be_read_ends_the_run_with_what_came() {
    let reply = Reply::deltas(["one ", "two "])
        .insert_after(1, "event: content_block_delta\ndata: {\"half\n\n");
    let home = Home::new(Script::new().reply(reply)).await;
    let done = home.send("Hi").await;
    assert_cut(&home, &done, "one ", Code::Refused);
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_key_and_prompt() {
    let elsewhere = Simulator::start(Script::new().any_key()).await;
    let to = format!("{}/v1/messages", elsewhere.base_url());
    let home = Home::new(Script::new().reply(Reply::redirect(307, to))).await;
    let done = home.send("Hi").await;
    assert_eq!(done.error().code(), Code::Network);
    assert!(elsewhere.requests().is_empty());
    assert_eq!(done.outcome.receipt.booked, None);
}

#[tokio::test]
async fn a_locked_vault_begins_no_run_and_sends_nothing() {
    let home = Home::with(Script::new(), Timeouts::default(), true).await;
    let prepared = home.prepare(home.ask("Hi")).await;
    let (sink, _events) = channel();
    let refused = home
        .dispatch
        .run(prepared, sink, CancellationToken::new())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Locked);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM runs"), 0);
    assert!(home.simulator.requests().is_empty());
}

#[tokio::test]
async fn a_key_that_does_not_open_leaves_no_trace_of_a_run() {
    let home = Home::new(Script::new()).await;
    home.send("Hi").await;
    home.vault.secrets.lock().unwrap().clear();
    let prepared = home.prepare(home.ask("Hi again")).await;
    let (sink, _events) = channel();
    let refused = home
        .dispatch
        .run(prepared, sink, CancellationToken::new())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Damaged);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM runs"), 1);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM conversations"), 1);
    assert_eq!(home.simulator.requests().len(), 1);
    home.assert_settled();
}

#[tokio::test]
async fn a_run_cancelled_before_it_began_leaves_nothing() {
    let home = Home::new(Script::new()).await;
    let run = home.start(home.prepare(home.ask("Hi")).await);
    run.cancel.cancel();
    let error = run.run.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM runs"), 0);
    assert!(home.simulator.requests().is_empty());
}

/// Lets the store grow by so many pages and no more.
async fn leave_room(home: &Home, pages: i64) {
    let limit = move |store: &rusqlite::Connection| {
        let count: i64 = store
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .doing("count")?;
        store
            .query_row(
                &format!("PRAGMA max_page_count = {}", count + pages),
                [],
                |_| Ok(()),
            )
            .doing("limit")
    };
    home.dispatch.db.write(limit).await.unwrap();
}

#[tokio::test]
async fn a_disk_too_full_for_the_answer_still_takes_the_ledger_row() {
    let long = Reply::deltas(["one ".to_owned(), "x".repeat(1024 * 1024)]).stall_after(1);
    let home = Home::new(Script::new().reply(long)).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    leave_room(&home, 8).await;
    home.simulator.release();
    let done = run.end().await;
    assert_eq!(done.text().len(), 1024 * 1024, "all of it was shown");
    assert_eq!(done.error().code(), Code::StoreUnwritable);
    assert!(!done.outcome.receipt.is_kept);
    assert!(
        done.error().message().contains("answer could not be kept"),
        "{}",
        done.error()
    );
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "finished");
    assert_eq!(
        home.value::<String>("SELECT basis FROM key_usage"),
        "metered"
    );
    home.assert_settled();
}
