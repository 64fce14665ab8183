//! What ends a connection, and what does not.

use rustix::process::{Pid, Signal, kill_process};
use switchyard_core::hosts::Edit;
use switchyard_tests::sshd::{ANSWERS, Sshd, children};

use super::payers::with_vault;
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

/// Returns the `ssh` of this process that is connected to an sshd.
fn connected(sshd: &Sshd) -> Vec<Pid> {
    let port = format!("\0-p\0{}\0", sshd.port());
    let leads_there = |pid: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.contains(&port)
    };
    let all = children(std::process::id()).into_iter();
    all.filter(leads_there)
        .filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
        .collect()
}

#[tokio::test]
async fn a_connection_over_which_nothing_more_can_be_started_is_left_to_the_runs_that_it_has() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.give_up_after_a_second().await;
    house.host(&sshd, "box", 2).await;
    let ((events, outcome), second) = while_it_answers(&house, &sshd, async || {
        let [first] = connected(&sshd)[..] else {
            panic!("one connection");
        };
        kill_process(first, Signal::STOP).unwrap();
        sshd.claude("box", &format!("{ANSWERS}\nready; answers Second"));
        let second = house.answer("Hello?").await;
        assert_eq!(connected(&sshd).len(), 2, "the first one is still there");
        kill_process(first, Signal::CONT).unwrap();
        second
    })
    .await;
    assert_eq!(second, "Second");
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(
        (text(&events).as_str(), outcome.receipt.attempts),
        ("Hello", 1)
    );
    // Nothing runs over it any more.
    let alone = async {
        while connected(&sshd).len() > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, alone).await;
    ended.expect("the first connection has ended with its run");
}

#[tokio::test]
async fn a_lock_lets_a_probe_come_to_its_end() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    with_vault(&house).await;
    let host = house.host(&sshd, "box", 1).await;
    // Its `claude` says its version once somebody has written it.
    let version = sshd.home("box").join(".local/bin/version");
    std::fs::remove_file(&version).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &version, 0o600.into()).unwrap();
    let locking = async {
        let open = move || std::fs::OpenOptions::new().write(true).open(&version);
        let asked = tokio::task::spawn_blocking(open).await.unwrap();
        house.app.vault().unwrap().lock().await.unwrap();
        tokio::task::yield_now().await;
        std::io::Write::write_all(&mut asked.unwrap(), b"2.1.330 (Claude Code)\n").unwrap();
    };
    let (probe, ()) = tokio::join!(house.app.probe_host(host.id), locking);
    assert_eq!(probe.unwrap().trouble, None);
    let sockets = std::fs::read_dir(house.app.paths().runtime().join("s")).unwrap();
    assert_eq!(sockets.count(), 0, "and nobody needs the connection now");
}
