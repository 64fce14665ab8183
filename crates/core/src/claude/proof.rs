//! The proof of who pays: what a `claude` says itself, and which settings hold, before it is given a prompt.

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::account::Account;
use super::failure::quoted;
use super::lines::Read;
use super::login::Expected;
use super::prompt;
use super::running::Running;
use super::settings;
use super::wire::{self, Answer, Line};
use crate::error::{Code, Error, Result};

/// The kinds of our requests; an answer bears the kind of its request, and its number, as its name.
const INITIALIZE: &str = "initialize";
const GET_SETTINGS: &str = "get_settings";

/// A proof that is asked for.
pub(super) struct Proof<'a> {
    pub(super) running: &'a mut Running,
    pub(super) expected: &'a Expected,
    /// What stands in for Anthropic's server.
    pub(super) server: Option<&'a str>,
    /// Which one it is of this process, from 1 on.
    pub(super) number: u32,
}

impl<'a> Proof<'a> {
    /// Asks one that was just started.
    pub(super) fn first(
        running: &'a mut Running,
        expected: &'a Expected,
        server: Option<&'a str>,
    ) -> Self {
        Self {
            running,
            expected,
            server,
            number: 1,
        }
    }

    /// Asks who pays and checks the answer. The first time, it hands over the system prompt as well.
    pub(super) async fn of(mut self, system: Option<&str>) -> Result<Account> {
        let system = system.unwrap_or_default();
        let request = serde_json::json!({ "subtype": INITIALIZE, "systemPrompt": system });
        let answer = self.ask(INITIALIZE, &request).await?;
        let fields = answer
            .account()
            .ok_or_else(|| unfit("did not name who pays"))?;
        let account = Account::read(fields);
        account.check(self.expected)?;
        let request = serde_json::json!({ "subtype": GET_SETTINGS });
        let answer = self.ask(GET_SETTINGS, &request).await?;
        let holding = answer
            .settings()
            .ok_or_else(|| unfit("did not say which settings hold"))?;
        if *self.expected != Expected::KeyOfHost {
            settings::check(holding, self.server)?;
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
        Ok(account)
    }

    /// Makes a request and returns its answer, if it is one.
    async fn ask(&mut self, kind: &str, request: &serde_json::Value) -> Result<Answer> {
        let name = &match self.number {
            1 => kind.to_owned(),
            again => format!("{kind} {again}"),
        };
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

/// Words the end of a `claude` that gave no proof.
pub(super) fn unfit(what: &str) -> Error {
    Error::failed(format!("`claude` {what}. It was ended; nothing was sent."))
        .hint("Run `claude` in a terminal and see whether it works there; `claude update` brings the newest version.")
}
