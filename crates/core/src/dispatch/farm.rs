//! The farm tier: a `claude` on a remote box, over SSH, with one key or the box's own.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::as_text::with_conversation;
use super::by_farm::FarmRoute;
use super::by_plan::proof;
use super::event::{RunEvent, Sink};
use super::reaching::{Early, Next, Reaching, wanted};
use super::request::{Effort, Request};
use super::routing::Cause;
use super::runs;
use super::tier::{Running, Seen, Tier, cancelled, tell};
use super::told;
use crate::claude::{Event, Kind, Process, Prompt};
use crate::db::Db;
use crate::error::{Code, Error, Result};
use crate::farm::{Farm, Slot, Waiting, Wanted, Work};
use crate::hosts::Host;
use crate::id::RunId;
use crate::secret::ApiKey;
use crate::text::shown;

/// How many of the CLI's events may wait.
const WAITING_MAX: usize = 64;

/// One run on the farm.
pub(super) struct OverFarm {
    pub(super) farm: Farm,
    pub(super) db: Db,
    pub(super) route: FarmRoute,
    /// The key, wiped when the run is over; `None` where the host has its own.
    pub(super) key: Option<ApiKey>,
    /// The server that the key is for, where it isn't Anthropic's own.
    pub(super) server: Option<String>,
    pub(super) model: String,
    pub(super) max_tokens: u64,
    pub(super) run: RunId,
    /// Where it goes first, if that was known before it began; written down with it.
    pub(super) early: Mutex<Option<Early>>,
    /// It is one of many that fill the farm, so it may wait for a slot for as long as that takes.
    pub(super) is_line: bool,
}

/// A slot, and the worker that waits there.
type Reached = (Slot, Result<Waiting>);

impl Tier for OverFarm {
    fn run<'a>(
        &'a self,
        request: &'a Request,
        seen: &'a mut Seen,
        sink: &'a Sink,
        cancel: &'a CancellationToken,
    ) -> Running<'a> {
        Box::pin(async move {
            let total = Duration::from_secs(self.route.timeout_seconds);
            let ended = async {
                let first = match self.is_line {
                    true => Some(self.next(&wanted(&self.route), seen, sink).await),
                    false => None,
                };
                let ended = timeout(total, self.attempts(first, request, seen, sink)).await;
                ended.unwrap_or_else(|_| Err(too_slow(total)))
            };
            // Dropping the attempt closes its channel, by which the box learns to end it there.
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(cancelled()),
                ended = ended => ended,
            }
        })
    }
}

/// Why an attempt ended early.
struct Stopped {
    error: Error,
    /// It is the host's fault, so another one may do better.
    is_hosts: bool,
    /// The connection was lost, which says little of the host.
    is_lost: bool,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self {
            error,
            is_hosts: false,
            is_lost: false,
        }
    }
}

impl Stopped {
    /// What went wrong before the prompt was handed over.
    fn before(error: Error) -> Self {
        let is_hosts = matches!(
            error.code(),
            Code::HostFailed | Code::HostKey | Code::Timeout | Code::WrongPayer
        );
        Self {
            error,
            is_hosts,
            is_lost: false,
        }
    }
}

impl OverFarm {
    async fn attempts(
        &self,
        mut first: Option<Result<Reached>>,
        request: &Request,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<()> {
        let prompt = with_conversation(request);
        let mut wanted = wanted(&self.route);
        let (mut retries, mut has_lost) = (0, false);
        let mut last: Option<Error> = None;
        loop {
            let next = match first.take() {
                Some(next) => next,
                None => self.next(&wanted, seen, sink).await,
            };
            let (slot, reached) = match next {
                Ok(next) => next,
                // Why the last host failed says more than that there is no other.
                Err(none) if none.code() == Code::NoHost => {
                    seen.cause = Some(Cause::HostDown);
                    return Err(last.unwrap_or(none));
                }
                Err(error) => return Err(error),
            };
            seen.attempts += 1;
            let ended = match reached {
                Ok(waiting) => self.on(&slot, waiting, request, &prompt, seen, sink).await,
                Err(error) => Err(Stopped::before(error)),
            };
            let stopped = match ended {
                Ok(()) => {
                    self.farm.note(&slot.host, None).await;
                    return Ok(());
                }
                Err(stopped) => stopped,
            };
            // One lost connection is forgiven: it is opened anew, there or elsewhere.
            let is_forgiven = stopped.is_lost && !std::mem::replace(&mut has_lost, true);
            if stopped.is_hosts && !is_forgiven {
                self.farm.note(&slot.host, Some(&stopped.error)).await;
                wanted.not.push(slot.host.id);
            }
            let has_shown = seen.first_token.is_some() || seen.output_bytes > 0;
            if !stopped.is_hosts || has_shown || retries >= self.route.retries {
                if stopped.is_hosts {
                    seen.cause = Some(Cause::HostDown);
                }
                return Err(stopped.error);
            }
            retries += 1;
            let event = RunEvent::Waiting {
                why: stopped.error.message().to_owned(),
                until: self.db.clock().now(),
                attempt: seen.attempts + 1,
            };
            tell(sink, event).await?;
            last = Some(stopped.error);
        }
    }

    /// Takes a slot and reaches its host; at first the one that was taken early, if one was.
    async fn next(&self, wanted: &Wanted, seen: &mut Seen, sink: &Sink) -> Result<Reached> {
        let early = self
            .early
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let is_early = early.is_some();
        let (slot, reaching) = match early {
            Some(early) => (early.slot, Some(early.reaching)),
            None => self.slot(wanted, seen, sink).await?,
        };
        let host = &slot.host;
        seen.host = Some((host.id, host.name.clone()));
        let event = RunEvent::Placed {
            host: host.name.clone(),
        };
        tell(sink, event).await?;
        if let Some(reaching) = reaching {
            let reached = reaching.end().await;
            // What broke while a slot was waited for says nothing of the host as it is now.
            if is_early || reached.as_ref().is_ok_and(Waiting::is_there) {
                return Ok((slot, reached));
            }
        }
        // The box gets ready while it is written down.
        let (written, reached) = tokio::join!(self.write_down(host), self.farm.reach(host));
        written?;
        Ok((slot, reached))
    }

    /// Writes down which host has the run: whoever looks after a crash must know which box has had the key.
    async fn write_down(&self, host: &Host) -> Result<()> {
        let (run, host) = (self.run, host.id);
        self.db
            .write(move |store| runs::place(store, run, host))
            .await
    }

    /// Waits for a slot, and says so where it has to. Meanwhile one of the hosts gets ready for it, which is
    /// written down by then.
    async fn slot(
        &self,
        wanted: &Wanted,
        seen: &Seen,
        sink: &Sink,
    ) -> Result<(Slot, Option<Reaching>)> {
        let (mut has_told, mut next) = (false, None::<Next>);
        loop {
            let freed = self.farm.freed();
            let mut freed = std::pin::pin!(freed);
            // Listens from here on, so that a slot that is freed meanwhile is not missed.
            freed.as_mut().enable();
            let turn = next.as_ref().map(|next| &next.turn);
            if let Some(slot) = self.farm.place(wanted, turn)? {
                let there = next.filter(|next| next.turn.host.id == slot.host.id);
                return Ok((slot, there.map(|next| next.reaching)));
            }
            if !std::mem::replace(&mut has_told, true) {
                let event = RunEvent::Waiting {
                    why: "every host is busy".to_owned(),
                    until: self.db.clock().now(),
                    attempt: seen.attempts + 1,
                };
                tell(sink, event).await?;
            }
            if next.is_none() {
                next = Next::take(&self.farm, wanted);
                if let Some(next) = &next {
                    self.write_down(&next.turn.host).await?;
                    // A slot may have become free while that was written.
                    continue;
                }
            }
            Farm::patiently(freed).await;
        }
    }

    /// Runs the prompt on one host.
    async fn on(
        &self,
        slot: &Slot,
        waiting: Waiting,
        request: &Request,
        prompt: &str,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let limit = Duration::from_secs(self.route.timeout_seconds);
        let work = Work {
            key: self.key.as_ref(),
            server: self.server.as_deref(),
            model: &self.model,
            effort: request.effort.map(Effort::as_str),
            max_tokens: self.max_tokens,
            system: request.system.as_deref(),
            limit,
        };
        let started = self.farm.start(waiting, &slot.host, &work).await;
        let process = started.map_err(Stopped::before)?;
        self.carry(process, slot, prompt, seen, sink).await
    }

    async fn carry(
        &self,
        mut process: Process,
        slot: &Slot,
        prompt: &str,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let name = shown(&slot.host.name, 60);
        seen.proof = Some(format!("{} on {name}", proof(process.account())));
        // On another host, whose answer never came, it may have been billed as well.
        seen.begin_anew();
        seen.may_have_run = true;
        let start = Instant::now();
        let own = CancellationToken::new();
        let (told, mut events) = mpsc::channel(WAITING_MAX);
        let prompt = Prompt {
            text: prompt,
            images: &[],
        };
        let turn = async {
            let turn = process.turn(&prompt, &told, &own).await;
            drop(told);
            turn
        };
        let pass_on = async {
            let mut passed = Ok(());
            while let Some(event) = events.recv().await {
                // A key is billed by use: of a plan's limits nothing is known, and nothing asked.
                if matches!(event, Event::Limits(_)) {
                    continue;
                }
                let taken = told::take(event, (start, self.db.clock()), seen, sink).await;
                if let (Err(error), Ok(())) = (taken, &passed) {
                    // The rest is still taken in: it is booked.
                    passed = Err(error);
                    own.cancel();
                }
            }
            passed
        };
        let (turn, passed) = tokio::join!(turn, pass_on);
        let kind = turn.failure.as_ref().map(|failed| failed.kind);
        let ended = told::end(turn, seen);
        // It is ended over there as soon as its input ends.
        drop(process);
        passed?;
        ended.map_err(|error| Stopped {
            is_hosts: kind.is_some_and(is_hosts),
            is_lost: kind == Some(Kind::Lost),
            error: named(&name, kind, &error),
        })
    }
}

/// Tells whether a turn failed because of the box that it ran on.
fn is_hosts(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Lost | Kind::Died | Kind::Garbled | Kind::TooLongLine | Kind::Network | Kind::Unasked
    )
}

/// Says on which host it happened, where that matters.
fn named(host: &str, kind: Option<Kind>, error: &Error) -> Error {
    if !kind.is_some_and(is_hosts) {
        return error.again();
    }
    let code = match error.code() {
        Code::Failed => Code::HostFailed,
        code => code,
    };
    let worded = Error::new(code, format!("On {host}: {}", error.message()));
    match error.advice() {
        Some(advice) => worded.hint(advice),
        None => worded,
    }
}

fn too_slow(total: Duration) -> Error {
    Error::new(
        Code::Timeout,
        format!(
            "The run was not over after {} s, and was ended.",
            total.as_secs()
        ),
    )
    .hint("What came is kept. Give it more time, or see whether the farm has too few slots.")
}
