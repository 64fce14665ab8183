//! Connections to a host that are of no use, and many at once.

use std::os::unix::fs::PermissionsExt;

use switchyard_tests::sshd::{Setup, Sshd};
use switchyard_tests::{Machine, Outcome, binary, finish};

use super::farm::{add, machine, pin, send};

/// Stands in for `ssh`: its connection is there, and what answers at its socket understands nothing. Nobody
/// lets it in for ever.
const DEAF: &str = r#"#!/bin/sh
echo started >> "$0.log"
[ "$(wc -l < "$0.log")" -lt 20 ] || exit 255
for word; do case $word in ControlPath=*) socket=${word#*\"}; esac; done
exec ssh-agent -D -a "${socket%\"}"
"#;

#[test]
fn a_host_over_whose_connections_nothing_can_be_started_is_given_up_and_not_logged_in_to_for_ever()
{
    let sshd = Sshd::start();
    let mut machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    let deaf = sshd.root().join("ssh");
    std::fs::write(&deaf, DEAF).unwrap();
    std::fs::set_permissions(&deaf, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    machine.set("PATH", format!("{}:{path}", sshd.root().display()));
    let logins = || {
        let log = std::fs::read_to_string(deaf.with_extension("log")).unwrap();
        log.lines().count()
    };
    let lost = "The connection to box was lost";
    let probed = machine.run(["hosts", "probe", "box"]);
    assert!(probed.stdout.contains(lost), "{}", probed.stdout);
    assert_eq!(logins(), 1);
    let said = machine
        .run(send(&["--host", "box", "Hello?"]))
        .failed_with(12);
    assert!(said.contains(lost), "{said}");
    assert_eq!(logins(), 2, "{said}");
}

/// Sends forty lines, sixteen at a time, from a shell that has set a limit.
fn forty_lines(machine: &Machine, limit: &str) -> Outcome {
    let lines: String = (0..40)
        .map(|number| format!("Line {number}, {limit}\n"))
        .collect();
    std::fs::write(machine.home().join("prompts"), lines).unwrap();
    let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
    let switchyard = binary("switchyard").display().to_string();
    let mut words = vec!["-c", &script, &switchyard];
    words.extend(send(&["--each-line", "prompts", "--jobs", "16"]));
    finish(machine.spawn("/bin/sh".as_ref(), words), "")
}

#[test]
fn a_host_that_cannot_be_asked_from_here_has_nothing_held_against_it() {
    let sshd = Sshd::start();
    let mut machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    machine.set("PATH", sshd.root().display().to_string());
    for words in [vec!["hosts", "probe", "box"], send(&["Hello?"])] {
        let said = machine.run(words).failed_with(1);
        assert!(said.contains("openssh-client"), "{said}");
    }
    let state = machine.run(["hosts", "list", "--json"]).json_lines();
    assert_eq!(state[0]["state"], "ready", "{state:?}");
    assert_eq!(state[0]["probe"], serde_json::Value::Null, "{state:?}");
}

#[test]
fn many_runs_at_once_find_room_for_their_files_or_are_told_that_there_is_none() {
    let sshd = Sshd::with(&Setup {
        options: vec!["MaxSessions 20".to_owned()],
        ..Setup::default()
    });
    let machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    machine
        .run(["hosts", "edit", "box", "--slots", "16"])
        .expect_success();
    let sent = forty_lines(&machine, "-n 48");
    let said = format!("{}{}", sent.stdout, sent.stderr);
    assert_ne!(sent.code, Some(0), "{said}");
    assert!(said.contains("open no more files"), "{said}");
    assert!(!said.contains("apt install"), "{said}");
    let state = machine.run(["hosts", "list", "--json"]).json_lines();
    assert_eq!(state[0]["state"], "ready", "it is not the host's fault");
    let sent = forty_lines(&machine, "-Sn 48");
    assert_eq!(sent.code, Some(0), "{}{}", sent.stdout, sent.stderr);
}
