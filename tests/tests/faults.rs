//! Faults of the disk, the file and the process: each gets a clear error, and nothing is lost.

mod damage;
mod disk;
mod kills;
mod restoring;

use rustix::process::{Pid, Signal};
use switchyard_core::agent::{Ask as Asking, Asked, Question};
use switchyard_core::clock::{Clock, Millis};
use switchyard_core::dispatch::{Ask, Class, PayWith, Recovered, Request, channel};
use switchyard_core::{App, usage};
use switchyard_simulator::{KeyState, Script, Simulator};
use switchyard_tests::{Machine, Planted};
use tokio_util::sync::CancellationToken;

/// A key made for one test, and a server that knows it.
fn key_and_server() -> (String, Simulator) {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    (key, server)
}

/// How many Messages requests have arrived.
fn prompts(server: &Simulator) -> usize {
    let requests = server.requests();
    let prompts = requests
        .iter()
        .filter(|request| request.path == "/v1/messages");
    prompts.count()
}

struct Nobody;

impl Asking for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None))
    }
}

/// Sends one prompt with a variable's key, at a time of the test's own.
async fn send_at(machine: &Machine, now: Millis, key: &str, server: &Simulator) {
    let clock = Clock::fixed(now);
    let app = App::at(machine.paths(), clock, "test", std::sync::Arc::new(Nobody));
    assert_eq!(app.catch_up().await.unwrap(), Recovered::default());
    let dispatch = app.dispatch_quietly().unwrap();
    let ask = Ask {
        pay_with: PayWith::Env {
            name: "MINE".to_owned(),
            base_url: Some(server.base_url()),
        },
        class: Class::Interactive,
        reply_to: None,
        request: Request {
            prompt: "Hi.".to_owned(),
            ..Request::default()
        },
    };
    let prepared = dispatch
        .preflight(ask, |_| Some(key.to_owned()))
        .await
        .unwrap();
    let (sink, mut events) = channel();
    let reading = async { while events.recv().await.is_some() {} };
    let running = dispatch.run(prepared, sink, CancellationToken::new());
    let (outcome, ()) = tokio::join!(running, reading);
    assert!(outcome.unwrap().error.is_none());
}

#[tokio::test]
async fn a_clock_set_back_a_year_and_forth_again_books_each_run_on_its_day() {
    const DAY: i64 = 86_400_000;
    let (key, server) = key_and_server();
    let machine = Machine::new();
    let now = Clock::system().now();
    for days in [0, -365, 0] {
        send_at(&machine, Millis(now.0 + days * DAY), &key, &server).await;
    }
    machine.expect_sound_store();
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM key_usage"), 3);
    let spread = "SELECT max(day) - min(day) FROM usage_daily";
    assert_eq!(machine.value::<i64>(spread), 365);
    let finished = "SELECT count(*) FROM runs WHERE state = 'finished'";
    assert_eq!(machine.value::<i64>(finished), 3);
    let clock = Clock::fixed(now);
    let app = App::at(machine.paths(), clock, "test", std::sync::Arc::new(Nobody));
    let range: usage::report::Range = "today".parse().unwrap();
    let filter = usage::report::Filter::default();
    let report = app
        .db()
        .unwrap()
        .read(|store| usage::report::report(store, range, &filter, now));
    assert_eq!(report.unwrap().total.runs(), 2);
}

#[test]
fn an_agent_that_is_killed_leaves_a_locked_vault_and_the_next_unlock_works() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let first = machine.agent().unwrap();
    machine.end_agent();
    let refused = machine.run(["send", "Hi."]).failed_with(3);
    assert!(refused.contains("locked"), "{refused}");
    assert_eq!(prompts(&server), 0);
    machine.unlock();
    assert_ne!(machine.agent().unwrap(), first);
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
}

/// Stops a process, and waits until the kernel says so.
fn stop(process: Pid) {
    rustix::process::kill_process(process, Signal::STOP).unwrap();
    let stat = format!("/proc/{}/stat", process.as_raw_nonzero());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
}

#[test]
fn a_lock_holds_for_an_agent_that_is_stopped_and_no_command_waits_for_it() {
    let (key, server) = key_and_server();
    let machine = Machine::with_locked_vault();
    let agent = switchyard_tests::Running::new(machine.start(["agent"]));
    while machine.agent().is_none() {
        std::thread::yield_now();
    }
    machine.unlock();
    machine.add("Work", &key, &server).expect_success();
    let asked = server.requests().len();
    stop(agent.pid());
    machine.run(["vault", "lock"]).expect_success();
    let refused = || {
        for words in [&["send", "Hi."][..], &["keys", "check"]] {
            let refused = machine.run(words).failed_with(3);
            assert!(refused.contains("locked"), "{words:?}: {refused}");
        }
        assert_eq!(server.requests().len(), asked, "the key was used");
    };
    refused();
    agent.signal(Signal::CONT);
    refused();
    let status = machine.run(["vault", "status", "--json"]).json_lines();
    assert_eq!(status[0]["agent"], true, "the agent has ended");
    assert_eq!(status[0]["status"]["lock"]["locked"], "asked");
    agent.signal(Signal::TERM);
    agent.end().expect_success();
}

#[test]
fn an_unlock_that_fails_leaves_no_agent_behind() {
    let machine = Machine::with_locked_vault();
    let unlock = ["vault", "unlock", "--passphrase-fd", "0"];
    let refused = machine.run_with(unlock, "mistyped\n").failed_with(3);
    assert!(refused.contains("not this vault's passphrase"), "{refused}");
    assert!(
        machine.agent().is_none(),
        "an agent that nobody unlocked stays"
    );
    machine.unlock();
    let opened = machine.agent().unwrap();
    machine.run_with(unlock, "mistyped\n").expect_success();
    assert_eq!(
        machine.agent(),
        Some(opened),
        "the one that is open was ended"
    );
}

#[test]
fn an_agent_in_the_foreground_ends_by_signal_and_takes_its_socket_along() {
    let machine = Machine::with_locked_vault();
    let socket = machine.paths().socket().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let agent = switchyard_tests::Running::new(machine.start(["agent"]));
        while machine.agent().is_none() {
            std::thread::yield_now();
        }
        machine.unlock();
        agent.signal(signal);
        let ended = agent.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!socket.exists(), "{signal:?} left the socket");
        let status = machine.run(["vault", "status"]).succeeded();
        assert!(status.starts_with("Locked"), "{status}");
    }
}

#[test]
fn a_second_agent_is_refused_and_the_first_goes_on() {
    let machine = Machine::with_vault();
    let second = machine.run(["agent"]).failed_with(2);
    assert!(second.contains("\nhint: "), "{second}");
    let status = machine.run(["vault", "status"]).succeeded();
    assert!(status.starts_with("Open"), "{status}");
}
