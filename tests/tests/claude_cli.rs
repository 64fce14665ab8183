//! The core's driver of `claude` with the real CLI, against the simulator.
//!
//! Each test runs itself again in a network namespace with loopback only, so that nothing can leave
//! whatever the CLI does.

#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use switchyard_core::Code;
use switchyard_core::child::Environment;
use switchyard_core::claude::{
    Event, Kind, Login, Loopback, Patience, Process, Program, Prompt, Spawned, Start, Turn,
};
use switchyard_core::secret::SubscriptionToken;
use switchyard_simulator::{KeyState, LoggedRequest, Reply, Script, Simulator};
use switchyard_tests::kept_login;
use switchyard_tests::real_cli::inside;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const MODEL: &str = "claude-sonnet-5-5";
const SYSTEM: &str = "Answer as a station master would.";

/// Far more than an idle machine needs.
const PATIENT: Patience = Patience {
    start_up: Duration::from_secs(120),
    answer: Duration::from_secs(120),
    silence: Duration::from_secs(120),
    grace: Duration::from_secs(120),
};

/// A home and an empty folder for one CLI.
struct House {
    folder: tempfile::TempDir,
    cli: PathBuf,
    login: String,
}

impl House {
    fn new(cli: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home/.claude", "empty"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self {
            folder,
            cli,
            login: made("oat01"),
        }
    }

    /// Logs in, as far as the CLI looks: it reads this file and asks nobody.
    fn logged_in(self) -> Self {
        let path = self.folder.path().join("home/.claude/.credentials.json");
        std::fs::write(&path, kept_login(&self.login)).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    async fn spawn(&self, server: &Simulator, login: Login) -> Spawned {
        let environment = Environment::scrubbed_own();
        let program = Program::gate(Some(&self.cli), None, self.folder.path(), &environment);
        let program = program.await.unwrap();
        let home = self.folder.path().join("home");
        let planted = made("api03");
        let variables = [
            ("HOME", home.display().to_string()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            // What ruins people: it must not get through.
            ("ANTHROPIC_API_KEY", planted.clone()),
            ("ANTHROPIC_AUTH_TOKEN", planted),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9".to_owned()),
        ];
        let empty = self.folder.path().join("empty");
        let kept = self.folder.path().join("kept");
        let start = Start::new(program, login, MODEL, Some("low"), empty, kept).unwrap();
        let start = start
            .patient(PATIENT)
            .at_loopback(Loopback::new(server.address()).unwrap());
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        start.inheriting(variables).spawn().unwrap()
    }

    async fn process(&self, server: &Simulator) -> Process {
        let spawned = self.spawn(server, Login::own(None).unwrap()).await;
        spawned.initialize(Some(SYSTEM)).await.unwrap()
    }
}

fn made(kind: &str) -> String {
    format!("sk-ant-{kind}-{}", uuid::Uuid::new_v4().simple())
}

async fn ask(process: &mut Process, text: &str) -> (String, Turn) {
    let (sink, mut events) = mpsc::channel(1000);
    let cancel = CancellationToken::new();
    let prompt = Prompt { text, images: &[] };
    let turn = process.turn(&prompt, &sink, &cancel).await;
    drop(sink);
    let mut shown = String::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Text(text) => shown.push_str(&text),
            Event::Replaced(text) => shown = text,
            _ => {}
        }
    }
    (shown, turn)
}

/// Checks that a request bears this token as a subscription's, and no other credential.
fn bears(request: &LoggedRequest, token: &str) {
    assert_eq!(request.header("x-api-key"), None);
    assert_eq!(request.credential(), Some(token));
}

fn texts(of: &serde_json::Value) -> Vec<&str> {
    match of {
        serde_json::Value::String(text) => vec![text],
        blocks => blocks
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|b| b["text"].as_str())
            .collect(),
    }
}

fn asked(request: &LoggedRequest) -> Vec<String> {
    let body = request.json();
    let messages = body["messages"].as_array().unwrap().iter();
    messages
        .filter(|message| message["role"] == "user")
        .map(|message| texts(&message["content"]).concat())
        .collect()
}

#[tokio::test]
async fn a_login_pays_for_turn_after_turn_of_one_conversation() {
    let Some(cli) =
        inside("claude_cli::a_login_pays_for_turn_after_turn_of_one_conversation").await
    else {
        return;
    };
    let house = House::new(cli).logged_in();
    let script = Script::new().key(&house.login, KeyState::Valid);
    let server = Simulator::start(
        script
            .reply(Reply::text("First."))
            .reply(Reply::text("Second.")),
    )
    .await;
    let mut process = house.process(&server).await;
    assert_eq!(process.account().plan.as_deref(), Some("Claude Max"));
    assert!(
        server.requests().is_empty(),
        "asking who pays sends nothing"
    );
    for (prompt, answer) in [("What is one?", "First."), ("And two?", "Second.")] {
        assert!(process.is_usable());
        let (shown, turn) = ask(&mut process, prompt).await;
        assert!(turn.failure.is_none(), "{:?}", turn.failure);
        assert_eq!(shown, answer);
        assert_eq!(turn.model.as_deref(), Some(MODEL));
        assert!(turn.used.is_final && turn.used.tokens.output > 0);
        assert_eq!(turn.by_model.len(), 1);
        assert_eq!(turn.by_model[0].1.output, turn.used.tokens.output);
        assert!(turn.request_id.is_some());
    }
    process.end().await;
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        bears(request, &house.login);
        let body = request.json();
        assert_eq!(body["model"], MODEL);
        assert_eq!(body["output_config"]["effort"], "low");
        assert!(body["tools"].as_array().is_none_or(Vec::is_empty));
        // Two lines of its own about what it is, then ours; nothing of its long default.
        let system = texts(&body["system"]);
        assert_eq!(system.len(), 3, "{system:?}");
        assert_eq!(system[2], SYSTEM);
        assert!(system[..2].concat().len() < 300, "{system:?}");
    }
    assert_eq!(asked(&requests[1]), ["What is one?", "And two?"]);
    assert!(String::from_utf8_lossy(&requests[1].body).contains("First."));
}

#[tokio::test]
async fn a_token_pays_although_there_is_a_login() {
    let Some(cli) = inside("claude_cli::a_token_pays_although_there_is_a_login").await else {
        return;
    };
    let house = House::new(cli).logged_in();
    let token = made("oat01");
    let server = Simulator::start(Script::new().key(&token, KeyState::Valid)).await;
    let login = Login::token("MY_TOKEN", &SubscriptionToken::new(token.clone())).unwrap();
    let spawned = house.spawn(&server, login).await;
    let mut process = spawned.initialize(None).await.unwrap();
    let source = process.account().token_source.as_deref();
    assert_eq!(source, Some("CLAUDE_CODE_OAUTH_TOKEN"));
    let (shown, turn) = ask(&mut process, "hello").await;
    assert!(
        turn.failure.is_none() && !shown.is_empty(),
        "{:?}",
        turn.failure
    );
    process.end().await;
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    bears(&requests[0], &token);
    assert_eq!(
        texts(&requests[0].json()["system"]).len(),
        2,
        "no system prompt"
    );
}

#[tokio::test]
async fn a_prompt_is_sent_as_it_is_and_reads_no_file() {
    let Some(cli) = inside("claude_cli::a_prompt_is_sent_as_it_is_and_reads_no_file").await else {
        return;
    };
    let house = House::new(cli).logged_in();
    let private = house.folder.path().join("private.txt");
    std::fs::write(&private, "do not send this").unwrap();
    let server = Simulator::start(Script::new().any_key()).await;
    let mut process = house.process(&server).await;
    let mention = format!("what is in @{}?", private.display());
    let prompts = [
        &*mention,
        "/login",
        "/model opus",
        "!ls",
        "# note",
        "ultrathink",
    ];
    for prompt in prompts {
        let (_, turn) = ask(&mut process, prompt).await;
        assert!(turn.failure.is_none(), "{prompt}: {:?}", turn.failure);
    }
    process.end().await;
    let requests = server.requests();
    assert_eq!(requests.len(), prompts.len());
    let last = requests.last().unwrap();
    assert!(!String::from_utf8_lossy(&last.body).contains("do not send this"));
    let arrived: Vec<_> = asked(last)
        .iter()
        .map(|text| text.trim().to_owned())
        .collect();
    assert_eq!(arrived, prompts);
    assert!(
        requests
            .iter()
            .all(|request| request.json()["model"] == MODEL)
    );
}

#[tokio::test]
async fn a_turn_that_is_cancelled_leaves_no_request_open() {
    let Some(cli) = inside("claude_cli::a_turn_that_is_cancelled_leaves_no_request_open").await
    else {
        return;
    };
    let house = House::new(cli).logged_in();
    let reply = Reply::text("Half of an answer").stall_after(2);
    let server = Simulator::start(Script::new().any_key().reply(reply)).await;
    let mut process = house.process(&server).await;
    let (sink, mut events) = mpsc::channel(16);
    let cancel = CancellationToken::new();
    let prompt = Prompt {
        text: "hello",
        images: &[],
    };
    let run = async {
        let sink = sink;
        process.turn(&prompt, &sink, &cancel).await
    };
    let listen = async {
        let mut shown = String::new();
        while let Some(event) = events.recv().await {
            if let Event::Text(text) = event {
                shown.push_str(&text);
                if shown == "Half of " {
                    cancel.cancel();
                }
            }
        }
        shown
    };
    let (turn, shown) = tokio::join!(run, listen);
    assert_eq!(shown, "Half of ");
    let failed = turn.failure.unwrap();
    assert_eq!((failed.kind, failed.may_have_run), (Kind::Cancelled, true));
    assert!(turn.used.is_reported && !turn.used.is_final);
    process.end().await;
    assert_eq!(server.wait_for_disconnects(1).await.len(), 1);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn without_a_login_nothing_is_sent_and_with_one_that_is_refused_it_is_said() {
    let Some(cli) = inside(
        "claude_cli::without_a_login_nothing_is_sent_and_with_one_that_is_refused_it_is_said",
    )
    .await
    else {
        return;
    };
    let house = House::new(cli);
    let server = Simulator::start(Script::new().key(&house.login, KeyState::Refused)).await;
    let spawned = house.spawn(&server, Login::own(None).unwrap()).await;
    let error = spawned.initialize(Some(SYSTEM)).await.err().unwrap();
    assert_eq!(error.code(), Code::KeyRefused, "{error}");
    assert!(error.advice().unwrap().contains("claude auth login"));
    assert!(server.requests().is_empty());

    let house = house.logged_in();
    let mut process = house.process(&server).await;
    let (_, turn) = ask(&mut process, "hello").await;
    let failed = turn.failure.unwrap();
    assert_eq!(failed.kind, Kind::LoginRefused, "{}", failed.error);
    assert!(!failed.may_have_run);
    assert!(!process.is_usable());
    process.end().await;
}

#[tokio::test]
async fn the_state_file_leads_neither_the_request_nor_a_copy_of_the_prompt_elsewhere() {
    let Some(cli) = inside(
        "claude_cli::the_state_file_leads_neither_the_request_nor_a_copy_of_the_prompt_elsewhere",
    )
    .await
    else {
        return;
    };
    let elsewhere = Simulator::start(Script::new().any_key()).await;
    for names in [
        &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"][..],
        &["http_proxy", "https_proxy", "all_proxy"],
        &["CLAUDE_CODE_HTTP_PROXY", "CLAUDE_CODE_HTTPS_PROXY"],
        &["OTEL_EXPORTER_OTLP_ENDPOINT"],
    ] {
        let house = House::new(cli.clone()).logged_in();
        let server = Simulator::start(Script::new().key(&house.login, KeyState::Valid)).await;
        let mut env: serde_json::Map<_, _> = names
            .iter()
            .map(|name| ((*name).to_owned(), elsewhere.base_url().into()))
            .collect();
        for (name, value) in [
            ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_LOG_USER_PROMPTS", "1"),
            ("OTEL_LOGS_EXPORT_INTERVAL", "50"),
            ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
        ] {
            env.insert(name.to_owned(), value.into());
        }
        let state = serde_json::json!({ "env": env }).to_string();
        std::fs::write(house.folder.path().join("home/.claude.json"), state).unwrap();
        let mut process = house.process(&server).await;
        let (_, turn) = ask(&mut process, "Who reads this?").await;
        assert!(turn.failure.is_none(), "{names:?}: {:?}", turn.failure);
        // What is left to be told is told at its end.
        process.end().await;
        assert_eq!(server.requests().len(), 1, "{names:?}");
        assert!(elsewhere.requests().is_empty(), "{names:?}");
    }
}
