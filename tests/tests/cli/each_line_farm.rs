//! `send --each-line` over the farm: the hosts are filled, each by itself, and nothing is booked twice.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use serde_json::Value;
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};
use switchyard_tests::{Machine, Outcome, Running};

use super::each_line::wait_until;

/// A machine with hosts on one sshd, a key in a variable that pays, and a file of lines.
struct Desk {
    sshd: Sshd,
    machine: Machine,
}

impl Desk {
    fn new(hosts: &[(&'static str, u32)], lines: usize) -> Self {
        let sshd = Sshd::with(&Setup {
            users: hosts.iter().map(|(name, _)| (*name, "/bin/sh")).collect(),
            ..Setup::default()
        });
        let machine = super::farm::machine(&sshd);
        let desk = Self { sshd, machine };
        for (name, slots) in hosts {
            desk.add(name, *slots);
        }
        let mut text = String::new();
        for number in 1..=lines {
            writeln!(text, "Prompt number {number}").unwrap();
        }
        std::fs::write(desk.machine.home().join("prompts"), text).unwrap();
        desk
    }

    fn add(&self, name: &str, slots: u32) {
        let (at, port) = (self.sshd.destination(name), self.sshd.port().to_string());
        let (identity, slots) = (self.sshd.identity(), slots.to_string());
        let add = ["hosts", "add", name, &at, "--port", &port];
        let more = ["--identity", &identity, "--slots", &slots];
        self.machine
            .run(add.into_iter().chain(more))
            .expect_success();
        let print = self.sshd.key().fingerprint();
        let pin = ["hosts", "pin", name, "--fingerprint", &print];
        self.machine.run(pin).expect_success();
    }

    /// Lets the `claude` of a host do this with its prompt, which stands in `$prompt`.
    fn claude(&self, host: &str, script: &str) {
        self.sshd
            .claude(host, &format!("{ANSWERS}\nready; {script}"));
    }

    fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
        let all = ["send", "--tier", "farm", "--key", "env:FARM_KEY"];
        let lines = ["--model", "haiku", "--each-line", "prompts"];
        [&all[..], &lines[..], more].concat()
    }

    fn send(&self, more: &[&str]) -> Outcome {
        self.machine.run(Self::arguments(more))
    }

    fn start(&self, more: &[&str]) -> Running {
        Running::new(self.machine.start(Self::arguments(more)))
    }

    fn booked(&self) -> i64 {
        self.machine
            .value("SELECT count(*) FROM key_usage WHERE tier = 'farm'")
    }

    /// Returns how many runs each host has answered, in the order of their names.
    fn answered(&self) -> String {
        self.machine.value(
            "SELECT group_concat(name || ' ' || runs, ', ') FROM (
                 SELECT h.name, count(*) AS runs FROM runs r JOIN hosts h ON h.id = r.host_id
                 WHERE r.state = 'finished' GROUP BY h.name ORDER BY h.name)",
        )
    }

    /// Lets the `claude` of the host `box` count its prompts and lose the third and the fourth.
    fn loses_two(&self) {
        let count = self.sshd.root().join("count");
        std::fs::write(&count, "0\n").unwrap();
        // Lost after their first word; after two in a row the host rests.
        self.claude(
            "box",
            &format!(
                "read -r count <{0}; count=$((count + 1)); echo $count >{0}
                 [ $count -lt 3 ] || [ $count -gt 4 ] || {{ begin; text Half; exit 1; }}; {COUNTS}",
                count.display()
            ),
        );
    }

    /// Lets work without a person go to one host, and to another one where that is down.
    fn falls_back(&mut self, first: &str, then: &str) {
        let _ = self.machine.make_vault();
        self.machine.unlock();
        let (key, server) = super::key_and_server();
        self.machine.add("Work", &key, &server).expect_success();
        for host in [first, then] {
            let labelled = ["hosts", "edit", host, "--label", host];
            self.machine.run(labelled).expect_success();
        }
        for rule in [["--label", first], ["--label", then]] {
            let mut set = vec!["routing", "set", "task", "--model", "haiku"];
            set.extend(rule);
            if rule[1] == then {
                set.extend(["--on", "host_down", "--key", "Work"]);
            }
            self.machine.run(set).expect_success();
        }
        let rows = self.machine.run(["routing", "--json"]).json_lines();
        let row = rows.iter().find(|row| row["auto"]["class"] == "task");
        let version = &row.unwrap()["auto"]["fallbacks"][0]["agreement"]["version"];
        let version = version.as_str().unwrap();
        let allow = ["routing", "allow", "task", "1", "--version", version];
        self.machine.run(allow).expect_success();
    }

    /// Makes a pipe with a name, and opens it at both ends; here, nothing waits for ever.
    fn pipe(&self, name: &str) -> (String, File) {
        let path = self.fifo(name);
        let mode = OFlags::RDWR | OFlags::NONBLOCK;
        let file = rustix::fs::open(&path, mode, Mode::empty()).unwrap();
        (path.display().to_string(), File::from(file))
    }

    /// Makes a pipe with a name, by which a stand-in and its test wait for one another.
    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.sshd.root().join(name);
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        path
    }
}

/// Waits until so many have written a line to a pipe.
fn read((_, pipe): &(String, File), count: usize) {
    let mut left = count;
    wait_until(|| {
        let mut pipe: &File = pipe;
        match pipe.read(&mut vec![0; left]) {
            Ok(came) => left -= came,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        left == 0
    });
}

/// Lets so many go on that read a line of a pipe.
fn write((_, pipe): &(String, File), count: usize) {
    let mut pipe: &File = pipe;
    pipe.write_all("\n".repeat(count).as_bytes()).unwrap();
}

/// Answers with the number of its prompt.
const COUNTS: &str = r#"number=${prompt##*number }; answers "Answer ${number%%[!0-9]*}""#;

/// Returns the numbers of the lines that are answered.
fn answered(outcome: &Outcome) -> Vec<u64> {
    let all = outcome.json_lines().into_iter();
    let good: Vec<_> = all.filter(|result| result["error"].is_null()).collect();
    numbers(&good)
}

fn numbers(results: &[Value]) -> Vec<u64> {
    let lines = results.iter().map(|result| result["line"].as_u64());
    lines.map(Option::unwrap).collect()
}

#[test]
fn the_lines_fill_the_farm_and_their_results_come_in_the_order_of_the_file() {
    let desk = Desk::new(&[("one", 2), ("two", 2)], 12);
    desk.claude("one", COUNTS);
    // The later ones are done first.
    desk.claude("two", &format!("sleep 0.2; {COUNTS}"));
    let sent = desk.send(&[]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let results = sent.json_lines();
    assert_eq!(numbers(&results), (1..=12).collect::<Vec<_>>());
    for result in &results {
        assert_eq!(
            result["text"],
            format!("Answer {}", result["line"]),
            "{result}"
        );
        assert!(result["cost"].is_string(), "{result}");
    }
    assert_eq!(desk.booked(), 12);
    let by_host = desk.answered();
    assert!(
        by_host.contains("one ") && by_host.contains("two "),
        "{by_host}"
    );
    let placed: i64 = desk
        .machine
        .value("SELECT count(*) FROM key_usage WHERE host_id IS NOT NULL");
    assert_eq!(placed, 12, "each is booked with its host");
}

#[test]
fn a_slow_host_does_not_hold_up_the_lines_that_others_can_take() {
    let desk = Desk::new(&[("fast", 1), ("slow", 1)], 6);
    let go = desk.fifo("go");
    desk.claude("fast", COUNTS);
    desk.claude("slow", &format!("read -r on <{}; {COUNTS}", go.display()));
    let sending = desk.start(&[]);
    // All but the one that the slow host has.
    wait_until(|| desk.booked() >= 5);
    std::fs::write(&go, "on\n").unwrap();
    let ended = sending.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(desk.answered(), "fast 5, slow 1");
}

#[test]
fn the_lines_of_a_host_that_fails_go_on_to_another_one() {
    let desk = Desk::new(&[("good", 2), ("lost", 2)], 8);
    desk.claude("good", COUNTS);
    desk.claude("lost", "begin; kill -KILL $$");
    let sent = desk.send(&[]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(numbers(&sent.json_lines()), (1..=8).collect::<Vec<_>>());
    assert_eq!((desk.answered().as_str(), desk.booked()), ("good 8", 8));
    let first = "SELECT count(*) FROM key_usage u JOIN runs r ON r.id = u.run_id
        WHERE r.attempts > 1 AND u.basis <> 'estimated'";
    assert_eq!(
        desk.machine.value::<i64>(first),
        0,
        "what a host that failed may have been billed for is in there"
    );
    let rests: String = desk.machine.run(["hosts"]).succeeded();
    assert!(
        rests.contains("lost") && rests.contains("resting"),
        "{rests}"
    );
}

#[test]
fn a_second_call_goes_on_where_every_host_had_failed_and_books_nothing_twice() {
    let desk = Desk::new(&[("box", 1)], 5);
    desk.loses_two();
    let mut sending = desk.start(&["-j", "1"]);
    sending.hear_note("every host rests");
    desk.machine.run(["hosts", "pause", "box"]).expect_success();
    let first = sending.end();
    assert_eq!(first.code, Some(10), "nobody is waited for any more");
    assert_eq!(answered(&first), [1, 2]);
    desk.machine
        .run(["hosts", "resume", "box"])
        .expect_success();
    let second = desk.send(&["-j", "1"]);
    assert_eq!(answered(&second), [1, 2, 5], "{}", second.stderr);
    assert_eq!(
        second.code,
        Some(13),
        "what was billed is not sent again unasked"
    );
    assert_eq!(desk.booked(), 5, "two answers, two halves, and the fifth");
    let again = desk.send(&["-j", "1", "--again"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!((answered(&again), desk.booked()), (vec![1, 2, 3, 4, 5], 7));
    let anew = desk.send(&["-j", "1", "--anew"]);
    assert_eq!(anew.code, Some(0), "{}", anew.stderr);
    assert_eq!(desk.booked(), 12);
}

#[test]
fn the_lines_wait_while_every_host_rests_and_go_on_as_soon_as_one_is_back() {
    let desk = Desk::new(&[("box", 1)], 6);
    desk.loses_two();
    let mut sending = desk.start(&["-j", "2"]);
    sending.hear_note("every host rests");
    desk.machine
        .run(["hosts", "resume", "box"])
        .expect_success();
    let ended = sending.end();
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    assert_eq!(numbers(&ended.json_lines()), [1, 2, 3, 4, 5, 6]);
    assert_eq!((answered(&ended).len(), desk.booked()), (4, 6));
    assert_eq!(ended.stderr.matches("every host rests").count(), 1);
}

#[test]
fn a_line_that_was_billed_on_its_first_way_is_not_begun_once_more_while_the_second_rests() {
    let mut desk = Desk::new(&[("near", 3), ("far", 1)], 3);
    desk.falls_back("near", "far");
    let (came, go) = (desk.pipe("came"), desk.pipe("go"));
    let stuck = format!("echo >{}; read -r _ <{}; exit 1", came.0, go.0);
    desk.claude("near", &stuck);
    desk.claude("far", &stuck);
    let lines = ["--class", "task", "--each-line", "prompts", "-j", "3"];
    let sending = desk
        .machine
        .start(["send"].iter().chain(&lines).chain(&["--again"]));
    let sending = Running::new(sending);
    // All three prompts are out before the first one is lost …
    read(&came, 3);
    write(&go, 3);
    // … and all three have gone on before the one slot over there is free again.
    read(&came, 1);
    let gone_on = "SELECT count(*) FROM runs WHERE fallback_of IS NOT NULL";
    wait_until(|| desk.machine.value::<i64>(gone_on) >= 3);
    write(&go, 2);
    let ended = sending.end();
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    let results = ended.json_lines();
    assert_eq!(numbers(&results), [1, 2, 3]);
    for result in &results {
        assert_eq!(result["is_resumed"], false, "{result}");
        assert!(result["error"].is_object(), "{result}");
    }
    let nobody = |result: &&Value| result["error"]["code"] == "no_host";
    assert_eq!(results.iter().filter(nobody).count(), 1, "{results:?}");
    assert_eq!(desk.booked(), 5, "three here and two there");
}

#[test]
fn cancelled_twice_nothing_is_left_running_on_any_host() {
    let desk = Desk::new(&[("one", 2), ("two", 2)], 20);
    let began = desk.pipe("began");
    for host in ["one", "two"] {
        desk.claude(host, &format!("begin; text Half; echo >{}; stay", began.0));
    }
    let mut sending = desk.start(&[]);
    read(&began, 4);
    assert!(
        desk.sshd.temporary().len() >= 4,
        "every slot has its folder"
    );
    sending.signal(Signal::INT);
    sending.hear_note("once more cancels");
    sending.signal(Signal::INT);
    let ended = sending.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    wait_until(|| desk.sshd.temporary().is_empty());
    let open: i64 = desk
        .machine
        .value("SELECT count(*) FROM runs WHERE state = 'started'");
    assert_eq!((open, desk.booked()), (0, 4), "what had begun is booked");
}

#[test]
fn a_host_that_shows_another_key_ends_all_lines() {
    let mut desk = Desk::new(&[("one", 1), ("two", 1)], 8);
    desk.sshd.change_key(&Setup::default());
    let sent = desk.send(&["-j", "1"]);
    assert_eq!(sent.code, Some(11), "{}", sent.stderr);
    assert_eq!(numbers(&sent.json_lines()), [1]);
    assert_eq!(desk.booked(), 0);
}
