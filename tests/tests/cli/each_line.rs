//! `send --each-line`: results in the order of the file, nothing billed twice in ignorance, nothing lost.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use switchyard_simulator::{KeyState, KnownError, Reply, Script, Simulator};
use switchyard_tests::{Machine, Outcome, Planted, Running};

use super::{key_and_server, prompts};

pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so that nothing tells of.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "a look at another process at a time"
)]
pub(super) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it does not come to that");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A machine with a key, and a file of so many lines.
pub(super) struct Desk {
    pub(super) machine: Machine,
    pub(super) server: Simulator,
}

impl Desk {
    pub(super) fn new(lines: usize) -> Self {
        let (key, server) = key_and_server();
        let machine = Machine::with_key(&key, &server);
        let desk = Self { machine, server };
        let mut text = String::new();
        for number in 1..=lines {
            writeln!(text, "Prompt number {number}").unwrap();
        }
        desk.write(text.as_bytes());
        desk
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        std::fs::write(self.machine.home().join("prompts"), bytes).unwrap();
    }

    pub(super) fn start(&self, more: &[&str]) -> Running {
        let arguments = [
            &["send", "--each-line", "prompts", "--model", "haiku"],
            more,
        ]
        .concat();
        Running::new(self.machine.start(arguments))
    }

    pub(super) fn send(&self, more: &[&str]) -> Outcome {
        let arguments = [
            &["send", "--each-line", "prompts", "--model", "haiku"],
            more,
        ]
        .concat();
        self.machine.run(arguments)
    }

    pub(super) fn booked(&self) -> i64 {
        self.machine.value("SELECT count(*) FROM key_usage")
    }
}

/// Returns the numbers of the lines that have a result.
pub(super) fn numbers(results: &[Value]) -> Vec<u64> {
    results
        .iter()
        .map(|result| result["line"].as_u64().unwrap())
        .collect()
}

pub(super) fn answers(results: &[Value]) -> Vec<bool> {
    results
        .iter()
        .map(|result| result["error"].is_null())
        .collect()
}

#[test]
fn every_line_is_a_run_and_its_result_comes_in_the_order_of_the_file() {
    let desk = Desk::new(0);
    desk.write(b"one\n\n  \ntwo\r\nthree \xc3\xbc\nfour");
    let sent = desk.send(&["-j", "3"]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let results = sent.json_lines();
    assert_eq!(
        numbers(&results),
        [1, 4, 5, 6],
        "blank lines count and are not sent"
    );
    for (result, prompt) in results.iter().zip(["one", "two", "three ü", "four"]) {
        assert!(
            result["text"].as_str().unwrap().contains(prompt),
            "{result}"
        );
        assert_eq!(result["payer_label"], "Work");
        assert!(
            result["cost"].is_string() && result["basis"] == "metered",
            "{result}"
        );
    }
    assert!(
        sent.stderr
            .contains("4 lines, of which 4 to send: at most $"),
        "{}",
        sent.stderr
    );
    assert!(sent.stderr.contains("4 answered · "), "{}", sent.stderr);
    let classes: String = desk
        .machine
        .value("SELECT group_concat(DISTINCT class) FROM runs");
    assert_eq!((&*classes, desk.booked()), ("task", 4));
    desk.machine.expect_sound_store();
}

#[test]
fn a_second_call_sends_nothing_again_and_tells_all_results_once_more() {
    let desk = Desk::new(5);
    let first = desk.send(&[]);
    assert_eq!((first.code, prompts(&desk.server)), (Some(0), 5));
    let texts = |outcome: &Outcome| -> Vec<Value> {
        outcome
            .json_lines()
            .into_iter()
            .map(|mut result| result["text"].take())
            .collect()
    };
    let again = desk.send(&[]);
    assert_eq!((again.code, prompts(&desk.server)), (Some(0), 5));
    assert_eq!(texts(&again), texts(&first));
    assert!(
        again.stderr.contains("5 answered before"),
        "{}",
        again.stderr
    );
    assert!(
        again.stderr.contains("of which 0 to send: no dollars"),
        "{}",
        again.stderr
    );
    assert_eq!(desk.send(&["--system", "Be brief."]).code, Some(0));
    assert_eq!(
        prompts(&desk.server),
        10,
        "with other instructions it is another job"
    );
    assert_eq!(desk.send(&["--anew"]).code, Some(0));
    assert_eq!(prompts(&desk.server), 15);
}

#[test]
fn killed_at_any_moment_no_line_is_lost_and_none_is_billed_twice_unasked() {
    let desk = Desk::new(6);
    for reply in [
        Reply::text("a"),
        Reply::text("b"),
        Reply::text("c").held(),
        Reply::text("d").held(),
    ] {
        desk.server.push(reply);
    }
    let mut sending = desk.start(&["-j", "2"]);
    sending.hear("\"line\":2");
    assert_eq!(
        desk.server.wait_for_requests_blocking(5, PATIENCE).len(),
        5,
        "one is the key's check"
    );
    sending.signal(Signal::KILL);
    let _ = sending.end();
    desk.server.release();

    let resumed = desk.send(&[]);
    assert_eq!(resumed.code, Some(13), "{}", resumed.stderr);
    let results = resumed.json_lines();
    assert_eq!(numbers(&results), [1, 2, 3, 4, 5, 6]);
    assert_eq!(answers(&results), [true, true, false, false, true, true]);
    assert_eq!(results[2]["state"], "lost");
    assert!(
        results[2]["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("--again"),
        "{}",
        results[2]
    );
    assert!(
        resumed
            .stderr
            .contains("2 lines were billed in an earlier call"),
        "{}",
        resumed.stderr
    );
    assert_eq!((prompts(&desk.server), desk.booked()), (6, 6));

    let again = desk.send(&["--again"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(answers(&again.json_lines()), [true; 6]);
    assert_eq!(
        (prompts(&desk.server), desk.booked()),
        (8, 8),
        "two were asked for twice"
    );
    desk.machine.expect_sound_store();
}

#[test]
fn a_signal_lets_what_is_under_way_end_and_the_next_call_goes_on() {
    let desk = Desk::new(4);
    desk.server.push(Reply::text("first").held());
    let mut sending = desk.start(&["-j", "1"]);
    assert_eq!(desk.server.wait_for_requests_blocking(2, PATIENCE).len(), 2);
    sending.signal(Signal::INT);
    sending.hear_note("once more cancels");
    desk.server.release();
    let ended = sending.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1]);
    assert_eq!(prompts(&desk.server), 1);
    let resumed = desk.send(&[]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(numbers(&resumed.json_lines()), [1, 2, 3, 4]);
    assert_eq!(prompts(&desk.server), 4);
}

#[test]
fn what_halts_the_lines_is_said_at_once_and_the_first_signal_after_it_cancels_nothing() {
    for cancels in [false, true] {
        let desk = Desk::new(9);
        desk.server.push(Reply::text("slow").held());
        desk.server.push(KnownError::BadKey.reply());
        let mut sending = desk.start(&["-j", "2"]);
        sending.hear_note("no further line is begun, and 1 line under way is waited for");
        // The look at the key or its models is one of them.
        assert_eq!(desk.server.wait_for_requests_blocking(3, PATIENCE).len(), 3);
        sending.signal(Signal::INT);
        sending.hear_note("once more cancels");
        if cancels {
            sending.signal(Signal::INT);
        } else {
            desk.server.release();
        }
        let ended = sending.end();
        let expected = if cancels { 130 } else { 4 };
        assert_eq!(ended.code, Some(expected), "{}", ended.stderr);
        let results = ended.json_lines();
        let slow = results.iter().filter(|result| result["text"] == "slow");
        assert_eq!(slow.count(), usize::from(!cancels), "{results:?}");
        assert_eq!((results.len(), prompts(&desk.server)), (2, 2));
    }
}

#[test]
fn one_line_that_fails_leaves_the_others_and_is_sent_by_the_next_call() {
    let desk = Desk::new(3);
    desk.server.push(Reply::text("one"));
    desk.server.push(KnownError::InvalidRequest.reply());
    let sent = desk.send(&["-j", "1"]);
    assert_eq!(sent.code, Some(13), "{}", sent.stderr);
    assert_eq!(answers(&sent.json_lines()), [true, false, true]);
    assert!(
        sent.stderr.contains("2 answered · 1 without an answer"),
        "{}",
        sent.stderr
    );
    let again = desk.send(&[]);
    assert_eq!((again.code, prompts(&desk.server)), (Some(0), 4));
}

#[test]
fn what_would_end_every_line_ends_the_whole_and_another_key_goes_on() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let desk = Desk { machine, server };
    desk.write(b"one\ntwo\nthree\nfour\n");
    desk.server.set_key(&key, KeyState::Refused);
    let refused = desk.send(&["-j", "1"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert_eq!(prompts(&desk.server), 1);
    let other = Planted::default().key("sk-ant-api03-");
    desk.server.set_key(&other, KeyState::Valid);
    desk.machine
        .add("Other", &other, &desk.server)
        .expect_success();
    let sent = desk.send(&["--key", "Other"]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(answers(&sent.json_lines()), [true; 4]);
}

#[test]
fn ten_failures_in_a_row_are_not_the_lines_fault_and_stop_the_rest() {
    let (key, _) = key_and_server();
    let script = Script::new()
        .key(&key, KeyState::Valid)
        .otherwise(KnownError::NoCredit.reply());
    let server = Simulator::start_blocking(script);
    let machine = Machine::with_key(&key, &server);
    let desk = Desk { machine, server };
    desk.write("line\n".repeat(30).as_bytes());
    let refused = desk.send(&["-j", "1"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert_eq!((prompts(&desk.server), desk.booked()), (10, 0));
}

#[test]
fn what_can_t_be_sent_is_told_before_anything_else_is_paid_for() {
    let desk = Desk::new(0);
    for (bytes, words) in [
        (&b"fine\nnot \xff text\n"[..], "line 2: it is not UTF-8"),
        (b"fine\nnul \0\n", "Line 2: The prompt holds a NUL"),
        (b"\n \n", "no line that is a prompt"),
        (b"", "no line that is a prompt"),
    ] {
        desk.write(bytes);
        let refused = desk.send(&[]).failed_with(2);
        assert!(refused.contains(words), "{words}: {refused}");
    }
    desk.write(b"fine\n");
    for (more, words) in [
        (&["--tier", "subscription"][..], "without a person"),
        (&["--class", "chat"], "without a person"),
        (&["-j", "0"], "0"),
        (&["-j", "65"], "65"),
        (&["A prompt."], "cannot be used with"),
    ] {
        let refused = desk.send(more).failed_with(2);
        assert!(refused.contains(words), "{more:?}: {refused}");
    }
    for name in ["missing", "."] {
        let refused = desk
            .machine
            .run(["send", "--each-line", name])
            .failed_with(2);
        assert!(refused.contains(name), "{refused}");
    }
    assert_eq!(prompts(&desk.server), 0);
}

#[test]
fn two_at_once_do_not_send_the_same_file() {
    let desk = Desk::new(2);
    desk.server.push(Reply::text("first").held());
    let sending = desk.start(&["-j", "1"]);
    assert_eq!(desk.server.wait_for_requests_blocking(2, PATIENCE).len(), 2);
    let refused = desk.send(&[]).failed_with(2);
    assert!(refused.contains("Another process"), "{refused}");
    desk.server.release();
    assert_eq!(sending.end().code, Some(0));
    assert_eq!(prompts(&desk.server), 2);
}

#[test]
fn an_estimate_adds_up_every_line_and_sends_none() {
    let desk = Desk::new(3);
    let one = desk.machine.run([
        "send",
        "--estimate",
        "--json",
        "--model",
        "haiku",
        "Prompt number 1",
    ]);
    let one = one.json_lines().remove(0)["estimate"]["at_most"].clone();
    let all = desk.send(&["--estimate", "--json"]).json_lines().remove(0);
    let dollars = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!((&all["lines"], &all["to_send"]), (&3.into(), &3.into()));
    assert!(dollars(&all["at_most"]) > 2.9 * dollars(&one), "{all}");
    assert_eq!(prompts(&desk.server), 0);
}

#[test]
fn a_variables_key_sends_lines_without_a_vault_and_their_texts_are_told_once() {
    let (key, server) = key_and_server();
    let mut machine = Machine::new();
    machine.set("MINE", &key);
    let url = server.base_url();
    let desk = Desk { machine, server };
    desk.write(b"one\ntwo\n");
    let payer = ["--key", "env:MINE", "--base-url", &url];
    let first = desk.send(&payer);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert!(first.json_lines()[0]["text"].is_string());
    let again = desk.send(&payer).json_lines();
    assert_eq!(
        (&again[0]["text"], &again[0]["state"]),
        (&Value::Null, &"finished".into())
    );
    assert_eq!(prompts(&desk.server), 2);
}

#[test]
fn an_old_answer_that_can_t_be_read_holds_up_no_line_that_is_sent() {
    let (key, server) = key_and_server();
    let mut machine = Machine::with_key(&key, &server);
    machine.set("MINE", &key);
    let url = server.base_url();
    let desk = Desk { machine, server };
    desk.write(b"old\n");
    assert_eq!(desk.send(&[]).code, Some(0));
    desk.machine.run(["vault", "lock"]).expect_success();
    desk.write(b"new one\nold\nnew two\n");
    let sent = desk.send(&["--key", "env:MINE", "--base-url", &url]);
    assert_eq!(sent.code, Some(13), "{}", sent.stderr);
    let results = sent.json_lines();
    assert_eq!(numbers(&results), [1, 2, 3]);
    assert_eq!(answers(&results), [true, false, true]);
    let old = &results[1];
    assert_eq!(
        (&old["state"], &old["text"], &old["error"]["code"]),
        (&"finished".into(), &Value::Null, &"locked".into()),
        "{old}"
    );
    assert!(old["cost"].is_string(), "{old}");
    let said = "2 answered · 1 answered before · 1 with a text that can't be read";
    assert!(sent.stderr.contains(said), "{}", sent.stderr);
    assert_eq!((prompts(&desk.server), desk.booked()), (3, 3));
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_lines_that_wait_take_no_more_than_a_hundred_mebibytes() {
    let (key, _) = key_and_server();
    let script = Script::new()
        .key(&key, KeyState::Valid)
        .otherwise(Reply::text("late").held());
    let server = Simulator::start_blocking(script);
    let machine = Machine::with_key(&key, &server);
    let desk = Desk { machine, server };
    let line = format!("{}\n", "a prompt of some length ".repeat(40));
    desk.write(line.repeat(10_000).as_bytes());
    let sending = desk.start(&["-j", "16"]);
    assert!(desk.server.wait_for_requests_blocking(17, PATIENCE).len() >= 17);
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", sending.pid().as_raw_nonzero()))
            .unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak <= 100 * 1024, "{peak} KiB");
    sending.signal(Signal::KILL);
    let _ = sending.end();
}
