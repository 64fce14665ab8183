//! One prompt and its answer, line by line: what is told while it goes on, and what remains of it.

use std::time::Duration;

use super::clean::Cleaner;
use super::failure::{self, Failed};
use super::limits::Limits;
use super::lines::LINE_MAX;
use super::login::Expected;
use super::wire::{Assistant, Event as Api, Fault, Line, Message, Outcome, Retry, Stream};
use crate::secret::Sent;
use crate::usage::{Tokens, Used};

/// What the CLI calls itself where it writes the answer.
const SYNTHETIC: &str = "<synthetic>";

/// One thing that happened in a turn. No text in it holds a credential.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The model that answers.
    Model(String),
    /// A piece of the answer. It may be replaced until the turn has ended.
    Text(String),
    /// A piece of what the model thinks first.
    Thinking(String),
    /// All text of this turn so far is void, and this stands in its place; it may be empty.
    Replaced(String),
    /// The newest token counts; they are totals of the attempt that goes on.
    Usage(Used),
    /// The CLI waits before it asks the server again.
    Waiting {
        /// The number of the attempt that follows, from 2 on.
        attempt: u32,
        /// How long it waits.
        delay: Duration,
        /// What for.
        why: &'static str,
    },
    /// How much of the plan is used. Where `is_extra` is set, money is being spent beyond it: the
    /// caller may want to cancel.
    Limits(Limits),
}

/// What remains of a turn.
#[derive(Debug, Default)]
pub struct Turn {
    /// Why there is no complete answer; absent exactly where the CLI said that there is one.
    pub failure: Option<Failed>,
    /// The model that answered.
    pub model: Option<String>,
    /// Why the model stopped, in the API's word.
    pub stop_reason: Option<String>,
    /// The server's name for the last request.
    pub request_id: Option<String>,
    /// From the prompt to the first piece of the answer, as the CLI measured it.
    pub first_token: Option<Duration>,
    /// The tokens of the answer as the server reported them.
    pub used: Used,
    /// The tokens of every attempt of this turn, for each model that was asked; empty where the turn
    /// did not end by itself. Attempts that broke are in here, and in `used` they are not.
    pub by_model: Vec<(String, Tokens)>,
    /// The plan's limits, as they were told last.
    pub limits: Option<Limits>,
}

/// A turn that goes on.
pub(super) struct Progress {
    turn: Turn,
    expected: Expected,
    sent: Sent,
    /// Blocks of the message that are complete, and the beginning of the one that is not.
    complete: String,
    begun: String,
    message: Option<String>,
    text: Cleaner,
    thinking: Cleaner,
    fault: Option<Fault>,
    /// A model has begun to answer.
    has_begun: bool,
}

impl Progress {
    pub(super) fn new(expected: Expected, sent: Sent) -> Self {
        Self {
            turn: Turn::default(),
            expected,
            complete: String::new(),
            begun: String::new(),
            message: None,
            text: Cleaner::without(sent.clone()),
            thinking: Cleaner::without(sent.clone()),
            sent,
            fault: None,
            has_begun: false,
        }
    }

    /// Takes a line, and adds to `events` what it tells. Returns whether the turn has ended with it.
    pub(super) fn take(&mut self, line: Line, events: &mut Vec<Event>) -> bool {
        match line {
            Line::Stream(stream) => self.stream(*stream, events),
            Line::Assistant(line) => self.assistant(*line, events),
            Line::Retry(retry) => self.retry(&retry, events),
            Line::Begun(begun) => {
                if let Some(stray) = failure::stray(begun.key_source.as_deref(), &self.expected) {
                    self.fail(stray);
                }
            }
            Line::Limits(limits) => {
                self.turn.limits = Some(limits.clone());
                events.push(Event::Limits(limits));
            }
            Line::Result(outcome) => {
                self.result(*outcome, events);
                return true;
            }
            Line::Answer(_) => {
                // Nothing was asked: who pays is in doubt again.
                self.fail(Failed::garbled(
                    true,
                    "said a second time, and unasked, who pays",
                ));
                return true;
            }
            Line::Other => {}
        }
        if self.complete.len() + self.begun.len() > LINE_MAX {
            self.fail(Failed::too_long(true));
        }
        self.turn.failure.is_some()
    }

    /// Ends the turn with a failure.
    pub(super) fn fail(&mut self, failed: Failed) {
        self.turn.failure = Some(failed);
    }

    /// Returns what remains, and what was held back of the answer's texts.
    pub(super) fn finish(mut self) -> (Turn, Vec<Event>) {
        let mut events = Vec::new();
        self.flush(&mut events);
        (self.turn, events)
    }

    fn flush(&mut self, events: &mut Vec<Event>) {
        let pieces = [
            Event::Thinking(self.thinking.finish()),
            Event::Text(self.text.finish()),
        ];
        let is_something = |event: &Event| !matches!(event, Event::Text(text) | Event::Thinking(text) if text.is_empty());
        events.extend(pieces.into_iter().filter(is_something));
    }

    fn stream(&mut self, stream: Stream, events: &mut Vec<Event>) {
        match stream.event {
            Api::MessageStart { message } => {
                // A message without a result before it takes the place of what there is.
                self.void(events);
                self.begin(message, stream.ttft_ms, events);
            }
            Api::ContentBlockDelta { delta } => {
                if let Some(text) = delta.text.filter(|text| !text.is_empty()) {
                    self.begun.push_str(&text);
                    let shown = self.text.push(&text);
                    if !shown.is_empty() {
                        events.push(Event::Text(shown));
                    }
                }
                if let Some(text) = delta.thinking {
                    let shown = self.thinking.push(&text);
                    if !shown.is_empty() {
                        events.push(Event::Thinking(shown));
                    }
                }
            }
            Api::MessageDelta { delta, usage } => {
                if delta.stop_reason.is_some() {
                    self.turn.stop_reason = delta.stop_reason;
                }
                if let Some(usage) = usage {
                    self.turn.used.take_last(usage);
                    events.push(Event::Usage(self.turn.used.clone()));
                }
            }
            Api::Other => {}
        }
    }

    fn begin(&mut self, message: Message, ttft_ms: Option<f64>, events: &mut Vec<Event>) {
        self.has_begun = true;
        self.message = message.id;
        if let Some(model) = message.model {
            self.answers(model, events);
        }
        self.turn.used = Used::default();
        if let Some(usage) = message.usage {
            self.turn.used.take(usage);
            events.push(Event::Usage(self.turn.used.clone()));
        }
        self.turn.first_token = milliseconds(ttft_ms).or(self.turn.first_token);
    }

    fn answers(&mut self, model: String, events: &mut Vec<Event>) {
        if self.turn.model.as_ref() != Some(&model) {
            self.turn.model = Some(model.clone());
            events.push(Event::Model(model));
        }
    }

    fn retry(&mut self, retry: &Retry, events: &mut Vec<Event>) {
        self.void(events);
        events.push(Event::Waiting {
            attempt: retry.attempt.saturating_add(1),
            delay: milliseconds(Some(retry.retry_delay_ms)).unwrap_or_default(),
            why: failure::waits_for(retry.error.as_deref(), retry.error_status),
        });
    }

    fn assistant(&mut self, line: Assistant, events: &mut Vec<Event>) {
        if line.request_id.is_some() {
            self.turn.request_id = line.request_id;
        }
        let message = line.message;
        if message.model.as_deref() == Some(SYNTHETIC) {
            self.fault = Some(line.fault);
            return;
        }
        self.has_begun = true;
        if let Some(model) = message.model {
            self.answers(model, events);
        }
        let is_same = message.id == self.message;
        self.message = message.id;
        let texts = message.content.into_iter().filter_map(|block| block.text);
        let text: String = texts.collect();
        if is_same && self.begun == text {
            self.flush(events);
            self.complete.push_str(&text);
            self.begun.clear();
            return;
        }
        if text.is_empty() && is_same {
            return;
        }
        let whole = if is_same {
            std::mem::take(&mut self.complete) + &text
        } else {
            text
        };
        self.replace(whole, events);
    }

    /// Takes back what was shown.
    fn void(&mut self, events: &mut Vec<Event>) {
        self.thinking = Cleaner::without(self.sent.clone());
        self.replace(String::new(), events);
    }

    /// Puts `whole` in the place of all text so far.
    fn replace(&mut self, whole: String, events: &mut Vec<Event>) {
        let is_first = self.complete.is_empty() && self.begun.is_empty();
        self.text = Cleaner::without(self.sent.clone());
        self.begun.clear();
        if !(is_first && whole.is_empty()) {
            let text = self.sent.redact(&whole).into_owned();
            events.push(if is_first {
                Event::Text(text)
            } else {
                Event::Replaced(text)
            });
        }
        self.complete = whole;
    }

    fn result(&mut self, mut outcome: Outcome, events: &mut Vec<Event>) {
        self.flush(events);
        self.turn.by_model = outcome.by_model();
        self.turn.first_token = milliseconds(outcome.ttft_ms).or(self.turn.first_token);
        if outcome.is_error != Some(false) {
            let failed = failure::judge(&failure::Told {
                outcome: &outcome,
                fault: self.fault.as_ref(),
                limits: self.turn.limits.as_ref(),
                expected: &self.expected,
                has_begun: self.has_begun,
            });
            self.fail(failed);
            return;
        }
        let text = outcome.result.take().unwrap_or_default();
        if !self.has_begun {
            self.fail(Failed::unasked(&text));
            return;
        }
        if outcome.stop_reason.is_some() {
            self.turn.stop_reason = outcome.stop_reason.take();
        }
        if let Some(usage) = outcome.usage.take() {
            self.turn.used.take_last(usage);
            events.push(Event::Usage(self.turn.used.clone()));
        }
        // The result repeats the last block, which is the end of what was shown; else it is right
        // and what was shown is not.
        let shown = self.complete.clone() + &self.begun;
        if !shown.trim_end().ends_with(text.trim()) {
            self.replace(text, events);
        }
    }
}

fn milliseconds(count: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(count? / 1000.0).ok()
}
