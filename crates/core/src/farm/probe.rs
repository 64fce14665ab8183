//! How a host stands: asked without a password, and without changing anything there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::machine::Way;
use super::remote::{self, PROBE};
use super::{Farm, unpinned, work};
use crate::claude::{LEAST_VERSION, Lines, Read, is_at_least};
use crate::clock::Millis;
use crate::error::{Code, Error, Failure, Remedy, Result};
use crate::hosts::{self, Host, Probe, Service};
use crate::ssh::Channel;
use crate::text::shown;

/// How long the whole may take, besides letting us in.
const DEADLINE: Duration = Duration::from_secs(40);

/// The most lines that are read.
const LINES_MAX: usize = 10_000;

/// How much of a line is read, in bytes.
const LINE_MAX: usize = 16 * 1024;

/// What `probe.sh` says, besides its beginning and end.
const WORDS: [&str; 8] = [
    "clock",
    "load",
    "processors",
    "service",
    "claude",
    "version",
    "login",
    "timeout",
];

/// How much of a box's word is kept, in columns.
const WORD_MAX: usize = 200;

impl Farm {
    /// Asks a host how it stands, and keeps the answer with its time. A host that can't be reached is an
    /// answer as well: it stands in [`Probe::trouble`].
    ///
    /// # Errors
    /// When the answer can't be kept, or nothing can be asked from here: without an `ssh`, or with too many files open.
    pub async fn probe(&self, host: &Host) -> Result<Probe> {
        let asked = match host.host_keys.is_empty() {
            true => Err(unpinned(host)),
            false => self.ask_in_time(host).await,
        };
        let probe = match asked {
            // What fails here, as where no more files can be opened, says nothing of the host.
            Err(error) if error.code() == Code::Failed => return Err(error),
            asked => asked.unwrap_or_else(|error| Probe {
                trouble: Some(Failure::from(&error)),
                ..Probe::default()
            }),
        };
        let (asked, now, kept) = (host.clone(), self.now(), probe.clone());
        let note = self
            .0
            .db
            .write(move |store| note(store, &asked, &kept, now));
        note.await?;
        Ok(probe)
    }

    async fn ask_in_time(&self, host: &Host) -> Result<Probe> {
        let way = self.way(host).await?;
        let limit = way.patience.connect + DEADLINE;
        let asked = timeout(limit, self.ask(&way, host)).await;
        asked.unwrap_or_else(|_| Err(late(host, limit)))
    }

    async fn ask(&self, way: &Way, host: &Host) -> Result<Probe> {
        // A connection that stands may be older than the change, and proves nothing of the key.
        let machine = match host.has_changed_key() {
            true => Arc::default(),
            false => self.machine(host.id),
        };
        // A lock leaves the connection until then: that it broke off would be held against the host.
        let _asking = machine.asking();
        let mark = remote::mark()?;
        let Channel {
            input,
            output,
            held,
            ..
        } = machine.start(way, host, &PROBE).await?;
        let clock = self.0.db.clock();
        let header = header(host, &mark);
        let answers = answers(input, output, &header, &mark, || clock.now());
        let answered = answers.await;
        drop(held);
        let answers = answered.ok_or_else(|| broke_off(host))?;
        Ok(read(host, &answers))
    }
}

/// Keeps what a host answered, and what follows from it for the runs that it takes.
fn note(store: &Connection, asked: &Host, probe: &Probe, now: Millis) -> Result<()> {
    if !hosts::note_probe(store, asked, probe, now)? {
        return Ok(());
    }
    match &probe.trouble {
        Some(why) if why.code == Code::HostKey && !asked.host_keys.is_empty() => {
            return hosts::note_failure(store, asked.id, why, now);
        }
        // It has let us in, so it has shown the pinned key.
        _ if probe.latency_ms.is_some() => hosts::note_pinned_key(store, asked.id)?,
        _ => {}
    }
    match probe.trouble {
        Some(_) => Ok(()),
        None => hosts::note_success(store, asked.id),
    }
}

/// What came back, word by word.
#[derive(Default)]
struct Answers {
    words: BTreeMap<&'static str, String>,
    latency: Duration,
    /// Our time when its clock was read.
    at: Option<Millis>,
}

/// Asks, and reads what comes back; `None` where it breaks off. Whatever else a box says is passed over.
async fn answers(
    mut input: impl AsyncWrite + Unpin,
    output: impl AsyncRead + Unpin,
    header: &str,
    mark: &str,
    now: impl Fn() -> Millis + Send,
) -> Option<Answers> {
    let mut lines = Lines::new(output);
    input.write_all(header.as_bytes()).await.ok()?;
    let mut answers = Answers::default();
    let mut asked = Instant::now();
    for _ in 0..LINES_MAX {
        let Read::Line(line) = lines.next().await else {
            return None;
        };
        let Some(said) = line.strip_prefix(mark.as_bytes()) else {
            continue;
        };
        let said = String::from_utf8_lossy(&said[..said.len().min(LINE_MAX)]);
        let (name, value) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
        match name {
            "began" => {
                asked = Instant::now();
                input.write_all(b"ping\n").await.ok()?;
            }
            "pong" => answers.latency = asked.elapsed(),
            "ended" => return Some(answers),
            name => {
                let Some(name) = WORDS.into_iter().find(|known| *known == name) else {
                    continue;
                };
                if name == "clock" {
                    answers.at = Some(now());
                }
                let value = match name {
                    "login" => login(value),
                    _ => shown(value.trim(), WORD_MAX),
                };
                answers.words.insert(name, value);
            }
        }
    }
    None
}

/// Writes the lines that `probe.sh` reads.
fn header(host: &Host, mark: &str) -> String {
    let program = host.own_command.as_deref().unwrap_or("claude");
    let unit = host.service_unit.as_deref().unwrap_or_default();
    let own = host.own_command.as_ref().map_or("", |_| "own");
    format!("{program}\n{unit}\n{own}\n{mark}\n")
}

fn broke_off(host: &Host) -> Error {
    let name = shown(&host.name, 60);
    Error::new(
        Code::HostFailed,
        format!("{name} broke off while it was asked how it stands."),
    )
    .hint("See that `ssh` to it can run a command, and that it has /bin/sh.")
}

fn late(host: &Host, limit: Duration) -> Error {
    let (name, seconds) = (shown(&host.name, 60), limit.as_secs());
    Error::new(
        Code::Timeout,
        format!("{name} did not say how it stands within {seconds} s."),
    )
    .hint("See whether the box has too much to do.")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_what_a_box_says_only_known_words_are_kept_and_those_cut() {
        let long = "x".repeat(100_000);
        let mut said = String::from("Welcome!\nmark began\n");
        for number in 0..500 {
            said += &format!("mark {number}{long} word\nmark load{number} 1\n");
        }
        said +=
            &format!("mark load {long}\nmark login {{\"authMethod\":\"{long}\"}}\nmark ended 0\n");
        let mut asked = Vec::new();
        let answers = answers(&mut asked, said.as_bytes(), "claude\n", "mark", || {
            Millis(1)
        })
        .await
        .unwrap();
        assert_eq!(asked, b"claude\nping\n");
        let names: Vec<_> = answers.words.keys().copied().collect();
        assert_eq!(names, ["load", "login"]);
        for word in answers.words.values() {
            assert!(word.len() < 1_000, "{} bytes", word.len());
        }
    }
}
