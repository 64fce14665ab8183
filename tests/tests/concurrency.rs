//! Many processes on one store at once: nothing is lost, nothing is doubled, the sums are exact.

use std::collections::BTreeSet;

use switchyard_core::usage::Nano;
use switchyard_simulator::{KeyState, Script, Simulator};
use switchyard_tests::{Machine, Outcome, Planted, finish};

const PROCESSES: usize = 10;

/// Starts every command before waiting for the first.
fn all_at_once(machine: &Machine, commands: &[(Vec<String>, String)]) -> Vec<Outcome> {
    let started: Vec<_> = commands
        .iter()
        .map(|(arguments, input)| (machine.start(arguments), input))
        .collect();
    std::thread::scope(|scope| {
        let ending: Vec<_> = started
            .into_iter()
            .map(|(child, input)| scope.spawn(|| finish(child, input)))
            .collect();
        ending
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn command(words: &[&str], input: &str) -> (Vec<String>, String) {
    let words = words.iter().map(|&word| word.to_owned());
    (words.collect(), input.to_owned())
}

fn keys(count: usize) -> Vec<String> {
    let mut planted = Planted::default();
    std::iter::repeat_with(|| planted.key("sk-ant-api03-"))
        .take(count)
        .collect()
}

fn server(keys: &[String]) -> Simulator {
    let script = keys.iter().fold(Script::new(), |script, key| {
        script.key(key, KeyState::Valid)
    });
    Simulator::start_blocking(script)
}

#[test]
fn ten_prompts_at_once_are_each_booked_once_and_the_sums_are_exact() {
    let keys = keys(1);
    let server = server(&keys);
    let machine = Machine::with_key(&keys[0], &server);
    for round in 0..3 {
        let sends: Vec<_> = (0..PROCESSES)
            .map(|number| {
                let prompt = format!("Prompt {number} of round {round}, {}", "x".repeat(number));
                command(&["--json", "send", &prompt], "")
            })
            .collect();
        let (mut input, mut output, mut runs) = (0, 0, BTreeSet::new());
        for outcome in all_at_once(&machine, &sends) {
            assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
            let receipt = outcome.json_lines().pop().unwrap()["receipt"].take();
            let count = |name: &str| receipt["booked"]["tokens"][name].as_i64().unwrap();
            input += count("input");
            output += count("output");
            runs.insert(receipt["run"].as_i64().unwrap());
        }
        assert_eq!(runs.len(), PROCESSES, "two processes share a run");
        let first = runs.first().unwrap();
        let of_round = |column: &str| -> i64 {
            machine.value(&format!(
                "SELECT coalesce(sum({column}), 0) FROM key_usage WHERE run_id >= {first}"
            ))
        };
        assert_eq!((of_round("input"), of_round("output")), (input, output));
        assert_eq!(of_round("1"), i64::try_from(PROCESSES).unwrap());
    }
    let asked = server.requests();
    let prompts: BTreeSet<_> = asked
        .iter()
        .filter(|request| request.path == "/v1/messages")
        .map(|request| request.json()["messages"].to_string())
        .collect();
    assert_eq!(
        prompts.len(),
        3 * PROCESSES,
        "a prompt was lost or sent twice"
    );
    let used: serde_json::Value = machine.run(["usage", "--json"]).json_lines().remove(0);
    let summed: i64 = machine.value("SELECT sum(cost_estimate) FROM key_usage");
    let summed = serde_json::to_value(Nano(summed)).unwrap();
    assert_eq!(used["total"]["leaving"]["cost"], summed);
    machine.expect_sound_store();
}

#[test]
fn keys_added_by_ten_processes_at_once_are_all_there_and_exactly_one_is_active() {
    let keys = keys(PROCESSES);
    let server = server(&keys);
    let machine = Machine::with_vault();
    let url = server.base_url();
    let adds: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| {
            let name = format!("Key {number}");
            command(&["keys", "add", &name, "--base-url", &url], key)
        })
        .collect();
    for outcome in all_at_once(&machine, &adds) {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let listed = machine.run(["keys", "list", "--json"]).json_lines();
    assert_eq!(listed.len(), PROCESSES);
    let active = listed.iter().filter(|line| line["is_selected"] == true);
    assert_eq!(active.count(), 1);
    // Each opens, and as what it was stored as.
    server.clear();
    for (number, key) in keys.iter().enumerate() {
        let name = format!("Key {number}");
        assert_eq!(machine.run(["keys", "check", &name]).code, Some(0));
        let sent = server.requests();
        assert_eq!(sent.last().unwrap().credential(), Some(&**key));
    }
    machine.expect_sound_store();
}

#[test]
fn of_ten_processes_that_add_the_same_key_one_stores_it() {
    let keys = keys(1);
    let server = server(&keys);
    let machine = Machine::with_vault();
    let url = server.base_url();
    let adds: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let name = format!("Name {number}");
            command(&["keys", "add", &name, "--base-url", &url], &keys[0])
        })
        .collect();
    let outcomes = all_at_once(&machine, &adds);
    let stored = outcomes.iter().filter(|outcome| outcome.code == Some(0));
    assert_eq!(stored.count(), 1);
    for refused in outcomes
        .into_iter()
        .filter(|outcome| outcome.code != Some(0))
    {
        let said = refused.failed_with(2);
        assert!(
            said.contains("This key is stored already, as Name "),
            "{said}"
        );
    }
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM api_keys"), 1);
}

#[test]
fn of_ten_processes_that_want_the_same_name_one_gets_it() {
    let keys = keys(PROCESSES);
    let server = server(&keys);
    let machine = Machine::with_vault();
    let url = server.base_url();
    let adds: Vec<_> = keys
        .iter()
        .map(|key| command(&["keys", "add", "Work", "--base-url", &url], key))
        .collect();
    let outcomes = all_at_once(&machine, &adds);
    let stored = outcomes.iter().filter(|outcome| outcome.code == Some(0));
    assert_eq!(stored.count(), 1);
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM api_keys"), 1);
}

#[test]
fn prompts_and_changes_of_keys_at_once_do_not_disturb_each_other() {
    let keys = keys(4);
    let server = server(&keys);
    let machine = Machine::with_key(&keys[0], &server);
    let url = server.base_url();
    assert_eq!(machine.add("Old", &keys[1], &server).code, Some(0));
    let work = [
        command(&["send", "--key", "Work", "one"], ""),
        command(&["keys", "add", "New", "--base-url", &url], &keys[2]),
        command(&["send", "--key", "Work", "two"], ""),
        command(&["keys", "rm", "Old", "--yes"], ""),
        command(&["send", "--key", "Work", "three"], ""),
        command(&["keys", "edit", "Work", "--note", "busy"], ""),
        command(&["keys", "check", "Work"], ""),
        command(&["keys", "add", "Newer", "--base-url", &url], &keys[3]),
        command(&["usage"], ""),
        command(&["history"], ""),
    ];
    for (outcome, (words, _)) in all_at_once(&machine, &work).iter().zip(&work) {
        assert_eq!(outcome.code, Some(0), "{words:?}: {}", outcome.stderr);
    }
    let names: String = machine.value(
        "SELECT group_concat(name, ', ') FROM
             (SELECT name FROM api_keys WHERE deleted_at IS NULL ORDER BY name)",
    );
    assert_eq!(names, "New, Newer, Work");
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM key_usage"), 3);
    machine.expect_sound_store();
}

#[test]
fn ten_processes_that_meet_no_store_make_one() {
    let keys = keys(1);
    let server = server(&keys);
    let mut machine = Machine::new();
    machine.set("MINE", &keys[0]);
    let url = server.base_url();
    let sends: Vec<_> = (0..PROCESSES)
        .map(|_| {
            command(
                &["send", "--key", "env:MINE", "--base-url", &url, "Hi."],
                "",
            )
        })
        .collect();
    for outcome in all_at_once(&machine, &sends) {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let rows: i64 = machine.value("SELECT count(*) FROM key_usage");
    assert_eq!(rows, i64::try_from(PROCESSES).unwrap());
    let payers: i64 = machine.value("SELECT count(DISTINCT payer) FROM key_usage");
    assert_eq!(
        payers, 1,
        "two stores were made, each with a pepper of its own"
    );
    machine.expect_sound_store();
}

#[test]
fn several_processes_that_unlock_at_once_share_one_agent() {
    let machine = Machine::with_locked_vault();
    let unlock = ["vault", "unlock", "--passphrase-fd", "0"];
    let unlocks = vec![command(&unlock, machine.passphrase()); 4];
    for outcome in all_at_once(&machine, &unlocks) {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let status = machine.run(["vault", "status"]).succeeded();
    assert!(status.starts_with("Open"), "{status}");
}
