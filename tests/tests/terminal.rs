//! A real terminal: secrets that are typed are not shown, a wrong passphrase may be mistyped, and what
//! one face opened no other asks for.

use std::path::Path;

use serde_json::{Value, json};
use switchyard_simulator::{KeyState, Reply, Script, Simulator};
use switchyard_tests::{Machine, Planted, binary, finish};

/// Runs a command in a pseudo-terminal: waits for each text, then types the answer to it. Writes all
/// that the terminal showed, and how the command ended, as JSON.
const TYPIST: &str = r#"
import json, os, pty, sys, termios
script = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.execv(script["command"][0], script["command"])
shown = b""
answers = script["answers"]
seen = 0
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    while answers and answers[0][0].encode() in shown[seen:]:
        text, typed = answers.pop(0)
        seen = shown.index(text.encode(), seen) + len(text.encode())
        os.write(terminal, typed.encode() + b"\n")
echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
json.dump({"shown": shown.decode(errors="replace"), "code": code, "left": len(answers),
           "echoes": echoes}, sys.stdout)
"#;

/// What a terminal showed, and how the command ended.
pub(crate) struct Session {
    pub(crate) shown: String,
    pub(crate) code: i64,
    pub(crate) left: u64,
}

pub(crate) fn typed(machine: &Machine, words: &[&str], answers: &[(&str, &str)]) -> Session {
    let program = binary("switchyard").display().to_string();
    let command: Vec<&str> = std::iter::once(&*program)
        .chain(words.iter().copied())
        .collect();
    let script = json!({ "command": command, "answers": answers }).to_string();
    let python = machine.spawn(Path::new("/usr/bin/python3"), ["-c", TYPIST]);
    let done = finish(python, &script);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(told["echoes"], true, "the terminal was left mute");
    Session {
        shown: told["shown"].as_str().unwrap().to_owned(),
        code: told["code"].as_i64().unwrap(),
        left: told["left"].as_u64().unwrap(),
    }
}

const ASKED: &str = "Passphrase of the vault";

#[test]
fn a_key_that_is_typed_is_hidden_and_stored() {
    let mut planted = Planted::default();
    let key = planted.key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    let machine = Machine::with_vault();
    let url = server.base_url();
    let add = ["keys", "add", "Work", "--base-url", &url];
    let session = typed(&machine, &add, &[("Key (not shown): ", &key)]);
    assert_eq!((session.code, session.left), (0, 0), "{}", session.shown);
    assert!(session.shown.contains("Stored Work …"), "{}", session.shown);
    assert!(
        !planted.is_in(session.shown.as_bytes()),
        "the key was shown"
    );
    assert_eq!(server.requests()[0].credential(), Some(&*key));
}

#[test]
fn a_new_passphrase_is_typed_twice_hidden_and_then_opens_the_vault() {
    let mut planted = Planted::default();
    let passphrase = planted.key("a phrase with blanks ");
    let machine = Machine::new();
    let twice = [
        ("New passphrase: ", &*passphrase),
        ("The same again: ", &*passphrase),
    ];
    let made = typed(&machine, &["vault", "init", "--no-keychain"], &twice);
    assert_eq!((made.code, made.left), (0, 0), "{}", made.shown);
    assert!(
        made.shown.contains("Recovery code, shown this once"),
        "{}",
        made.shown
    );
    let opened = typed(&machine, &["vault", "unlock"], &[(ASKED, &passphrase)]);
    assert_eq!((opened.code, opened.left), (0, 0), "{}", opened.shown);
    for shown in [made.shown, opened.shown] {
        assert!(!planted.is_in(shown.as_bytes()), "the passphrase was shown");
    }
}

#[test]
fn two_different_new_passphrases_make_no_vault() {
    let machine = Machine::new();
    let twice = [
        ("New passphrase: ", "one thing"),
        ("The same again: ", "another thing"),
    ];
    let made = typed(&machine, &["vault", "init", "--no-keychain"], &twice);
    assert_eq!(made.code, 2, "{}", made.shown);
    assert!(
        made.shown.contains("The two passphrases differ."),
        "{}",
        made.shown
    );
    let status = machine.run(["vault", "status"]).succeeded();
    assert!(status.contains("There is no vault yet."), "{status}");
}

#[test]
fn a_passphrase_may_be_mistyped_twice_and_three_times_is_the_end() {
    let machine = Machine::with_locked_vault();
    let right = machine.passphrase();
    let wrong = (ASKED, "mistyped");
    let opened = typed(
        &machine,
        &["vault", "unlock"],
        &[wrong, wrong, (ASKED, right)],
    );
    assert_eq!((opened.code, opened.left), (0, 0), "{}", opened.shown);
    machine.run(["vault", "lock"]).expect_success();
    let refused = typed(
        &machine,
        &["vault", "unlock"],
        &[wrong, wrong, wrong, (ASKED, right)],
    );
    assert_eq!((refused.code, refused.left), (3, 1), "{}", refused.shown);
    assert!(!refused.shown.contains("mistyped"), "{}", refused.shown);
    let status = machine.run(["vault", "status"]).succeeded();
    assert!(status.starts_with("Locked"), "{status}");
}

#[test]
fn the_recovery_code_opens_the_vault_where_the_passphrase_is_asked_for() {
    let mut machine = Machine::new();
    let code = machine.make_vault();
    let opened = typed(&machine, &["vault", "unlock"], &[(ASKED, &code)]);
    assert_eq!((opened.code, opened.left), (0, 0), "{}", opened.shown);
    assert!(!opened.shown.contains(&code), "the code was shown");
}

#[test]
fn what_one_face_opened_no_other_asks_for() {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    let machine = Machine::with_locked_vault();
    let right = machine.passphrase();
    assert_eq!(
        typed(&machine, &["vault", "unlock"], &[(ASKED, right)]).code,
        0
    );
    assert_eq!(machine.add("Work", &key, &server).code, Some(0));
    for words in [
        &["send", "Hi."][..],
        &["keys", "check", "Work"],
        &["history", "1"],
        &["vault", "unlock"],
    ] {
        let session = typed(&machine, words, &[(ASKED, right)]);
        assert_eq!(
            (session.code, session.left),
            (0, 1),
            "{words:?}: {}",
            session.shown
        );
    }
    // Locked, each asks, and what is typed serves the whole of that command.
    machine.run(["vault", "lock"]).expect_success();
    let sent = typed(
        &machine,
        &["send", "--reply", "1", "More."],
        &[(ASKED, right), (ASKED, right)],
    );
    assert_eq!((sent.code, sent.left), (0, 1), "{}", sent.shown);
}

#[test]
fn what_a_server_says_is_shown_on_a_terminal_and_not_obeyed() {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    let machine = Machine::with_key(&key, &server);
    let evil = "one\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{9b}31m\u{202e}end";
    let reply = || Reply::deltas(["one\u{1b}", &evil[4..]]).thinking("Hm\u{1b}[2J");
    server.push(reply());
    let sent = typed(&machine, &["send", "--thinking", "Hi."], &[]);
    let shown = typed(&machine, &["history", "1"], &[]);
    for session in [sent, shown] {
        let screen = session.shown;
        assert!(
            screen.contains("one⟨001B⟩]0;PWNED⟨0007⟩⟨001B⟩[2J"),
            "{screen}"
        );
        let obeyed = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}'];
        assert!(!screen.contains(obeyed), "{screen:?}");
    }
    server.push(reply());
    assert_eq!(machine.run(["send", "Hi."]).stdout, format!("{evil}\n"));
}

#[test]
fn ctrl_c_at_a_prompt_ends_the_command_and_changes_nothing() {
    let machine = Machine::with_vault();
    let session = typed(
        &machine,
        &["keys", "add", "Work"],
        &[("Key (not shown): ", "\u{3}")],
    );
    assert_eq!(session.code, 130, "{}", session.shown);
    assert!(
        session.shown.contains("Nothing was entered."),
        "{}",
        session.shown
    );
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM api_keys"), 0);
}

#[test]
fn ctrl_c_at_the_passphrase_is_a_cancel_also_after_a_wrong_one() {
    let machine = Machine::with_locked_vault();
    let (wrong, cancel) = ((ASKED, "mistyped"), (ASKED, "\u{3}"));
    for answers in [&[cancel][..], &[wrong, cancel]] {
        for words in [
            &["vault", "unlock"][..],
            &["vault", "rm-slot", "recovery", "--yes"],
        ] {
            let session = typed(&machine, words, answers);
            assert_eq!((session.code, session.left), (130, 0), "{}", session.shown);
            let said = "the vault stays locked";
            assert!(session.shown.contains(said), "{}", session.shown);
        }
    }
    assert!(machine.agent().is_none(), "an agent that nobody unlocked");
}

#[test]
fn a_deletion_is_asked_for_and_no_is_the_answer_unless_yes_was_typed() {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    let machine = Machine::with_key(&key, &server);
    for (answer, code, left) in [("", 2, 1), ("no", 2, 1), ("y", 0, 0)] {
        let session = typed(&machine, &["keys", "rm", "Work"], &[("[y/N] ", answer)]);
        assert_eq!(session.code, code, "{answer:?}: {}", session.shown);
        let stored = "SELECT count(*) FROM api_keys WHERE deleted_at IS NULL";
        assert_eq!(machine.value::<i64>(stored), left, "{answer:?}");
    }
}

#[test]
fn a_risk_text_is_shown_before_it_is_accepted_and_only_a_typed_yes_accepts_it() {
    let machine = Machine::new();
    let accept = ["consent", "accept", "subscription"];
    let asked = "Type yes to accept this";
    for answer in ["", "y", "no"] {
        let session = typed(&machine, &accept, &[(asked, answer)]);
        assert_eq!(session.code, 2, "{answer:?}: {}", session.shown);
        assert!(!machine.paths().database().exists(), "{answer:?}");
    }
    let session = typed(&machine, &accept, &[(asked, "yes")]);
    assert_eq!((session.code, session.left), (0, 0), "{}", session.shown);
    let before = session.shown.split(asked).next().unwrap();
    for part in ["without prior notice", "What can happen:", "Version 1-"] {
        assert!(before.contains(part), "{part} is not in {before}");
    }
    let rows: i64 = machine.value("SELECT count(*) FROM consents WHERE withdrawn_at IS NULL");
    assert_eq!(rows, 1);
    // Accepted is accepted: nothing is asked again.
    let again = typed(&machine, &accept, &[]);
    assert!(again.shown.contains("accepted already"), "{}", again.shown);
}
