//! Keys that are tried out with a real call.

use switchyard_simulator::{KnownError, Match};

use super::*;
use crate::keys::{self, Validity};

async fn check_for_free(home: &Home) -> keys::Checked {
    let dispatch = &home.dispatch;
    keys::check(&dispatch.db, &*home.vault, &dispatch.http, &home.key)
        .await
        .unwrap()
}

async fn check(home: &Home) -> keys::Checked {
    home.dispatch.check_with_real_call(&home.key).await.unwrap()
}

#[tokio::test]
async fn only_a_real_call_sees_missing_credit_and_a_free_check_does_not_hide_it() {
    let home = Home::new(Script::new()).await;
    home.simulator.set_key(&home.secret, KeyState::NoCredit);
    let free = check_for_free(&home).await;
    assert_eq!(free.key.validity, Validity::Valid, "it can't see credit");
    let real = check(&home).await;
    assert_eq!((real.key.validity, real.cost), (Validity::NoCredit, None));
    assert_eq!(real.trouble.unwrap().code(), Code::Refused);
    let free = check_for_free(&home).await;
    assert_eq!(free.key.validity, Validity::NoCredit);
    home.simulator.set_key(&home.secret, KeyState::Valid);
    assert_eq!(check(&home).await.key.validity, Validity::Valid);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 1);
    home.assert_settled();
}

#[tokio::test]
async fn a_real_call_goes_to_the_cheapest_active_model_of_the_server_and_is_a_run() {
    let home = Home::new(Script::new()).await;
    let checked = check(&home).await;
    let calls = home.simulator.requests();
    let call = calls.iter().find(|call| call.path == "/v1/messages");
    let call = call.unwrap().json();
    assert_eq!(call["model"], "claude-haiku-5-5");
    assert_eq!(call["max_tokens"], 1);
    let [run] = &home.dispatch.history(None, 9).await.unwrap()[..] else {
        panic!("not one run");
    };
    assert_eq!((run.class, run.state), (Class::Check, State::Finished));
    assert_eq!((run.cost, run.basis), (checked.cost, Some(Basis::Metered)));
    assert!(run.cost.unwrap() > Nano::ZERO && !run.is_kept);
    home.assert_settled();
}

#[tokio::test]
async fn a_real_call_is_in_the_store_before_it_leaves_and_booked_when_nobody_waits_for_it() {
    let home = Home::new(Script::new()).await;
    home.simulator.push(Reply::text("Hi").held());
    let (dispatch, key) = (home.dispatch.clone(), home.key.clone());
    let checking = tokio::spawn(async move { dispatch.check_with_real_call(&key).await });
    home.simulator.wait_for_requests(2).await;
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "started");
    checking.abort();
    assert!(checking.await.unwrap_err().is_cancelled());
    // Queued behind the booking, so done after it.
    home.dispatch.db.write(|_| Ok(())).await.unwrap();
    assert_eq!(home.value::<String>("SELECT state FROM runs"), "cancelled");
    let basis: String = home.value("SELECT basis FROM key_usage");
    assert_eq!(basis, "estimated");
    assert!(home.value::<i64>("SELECT input FROM key_usage") > 0);
    home.assert_settled();
}

#[tokio::test]
async fn a_real_call_that_was_refused_or_never_made_costs_nothing() {
    let home = Home::new(Script::new()).await;
    home.simulator.push(KnownError::NoCredit);
    assert_eq!(check(&home).await.cost, None);
    home.simulator.set_key(&home.secret, KeyState::Refused);
    assert_eq!(check(&home).await.key.validity, Validity::Refused);
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 0);
    home.assert_settled();
}

/// Lets the next real call be answered with this, by whatever stands before the models.
fn answer_by(home: &Home, body: &serde_json::Value) {
    let answer = Reply::raw(200, "application/json", body.to_string());
    let calls = Match::path("/v1/messages").times(1);
    home.simulator.when(calls, answer);
}

#[tokio::test]
async fn what_a_server_does_not_report_of_a_real_call_is_booked_as_an_estimate() {
    let home = Home::new(Script::new()).await;
    let answers = [
        serde_json::json!({ "type": "message", "content": [] }),
        serde_json::json!({ "type": "message", "usage": null }),
        serde_json::json!({ "type": "message", "usage": { "prompt_tokens": 8 } }),
    ];
    for answer in &answers {
        answer_by(&home, answer);
        let checked = check(&home).await;
        assert_eq!(checked.key.validity, Validity::Valid, "{answer}");
        assert!(checked.cost.unwrap() > Nano::ZERO, "{answer}");
    }
    let runs = home.dispatch.history(None, 9).await.unwrap();
    assert_eq!(runs.len(), answers.len());
    for run in runs {
        assert_eq!(
            (run.state, run.basis),
            (State::Finished, Some(Basis::Estimated))
        );
    }
    home.assert_settled();
}

#[tokio::test]
async fn a_reply_that_is_no_message_says_nothing_of_the_key_and_does_not_hide_missing_credit() {
    let home = Home::new(Script::new()).await;
    home.simulator.push(KnownError::NoCredit);
    assert_eq!(check(&home).await.key.validity, Validity::NoCredit);
    let page = Reply::html(200, "Welcome to our Wi-Fi");
    home.simulator
        .when(Match::path("/v1/messages").times(1), page);
    for body in [
        None,
        Some(serde_json::json!({ "choices": [], "usage": {} })),
    ] {
        if let Some(body) = &body {
            answer_by(&home, body);
        }
        let checked = check(&home).await;
        assert_eq!(checked.key.validity, Validity::NoCredit, "{body:?}");
        assert!(!checked.is_answered && checked.trouble.is_some());
    }
    let estimated: i64 = home.value("SELECT count(*) FROM key_usage WHERE basis = 'estimated'");
    assert_eq!(estimated, 2, "it may have been passed on");
    assert_eq!(home.value::<i64>("SELECT count(*) FROM key_usage"), 2);
    home.assert_settled();
}
