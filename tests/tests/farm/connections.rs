//! What ends a connection, and what does not.

use switchyard_core::hosts::Edit;
use switchyard_tests::sshd::{ANSWERS, Sshd};

use super::*;

/// Sends a prompt to any host whose `claude` stops in mid-answer, and meanwhile does something.
async fn while_it_answers<T>(
    house: &House,
    sshd: &Sshd,
    meanwhile: impl AsyncFnOnce() -> T,
) -> ((Vec<RunEvent>, Outcome), T) {
    let go_on = sshd.root().join("go-on");
    let script = format!(
        "{ANSWERS}\nready; begin; text Hel; while [ ! -e {} ]; do sleep 0.05; done; text lo; used; block Hello; success Hello",
        go_on.display()
    );
    sshd.claude("box", &script);
    let (heard, has_begun) = tokio::sync::oneshot::channel();
    let mut heard = Some(heard);
    let never = CancellationToken::new();
    let ask = house.ask("Hello?", FarmAsk::default());
    let running = house.send_until(ask, &never, |event| {
        if matches!(event, RunEvent::Text { .. }) {
            heard.take().map(|heard| heard.send(()));
        }
    });
    let doing = async {
        has_begun.await.unwrap();
        let done = meanwhile().await;
        std::fs::write(&go_on, "").unwrap();
        done
    };
    let (ended, done) = tokio::join!(running, doing);
    (ended.unwrap(), done)
}

#[tokio::test]
async fn a_change_that_leaves_a_host_where_it_is_ends_no_run_there() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let ((events, outcome), ()) = while_it_answers(&house, &sshd, async || {
        let change = Edit {
            name: Some("case".to_owned()),
            slots: Some(2),
            labels: Some(vec!["cheap".to_owned()]),
            ..Edit::default()
        };
        house.app.edit_host(host.id, change).await.unwrap();
    })
    .await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(
        (text(&events).as_str(), outcome.receipt.attempts),
        ("Hello", 1)
    );
    let (events, outcome) = house
        .send(house.ask("Again?", FarmAsk::default()))
        .await
        .unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(placed(&events), ["case"]);
    let logins = sshd.log().matches("Accepted publickey").count();
    assert_eq!(logins, 1, "over the same connection");
}

#[tokio::test]
async fn a_change_of_where_a_host_is_ends_the_run_there() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let ((events, outcome), ()) = while_it_answers(&house, &sshd, async || {
        let change = Edit {
            destination: Some("box@localhost".to_owned()),
            ..Edit::default()
        };
        house.app.edit_host(host.id, change).await.unwrap();
    })
    .await;
    assert_eq!(text(&events), "Hel");
    assert_eq!(
        outcome.error.unwrap().code(),
        switchyard_core::Code::HostFailed
    );
}
