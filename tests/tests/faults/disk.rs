//! A disk that is full or read-only, and a folder that is open to everyone. Disks of that kind are
//! made in a mount namespace, which goes with its shell.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout};
use std::time::Duration;

use rusqlite::types::FromSql;
use switchyard_simulator::Reply;
use switchyard_tests::{Machine, Outcome, binary, expect_sound, namespace};

use super::{key_and_server, prompts};

const PATIENCE: Duration = Duration::from_secs(20);

/// A shell in a mount namespace of its own, in the environment of a machine.
struct Room<'a> {
    machine: &'a Machine,
    shell: Child,
    codes: BufReader<ChildStdout>,
}

impl<'a> Room<'a> {
    /// Opens it; `$STORE` is the store's folder, `$SY` the command.
    fn open(machine: &'a Machine) -> Self {
        let unshare = Path::new("/usr/bin/unshare");
        let mut shell = machine.spawn(
            unshare,
            namespace::as_root().iter().chain(&["--mount", "sh"]),
        );
        let codes = BufReader::new(shell.stdout.take().unwrap());
        let mut room = Self {
            machine,
            shell,
            codes,
        };
        let store = machine.paths().data().display().to_string();
        let program = binary("switchyard").display().to_string();
        room.run(&format!("STORE='{store}' SY='{program}'"))
            .expect_success();
        room
    }

    /// Puts the store on a disk of its own, of this many kibibytes.
    fn on_small_disk(machine: &'a Machine, kibibytes: u32) -> Self {
        let mut room = Self::open(machine);
        let script = format!(
            "cp -a \"$STORE\" \"$HOME/aside\" &&
             mount -t tmpfs -o size={kibibytes}k,mode=700 tmpfs \"$STORE\" &&
             cp -a \"$HOME/aside/.\" \"$STORE\""
        );
        room.run(&script).expect_success();
        room
    }

    fn begin(&mut self, script: &str) {
        let root = self.machine.root().display();
        let line = format!("{{ {script}\n}} >'{root}/out' 2>'{root}/err' </dev/null; echo $?\n");
        self.shell
            .stdin
            .as_mut()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
    }

    fn end(&mut self) -> Outcome {
        let mut code = String::new();
        self.codes.read_line(&mut code).unwrap();
        let said = |name: &str| std::fs::read_to_string(self.machine.root().join(name)).unwrap();
        Outcome {
            code: Some(code.trim().parse().unwrap()),
            stdout: said("out"),
            stderr: said("err"),
        }
    }

    fn run(&mut self, script: &str) -> Outcome {
        self.begin(script);
        self.end()
    }

    fn fill(&mut self) {
        // Ends with an error by design, when there is no room left.
        let filled = self.run("cat /dev/zero >\"$STORE/filler\"");
        assert!(filled.stderr.contains("No space"), "{filled:?}");
    }

    fn make_room(&mut self) {
        self.run("rm \"$STORE/filler\"").expect_success();
    }

    /// Copies the store out of the room and checks it; returns the one value that a query gives there.
    fn checked<T: FromSql>(&mut self, sql: &str) -> T {
        self.run("rm -rf \"$HOME/seen\" && cp -a \"$STORE\" \"$HOME/seen\"")
            .expect_success();
        let copy = self.machine.home().join("seen/switchyard.db");
        expect_sound(&copy);
        let store = rusqlite::Connection::open(copy).unwrap();
        store.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        // The end of its input ends the shell, and with it the namespace.
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

#[test]
fn on_a_full_disk_nothing_is_sent_the_error_says_so_and_with_room_it_works_again() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    let mut room = Room::on_small_disk(&machine, 4_096);
    room.fill();
    let before = prompts(&server);
    // Larger than what is left in the pages that the log has already.
    let long = "head -c 400000 /dev/zero | tr '\\0' x | \"$SY\" send";
    for _ in 0..2 {
        let refused = room.run(long).failed_with(7);
        assert!(refused.contains("the disk is full"), "{refused}");
        assert!(refused.contains("\nhint: "), "{refused}");
    }
    let used = room.run("\"$SY\" usage").succeeded();
    assert!(used.contains("in 1 run"), "{used}");
    assert_eq!(
        prompts(&server),
        before,
        "a prompt was sent that could not be booked"
    );
    room.make_room();
    assert_eq!(room.run(long).code, Some(0));
    assert_eq!(room.checked::<i64>("SELECT count(*) FROM key_usage"), 2);
    let used = room.run("\"$SY\" usage").succeeded();
    assert!(used.contains("in 2 runs"), "{used}");
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_run_loses_no_cost() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let mut room = Room::on_small_disk(&machine, 4_096);
    server.push(Reply::events(600).stall_after(300));
    room.begin("\"$SY\" send --json Hi.");
    assert_eq!(server.wait_for_requests_blocking(2, PATIENCE).len(), 2);
    // Another shell in the same namespace would need its id; the filler goes in by the same door.
    let pid = room.shell.id();
    let store = machine.paths().data().display().to_string();
    let script = format!("cat /dev/zero >'{store}/filler'");
    let mut arguments = namespace::entering(pid);
    arguments.extend(["sh", "-c", &script].map(str::to_owned));
    let filling = machine.spawn(Path::new("/usr/bin/nsenter"), arguments);
    let filled = switchyard_tests::finish(filling, "");
    assert!(filled.stderr.contains("No space"), "{filled:?}");
    server.release();
    let ended = room.end();
    assert!(
        ended.stdout.contains("word600"),
        "the answer was not shown: {ended:?}"
    );
    assert_eq!(ended.code, Some(7), "{ended:?}");
    let lines = ended.json_lines().into_iter();
    let failed = lines.into_iter().find(|line| line["event"] == "failed");
    let failed = failed.expect("the run said that all is well");
    let receipt = &failed["receipt"];
    assert_eq!(receipt["books"], "set_aside", "{failed}");
    let said = failed["error"]["message"].as_str().unwrap();
    assert!(said.contains("could not be booked yet"), "{said}");
    // Nothing fits beside the store, so it lies in the folder of the socket.
    let aside = machine.paths().runtime().join("unbooked");
    assert_eq!(aside.read_dir().unwrap().count(), 1);
    room.make_room();
    let used = room.run("\"$SY\" usage");
    assert!(used.stdout.contains("in 1 run"), "{used:?}");
    assert!(used.stderr.contains("is booked now"), "{used:?}");
    assert_eq!(aside.read_dir().unwrap().count(), 0);
    let booked: String = room.checked(
        "SELECT json_array(basis, output, rtrim(printf('0.%09d', cost_estimate), '0')) FROM key_usage",
    );
    let amount = &receipt["booked"];
    let told = serde_json::json!([amount["basis"], amount["tokens"]["output"], amount["cost"]]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&booked).unwrap(),
        told
    );
    assert_eq!(amount["basis"], "metered");
}

#[test]
fn on_a_read_only_disk_nothing_is_sent_and_the_error_says_why() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let before = prompts(&server);
    let mut room = Room::open(&machine);
    let bind = "mount --bind \"$STORE\" \"$STORE\" && mount -o remount,bind,ro \"$STORE\"";
    room.run(bind).expect_success();
    for arguments in [
        "send Hi.",
        "settings usage.keep_months 3",
        "keys edit Work --note x",
    ] {
        let refused = room.run(&format!("\"$SY\" {arguments}")).failed_with(7);
        assert!(refused.contains("\nhint: "), "{arguments}: {refused}");
        assert!(
            refused.to_lowercase().contains("read-only"),
            "{arguments}: {refused}"
        );
    }
    let listed = room.run("\"$SY\" keys list");
    assert!(matches!(listed.code, Some(0 | 7)), "{listed:?}");
    assert_eq!(prompts(&server), before);
    drop(room);
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    machine.expect_sound_store();
}

#[test]
fn a_folder_that_is_open_to_everyone_is_closed_before_it_is_used() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let folder = machine.paths().data().to_owned();
    let file = machine.paths().database();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    set(&folder, 0o777);
    set(&file, 0o666);
    let used = machine.run(["send", "Hi."]);
    if used.code != Some(0) {
        let said = used.failed_with(7);
        assert!(said.contains("\nhint: "), "{said}");
        return;
    }
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
}

#[test]
fn everything_is_private_also_under_a_loose_umask() {
    let (key, server) = key_and_server();
    let machine = Machine::new();
    let script = "umask 000; printf pw-of-this-test >pw
        \"$1\" vault init --no-keychain --passphrase-fd 3 3<pw
        \"$1\" vault unlock --passphrase-fd 3 3<pw
        \"$1\" keys add Work --base-url \"$2\"
        \"$1\" send Hi.; rm pw";
    let program = binary("switchyard").display().to_string();
    let shell = machine.spawn(
        Path::new("/bin/sh"),
        ["-c", script, "sh", &program, &server.base_url()],
    );
    let done = switchyard_tests::finish(shell, &key);
    assert_eq!(done.code, Some(0), "{done:?}");
    let mut seen = 0;
    let mut folders = vec![
        machine.paths().data().to_owned(),
        machine.paths().runtime().to_owned(),
    ];
    while let Some(folder) = folders.pop() {
        let open_to = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(
            open_to(&folder),
            0,
            "{} is open to others",
            folder.display()
        );
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            seen += 1;
            let path = entry.path();
            assert_eq!(open_to(&path), 0, "{} is open to others", path.display());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    assert!(seen >= 4, "only {seen} files were looked at");
}
