//! Env files: a key that is read from one, and one that is written into it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use switchyard_simulator::{Reply, Script, Simulator};
use switchyard_tests::{Machine, Planted};

use super::scope::{purposes, variables};
use super::{key_and_server, prompts};

const FROM_FILE: [&str; 2] = ["--key", "env-file:~/repos.env"];

/// Writes `~/repos.env`, for its owner alone.
fn env_file(machine: &Machine, text: &str) -> PathBuf {
    let path = machine.home().join("repos.env");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn send(machine: &Machine, prompt: &str) -> switchyard_tests::Outcome {
    machine.run(["send"].into_iter().chain(FROM_FILE).chain([prompt]))
}

#[test]
fn the_key_of_an_env_file_pays_without_a_vault_and_the_ledger_names_the_file() {
    let mut planted = Planted::default();
    let (key, ci) = (planted.key("sk-ant-api03-"), planted.key("sk-ant-api03-"));
    let server = Simulator::start_blocking(Script::new().any_key());
    let machine = Machine::new();
    let text = format!(
        "# for the nightly jobs\nexport ANTHROPIC_BASE_URL={}\nexport ANTHROPIC_API_KEY='{key}'\nANTHROPIC_AUTH_TOKEN={ci}\nPATH=$HOME/bin:$PATH\n",
        server.base_url()
    );
    let path = env_file(&machine, &text);
    let arguments = planted.watch_arguments();
    server.push(Reply::text("Paid."));
    let sent = send(&machine, "Hello?");
    assert_eq!(
        (sent.stdout.as_str(), sent.code),
        ("Paid.\n", Some(0)),
        "{}",
        sent.stderr
    );
    let last4 = &key[key.len() - 4..];
    let said = format!("~/repos.env …{last4} pays");
    assert!(sent.stderr.starts_with(&said), "{}", sent.stderr);
    assert_eq!(
        server.requests().last().unwrap().header("x-api-key"),
        Some(key.as_str())
    );
    let usage = machine.run(["usage", "--json"]).json_lines().remove(0);
    let id = usage["payers"][0]["id"].as_str().unwrap();
    assert!(
        id.starts_with(&format!("env-file:~/repos.env:{last4}:")),
        "{id}"
    );
    assert_eq!(usage["payers"][0]["label"], format!("~/repos.env …{last4}"));
    // The same key in a variable of another name is another source of it.
    let other = machine.run([
        "send",
        "--key",
        "env-file:~/repos.env#ANTHROPIC_AUTH_TOKEN",
        "Hello?",
    ]);
    assert!(
        other
            .stderr
            .starts_with("~/repos.env#ANTHROPIC_AUTH_TOKEN …"),
        "{}",
        other.stderr
    );
    assert!(!sent.stderr.contains("warning"), "{}", sent.stderr);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let ways = machine.run(["route"].into_iter().chain(FROM_FILE));
    assert!(
        ways.stdout
            .contains("because you named the file ~/repos.env"),
        "{}",
        ways.stdout
    );
    assert!(
        ways.stderr.contains("warning: others can read ~/repos.env"),
        "{}",
        ways.stderr
    );
    let lines = machine.root().join("lines");
    fs::write(&lines, "One?\n").unwrap();
    let lines = lines.display().to_string();
    let each = ["send", "--each-line", &lines].into_iter().chain(FROM_FILE);
    assert_eq!(
        machine.run(each).json_lines()[0]["payer_label"],
        format!("~/repos.env …{last4}")
    );
    assert_eq!(arguments.end(), Vec::<String>::new());
    fs::remove_file(path).unwrap();
    assert_eq!(planted.found_under(machine.root()), Vec::<String>::new());
}

#[test]
fn a_command_is_scoped_to_the_key_of_an_env_file_and_the_use_is_in_the_audit() {
    let machine = Machine::new();
    let key = Planted::default().key("sk-ant-api03-");
    env_file(&machine, &format!("ANTHROPIC_API_KEY={key}\n"));
    let exec = ["exec"]
        .into_iter()
        .chain(FROM_FILE)
        .chain(["--", "env", "-0"]);
    let done = machine.start(exec).wait_with_output().unwrap();
    assert_eq!(variables(&done.stdout).get("ANTHROPIC_API_KEY"), Some(&key));
    assert_eq!(purposes(&machine), "exec env, paid by env-file:~/repos.env");
}

#[test]
fn what_is_no_key_that_pays_is_refused_before_anything_is_sent() {
    let server = Simulator::start_blocking(Script::new().any_key());
    let mut machine = Machine::new();
    machine.set("ANTHROPIC_BASE_URL", server.base_url());
    let mut planted = Planted::default();
    let (admin, plan) = (planted.key("sk-ant-admin01-"), planted.key("sk-ant-oat01-"));
    let key = planted.key("sk-ant-api03-");
    for (text, said, code) in [
        (format!("ANTHROPIC_API_KEY={admin}"), "admin key", 2),
        (format!("ANTHROPIC_API_KEY={plan}"), "subscription", 2),
        (format!("ANTHROPIC_API_KEY=$(echo {key})"), "to compute", 2),
        (
            format!("ANTHROPIC_API_KEY={key}\n. ~/other.env"),
            "Line 2 of ~/repos.env is shell code",
            2,
        ),
        (
            format!("ANTHROPIC_API_KEY='{key} '"),
            "a space or line break",
            2,
        ),
        ("OTHER=1".to_owned(), "does not set ANTHROPIC_API_KEY", 8),
    ] {
        env_file(&machine, &text);
        let refused = send(&machine, "Hello?");
        assert!(
            !planted.is_in(refused.stderr.as_bytes()),
            "{}",
            refused.stderr
        );
        let refused = refused.failed_with(code);
        assert!(refused.contains(said), "{refused}");
    }
    let path = machine.home().join("repos.env");
    fs::remove_file(&path).unwrap();
    assert!(
        send(&machine, "Hello?")
            .failed_with(8)
            .contains("There is no file ~/repos.env")
    );
    // Nobody ever writes into it.
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
    assert!(
        send(&machine, "Hello?")
            .failed_with(2)
            .contains("no regular file")
    );
    let rule = ["routing", "set", "task"].into_iter().chain(FROM_FILE);
    assert!(machine.run(rule).failed_with(2).contains("--from-env-file"));
    assert_eq!(prompts(&server), 0);
}

#[test]
fn a_key_is_taken_over_from_an_env_file() {
    let (key, server) = key_and_server();
    let machine = Machine::with_vault();
    env_file(&machine, &format!("export CI_KEY={key}\n"));
    let url = server.base_url();
    let add = [
        "keys",
        "add",
        "Work",
        "--base-url",
        &url,
        "--from-env-file",
        "~/repos.env#CI_KEY",
    ];
    let added = machine.run(add);
    assert!(added.stdout.starts_with("Stored Work"), "{}", added.stderr);
    assert!(
        added.stderr.contains("the file still holds it"),
        "{}",
        added.stderr
    );
}

#[test]
fn a_key_is_written_into_an_env_file_that_keeps_every_other_byte() {
    let (key, server) = key_and_server();
    let mut planted = Planted::default();
    planted.text(&key);
    let machine = Machine::with_key(&key, &server);
    let old = planted.key("sk-ant-api03-");
    let file = env_file(
        &machine,
        &format!(
            "# nightly\r\nexport ANTHROPIC_API_KEY='{old}' # Ann's\r\nexport B=\"1 2\"\r\nANTHROPIC_API_KEY={old}"
        ),
    );
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(machine.root().join("elsewhere")).unwrap();
    let link = machine.root().join("elsewhere/link.env");
    symlink(&file, &link).unwrap();
    let link = link.display().to_string();

    let before = fs::read(&file).unwrap();
    let unasked = machine
        .run(["keys", "write-env", "Work", &link])
        .failed_with(2);
    assert!(unasked.contains("Nothing was written"), "{unasked}");
    assert_eq!(
        (fs::read(&file).unwrap(), purposes(&machine)),
        (before, String::new())
    );

    let arguments = planted.watch_arguments();
    let written = machine.run(["keys", "write-env", "Work", &link, "--yes"]);
    assert!(
        written.stdout.contains("in the place of all 2 assignments"),
        "{}{}",
        written.stdout,
        written.stderr
    );
    for said in [
        "in plain text and bills Work",
        "now it is yours alone",
        "ANTHROPIC_BASE_URL is set there as well",
    ] {
        assert!(written.stderr.contains(said), "{}", written.stderr);
    }
    assert_eq!(arguments.end(), Vec::<String>::new());
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        format!(
            "# nightly\r\nexport ANTHROPIC_API_KEY={key} # Ann's\r\nexport B=\"1 2\"\r\nANTHROPIC_API_KEY={key}\r\nexport ANTHROPIC_BASE_URL={}\r\n",
            server.base_url()
        )
    );
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let purpose = purposes(&machine);
    assert!(
        purpose.starts_with("written in plain text into ")
            && purpose.ends_with("link.env as ANTHROPIC_API_KEY"),
        "{purpose}"
    );
    let face: String = machine.value("SELECT face FROM audit WHERE act = 'open'");
    assert_eq!(face, "cli");
    server.push(Reply::text("Paid."));
    assert_eq!(send(&machine, "Hello?").stdout, "Paid.\n");
    let found = planted.found_under(machine.root());
    assert!(
        !found.is_empty() && found.iter().all(|found| found.contains("repos.env")),
        "{found:?}"
    );
}

#[test]
fn a_new_env_file_is_made_private_and_a_shell_reads_the_key_from_it() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let write = [
        "keys",
        "write-env",
        "Work",
        "new.env",
        "--name",
        "CI_KEY",
        "--yes",
        "--json",
    ];
    let written = machine.run(write).json_lines().remove(0);
    let path = machine.home().join("new.env");
    assert_eq!(
        (&written["variable"], &written["replaced"], &written["file"]),
        (
            &"CI_KEY".into(),
            &0.into(),
            &path.display().to_string().into()
        )
    );
    assert_eq!(written["key"]["name"], "Work");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let shell = machine.spawn(
        "/bin/sh".as_ref(),
        ["-c", ". ./new.env; printf %s \"$CI_KEY\""],
    );
    assert_eq!(switchyard_tests::finish(shell, "").stdout, key);
}

#[test]
fn a_file_that_must_not_be_changed_is_left_as_it_was_and_no_key_is_opened() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let write = |path: &str| machine.run(["keys", "write-env", "Work", path, "--yes"]);
    let refuses = |text: &str, said: &str| {
        let path = env_file(&machine, text);
        let refused = write("~/repos.env").failed_with(2);
        assert!(refused.contains(said), "{refused}");
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    };
    refuses(
        "A=1 ANTHROPIC_API_KEY=old\n",
        "together with something else",
    );
    refuses("ANTHROPIC_API_KEY=$(pass show work)\n", "to compute");
    refuses("if true; then ANTHROPIC_API_KEY=old; fi\n", "is shell code");
    let path = env_file(&machine, "A=1\n");
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(write("~/repos.env").failed_with(2).contains("is read-only"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "A=1\n");
    assert!(
        write("nowhere/repos.env")
            .failed_with(2)
            .contains("a folder that is not there")
    );
    symlink("gone.env", machine.home().join("dangling.env")).unwrap();
    assert!(
        write("dangling.env")
            .failed_with(2)
            .contains("leads to no file")
    );
    assert_eq!(purposes(&machine), "");
}
