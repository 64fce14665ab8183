//! The subscription tier: the user's own `claude`, which says who pays before it is given the prompt.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::as_text::{with_conversation, with_files};
use super::by_plan::{PlanRoute, proof};
use super::event::{RunEvent, Sink};
use super::request::Request;
use super::routing::Cause;
use super::tier::{Running, Seen, Tier, cancelled, tell};
use super::told;
use crate::claude::{Event, Limits, Login, Process, Prompt};
use crate::consent::{self, Subject};
use crate::db::Db;
use crate::error::{Code, Error, Remedy, Result};
use crate::id::RunId;
use crate::plan::{self, Plan, Wanted};

/// How many of the CLI's events may wait.
const WAITING_MAX: usize = 64;

/// One run through the user's plan.
pub(super) struct Subscription {
    pub(super) plan: Plan,
    pub(super) db: Db,
    pub(super) route: PlanRoute,
    /// Taken when the CLI is started.
    pub(super) login: Mutex<Option<Login>>,
    pub(super) wanted: Wanted,
    pub(super) run: RunId,
    /// The run that this one continues.
    pub(super) reply_to: Option<RunId>,
}

impl Tier for Subscription {
    fn run<'a>(
        &'a self,
        request: &'a Request,
        seen: &'a mut Seen,
        sink: &'a Sink,
        cancel: &'a CancellationToken,
    ) -> Running<'a> {
        Box::pin(async move {
            // Dropping what is being started ends it; nothing has been sent by then.
            let (process, prompt) = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(cancelled()),
                started = self.process(request) => started.inspect_err(|error| {
                    seen.cause = is_of_the_login(error).then_some(Cause::Unavailable);
                })?,
            };
            self.carry(process, &prompt, seen, sink, cancel).await
        })
    }
}

impl Subscription {
    /// Returns a process that has proved who pays, and what it is to be given.
    async fn process<'a>(&self, request: &'a Request) -> Result<(Process, Cow<'a, str>)> {
        if let Some(run) = self.reply_to
            && let Some(process) = self.plan.take_after(run, &self.wanted).await
            && let Some(process) = proved(process).await
        {
            return Ok((process, with_files(&request.prompt, &request.attachments)));
        }
        let login = self
            .login
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let spare = match self.plan.take_spare(&self.wanted).await {
            Some(spare) => proved(spare).await,
            None => None,
        };
        let process = match spare {
            Some(spare) => spare,
            None => {
                let login = login.ok_or_else(|| Error::failed("The route names no login."))?;
                self.plan.start(login, &self.wanted).await?
            }
        };
        self.same_account(&process).await?;
        Ok((process, with_conversation(request)))
    }

    /// Refuses a login that has become somebody else's since its last run, until it is chosen anew.
    async fn same_account(&self, process: &Process) -> Result<()> {
        let account = process.account().clone();
        match &self.route.known.account {
            Some(before) if *before == account => Ok(()),
            Some(before) => Err(another_account(before, &account)),
            None => {
                let login = self.route.login.name.clone();
                self.db
                    .write(move |store| plan::note_account(store, &login, &account))
                    .await
            }
        }
    }

    async fn carry(
        &self,
        mut process: Process,
        prompt: &str,
        seen: &mut Seen,
        sink: &Sink,
        cancel: &CancellationToken,
    ) -> Result<()> {
        seen.proof = Some(proof(process.account()));
        seen.attempts = 1;
        seen.may_have_run = true;
        let own = cancel.child_token();
        let (told, events) = mpsc::channel(WAITING_MAX);
        let prompt = Prompt {
            text: prompt,
            images: &[],
        };
        let turn = async {
            let turn = process.turn(&prompt, &told, &own).await;
            drop(told);
            turn
        };
        let (turn, passed) = tokio::join!(turn, self.pass_on(events, seen, sink, &own));
        let ended = told::end(turn, seen);
        if let Err(error) = &passed {
            seen.cause = is_limit(error).then_some(Cause::PlanLimit);
        }
        // Where the run was ended from here, that is why.
        let ended = passed.and(ended);
        match &ended {
            Ok(()) => {
                let wanted = self.wanted.clone();
                self.plan.keep_after(self.run, wanted, process).await;
            }
            // At once: each moment is somebody's money.
            Err(error) if error.code() == Code::WrongPayer => drop(process),
            // Asking it to end may take a while, which nobody has to wait for.
            Err(_) => drop(tokio::spawn(process.end())),
        }
        ended
    }

    /// Takes in what the CLI tells and hands it on.
    async fn pass_on(
        &self,
        mut events: mpsc::Receiver<Event>,
        seen: &mut Seen,
        sink: &Sink,
        own: &CancellationToken,
    ) -> Result<()> {
        let start = Instant::now();
        let mut passed = Ok(());
        while let Some(event) = events.recv().await {
            let taken = match event {
                Event::Limits(limits) => self.limits(limits, seen, sink).await,
                event => told::take(event, (start, self.db.clock()), seen, sink).await,
            };
            if let (Err(error), Ok(())) = (taken, &passed) {
                // The rest is still taken in: it is booked.
                passed = Err(error);
                own.cancel();
            }
        }
        passed
    }

    async fn limits(&self, limits: Limits, seen: &mut Seen, sink: &Sink) -> Result<()> {
        let (login, now) = (self.route.login.name.clone(), self.db.clock().now());
        let kept = limits.clone();
        let noted = self
            .db
            .write(move |store| plan::note_limits(store, &login, &kept, now));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the plan's limits are not kept");
        }
        seen.is_extra |= limits.is_extra;
        let is_extra = limits.is_extra;
        tell(sink, RunEvent::Limits { limits }).await?;
        match is_extra {
            // It may have been withdrawn or given while this run went on.
            true => self
                .db
                .read(|store| consent::require(store, Subject::ExtraUsage))
                .map_err(|error| stopped(&error)),
            false => Ok(()),
        }
    }
}

/// Returns a process that has waited, once it has said again who pays; one that does not is not missed.
async fn proved(mut process: Process) -> Option<Process> {
    match process.prove_again().await {
        Ok(()) => Some(process),
        Err(error) => {
            tracing::info!(%error, "a `claude` that waited is not used");
            None
        }
    }
}

/// Tells whether a run could not begin because of its login or its CLI. A login that is somebody else's
/// now is no such trouble: that is for the user to look at.
fn is_of_the_login(error: &Error) -> bool {
    !matches!(
        error.code(),
        Code::Cancelled | Code::WrongPayer | Code::StoreUnwritable | Code::StoreDamaged
    )
}

/// Tells whether a run was ended from here because it would have gone on beyond the plan.
fn is_limit(error: &Error) -> bool {
    error.code() == Code::ConsentNeeded
}

fn another_account(before: &crate::claude::Account, now: &crate::claude::Account) -> Error {
    Error::new(
        Code::WrongPayer,
        format!(
            "This login of `claude` is another one than in its last run: it is {} now, and was {}. Nothing was sent.",
            whose(now),
            whose(before)
        ),
    )
    .hint("If it is your account, say so, and it pays from then on. If it is not, log in again.")
    .remedy(Remedy::ConfirmLogin)
}

fn whose(account: &crate::claude::Account) -> String {
    let said = proof(account);
    said.strip_prefix("claude: ").unwrap_or(&said).to_owned()
}

/// Words the end of a run that would go on for dollars.
fn stopped(why: &Error) -> Error {
    let stopped = Error::new(
        Code::ConsentNeeded,
        "The plan's limit is reached, and Anthropic began to charge for extra usage. The run was \
         stopped; what it used until then is booked as extra usage.",
    )
    .hint("Wait until the limit begins anew, or send with a key.");
    match why.failure().remedy {
        Some(remedy) => stopped.remedy(remedy),
        None => stopped,
    }
}
