//! One command with exactly one credential: what it gets, what it does not, and that it is its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::process::Signal;
use switchyard_core::shell::names::{self, Role};
use switchyard_simulator::{KeyState, Script, Simulator};
use switchyard_tests::{Machine, Planted, Running, binary, finish};

use super::key_and_server;
use crate::terminal::typed;

/// Runs `switchyard exec --key Work -- COMMAND…` and returns what it wrote, byte for byte.
fn executed(machine: &Machine, command: &[&OsStr]) -> Vec<u8> {
    let words = ["exec", "--key", "Work", "--"].map(OsStr::new);
    let child = machine.start(words.iter().chain(command));
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    done.stdout
}

fn words<'a>(text: &[&'a str]) -> Vec<&'a OsStr> {
    text.iter().map(|word| OsStr::new(*word)).collect()
}

/// Reads what `env -0` wrote.
pub(super) fn variables(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    text.split_terminator('\0')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Sets every variable of the table, each to a value of its own, and a credential under a name of nobody's.
pub(super) fn plant(machine: &mut Machine, planted: &mut Planted) -> Vec<(String, Role)> {
    let all: Vec<_> = names::known()
        .map(|(pattern, role)| (pattern.replace('*', "X"), role))
        .collect();
    for (name, role) in &all {
        let value = match role {
            Role::Credential => planted.key("sk-ant-api03-"),
            _ => format!("value-of-{name}"),
        };
        machine.set(name, value);
    }
    machine.set("MY_OLD_NOTE", planted.key("sk-ant-oat01-"));
    all
}

pub(super) fn purposes(machine: &Machine) -> String {
    machine.value(
        "SELECT coalesce(group_concat(purpose, ' | '), '') FROM audit WHERE act IN ('open', 'scope')",
    )
}

#[test]
fn a_command_gets_one_credential_and_loses_every_other_that_was_around() {
    let (key, server) = key_and_server();
    let mut machine = Machine::with_key(&key, &server);
    let mut planted = Planted::default();
    let all = plant(&mut machine, &mut planted);
    let child = machine.start(["exec", "--key", "Work", "--", "env", "-0"]);
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let seen = variables(&done.stdout);

    assert_eq!(seen.get(names::API_KEY), Some(&key), "{said}");
    assert_eq!(seen.get(names::BASE_URL), Some(&server.base_url()));
    assert!(!planted.is_in(&done.stdout), "a credential came through");
    assert!(!planted.is_in(&done.stderr), "a credential was shown");
    for (name, role) in &all {
        let stays = matches!(role, Role::Model | Role::Network | Role::Telemetry)
            || name == names::CONFIG_DIR;
        let is_given = name == names::API_KEY || name == names::BASE_URL;
        assert_eq!(seen.contains_key(name), stays || is_given, "{name}");
        assert_eq!(said.contains(name.as_str()), !stays, "{name}: {said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!seen.contains_key("MY_OLD_NOTE") && said.contains("MY_OLD_NOTE"));
    assert_eq!(seen["HOME"], machine.home().display().to_string());

    let kept = machine.start([
        "exec",
        "--key",
        "Work",
        "--quiet",
        "--keep-cloud",
        "--",
        "env",
    ]);
    let kept = finish(kept, "");
    assert_eq!(kept.stderr, "");
    assert!(kept.stdout.contains("AWS_X=") && !kept.stdout.contains("CLAUDE_CODE_USE_BEDROCK"));
}

#[test]
fn exit_code_signals_input_and_number_are_the_command_s_own() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let exec = |script: &str| {
        let words = ["exec", "--key", "Work", "--quiet", "--", "sh", "-c", script];
        machine.start(words)
    };
    assert_eq!(finish(exec("exit 7"), "").code, Some(7));
    for signal in [Signal::TERM, Signal::PIPE, Signal::INT] {
        let ended = exec(&format!("kill -{} $$", signal.as_raw()));
        let status = ended.wait_with_output().unwrap().status;
        let by = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(by, Some(signal.as_raw()));
    }
    let child = exec("cat; echo $$");
    let number = child.id();
    let done = finish(child, "line one\nline two");
    assert_eq!(done.stdout, format!("line one\nline two{number}\n"));
    assert_eq!(done.stderr, "");
}

#[test]
fn arguments_reach_the_command_byte_for_byte_and_the_key_is_none_of_them() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let odd: Vec<OsString> = [
        &b""[..],
        b"--json",
        b"--key",
        b"--",
        b"a b'c\"d$(e)\\",
        b"two\nlines",
        b"\xff\xfe",
    ]
    .into_iter()
    .map(|bytes| OsString::from_vec(bytes.to_vec()))
    .collect();
    let script = "for one; do printf '%s\\0' \"$one\"; done";
    let mut command = words(&["sh", "-c", script, "sh"]);
    command.extend(odd.iter().map(OsString::as_os_str));
    let expected: Vec<u8> = odd
        .iter()
        .flat_map(|one| [one.as_bytes(), b"\0"].concat())
        .collect();
    assert_eq!(executed(&machine, &command), expected);

    let arguments = executed(&machine, &words(&["cat", "/proc/self/cmdline"]));
    assert_eq!(arguments, b"cat\0/proc/self/cmdline\0");
    let environment = executed(&machine, &words(&["cat", "/proc/self/environ"]));
    let times = environment
        .split(|byte| *byte == 0)
        .filter(|line| line.ends_with(key.as_bytes()));
    assert_eq!(times.count(), 1);
}

#[test]
fn the_use_is_in_the_audit_while_the_command_runs() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let script = "echo up; exec sleep 600";
    let words = ["exec", "--key", "Work", "--", "/bin/sh", "-c", script];
    let mut running = Running::new(machine.start(words));
    running.hear("up");
    assert_eq!(purposes(&machine), "exec sh");
    let by_key: i64 =
        machine.value("SELECT count(*) FROM audit WHERE act = 'open' AND key_id IS NOT NULL");
    assert_eq!(by_key, 1);
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None);
    machine.expect_sound_store();
}

#[test]
fn a_locked_vault_an_admin_key_and_an_unknown_one_start_nothing() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let admin = Planted::default().key("sk-ant-admin01-");
    let url = Simulator::start_blocking(Script::new()).base_url();
    machine
        .run_with(
            ["keys", "add", "Boss", "--unchecked", "--base-url", &url],
            &admin,
        )
        .expect_success();
    let made = machine.home().join("made");
    let exec = |name: &str| {
        let command = ["--", "touch", made.to_str().unwrap()];
        machine.run(["exec", "--key", name].into_iter().chain(command))
    };
    assert!(exec("Boss").failed_with(2).contains("admin key"));
    assert!(exec("Nobody").failed_with(8).contains("no key called"));
    machine.run(["vault", "lock"]).expect_success();
    assert!(exec("Work").failed_with(3).contains("vault unlock"));
    assert!(!made.exists(), "the command was run");
    assert_eq!(purposes(&machine), "");
}

#[test]
fn a_program_that_can_not_be_started_ends_as_in_a_shell_and_opens_no_key() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let plain = machine.home().join("plain");
    std::fs::write(&plain, "not a program").unwrap();
    for (program, code) in [
        ("no-such-program", 127),
        ("/nonexistent/program", 127),
        (plain.to_str().unwrap(), 126),
        ("/", 126),
    ] {
        let ended = machine.run(["exec", "--key", "Work", "--", program]);
        assert_eq!(ended.failed_with(code).lines().count(), 1, "{program}");
    }
    assert_eq!(purposes(&machine), "");
}

#[test]
fn descriptors_that_were_opened_for_the_command_reach_it_but_for_the_passphrase() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    machine.run(["vault", "lock"]).expect_success();
    let file = |name: &str, text: &str| {
        let path = machine.home().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (secret, data) = (file("secret", machine.passphrase()), file("data", "for it"));
    let program = binary("switchyard").display().to_string();
    let script = "exec \"$0\" exec --key Work --quiet --passphrase-fd 3 -- \
        sh -c 'cat <&4; { cat <&3; } 2>/dev/null || echo \" and no more\"' 3<\"$1\" 4<\"$2\"";
    let shell = machine.spawn(
        Path::new("/bin/bash"),
        ["-c", script, &program, &secret, &data],
    );
    let done = finish(shell, "");
    assert_eq!(done.stdout, "for it and no more\n", "{}", done.stderr);
}

#[test]
fn the_key_of_a_variable_is_scoped_without_a_vault_and_noted_all_the_same() {
    let mut machine = Machine::new();
    let mut planted = Planted::default();
    let (key, other) = (planted.key("sk-ant-api03-"), planted.key("sk-ant-api03-"));
    machine.set("WORK_KEY", &key).set(names::API_KEY, &other);
    let words = ["exec", "--key", "env:WORK_KEY", "--", "env", "-0"];
    let done = machine.run(words);
    let seen = variables(done.stdout.as_bytes());
    assert_eq!(seen.get(names::API_KEY), Some(&key), "{}", done.stderr);
    assert!(!seen.contains_key("WORK_KEY"));
    assert_eq!(purposes(&machine), "exec env, paid by env:WORK_KEY");

    machine.set(names::BASE_URL, "https://gateway.example");
    let unsaid = machine.run(words).failed_with(2);
    assert!(unsaid.contains("which server is it for?"), "{unsaid}");
    machine
        .set(names::BASE_URL, "")
        .set("TOKEN", planted.key("sk-ant-oat01-"));
    let refused = machine.run(["exec", "--key", "env:TOKEN", "--", "env"]);
    assert!(
        refused
            .failed_with(2)
            .contains("token of a Claude subscription")
    );
}

#[test]
fn what_env_writes_gives_each_shell_the_key_and_takes_it_away_again() {
    let token = Planted::default().key("gw_'\"$(echo)`\\;&|<>!{}~#%");
    let server = Simulator::start_blocking(Script::new().key(&token, KeyState::Valid));
    let mut machine = Machine::with_vault();
    machine.add("Work", &token, &server).expect_success();
    machine
        .set(names::AUTH_TOKEN, "another")
        .set("odd.name", "sk-ant-made-up")
        .set("SWITCHYARD", binary("switchyard").display().to_string());
    let shown = "printf '%s|%s|%s' \"$ANTHROPIC_API_KEY\" \"$ANTHROPIC_BASE_URL\" \"$ANTHROPIC_AUTH_TOKEN\"";
    let sh = |how: &str| format!("eval \"$(\"$SWITCHYARD\" env --shell sh {how})\"");
    let fish = |how: &str| format!("$SWITCHYARD env --shell fish {how} | source");
    let powershell =
        |how: &str| format!("& $env:SWITCHYARD env --shell powershell {how} | Out-String | iex");
    let in_powershell = "[Console]::Write(\"$env:ANTHROPIC_API_KEY|$env:ANTHROPIC_BASE_URL|$env:ANTHROPIC_AUTH_TOKEN\")";
    let mut tried = 0;
    for (shell, how, shown) in [
        ("sh", &sh as &dyn Fn(&str) -> String, shown),
        ("dash", &sh, shown),
        ("bash", &sh, shown),
        ("zsh", &sh, shown),
        ("fish", &fish, shown),
        ("pwsh", &powershell, in_powershell),
    ] {
        let Some(program) = on_path(shell) else {
            println!("NOT TRIED: {shell} is not installed");
            continue;
        };
        let script = format!(
            "{}\n{shown}\n{}\n{shown}",
            how("--key Work"),
            how("--unset")
        );
        let done = finish(machine.spawn(&program, ["-c", &script]), "");
        let expected = format!("{token}|{}|", server.base_url());
        assert_eq!(
            done.stdout,
            format!("{expected}||"),
            "{shell}: {}",
            done.stderr
        );
        tried += 1;
    }
    assert!(tried >= 2, "no shell was tried");
    // Not every shell passes such a name on, and none could take it away.
    let said = machine.run(["env", "--key", "Work"]).stderr;
    assert!(said.contains("odd.name holds a credential"), "{said}");
    assert!(purposes(&machine).starts_with("env | env"));
}

fn on_path(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}

#[test]
fn env_warns_where_the_key_lands_on_a_screen_and_knows_the_shell_by_its_name() {
    let (key, server) = key_and_server();
    let mut machine = Machine::with_key(&key, &server);
    let session = typed(&machine, &["env", "--key", "Work"], &[]);
    assert!(session.shown.contains("warning: the key is on your screen"));
    let piped = machine.run(["env", "--key", "Work"]);
    assert_eq!(piped.stderr, "");
    assert!(
        piped
            .stdout
            .ends_with(&format!("export ANTHROPIC_API_KEY='{key}'\n"))
    );
    machine.set("SHELL", "/usr/bin/fish");
    let fish = machine.run(["env", "--unset"]).succeeded();
    assert_eq!(
        fish,
        "set -e ANTHROPIC_API_KEY\nset -e ANTHROPIC_BASE_URL\n"
    );
    machine.set("SHELL", "/bin/tcsh");
    let refused = machine.run(["env", "--key", "Work"]).failed_with(2);
    assert!(refused.contains("--shell"), "{refused}");
}

#[test]
fn key_helper_writes_the_key_and_nothing_else_and_asks_nobody() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let helped = machine.run(["key-helper", "Work"]);
    assert_eq!(
        (helped.stdout, helped.stderr),
        (format!("{key}\n"), String::new())
    );
    assert_eq!(purposes(&machine), "key-helper");
    assert_eq!(machine.run(["key-helper", "Nobody"]).code, Some(8));
    for command in [&["key-helper", "Work"][..], &["env", "--key", "Work"]] {
        let json = machine.run(command.iter().chain(&["--json"]));
        assert!(!json.stdout.contains(&key), "{command:?}");
        assert_eq!(json.code, Some(2), "{command:?}");
    }
    machine.run(["vault", "lock"]).expect_success();
    // On a terminal that would answer: the question is never put.
    let passphrase = machine.passphrase();
    let session = typed(
        &machine,
        &["key-helper", "Work"],
        &[("Passphrase", passphrase)],
    );
    assert_eq!((session.code, session.left), (3, 1), "{}", session.shown);
    assert!(session.shown.contains("vault unlock"), "{}", session.shown);
}
