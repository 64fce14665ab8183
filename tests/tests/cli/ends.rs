//! Runs that end early: by Ctrl+C, by the system, by a reader that went away, and by a kill.

use std::time::Duration;

use rustix::process::Signal;
use switchyard_simulator::{Reply, Simulator};
use switchyard_tests::{Machine, Running};

use super::key_and_server;

const PATIENCE: Duration = Duration::from_secs(20);
const ROW: &str = "SELECT basis || ' ' || state FROM key_usage JOIN runs ON runs.id = run_id";

/// Starts a prompt whose answer falls silent half-way, and waits until that half has been printed.
fn half_way(machine: &Machine, server: &Simulator) -> Running {
    server.push(Reply::events(8).stall_after(4));
    let mut sending = Running::new(machine.start(["send", "Count to eight."]));
    sending.hear("word4 ");
    sending
}

/// Checks that the one run was booked once, as an estimate, in this state.
#[track_caller]
fn expect_booked(machine: &Machine, state: &str) {
    let rows: i64 = machine.value("SELECT count(*) FROM key_usage");
    assert_eq!(rows, 1);
    assert_eq!(machine.value::<String>(ROW), format!("estimated {state}"));
    let cost: i64 = machine.value("SELECT cost_estimate FROM key_usage");
    assert!(cost > 0, "it cost nothing");
    let reserved: i64 = machine.value("SELECT count(*) FROM reservations");
    assert_eq!(reserved, 0, "its reservation stayed");
    machine.expect_sound_store();
}

#[test]
fn a_signal_to_end_keeps_the_half_answer_and_books_what_was_used() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (key, server) = key_and_server();
        let machine = Machine::with_key(&key, &server);
        let sending = half_way(&machine, &server);
        sending.signal(signal);
        let ended = sending.end();
        assert_eq!(ended.code, Some(130), "{signal:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "word1 word2 word3 word4 \n");
        assert!(ended.stderr.contains("estimated"), "{}", ended.stderr);
        let gone = server.wait_for_disconnects_blocking(1, PATIENCE);
        assert_eq!(gone.len(), 1, "the server was kept waiting");
        expect_booked(&machine, "cancelled");
        let shown = machine.run(["history", "1"]).succeeded();
        assert!(shown.contains("word4"), "the half answer is lost: {shown}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly_and_books_it() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::events(400).paced(Duration::from_millis(5)));
    let mut sending = Running::new(machine.start(["send", "Count."]));
    sending.hear("word3 ");
    let ended = sending.stop_reading();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
    let gone = server.wait_for_disconnects_blocking(1, PATIENCE);
    assert_eq!(gone.len(), 1, "the server sent on");
    expect_booked(&machine, "cancelled");
}

#[test]
fn a_list_whose_reader_went_away_ends_without_a_word() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let listing = Running::new(machine.start(["keys", "list"]));
    let ended = listing.stop_reading();
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
}

#[test]
fn a_killed_run_is_booked_once_by_the_next_command_and_its_prompt_is_kept() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let sending = half_way(&machine, &server);
    sending.signal(Signal::KILL);
    assert_eq!(sending.end().code, None);
    let rows: i64 = machine.value("SELECT count(*) FROM key_usage");
    assert_eq!(rows, 0, "nobody was there to book it");

    let told = machine.run(["usage"]);
    assert!(
        told.stderr.contains("booked as estimated"),
        "{}",
        told.stderr
    );
    assert!(told.stdout.contains("in 1 run"), "{}", told.stdout);
    expect_booked(&machine, "lost");
    assert!(
        !machine
            .run(["usage"])
            .stderr
            .contains("booked as estimated")
    );
    expect_booked(&machine, "lost");
    let shown = machine.run(["history", "1"]).succeeded();
    assert!(shown.contains("Count to eight."), "{shown}");
}

#[test]
fn a_run_under_way_is_left_alone_by_other_commands() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let sending = half_way(&machine, &server);
    let seen = machine.run(["history"]).succeeded();
    assert!(seen.contains("started"), "{seen}");
    server.release();
    assert_eq!(sending.end().code, Some(0));
    let basis: String = machine.value("SELECT basis FROM key_usage");
    assert_eq!(basis, "metered");
}

#[test]
fn an_output_that_can_not_be_written_is_an_error_and_the_run_is_booked() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let full = |arguments: &str| {
        let program = switchyard_tests::binary("switchyard");
        let script = format!("'{}' {arguments} >/dev/full", program.display());
        let shell = machine.spawn(std::path::Path::new("/bin/sh"), ["-c", &script]);
        switchyard_tests::finish(shell, "")
    };
    let said = full("keys list").failed_with(1);
    assert!(said.contains("can't be written"), "{said}");
    let sent = full("send Hi.");
    assert_ne!(sent.code, Some(0), "{}", sent.stderr);
    assert!(sent.stderr.contains("error: "), "{}", sent.stderr);
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM key_usage"), 1);
}
