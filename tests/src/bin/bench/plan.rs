//! The subscription tier beside a cold `claude -p` with the same flags: how long until the first token.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_core::agent::{Answered, Ask as AskUser, Asked, Question};
use switchyard_core::child::{self, Environment};
use switchyard_core::claude::ARGUMENTS;
use switchyard_core::clock::Clock;
use switchyard_core::consent::{self, Subject};
use switchyard_core::dispatch::{Ask, Class, PayWith, Prepared, Request, RunEvent, channel};
use switchyard_core::paths::Paths;
use switchyard_core::plan::{self, Place, PlanLogin};
use switchyard_core::{App, Error};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio_util::sync::CancellationToken;

use crate::place::Server;
use crate::report::{Report, Samples, Target};
use crate::{Measured, Size};

/// Names the CLI, which `./dev bench` brings.
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";
const MODEL: &str = "claude-haiku-5-5";
const PROMPT: &str = "Who pays?";

struct Nobody;

impl AskUser for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None::<Answered>))
    }
}

/// A store with a made-up login, and a folder for the CLI to run in.
struct House {
    folder: TempDir,
    app: App,
    cli: PathBuf,
    server: SocketAddr,
}

pub(crate) async fn measure(size: Size, report: &mut Report) -> Measured<()> {
    report.title("The subscription tier beside a cold `claude -p`, to the first token");
    let Some(cli) = std::env::var_os(CLI) else {
        report.text("  not measured: there is no claude to measure; start this with ./dev bench");
        return Ok(());
    };
    let server = Server::start(["--events", "20"]).await?;
    let house = House::new(cli.into(), &server.url).await?;
    let (mut cold, mut plain, mut warm) =
        (Samples::default(), Samples::default(), Samples::default());
    // The first of each reads its program from the disk.
    house.cold().await?;
    house.run(false).await?;
    for _ in 0..size.times(4, 12) {
        cold.add_time(house.cold().await?);
        plain.add_time(house.run(false).await?);
        warm.add_time(house.run(true).await?);
    }
    report.figure("claude -p, cold", "ms", &cold);
    report.figure(
        "without the spare, the proof of who pays included",
        "ms",
        &plain,
    );
    report.figure("with the spare", "ms", &warm);
    let most = Target::AtMost(1.05);
    report.judged("without the spare ÷ cold", "×", &plain.beside(&cold), most);
    let most = Target::AtMost(0.25);
    report.judged("with the spare ÷ cold", "×", &warm.beside(&cold), most);
    Ok(())
}

impl House {
    async fn new(cli: PathBuf, url: &str) -> Measured<Self> {
        let folder = tempfile::Builder::new().prefix("sy").tempdir()?;
        let server: SocketAddr = url.strip_prefix("http://").unwrap_or(url).parse()?;
        let paths = Paths::under(&folder.path().join("store"));
        let app = App::at(paths, Clock::system(), "bench", Arc::new(Nobody)).simulated(server)?;
        app.db()?;
        let login = app.paths().data().join("login");
        log_in(&login)?;
        std::fs::create_dir(folder.path().join("w"))?;
        let (program, login) = (
            Some(cli.clone()),
            PlanLogin {
                name: "bench".to_owned(),
                place: Place::Folder { folder: login },
            },
        );
        app.write(move |store, now| {
            plan::PROGRAM.set(store, &program, now)?;
            plan::add(store, login, now)?;
            plan::select(store, "bench", now)?;
            let version = Subject::Subscription.text().version;
            consent::accept(store, Subject::Subscription, &version, "bench", now).map(drop)
        })
        .await?;
        Ok(Self {
            folder,
            app,
            cli,
            server,
        })
    }

    /// Starts the CLI by itself, and returns how long its first token took.
    async fn cold(&self) -> Measured<Duration> {
        let environment = Environment::scrubbed_own()
            .with("CLAUDE_CONFIG_DIR", self.app.paths().data().join("login"))
            .with("ANTHROPIC_BASE_URL", format!("http://{}", self.server))
            .with("DISABLE_AUTOUPDATER", "1")
            .with("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        let start = Instant::now();
        let mut claude = child::command(&self.cli, &environment)
            .args(as_text())
            .args(["--model", MODEL])
            .current_dir(self.folder.path().join("w"))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut input = claude.stdin.take().ok_or("it has no input")?;
        input.write_all(PROMPT.as_bytes()).await?;
        drop(input);
        let output = claude.stdout.take().ok_or("it has no output")?;
        let mut lines = BufReader::new(output).lines();
        let mut first = None;
        while let Some(line) = lines.next_line().await? {
            if first.is_none() && line.contains("content_block_delta") {
                first = Some(start.elapsed());
            }
        }
        claude.wait().await?;
        first.ok_or_else(|| "claude gave no answer".into())
    }

    async fn prepared(&self) -> Result<Prepared, Error> {
        let ask = Ask {
            pay_with: PayWith::Plan { login: None },
            class: Class::Interactive,
            reply_to: None,
            request: Request {
                model: MODEL.to_owned(),
                prompt: PROMPT.to_owned(),
                ..Request::default()
            },
        };
        let dispatch = self.app.dispatch_quietly()?;
        dispatch.preflight(ask, |_| None).await
    }

    /// Sends through the tier, and returns how long its first token took.
    async fn run(&self, has_spare: bool) -> Measured<Duration> {
        let dispatch = self.app.dispatch_quietly()?;
        if has_spare {
            dispatch.warm(self.prepared().await?)?;
            while !self.app.plan()?.is_warm().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let prepared = self.prepared().await?;
        let start = Instant::now();
        let (sink, mut events) = channel();
        let run = dispatch.run(prepared, sink, CancellationToken::new());
        let listen = async {
            let mut first = None;
            while let Some(event) = events.recv().await {
                if first.is_none() && matches!(event, RunEvent::Text { .. }) {
                    first = Some(start.elapsed());
                }
            }
            first
        };
        let (outcome, first) = tokio::join!(run, listen);
        match outcome?.error {
            Some(error) => Err(error.into()),
            None => first.ok_or_else(|| "the tier gave no answer".into()),
        }
    }
}

/// Returns the arguments with which the tier starts it, but for the form of its input: the prompt comes as
/// plain text, as from a person.
fn as_text() -> impl Iterator<Item = &'static str> {
    let form = ARGUMENTS.iter().position(|word| *word == "--input-format");
    let form = form.map(|at| at..at + 2).unwrap_or_default();
    let words = ARGUMENTS.iter().enumerate();
    words
        .filter(move |(at, _)| !form.contains(at))
        .map(|(_, word)| *word)
}

/// Makes a login that bills nobody, as the CLI keeps one.
fn log_in(folder: &Path) -> Measured<()> {
    std::fs::create_dir_all(folder)?;
    let token = format!("sk-ant-oat01-simulated-{}", uuid::Uuid::new_v4().simple());
    let path = folder.join(".credentials.json");
    Ok(std::fs::write(path, switchyard_tests::kept_login(&token))?)
}
