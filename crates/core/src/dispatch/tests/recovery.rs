//! Runs whose process is gone.

use super::*;

/// Leaves a run as a process leaves it that is killed: begun, owned by nobody who lives.
async fn crash(home: &Home) -> RunId {
    let run = home.start(home.prepare(home.ask("a prompt of several words")).await);
    let mut run = run;
    run.first_text().await;
    let write = |store: &rusqlite::Connection| {
        store
            .execute(
                "UPDATE runs SET owner = 'gone-1' WHERE state = 'started'",
                [],
            )
            .doing("crash")?;
        store
            .query_row("SELECT max(id) FROM runs", [], |row| row.get(0))
            .doing("crash")
    };
    let id = home.dispatch.db.write(write).await.unwrap();
    // The task would close its run when it is dropped, as no killed process does.
    std::mem::forget(run);
    id
}

#[tokio::test]
async fn a_lost_run_is_booked_once_as_an_estimate() {
    let slow = Reply::events(2_000).paced(Duration::from_secs(5));
    let home = Home::new(
        Script::new()
            .reply(Reply::deltas(["one "]).stall_after(1))
            .otherwise(slow),
    )
    .await;
    let lost = crash(&home).await;
    assert!(home.value::<i64>("SELECT count(*) FROM reservations") > 0);
    assert_eq!(
        recover(&home.dispatch.db).await.unwrap().as_estimates,
        [lost]
    );
    assert_eq!(
        recover(&home.dispatch.db).await.unwrap(),
        Recovered::default()
    );
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "lost");
    assert_eq!(
        home.value::<String>("SELECT basis FROM key_usage"),
        "estimated"
    );
    assert!(home.value::<i64>("SELECT input FROM key_usage") > 0);
    assert_eq!(
        home.value::<i64>("SELECT output FROM key_usage"),
        0,
        "nobody knows"
    );
    assert!(home.value::<i64>("SELECT cost_estimate FROM key_usage") > 0);
    home.assert_settled();
}

#[tokio::test]
async fn a_lost_run_through_the_plan_counts_as_dollars_unless_none_could_leave() {
    for (at_most, basis) in [(Some(0), "plan"), (Some(1_000), "extra"), (None, "extra")] {
        let home = Home::new(Script::new().reply(Reply::deltas(["one "]).stall_after(1))).await;
        crash(&home).await;
        let through_the_plan = move |store: &rusqlite::Connection| {
            let set = "UPDATE runs SET tier = 'subscription', worst_case_nano = ?1";
            store.execute(set, [at_most]).doing("crash").map(drop)
        };
        home.dispatch.db.write(through_the_plan).await.unwrap();
        recover(&home.dispatch.db).await.unwrap();
        let booked = home.value::<String>("SELECT basis FROM key_usage");
        assert_eq!(booked, basis, "{at_most:?}");
    }
}

#[tokio::test]
async fn a_run_of_a_living_process_is_left_alone() {
    let home = Home::new(Script::new().reply(Reply::deltas(["one "]).stall_after(1))).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    assert_eq!(
        recover(&home.dispatch.db).await.unwrap(),
        Recovered::default()
    );
    home.simulator.release();
    assert_eq!(run.end().await.outcome.receipt.state, State::Finished);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 1);
}

#[tokio::test]
async fn a_run_that_was_given_up_for_lost_is_not_booked_again_when_it_ends() {
    let home = Home::new(Script::new().reply(Reply::deltas(["one "]).stall_after(1))).await;
    let mut run = home.start(home.prepare(home.ask("Hi")).await);
    run.first_text().await;
    let steal = |store: &rusqlite::Connection| {
        store
            .execute("UPDATE runs SET owner = 'gone-1'", [])
            .doing("crash")
    };
    home.dispatch.db.write(steal).await.unwrap();
    let recovered = recover(&home.dispatch.db).await.unwrap();
    assert_eq!(recovered.as_estimates.len(), 1);
    home.simulator.release();
    run.end().await;
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "lost");
    home.assert_settled();
}
