//! A `claude` that waits for prompts: asked who pays, driven turn by turn, ended.

use std::pin::pin;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::failure::{Failed, Kind};
use super::gate::Program;
use super::identity::Watched;
use super::lines::Read;
use super::login::Expected;
use super::prompt::Prompt;
use super::proof::{Proof, unfit};
use super::running::{Running, There};
use super::start::{Patience, replaced};
use super::turn::{Event, Progress, Turn};
use super::wire::{self, Line};
use crate::error::Result;

/// So many lines of a turn may be unreadable; they are left out. With more, it is not the CLI.
const UNREADABLE_MAX: u32 = 20;

/// A `claude` that was started and not asked anything yet.
pub struct Spawned {
    running: Running,
    expected: Expected,
    /// The program, where it is one of this machine.
    program: Option<Program>,
    /// The file of the login, where the CLI keeps one.
    login: Option<Watched>,
    /// What stands in for Anthropic's server.
    server: Option<String>,
}

/// A `claude` that has proved who pays and waits for a prompt. Dropping it ends it, and all that it
/// started, at once; [`end`](Self::end) gives it time.
pub struct Process {
    running: Running,
    expected: Expected,
    server: Option<String>,
    program: Option<Program>,
    login: Option<Watched>,
    account: Account,
    /// How often it has proved who pays.
    proofs: u32,
    is_usable: bool,
}

impl Spawned {
    pub(super) fn new(
        running: Running,
        expected: Expected,
        program: Program,
        login: Option<Watched>,
        server: Option<String>,
    ) -> Self {
        Self {
            running,
            expected,
            program: Some(program),
            login,
            server,
        }
    }

    /// Takes a `claude` that was started on another machine. `server` is what it was told in place of
    /// Anthropic's.
    #[must_use]
    pub fn there(
        there: There,
        expected: Expected,
        server: Option<String>,
        patience: Patience,
    ) -> Self {
        Self {
            running: Running::there(there, patience),
            expected,
            program: None,
            login: None,
            server,
        }
    }

    /// Tells whether it still waits, and is the program that is installed now.
    pub fn is_usable(&mut self) -> bool {
        self.running.is_alive() && is_unchanged(self.program.as_ref())
    }

    /// Hands over the system prompt and asks who pays. Nothing is sent to a server by that.
    ///
    /// The system prompt is part of the request, and none is handed over as an empty one: without
    /// the field the CLI sends a long one of its own. Only the first request counts, the CLI answers
    /// a second one and keeps the first system prompt (all seen with CLI 2.1.330).
    ///
    /// # Errors
    /// [`Code::Timeout`] when there is no answer in time, [`Code::KeyRefused`] when nobody would pay,
    /// [`Code::WrongPayer`] when somebody else would ([`Account::check`], and managed settings that the account
    /// does not show), [`Code::Failed`] when the CLI ends, answers twice, refuses to answer or writes what
    /// can't be understood. In each case it is ended.
    pub async fn initialize(mut self, system: Option<&str>) -> Result<Process> {
        let Self {
            running,
            expected,
            server,
            ..
        } = &mut self;
        let account = Proof::first(running, expected, server.as_deref())
            .of(system)
            .await?;
        Ok(Process {
            running: self.running,
            expected: self.expected,
            server: self.server,
            program: self.program,
            login: self.login,
            account,
            proofs: 1,
            is_usable: true,
        })
    }
}

impl Process {
    /// Returns who pays, as the CLI said itself.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Asks it once more who pays, and which settings hold: one that has waited takes over what others have
    /// put in force meanwhile, such as managed settings with a key (seen with CLI 2.1.330). Sends nothing.
    ///
    /// # Errors
    /// As [`Spawned::initialize`], also for an account that is another one than at first. It takes no prompt
    /// then.
    pub async fn prove_again(&mut self) -> Result<()> {
        self.proofs += 1;
        // Stays so if this fails, or is dropped half-way.
        let is_usable = std::mem::replace(&mut self.is_usable, false);
        let proof = Proof {
            running: &mut self.running,
            expected: &self.expected,
            server: self.server.as_deref(),
            number: self.proofs,
        };
        if proof.of(None).await? != self.account {
            return Err(unfit("names another account than at first"));
        }
        self.is_usable = is_usable;
        Ok(())
    }

    /// Tells whether it takes a prompt: it is alive, every turn so far ended well, and neither the program
    /// nor the login was replaced meanwhile: it would send the new login, and name the old one (both seen
    /// with CLI 2.1.330). After a turn that failed the CLI still knows its prompt and would
    /// send it again with the next one (seen with CLI 2.1.330), so it takes no more.
    pub fn is_usable(&mut self) -> bool {
        self.is_usable
            && self.running.is_alive()
            && is_unchanged(self.program.as_ref())
            && self.login.as_ref().is_none_or(Watched::is_unchanged)
    }

    /// Hands over one prompt and tells `events` what happens until its turn has ended. What the CLI
    /// was asked before in this process goes along as the conversation so far.
    ///
    /// A failure stands in [`Turn::failure`]. Cancelled, or with nobody listening, it returns at once:
    /// the CLI is asked to end, and [`end`](Self::end) sees to it.
    pub async fn turn(
        &mut self,
        prompt: &Prompt<'_>,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) -> Turn {
        let mut progress = Progress::new(self.expected.clone(), self.running.sent());
        let is_usable = self.is_usable();
        // Stays so if this future is dropped in the middle of a turn.
        self.is_usable = false;
        if let Some(failed) = self.unfit_for_a_prompt(is_usable).await {
            progress.fail(failed);
        } else {
            self.drive(prompt, &mut progress, events, cancel).await;
        }
        let (turn, mut rest) = progress.finish();
        // Whoever has gone away does not miss it.
        tell(events, &mut rest, cancel).await;
        self.is_usable = turn.failure.is_none();
        turn
    }

    /// Ends it: asked first, by force after a while, with all that it started.
    pub async fn end(self) {
        self.running.end().await;
    }

    /// Looks at what came since the last turn: nothing may have changed who pays.
    async fn unfit_for_a_prompt(&mut self, is_usable: bool) -> Option<Failed> {
        loop {
            let how = match self.running.ready() {
                None if is_usable => return None,
                None if let Some(program) =
                    self.program.as_ref().filter(|it| !it.is_unchanged()) =>
                {
                    return Some(Failed::stale(replaced(program.path())));
                }
                None => "takes no further prompt".to_owned(),
                Some(Read::Line(line)) => {
                    if matches!(wire::read(&line), Some(Line::Answer(_))) {
                        return Some(Failed::garbled(false, "said twice who pays"));
                    }
                    continue;
                }
                Some(Read::TooLong) => return Some(Failed::too_long(false)),
                Some(Read::End { .. }) => self.running.how_it_ended().await,
            };
            return Some(Failed::died(
                &format!("{how} before it was given the prompt"),
                false,
            ));
        }
    }

    async fn drive(
        &mut self,
        prompt: &Prompt<'_>,
        progress: &mut Progress,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) {
        let request = prompt.line();
        let silence = self.running.patience.silence;
        let Some(mut input) = self.running.input.take() else {
            return progress.fail(Failed::died("takes no further prompt", false));
        };
        // Written while its answer is read: neither end may have to wait for the other.
        let mut writing = pin!(async {
            let written = async {
                input.write_all(&request).await?;
                input.flush().await
            };
            (written.await.is_ok(), input)
        });
        let (mut is_written, mut has_left) = (false, false);
        let mut unreadable = 0;
        let mut told = Vec::new();
        let failed = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break Failed::cancelled(is_written),
                (is_whole, input) = &mut writing, if !has_left => {
                    has_left = true;
                    is_written = is_whole;
                    self.running.input = Some(input);
                    continue;
                }
                read = tokio::time::timeout(silence, self.running.next()) => match read {
                    Ok(Read::Line(line)) => {
                        let is_over = match wire::read(&line) {
                            Some(line) => progress.take(line, &mut told),
                            None => {
                                unreadable += 1;
                                false
                            }
                        };
                        if unreadable > UNREADABLE_MAX {
                            break Failed::garbled(is_written, "wrote what can't be understood");
                        }
                        if !tell(events, &mut told, cancel).await {
                            break Failed::cancelled(true);
                        }
                        if is_over {
                            return;
                        }
                    }
                    Ok(Read::TooLong) => break Failed::too_long(is_written),
                    Ok(Read::End { is_cut }) => {
                        let how = self.running.how_it_ended().await;
                        let cut = if is_cut { " in the middle of a line" } else { "" };
                        let died = Failed::died(&format!("{how}{cut}"), is_written);
                        break match self.running.is_lost() {
                            true => Failed { kind: Kind::Lost, ..died },
                            false => died,
                        };
                    }
                    Err(_) => break Failed::silent(silence),
                },
            }
        };
        self.running.ask_to_end();
        progress.fail(failed);
    }
}

/// Tells whether a program of this machine is still the one that passed the gate.
fn is_unchanged(program: Option<&Program>) -> bool {
    program.is_none_or(Program::is_unchanged)
}

/// Sends what there is. `false` when nobody listens any more, or the user cancelled meanwhile.
async fn tell(
    events: &mpsc::Sender<Event>,
    told: &mut Vec<Event>,
    cancel: &CancellationToken,
) -> bool {
    for event in told.drain(..) {
        let sent = tokio::select! {
            biased;
            () = cancel.cancelled() => false,
            sent = events.send(event) => sent.is_ok(),
        };
        if !sent {
            return false;
        }
    }
    true
}
