//! Processes that are killed at any moment: the store always opens, and what is in it is whole.

use std::path::Path;

use rusqlite::Connection;
use rustix::process::Signal;
use switchyard_simulator::{KeyState, Match, Reply, Script, Simulator};
use switchyard_tests::{Machine, Outcome, Planted, Running, binary, expect_sound, finish};

use super::key_and_server;

/// Runs `switchyard` and kills it after so many milliseconds.
pub(super) fn killed_after(
    machine: &Machine,
    milliseconds: u32,
    words: &[&str],
    input: &str,
) -> Outcome {
    let limit = format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000);
    let program = binary("switchyard").display().to_string();
    let before = ["--signal=KILL", &limit, &program];
    let arguments = before.iter().chain(words);
    finish(
        machine.spawn(Path::new("/usr/bin/timeout"), arguments),
        input,
    )
}

/// Adds, deletes and sends, each killed at another moment, and checks the store after each round.
fn kill_rounds(rounds: u32) {
    let mut planted = Planted::default();
    let kept = planted.key("sk-ant-api03-");
    let script = Script::new().key(&kept, KeyState::Valid).any_key();
    let server = Simulator::start_blocking(script.otherwise(Reply::events(5)));
    let machine = Machine::with_key(&kept, &server);
    let url = server.base_url();
    for round in 0..rounds {
        // Spread over what a command takes, by steps that share no factor with the number of kinds.
        let after = 1 + round * 7 % 60;
        let name = format!("Key {round}");
        let key = planted.key("sk-ant-api03-");
        let add = ["keys", "add", &name, "--base-url", &url];
        let added = killed_after(&machine, after, &add, &key);
        let is_there = || {
            let sql = format!(
                "SELECT count(*) FROM api_keys WHERE name = '{name}' AND deleted_at IS NULL"
            );
            machine.value::<i64>(&sql) == 1
        };
        assert!(
            added.code != Some(0) || is_there(),
            "{name} was stored and is lost"
        );
        let _ = killed_after(&machine, after + 3, &["send", "--key", "Work", "Hi."], "");
        if is_there() {
            assert_eq!(
                machine.run(["keys", "check", &name]).code,
                Some(0),
                "{name} does not open"
            );
            let removed = killed_after(&machine, after, &["keys", "rm", &name, "--yes"], "");
            assert!(
                removed.code != Some(0) || !is_there(),
                "{name} was deleted and is there"
            );
        }
        machine.expect_sound_store();
    }
    // Whatever was left open is booked now: each run that reached the server, once.
    machine.run(["usage"]).expect_success();
    machine.expect_sound_store();
    let open: i64 = machine.value("SELECT count(*) FROM runs WHERE state = 'started'");
    assert_eq!(open, 0, "runs stayed open");
    let requests = server.requests();
    let sent = requests
        .iter()
        .filter(|request| request.path == "/v1/messages")
        .count();
    let booked: i64 = machine.value("SELECT count(*) FROM key_usage");
    assert!(
        usize::try_from(booked).unwrap() >= sent,
        "{sent} sent, {booked} booked"
    );
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    let last = server
        .requests()
        .last()
        .unwrap()
        .credential()
        .map(str::to_owned);
    assert_eq!(last.as_deref(), Some(&*kept));
}

#[test]
fn kills_at_any_moment_leave_a_whole_store() {
    kill_rounds(12);
}

#[test]
#[ignore = "long: 200 rounds of kills"]
fn kills_at_two_hundred_moments_leave_a_whole_store() {
    kill_rounds(200);
}

#[test]
fn a_run_killed_while_it_waits_for_its_store_is_booked_exactly_and_once_by_many() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::events(20).stall_after(10));
    let mut sending = Running::new(machine.start(["send", "Hi."]));
    sending.hear("word10");
    let refuse =
        "CREATE TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END";
    machine.store().execute_batch(refuse).unwrap();
    server.release();
    let aside = machine.paths().data().join("unbooked");
    let is_written = |name: &Path| name.extension().is_some_and(|ending| ending == "json");
    let files = || aside.read_dir().into_iter().flatten().flatten();
    while !files().any(|file| is_written(&file.path())) {
        std::thread::yield_now();
    }
    sending.signal(Signal::KILL);
    assert_eq!(sending.end().code, None, "it did not wait for its store");
    machine.store().execute_batch("DROP TRIGGER full").unwrap();

    let next: Vec<_> = (0..6).map(|_| machine.start(["usage"])).collect();
    let next: Vec<_> = next.into_iter().map(|usage| finish(usage, "")).collect();
    let booked = next
        .iter()
        .filter(|done| done.stderr.contains("is booked now"));
    assert_eq!(booked.count(), 1, "{next:?}");
    assert!(next.iter().all(|done| done.code == Some(0)), "{next:?}");
    assert_eq!(files().count(), 0, "the file stays");
    // The same prompt with the same answer, booked by its own process.
    server.push(Reply::events(20));
    machine.run(["send", "Hi."]).expect_success();
    machine.expect_sound_store();
    let rows = "SELECT count(*) FROM key_usage WHERE basis = 'metered'";
    assert_eq!(machine.value::<i64>(rows), 2);
    let kinds = "SELECT count(DISTINCT json_array(input, output, cost_estimate, model, payer)) FROM key_usage";
    assert_eq!(machine.value::<i64>(kinds), 1, "they do not cost the same");
}

#[test]
fn a_real_call_that_is_killed_is_booked_by_the_next_command() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.when(
        Match::path("/v1/messages").times(1),
        Reply::text("Hi").held(),
    );
    let call = ["keys", "check", "--real-call", "--yes", "Work"];
    let checking = Running::new(machine.start(call));
    while !server
        .requests()
        .iter()
        .any(|request| request.path == "/v1/messages")
    {
        std::thread::yield_now();
    }
    checking.signal(Signal::KILL);
    assert_eq!(checking.end().code, None);
    let used = machine.run(["usage"]);
    assert!(
        used.stderr.contains("1 run ended with its process"),
        "{used:?}"
    );
    let cost: i64 = machine.value("SELECT cost_estimate FROM key_usage");
    assert!(cost > 0);
    let listed = machine.run(["history"]).succeeded();
    assert!(listed.contains("(a check of the key)"), "{listed}");
    machine.expect_sound_store();
}

/// Makes a store as the second version of the schema had it, with settings enough that copying and
/// migrating it takes a while.
fn old_store(machine: &Machine, rows: u32) {
    let made = machine.run(["settings", "usage.keep_months", "7"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let path = machine.paths().database();
    for ending in ["db", "db-wal", "db-shm"] {
        let _ = std::fs::remove_file(path.with_extension(ending));
    }
    let store = Connection::open(&path).unwrap();
    for sql in [
        include_str!("../../../migrations/0001_store.sql"),
        include_str!("../../../migrations/0002_vault_and_keys.sql"),
    ] {
        store.execute_batch(sql).unwrap();
    }
    let fill = format!(
        "INSERT INTO store (id, store_id, created_at, zone, pepper)
             VALUES (1, 'old', 0, 'UTC', randomblob(32));
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO settings SELECT 'old.' || i, json_quote(hex(randomblob(200))), i FROM n;
         PRAGMA user_version = 2; PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE);"
    );
    store.execute_batch(&fill).unwrap();
}

/// Kills the migration of an old store at each of these moments and lets the next command do it.
fn migration_kills(moments: impl Iterator<Item = u32>, rows: u32) {
    let mut is_cut = false;
    for after in moments {
        let machine = Machine::new();
        old_store(&machine, rows);
        let first = killed_after(&machine, after, &["settings"], "");
        is_cut |= first.code != Some(0);
        let next = machine.run(["settings", "usage.keep_months", "3"]);
        assert_eq!(next.code, Some(0), "after {after} ms: {}", next.stderr);
        expect_sound(&machine.paths().database());
        let kept: i64 = machine.value("SELECT count(*) FROM settings WHERE name LIKE 'old.%'");
        assert_eq!(kept, i64::from(rows), "after {after} ms");
        let version: i64 = machine.value("PRAGMA user_version");
        assert_eq!(
            usize::try_from(version),
            Ok(switchyard_core::db::SCHEMA_VERSION)
        );
        let backups = std::fs::read_dir(machine.paths().backups())
            .unwrap()
            .flatten();
        let whole = backups.filter(|entry| is_whole(&entry.path())).count();
        assert!(whole > 0, "after {after} ms no backup is whole");
    }
    assert!(is_cut, "no kill came early enough to cut anything");
}

fn is_whole(backup: &Path) -> bool {
    let Ok(copy) = Connection::open(backup) else {
        return false;
    };
    let verdict = copy.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0));
    let version = copy.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    verdict.is_ok_and(|verdict| verdict == "ok") && version == Ok(2)
}

#[test]
fn a_migration_that_is_killed_is_done_by_the_next_command() {
    migration_kills([4, 9, 15, 22, 40, 80].into_iter(), 4_000);
}

#[test]
#[ignore = "long: a hundred kills of a migration"]
fn a_migration_that_is_killed_at_a_hundred_moments_is_done_by_the_next_command() {
    migration_kills((1..=100).map(|step| step * 3), 20_000);
}

#[test]
fn a_backup_that_can_not_be_made_stops_the_migration() {
    let machine = Machine::new();
    old_store(&machine, 10);
    // A file where the folder of the backups belongs.
    std::fs::write(machine.paths().backups(), "in the way").unwrap();
    let before = std::fs::read(machine.paths().database()).unwrap();
    let refused = machine.run(["settings"]).failed_with(7);
    assert!(refused.contains("\nhint: "), "{refused}");
    let after = std::fs::read(machine.paths().database()).unwrap();
    assert_eq!(before, after, "it was migrated without a backup");
}
