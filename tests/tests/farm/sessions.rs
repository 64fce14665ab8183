//! Many runs at once, few sessions, connections that die, runs that are cancelled.

use switchyard_core::Code;
use switchyard_core::usage::Basis;
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// Sends so many prompts at once and returns what came of each.
async fn at_once(house: &House, count: usize) -> Vec<(Vec<RunEvent>, Outcome)> {
    let runs = (0..count).map(|number| {
        let ask = house.ask(&format!("Number {number}"), FarmAsk::default());
        house.send(ask)
    });
    let ended = futures_util::future::join_all(runs).await;
    ended.into_iter().map(Result::unwrap).collect()
}

fn expect_all_answered(ended: &[(Vec<RunEvent>, Outcome)], log: &str) {
    for (events, outcome) in ended {
        assert!(outcome.error.is_none(), "{:?}\n{log}", outcome.error);
        assert_eq!(text(events), "Hello");
    }
}

#[tokio::test]
async fn a_box_with_one_session_a_connection_gets_a_further_connection_for_each_slot() {
    let setup = Setup {
        options: vec!["MaxSessions 1".to_owned()],
        ..Setup::default()
    };
    let sshd = Sshd::with(&setup);
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 4).await;
    house.app.probe_host(host.id).await.unwrap();
    sshd.claude(
        "box",
        &format!("{ANSWERS}\nready; sleep 0.3; answers Hello"),
    );
    let ended = at_once(&house, 8).await;
    expect_all_answered(&ended, &sshd.log());
    let waited = ended.iter().filter(|(events, _)| {
        events
            .iter()
            .any(|event| matches!(event, RunEvent::Waiting { why, .. } if why.contains("busy")))
    });
    assert_eq!(
        waited.count(),
        4,
        "more than there are slots wait, and say so"
    );
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 4);
}

#[tokio::test]
async fn a_box_that_turns_connections_away_is_tried_again_a_little_later() {
    let setup = Setup {
        options: vec!["MaxStartups 1:100:1\nLoginGraceTime 1".to_owned()],
        ..Setup::default()
    };
    let sshd = Sshd::with(&setup);
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    // Somebody who knocks and says nothing takes the only place, until the box loses patience.
    let knocking = std::net::TcpStream::connect(("127.0.0.1", sshd.port())).unwrap();
    assert_eq!(house.answer("Hello?").await, "Hello");
    let log = sshd.log();
    assert!(
        log.contains("MaxStartups"),
        "it was turned away first: {log}"
    );
    drop(knocking);
}

#[tokio::test]
async fn runs_are_spread_over_the_hosts_by_their_slots() {
    let sshd = Sshd::with(&Setup {
        users: vec![("large", "/bin/sh"), ("small", "/bin/sh")],
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    house.host(&sshd, "large", 4).await;
    house.host(&sshd, "small", 2).await;
    for user in ["large", "small"] {
        sshd.claude(user, &format!("{ANSWERS}\nready; sleep 0.3; answers Hello"));
    }
    let ended = at_once(&house, 6).await;
    expect_all_answered(&ended, &sshd.log());
    let large = ended
        .iter()
        .filter(|(events, _)| placed(events) == ["large"]);
    assert_eq!(large.count(), 4);
}

#[tokio::test]
async fn sixteen_runs_survive_the_death_of_their_connection_before_their_first_word() {
    let setup = Setup {
        options: vec!["MaxSessions 20".to_owned()],
        ..Setup::default()
    };
    let sshd = Sshd::with(&setup);
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 16).await;
    let (waiting, go_on) = (sshd.root().join("waiting"), sshd.root().join("go-on"));
    std::fs::create_dir(&waiting).unwrap();
    let script = format!(
        "{ANSWERS}\nready; : > {}/$$; while [ ! -e {} ]; do sleep 0.05; done; answers Hello",
        waiting.display(),
        go_on.display()
    );
    sshd.claude("box", &script);
    let killing = async {
        while std::fs::read_dir(&waiting).unwrap().count() < 16 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        house.app.close_farm();
        std::fs::write(&go_on, "").unwrap();
    };
    let (ended, ()) = tokio::join!(at_once(&house, 16), killing);
    expect_all_answered(&ended, &sshd.log());
    assert!(
        ended
            .iter()
            .all(|(_, outcome)| outcome.receipt.attempts == 2)
    );
    for (_, outcome) in &ended {
        // The first attempt reported nothing, so its prompt counts beside the 3 that the answer was asked with.
        let booked = outcome.receipt.booked.as_ref().unwrap();
        assert!(booked.tokens.input > 3, "{booked:?}");
        assert_eq!((booked.tokens.output, booked.basis), (4, Basis::Estimated));
    }
    let in_ledger: (i64, i64) = house
        .app
        .read(|store, _| {
            let sums = "SELECT count(DISTINCT run_id), sum(input) FROM key_usage";
            Ok(store
                .query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap())
        })
        .unwrap();
    let input = ended.iter().filter_map(|(_, outcome)| {
        let booked = outcome.receipt.booked.as_ref()?;
        i64::try_from(booked.tokens.input).ok()
    });
    assert_eq!(in_ledger, (16, input.sum()));
    assert_eq!(
        house.app.hosts().unwrap()[0].host.failures,
        0,
        "the connection died, not the host"
    );
}

#[tokio::test]
async fn a_cancelled_run_ends_on_the_box_as_well_and_leaves_nothing_behind() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let pid = sshd.root().join("pid");
    // It starts another process, and neither ends when it is asked to.
    let script = format!(
        "{ANSWERS}\nready; trap '' TERM; sleep 600 & echo $$ $! \"$CLAUDE_CONFIG_DIR\" > {}; begin; text Half; stay",
        pid.display()
    );
    sshd.claude("box", &script);
    let cancel = CancellationToken::new();
    let ask = house.ask("Hello?", FarmAsk::default());
    let running = house.send_until(ask, &cancel, |event| {
        if matches!(event, RunEvent::Text { .. }) {
            assert_eq!(sshd.temporary().len(), 1, "its working folder");
            cancel.cancel();
        }
    });
    let (events, outcome) = running.await.unwrap();
    assert_eq!(text(&events), "Half");
    assert_eq!(outcome.error.unwrap().code(), Code::Cancelled);
    assert!(outcome.receipt.booked.is_some());
    let told = std::fs::read_to_string(&pid).unwrap();
    let words: Vec<_> = told.split_whitespace().collect();
    let folder = std::path::Path::new(words[2])
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned();
    let is_there = |pid: &str| std::path::Path::new("/proc").join(pid).exists();
    while is_there(words[0]) || is_there(words[1]) || folder.exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    nothing_left(&sshd).await;
    sshd.claude("box", &format!("{ANSWERS}\nready; answers Hello"));
    assert_eq!(
        house.answer("Again?").await,
        "Hello",
        "the connection goes on"
    );
}
