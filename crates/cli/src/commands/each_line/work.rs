//! The lines under way: several at once, their results in the order of the file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::process::ExitCode;

use serde_json::{Value, json};
use switchyard_core::dispatch::{
    ANSWER_MAX, Amount, Dispatch, Identity, LineState, Outcome, Prepared, RunEvent, State, channel,
};
use switchyard_core::id::RunId;
use switchyard_core::usage::{Nano, shown as money};
use switchyard_core::{Code, Error, Failure, Result};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::EachLine;
use super::file::Lines;
use crate::commands::send::{announcement, told_to_end};
use crate::exit;
use crate::out::{Out, count};

/// How many bytes of answers may wait for one before them; then no further line is begun.
const HELD_MAX: usize = 16 * 1024 * 1024;

/// After so many failures in a row nothing more is sent: what is wrong is not the line.
const FAILURES_MAX: u32 = 10;

/// What a line has come to.
enum Held {
    /// In an earlier call; read again when its turn comes.
    Before(LineState),
    /// Now.
    Now(Value, usize),
    /// It was not sent after all, and is for the next call.
    NotSent,
}

/// One line that has been sent.
struct Sent {
    number: u64,
    ended: Result<(Outcome, String)>,
    /// What the ways have cost that a fallback stood in for.
    left: Vec<Amount>,
}

type Signalled = Pin<Box<dyn Future<Output = ()>>>;

pub(super) struct Work<'a> {
    each: &'a EachLine,
    out: &'a Out,
    jobs: usize,
    /// Who has been named as paying.
    announced: BTreeSet<String>,
    cancel: CancellationToken,
    under_way: JoinSet<Sent>,
    /// Lines whose result has not been written, in order.
    order: VecDeque<u64>,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    tally: Tally,
    /// What has been read of the file, to see that it is still the same.
    read: Option<Identity>,
    /// Why no further line is begun.
    halted: Option<Error>,
}

/// What is said at the end.
#[derive(Default)]
struct Tally {
    answered: u64,
    unanswered: u64,
    before: u64,
    failures_in_a_row: u32,
    cost: Nano,
    unpriced: u64,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        each: &'a EachLine,
        read: Identity,
        (jobs, announced): (usize, Option<String>),
        out: &'a Out,
    ) -> Self {
        Self {
            each,
            out,
            jobs,
            announced: announced.into_iter().collect(),
            cancel: CancellationToken::new(),
            under_way: JoinSet::new(),
            order: VecDeque::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            tally: Tally::default(),
            read: Some(read),
            halted: None,
        }
    }

    /// Sends what is to be sent and writes what all lines came to.
    ///
    /// # Errors
    /// What keeps results from being written or read; everything under way has been booked by then.
    pub(super) async fn carry_out(mut self) -> Result<ExitCode> {
        let mut lines = self.each.file.lines()?;
        let worked = self.work(&mut lines).await;
        if worked.is_err() {
            self.cancel.cancel();
        }
        // Nothing that was sent goes unbooked, whatever keeps its result from being written.
        while self.under_way.join_next().await.is_some() {}
        worked?;
        self.out.note(&self.tally.summary());
        Ok(match &self.halted {
            Some(error) => {
                self.out.error(error);
                exit::code(error.code())
            }
            None if self.tally.unanswered > 0 => ExitCode::from(exit::SOME_UNANSWERED),
            None => ExitCode::SUCCESS,
        })
    }

    async fn work(&mut self, lines: &mut Lines<'_>) -> Result<()> {
        let mut signalled: Signalled = Box::pin(told_to_end());
        loop {
            self.begin_lines(lines).await?;
            self.write_results().await?;
            if self.under_way.is_empty() {
                return Ok(());
            }
            tokio::select! {
                Some(joined) = self.under_way.join_next() => {
                    let sent = joined.map_err(|e| Error::failed("A line was cut off.").because(e))?;
                    self.take(sent);
                }
                () = &mut signalled => {
                    self.stop();
                    signalled = Box::pin(told_to_end());
                }
            }
        }
    }

    /// Begins as many lines as may be under way.
    async fn begin_lines(&mut self, lines: &mut Lines<'_>) -> Result<()> {
        while self.halted.is_none()
            && self.under_way.len() < self.jobs
            && self.held_bytes < HELD_MAX
        {
            let Some(line) = lines.next().transpose()? else {
                self.is_read();
                return Ok(());
            };
            if let Some(read) = &mut self.read {
                read.line(&line.text);
            }
            let state = self.each.dispatch.line(self.each.job, line.number)?;
            self.order.push_back(line.number);
            if !self.each.sends(state) {
                self.held.insert(line.number, Held::Before(state));
                // What was answered before is written at once: a long file would pile up here.
                self.write_results().await?;
                continue;
            }
            match self.each.prepared(line.number, line.text).await {
                Ok(prepared) => {
                    let payer = &prepared.route.payer;
                    // Hosts may have keys of their own: whoever pays is named before that is so.
                    if self.announced.insert(payer.clone()) {
                        self.out.note(&announcement(&prepared));
                    }
                    let (dispatch, cancel) = (self.each.dispatch.clone(), self.cancel.clone());
                    let sending = send(dispatch, prepared, line.number, cancel);
                    self.under_way.spawn(sending);
                }
                Err(error) => self.not_sent(line.number, error),
            }
        }
        Ok(())
    }

    /// Compares what was sent with what was looked at before, once all of it is read.
    fn is_read(&mut self) {
        let Some(read) = self.read.take() else { return };
        if read.finish() != self.each.identity {
            self.halted = Some(
                Error::bad_input("The file was changed while its lines were sent.")
                    .hint("What was sent is in the history and booked. Call again with the file as it shall be."),
            );
        }
    }

    /// Lets what is under way come to its end, and no further line begin; at the second time, ends it.
    fn stop(&mut self) {
        if self.halted.is_some() {
            self.out.note("Cancelling …");
            self.cancel.cancel();
            return;
        }
        let under_way = self.under_way.len() as u64;
        self.out.note(&format!(
            "Waiting for {} under way; once more cancels.",
            count(under_way, "line")
        ));
        self.halted = Some(
            Error::new(Code::Cancelled, "The lines that follow were not sent.")
                .hint("The same call again goes on with them."),
        );
    }

    fn not_sent(&mut self, number: u64, error: Error) {
        self.held.insert(number, Held::NotSent);
        self.halted.get_or_insert(error);
    }

    fn take(&mut self, sent: Sent) {
        let Sent {
            number,
            ended,
            left,
        } = sent;
        left.iter().for_each(|amount| self.tally.book(amount));
        let (outcome, text) = match ended {
            Ok(ended) => ended,
            Err(error) => return self.not_sent(number, error),
        };
        self.tally.take(&outcome);
        if let Some(error) = &outcome.error
            && (halts(error.code()) || self.tally.failures_in_a_row >= FAILURES_MAX)
        {
            let error = error.again();
            self.halted.get_or_insert(error);
        }
        let size = text.len();
        self.held_bytes += size;
        let result = result(number, &outcome, &text);
        self.held.insert(number, Held::Now(result, size));
    }

    /// Writes the results whose turn has come.
    async fn write_results(&mut self) -> Result<()> {
        while let Some(number) = self.order.front().copied() {
            let Some(held) = self.held.remove(&number) else {
                return Ok(());
            };
            self.order.pop_front();
            match held {
                Held::NotSent => {}
                Held::Now(result, size) => {
                    self.held_bytes -= size;
                    self.out.json_line(&result)?;
                }
                Held::Before(LineState::Answered(run)) => {
                    self.tally.before += 1;
                    let result = self.before(number, run, None).await?;
                    self.out.json_line(&result)?;
                }
                Held::Before(LineState::Unsure(run)) => {
                    self.tally.unanswered += 1;
                    let result = self.before(number, run, Some(unsure())).await?;
                    self.out.json_line(&result)?;
                }
                Held::Before(LineState::ToSend) => {}
            }
        }
        Ok(())
    }

    /// Returns what a line came to in an earlier call.
    async fn before(&self, number: u64, run: RunId, error: Option<Error>) -> Result<Value> {
        let details = self.each.dispatch.show(run).await?;
        let run = &details.summary;
        Ok(json!({
            "line": number, "run": run.run, "state": run.state, "text": details.answer,
            "model": run.model, "payer_label": run.payer, "cost": run.cost, "basis": run.basis,
            "instead_of": run.instead_of, "is_resumed": true, "error": error.as_ref().map(Failure::from),
        }))
    }
}

/// Sends one line and gathers its answer.
async fn send(
    dispatch: Dispatch,
    prepared: Prepared,
    number: u64,
    cancel: CancellationToken,
) -> Sent {
    let (sink, mut events) = channel();
    let mut left = Vec::new();
    let gather = async {
        let mut answer = String::new();
        while let Some(event) = events.recv().await {
            match event {
                RunEvent::Text { text } if answer.len() + text.len() <= ANSWER_MAX => {
                    answer.push_str(&text);
                }
                RunEvent::Replaced { text } => answer = text,
                RunEvent::Fallback { receipt, .. } => {
                    left.extend(receipt.and_then(|receipt| receipt.booked));
                }
                _ => {}
            }
        }
        answer
    };
    let (outcome, answer) = tokio::join!(dispatch.run(prepared, sink, cancel), gather);
    Sent {
        number,
        ended: outcome.map(|outcome| (outcome, answer)),
        left,
    }
}

fn result(number: u64, outcome: &Outcome, text: &str) -> Value {
    let receipt = &outcome.receipt;
    let booked = receipt.booked.as_ref();
    json!({
        "line": number, "run": receipt.run, "state": receipt.state, "text": text,
        "model": receipt.model, "payer_label": receipt.payer_label,
        "cost": booked.and_then(|booked| booked.cost), "basis": booked.map(|booked| booked.basis),
        "instead_of": receipt.instead_of, "is_resumed": false, "error": outcome.error.as_ref().map(Failure::from),
    })
}

/// Tells whether what ended one line would end every other.
fn halts(code: Code) -> bool {
    matches!(
        code,
        Code::KeyRefused
            | Code::ConsentNeeded
            | Code::WrongPayer
            | Code::HostKey
            | Code::Locked
            | Code::StoreUnwritable
            | Code::StoreDamaged
    )
}

fn unsure() -> Error {
    Error::failed(
        "An earlier run of this line was billed, or may have been, without a whole answer.",
    )
    .hint("It is not sent again by itself; --again sends it.")
}

impl Tally {
    fn take(&mut self, outcome: &Outcome) {
        let is_answered = outcome.receipt.state == State::Finished && outcome.error.is_none();
        match is_answered {
            true => {
                self.answered += 1;
                self.failures_in_a_row = 0;
            }
            false => {
                self.unanswered += 1;
                self.failures_in_a_row += 1;
            }
        }
        if let Some(booked) = &outcome.receipt.booked {
            self.book(booked);
        }
    }

    fn book(&mut self, amount: &Amount) {
        match amount.cost {
            Some(cost) => self.cost = Nano::checked_sum([self.cost, cost]).unwrap_or(self.cost),
            None => self.unpriced += 1,
        }
    }

    fn summary(&self) -> String {
        let mut parts = vec![format!("{} answered", self.answered)];
        if self.unanswered > 0 {
            parts.push(format!("{} without an answer", self.unanswered));
        }
        if self.before > 0 {
            parts.push(format!("{} answered before", self.before));
        }
        parts.push(money(Some(self.cost)));
        if self.unpriced > 0 {
            parts.push(format!("{} without a known price", self.unpriced));
        }
        parts.join(" · ")
    }
}
