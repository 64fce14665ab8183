//! How a host stands: asked without a password, and without changing anything there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::remote::{self, PROBE};
use super::{Farm, unpinned, work};
use crate::claude::{LEAST_VERSION, Lines, Read, is_at_least};
use crate::clock::Millis;
use crate::error::{Code, Error, Failure, Remedy, Result};
use crate::hosts::{self, Host, Probe, Service};
use crate::ssh::Channel;
use crate::text::shown;

/// How long the whole may take.
const DEADLINE: Duration = Duration::from_secs(40);

/// The most lines that are read.
const LINES_MAX: usize = 10_000;

/// How much of a box's word is kept, in columns.
const WORD_MAX: usize = 200;

impl Farm {
    /// Asks a host how it stands, and keeps the answer with its time. A host that can't be reached is an
    /// answer as well: it stands in [`Probe::trouble`].
    ///
    /// # Errors
    /// When the answer can't be kept, or there is no `ssh` here.
    pub async fn probe(&self, host: &Host) -> Result<Probe> {
        let asked = match host.host_keys.is_empty() {
            true => Err(unpinned(host)),
            false => self.ask(host).await,
        };
        let probe = asked.unwrap_or_else(|error| Probe {
            trouble: Some(Failure::from(&error)),
            ..Probe::default()
        });
        let (id, now, kept) = (host.id, self.now(), probe.clone());
        self.0
            .db
            .write(move |store| {
                hosts::note_probe(store, id, &kept, now)?;
                match &kept.trouble {
                    Some(_) => Ok(()),
                    None => hosts::note_success(store, id),
                }
            })
            .await?;
        Ok(probe)
    }

    async fn ask(&self, host: &Host) -> Result<Probe> {
        let way = self.way(host).await?;
        let machine = self.machine(host.id);
        let mark = remote::mark()?;
        let channel = machine.start(&way, host, &PROBE).await?;
        let clock = self.0.db.clock();
        let answered = timeout(DEADLINE, answers(channel, host, &mark, || clock.now()));
        let answers = answered.await.map_err(|_| {
            let name = shown(&host.name, 60);
            Error::new(
                Code::Timeout,
                format!(
                    "{name} did not say how it stands within {} s.",
                    DEADLINE.as_secs()
                ),
            )
            .hint("See whether the box has too much to do.")
        })??;
        Ok(read(host, &answers))
    }
}

/// What came back, word by word.
#[derive(Default)]
struct Answers {
    words: BTreeMap<String, String>,
    latency: Duration,
    /// Our time when its clock was read.
    at: Option<Millis>,
}

async fn answers(
    channel: Channel,
    host: &Host,
    mark: &str,
    now: impl Fn() -> Millis + Send,
) -> Result<Answers> {
    let Channel {
        mut input,
        output,
        held,
        ..
    } = channel;
    let mut lines = Lines::new(output);
    let program = host.own_command.as_deref().unwrap_or("claude");
    let unit = host.service_unit.as_deref().unwrap_or_default();
    let own = host.own_command.as_ref().map_or("", |_| "own");
    let header = format!("{program}\n{unit}\n{own}\n{mark}\n");
    let gone = || {
        let name = shown(&host.name, 60);
        Error::new(
            Code::HostFailed,
            format!("{name} broke off while it was asked how it stands."),
        )
        .hint("See that `ssh` to it can run a command, and that it has /bin/sh.")
    };
    input
        .write_all(header.as_bytes())
        .await
        .map_err(|_| gone())?;
    let mut answers = Answers::default();
    let mut asked = Instant::now();
    for _ in 0..LINES_MAX {
        let Read::Line(line) = lines.next().await else {
            return Err(gone());
        };
        let text = String::from_utf8_lossy(&line);
        let Some(said) = text.strip_prefix(mark) else {
            continue;
        };
        let (name, value) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
        match name {
            "began" => {
                asked = Instant::now();
                input.write_all(b"ping\n").await.map_err(|_| gone())?;
            }
            "pong" => answers.latency = asked.elapsed(),
            "ended" => {
                drop(held);
                return Ok(answers);
            }
            name => {
                if name == "clock" {
                    answers.at = Some(now());
                }
                let value = match name {
                    "login" => login(value),
                    _ => shown(value.trim(), WORD_MAX),
                };
                answers.words.insert(name.to_owned(), value);
            }
        }
    }
    Err(gone())
}

fn read(host: &Host, answers: &Answers) -> Probe {
    let word = |name: &str| answers.words.get(name).filter(|word| !word.is_empty());
    let version = word("version").and_then(|text| text.split_whitespace().next());
    let version = version.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let login = word("login").cloned();
    let service = host.service_unit.as_ref().map(|_| {
        let said = word("service").and_then(|word| Service::from_word(word));
        said.unwrap_or(Service::Unknown)
    });
    let trouble = if answers.words.contains_key("timeout") {
        Some(work::no_timeout(host))
    } else if word("claude").is_none() {
        Some(work::missing(host))
    } else {
        trouble(host, version, login.as_deref())
    };
    Probe {
        trouble: trouble.as_ref().map(Failure::from),
        claude: word("claude").cloned(),
        version: version.map(str::to_owned),
        login,
        service,
        clock_ahead_ms: word("clock").and_then(|clock| ahead(clock, answers)),
        load: word("load")
            .and_then(|load| load.parse().ok())
            .filter(|load: &f64| load.is_finite()),
        processors: word("processors").and_then(|count| count.parse().ok()),
        latency_ms: Some(answers.latency.as_secs_f64() * 1000.0),
    }
}

fn trouble(host: &Host, version: Option<&str>, login: Option<&str>) -> Option<Error> {
    let name = shown(&host.name, 60);
    // A program that brings the box's own key need not know its version.
    match version {
        None if host.own_command.is_none() => {
            return Some(
                Error::new(
                    Code::HostFailed,
                    format!("The `claude` on {name} does not say its version."),
                )
                .hint("Install `claude` there anew."),
            );
        }
        Some(version) if !is_at_least(version, LEAST_VERSION) => {
            return Some(
                Error::new(
                    Code::HostFailed,
                    format!(
                        "The `claude` on {name} is {version}, and {LEAST_VERSION} is the least."
                    ),
                )
                .hint("Update it there: `claude update`.")
                .remedy(Remedy::ProbeHost),
            );
        }
        _ => {}
    }
    (login == Some(PLAN)).then(|| {
        Error::new(
            Code::WrongPayer,
            format!("The `claude` on {name} is logged in to a plan, which is never used for the farm."),
        )
        .hint(
            "Let the program of the box's own key set ANTHROPIC_API_KEY, or let the host be sent a key of \
             yours.",
        )
    })
}

/// What a login to a plan is called here.
const PLAN: &str = "plan";

/// Reads what `claude auth status --json` says, as far as it tells a plan from a key.
fn login(json: &str) -> String {
    let said: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let method = said.get("authMethod").and_then(serde_json::Value::as_str);
    match method {
        Some("claude.ai") => PLAN.to_owned(),
        Some(method) => shown(method, 40),
        None => "unknown".to_owned(),
    }
}

/// Returns by how many milliseconds its clock is ahead, half of the way there and back taken off.
fn ahead(clock: &str, answers: &Answers) -> Option<i64> {
    let (seconds, rest) = clock.split_once('.').unwrap_or((clock, ""));
    let seconds: i64 = seconds.parse().ok()?;
    // A `date` that knows no nanoseconds says %N.
    let millis = rest
        .get(..3)
        .and_then(|millis| millis.parse().ok())
        .unwrap_or(500);
    let there = seconds.checked_mul(1000)?.checked_add(millis)?;
    let on_the_way = i64::try_from(answers.latency.as_millis() / 2).ok()?;
    there.checked_sub(answers.at?.0 - on_the_way)
}
