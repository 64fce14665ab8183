//! Attempts that are made again, and shown while they wait.

use switchyard_simulator::KnownError;

use super::*;

fn waits(done: &Done) -> Vec<(String, u32)> {
    let waits = done.events.iter().filter_map(|event| match event {
        RunEvent::Waiting { why, attempt, .. } => Some((why.clone(), *attempt)),
        _ => None,
    });
    waits.collect()
}

fn soon(error: KnownError) -> Reply {
    error.reply().header("retry-after-ms", "5")
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_the_wait_is_shown() {
    let script = Script::new()
        .reply(soon(KnownError::Overloaded))
        .reply(soon(KnownError::RateLimit))
        .reply(Reply::text("at last"));
    let home = Home::new(script).await;
    let done = home.send("Hi").await;
    assert_eq!(done.text(), "at last");
    assert_eq!(
        waits(&done),
        [
            ("the server is overloaded".to_owned(), 2),
            ("the key's rate limit".to_owned(), 3)
        ]
    );
    assert_eq!(done.outcome.receipt.attempts, 3);
    assert_eq!(home.value::<i64>("SELECT attempts FROM runs"), 3);
    assert_eq!(
        home.value::<i64>("SELECT count(*) FROM key_usage"),
        1,
        "only the last attempt made anything"
    );
    assert_eq!(done.amount().basis, Basis::Metered);
    home.assert_settled();
}

#[tokio::test]
async fn after_two_retries_the_error_is_the_users() {
    let mut script = Script::new();
    for _ in 0..4 {
        script = script.reply(soon(KnownError::Internal));
    }
    let home = Home::new(script).await;
    let done = home.send("Hi").await;
    assert_eq!(done.error().code(), Code::Busy);
    assert_eq!(home.simulator.requests().len(), 3);
    assert_eq!(done.outcome.receipt.booked, None, "nothing was made");
    home.assert_settled();
}

#[tokio::test]
async fn what_a_proxy_gave_up_on_may_be_billed_so_it_is_booked_and_not_sent_again() {
    let home = Home::new(Script::new()).await;
    for status in [408, 502, 504, 524] {
        home.simulator.push(Reply::html(status, "Gave up"));
        let done = home.send("Hi").await;
        assert_eq!(done.outcome.receipt.attempts, 1, "{status}");
        let amount = done.amount();
        assert_eq!((amount.basis, amount.tokens.output), (Basis::Estimated, 0));
        assert!(amount.tokens.input > 0);
        assert!(done.error().advice().unwrap().contains("billed"));
    }
    home.simulator.push(soon(KnownError::UpstreamTimeout));
    let done = home.send("Hi").await;
    assert_eq!(done.outcome.receipt.attempts, 2, "the API said it itself");
    assert_eq!(done.amount().basis, Basis::Metered);
    home.assert_settled();
}

#[tokio::test]
async fn a_wait_of_more_than_a_minute_is_told_and_not_waited() {
    let reply = KnownError::RateLimit.reply().header("retry-after", "600");
    let home = Home::new(Script::new().reply(reply)).await;
    let done = home.send("Hi").await;
    assert_eq!(waits(&done), []);
    assert!(done.error().advice().unwrap().contains("10 min"));
    assert_eq!(home.simulator.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_three_times_and_costs_nothing() {
    let home = Home::new(Script::new()).await;
    let prepared = home.prepare(home.ask("Hi")).await;
    let Home {
        folder,
        simulator,
        dispatch,
        ..
    } = home;
    simulator.stop();
    let (sink, mut events) = channel();
    let run = dispatch.run(prepared, sink, CancellationToken::new());
    let listen = async { while events.recv().await.is_some() {} };
    let (outcome, ()) = tokio::join!(run, listen);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.error.unwrap().code(), Code::Network);
    assert_eq!(
        (outcome.receipt.attempts, outcome.receipt.booked),
        (3, None)
    );
    drop(folder);
}

#[tokio::test]
async fn a_run_that_waits_can_be_cancelled() {
    let reply = KnownError::Overloaded.reply().header("retry-after", "50");
    let home = Home::new(Script::new().reply(reply)).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    while !matches!(run.events.recv().await.unwrap(), RunEvent::Waiting { .. }) {}
    run.cancel.cancel();
    let done = run.end().await;
    assert_eq!(done.outcome.receipt.state, State::Cancelled);
    assert_eq!(done.outcome.receipt.booked, None, "nothing was out");
    home.assert_settled();
}
