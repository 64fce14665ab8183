//! The agent that an unlock starts, and what it takes along.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use switchyard_tests::{Machine, binary, finish};

#[test]
fn the_agent_holds_no_descriptor_of_whoever_started_it() {
    let machine = Machine::with_locked_vault();
    // Descriptor 3 is the pipe that is read to its end here; the agent must not keep it open.
    let script = "exec \"$0\" vault unlock --passphrase-fd 0 3>&2 2>/dev/null";
    let program = binary("switchyard").display().to_string();
    let mut child = machine.spawn(Path::new("/bin/sh"), ["-c", script, &program]);
    let mut pipe = child.stderr.take().unwrap();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        let read = pipe.read_to_end(&mut Vec::new());
        let _ = ended.send(read);
    });
    let outcome = finish(child, &format!("{}\n", machine.passphrase()));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
    assert!(machine.agent().is_some(), "nobody keeps the vault open");
    let read = end.recv_timeout(Duration::from_secs(20));
    assert!(read.is_ok(), "the agent holds the pipe of its starter");
}

#[test]
fn an_agent_that_is_started_after_a_lock_on_request_stays_locked_with_a_passphrase_at_hand() {
    let machine = Machine::with_vault();
    machine.run(["vault", "lock"]).expect_success();
    while machine.agent().is_some() {
        std::thread::yield_now();
    }
    let mut agent = machine.start(["agent", "--passphrase-fd", "0"]);
    let passphrase = format!("{}\n", machine.passphrase());
    let mut pipe = agent.stdin.take().unwrap();
    pipe.write_all(passphrase.as_bytes()).unwrap();
    drop(pipe);
    let said = BufReader::new(agent.stderr.take().unwrap()).lines().next();
    let said = said.unwrap().unwrap();
    assert!(said.contains("vault unlock"), "{said}");
    let status = machine.run(["vault", "status", "--json"]).json_lines();
    assert_eq!(status[0]["agent"], true);
    assert_ne!(status[0]["status"]["lock"], "unlocked");
    machine.unlock();
    let status = machine.run(["vault", "status"]).succeeded();
    assert!(status.starts_with("Open"), "{status}");
    agent.kill().unwrap();
    agent.wait().unwrap();
}
