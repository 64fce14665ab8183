//! `switchyard hosts`, and `send --tier farm` as a script calls it.

use std::io::{Read, Write};
use std::path::PathBuf;

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use switchyard_simulator::Reply;
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd, children};
use switchyard_tests::{Machine, Planted, Running};

/// The variable that holds the key that pays.
const KEY: [&str; 2] = ["--key", "env:FARM_KEY"];

/// A machine that reads no ssh configuration of a developer's, and a key in a variable.
pub(super) fn machine(sshd: &Sshd) -> Machine {
    let mut machine = Machine::new();
    machine.set("FARM_KEY", Planted::default().key("sk-ant-api03-"));
    let config = sshd.config().display().to_string();
    machine
        .run(["settings", "farm.ssh_config", &config])
        .expect_success();
    machine
}

/// Tells of the user `box` of an sshd, and returns what was said.
pub(super) fn add(machine: &Machine, sshd: &Sshd) -> String {
    let (port, identity) = (sshd.port().to_string(), sshd.identity());
    let at = sshd.destination("box");
    let add = [
        "hosts",
        "add",
        "box",
        &at,
        "--port",
        &port,
        "--identity",
        &identity,
    ];
    machine.run(add).succeeded()
}

pub(super) fn pin(machine: &Machine, sshd: &Sshd) {
    let fingerprint = sshd.key().fingerprint();
    let pin = ["hosts", "pin", "box", "--fingerprint", &fingerprint];
    machine.run(pin).expect_success();
}

pub(super) fn send<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["send", "--tier", "farm", "--model", "haiku"];
    all.extend(KEY);
    all.extend(arguments);
    all
}

#[test]
fn a_host_is_added_pinned_probed_used_and_removed() {
    let sshd = Sshd::start();
    let machine = machine(&sshd);
    let said = add(&machine, &sshd);
    assert!(said.contains("once its key is pinned"), "{said}");
    let refused = machine.run(send(&["Hello?"])).failed_with(11);
    assert!(refused.contains("switchyard hosts pin box"), "{refused}");
    let wrong = ["hosts", "pin", "box", "--fingerprint", "SHA256:AAAA"];
    assert!(
        machine
            .run(wrong)
            .failed_with(11)
            .contains("nothing was pinned")
    );
    pin(&machine, &sshd);
    let probed = machine.run(["hosts", "probe"]).succeeded();
    assert!(
        probed.starts_with("box: claude 2.1.330 · load "),
        "{probed}"
    );
    let sent = machine.run(send(&["Hello?"]));
    assert_eq!(
        (sent.stdout.as_str(), sent.code),
        ("Hello\n", Some(0)),
        "{}",
        sent.stderr
    );
    assert!(
        sent.stderr.contains("$FARM_KEY") && sent.stderr.contains("on box"),
        "{}",
        sent.stderr
    );
    let listed = machine.run(["hosts"]).succeeded();
    assert!(listed.contains("box   ready"), "{listed}");
    let row = machine
        .run(["hosts", "list", "--json"])
        .json_lines()
        .remove(0);
    assert_eq!(
        (&row["state"], &row["fingerprints"][0]),
        (&"ready".into(), &sshd.key().fingerprint().into())
    );
    machine.run(["hosts", "pause", "box"]).expect_success();
    assert!(
        machine
            .run(send(&["Hello?"]))
            .failed_with(10)
            .contains("box is paused")
    );
    machine.run(["hosts", "resume", "box"]).expect_success();
    machine.run(["hosts", "rm", "box"]).expect_success();
    assert!(
        machine
            .run(send(&["Hello?"]))
            .failed_with(10)
            .contains("hosts add")
    );
    let history = machine.run(["history", "--json"]).json_lines().remove(0);
    assert_eq!(history["tier"], "farm");
}

#[test]
fn a_script_can_branch_on_how_a_run_on_the_farm_ended() {
    let sshd = Sshd::start();
    let machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    let fails = |arguments: &[&str], code: i32| machine.run(send(arguments)).failed_with(code);
    fails(&[""], 2);
    fails(&["--host", "nowhere", "Hello?"], 8);
    fails(&["--label", "gpu", "Hello?"], 10);
    fails(&["--retries", "99", "Hello?"], 2);
    fails(&["--timeout", "0", "Hello?"], 2);
    let nobody = machine.run(["send", "--tier", "farm", "Hello?"]);
    assert_eq!(nobody.code, Some(8), "nobody pays: {}", nobody.stderr);
    sshd.claude("box", &format!("{ANSWERS}\nready; begin; stay"));
    let late = fails(&["--timeout", "1", "Hello?"], 6);
    assert!(late.contains("not over after 1 s"), "{late}");
    sshd.claude("box", &format!("{ANSWERS}\nready; exit 1"));
    fails(&["Hello?"], 12);
    let refused = r#"{"type":"result","is_error":true,"api_error_status":401,"result":"no"}"#;
    sshd.claude("box", &format!("{ANSWERS}\nready; echo '{refused}'"));
    fails(&["--host", "box", "Hello?"], 4);
    let other = machine
        .run(["send", "--timeout", "1", "Hello?"])
        .failed_with(2);
    assert!(
        other.contains("--timeout and --retries are of the farm"),
        "{other}"
    );
}

#[test]
fn a_reply_goes_on_at_the_farm_unless_another_payer_is_named_and_usage_says_which_host() {
    let (key, server) = super::key_and_server();
    let sshd = Sshd::start();
    let mut machine = Machine::with_key(&key, &server);
    machine.set("FARM_KEY", Planted::default().key("sk-ant-api03-"));
    let config = sshd.config().display().to_string();
    machine
        .run(["settings", "farm.ssh_config", &config])
        .expect_success();
    add(&machine, &sshd);
    pin(&machine, &sshd);
    machine.run(["keys", "select", "Work"]).expect_success();
    let first = ["send", "--tier", "farm", "--model", "haiku", "Hello?"];
    assert_eq!(machine.run(first).stdout, "Hello\n");
    let reply = |more: &[&str]| {
        let words = ["send", "--reply", "1"].iter().chain(more).chain(&["More"]);
        machine.run(words)
    };
    let told = reply(&["--estimate"]).succeeded();
    assert!(
        told.starts_with("Work pays")
            && told.contains("because it paid for run 1")
            && told.contains(" · on box"),
        "{told}"
    );
    assert_eq!(reply(&[]).stdout, "Hello\n");
    let metered = reply(&["--tier", "metered", "--estimate"]).succeeded();
    assert!(
        metered.starts_with("Work pays") && !metered.contains("on box"),
        "{metered}"
    );
    machine.run(["hosts", "pause", "box"]).expect_success();
    let refused = reply(&[]).failed_with(10);
    assert!(
        refused.contains("box is paused") && refused.contains("--key NAME"),
        "{refused}"
    );
    server.push(Reply::text("Metered."));
    assert_eq!(reply(&["--key", "Work"]).stdout, "Metered.\n");
    // A key that is not stored does not pay again by itself, there as elsewhere.
    machine.run(["hosts", "resume", "box"]).expect_success();
    assert_eq!(machine.run(send(&["Hello?"])).stdout, "Hello\n");
    let words = ["send", "--reply", "4", "More"];
    assert!(
        machine
            .run(words)
            .failed_with(2)
            .contains("does not pay again by itself")
    );

    let by_host = machine.run(["usage", "--by", "host"]).succeeded();
    let rows: Vec<Vec<&str>> = by_host
        .lines()
        .skip_while(|line| !line.starts_with("HOST"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let runs = |name: &str| rows.iter().find(|row| row.join(" ").starts_with(name));
    assert!(runs("box").unwrap().contains(&"3"), "{by_host}");
    assert!(runs("not on the farm").unwrap().contains(&"1"), "{by_host}");
    let alone = machine
        .run(["usage", "--json", "--host", "box"])
        .json_lines();
    let hosts = alone[0]["hosts"].as_array().unwrap();
    assert_eq!((hosts.len(), &hosts[0]["label"]), (1, &"box".into()));
    let nowhere = machine.run(["usage", "--host", "nowhere"]).failed_with(8);
    assert!(nowhere.contains("nowhere"), "{nowhere}");
    let csv = machine.run(["usage", "--csv"]).succeeded();
    assert!(
        csv.lines().next().unwrap().contains(",host,host_name,"),
        "{csv}"
    );
    assert!(csv.contains(",box,"), "{csv}");
}

#[test]
fn the_events_of_a_run_name_its_host_as_json() {
    let sshd = Sshd::start();
    let machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    let arguments = send(&["--json", "--host", "box", "Hello?"]);
    let events = machine.run(&arguments).json_lines();
    let placed = events
        .iter()
        .find(|event| event["event"] == "placed")
        .unwrap();
    assert_eq!(placed["host"], "box");
    let receipt = &events.last().unwrap()["receipt"];
    assert_eq!(
        (&receipt["host"], &receipt["tier"]),
        (&"box".into(), &"farm".into())
    );
    let estimate = machine
        .run(send(&["--json", "--estimate", "Hello?"]))
        .json_lines()
        .remove(0);
    assert_eq!(estimate["route"]["farm"]["hosts"][0]["name"], "box");
    let ways = machine
        .run(["route", "--json", "--key", "env:FARM_KEY", "Hi"])
        .json_lines()
        .remove(0);
    let farm = ways["ways"]
        .as_array()
        .unwrap()
        .iter()
        .find(|way| way["tier"] == "farm");
    assert!(farm.is_some(), "{ways}");
}

#[test]
fn hosts_are_imported_and_kept_in_step_and_what_is_no_host_is_left_out() {
    let sshd = Sshd::start();
    let machine = machine(&sshd);
    let config = machine.root().join("config");
    std::fs::write(
        &config,
        "Host one two -oProxyCommand=x *.pattern\n  User me\nHost \"two words\"\nHost forge\n  User git\n",
    )
    .unwrap();
    let path = config.display().to_string();
    let import = [
        "hosts",
        "import",
        "--ssh-config",
        &path,
        "--label",
        "imported",
        "--json",
    ];
    let brought = machine.run(import).json_lines().remove(0);
    let names = |list: &Value| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.map(|host| host["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&brought["added"]), ["one", "two"]);
    assert_eq!(brought["refused"].as_array().unwrap().len(), 3, "{brought}");
    std::fs::write(&config, "Host one three\n").unwrap();
    let brought = machine.run(import).json_lines().remove(0);
    assert_eq!(
        (names(&brought["added"]), names(&brought["gone"])),
        (vec!["three".to_owned()], vec!["two".to_owned()])
    );
    let instances = r#"{"Reservations":[{"OwnerId":"1","Instances":[{"InstanceId":"i-1","State":{"Name":"running"},
        "PublicIpAddress":"192.0.2.7","Placement":{"AvailabilityZone":"eu-west-1b"},
        "Tags":[{"Key":"Name","Value":"worker"},{"Key":"role","Value":"farm"}]}]}]}"#;
    let import = [
        "hosts",
        "import",
        "--ec2",
        "-",
        "--tag",
        "role=farm",
        "--user",
        "ubuntu",
        "--slots",
        "4",
        "--json",
    ];
    let brought = machine.run_with(import, instances).json_lines().remove(0);
    let host = &brought["added"][0];
    assert_eq!(
        (&host["destination"], &host["slots"]),
        (&"ubuntu@192.0.2.7".into(), &4.into())
    );
    let moved = instances.replace("192.0.2.7", "192.0.2.8");
    let again = ["hosts", "import", "--ec2", "-", "--json"];
    let brought = machine.run_with(again, &moved).json_lines().remove(0);
    assert_eq!(
        brought["changed"][0]["destination"], "ubuntu@192.0.2.8",
        "the user's name there is kept: {brought}"
    );
    let untagged = moved.replace(r#""Value":"farm""#, r#""Value":"web""#);
    let brought = machine.run_with(import, &untagged).json_lines().remove(0);
    assert_eq!(names(&brought["gone"]), ["worker"]);
    machine.run_with(again, &moved).expect_success();
    let none = r#"{"Reservations":[]}"#;
    let brought = machine.run_with(again, none).json_lines().remove(0);
    assert_eq!(names(&brought["gone"]), ["worker"]);
    let cut = machine.run_with(["hosts", "import", "--ec2", "-"], &instances[..100]);
    assert!(cut.failed_with(2).contains("describe-instances"));
}

#[test]
fn weird_hosts_are_refused_or_shown_safely() {
    let sshd = Sshd::start();
    let machine = machine(&sshd);
    for at in [
        "-oProxyCommand=touch x",
        "box one",
        "box\nHost x",
        "'box'",
        "$(reboot)",
        "a\u{202E}b",
    ] {
        let said = machine.run(["hosts", "add", "a", "--", at]).failed_with(2);
        assert!(
            !said.contains('\u{202E}') && said.lines().count() <= 3,
            "{said:?}"
        );
    }
    machine
        .run(["hosts", "add", "\u{202E}gnp.box 👩", "box"])
        .expect_success();
    let listed = machine.run(["hosts"]).succeeded();
    assert!(
        listed.contains("⟨202E⟩gnp.box 👩") && !listed.contains('\u{202E}'),
        "{listed}"
    );
}

#[test]
fn a_run_that_was_stopped_for_a_while_in_mid_stream_goes_on_with_all_that_came() {
    let sshd = Sshd::start();
    let machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    let written = fifo(&sshd, "written");
    let script = format!(
        "{ANSWERS}\nready; begin; text Hel; text lo; used; block Hello; success Hello; echo > {}",
        written.display()
    );
    sshd.claude(
        "box",
        &script.replace(
            "text lo",
            &format!("read -r on < {}; text lo", fifo(&sshd, "go").display()),
        ),
    );
    let mut running = Running::new(machine.start(send(&["Hello?"])));
    running.hear("Hel");
    let mut all = children(running.pid().as_raw_nonzero().get().unsigned_abs());
    assert!(!all.is_empty(), "its ssh is a child of it");
    all.push(running.pid().as_raw_nonzero().get().unsigned_abs());
    let signal = |signal| {
        for pid in &all {
            let pid = rustix::process::Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap();
            kill_process(pid, signal).unwrap();
        }
    };
    signal(Signal::STOP);
    std::fs::write(sshd.root().join("go"), "on\n").unwrap();
    // The box has said all that it has to say while we were asleep.
    let mut text = String::new();
    std::fs::File::open(&written)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    signal(Signal::CONT);
    let ended = running.end();
    assert_eq!(
        (ended.stdout.as_str(), ended.code),
        ("Hello\n", Some(0)),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_connection_of_a_killed_process_is_ended_by_the_next_one() {
    let sshd = Sshd::with(&Setup::default());
    let machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    sshd.claude("box", &format!("{ANSWERS}\nready; begin; text Half; stay"));
    let mut running = Running::new(machine.start(send(&["Hello?"])));
    running.hear("Half");
    let ssh = children(running.pid().as_raw_nonzero().get().unsigned_abs());
    running.signal(Signal::KILL);
    let _ = running.end();
    let is_there = |pid: &u32| {
        std::path::Path::new("/proc")
            .join(pid.to_string())
            .join("exe")
            .exists()
    };
    assert!(ssh.iter().any(is_there), "nobody could end it");
    sshd.claude("box", &format!("{ANSWERS}\nready; answers Hello"));
    let sent = machine.run(send(&["Again?"]));
    assert_eq!(
        (sent.stdout.as_str(), sent.code),
        ("Hello\n", Some(0)),
        "{}",
        sent.stderr
    );
    assert!(!ssh.iter().any(is_there), "it was left behind");
    assert_eq!(
        std::fs::read_dir(machine.paths().runtime().join("s"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn the_connection_of_a_killed_process_is_ended_by_an_agent_that_starts() {
    let sshd = Sshd::start();
    let mut machine = machine(&sshd);
    let _ = machine.make_vault();
    add(&machine, &sshd);
    pin(&machine, &sshd);
    sshd.claude("box", &format!("{ANSWERS}\nready; begin; text Half; stay"));
    let mut running = Running::new(machine.start(send(&["Hello?"])));
    running.hear("Half");
    running.signal(Signal::KILL);
    let _ = running.end();
    let left = || std::fs::read_dir(machine.paths().runtime().join("s")).map_or(0, Iterator::count);
    assert!(left() > 0, "nobody could end it");
    let mut agent = machine.start(["agent", "--passphrase-fd", "0"]);
    let passphrase = format!("{}\n", machine.passphrase());
    let mut pipe = agent.stdin.take().unwrap();
    pipe.write_all(passphrase.as_bytes()).unwrap();
    drop(pipe);
    // A guard against a wait without end, and not against slowness.
    let began = std::time::Instant::now();
    while left() > 0 {
        assert!(agent.try_wait().unwrap().is_none(), "the agent goes on");
        assert!(began.elapsed().as_secs() < 60, "it was left behind");
        std::thread::yield_now();
    }
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[test]
fn a_changed_key_is_told_in_the_list_and_nobody_is_handed_the_command_that_pins_it() {
    let mut sshd = Sshd::start();
    let machine = machine(&sshd);
    add(&machine, &sshd);
    pin(&machine, &sshd);
    assert_eq!(machine.run(send(&["Hello?"])).stdout, "Hello\n");
    sshd.change_key(&Setup::default());
    for said in [
        machine.run(send(&["Hello?"])).failed_with(11),
        machine
            .run(send(&["--host", "box", "Hello?"]))
            .failed_with(11),
    ] {
        assert!(said.contains("somebody stands between"), "{said}");
        assert!(!said.contains("switchyard hosts pin"), "{said}");
    }
    let listed = machine.run(["hosts"]);
    assert!(listed.stdout.contains("KEY CHANGED"), "{}", listed.stdout);
    assert!(
        listed.stderr.contains("another host key"),
        "{}",
        listed.stderr
    );
    let row = machine
        .run(["hosts", "list", "--json"])
        .json_lines()
        .remove(0);
    assert_eq!(row["state"], "key_changed");
    machine
        .run(["hosts", "pin", "box", "--yes"])
        .expect_success();
    assert_eq!(machine.run(send(&["Hello?"])).stdout, "Hello\n");
}

#[test]
fn who_pays_on_a_host_is_changed_in_one_step() {
    let (key, server) = super::key_and_server();
    let machine = Machine::with_key(&key, &server);
    machine
        .run(["hosts", "add", "box", "box", "--key", "Work"])
        .expect_success();
    let edit = |more: &[&str]| {
        let words = ["hosts", "edit", "box", "--json"].iter().chain(more);
        machine.run(words).json_lines().remove(0)
    };
    let own = edit(&["--key", "", "--own-command", "claude-own-key"]);
    assert_eq!(
        (&own["key"], &own["own_command"]),
        (&Value::Null, &"claude-own-key".into())
    );
    let back = edit(&["--own-command", "", "--key", "Work"]);
    assert_eq!(back["own_command"], Value::Null);
    assert!(back["key"].is_string(), "{back}");
    let both = [
        "hosts",
        "edit",
        "box",
        "--key",
        "Work",
        "--own-command",
        "x",
    ];
    let refused = machine.run(both).failed_with(2);
    assert!(refused.contains("not both"), "{refused}");
}

/// Makes a pipe with a name, by which a stand-in and its test wait for one another.
fn fifo(sshd: &Sshd, name: &str) -> PathBuf {
    let path = sshd.root().join(name);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    path
}
