//! The table of who pays, held against the real CLI and against `who`.
//!
//! Runs in a network namespace with loopback only, so that nothing can leave whatever a house says,
//! and in a mount namespace, so that managed settings can be put under `/etc`.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchyard_core::child::{self, Environment};
use switchyard_core::secret::DataKey;
use switchyard_core::shell::precedence::{Payer, Source};
use switchyard_core::shell::{Asker, Question, who};
use switchyard_tests::namespace;

#[path = "../../crates/core/src/shell/precedence_rows.rs"]
mod rows;

use rows::{ROWS, Row};

/// Set in the namespaces, where the test runs itself again.
const INSIDE: &str = "SWITCHYARD_INSIDE_NAMESPACE";
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_real_cli_sends_what_the_table_says_and_who_says_the_same() {
    let cli = std::env::var_os(CLI).unwrap_or_else(|| {
        panic!(
            "{CLI} is not set: it names the claude program to test with; `./dev test` brings one"
        )
    });
    if std::env::var_os(INSIDE).is_none() {
        return again_inside(&cli).await;
    }
    // Two lanes: each row spends most of its time in processes of its own.
    let cli = Path::new(&cli);
    let (even, odd) = tokio::join!(wrong_rows(0, cli), wrong_rows(1, cli));
    let wrong = [even, odd].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tries every other row, beginning with `first`, and returns what was not as the table says.
async fn wrong_rows(first: usize, cli: &Path) -> Vec<String> {
    let server = Server::start();
    let mut wrong = Vec::new();
    for row in ROWS.iter().skip(first).step_by(2) {
        let house = House::new(row, cli);
        for (who, sends) in [
            ("sent", house.run(&server).await),
            ("who says", house.said().await),
        ] {
            if sends != row.sends {
                wrong.push(format!(
                    "{}: expected {}, {who} {sends}",
                    row.about, row.sends
                ));
            }
        }
    }
    wrong
}

async fn again_inside(cli: &std::ffi::OsStr) {
    let environment = Environment::scrubbed_own().with(INSIDE, "1").with(CLI, cli);
    let mut unshare = child::command(Path::new("/usr/bin/unshare"), &environment);
    unshare
        .args(namespace::as_root())
        .args(["--net", "--mount", "sh", "-c"])
        .arg("ip link set lo up && exec \"$@\"")
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .arg("--exact")
        .arg(concat!(
            "who_table::",
            "the_real_cli_sends_what_the_table_says_and_who_says_the_same"
        ));
    let done = child::output(unshare, Duration::from_secs(900), 1 << 20)
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.code, Some(0), "{text}");
}

struct House {
    folder: tempfile::TempDir,
    values: BTreeMap<&'static str, String>,
    row: &'static Row,
    cli: PathBuf,
}

impl House {
    fn new(row: &'static Row, cli: &Path) -> Self {
        let labels = ["K", "K2", "G", "T", "T2", "H", "P", "C", "R", "login"];
        let house = Self {
            folder: tempfile::tempdir().unwrap(),
            values: labels
                .into_iter()
                .map(|label| (label, made(label)))
                .collect(),
            row,
            cli: cli.to_owned(),
        };
        for folder in ["home", "work", "etc/claude-code", "bin"] {
            std::fs::create_dir_all(house.path(folder)).unwrap();
        }
        for name in ["hosts", "passwd", "group", "nsswitch.conf"] {
            let _ = std::fs::copy(Path::new("/etc").join(name), house.path("etc").join(name));
        }
        std::os::unix::fs::symlink(cli, house.path("bin/claude")).unwrap();
        for (path, text) in row.files {
            house.write(path, &house.filled(text));
        }
        if row.login {
            house.write("home/.claude/.credentials.json", &house.login());
        }
        house
    }

    fn path(&self, rest: &str) -> PathBuf {
        self.folder.path().join(rest)
    }

    fn write(&self, rest: &str, text: &str) {
        let path = self.path(rest);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        // The CLI does not use a profile's credentials that others can read.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn filled(&self, text: &str) -> String {
        self.values
            .iter()
            .fold(text.to_owned(), |text, (label, value)| {
                text.replace(&format!("{{{label}}}"), value)
            })
    }

    fn login(&self) -> String {
        serde_json::json!({ "claudeAiOauth": {
            "accessToken": self.values["login"],
            "refreshToken": made("refresh"),
            "expiresAt": 4_102_444_800_000_u64,
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
        }})
        .to_string()
    }

    fn variables(&self) -> Vec<(String, String)> {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let own = self.row.env.iter();
        own.map(|(name, value)| ((*name).to_owned(), self.filled(value)))
            .chain([("PATH".to_owned(), path)])
            .collect()
    }

    /// Runs a plain `claude -p` and returns what arrived.
    async fn run(&self, server: &Server) -> String {
        let mut environment = Environment::default()
            .with("HOME", self.path("home"))
            .with("ANTHROPIC_BASE_URL", &server.url)
            .with("DISABLE_AUTOUPDATER", "1")
            .with("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .with("CLAUDE_CODE_MAX_RETRIES", "0")
            .with("API_TIMEOUT_MS", "10000");
        for (name, value) in self.variables() {
            environment = environment.with(name, value);
        }
        server.seen.lock().unwrap().clear();
        // Each house has an /etc of its own.
        let mut command = child::command(Path::new("/usr/bin/unshare"), &environment);
        command
            .current_dir(self.path("work"))
            .args(["--mount", "sh", "-c"])
            .arg("mount --bind \"$1\" /etc && shift && exec \"$@\"")
            .arg("sh")
            .arg(self.path("etc"))
            .arg(&self.cli)
            .args(["-p", "--model", "claude-sonnet-5-5", "hi"]);
        let done = child::output(command, PATIENCE, 1 << 16).await.unwrap();
        let seen = server.seen.lock().unwrap().clone();
        if self.row.sends.starts_with("cloud=") && seen.is_empty() && done.code == Some(1) {
            return self.row.sends.to_owned();
        }
        seen.first()
            .map_or_else(|| "nothing".to_owned(), |headers| self.labelled(headers))
    }

    fn labelled(&self, headers: &BTreeMap<String, String>) -> String {
        let label = |value: &str| {
            let value = value.strip_prefix("Bearer ").unwrap_or(value);
            let known = self.values.iter().find(|(_, own)| *own == value);
            match known.map(|(label, _)| *label) {
                Some("P" | "K2") if self.row.sends.contains("helper") => "helper",
                Some("R") => "profile",
                Some(label) => label,
                None => "unknown",
            }
            .to_owned()
        };
        let slot = |name: &str, header: &str| {
            let value = headers.get(header)?;
            Some(format!("{name}={}", label(value)))
        };
        let slots = [slot("key", "x-api-key"), slot("bearer", "authorization")];
        slots.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Asks `who` about the house, and writes its answer as the table does.
    async fn said(&self) -> String {
        let variables = self.variables().into_iter();
        let report = who(&Question {
            asker: Asker::Terminal,
            environment: variables.map(|(n, v)| (n.into(), v.into())).collect(),
            home: self.path("home"),
            working: self.path("work"),
            root: self.folder.path().to_owned(),
            shell_deadline: None,
            cli_deadline: Some(PATIENCE),
            cli: None,
        })
        .await;
        let named = |source: &Source| match source {
            Source::Credential(held) => {
                let mut all = self.values.iter();
                let own = all.find(|(_, value)| value.ends_with(&held.last4));
                own.map_or("unknown", |(label, _)| *label).to_owned()
            }
            Source::Helper { .. } => "helper".to_owned(),
            Source::Login { .. } => "login".to_owned(),
            Source::Profile { .. } => "profile".to_owned(),
            Source::Federation { .. } => "federation".to_owned(),
        };
        match &report.payer {
            Payer::Nobody(_) => "nothing".to_owned(),
            Payer::Cloud { provider, .. } => format!("cloud={provider}"),
            Payer::Both { key, bearer } => format!("key={} bearer={}", named(key), named(bearer)),
            Payer::One { source } => {
                let name = named(source);
                match source {
                    Source::Helper { .. } => "key=helper bearer=helper".to_owned(),
                    // One credential alone: which header it goes in is not part of the answer.
                    _ if self.row.sends == format!("key={name}") => self.row.sends.to_owned(),
                    _ => format!("bearer={name}"),
                }
            }
        }
    }
}

/// Makes a credential; the last four characters tell the labels apart.
fn made(label: &str) -> String {
    let kind = if label.starts_with('T') || label == "login" {
        "oat01"
    } else {
        "api03"
    };
    let random = DataKey::random().unwrap();
    let hex: String = random
        .expose()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sk-ant-{kind}-{hex}{:->4}", &label[..label.len().min(4)])
}

/// A server that keeps the headers of each Messages request and answers it.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { url, seen }
    }
}

/// Answers one request and closes. A connection that is dropped early is no failure of the test.
fn serve(stream: TcpStream, seen: &Mutex<Vec<BTreeMap<String, String>>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|n| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let is_run = first.starts_with("POST /v1/messages") && !first.contains("count_tokens");
    let (status, kind, text) = if is_run {
        seen.lock().unwrap().push(headers);
        ("200 OK", "text/event-stream", answer())
    } else {
        ("404 Not Found", "application/json", "{}".to_owned())
    };
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
    .ok()
}

fn answer() -> String {
    let events = [
        serde_json::json!({"type":"message_start","message":{"id":"msg_1","type":"message",
            "role":"assistant","model":"claude-sonnet-5-5","content":[],"stop_reason":null,
            "stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}),
        serde_json::json!({"type":"content_block_start","index":0,
            "content_block":{"type":"text","text":""}}),
        serde_json::json!({"type":"content_block_delta","index":0,
            "delta":{"type":"text_delta","text":"Hello"}}),
        serde_json::json!({"type":"content_block_stop","index":0}),
        serde_json::json!({"type":"message_delta","delta":{"stop_reason":"end_turn",
            "stop_sequence":null},"usage":{"output_tokens":2}}),
        serde_json::json!({"type":"message_stop"}),
    ];
    events
        .iter()
        .map(|event| {
            format!(
                "event: {}\ndata: {event}\n\n",
                event["type"].as_str().unwrap()
            )
        })
        .collect()
}
