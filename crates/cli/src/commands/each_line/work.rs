//! The lines under way: several at once, their results in the order of the file.

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use switchyard_core::dispatch::{LineState, Prepared};
use switchyard_core::id::RunId;
use switchyard_core::text::shown;
use switchyard_core::{Code, Error, Failure, Result};
use tokio::sync::mpsc::OwnedPermit;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::file::Lines;
use super::rest::{LOOK_AGAIN, Rest};
use super::results::Results;
use super::sent::{Sent, Turn, halts, not_as_said, result, send, unsure};
use super::tally::Tally;
use super::{EachLine, Forecast, at_most};
use crate::commands::send::Ending;
use crate::exit;
use crate::out::{Out, count};

/// How many bytes of answers may wait for one before them; then no further line is begun.
const HELD_MAX: usize = 16 * 1024 * 1024;

/// After so many failures in a row nothing more is sent: what is wrong is not the line.
const FAILURES_MAX: u32 = 10;

/// For so long a reader may take nothing, once this is told to end and nothing runs any more.
const READER: Duration = Duration::from_secs(2);

/// What is to become of a line.
enum Decided {
    /// It is not sent: it stands so.
    Not(LineState),
    Send(Box<Prepared>),
}

/// What a line has come to.
enum Held {
    /// In an earlier call; read again when its turn comes.
    Before(LineState),
    /// Now.
    Now(Value, usize),
    /// It was not sent after all, and is for the next call.
    NotSent,
}

pub(super) struct Work<'a> {
    each: &'a EachLine,
    out: &'a Out,
    jobs: usize,
    /// What was said before the first line is sent; nothing else is.
    forecast: Forecast,
    /// How many of the lines have been read.
    read: usize,
    /// Those that wait until a host has rested.
    waiting: VecDeque<Turn>,
    rest: Rest,
    cancel: CancellationToken,
    under_way: JoinSet<Sent>,
    /// Lines whose result has not been handed over, in order.
    order: VecDeque<u64>,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    results: Results,
    tally: Tally,
    /// Why no further line is begun.
    halted: Option<Error>,
    is_told_to_end: bool,
}

impl<'a> Work<'a> {
    pub(super) fn new(each: &'a EachLine, forecast: Forecast, jobs: usize, out: &'a Out) -> Self {
        let first = forecast.first.as_ref();
        Self {
            each,
            out,
            jobs,
            read: 0,
            waiting: VecDeque::new(),
            rest: Rest::of(first.and_then(|first| first.route.farm.as_ref())),
            forecast,
            cancel: CancellationToken::new(),
            under_way: JoinSet::new(),
            order: VecDeque::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            results: Results::new(),
            tally: Tally::default(),
            halted: None,
            is_told_to_end: false,
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
            None if self.tally.unanswered + self.tally.unread > 0 => {
                ExitCode::from(exit::SOME_UNANSWERED)
            }
            None => ExitCode::SUCCESS,
        })
    }

    async fn work(&mut self, lines: &mut Lines<'_>) -> Result<()> {
        // Listens before the first line is sent.
        let mut ending = Ending::new();
        loop {
            self.begin_lines(lines).await;
            if self.order.is_empty() {
                return self.end(&mut ending).await;
            }
            let next = self.order.front();
            let has_result = next.is_some_and(|number| self.held.contains_key(number));
            let nothing_runs = self.under_way.is_empty();
            tokio::select! {
                biased;
                () = ending.told() => self.stop(),
                () = self.results.broken() => return self.out.written(self.results.end().await),
                Some(joined) = self.under_way.join_next() => {
                    let sent = joined.map_err(|e| Error::failed("A line was cut off.").because(e))?;
                    self.take(sent);
                }
                room = self.results.room(), if has_result => self.write_next(room).await?,
                () = sleep(LOOK_AGAIN), if !self.waiting.is_empty() => {}
                () = sleep(READER), if nothing_runs && self.is_told_to_end => {
                    self.leave_reader();
                    return Ok(());
                }
            }
        }
    }

    /// Waits until all results are written; once told to end, no longer than for a reader who reads.
    async fn end(&mut self, ending: &mut Ending) -> Result<()> {
        loop {
            tokio::select! {
                biased;
                () = ending.told() => self.is_told_to_end = true,
                ended = self.results.end() => return self.out.written(ended),
                () = sleep(READER), if self.is_told_to_end => {
                    self.leave_reader();
                    return Ok(());
                }
            }
        }
    }

    /// Begins as many lines as may be under way.
    async fn begin_lines(&mut self, lines: &mut Lines<'_>) {
        while self.halted.is_none()
            && self.under_way.len() < self.jobs
            // A line that waits is one that all those results wait for.
            && (self.held_bytes < HELD_MAX || !self.waiting.is_empty())
            // What was answered before is written at once: a long file would pile up here.
            && !self.order.front().is_some_and(|number| self.held.contains_key(number))
        {
            match self.next_turn(lines) {
                Ok(Some(turn)) => {
                    if let Some(turn) = self.begin(turn).await {
                        self.waiting.push_front(turn);
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => self.halt(error),
            }
        }
        if self.halted.is_some() {
            for turn in self.waiting.drain(..) {
                self.held.insert(turn.line.number, Held::NotSent);
            }
        }
    }

    /// Returns the line whose turn it is: one that was announced, and is what it was then.
    fn next_turn(&mut self, lines: &mut Lines<'_>) -> Result<Option<Turn>> {
        if let Some(turn) = self.waiting.pop_front() {
            return Ok(Some(turn));
        }
        let Some(announced) = self.forecast.lines.get(self.read) else {
            return Ok(None);
        };
        let file = &self.each.file;
        let line = lines.next().transpose()?;
        let line = line.ok_or_else(|| file.changed(lines.number()))?;
        if self.each.identity.line(&line.text, announced.before) != announced.key {
            return Err(file.changed(line.number));
        }
        self.order.push_back(line.number);
        self.read += 1;
        Ok(Some(Turn {
            at: self.read - 1,
            line,
        }))
    }

    /// Begins a line, or gives it back where it waits until a host has rested.
    async fn begin(&mut self, turn: Turn) -> Option<Turn> {
        let number = turn.line.number;
        match self.decide(&turn).await {
            Ok(Decided::Not(state)) => {
                self.held.insert(number, Held::Before(state));
            }
            Ok(Decided::Send(prepared)) => {
                self.rest.is_over();
                let (dispatch, cancel) = (self.each.dispatch.clone(), self.cancel.clone());
                self.under_way
                    .spawn(send(dispatch, *prepared, turn, cancel));
            }
            Err(error) if self.rest.takes(&error, &self.each.dispatch, self.out) => {
                return Some(turn);
            }
            Err(error) => self.not_sent(number, error),
        }
        None
    }

    /// Decides the route of a line anew: keys are chosen, hosts come and go, and rules change meanwhile.
    async fn decide(&self, turn: &Turn) -> Result<Decided> {
        let announced = &self.forecast.lines[turn.at];
        let line = self.each.dispatch.line(announced.key)?;
        if !announced.is_to_send || !self.each.sends(line.state) {
            return match line.state {
                LineState::ToSend => {
                    let forgotten = "It was answered before, and that was forgotten meanwhile.";
                    Err(not_as_said(turn.line.number, Code::BadInput, forgotten))
                }
                state => Ok(Decided::Not(state)),
            };
        }
        let prepared = self.each.prepared(&turn.line, line).await?;
        let number = turn.line.number;
        if let Some(payers) = &self.forecast.payers {
            let checked = payers.check(&prepared);
            checked.map_err(|error| not_as_said(number, error.code(), error.message()))?;
        }
        let said = announced.at_most;
        if said.is_some_and(|said| at_most(&prepared).is_none_or(|now| now > said)) {
            let costlier = "It may cost more by now than was said.";
            return Err(not_as_said(number, Code::BadInput, costlier));
        }
        Ok(Decided::Send(Box::new(prepared)))
    }

    /// Lets what is under way come to its end, and no further line begin; at the second time, ends it.
    fn stop(&mut self) {
        let ended = || {
            Error::new(Code::Cancelled, "The lines that follow were not sent.")
                .hint("The same call again goes on with them.")
        };
        if std::mem::replace(&mut self.is_told_to_end, true) {
            self.out.note("Cancelling …");
            self.cancel.cancel();
            // Whatever kept further lines from being begun, and was said then: it is the user who ends these. Where
            // there are none, it is still to be said.
            if !self.under_way.is_empty() {
                self.halted = Some(ended());
            }
            return;
        }
        let under_way = self.under_way.len() as u64;
        self.out.note(&format!(
            "Waiting for {} under way; once more cancels.",
            count(under_way, "line")
        ));
        self.halted.get_or_insert_with(ended);
    }

    /// Begins no further line for this reason. What is under way may take a while, so it is said now.
    fn halt(&mut self, error: Error) {
        if self.halted.is_some() {
            return;
        }
        let under_way = self.under_way.len() as u64;
        if under_way > 0 {
            self.out.note(&format!(
                "note: no further line is begun, and {} under way is waited for. {}",
                count(under_way, "line"),
                shown(error.message(), 500)
            ));
        }
        self.halted = Some(error);
    }

    /// Leaves the results to a reader who takes none.
    fn leave_reader(&mut self) {
        self.out.leave_to_reader();
        self.out.note(
            "Nobody took the results that are left; the same call again writes them, as far as texts are kept.",
        );
        let unwritten = || Error::new(Code::Cancelled, "Not every result was written.");
        self.halted.get_or_insert_with(unwritten);
    }

    fn not_sent(&mut self, number: u64, error: Error) {
        self.held.insert(number, Held::NotSent);
        self.halt(error);
    }

    fn take(&mut self, sent: Sent) {
        let is_free = sent.is_free();
        let Sent { turn, ended, left } = sent;
        let number = turn.line.number;
        let booked = left.iter().filter_map(|receipt| receipt.booked.as_ref());
        booked.for_each(|amount| self.tally.book(amount));
        let (outcome, text) = match ended {
            Ok(ended) => ended,
            Err(error) => return self.not_sent(number, error),
        };
        if let Some(error) = &outcome.error
            && self.halted.is_none()
            // Begun once more, it would be billed once more.
            && is_free
            && self.rest.takes(error, &self.each.dispatch, self.out)
        {
            self.waiting.push_back(turn);
            return;
        }
        self.tally.take(&outcome);
        if let Some(error) = &outcome.error
            && (halts(error.code()) || self.tally.failures_in_a_row >= FAILURES_MAX)
        {
            self.halt(error.again());
        }
        let size = text.len();
        self.held_bytes += size;
        let result = result(number, &outcome, &text);
        self.held.insert(number, Held::Now(result, size));
    }

    /// Hands over the result whose turn has come.
    async fn write_next(&mut self, room: OwnedPermit<String>) -> Result<()> {
        let Some(number) = self.order.pop_front() else {
            return Ok(());
        };
        let result = match self.held.remove(&number) {
            Some(Held::Now(result, size)) => {
                self.held_bytes -= size;
                result
            }
            Some(Held::Before(LineState::Answered(run))) => {
                self.tally.before += 1;
                self.before(number, run, None).await
            }
            Some(Held::Before(LineState::Unsure(run))) => {
                self.tally.unanswered += 1;
                self.before(number, run, Some(unsure())).await
            }
            Some(Held::NotSent | Held::Before(LineState::ToSend)) | None => return Ok(()),
        };
        room.send(self.out.json_text(&result)?);
        Ok(())
    }

    /// Returns what a line came to in an earlier call. Where its text can't be read, that is said in its place:
    /// it is no reason to end what is under way.
    async fn before(&mut self, number: u64, run: RunId, error: Option<Error>) -> Value {
        let dispatch = &self.each.dispatch;
        let (summary, text, unread) = match dispatch.show(run).await {
            Ok(details) => (Some(details.summary), details.answer, None),
            Err(error) => (dispatch.summary(run).ok(), None, Some(error)),
        };
        self.tally.unread += u64::from(unread.is_some());
        let (of, error) = (summary.as_ref(), error.or(unread));
        json!({
            "line": number, "run": run, "state": of.map(|run| run.state), "text": text,
            "model": of.map(|run| &run.model), "payer_label": of.map(|run| &run.payer),
            "cost": of.and_then(|run| run.cost), "basis": of.and_then(|run| run.basis),
            "instead_of": of.and_then(|run| run.instead_of.as_ref()), "is_resumed": true,
            "error": error.as_ref().map(Failure::from),
        })
    }
}
