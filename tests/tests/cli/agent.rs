//! The agent that an unlock starts, and what it takes along.

use std::io::Read;
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
