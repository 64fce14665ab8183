//! Command lines that can't be right: exit code 2, one line of error, one line of help.

use switchyard_tests::Machine;

const WRONG: &[&[&str]] = &[
    &[],
    &["frobnicate"],
    &["--frobnicate"],
    &["keys"],
    &["keys", "frobnicate"],
    &["keys", "add"],
    &["keys", "add", "Work", "sk-ant-not-here"],
    &["keys", "add", "Work", "--key", "x"],
    &["keys", "add", "Work", "--from-env", "NOT_SET"],
    &["keys", "add", "Work", "--base-url"],
    &["keys", "select"],
    &["keys", "select", "a", "b"],
    &["keys", "check", "--real-call"],
    &["keys", "rm"],
    &["keys", "edit"],
    &["keys", "add", "Work", "--passphrase-fd", "0"],
    &["send", "-", "--passphrase-fd", "0"],
    &["send", "--model"],
    &["send", "--max-tokens", "-5", "Hi."],
    &["send", "--max-tokens", "many", "Hi."],
    &["send", "--max-tokens", "99999999999999999999", "Hi."],
    &["send", "--max-tokens", "0", "--key", "env:SET", "Hi."],
    &["send", "--reply", "first", "Hi."],
    &["send", "--key", "env:", "Hi."],
    &["send", "--key", "env-file:", "Hi."],
    &["send", "--key", "env-file:/", "Hi."],
    &["keys", "write-env", "Work"],
    &["keys", "add", "Work", "--from-env-file", "/"],
    &["send", "--attach", "/nonexistent", "Hi."],
    &["send", "--key", "env:SET", ""],
    &["send", "one", "two"],
    &["history", "last"],
    &["history", "-n", "-1"],
    &["history", "-n", "0"],
    &["history", "abc"],
    &["history", "--forget", "first"],
    &["history", "1", "--forget", "1"],
    &["usage", "--range", "yesterweek"],
    &["usage", "--range", "2026-13-01..2026-13-02"],
    &["usage", "--range", "2026-02-02..2026-02-01"],
    &["usage", "--by", "mood"],
    &["usage", "--csv", "--json"],
    &["vault"],
    &["vault", "open"],
    &["vault", "add-slot"],
    &["vault", "add-slot", "window"],
    &["vault", "status", "--passphrase-fd", "stdin"],
    &["vault", "init", "--no-keychain", "--passphrase-fd", "250"],
    &["settings", "dispatch.model", "a", "b"],
    &["settings", "dispatch.model", "two words"],
    &[
        "settings",
        "http.proxy",
        "http://me:secret@proxy.example:8080",
    ],
    &["settings", "http.ca_file", "/nonexistent.pem"],
    &["settings", "usage.zone", "Mars/Olympus"],
    &["settings", "usage.keep_months", "some"],
    &["settings", "http.proxy", "not a proxy"],
    &["consent", "show"],
    &["consent", "show", "weather"],
    &["consent", "accept", "oauth"],
    &["consent", "accept", "oauth", "--version", "1"],
    &["exec"],
    &["exec", "--key", "env:SET"],
    &["exec", "--key", "env:SET", "env"],
    &["exec", "--", "env"],
    &["exec", "--tier", "farm", "--", "env"],
    &[
        "exec",
        "--tier",
        "subscription",
        "--key",
        "env:SET",
        "--",
        "env",
    ],
    &[
        "exec",
        "--key",
        "env:SET",
        "--base-url",
        "ftp://x",
        "--",
        "env",
    ],
    &[
        "exec",
        "--key",
        "env:SET",
        "--passphrase-fd",
        "0",
        "--",
        "env",
    ],
    &["env"],
    &["env", "--key", "env:SET", "--unset"],
    &["env", "--key", "env:SET", "--shell", "tcsh"],
    &["key-helper"],
    &["key-helper", "a", "b"],
    &["agent", "now"],
    &["completions"],
    &["completions", "dos"],
    &["who", "me"],
    &["models", "--key"],
    &["demo-fill"],
];

#[test]
fn wrong_input_ends_with_code_2_one_line_of_error_and_one_of_help() {
    let mut machine = Machine::new();
    machine.set("SET", "sk-ant-api03-made-up-for-a-test");
    let mut wrong = Vec::new();
    for arguments in WRONG {
        let outcome = machine.run(arguments.iter());
        let lines: Vec<_> = outcome.stderr.lines().collect();
        let is_short = matches!(lines[..], [error, hint]
            if error.starts_with("error: ") && hint.starts_with("hint: "));
        if outcome.code != Some(2) || !is_short || !outcome.stdout.is_empty() {
            wrong.push(format!("{arguments:?}: {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arguments_and_input_that_are_not_text_are_told_and_not_a_panic() {
    use std::os::unix::ffi::OsStrExt;
    let machine = Machine::new();
    let broken = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let send = std::ffi::OsStr::new("send");
    for arguments in [vec![send, broken], vec![broken]] {
        let said = machine.run(arguments).failed_with(2);
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}

#[test]
fn a_key_given_as_an_argument_is_not_repeated() {
    let key = switchyard_tests::Planted::default().key("sk-ant-api03-");
    let machine = Machine::new();
    for arguments in [
        &["keys", "add", "Work", &key][..],
        &[&key],
        &["send", "a", &key],
    ] {
        let said = machine.run(arguments).failed_with(2);
        assert!(
            said.contains("[redacted]") && !said.contains(&key),
            "{said}"
        );
    }
}

#[test]
fn help_names_every_exit_code_and_goes_to_standard_output() {
    let machine = Machine::new();
    let help = machine.run(["--help"]);
    assert_eq!(help.stderr, "");
    let help = help.succeeded();
    for code in [
        "0 done",
        "2 bad input",
        "3 vault locked",
        "7 store",
        "9 a consent",
        "130 cancelled",
    ] {
        assert!(help.contains(code), "{code} is not in {help}");
    }
    assert!(
        machine
            .run(["--version"])
            .succeeded()
            .starts_with("switchyard ")
    );
}

#[test]
fn a_home_that_is_no_absolute_path_is_refused() {
    let mut machine = Machine::new();
    machine.set("SWITCHYARD_HOME", "relative/path");
    let said = machine.run(["keys", "list"]).failed_with(2);
    assert!(said.contains("not an absolute path"), "{said}");
}

#[test]
fn a_prompt_that_is_not_text_is_refused() {
    use std::io::Write;
    let mut machine = Machine::new();
    machine.set("SET", "sk-ant-api03-made-up-for-a-test");
    let mut sending = machine.start(["send", "--key", "env:SET", "-"]);
    sending
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"\xff\xfe\xfd")
        .unwrap();
    let said = switchyard_tests::finish(sending, "").failed_with(2);
    assert!(said.contains("not UTF-8"), "{said}");
}
