//! Connections to a host that are of no use, and many at once.

use std::os::unix::fs::PermissionsExt;

use switchyard_tests::sshd::Sshd;

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
