//! What a run that goes on to another host is booked with, and what a host's alarm is worth later.

use switchyard_core::Code;
use switchyard_core::usage::Basis;
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// A house with two hosts, of which the first one tried does this with its prompt, and the other answers.
async fn house_where_the_first(fails: &str) -> (Sshd, House) {
    let sshd = Sshd::with(&Setup {
        users: vec![("one", "/bin/sh"), ("two", "/bin/sh")],
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    house.host(&sshd, "one", 1).await;
    house.host(&sshd, "two", 1).await;
    sshd.claude("one", &format!("{ANSWERS}\nready; {fails}"));
    (sshd, house)
}

async fn booked(house: &House) -> switchyard_core::dispatch::Amount {
    let ask = house.ask("Hello?", FarmAsk::default());
    let (events, outcome) = house.send(ask).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(placed(&events), ["one", "two"]);
    outcome.receipt.booked.unwrap()
}

#[tokio::test]
async fn what_a_first_host_has_reported_stays_in_the_ledger_beside_the_answer_of_the_second() {
    let (_sshd, house) = house_where_the_first("begin; kill -KILL $$").await;
    let booked = booked(&house).await;
    // Each is asked with 3 tokens; the first one gave 1 before it died, and the answer has 4.
    assert_eq!((booked.tokens.input, booked.tokens.output), (6, 5));
    assert_eq!(booked.basis, Basis::Estimated, "nobody knows the whole");
    let in_ledger: (i64, String) = house
        .app
        .read(|store, _| {
            let row = "SELECT input, basis FROM key_usage";
            Ok(store
                .query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap())
        })
        .unwrap();
    assert_eq!(in_ledger, (6, "estimated".to_owned()));
}

#[tokio::test]
async fn a_first_host_that_had_the_prompt_and_reported_nothing_is_booked_with_the_prompt() {
    let (_sshd, house) = house_where_the_first("exit 1").await;
    let booked = booked(&house).await;
    assert!(booked.tokens.input > 3, "{booked:?}");
    assert_eq!((booked.tokens.output, booked.basis), (4, Basis::Estimated));
}

#[tokio::test]
async fn a_first_host_that_never_had_the_prompt_costs_nothing() {
    let (sshd, house) = house_where_the_first("").await;
    sshd.claude("one", "exit 1");
    let booked = booked(&house).await;
    assert_eq!(
        (booked.tokens.input, booked.tokens.output, booked.basis),
        (3, 4, Basis::Metered)
    );
}

#[tokio::test]
async fn an_alarm_that_a_probe_has_raised_ends_with_the_first_probe_that_is_shown_the_pinned_key() {
    let (sshd, other) = (Sshd::start(), Sshd::start());
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let pinned = |key| {
        let text = serde_json::to_string(&[key]).unwrap();
        house.app.write(move |store, _| {
            store
                .execute("UPDATE hosts SET host_keys = ?1", [text])
                .unwrap();
            Ok(())
        })
    };
    pinned(other.key()).await.unwrap();
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!(probe.trouble.unwrap().code, Code::HostKey);
    // Nobody has looked since, so it stands; and no run goes there.
    pinned(sshd.key()).await.unwrap();
    let stands = house.now(host.id).probe.unwrap().trouble;
    assert_eq!(stands.unwrap().code, Code::HostKey);
    let refused = house.failure(FarmAsk::default()).await;
    assert_eq!(refused.code(), Code::HostKey);
    house.app.probe_host(host.id).await.unwrap();
    assert_eq!(house.answer("Hello?").await, "Hello");
    let now = house.now(host.id);
    assert_eq!((now.probe.unwrap().trouble, now.last_failure), (None, None));
}
