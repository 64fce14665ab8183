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
use super::stopped::{Fault, Stopped, named};
use super::tier::{Running, Seen, Tier, cancelled, tell};
use super::told;
use crate::claude::{Event, Process, Prompt};
use crate::db::Db;
use crate::error::{Code, Error, Result};
use crate::farm::{Did, Farm, Slot, Waiting, Wanted, Work};
use crate::hosts::Host;
use crate::id::{HostId, RunId};
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
}

/// A slot, with the worker that is being started there, if one is.
struct Taken {
    slot: Slot,
    reaching: Option<Reaching>,
    /// It was taken before the run began, and is written down with it.
    is_early: bool,
}

impl Tier for OverFarm {
    fn run<'a>(
        &'a self,
        request: &'a Request,
        seen: &'a mut Seen,
        sink: &'a Sink,
        cancel: &'a CancellationToken,
    ) -> Running<'a> {
        Box::pin(async move {
            // Dropping the attempt closes its channel, by which the box learns to end it there.
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(cancelled()),
                ended = self.attempts(request, seen, sink) => ended,
            }
        })
    }
}

/// What a host is given.
#[derive(Clone, Copy)]
struct Given<'a> {
    request: &'a Request,
    /// With the conversation that it goes on.
    prompt: &'a str,
    /// How long it may have it.
    limit: Duration,
}

/// What attempts have come to so far.
#[derive(Default)]
struct SoFar {
    retries: u32,
    /// A connection was lost.
    has_lost: bool,
    /// `claude` has failed with this prompt on one host.
    has_failed: bool,
}

impl OverFarm {
    /// Tries one host after another. The time that hosts may have it is shared by all of them, and does not
    /// pass while a slot is waited for.
    async fn attempts(&self, request: &Request, seen: &mut Seen, sink: &Sink) -> Result<()> {
        let prompt = with_conversation(request);
        let mut wanted = wanted(&self.route);
        let mut left = Duration::from_secs(self.route.timeout_seconds);
        let mut so_far = SoFar::default();
        let mut last: Option<Error> = None;
        loop {
            let mut taken = match self.take(&wanted, seen, sink).await {
                Ok(taken) => taken,
                // Why the last host failed says more than that there is no other.
                Err(none) if none.code() == Code::NoHost => {
                    seen.cause = Some(Cause::HostDown);
                    return Err(last.unwrap_or(none));
                }
                Err(error) => return Err(error),
            };
            seen.attempts += 1;
            let (host, start) = (taken.slot.host.id, Instant::now());
            let given = Given {
                request,
                prompt: &prompt,
                limit: left,
            };
            let attempt = self.attempt(&mut taken, given, seen, sink);
            let ended = timeout(left, attempt).await;
            left = left.saturating_sub(start.elapsed());
            let stopped = match ended.unwrap_or_else(|_| Err(self.too_slow().into())) {
                Ok(()) => {
                    self.farm.note(host, Did::Well).await;
                    return Ok(());
                }
                Err(stopped) => stopped,
            };
            // Its slot is held until that is noted: no run that waits shall be given to it in between.
            let may_go_on = self.judge(&stopped, host, &mut wanted, &mut so_far).await;
            if !may_go_on || seen.has_shown() || so_far.retries >= self.route.retries {
                if stopped.is_host_down() {
                    seen.cause = Some(Cause::HostDown);
                }
                return Err(stopped.error);
            }
            so_far.retries += 1;
            let event = RunEvent::Waiting {
                why: stopped.error.message().to_owned(),
                until: self.db.clock().now(),
                attempt: seen.attempts + 1,
            };
            tell(sink, event).await?;
            last = Some(stopped.error);
        }
    }

    /// Notes what an attempt that ended early says of its host, and decides whether another one may follow.
    async fn judge(
        &self,
        stopped: &Stopped,
        host: HostId,
        wanted: &mut Wanted,
        so_far: &mut SoFar,
    ) -> bool {
        let (fault, error) = (&stopped.fault, &*stopped.kept);
        match fault {
            Fault::Run => return false,
            Fault::HostKey => {
                self.farm.note(host, Did::Fail(error)).await;
                return false;
            }
            // One lost connection is forgiven: it is opened anew, there or elsewhere.
            Fault::Lost if !std::mem::replace(&mut so_far.has_lost, true) => return true,
            Fault::Host | Fault::Lost => self.farm.note(host, Did::Fail(error)).await,
            Fault::Claude => self.farm.note(host, Did::FailWithPrompt(error)).await,
        }
        wanted.not.push(host);
        // A prompt that brings `claude` down on two hosts would do so on all.
        *fault != Fault::Claude || !std::mem::replace(&mut so_far.has_failed, true)
    }

    /// Takes a slot; at first the one that was taken early, if one was.
    async fn take(&self, wanted: &Wanted, seen: &mut Seen, sink: &Sink) -> Result<Taken> {
        let early = self
            .early
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let taken = match early {
            Some(Early { slot, reaching }) => Taken {
                slot,
                reaching: Some(reaching),
                is_early: true,
            },
            None => self.slot(wanted, seen, sink).await?,
        };
        let host = &taken.slot.host;
        if !seen.may_have_run {
            seen.host = Some((host.id, host.name.clone()));
        }
        let event = RunEvent::Placed {
            host: host.name.clone(),
        };
        tell(sink, event).await?;
        Ok(taken)
    }

    /// Reaches the host of a slot and runs the prompt there.
    async fn attempt(
        &self,
        taken: &mut Taken,
        given: Given<'_>,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let reached = match taken.reaching.take() {
            None => None,
            Some(reaching) => {
                let reached = reaching.end().await;
                // What broke while a slot was waited for says nothing of the host as it is now.
                let is_news = taken.is_early || reached.as_ref().is_ok_and(Waiting::is_there);
                is_news.then_some(reached)
            }
        };
        let host = &taken.slot.host;
        let reached = match reached {
            Some(reached) => reached,
            // A box that has had the key and the prompt stays written down until another one is there to have them.
            None if seen.may_have_run => {
                let reached = self.farm.reach(host).await;
                if reached.is_ok() {
                    self.write_down(host).await?;
                }
                reached
            }
            None => {
                // The box gets ready while it is written down.
                let (written, reached) = tokio::join!(self.write_down(host), self.farm.reach(host));
                written?;
                reached
            }
        };
        let waiting = reached.map_err(|error| Stopped::before(error.into()))?;
        self.on(host, waiting, given, seen, sink).await
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
    async fn slot(&self, wanted: &Wanted, seen: &Seen, sink: &Sink) -> Result<Taken> {
        let (mut has_told, mut next) = (false, None::<Next>);
        loop {
            let freed = self.farm.freed();
            let mut freed = std::pin::pin!(freed);
            // Listens from here on, so that a slot that is freed meanwhile is not missed.
            freed.as_mut().enable();
            let turn = next.as_ref().map(|next| &next.turn);
            if let Some(slot) = self.farm.place(wanted, turn)? {
                let is_there = |next: &Next| {
                    next.turn.host.id == slot.host.id && next.turn.host.is_reached_as(&slot.host)
                };
                let there = next.filter(is_there);
                return Ok(Taken {
                    slot,
                    reaching: there.and_then(|next| next.reaching),
                    is_early: false,
                });
            }
            if !std::mem::replace(&mut has_told, true) {
                let event = RunEvent::Waiting {
                    why: "every host is busy".to_owned(),
                    until: self.db.clock().now(),
                    attempt: seen.attempts + 1,
                };
                tell(sink, event).await?;
            }
            // A host that was paused, or rests, gives nobody a slot: a turn there would keep others waiting.
            next = next.filter(|next| self.farm.is_able(wanted, &next.turn.host));
            if next.is_none() {
                // What one host has had stays written down until another one has it.
                next = Next::take(&self.farm, wanted, !seen.may_have_run);
                if let Some(next) = &next {
                    if next.reaching.is_some() {
                        self.write_down(&next.turn.host).await?;
                    }
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
        host: &Host,
        waiting: Waiting,
        Given {
            request,
            prompt,
            limit,
        }: Given<'_>,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let work = Work {
            key: self.key.as_ref(),
            server: self.server.as_deref(),
            model: &self.model,
            effort: request.effort.map(Effort::as_str),
            max_tokens: self.max_tokens,
            system: request.system.as_deref(),
            limit,
        };
        let started = self.farm.start(waiting, host, &work).await;
        let process = started.map_err(Stopped::before)?;
        self.carry(process, host, prompt, seen, sink).await
    }

    async fn carry(
        &self,
        mut process: Process,
        host: &Host,
        prompt: &str,
        seen: &mut Seen,
        sink: &Sink,
    ) -> Result<(), Stopped> {
        let name = shown(&host.name, 60);
        seen.host = Some((host.id, host.name.clone()));
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
        let fault = turn.failure.as_ref().map_or(Fault::Run, Fault::of);
        let ended = told::end(turn, seen);
        // It is ended over there as soon as its input ends.
        drop(process);
        passed?;
        ended.map_err(|error| Stopped::in_turn(named(&name, fault, &error), fault))
    }

    fn too_slow(&self) -> Error {
        let seconds = self.route.timeout_seconds;
        Error::new(
            Code::Timeout,
            format!("The run was not over after {seconds} s, and was ended."),
        )
        .hint("What came is kept. Give it more time.")
    }
}
