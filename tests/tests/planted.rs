//! The planted-key scan: after the whole main job, with its failures, no secret lies anywhere that it
//! must not be. And the controls, which show that the scan finds what is there.

#[cfg(target_os = "linux")]
mod plan;

use std::path::Path;

use switchyard_simulator::{KeyState, Match, Reply, Script, Simulator};
use switchyard_tests::{Machine, Outcome, Planted, Running};

/// What the commands of one job have said.
#[derive(Default)]
struct Said(Vec<(String, Outcome)>);

impl Said {
    fn keep(&mut self, what: &str, outcome: Outcome) {
        self.0.push((what.to_owned(), outcome));
    }

    /// Returns the commands that said one of the secrets.
    fn with(&self, planted: &Planted) -> Vec<String> {
        let has = |text: &str| planted.is_in(text.as_bytes());
        let all = self.0.iter();
        all.filter(|(_, said)| has(&said.stdout) || has(&said.stderr))
            .map(|(what, said)| format!("{what} said\n{}\n{}", said.stdout, said.stderr))
            .collect()
    }
}

/// Everything that is secret in one job, and what is only kept sealed.
struct Secrets {
    /// Never anywhere, and never said.
    planted: Planted,
    key: String,
    gateway_token: String,
    variable: String,
    admin: String,
    plan: String,
    /// Said on purpose, but never in a file.
    texts: Planted,
    prompt: String,
    answer: String,
    system: String,
}

impl Secrets {
    fn new() -> Self {
        let mut planted = Planted::default();
        let mut texts = Planted::default();
        Self {
            key: planted.key("sk-ant-api03-"),
            gateway_token: planted.key("gw_"),
            variable: planted.key("sk-ant-api03-"),
            admin: planted.key("sk-ant-admin01-"),
            plan: planted.key("sk-ant-oat01-"),
            prompt: texts.key("prompt-"),
            answer: texts.key("answer-"),
            system: texts.key("system-"),
            planted,
            texts,
        }
    }

    /// A server that knows the keys and has every way to give one back.
    fn server(&self) -> Simulator {
        let script = Script::new()
            .key(&self.key, KeyState::Valid)
            .key(&self.gateway_token, KeyState::Valid)
            .key(&self.variable, KeyState::Valid)
            .any_key()
            .otherwise(Reply::text(&self.answer));
        Simulator::start_blocking(script)
    }

    /// Replies that hold the credential which was sent.
    fn echoes(&self, credential: &str) -> Vec<Reply> {
        let json = format!("invalid x-api-key: {credential}");
        let page = format!("<html>\n{}<b>{credential}</b>\n", " ".repeat(2_300));
        let again = format!("{credential} ").repeat(40);
        vec![
            Reply::error(401, "authentication_error", json),
            Reply::html(403, &format!("Forbidden for {credential}")),
            Reply::raw(400, "text/html", page),
            Reply::raw(418, "text/plain", again),
            Reply::raw(200, format!("text/{credential}"), "hello"),
            Reply::events(3).error_after(1, "api_error", format!("worker lost {credential}")),
            Reply::error(400, "invalid_request_error", "No.").header("request-id", credential),
        ]
    }
}

/// The main job and everything that can go wrong in it.
fn job(machine: &mut Machine, secrets: &Secrets) -> Said {
    let server = secrets.server();
    let mut said = Said::default();
    let url = server.base_url();
    machine
        .set("MINE", &secrets.variable)
        .set("PLAN", &secrets.plan);

    said.keep("add", machine.add("Work", &secrets.key, &server));
    said.keep("add again", machine.add("Work 2", &secrets.key, &server));
    said.keep(
        "add gateway",
        machine.add("Gate", &secrets.gateway_token, &server),
    );
    said.keep("add plan", machine.add("Plan", &secrets.plan, &server));
    let unchecked = ["keys", "add", "Boss", "--unchecked", "--base-url", &url];
    said.keep("add admin", machine.run_with(unchecked, &secrets.admin));
    let taken = [
        "keys",
        "add",
        "Env",
        "--from-env",
        "MINE",
        "--base-url",
        &url,
    ];
    said.keep("add from env", machine.run(taken));
    let long = format!("{} and more", secrets.key);
    said.keep("add badly", machine.add("Bad", &long, &server));

    said.keep("who", machine.run(["who"]));
    for scoped in [
        &["--key", "Work", "--", "true"][..],
        &["--key", "env:MINE", "--base-url", &url, "--", "true"],
        &["--key", "env:PLAN", "--", "true"],
        &["--key", "Work", "--", "no-such-program"],
        &["--tier", "subscription", "--", "env"],
    ] {
        let exec = ["exec"].iter().chain(scoped);
        said.keep("exec", machine.run(exec));
    }
    let send = |payer: &str| {
        let system = &secrets.system;
        let mut send = vec!["send", "--key", payer, "--system", system, &secrets.prompt];
        if payer.starts_with("env:") {
            send.extend(["--base-url", &url]);
        }
        machine.run(send)
    };
    for payer in ["Work", "Gate", "env:MINE", "env:PLAN"] {
        said.keep(payer, send(payer));
    }
    for (payer, credential) in [
        ("Work", &secrets.key),
        ("Gate", &secrets.gateway_token),
        ("env:MINE", &secrets.variable),
    ] {
        for (number, reply) in secrets.echoes(credential).into_iter().enumerate() {
            server.push(reply.clone());
            said.keep(&format!("echo {number} to {payer}"), send(payer));
            if !payer.starts_with("env:") {
                let models = Match::path("/v1/models").key(credential).times(1);
                server.when(models, reply);
                let checked = machine.run(["keys", "check", payer]);
                said.keep(&format!("echo {number} to check {payer}"), checked);
            }
        }
    }
    server.push(Reply::text(&secrets.answer).stall_after(1));
    let mut sending = Running::new(machine.start(["send", "--key", "Work", &secrets.prompt]));
    sending.hear("answer-");
    sending.signal(rustix::process::Signal::KILL);
    said.keep("killed", sending.end());
    for arguments in [
        &["--json", "keys", "list"][..],
        &["keys", "check", "--real-call", "--yes", "Work"],
        &["usage", "--csv"],
        &["history"],
        &["history", "1", "--json"],
        &["settings"],
        &["vault", "status", "--json"],
        &["models", "--refresh"],
        &["keys", "rm", "Gate", "--yes"],
        &["vault", "lock"],
        &["send", "--key", "Work", "locked"],
    ] {
        said.keep(&arguments.join(" "), machine.run(arguments));
    }
    said
}

#[test]
fn after_the_whole_job_no_secret_is_in_a_file_an_output_or_an_argument() {
    let mut secrets = Secrets::new();
    let watch = secrets.planted.watch_arguments();
    let mut machine = Machine::new();
    machine
        .set("RUST_BACKTRACE", "1")
        .set("SWITCHYARD_LOG", "trace");
    let code = machine.make_vault();
    let dumps = unlock_where_cores_are_dumped(&machine);
    let said = job(&mut machine, &secrets);
    machine.unlock();

    assert_eq!(watch.end(), Vec::<String>::new());
    assert_eq!(said.with(&secrets.planted), Vec::<String>::new());
    secrets.planted.text(machine.passphrase());
    secrets.planted.text(&code);
    assert_eq!(
        secrets.planted.found_under(machine.root()),
        Vec::<String>::new()
    );
    assert_eq!(
        secrets.texts.found_under(machine.root()),
        Vec::<String>::new()
    );
    // The job did what it was meant to do: what was sent and said is what was planted.
    let runs: i64 = machine.value("SELECT count(*) FROM runs WHERE prompt IS NOT NULL");
    assert!(runs > 15, "only {runs} runs are kept");
    assert!(!said.with(&secrets.texts).is_empty(), "no answer was shown");
    let numbers = dumps
        .split_whitespace()
        .filter(|word| word.parse::<u64>() == Ok(0));
    assert_eq!(numbers.count(), 2, "the agent may dump its core: {dumps}");
}

/// Unlocks the vault from where core dumps are on, and returns what holds for the agent.
fn unlock_where_cores_are_dumped(machine: &Machine) -> String {
    let program = switchyard_tests::binary("switchyard");
    let arguments = ["vault", "unlock", "--passphrase-fd", "0"].map(std::ffi::OsStr::new);
    let allowed = [
        std::ffi::OsStr::new("--core=unlimited"),
        program.as_os_str(),
    ];
    let unlocking = machine.spawn(
        Path::new("/usr/bin/prlimit"),
        allowed.into_iter().chain(arguments),
    );
    let unlocked = switchyard_tests::finish(unlocking, machine.passphrase());
    assert_eq!(unlocked.code, Some(0), "{}", unlocked.stderr);
    let agent = machine.agent().unwrap().as_raw_nonzero();
    let limits = std::fs::read_to_string(format!("/proc/{agent}/limits")).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max core"));
    limit.unwrap().to_owned()
}

#[test]
fn the_scan_finds_a_key_in_a_row_in_files_and_in_other_forms() {
    let mut planted = Planted::default();
    let key = planted.key("sk-ant-api03-");
    let machine = Machine::with_locked_vault();
    let found = || planted.found_under(machine.root());
    assert_eq!(found(), Vec::<String>::new());

    let store = machine.store();
    let row = "INSERT INTO settings (name, value, changed_at) VALUES ('x', json_quote(?1), 0)";
    store.execute(row, [&key]).unwrap();
    assert!(!found().is_empty(), "not in a row that is only in the log");
    drop(store);
    assert!(!found().is_empty(), "not in a row of the database");
    let store = machine.store();
    store
        .execute("DELETE FROM settings WHERE name = 'x'", [])
        .unwrap();
    store
        .execute_batch("PRAGMA secure_delete = ON; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(store);
    assert_eq!(found(), Vec::<String>::new());

    let wide: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let coded = |before: &str| base64(&format!("{before}{key}!"));
    let forms = [
        key.clone().into_bytes(),
        wide,
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        coded(""),
        coded("x"),
        coded("xy"),
    ];
    for form in forms {
        let path = machine.root().join("home/found");
        std::fs::write(&path, [b"before ".as_slice(), &form, b" after"].concat()).unwrap();
        assert_eq!(
            found().len(),
            1,
            "not as {}",
            String::from_utf8_lossy(&form)
        );
        std::fs::remove_file(path).unwrap();
    }
    std::fs::write(machine.root().join(&key), "").unwrap();
    assert_eq!(found().len(), 1, "not in a file's name");
}

#[test]
fn the_watch_finds_a_key_in_an_argument() {
    let mut planted = Planted::default();
    let key = planted.key("sk-ant-api03-");
    let watch = planted.watch_arguments();
    let machine = Machine::new();
    // Lives until its input ends, so that it is there to be seen.
    let mut running = machine.spawn(Path::new("/bin/cat"), ["-", &key]);
    while !watch.has_seen() {
        std::thread::yield_now();
    }
    drop(running.stdin.take());
    running.wait().unwrap();
    assert!(!watch.end().is_empty());
}

#[test]
fn the_scan_finds_a_key_that_a_command_says() {
    let mut planted = Planted::default();
    let key = planted.key("sk-ant-api03-");
    let mut said = Said::default();
    let machine = Machine::new();
    let mut outcome = machine.run(["--version"]);
    said.keep("quiet", machine.run(["--version"]));
    assert!(said.with(&planted).is_empty());
    outcome.stderr.push_str(&key);
    said.keep("loud", outcome);
    assert_eq!(said.with(&planted).len(), 1);
}

fn base64(text: &str) -> Vec<u8> {
    use std::io::{Read, Write};
    let machine = Machine::new();
    let mut coding = machine.spawn(Path::new("/usr/bin/base64"), ["-w0"]);
    coding
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let mut coded = Vec::new();
    coding
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut coded)
        .unwrap();
    coding.wait().unwrap();
    coded
}
