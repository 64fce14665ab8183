//! One `claude` started on a host, up to the moment when it waits for its prompt.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::remote::{self, WORKER};
use super::{Farm, unpinned};
use crate::child::Tail;
use crate::claude::{Expected, Lines, Output, Patience, Process, Read, Spawned, There};
use crate::error::{Code, Error, Failure, Remedy, Result};
use crate::hosts::{self, Host};
use crate::id::HostId;
use crate::secret::{ApiKey, Sent};
use crate::ssh::Channel;
use crate::text::shown;

/// How long a host may take until its worker has begun.
const BEGINNING: Duration = Duration::from_secs(20);

/// By how much the time limit there is longer than ours, which is the one that is told.
const LATER: Duration = Duration::from_secs(10);

/// The most lines of banners and noisy profiles before the worker's first.
const NOISE_MAX: usize = 10_000;

/// What is done on a host.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// The key that pays; `None` where the host has its own.
    pub key: Option<&'a ApiKey>,
    /// The server that the key is for, where it isn't Anthropic's own.
    pub server: Option<&'a str>,
    /// The model's id.
    pub model: &'a str,
    /// How much work goes into the answer.
    pub effort: Option<&'static str>,
    /// The longest answer, in tokens.
    pub max_tokens: u64,
    /// The system prompt.
    pub system: Option<&'a str>,
    /// After how long it is ended there, whatever happens here.
    pub limit: Duration,
}

/// How a host did in a run.
#[derive(Clone, Copy)]
pub enum Did<'a> {
    /// It carried the run to its end.
    Well,
    /// It could not take it, or lost it.
    Fail(&'a Error),
    /// It had the prompt, and `claude` failed there, which may be the prompt's doing.
    FailWithPrompt(&'a Error),
}

/// How long a `claude` on another machine may take for what.
fn patience() -> Patience {
    Patience {
        start_up: Duration::from_secs(30),
        // There and back over a slow line, besides what it takes anywhere.
        answer: Duration::from_secs(15),
        ..Patience::default()
    }
}

/// A worker that waits on a host to be told what to do. Dropping it ends it.
pub struct Waiting(Channel);

impl Waiting {
    /// Tells whether its connection stands, as far as is known here.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.0.ended.is_cancelled()
    }
}

/// Why no `claude` waits on a host for its prompt.
pub struct Unready {
    /// What is told of it.
    pub error: Error,
    /// What is kept with the host, which is not sealed: without the words of what was sent the key, and maybe the
    /// system prompt.
    pub kept: Box<Error>,
}

impl From<Error> for Unready {
    /// In our own words, which can be kept.
    fn from(error: Error) -> Self {
        let kept = Box::new(error.again());
        Self { error, kept }
    }
}

impl Farm {
    /// Starts the worker on a host, which gets ready for a run. It has been sent nothing of ours by then.
    ///
    /// # Errors
    /// [`Code::HostKey`], [`Code::HostFailed`] or [`Code::Timeout`] for what a host can't do;
    /// [`Code::WrongPayer`] where its `claude` is logged in to a plan.
    pub async fn reach(&self, host: &Host) -> Result<Waiting> {
        if host.host_keys.is_empty() {
            return Err(unpinned(host));
        }
        self.fit(host).await?;
        let way = self.way(host).await?;
        let machine = self.machine(host.id);
        Ok(Waiting(machine.start(&way, host, &WORKER).await?))
    }

    /// Lets a worker start a `claude`, and asks that who pays. The key has crossed by then; no prompt has,
    /// and nothing was sent to a server.
    ///
    /// # Errors
    /// [`Code::HostFailed`] or [`Code::Timeout`] for what a host can't do; [`Code::WrongPayer`] where
    /// somebody else would be billed.
    pub async fn start(
        &self,
        waiting: Waiting,
        host: &Host,
        work: &Work<'_>,
    ) -> Result<Process, Unready> {
        let mark = remote::mark()?;
        let header = header(host, work, &mark)?;
        let sent = Sent::of(work.key);
        let there = begin(waiting.0, host, header, mark, sent).await?;
        let expected = match work.key {
            Some(_) => Expected::Key,
            None => Expected::KeyOfHost,
        };
        let server = work.server.map(str::to_owned);
        let spawned = Spawned::there(there, expected, server, patience());
        spawned.initialize(work.system).await.map_err(|error| {
            let error = at(host, &error);
            let kept = error
                .in_other_words("`claude` did not get ready there. Why was shown with the run.");
            Unready {
                error,
                kept: Box::new(kept),
            }
        })
    }

    /// Refuses a host whose `claude` can't be relied on. It is asked where that is not known, or was long
    /// ago, or was not good.
    async fn fit(&self, host: &Host) -> Result<()> {
        if self.is_known_to_fit(host) {
            return Ok(());
        }
        let machine = self.machine(host.id);
        let since = self.now();
        let _one_asks = machine.fitting.lock().await;
        let host = &self.0.db.read(|store| hosts::get(store, host.id))?;
        if self.is_known_to_fit(host) {
            return Ok(());
        }
        let probe = match &host.probe {
            // Somebody else has asked meanwhile: one that is silent is not waited for by each in turn.
            Some(probe) if host.probed_at > Some(since) => probe.clone(),
            _ => self.probe(host).await?,
        };
        match probe.trouble {
            Some(trouble) => Err(trouble.into()),
            None => Ok(()),
        }
    }

    fn is_known_to_fit(&self, host: &Host) -> bool {
        const LONG: i64 = 24 * 60 * 60 * 1000;
        let at = host.probed_at.map_or(0, |at| at.0);
        let is_recent = self.now().0.saturating_sub(at) < LONG;
        let known = host.probe.as_ref();
        is_recent && known.is_some_and(|probe| probe.trouble.is_none())
    }

    /// Notes how a host did.
    pub async fn note(&self, id: HostId, did: Did<'_>) {
        let (db, now) = (&self.0.db, self.now());
        let noted = match did {
            Did::Fail(error) => {
                let why = Failure::from(error);
                db.write(move |store| hosts::note_failure(store, id, &why, now))
                    .await
            }
            Did::FailWithPrompt(error) => {
                let why = Failure::from(error);
                db.write(move |store| hosts::note_failed_run(store, id, &why, now))
                    .await
            }
            // Nothing is written for one that was well before.
            Did::Well if self.is_well(id) => Ok(()),
            Did::Well => db.write(move |store| hosts::note_success(store, id)).await,
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "how a host did is not kept");
        }
    }

    /// Tells whether nothing is held against a host. Looked at anew: another run may have failed there while
    /// this one went on.
    fn is_well(&self, id: HostId) -> bool {
        let host = self.0.db.read(|store| hosts::get(store, id));
        host.is_ok_and(|host| host.failures == 0 && host.last_failure.is_none())
    }
}

/// Writes the lines that the worker reads before `claude` reads the rest. None of them can hold another.
fn header(host: &Host, work: &Work<'_>, mark: &str) -> Result<Vec<u8>> {
    let seconds = (work.limit + LATER).as_secs().to_string();
    let longest = work.max_tokens.to_string();
    let lines = [
        work.key.map_or("", ApiKey::expose),
        work.server.unwrap_or_default(),
        host.own_command.as_deref().unwrap_or("claude"),
        work.model,
        work.effort.unwrap_or_default(),
        &longest,
        &seconds,
        mark,
    ];
    if lines.iter().any(|line| line.contains(['\n', '\0'])) {
        return Err(Error::bad_input(
            "A line break stands where none can be, so nothing was sent.",
        )
        .hint("Look at the key, its server and the model's name."));
    }
    // As long as it will be, so that no copy of the key is left where it grew.
    let length = lines.iter().map(|line| line.len() + 1).sum();
    let mut header = Vec::with_capacity(length);
    for line in lines {
        header.extend_from_slice(line.as_bytes());
        header.push(b'\n');
    }
    Ok(header)
}

/// Hands over the header and waits until the worker has begun. Whatever comes before its first line is a
/// banner, or what the box's profiles say.
async fn begin(
    channel: Channel,
    host: &Host,
    header: Vec<u8>,
    mark: String,
    sent: Sent,
) -> Result<There, Unready> {
    let Channel {
        mut input,
        output,
        errors,
        held,
        ..
    } = channel;
    let tail = Tail::without(sent.clone());
    tokio::spawn(tail.clone().follow(errors));
    let mut lines = Lines::new(Box::new(output) as Output);
    let deadline = Instant::now() + BEGINNING;
    let header = zeroize::Zeroizing::new(header);
    let written = async {
        input.write_all(&header).await?;
        input.flush().await
    };
    let silent = || {
        let message = format!(
            "{} did not begin within {} s.",
            shown(&host.name, 60),
            BEGINNING.as_secs()
        );
        Error::new(Code::Timeout, message).hint("See what its login shell does when it starts.")
    };
    // A shell that ends at once closes its end; what it said is read below.
    let _ = timeout_at(deadline, written).await.map_err(|_| silent())?;
    for _ in 0..NOISE_MAX {
        let line = match timeout_at(deadline, lines.next()).await {
            Ok(Read::Line(line)) => line,
            Ok(Read::TooLong | Read::End { .. }) => return Err(ended(host, &tail).await),
            Err(_) => return Err(silent().into()),
        };
        let Some(word) = line.strip_prefix(mark.as_bytes()) else {
            continue;
        };
        return match word.trim_ascii() {
            b"began" => Ok(There {
                input: Box::new(input),
                lines,
                sent,
                tail,
                mark,
                held: Box::new(held),
                ended: None,
            }),
            b"failed missing" => Err(missing(host).into()),
            b"failed space" => Err(no_space(host).into()),
            _ => Err(no_timeout(host).into()),
        };
    }
    Err(ended(host, &tail).await)
}

/// Words what a `claude` on a host did not do.
fn at(host: &Host, error: &Error) -> Error {
    let code = match error.code() {
        Code::Failed => Code::HostFailed,
        code => code,
    };
    let mut worded = Error::new(
        code,
        format!("On {}: {}", shown(&host.name, 60), error.message()),
    );
    if let Some(advice) = error.advice() {
        worded = worded.hint(advice);
    }
    worded
}

/// Words that the login shell ended. It had been sent the key by then, which may be too short to be taken out of what
/// it said.
async fn ended(host: &Host, tail: &Tail) -> Unready {
    let _ = tokio::time::timeout(Duration::from_secs(1), tail.is_whole()).await;
    let name = shown(&host.name, 60);
    let what = format!("The login shell of {name} ended before anything began");
    let kept = Error::new(Code::HostFailed, format!("{what}."))
        .hint("See that `ssh` to it can run a command, and that it has /bin/sh.");
    let error = match tail.text() {
        Some(said) => kept.in_other_words(format!("{what} (it said: {said}).")),
        None => kept.again(),
    };
    Unready {
        error,
        kept: Box::new(kept),
    }
}

pub(super) fn missing(host: &Host) -> Error {
    let name = shown(&host.name, 60);
    match &host.own_command {
        Some(program) => Error::new(
            Code::HostFailed,
            format!("There is no program {} on {name}.", shown(program, 100)),
        )
        .hint("It is what brings the box's own key. Put it there, or change the host."),
        None => Error::new(Code::HostFailed, format!("There is no `claude` on {name}."))
            .hint("Install it there, in a folder of the login's PATH or in ~/.local/bin."),
    }
    .remedy(Remedy::ProbeHost)
}

fn no_space(host: &Host) -> Error {
    Error::new(
        Code::HostFailed,
        format!(
            "{} has no room for a working folder: its disk is full, or its /tmp can't be written.",
            shown(&host.name, 60)
        ),
    )
    .hint("Free some space there.")
}

pub(super) fn no_timeout(host: &Host) -> Error {
    Error::new(
        Code::HostFailed,
        format!(
            "{} has no `timeout`, without which nothing is started there.",
            shown(&host.name, 60)
        ),
    )
    .hint("Install GNU coreutils there.")
}
