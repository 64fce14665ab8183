//! The main job over the command line: the real binary, a real store, the simulated server.

mod agent;
mod consent;
mod each_line;
#[cfg(target_os = "linux")]
mod each_line_farm;
mod each_line_meanwhile;
mod ends;
mod env_files;
#[cfg(target_os = "linux")]
mod farm;
#[cfg(target_os = "linux")]
mod farm_connections;
mod keys;
mod looking_back;
mod names;
mod packaging;
mod plan;
mod routing;
mod scope;
#[cfg(target_os = "linux")]
mod scope_claude;
mod scope_plan;
mod sending;
mod wrong_input;

use serde_json::Value;
use switchyard_simulator::{KeyState, Reply, Script, Simulator, Usage};
use switchyard_tests::{Machine, Planted};

/// A key made for one test, and a server that knows it.
fn key_and_server() -> (String, Simulator) {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    (key, server)
}

/// How many Messages requests have arrived.
fn prompts(server: &Simulator) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.path == "/v1/messages")
        .count()
}

#[test]
fn the_main_job_goes_from_an_empty_home_to_a_booked_answer_and_back_behind_a_lock() {
    let (key, server) = key_and_server();
    let machine = Machine::with_locked_vault();
    let status = machine.run(["vault", "status"]).succeeded();
    assert!(status.starts_with("Locked."), "{status}");
    machine.unlock();

    let added = machine.add("Work", &key, &server).succeeded();
    let last4 = &key[key.len() - 4..];
    assert_eq!(added, format!("Stored Work …{last4}, valid.\n"));
    let listed = machine.run(["keys", "list"]).succeeded();
    assert!(listed.contains("●  Work"), "{listed}");
    let checked = machine.run(["keys", "check", "Work"]).succeeded();
    assert_eq!(checked, format!("Work …{last4}: valid\n"));
    let selected = machine.run(["keys", "select", last4]).succeeded();
    assert!(selected.contains("is the active key"), "{selected}");

    server.push(Reply::text("Because of the air.").usage(Usage::new(1_000, 50)));
    let sent = machine.run(["send", "--model", "haiku", "Why is the sky blue?"]);
    assert_eq!(sent.stdout, "Because of the air.\n");
    assert!(sent.stderr.starts_with("Work pays via "), "{}", sent.stderr);
    assert!(sent.stderr.contains("1000 in · 50 out"), "{}", sent.stderr);

    server.push(Reply::text("Red.").usage(Usage::new(1_100, 5)));
    let replied = machine.run(["send", "--reply", "1", "And at dusk?"]);
    assert_eq!(replied.stdout, "Red.\n");
    let body = server.requests().last().unwrap().json();
    let said: Vec<_> = body["messages"].as_array().unwrap().iter().collect();
    assert_eq!(said.len(), 3, "{body}");
    assert!(said[1].to_string().contains("Because of the air."));

    let history = machine.run(["history"]).succeeded();
    assert!(history.contains("Why is the sky blue?"), "{history}");
    let used = machine.run(["usage"]).succeeded();
    assert!(used.contains("spent in 2 runs, 2,155 tokens"), "{used}");

    machine.run(["vault", "lock"]).expect_success();
    let before = prompts(&server);
    let refused = machine.run(["send", "Is anyone there?"]).failed_with(3);
    assert!(refused.contains("error: The vault is locked."), "{refused}");
    assert_eq!(prompts(&server), before, "something was sent");
    let rows: i64 = machine.value("SELECT count(*) FROM runs");
    assert_eq!(rows, 2, "a refused prompt is no run");

    machine.unlock();
    assert_eq!(machine.run(["send", "Again."]).code, Some(0));
    machine.expect_sound_store();
}

#[test]
fn json_output_is_one_event_a_line_and_ends_with_the_receipt() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::text("One two.").usage(Usage::new(9, 4)));
    let sent = machine.run(["--json", "send", "Count."]);
    let lines = sent.json_lines();
    let names: Vec<_> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(names.first(), Some(&Value::from("started")));
    assert_eq!(names.last(), Some(&Value::from("finished")));
    let text: String = lines
        .iter()
        .filter_map(|line| line["text"].as_str())
        .collect();
    assert_eq!(text, "One two.");
    let receipt = &lines.last().unwrap()["receipt"];
    assert_eq!(receipt["booked"]["tokens"]["input"], 9);
    assert_eq!(receipt["booked"]["basis"], "metered");

    server.push(Reply::error(400, "invalid_request_error", "No."));
    let failed = machine.run(["--json", "send", "Count."]);
    assert_eq!(failed.code, Some(4));
    let last = failed.json_lines().pop().unwrap();
    assert_eq!(
        (&last["event"], &last["error"]["code"]),
        (&"failed".into(), &"refused".into())
    );
}

#[test]
fn every_command_that_shows_something_also_shows_it_as_json() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    assert_eq!(machine.run(["send", "Hello."]).code, Some(0));
    for arguments in [
        &["who", "--fast"][..],
        &["keys", "list"],
        &["keys", "check"],
        &["keys", "select", "Work"],
        &["keys", "edit", "Work", "--note", "x"],
        &["history"],
        &["history", "1"],
        &["usage"],
        &["models"],
        &["vault", "status"],
        &["routing"],
        &["route", "--class", "review", "Hello."],
        &["settings"],
        &["settings", "dispatch.model"],
        &["consent"],
        &["consent", "show", "oauth"],
        &["send", "--estimate", "Hello."],
    ] {
        let outcome = machine.run(arguments.iter().chain(&["--json"]));
        let said = &outcome.stderr;
        assert_eq!(outcome.code, Some(0), "{arguments:?} said {said}");
        assert!(
            !outcome.json_lines().is_empty(),
            "{arguments:?} said nothing"
        );
    }
}

#[test]
fn a_failure_in_json_is_the_last_line_of_standard_output() {
    let machine = Machine::with_vault();
    let outcome = machine.run(["--json", "keys", "select", "Nobody"]);
    assert_eq!(outcome.code, Some(8));
    let last = outcome.json_lines().pop().unwrap();
    assert_eq!(last["error"]["code"], "not_found");
}

#[test]
fn a_failure_has_one_form_wherever_json_tells_of_it() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.set_key(&key, KeyState::Refused);
    for (arguments, field) in [
        (&["keys", "select", "Nobody"][..], "error"),
        (&["keys", "check", "Work"], "trouble"),
        (&["send", "Hello."], "error"),
    ] {
        let last = machine
            .run(arguments.iter().chain(&["--json"]))
            .json_lines()
            .pop();
        let failure = last.unwrap()[field].clone();
        let mut parts: Vec<_> = failure.as_object().unwrap().keys().cloned().collect();
        // Their order says nothing, and whether it is kept is for any part of the build to choose.
        parts.sort_unstable();
        assert_eq!(
            parts,
            ["code", "hint", "message", "remedy"],
            "{arguments:?}"
        );
    }
}

#[test]
fn empty_stores_are_told_and_not_made() {
    let machine = Machine::new();
    for arguments in [
        &["keys", "list"][..],
        &["history"],
        &["usage"],
        &["vault", "status"],
    ] {
        let outcome = machine.run(arguments);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert!(outcome.stderr.starts_with("hint: "), "{}", outcome.stderr);
    }
    assert!(!machine.paths().database().exists(), "looking made a store");
}
