//! Server-sent events, taken out of the bytes as they arrive, within a bound.
//!
//! Own code, because the parsers to be had keep a line of any length in memory, and because the
//! bytes of `data` go straight to their event here: one copy, whatever the size of the line.
//! Source: HTML standard, "Interpreting an event stream".

use std::ops::ControlFlow;

/// The most bytes that the data of one event may have. Events of the API have a few hundred.
pub(super) const EVENT_MAX: usize = 16 * 1024 * 1024;

/// Names of fields and events are short; what is longer is none that we know.
const NAME_MAX: usize = 64;

/// A buffer that had to grow beyond this is given back after its event.
const KEEP: usize = 64 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event. Its text is not yet known to be UTF-8: whoever parses the data finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// The event's name; empty where the stream named none.
    pub(super) name: &'a [u8],
    /// The data, lines joined by `\n`.
    pub(super) data: &'a [u8],
}

/// An event's data has more bytes than [`EVENT_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Where in a line the parser stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the field's name, or at the very start.
    Field,
    /// Just behind the colon, where one space is left out.
    Space(Keep),
    /// In the value.
    Value(Keep),
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Data,
    Name,
    Nothing,
}

/// Takes events out of a stream's bytes, wherever those are split.
#[derive(Debug)]
pub(super) struct Parser {
    at: At,
    field: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// How much of a byte order mark has been seen; past its length: the start is over.
    bom: usize,
    /// The buffers hold the event that was handed out last.
    is_spent: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            at: At::Field,
            field: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            bom: 0,
            is_spent: false,
        }
    }
}

impl Parser {
    /// Takes bytes from the front of `input` up to the end of an event, and returns that event;
    /// `None` when all bytes are taken and no event is complete.
    ///
    /// # Errors
    /// [`TooLong`]; the stream can't be followed any further.
    pub(super) fn next<'a>(&'a mut self, input: &mut &[u8]) -> Result<Option<Event<'a>>, TooLong> {
        if std::mem::take(&mut self.is_spent) {
            self.clear();
        }
        self.skip_bom(input);
        while !input.is_empty() {
            if std::mem::take(&mut self.after_cr) && input[0] == b'\n' {
                *input = &input[1..];
                continue;
            }
            let end = input.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
            self.take(piece)?;
            let Some(terminator) = rest.first() else {
                *input = rest;
                break;
            };
            self.after_cr = *terminator == b'\r';
            *input = &rest[1..];
            if self.end_line().is_break() {
                self.is_spent = true;
                return Ok(Some(Event {
                    name: &self.name,
                    data: &self.data,
                }));
            }
        }
        Ok(None)
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), TooLong> {
        while let Some(first) = piece.first() {
            match self.at {
                At::Field => {
                    let colon = piece.iter().position(|b| *b == b':');
                    append(&mut self.field, &piece[..colon.unwrap_or(piece.len())]);
                    let Some(colon) = colon else { break };
                    piece = &piece[colon + 1..];
                    let keep = self.begin_value()?;
                    self.at = At::Space(keep);
                }
                At::Space(keep) => {
                    piece = if *first == b' ' { &piece[1..] } else { piece };
                    self.at = At::Value(keep);
                }
                At::Value(Keep::Data) => {
                    self.room_for(piece.len())?;
                    let length = self.data.len();
                    if length + piece.len() > KEEP && self.data.capacity() < EVENT_MAX {
                        // All at once: what is not used costs nothing, and doubling again and
                        // again would leave holes as large as the event.
                        self.data.reserve_exact(EVENT_MAX - length);
                    }
                    self.data.extend_from_slice(piece);
                    break;
                }
                At::Value(Keep::Name) => {
                    append(&mut self.name, piece);
                    break;
                }
                At::Value(Keep::Nothing) => break,
            }
        }
        Ok(())
    }

    fn begin_value(&mut self) -> Result<Keep, TooLong> {
        Ok(match self.field.as_slice() {
            b"data" => {
                if self.has_data {
                    self.room_for(1)?;
                    self.data.push(b'\n');
                }
                self.has_data = true;
                Keep::Data
            }
            b"event" => {
                self.name.clear();
                Keep::Name
            }
            _ => Keep::Nothing,
        })
    }

    /// Ends a line; breaks where it completes an event.
    fn end_line(&mut self) -> ControlFlow<()> {
        let at = std::mem::replace(&mut self.at, At::Field);
        if at != At::Field {
            self.field.clear();
            return ControlFlow::Continue(());
        }
        if self.field.is_empty() {
            if self.has_data {
                return ControlFlow::Break(());
            }
            self.name.clear();
        } else {
            // A name without a colon is a field with an empty value; where even its line break
            // finds no room, the next byte of data reports it.
            let _ = self.begin_value();
            self.field.clear();
        }
        ControlFlow::Continue(())
    }

    fn room_for(&self, more: usize) -> Result<(), TooLong> {
        if self.data.len() + more > EVENT_MAX {
            return Err(TooLong);
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.name.clear();
        self.data.clear();
        self.data.shrink_to(KEEP);
        self.has_data = false;
    }

    fn skip_bom(&mut self, input: &mut &[u8]) {
        while self.bom < BOM.len() {
            match input.first() {
                None => return,
                Some(byte) if *byte == BOM[self.bom] => {
                    self.bom += 1;
                    *input = &input[1..];
                }
                Some(_) => {
                    // Not a mark after all: its first bytes were the start of a field's name.
                    append(&mut self.field, &BOM[..self.bom]);
                    self.bom = BOM.len();
                }
            }
        }
    }
}

/// Appends up to a length at which nothing is a name that we know.
fn append(name: &mut Vec<u8>, piece: &[u8]) {
    let room = NAME_MAX.saturating_sub(name.len());
    name.extend_from_slice(&piece[..piece.len().min(room)]);
}

#[cfg(test)]
mod tests;
