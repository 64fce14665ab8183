//! Answers as the wire has them: a stream of events, or one JSON object.

mod events;
mod usage_object;
mod wire;

use crate::answer::{Answer, Block, FaultKind, Text};
use crate::feed::Piece;
use crate::usage::{Usage, text_tokens};
use events::Events;
pub(crate) use wire::ErrorObject;
use wire::{ContentBlock, Event, Message, Stop, WholeOnly};

/// The text in each delta of a flood.
pub(crate) const FLOOD_DELTA_BYTES: usize = 1024;

/// A thinking block's signature: opaque to clients, and visibly not a real one.
const SIGNATURE: &str = "U0lNVUxBVEVE";

/// Stands where a text goes that is made while it is sent; no real text holds it.
const SLOT: &str = "\0";

/// What JSON makes of the slot.
const SLOT_AS_JSON: &str = "\\u0000";

/// How much of the prompt the built-in answer repeats, in characters.
const ECHOED_CHARACTERS: usize = 200;

/// What an answer takes from its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) prompt: String,
    pub(crate) input_tokens: u64,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) inference_geo: Option<String>,
    pub(crate) speed: Option<String>,
}

/// An answer made concrete by a request.
struct Spoken<'a> {
    answer: &'a Answer,
    asked: &'a Asked,
    message_id: String,
    text: Text,
    usage: Usage,
    stop_reason: Option<String>,
}

/// Returns the pieces of a server-sent event stream.
pub(crate) fn stream(answer: &Answer, asked: &Asked, request_id: &str) -> Vec<Piece> {
    let spoken = Spoken::new(answer, asked);
    let mut events = Events::new(answer.style);
    events.send(&Event::MessageStart {
        message: Box::new(spoken.opening()),
    });
    let index = spoken.blocks_before_text(&mut events);
    let content_block = ContentBlock::Text { text: "" };
    events.send(&Event::ContentBlockStart {
        index,
        content_block,
    });
    events.send(&Event::Ping {});
    if !spoken.text_deltas(&mut events, index, request_id) {
        return events.pieces;
    }
    events.send(&Event::ContentBlockStop { index });
    let delta = Stop {
        stop_reason: spoken.stop_reason.as_deref(),
        stop_sequence: answer.stop.sequence.as_deref(),
        stop_details: answer.stop.details.as_ref(),
    };
    let usage = usage_object::for_delta(&spoken.usage, answer.usage_shape);
    events.send(&Event::MessageDelta { delta, usage });
    if !answer.without_message_stop {
        events.send(&Event::MessageStop {});
    }
    events.pieces
}

/// Returns the pieces of a whole message.
pub(crate) fn message(answer: &Answer, asked: &Asked) -> Vec<Piece> {
    let spoken = Spoken::new(answer, asked);
    let (text, filler) = match &spoken.text {
        Text::Deltas(deltas) => (deltas.concat(), None),
        Text::Line(bytes) | Text::Flood(bytes) => (SLOT.to_owned(), Some(*bytes)),
        Text::Echo => (String::new(), None),
    };
    let json = serde_json::to_string(&spoken.whole(&text)).unwrap_or_default();
    match filler {
        Some(bytes) => events::with_filler(&json, bytes).into(),
        None => vec![Piece::Bytes(json.into())],
    }
}

impl<'a> Spoken<'a> {
    fn new(answer: &'a Answer, asked: &'a Asked) -> Self {
        let mut stop_reason = Some("end_turn".to_owned());
        let text = match &answer.text {
            Text::Echo => {
                let mut text = echo(&asked.prompt);
                if cut_to(&mut text, asked.max_tokens) {
                    stop_reason = Some("max_tokens".into());
                }
                Text::Deltas(text.split_inclusive(' ').map(Into::into).collect())
            }
            scripted => scripted.clone(),
        };
        if let Some(reason) = &answer.stop.reason {
            stop_reason.clone_from(reason);
        }
        let usage = answer
            .usage
            .clone()
            .unwrap_or_else(|| made_up_usage(answer, &text, asked));
        let message_id = format!("msg_01{}", uuid::Uuid::now_v7().simple());
        Self {
            answer,
            asked,
            message_id,
            text,
            usage,
            stop_reason,
        }
    }

    fn opening(&self) -> Message<'_> {
        Message {
            id: &self.message_id,
            r#type: "message",
            role: "assistant",
            model: &self.asked.model,
            content: Vec::new(),
            whole: None,
            stop_reason: None,
            stop_sequence: None,
            stop_details: None,
            usage: usage_object::for_start(&self.usage, self.answer.usage_shape, self.asked),
        }
    }

    fn whole<'s>(&'s self, text: &'s str) -> Message<'s> {
        let mut content: Vec<_> = self.answer.blocks.iter().map(whole_block).collect();
        content.push(ContentBlock::WholeText {
            text,
            citations: (),
        });
        Message {
            content,
            whole: Some(WholeOnly::default()),
            stop_reason: self.stop_reason.as_deref(),
            stop_sequence: self.answer.stop.sequence.as_deref(),
            stop_details: Some(self.answer.stop.details.clone().unwrap_or_default()),
            usage: usage_object::for_whole(&self.usage, self.answer.usage_shape, self.asked),
            ..self.opening()
        }
    }

    /// Sends the blocks before the text and returns the index of the text's block.
    fn blocks_before_text(&self, events: &mut Events) -> usize {
        for (index, block) in self.answer.blocks.iter().enumerate() {
            if let Block::Thinking(text) = block {
                events.thinking(index, text);
            } else {
                let content_block = whole_block(block);
                events.send(&Event::ContentBlockStart {
                    index,
                    content_block,
                });
            }
            events.send(&Event::ContentBlockStop { index });
        }
        self.answer.blocks.len()
    }

    /// Sends the text with the faults in their places; false if the stream ends there.
    fn text_deltas(&self, events: &mut Events, index: usize, request_id: &str) -> bool {
        let count = match &self.text {
            Text::Deltas(deltas) => deltas.len(),
            Text::Echo | Text::Line(_) | Text::Flood(_) => 1,
        };
        for place in 0..=count {
            if !self.faults_at(place, place == count, events, request_id) {
                return false;
            }
            match &self.text {
                Text::Deltas(deltas) => {
                    if let Some(text) = deltas.get(place) {
                        events.text(index, text);
                    }
                }
                Text::Line(bytes) if place == 0 => events.line(index, *bytes),
                Text::Flood(bytes) if place == 0 => events.flood(index, *bytes),
                Text::Echo | Text::Line(_) | Text::Flood(_) => {}
            }
        }
        true
    }

    fn faults_at(&self, place: usize, last: bool, events: &mut Events, request_id: &str) -> bool {
        let due = |after: usize| after == place || (last && after > place);
        for fault in self.answer.faults.iter().filter(|fault| due(fault.after)) {
            match &fault.kind {
                FaultKind::Insert(bytes) => events.pieces.push(Piece::Bytes(bytes.clone())),
                FaultKind::Stall => events.pieces.push(Piece::Stall),
                FaultKind::Error { kind, message } => {
                    let error = ErrorObject {
                        r#type: kind,
                        message,
                        details: None,
                    };
                    events.send(&Event::Error { error, request_id });
                    return false;
                }
                FaultKind::Cut => {
                    events.pieces.push(Piece::Cut);
                    return false;
                }
            }
        }
        true
    }
}

fn whole_block(block: &Block) -> ContentBlock<'_> {
    match block {
        Block::Thinking(thinking) => ContentBlock::Thinking {
            thinking,
            signature: SIGNATURE,
        },
        Block::RedactedThinking(data) => ContentBlock::RedactedThinking { data },
        Block::Unknown => ContentBlock::Hologram { frames: [] },
    }
}

fn echo(prompt: &str) -> String {
    let mut start: String = prompt.chars().take(ECHOED_CHARACTERS).collect();
    if start.len() < prompt.len() {
        start.push('…');
    }
    format!("Simulated answer to: {start}\n\nNo model was called and nothing was billed.")
}

/// Shortens a text to so many tokens; true if anything was lost.
fn cut_to(text: &mut String, max_tokens: Option<u64>) -> bool {
    let limit = max_tokens.and_then(|tokens| usize::try_from(tokens.saturating_mul(4)).ok());
    match limit {
        Some(limit) if text.len() > limit => {
            text.truncate(text.floor_char_boundary(limit));
            true
        }
        _ => false,
    }
}

fn made_up_usage(answer: &Answer, text: &Text, asked: &Asked) -> Usage {
    let spoken = match text {
        Text::Deltas(deltas) => deltas.iter().map(|delta| delta.len() as u64).sum(),
        Text::Line(bytes) | Text::Flood(bytes) => *bytes,
        Text::Echo => 0,
    };
    let thought = answer.blocks.iter().map(|block| match block {
        Block::Thinking(text) => text_tokens(text.len() as u64),
        Block::RedactedThinking(data) => text_tokens(data.len() as u64),
        Block::Unknown => 0,
    });
    let thinking = thought.sum();
    let output = text_tokens(spoken) + thinking;
    Usage {
        thinking,
        ..Usage::new(asked.input_tokens, output)
    }
}
