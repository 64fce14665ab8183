//! `send --each-line` while something changes: who pays, the file, or whether anybody reads. What was said
//! before the first line is what holds.

use std::io::Write as _;

use rustix::process::Signal;
use switchyard_simulator::{KeyState, KnownError, Reply};
use switchyard_tests::{Planted, Running};

use super::each_line::{Desk, PATIENCE, answers, numbers, wait_until};
use super::prompts;

impl Desk {
    /// A file of so many lines, each longer than what is read of a file at once.
    fn with_long_lines(lines: usize) -> Self {
        let desk = Self::new(0);
        let lines: String = (1..=lines).map(long).collect();
        desk.write(lines.as_bytes());
        desk
    }

    /// Sends the lines one by one, and returns while the first is under way.
    fn hold_at_the_first(&self) -> Running {
        self.server.push(Reply::text("held").held());
        let sending = self.start(&["-j", "1"]);
        assert_eq!(self.server.wait_for_requests_blocking(2, PATIENCE).len(), 2);
        sending
    }
}

fn long(number: usize) -> String {
    format!("Prompt number {number} {}\n", "and more ".repeat(4_000))
}

#[test]
fn a_line_that_somebody_else_would_pay_for_than_was_said_is_not_sent() {
    let desk = Desk::new(4);
    let other = Planted::default().key("sk-ant-api03-");
    desk.server.set_key(&other, KeyState::Valid);
    let sending = desk.hold_at_the_first();
    desk.machine
        .add("Other", &other, &desk.server)
        .expect_success();
    desk.machine
        .run(["keys", "select", "Other"])
        .expect_success();
    desk.server.release();
    let ended = sending.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let said = "Line 2: Other would pay by now, and Work was shown.";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1]);
    assert_eq!((prompts(&desk.server), desk.booked()), (1, 1));

    let again = desk.send(&[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let results = again.json_lines();
    let payers: Vec<_> = results.iter().map(|one| &one["payer_label"]).collect();
    assert_eq!(payers, ["Work", "Other", "Other", "Other"]);
    assert_eq!(prompts(&desk.server), 4);
}

#[test]
fn a_line_that_would_cost_more_than_was_said_is_not_sent() {
    let desk = Desk::new(3);
    let rule = |model: &str| {
        let set = ["routing", "set", "task", "--key", "Work", "--model", model];
        desk.machine.run(set).expect_success();
    };
    rule("haiku");
    desk.server.push(Reply::text("held").held());
    let send = ["send", "--each-line", "prompts", "--class", "task"];
    let sending = Running::new(desk.machine.start([&send[..], &["-j", "1"]].concat()));
    assert_eq!(desk.server.wait_for_requests_blocking(2, PATIENCE).len(), 2);
    rule("opus");
    desk.server.release();
    let ended = sending.end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let said = "Line 2: It may cost more by now";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!((prompts(&desk.server), desk.booked()), (1, 1));
    assert_eq!(desk.machine.run(send).code, Some(0));
    assert_eq!(prompts(&desk.server), 3);
}

#[test]
fn a_file_that_is_changed_meanwhile_ends_at_the_first_line_that_is_another() {
    let desk = Desk::with_long_lines(4);
    let sending = desk.hold_at_the_first();
    let changed = [long(1), long(2), long(33), long(4)].concat();
    desk.write(changed.as_bytes());
    desk.server.release();
    let ended = sending.end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let said = "The file was changed while its lines were sent: prompts, line 3,";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1, 2]);
    assert_eq!((prompts(&desk.server), desk.booked()), (2, 2));

    let again = desk.send(&[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(answers(&again.json_lines()), [true; 4]);
    assert_eq!(prompts(&desk.server), 4, "what was answered stays so");
}

#[test]
fn a_file_that_is_cut_off_meanwhile_is_told_and_what_is_under_way_is_booked() {
    let desk = Desk::with_long_lines(3);
    let sending = desk.hold_at_the_first();
    desk.write(long(1).as_bytes());
    desk.server.release();
    let ended = sending.end();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("line 2, is not"), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1]);
    assert_eq!(desk.booked(), 1);
}

#[test]
fn lines_that_are_added_meanwhile_are_for_the_next_call() {
    let desk = Desk::with_long_lines(3);
    let sending = desk.hold_at_the_first();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(desk.machine.home().join("prompts"))
        .unwrap();
    file.write_all(long(4).as_bytes()).unwrap();
    desk.server.release();
    let ended = sending.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1, 2, 3]);
    assert_eq!(prompts(&desk.server), 3, "as many as were announced");

    let next = desk.send(&[]);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    let said = "4 lines, of which 1 to send";
    assert!(next.stderr.contains(said), "{}", next.stderr);
    assert_eq!(
        (numbers(&next.json_lines()).len(), prompts(&desk.server)),
        (4, 4)
    );
}

#[test]
fn a_line_is_the_same_wherever_it_stands_and_whatever_its_model_is_called() {
    let desk = Desk::new(0);
    desk.write(b"one\ntwo\n");
    assert_eq!(desk.send(&[]).code, Some(0));
    desk.write(b"two\n\none\ntwo\nthree\n");
    let sent = desk.send(&[]);
    let results = sent.json_lines();
    assert_eq!(numbers(&results), [1, 3, 4, 5]);
    let resumed: Vec<_> = results.iter().map(|one| &one["is_resumed"]).collect();
    assert_eq!(
        resumed,
        [true, true, false, false],
        "the same text twice is two lines"
    );
    assert_eq!(prompts(&desk.server), 4);
    let model = results[0]["model"].as_str().unwrap();
    assert_ne!(model, "haiku");
    let by_id = ["send", "--each-line", "prompts", "--model", model];
    assert_eq!(desk.machine.run(by_id).code, Some(0));
    assert_eq!(prompts(&desk.server), 4);
}

#[test]
fn an_estimate_of_beginning_anew_forgets_nothing() {
    let desk = Desk::new(2);
    assert_eq!(desk.send(&[]).code, Some(0));
    let anew = desk.send(&["--anew", "--estimate"]);
    assert!(anew.stderr.contains("2 to send"), "{}", anew.stderr);
    assert_eq!(desk.send(&[]).code, Some(0));
    assert_eq!(prompts(&desk.server), 2);
}

#[test]
fn a_reader_who_takes_nothing_holds_up_no_signal_and_loses_nothing() {
    const LINES: usize = 30;
    let desk = Desk::new(LINES);
    for _ in 0..LINES {
        desk.server.push(Reply::text("long ".repeat(20_000)));
    }
    let sending = desk.start(&["-j", "1"]);
    // Until as many wait for the reader as may.
    wait_until(|| desk.booked() >= 17);
    sending.signal(Signal::TERM);
    let ended = sending.end_unread();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("Nobody took"), "{}", ended.stderr);
    let open: i64 = desk
        .machine
        .value("SELECT count(*) FROM runs WHERE state = 'started'");
    assert_eq!(
        (open, desk.booked()),
        (0, i64::try_from(prompts(&desk.server)).unwrap())
    );

    let again = desk.send(&[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let results = again.json_lines();
    assert_eq!(numbers(&results), (1..=30).collect::<Vec<_>>());
    assert_eq!(prompts(&desk.server), LINES);
}

#[test]
fn a_second_signal_keeps_no_reason_back_for_which_no_further_line_was_begun() {
    const BEFORE: usize = 17;
    let desk = Desk::new(30);
    for _ in 0..BEFORE {
        desk.server.push(Reply::text("long ".repeat(20_000)));
    }
    desk.server.push(KnownError::BadKey.reply());
    let mut sending = desk.start(&["-j", "1"]);
    // Until as many wait for the reader as may, and the one that follows is refused.
    let refused = "SELECT count(*) FROM runs WHERE state = 'failed'";
    wait_until(|| desk.machine.value::<i64>(refused) == 1);
    sending.signal(Signal::INT);
    sending.hear_note("once more cancels");
    sending.signal(Signal::INT);
    sending.hear_note("Cancelling");
    let ended = sending.end_unread();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let said = "The lines that follow were not sent";
    assert!(!ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(prompts(&desk.server), BEFORE + 1);
}

#[test]
fn a_reader_who_has_gone_ends_it_without_a_word() {
    let desk = Desk::new(30);
    let mut sending = desk.start(&["-j", "2"]);
    sending.hear("\"line\":1,");
    let ended = sending.stop_reading();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
    let open: i64 = desk
        .machine
        .value("SELECT count(*) FROM runs WHERE state = 'started'");
    assert_eq!(open, 0);
}
