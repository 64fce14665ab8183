//! What a run that goes on to another host is booked with, and what a host's alarm is worth later.

use switchyard_core::Code;
use switchyard_core::hosts::{Edit, State};
use switchyard_core::usage::{Basis, Nano};
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// A house with two hosts, of which the first one tried does this with its prompt, and the other answers.
async fn house_where_the_first(fails: &str) -> (Sshd, House) {
    let users = ["one", "two", "zero"];
    let sshd = Sshd::with(&Setup {
        users: users.map(|user| (user, "/bin/sh")).to_vec(),
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

/// Returns the name of the host that a run is written down with, and of the one that it is booked with.
fn written(house: &House) -> (String, Option<String>) {
    let row = "SELECT h.name, (SELECT name FROM hosts WHERE id = u.host_id) FROM runs r
         JOIN hosts h ON h.id = r.host_id LEFT JOIN key_usage u ON u.run_id = r.id";
    let read = |store: &rusqlite::Connection| {
        store.query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let read = house.app.read(|store, _| Ok(read(store).unwrap()));
    read.unwrap()
}

#[tokio::test]
async fn a_run_stays_with_the_host_that_had_its_prompt_where_no_other_one_is_reached() {
    let (sshd, house) = house_where_the_first("exit 1").await;
    let two = house.app.hosts().unwrap().remove(1).host;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let edit = Edit {
        port: Some(nobody.local_addr().unwrap().port()),
        ..Edit::default()
    };
    drop(nobody);
    house.app.edit_host(two.id, edit).await.unwrap();
    house.app.pin_host(two.id, vec![sshd.key()]).await.unwrap();
    house.host(&sshd, "zero", 1).await;
    let dispatch = house.app.dispatch_quietly().unwrap();
    let variable = |_: &str| Some(house.key.clone());
    let ask = house.ask("Hello?", FarmAsk::default());
    let prepared = dispatch.preflight(ask, variable).await.unwrap();
    // With room for one event, the run goes no further than what was heard of it.
    let (sink, mut events) = tokio::sync::mpsc::channel(1);
    let run = dispatch.run(prepared, sink, CancellationToken::new());
    let listen = async {
        let mut has_gone_on = 0;
        while let Some(event) = events.recv().await {
            if matches!(event, RunEvent::Placed { .. }) {
                has_gone_on += 1;
            }
            if has_gone_on == 2 {
                has_gone_on += 1;
                // The second one has failed, and the run waits to say so.
                while events.is_empty() {
                    tokio::task::yield_now().await;
                }
                assert_eq!(written(&house), ("one".to_owned(), None));
            }
        }
    };
    let (outcome, ()) = tokio::join!(run, listen);
    let receipt = outcome.unwrap().receipt;
    assert_eq!(receipt.host.as_deref(), Some("zero"));
    assert_eq!(written(&house), ("zero".to_owned(), receipt.host));
}

#[tokio::test]
async fn the_host_that_is_booked_is_the_runs_host_in_the_history() {
    let (sshd, house) = house_where_the_first("exit 1").await;
    // It is sent the key, and says then that it has no `claude`.
    std::fs::remove_file(sshd.home("two").join(".local/bin/claude")).unwrap();
    let ask = house.ask("Hello?", FarmAsk::default());
    let (events, outcome) = house.send(ask).await.unwrap();
    assert_eq!(placed(&events), ["one", "two"]);
    assert_eq!(outcome.receipt.host.as_deref(), Some("one"));
    assert_eq!(written(&house), ("one".to_owned(), Some("one".to_owned())));
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

#[tokio::test]
async fn what_a_run_costs_at_most_counts_each_time_that_it_may_be_billed() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let at_most = async |retries| {
        let ask = FarmAsk {
            retries,
            ..FarmAsk::default()
        };
        let dispatch = house.app.dispatch_quietly().unwrap();
        let variable = |_: &str| Some(house.key.clone());
        let prepared = dispatch.preflight(house.ask("Hello?", ask), variable).await;
        let prepared = prepared.unwrap();
        assert_eq!(prepared.at_most(), prepared.estimate.at_most);
        prepared.at_most().unwrap()
    };
    let times = |once: Nano, times| Nano::checked_sum(std::iter::repeat_n(once, times)).unwrap();
    house.host(&sshd, "one", 1).await;
    let once = at_most(Some(0)).await;
    // Where its connection is lost, the one host has it once more.
    assert_eq!(at_most(None).await, times(once, 2));
    house.host(&sshd, "two", 1).await;
    house.host(&sshd, "three", 1).await;
    assert_eq!(at_most(None).await, times(once, 3));
    assert_eq!(at_most(Some(20)).await, times(once, 4));
    assert_eq!(at_most(Some(0)).await, once);
}

#[tokio::test]
async fn a_prompt_that_brings_claude_down_is_tried_on_one_further_host_and_lets_none_of_them_rest()
{
    let users = ["one", "two", "three"];
    let sshd = Sshd::with(&Setup {
        users: users.map(|user| (user, "/bin/sh")).to_vec(),
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    for user in users {
        house.host(&sshd, user, 1).await;
        sshd.claude(user, &format!("{ANSWERS}\nready; exit 1"));
    }
    let ask = FarmAsk {
        retries: Some(5),
        ..FarmAsk::default()
    };
    let (events, outcome) = house.send(house.ask("Bad.", ask)).await.unwrap();
    assert_eq!(outcome.error.unwrap().code(), Code::HostFailed);
    assert_eq!(placed(&events).len(), 2, "{events:?}");
    assert_eq!(outcome.receipt.booked.unwrap().basis, Basis::Estimated);
    let rows = house.app.hosts().unwrap();
    assert!(rows.iter().all(|row| row.state == State::Ready), "{rows:?}");
}

#[tokio::test]
async fn a_host_rests_where_two_runs_in_a_row_have_failed_with_their_prompts() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let state = || {
        let rows = house.app.hosts().unwrap();
        (rows[0].state, rows[0].host.failures)
    };
    let bad = || sshd.claude("box", &format!("{ANSWERS}\nready; exit 1"));
    bad();
    house.failure(FarmAsk::default()).await;
    assert_eq!(state(), (State::Ready, 0));
    sshd.claude("box", &format!("{ANSWERS}\nready; answers Well"));
    assert_eq!(house.answer("Hello?").await, "Well");
    assert_eq!(house.now(host.id).last_failure, None);
    bad();
    house.failure(FarmAsk::default()).await;
    assert_eq!(state(), (State::Ready, 0), "the run between them was well");
    house.failure(FarmAsk::default()).await;
    assert_eq!(state(), (State::Resting, 1));
}

#[tokio::test]
async fn attempts_are_counted_on_where_claude_itself_asks_the_server_again() {
    let (sshd, house) = house_where_the_first("exit 1").await;
    let again = r#"{"type":"system","subtype":"api_retry","attempt":1,"retry_delay_ms":1,"error_status":529,"error":"overloaded"}"#;
    sshd.claude(
        "two",
        &format!("{ANSWERS}\nready; echo '{again}'; answers Hello"),
    );
    let ask = house.ask("Hello?", FarmAsk::default());
    let (events, outcome) = house.send(ask).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Waiting { attempt, .. } => Some(*attempt),
            _ => None,
        })
        .collect();
    assert_eq!((told, outcome.receipt.attempts), (vec![2, 3], 3));
}

#[tokio::test]
async fn waiting_for_a_slot_takes_nothing_of_the_time_that_a_host_may_have_a_run() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let slot = take_slot(&house, &host);
    let limit = Duration::from_secs(4);
    let ask = FarmAsk {
        timeout: Some(limit),
        ..FarmAsk::default()
    };
    let (heard, is_waiting) = tokio::sync::oneshot::channel();
    let mut heard = Some(heard);
    let never = CancellationToken::new();
    let running = house.send_until(house.ask("Hello?", ask), &never, |event| {
        if matches!(event, RunEvent::Waiting { .. }) {
            heard.take().map(|heard| heard.send(()));
        }
    });
    let freeing = async {
        is_waiting.await.unwrap();
        // The passing of time is what is tried.
        tokio::time::sleep(limit + Duration::from_millis(300)).await;
        drop(slot);
    };
    let (ended, ()) = tokio::join!(running, freeing);
    let (events, outcome) = ended.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(text(&events), "Hello");
}
