//! Boxes that are down, silent, full, without `claude`, or with one that does not do.

use std::net::TcpListener;

use switchyard_core::Code;
use switchyard_core::hosts::State;
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// Adds a host at a port of this machine that is no sshd.
async fn at_port(house: &House, sshd: &Sshd, port: u16) -> Host {
    let new = NewHost {
        name: "away".to_owned(),
        destination: "box@127.0.0.1".to_owned(),
        port: Some(port),
        ..NewHost::default()
    };
    let host = house.app.add_host(new).await.unwrap();
    house.app.pin_host(host.id, vec![sshd.key()]).await.unwrap()
}

#[tokio::test]
async fn a_run_goes_on_to_another_host_where_the_first_is_down_which_rests_then() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let down = at_port(&house, &sshd, port).await;
    house.host(&sshd, "box", 1).await;
    let (events, outcome) = house
        .send(house.ask("Hello?", FarmAsk::default()))
        .await
        .unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(placed(&events), ["away", "box"]);
    let waited = events.iter().any(|event| {
        matches!(event, RunEvent::Waiting { why, .. } if why.contains("away can't be reached"))
    });
    assert!(waited, "a change of host is shown: {events:?}");
    assert_eq!(outcome.receipt.host.as_deref(), Some("box"));
    let rows = house.app.hosts().unwrap();
    let other = rows.iter().find(|row| row.host.id == down.id).unwrap();
    assert_eq!((other.state, other.host.failures), (State::Resting, 1));
    let (events, _) = house
        .send(house.ask("Hello?", FarmAsk::default()))
        .await
        .unwrap();
    assert_eq!(placed(&events), ["box"], "the one that rests is left alone");
    // The one that was named is tried, and there is no other.
    let error = house
        .failure(FarmAsk {
            host: Some(down.id),
            ..FarmAsk::default()
        })
        .await;
    assert_eq!(error.code(), Code::HostFailed);
    assert!(error.message().contains("Connection refused"), "{error}");
    let label = Some("gpu".to_owned());
    let error = house
        .failure(FarmAsk {
            label,
            ..FarmAsk::default()
        })
        .await;
    assert_eq!(error.code(), Code::NoHost);
}

#[tokio::test]
async fn a_box_that_accepts_and_keeps_silent_is_given_up_in_time() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.give_up_after_a_second().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    at_port(&house, &sshd, silent.local_addr().unwrap().port()).await;
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), Code::Timeout, "{error}");
    let error = house.app.host_key(HostId(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::Timeout, "{error}");
}

/// Takes connections and says nothing, and counts them.
fn silent(port: u16) -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((connection, _)) = listener.accept() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            open.push(connection);
        }
    });
    (port, count)
}

#[tokio::test]
async fn runs_that_wait_for_the_same_connection_share_its_failure_which_counts_once() {
    let mut sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.give_up_after_a_second().await;
    let all_fail = async |host: HostId| {
        let ask = FarmAsk {
            host: Some(host),
            retries: Some(0),
            ..FarmAsk::default()
        };
        let runs = (0..8).map(|_| house.failure(ask.clone()));
        for error in futures_util::future::join_all(runs).await {
            assert_eq!(error.code(), Code::Timeout, "{error}");
        }
    };
    // One that was never asked how it stands, and one that was well a moment ago.
    let (port, connections) = silent(0);
    let new = at_port(&house, &sshd, port).await;
    let change = hosts::Edit {
        slots: Some(8),
        ..hosts::Edit::default()
    };
    house.app.edit_host(new.id, change).await.unwrap();
    all_fail(new.id).await;
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(house.now(new.id).failures, 1);

    let known = house.host(&sshd, "box", 8).await;
    let probe = house.app.probe_host(known.id).await.unwrap();
    assert_eq!(probe.trouble, None);
    house.app.close_farm();
    sshd.stop();
    let (_, connections) = silent(sshd.port());
    all_fail(known.id).await;
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(house.now(known.id).failures, 1);
}

#[tokio::test]
async fn a_box_that_wants_a_password_is_refused_at_once() {
    let setup = Setup {
        options: vec![
            "PubkeyAuthentication no\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes"
                .to_owned(),
        ],
        ..Setup::default()
    };
    let sshd = Sshd::with(&setup);
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), Code::HostFailed);
    assert!(error.message().contains("Permission denied"), "{error}");
}

#[tokio::test]
async fn a_box_without_claude_or_with_an_old_one_says_so_and_is_well_once_that_is_mended() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let bin = sshd.home("box").join(".local/bin");
    std::fs::write(bin.join("version"), "2.0.64 (Claude Code)\n").unwrap();
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), Code::HostFailed);
    assert!(error.message().contains("is 2.0.64"), "{error}");
    std::fs::remove_file(bin.join("claude")).unwrap();
    let named = || FarmAsk {
        host: Some(host.id),
        ..FarmAsk::default()
    };
    let error = house.failure(named()).await;
    assert!(
        error.message().contains("There is no `claude` on box"),
        "{error}"
    );
    let probe = house.now(host.id).probe.unwrap();
    assert_eq!(probe.trouble.unwrap().code, Code::HostFailed);
    sshd.claude("box", &format!("{ANSWERS}\nready; answers Mended"));
    let (events, outcome) = house.send(house.ask("Hello?", named())).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(text(&events), "Mended");
    assert_eq!(
        (house.now(host.id).failures, house.now(host.id).last_failure),
        (0, None)
    );
}

#[tokio::test]
async fn a_claude_that_hangs_or_dies_or_talks_nonsense_is_told_apart_and_ended() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    for (script, code, words, may_have_run) in [
        (
            "ready; begin; stay",
            Code::Timeout,
            "not over after 2 s",
            true,
        ),
        ("stay", Code::Timeout, "not over after 2 s", false),
        (
            "echo 'Segmentation fault' >&2; exit 139",
            Code::HostFailed,
            "exit code 139",
            false,
        ),
        (
            "ready; begin; exit 3",
            Code::HostFailed,
            "exit code 3",
            true,
        ),
        ("ready; echo; exit 0", Code::HostFailed, "exit code 0", true),
        (
            "echo nonsense; stay",
            Code::HostFailed,
            "can't be understood",
            false,
        ),
        (
            "echo \"error: unknown option '--permission-prompts'\" >&2; exit 1",
            Code::HostFailed,
            "unknown option",
            false,
        ),
    ] {
        sshd.claude("box", &format!("{ANSWERS}\n{script}"));
        let ask = FarmAsk {
            host: Some(host.id),
            timeout: Some(Duration::from_secs(2)),
            retries: Some(0),
            ..FarmAsk::default()
        };
        let (_, outcome) = house.send(house.ask("Hello?", ask)).await.unwrap();
        let error = outcome.error.unwrap();
        assert_eq!(error.code(), code, "{script}: {error}");
        assert!(error.message().contains(words), "{script}: {error}");
        assert!(!error.message().contains("began"), "{script}: {error}");
        assert_eq!(outcome.receipt.booked.is_some(), may_have_run, "{script}");
        nothing_left(&sshd).await;
    }
}

#[tokio::test]
async fn a_box_whose_disk_is_full_says_so_before_anything_is_sent_to_a_server() {
    let setup = Setup {
        options: vec!["SetEnv TMPDIR=/mnt".to_owned()],
        before: "mount -t tmpfs -o size=4k,nr_inodes=8 tmpfs /mnt; head -c 4096 /dev/zero > /mnt/full || true;".to_owned(),
        ..Setup::default()
    };
    let sshd = Sshd::with(&setup);
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), Code::HostFailed);
    assert!(error.message().contains("no room"), "{error}");
}

#[tokio::test]
async fn a_paused_host_and_one_that_has_shown_text_are_not_left_for_another() {
    let sshd = Sshd::with(&Setup {
        users: vec![("one", "/bin/sh"), ("two", "/bin/sh")],
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    let one = house.host(&sshd, "one", 1).await;
    let two = house.host(&sshd, "two", 1).await;
    house.app.pause_host(one.id, true).await.unwrap();
    let (events, _) = house
        .send(house.ask("Hello?", FarmAsk::default()))
        .await
        .unwrap();
    assert_eq!(placed(&events), ["two"]);
    house.app.pause_host(one.id, false).await.unwrap();
    house.app.pause_host(two.id, true).await.unwrap();
    sshd.claude(
        "one",
        &format!("{ANSWERS}\nready; begin; text Half; exit 1"),
    );
    let running = house.send(house.ask("Hello?", FarmAsk::default()));
    let (events, outcome) = running.await.unwrap();
    assert_eq!(
        (text(&events).as_str(), placed(&events)),
        ("Half", vec!["one"])
    );
    assert_eq!(outcome.error.unwrap().code(), Code::HostFailed);
    assert!(
        outcome.receipt.booked.is_some(),
        "what was shown is paid for"
    );
}
