//! Files and rows that are not what they should be.

use std::path::Path;

use switchyard_simulator::{KeyState, Script, Simulator};
use switchyard_tests::{Machine, Planted};

use super::{key_and_server, prompts};

const READING: &[&[&str]] = &[
    &["keys", "list"],
    &["usage"],
    &["history"],
    &["vault", "status"],
    &["settings"],
    &["models"],
];
const WRITING: &[&[&str]] = &[
    &["send", "Hi."],
    &["keys", "add", "Other"],
    &["keys", "edit", "Work", "--note", "x"],
    &["keys", "rm", "Work", "--yes"],
    &["settings", "usage.keep_months", "3"],
    &["history", "--forget", "all", "--yes"],
];

/// Makes a store with a key and a run, and closes everything that has it open.
fn closed_store() -> (Machine, Simulator) {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    machine.run(["vault", "lock"]).expect_success();
    let store = machine.store();
    store
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(store);
    (machine, server)
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn a_file_that_is_cut_empty_or_garbage_is_told_and_never_written() {
    let (machine, server) = closed_store();
    let path = machine.paths().database();
    let whole = bytes(&path);
    let garbage: Vec<u8> = (0..whole.len())
        .map(|at| u8::try_from(at * 7 % 251).unwrap())
        .collect();
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 8_192].fill(0xA5);
    let half = &whole[..whole.len() / 2];
    let cases = [
        ("empty", Vec::new()),
        ("one byte", vec![b'S']),
        ("garbage", garbage),
        ("half", half.to_vec()),
        ("a header alone", whole[..100].to_vec()),
        ("a text", b"not a store, just notes\n".to_vec()),
    ];
    let before = prompts(&server);
    for (what, damaged) in &cases {
        std::fs::write(&path, damaged).unwrap();
        for arguments in READING {
            let read = machine.run(arguments.iter());
            let words = format!("{what}, {arguments:?}: {read:?}");
            assert!(matches!(read.code, Some(0 | 7)), "{words}");
            let told = [
                "is damaged",
                "reading only",
                "cut short",
                "not a Switchyard store",
                "is empty",
            ];
            assert!(
                told.iter().any(|told| read.stderr.contains(told)),
                "{words}"
            );
            assert_eq!(&bytes(&path), damaged, "{words} changed the file");
        }
        for arguments in WRITING {
            let written = machine.run(arguments.iter());
            let words = format!("{what}, {arguments:?}: {written:?}");
            // A pasted key that is none is refused before the store is looked at.
            assert!(matches!(written.code, Some(7 | 2)), "{words}");
            assert_eq!(&bytes(&path), damaged, "{words} changed the file");
        }
    }
    assert_eq!(prompts(&server), before, "something was sent");
    std::fs::write(&path, &whole).unwrap();
    assert!(machine.run(["keys", "list"]).succeeded().contains("Work"));
    machine.expect_sound_store();
}

#[test]
fn a_page_torn_in_the_middle_is_an_error_in_words_and_never_a_panic() {
    let (machine, _server) = closed_store();
    let path = machine.paths().database();
    let whole = bytes(&path);
    let pages = whole.len() / 4_096;
    for page in 1..pages {
        let mut torn = whole.clone();
        torn[page * 4_096..][..4_096].fill(0xA5);
        std::fs::write(&path, &torn).unwrap();
        for arguments in [&["keys", "list"][..], &["usage"], &["history"]] {
            let read = machine.run(arguments);
            let words = format!("page {page}, {arguments:?}: {read:?}");
            assert!(matches!(read.code, Some(0 | 7)), "{words}");
            assert!(
                read.code == Some(0) || read.stderr.contains("hint: "),
                "{words}"
            );
        }
    }
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let (machine, server) = closed_store();
    let store = machine.store();
    store
        .execute_batch("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(store);
    let path = machine.paths().database();
    let before = (bytes(&path), prompts(&server));
    for arguments in READING.iter().chain(WRITING) {
        let refused = machine.run(arguments.iter());
        let words = format!("{arguments:?}: {refused:?}");
        assert!(matches!(refused.code, Some(7 | 2)), "{words}");
        if refused.code == Some(7) {
            assert!(refused.stderr.contains("newer Switchyard"), "{words}");
        }
        assert_eq!(bytes(&path), before.0, "{words} changed the file");
    }
    assert_eq!(prompts(&server), before.1, "something was sent");
    assert!(
        !machine.paths().backups().exists(),
        "it was copied as if to migrate it"
    );
}

/// A machine with an open vault and two keys, each of which the server knows.
fn two_keys() -> (Machine, Simulator, [String; 2]) {
    let mut planted = Planted::default();
    let keys = [planted.key("sk-ant-api03-"), planted.key("sk-ant-api03-")];
    let script = Script::new()
        .key(&keys[0], KeyState::Valid)
        .key(&keys[1], KeyState::Valid);
    let server = Simulator::start_blocking(script);
    let machine = Machine::with_key(&keys[0], &server);
    assert_eq!(machine.add("Home", &keys[1], &server).code, Some(0));
    (machine, server, keys)
}

#[test]
fn one_flipped_bit_damages_one_key_and_leaves_the_others() {
    let (machine, server, keys) = two_keys();
    let sealed: Vec<u8> = machine.value("SELECT key FROM api_keys WHERE name = 'Work'");
    // The first byte is the version, then nonce, text and tag: one of each, and the ends.
    for at in [0, 1, 12, 13, sealed.len() / 2, sealed.len() - 1] {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        let damage = "UPDATE api_keys SET key = ?1 WHERE name = 'Work'";
        machine.store().execute(damage, [&flipped]).unwrap();
        server.clear();
        for arguments in [
            &["send", "--key", "Work", "Hi."][..],
            &["keys", "check", "Work"],
        ] {
            let refused = machine.run(arguments).failed_with(7);
            assert!(refused.contains("\nhint: "), "byte {at}: {refused}");
        }
        assert!(
            server.requests().is_empty(),
            "byte {at}: something was sent"
        );
    }
    assert_eq!(machine.run(["send", "--key", "Home", "Hi."]).code, Some(0));
    assert_eq!(
        server.requests().last().unwrap().credential(),
        Some(&*keys[1])
    );
    machine.expect_sound_store();
    // The damaged one can be deleted, and added again.
    machine
        .run(["keys", "rm", "Work", "--yes"])
        .expect_success();
    assert_eq!(machine.add("Work", &keys[0], &server).code, Some(0));
    assert_eq!(machine.run(["send", "--key", "Work", "Hi."]).code, Some(0));
}

/// Exchanges the values of a column between the two rows of a table.
fn swap(machine: &Machine, table: &str, column: &str) {
    let exchange = format!(
        "CREATE TEMP TABLE other AS SELECT id, {column} AS value FROM {table};
         UPDATE {table} SET {column} = (SELECT value FROM other WHERE other.id <> {table}.id)"
    );
    machine.store().execute_batch(&exchange).unwrap();
    let different = format!("SELECT count(DISTINCT {column}) FROM {table}");
    assert_eq!(machine.value::<i64>(&different), 2, "they were not swapped");
}

#[test]
fn two_sealed_keys_that_were_swapped_open_for_nobody() {
    let (machine, server, _keys) = two_keys();
    swap(&machine, "api_keys", "key");
    server.clear();
    for name in ["Work", "Home"] {
        let refused = machine.run(["send", "--key", name, "Hi."]).failed_with(7);
        assert!(refused.contains("\nhint: "), "{refused}");
    }
    assert!(server.requests().is_empty(), "the wrong key was sent");
}

#[test]
fn texts_that_were_swapped_between_runs_are_damaged_and_the_costs_stay() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    for prompt in ["First.", "Second."] {
        assert_eq!(machine.run(["send", prompt]).code, Some(0));
    }
    swap(&machine, "runs", "prompt");
    for run in ["1", "2"] {
        let refused = machine.run(["history", run]).failed_with(7);
        assert!(!refused.contains("First.") && !refused.contains("Second."));
    }
    assert_eq!(machine.run(["history"]).code, Some(0));
    assert!(machine.run(["usage"]).succeeded().contains("in 2 runs"));
}

#[test]
fn a_copied_file_does_not_open_without_its_passphrase() {
    let (machine, server) = closed_store();
    let thief = Machine::new();
    let folder = thief.paths().data().to_owned();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(machine.paths().database(), thief.paths().database()).unwrap();
    let listed = thief.run(["keys", "list"]).succeeded();
    assert!(listed.contains("Work"), "{listed}");
    let before = prompts(&server);
    assert_eq!(thief.run(["send", "Hi."]).code, Some(3));
    let guessed = thief.run_with(["vault", "unlock", "--passphrase-fd", "0"], "guess\n");
    let refused = guessed.failed_with(3);
    assert!(refused.contains("passphrase"), "{refused}");
    assert_eq!(prompts(&server), before);
}
