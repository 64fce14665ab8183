//! Names as people and programs write them: stored exactly, shown safely, bounded.

use switchyard_simulator::{Script, Simulator};
use switchyard_tests::{Machine, Planted};

fn server() -> Simulator {
    Simulator::start_blocking(Script::new().any_key())
}

fn key() -> String {
    Planted::default().key("sk-ant-api03-")
}

#[test]
fn a_name_is_kept_exactly_and_its_control_characters_are_shown_and_not_obeyed() {
    let (server, machine) = (server(), Machine::with_vault());
    for name in ["🔑 clé 漢字 👩‍👩‍👧", "abc\u{202E}fdp.exe", "Caf\u{e9}"] {
        assert_eq!(machine.add(name, &key(), &server).code, Some(0), "{name:?}");
        let listed = machine.run(["keys", "list", "--json"]).json_lines();
        let is_kept = listed.iter().any(|line| line["name"] == name);
        assert!(is_kept, "{name:?} became another name: {listed:?}");
        assert_eq!(
            machine.run(["keys", "select", name]).code,
            Some(0),
            "{name:?}"
        );
    }
    for arguments in [
        &["keys", "list"][..],
        &["keys", "check"],
        &["send", "Hi."],
        &["history"],
        &["usage"],
    ] {
        let outcome = machine.run(arguments);
        let all = [outcome.stdout, outcome.stderr].concat();
        assert!(
            !all.contains('\u{202E}'),
            "{arguments:?} writes it as it is"
        );
    }
    assert!(
        machine
            .run(["keys", "list"])
            .succeeded()
            .contains("abc⟨202E⟩fdp.exe")
    );
}

#[test]
fn one_name_in_two_unicode_forms_is_one_name() {
    let (server, machine) = (server(), Machine::with_vault());
    assert_eq!(machine.add("Caf\u{e9}", &key(), &server).code, Some(0));
    let refused = machine.add("Cafe\u{301}", &key(), &server).failed_with(2);
    assert!(refused.contains("already"), "{refused}");
    assert_eq!(machine.run(["keys", "select", "CAFE\u{301}"]).code, Some(0));
}

#[test]
fn a_name_of_nothing_or_of_ten_thousand_characters_is_refused_in_one_short_line() {
    let (server, machine) = (server(), Machine::with_vault());
    let endless = "x".repeat(10_000);
    for name in ["", "   ", "\u{200B}", "two\nlines", "bell\u{7}", &endless] {
        let refused = machine.add(name, &key(), &server).failed_with(2);
        assert!(refused.starts_with("error: The name "), "{refused}");
        assert_eq!(refused.lines().count(), 2, "{refused}");
        assert!(refused.len() < 300, "{refused}");
    }
    assert!(
        server.requests().is_empty(),
        "a key was sent for a name that is no good"
    );
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM api_keys"), 0);
}

#[test]
fn labels_and_tags_are_bounded_like_names() {
    let (server, machine) = (server(), Machine::with_vault());
    assert_eq!(machine.add("Work", &key(), &server).code, Some(0));
    let endless = "y".repeat(10_000);
    for flag in ["--environment", "--organization", "--tag"] {
        for value in [&*endless, "a\nb", "c\u{1b}[31m"] {
            let refused = machine
                .run(["keys", "edit", "Work", flag, value])
                .failed_with(2);
            assert!(refused.len() < 300, "{refused}");
        }
    }
    let note = "z".repeat(1_000_000);
    // One argument of a process holds 128 KiB at most, so this stays below.
    let refused = machine.run(["keys", "edit", "Work", "--note", &note[..100_000]]);
    assert!(
        refused
            .failed_with(2)
            .contains("The note has 100000 characters")
    );
}
