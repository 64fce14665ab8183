//! The store replaced by a copy of it, with real processes that are killed, stopped, or in the way.

use std::path::PathBuf;

use switchyard_tests::{Machine, Planted, Running, expect_sound};

use super::kills::killed_after;
use super::{prompts, stop};

impl Copied {
    fn restore(&self) -> switchyard_tests::Outcome {
        let file = self.copy.as_os_str();
        let words = ["store", "restore", "--yes"].map(std::ffi::OsStr::new);
        self.machine.run(words.into_iter().chain([file]))
    }

    fn names(&self) -> Vec<String> {
        let keys = self.machine.run(["keys", "list", "--json"]).json_lines();
        let name = |key: &serde_json::Value| key["name"].as_str().unwrap().to_owned();
        keys.iter().map(name).collect()
    }

    /// Adds a key that no copy holds, and kills the agent over the open store.
    fn add_and_kill(&self) {
        self.machine.unlock();
        let key = Planted::default().key("sk-ant-api03-");
        self.machine
            .add("Later", &key, &self.server)
            .expect_success();
        self.machine.end_agent();
    }
}

/// A machine with a key and a run, both in a copy of its store.
struct Copied {
    machine: Machine,
    server: switchyard_simulator::Simulator,
    copy: PathBuf,
}

fn copied() -> Copied {
    let key = Planted::default().key("sk-ant-api03-");
    let script = switchyard_simulator::Script::new()
        .key(&key, switchyard_simulator::KeyState::Valid)
        .any_key();
    let server = switchyard_simulator::Simulator::start_blocking(script);
    let machine = Machine::with_key(&key, &server);
    machine.run(["send", "Hi."]).expect_success();
    let copy = machine.root().join("copy");
    let file = copy.display().to_string();
    let said = machine.run(["store", "backup", &file]).succeeded();
    assert!(said.contains(&file), "{said}");
    Copied {
        machine,
        server,
        copy,
    }
}

#[test]
fn a_store_that_a_killed_process_left_with_its_log_is_restored_and_locked() {
    let copied = copied();
    copied.add_and_kill();
    let machine = &copied.machine;
    let log = machine.paths().database().with_extension("db-wal");
    assert!(log.metadata().unwrap().len() > 0, "there is no log");
    let said = copied.restore().succeeded();
    assert!(said.contains("added since"), "{said}");
    machine.expect_sound_store();
    assert_eq!(copied.names(), ["Work"]);
    let aside = std::fs::read_dir(machine.paths().backups()).unwrap();
    let aside = aside.flatten().next().unwrap().path();
    assert!(said.contains(&*aside.display().to_string()), "{said}");
    expect_sound(&aside.join("switchyard.db"));

    let status = machine.run(["vault", "status", "--json"]).json_lines();
    assert_eq!(status[0]["status"]["silent_keychain"], false);
    let refused = machine.run(["send", "Hi."]).failed_with(3);
    assert!(refused.contains("locked"), "{refused}");
    machine.unlock();
    machine.run(["send", "Hi."]).expect_success();
    assert_eq!(prompts(&copied.server), 2);
    let removed = machine.run(["keys", "rm", "Work", "--yes"]);
    assert!(removed.stderr.contains("still hold it, sealed"));
}

#[test]
fn a_store_that_an_agent_has_open_is_not_replaced_also_if_it_is_stopped() {
    let copied = copied();
    let machine = &copied.machine;
    machine.end_agent();
    let agent = Running::new(machine.start(["agent"]));
    while machine.agent().is_none() {
        std::thread::yield_now();
    }
    for is_stopped in [false, true] {
        if is_stopped {
            stop(agent.pid());
        }
        let refused = copied.restore().failed_with(7);
        let process = format!("process {}", agent.pid().as_raw_nonzero());
        assert!(refused.contains(&process), "{refused}");
    }
    agent.signal(rustix::process::Signal::KILL);
    assert_eq!(agent.end().code, None);
    copied.restore().expect_success();
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_store_or_the_new_one() {
    let copied = copied();
    let machine = &copied.machine;
    let file = copied.copy.display().to_string();
    let restore = ["store", "restore", "--yes", &file];
    for round in 0..12 {
        copied.add_and_kill();
        let killed = killed_after(machine, 1 + round, &restore, "");
        let names = copied.names();
        machine.expect_sound_store();
        match names.len() {
            1 => {}
            2 => {
                assert_ne!(killed.code, Some(0), "it was said to be restored");
                machine.unlock();
                let rm = machine.run(["keys", "rm", "Later", "--yes"]);
                rm.expect_success();
            }
            _ => panic!("neither store: {names:?}"),
        }
    }
}

#[test]
fn nothing_is_restored_without_a_yes() {
    let copied = copied();
    copied.machine.end_agent();
    let file = copied.copy.display().to_string();
    let refused = copied.machine.run(["store", "restore", &file]);
    let refused = refused.failed_with(2);
    assert!(refused.contains("--yes"), "{refused}");
    assert!(!copied.machine.paths().backups().exists());
}
