//! `switchyard plan`, `route`, and `send --tier subscription` up to the door of the CLI.

use switchyard_simulator::{Script, Simulator};
use switchyard_tests::{Machine, Planted};

fn ways(machine: &Machine, arguments: &[&str]) -> serde_json::Value {
    let all = [&["route", "--json"], arguments].concat();
    machine.run(all).json_lines().remove(0)["ways"].clone()
}

#[test]
fn the_tier_is_off_until_its_text_is_accepted_and_each_way_says_how_it_stands() {
    let machine = Machine::with_vault();
    let server = Simulator::start_blocking(Script::new().any_key());
    let key = Planted::default().key("sk-ant-api03-");
    assert_eq!(machine.add("Work", &key, &server).code, Some(0));
    let refused = machine
        .run(["send", "--tier", "subscription", "Hi."])
        .failed_with(9);
    assert!(
        refused.contains("switchyard consent accept subscription"),
        "{refused}"
    );
    let found = ways(&machine, &["Who pays?"]);
    assert_eq!(found[0]["tier"], "subscription");
    assert_eq!(found[0]["why_not"]["code"], "consent_needed");
    assert_eq!(found[1]["route"]["payer_label"], "Work");
    assert!(found[1]["at_most"].is_string(), "{found}");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path != "/v1/messages")
    );
}

/// A machine whose user has accepted the text.
fn accepting() -> Machine {
    let machine = Machine::new();
    let read = machine
        .run(["consent", "show", "subscription", "--json"])
        .json_lines()
        .remove(0);
    let version = read["text"]["version"].as_str().unwrap().to_owned();
    let accept = ["consent", "accept", "subscription", "--version", &version];
    machine.run(accept).expect_success();
    machine
}

#[test]
fn the_command_of_the_hint_mends_what_is_missing() {
    let machine = accepting();
    machine
        .run(["settings", "plan.program", "/nowhere/claude"])
        .expect_success();
    let refused = machine.run(["send", "--tier", "subscription", "Hi."]);
    let said = &refused.stderr;
    let hints: Vec<_> = said.match_indices("switchyard ").collect();
    assert_eq!(hints.len(), 1, "one command, said once: {said}");
    let command = said[hints[0].0..].lines().next().unwrap();
    assert!(command.contains("PATH"), "{said}");

    let claude = machine.home().join("claude");
    std::fs::write(&claude, "#!/bin/sh\necho '2.1.330 (Claude Code)'\n").unwrap();
    let may_run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&claude, may_run).unwrap();
    let typed = command.replace("PATH", claude.to_str().unwrap());
    // The first word is the program that is run.
    let arguments = typed
        .strip_prefix("switchyard ")
        .unwrap()
        .split_whitespace();
    machine.run(arguments).expect_success();
    let status = machine.run(["plan", "--json"]).json_lines().remove(0);
    assert!(status["missing"].is_null(), "{status}");
}

#[test]
fn a_folder_that_is_not_there_is_said_at_once_and_what_no_plan_carries_before_it() {
    let machine = accepting();
    let folder = machine.home().join("work").display().to_string();
    let add = ["plan", "add", "work", "--folder", &folder];
    for arguments in [&add[..], &["plan", "select", "work"]] {
        let done = machine.run(arguments);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let said = done.stderr;
        assert!(
            said.contains("there is no folder") && said.contains(&folder),
            "{said}"
        );
        let mends = format!("CLAUDE_CONFIG_DIR={folder} claude auth login");
        assert!(said.contains(&mends), "{said}");
    }
    let refused = |rest: &[&str]| {
        let send = ["send", "--tier", "subscription", "Hi."].iter();
        machine.run(send.chain(rest)).failed_with(2)
    };
    let plain = refused(&[]);
    assert!(plain.contains(&folder), "{plain}");
    for rest in [&["--class", "task"][..], &["--max-tokens", "5"]] {
        let said = refused(rest);
        assert!(said.contains("plan") && !said.contains(&folder), "{said}");
    }
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(machine.run(["plan", "select", "work"]).stderr, "");
}

#[test]
fn once_accepted_what_is_missing_is_named_with_what_mends_it() {
    let machine = accepting();
    machine
        .run(["settings", "plan.program", "/nowhere/claude"])
        .expect_success();
    let refused = machine.run(["send", "--tier", "subscription", "Hi."]);
    assert_ne!(refused.code, Some(0));
    assert!(
        refused.stderr.contains("/nowhere/claude"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("hint"), "{}", refused.stderr);
    let said = machine.run(["plan"]).succeeded();
    assert!(said.contains("The subscription tier is on."), "{said}");
    let status = machine.run(["plan", "--json"]).json_lines().remove(0);
    assert!(status["off"].is_null(), "{status}");
    assert!(status["cli"].is_null(), "{status}");
    assert!(
        status["missing"]["message"]
            .as_str()
            .unwrap()
            .contains("/nowhere/claude")
    );
}

#[test]
fn logins_stand_side_by_side_and_only_the_user_chooses_between_them() {
    let machine = Machine::new();
    machine
        .run(["plan", "add", "ci", "--variable", "CI_TOKEN"])
        .expect_success();
    let chosen = |machine: &Machine| {
        let status = machine.run(["plan", "--json"]).json_lines().remove(0);
        let logins = status["logins"].as_array().unwrap().clone();
        let chosen = logins.iter().find(|login| login["is_chosen"] == true);
        (
            logins.len(),
            chosen.unwrap()["login"]["name"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    };
    assert_eq!(chosen(&machine), (2, "claude".to_owned()));
    machine.run(["plan", "select", "ci"]).expect_success();
    assert_eq!(chosen(&machine), (2, "ci".to_owned()));
    let refused = machine.run(["plan", "rm", "ci"]).failed_with(2);
    assert!(refused.contains("Choose another one first"), "{refused}");
    machine.run(["plan", "rm", "claude"]).expect_success();
    assert_eq!(chosen(&machine), (1, "ci".to_owned()));
    let token = Planted::default().key("sk-ant-oat01-");
    let refused = machine
        .run(["plan", "add", "oops", "--variable", &token])
        .failed_with(2);
    assert!(!refused.contains(&token), "{refused}");
}

#[test]
fn payers_and_tiers_that_contradict_one_another_are_refused() {
    let machine = Machine::new();
    for arguments in [
        &["send", "--tier", "subscription", "--key", "Work", "Hi."][..],
        &["send", "--tier", "metered", "--login", "claude", "Hi."],
        &["send", "--login", "claude", "--key", "Work", "Hi."],
        &["send", "--tier", "metered", "--host", "box", "Hi."],
        &["send", "--tier", "subscription", "--label", "gpu", "Hi."],
        &["send", "--login", "claude", "--host", "box", "Hi."],
        &["send", "--host", "box", "--label", "gpu", "Hi."],
    ] {
        let refused = machine.run(arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.stderr);
    }
}
