//! Consent over the command line: what is read is what is accepted, and nothing else.

use serde_json::Value;
use switchyard_tests::Machine;

fn shown(machine: &Machine, subject: &str) -> Value {
    machine
        .run(["consent", "show", subject, "--json"])
        .json_lines()
        .remove(0)
}

fn version(machine: &Machine) -> String {
    let text = &shown(machine, "subscription")["text"];
    text["version"].as_str().unwrap().to_owned()
}

fn state(machine: &Machine) -> Value {
    shown(machine, "subscription")["standing"]["state"].clone()
}

#[test]
fn looking_at_the_texts_makes_no_store_and_finds_nothing_accepted() {
    let machine = Machine::new();
    for arguments in [&["consent"][..], &["consent", "list"]] {
        let listed = machine.run(arguments).succeeded();
        for subject in ["subscription", "extra_usage", "oauth"] {
            let line = listed.lines().find(|line| line.starts_with(subject));
            assert!(line.unwrap().contains("not accepted"), "{listed}");
        }
    }
    machine
        .run(["consent", "withdraw", "oauth"])
        .expect_success();
    assert!(!machine.paths().database().exists(), "looking made a store");
}

#[test]
fn a_text_is_shown_with_the_policy_set_apart_and_where_it_stands() {
    let machine = Machine::new();
    for subject in ["subscription", "extra_usage", "oauth"] {
        let said = machine.run(["consent", "show", subject]).succeeded();
        let quoted: Vec<_> = said
            .lines()
            .filter_map(|line| line.strip_prefix("  │ "))
            .collect();
        let quoted = quoted.join(" ");
        for part in [
            "or to route requests through Free, Pro, or Max plan credentials on behalf of their users.\"",
            "\"Moreover, developers may not collect, store, or intermediate",
            "\"should use API key authentication\"",
            "\"without prior notice\"",
            "https://code.claude.com/docs/en/legal-and-compliance, as of 2026-08-22",
        ] {
            assert!(quoted.contains(part), "{subject}: {part} is not in {said}");
        }
        assert!(said.lines().all(|line| line.chars().count() <= 100));
    }
}

#[test]
fn a_script_accepts_only_the_version_that_it_names() {
    let machine = Machine::new();
    let blind = machine
        .run(["consent", "accept", "subscription"])
        .failed_with(2);
    assert!(blind.contains("consent show subscription"), "{blind}");
    let version = version(&machine);
    assert!(!blind.contains(&version), "it names what nobody has read");
    for wrong in ["1", "latest", "1-00000000"] {
        let refused = machine.run(["consent", "accept", "subscription", "--version", wrong]);
        assert!(refused.failed_with(2).contains("not the current one"));
    }
    assert_eq!(state(&machine), "never");

    machine
        .run(["consent", "accept", "subscription", "--version", &version])
        .expect_success();
    assert_eq!(state(&machine), "accepted");
    let hash: Vec<u8> = machine.value("SELECT text_hash FROM consents");
    assert_eq!(hash.len(), 32);
}

#[test]
fn what_was_accepted_is_withdrawn_and_both_are_in_the_audit_and_the_history() {
    let machine = Machine::new();
    let version = version(&machine);
    let accept = ["consent", "accept", "subscription", "--version", &version];
    machine.run(accept).expect_success();
    let withdrawn = machine.run(["consent", "withdraw", "subscription"]);
    assert!(withdrawn.succeeded().contains("is withdrawn"));
    assert_eq!(state(&machine), "withdrawn");
    machine.run(accept).expect_success();

    let history = shown(&machine, "subscription")["history"].take();
    let history = history.as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert!(history[0]["withdrawn_at"].is_null() && history[1]["withdrawn_at"].is_i64());
    let acts: String = machine.value("SELECT group_concat(act, ' ') FROM audit WHERE face = 'cli'");
    assert_eq!(acts, "consent_accept consent_withdraw consent_accept");
}

#[test]
fn a_text_that_changed_since_is_said_to_have() {
    let machine = Machine::new();
    let version = version(&machine);
    let accept = ["consent", "accept", "subscription", "--version", &version];
    machine.run(accept).expect_success();
    machine
        .store()
        .execute(
            "UPDATE consents SET text_hash = zeroblob(32), version = '0-aaaaaaaa'",
            [],
        )
        .unwrap();
    assert_eq!(state(&machine), "text_changed");
    let listed = machine.run(["consent"]).succeeded();
    assert!(listed.contains("the text has changed since"), "{listed}");
}
