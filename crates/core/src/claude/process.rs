//! A `claude` that waits for prompts: asked who pays, driven turn by turn, ended.

use std::pin::pin;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::failure::{Failed, Kind, quoted};
use super::gate::Program;
use super::lines::Read;
use super::login::Expected;
use super::prompt::{self, Prompt};
use super::running::{Running, There};
use super::settings;
use super::start::{Patience, replaced};
use super::turn::{Event, Progress, Turn};
use super::wire::{self, Answer, Line};
use crate::error::{Code, Error, Result};

/// The kinds of our requests, each of which is made once; its answer bears it as its name.
const INITIALIZE: &str = "initialize";
const GET_SETTINGS: &str = "get_settings";

/// So many lines of a turn may be unreadable; they are left out. With more, it is not the CLI.
const UNREADABLE_MAX: u32 = 20;

/// A `claude` that was started and not asked anything yet.
pub struct Spawned {
    running: Running,
    expected: Expected,
    /// The program, where it is one of this machine.
    program: Option<Program>,
    /// What stands in for Anthropic's server.
    server: Option<String>,
}

/// A `claude` that has proved who pays and waits for a prompt. Dropping it ends it, and all that it
/// started, at once; [`end`](Self::end) gives it time.
pub struct Process {
    running: Running,
    expected: Expected,
    program: Option<Program>,
    account: Account,
    is_usable: bool,
}

impl Spawned {
    pub(super) fn new(
        running: Running,
        expected: Expected,
        program: Program,
        server: Option<String>,
    ) -> Self {
        Self {
            running,
            expected,
            program: Some(program),
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
        let system = system.unwrap_or_default();
        let request = serde_json::json!({ "subtype": INITIALIZE, "systemPrompt": system });
        let answer = self.ask(INITIALIZE, &request).await?;
        let fields = answer
            .account()
            .ok_or_else(|| unfit("did not name who pays"))?;
        let account = Account::read(fields);
        account.check(&self.expected)?;
        let request = serde_json::json!({ "subtype": GET_SETTINGS });
        let answer = self.ask(GET_SETTINGS, &request).await?;
        let holding = answer
            .settings()
            .ok_or_else(|| unfit("did not say which settings hold"))?;
        if self.expected != Expected::KeyOfHost {
            settings::check(holding, self.server.as_deref())?;
        }
        // What came in the same breath. A later one ends the turn that it comes in.
        while let Some(read) = self.running.ready() {
            match read {
                Read::Line(line) if matches!(wire::read(&line), Some(Line::Answer(_))) => {
                    return Err(unfit("said twice who pays"));
                }
                Read::Line(_) => {}
                Read::TooLong | Read::End { .. } => return Err(self.gone().await),
            }
        }
        Ok(Process {
            running: self.running,
            expected: self.expected,
            program: self.program,
            account,
            is_usable: true,
        })
    }

    /// Makes a request and returns its answer, if it is one.
    async fn ask(&mut self, name: &str, request: &serde_json::Value) -> Result<Answer> {
        let request = serde_json::json!({
            "type": "control_request",
            "request_id": name,
            "request": request,
        });
        let answer = self.answer(name, &prompt::line(&request)).await?;
        if answer.subtype == "success" {
            return Ok(answer);
        }
        let said = quoted(answer.error.as_deref().unwrap_or_default());
        Err(unfit(&format!("refused to say who pays{said}")))
    }

    /// Writes the request and waits for its answer, as long as [`Patience`](super::Patience) says.
    async fn answer(&mut self, name: &str, request: &[u8]) -> Result<Answer> {
        let patience = self.running.patience;
        // A line that is there already shows that it has started, however long ago that was.
        let mut is_up = name != INITIALIZE;
        let first = match is_up {
            true => patience.answer,
            false => patience.start_up,
        };
        let mut deadline = Instant::now() + first;
        if !self.write(request).await {
            return Err(self.gone().await);
        }
        loop {
            let read = tokio::time::timeout_at(deadline, self.running.next()).await;
            let line = match read {
                Ok(Read::Line(line)) => line,
                Ok(Read::TooLong) => return Err(unfit("wrote a line that has no end")),
                Ok(Read::End { .. }) => return Err(self.gone().await),
                Err(_) => return Err(self.silent(is_up)),
            };
            match wire::read(&line) {
                Some(Line::Answer(answer)) if answer.request_id == name => return Ok(answer),
                Some(Line::Answer(_)) => return Err(unfit("said twice who pays")),
                Some(_) if !is_up => {
                    is_up = true;
                    deadline = Instant::now() + patience.answer;
                }
                Some(_) => {}
                None => return Err(unfit("wrote what can't be understood")),
            }
        }
    }

    async fn write(&mut self, request: &[u8]) -> bool {
        let Some(input) = &mut self.running.input else {
            return false;
        };
        // A system prompt that is longer than the pipe is read while it is written, or never.
        let write = async {
            input.write_all(request).await?;
            input.flush().await
        };
        matches!(
            tokio::time::timeout(self.running.patience.start_up, write).await,
            Ok(Ok(()))
        )
    }

    async fn gone(&mut self) -> Error {
        let how = self.running.how_it_ended().await;
        unfit(&format!("{how} before it said who pays"))
    }

    fn silent(&self, is_up: bool) -> Error {
        let (what, limit) = if is_up {
            ("did not say who pays", self.running.patience.answer)
        } else {
            ("did not start", self.running.patience.start_up)
        };
        Error::new(
            Code::Timeout,
            format!(
                "`claude` {what} within {} s, so it was ended. Nothing was sent.",
                limit.as_secs_f32()
            ),
        )
        .hint(
            "Try again; if it stays so, run `claude` in a terminal and see whether it works there.",
        )
    }
}

impl Process {
    /// Returns who pays, as the CLI said itself.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Tells whether it takes a prompt: it is alive, every turn so far ended well, and the program
    /// was not replaced meanwhile. After a turn that failed the CLI still knows its prompt and would
    /// send it again with the next one (seen with CLI 2.1.330), so it takes no more.
    pub fn is_usable(&mut self) -> bool {
        self.is_usable && self.running.is_alive() && is_unchanged(self.program.as_ref())
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
        let mut progress = Progress::new(self.expected.clone());
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

fn unfit(what: &str) -> Error {
    Error::failed(format!("`claude` {what}. It was ended; nothing was sent."))
        .hint("Run `claude` in a terminal and see whether it works there; `claude update` brings the newest version.")
}
