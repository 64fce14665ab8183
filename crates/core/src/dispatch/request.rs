//! What is asked of a model, and the body that carries it.

use std::{fmt, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use super::attachment::{Attachment, Media};
use crate::error::{Error, Result};
use crate::usage::Piece;
use crate::words::words;

/// The longest answer that is asked for where nobody says otherwise, in tokens: long enough for
/// nearly every answer, and a bound on what a slip can cost.
pub const MAX_TOKENS: u64 = 8_192;

/// The most bytes of a request, as the API documents (32 MB).
pub const REQUEST_MAX: usize = 32_000_000;

/// The most files that go with one prompt; the API takes 100 images.
pub const ATTACHMENTS_MAX: usize = 100;

words! {
    /// How much work a model puts into an answer.
    Effort {
        /// The least.
        Low = "low",
        /// Between low and high.
        Medium = "medium",
        /// The API's default.
        High = "high",
        /// More than high.
        Xhigh = "xhigh",
        /// All it has.
        Max = "max",
    }
}

words! {
    /// Whether a model thinks before it answers; thinking is billed as output.
    Thinking {
        /// The model decides.
        Adaptive = "adaptive",
        /// It does not.
        Disabled = "disabled",
    }
}

/// A prompt with everything that goes with it.
#[derive(Clone, Default)]
pub struct Request {
    /// The model, by the id that the API takes.
    pub model: String,
    /// Instructions that stand above the conversation.
    pub system: Option<String>,
    /// What came before, oldest first.
    pub turns: Vec<Turn>,
    /// What is asked now.
    pub prompt: String,
    /// Files that go with the prompt.
    pub attachments: Vec<Attachment>,
    /// The longest answer, in tokens; [`MAX_TOKENS`] or the model's own limit where absent.
    pub max_tokens: Option<u64>,
    /// How much work goes into the answer; the model's default where absent.
    pub effort: Option<Effort>,
    /// Whether the model thinks first; the model's default where absent.
    pub thinking: Option<Thinking>,
}

/// One earlier prompt of a conversation with its answer.
#[derive(Clone, Default)]
pub struct Turn {
    /// What was asked.
    pub prompt: String,
    /// Files that went with it.
    pub attachments: Vec<Attachment>,
    /// What came back; empty where nothing did.
    pub answer: String,
}

// Written by hand so that no log holds what people ask and are told.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("model", &self.model)
            .field("turns", &self.turns.len())
            .field("prompt_bytes", &self.prompt.len())
            .field("attachments", &self.attachments)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingConfig>,
}

#[derive(Serialize)]
struct OutputConfig {
    effort: Effort,
}

#[derive(Serialize)]
struct ThinkingConfig {
    r#type: Thinking,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text { text: std::borrow::Cow<'a, str> },
    Image { source: Source },
}

#[derive(Serialize)]
struct Source {
    r#type: &'static str,
    media_type: &'static str,
    data: String,
}

impl Request {
    /// Checks what the API would refuse, before anything is sent or booked.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) that says which rule is broken.
    pub fn check(&self) -> Result<()> {
        if self.prompt.trim().is_empty() && self.attachments.is_empty() {
            return Err(
                Error::bad_input("The prompt is empty.").hint("Write what you want to ask.")
            );
        }
        let texts = [
            ("prompt", Some(&self.prompt)),
            ("system prompt", self.system.as_ref()),
        ];
        for (what, text) in texts {
            if text.is_some_and(|text| text.contains('\0')) {
                return Err(
                    Error::bad_input(format!("The {what} holds a NUL character."))
                        .hint("Remove it; nothing was sent."),
                );
            }
        }
        if self.attachments.len() > ATTACHMENTS_MAX {
            let count = self.attachments.len();
            return Err(Error::bad_input(format!(
                "{count} files are attached; {ATTACHMENTS_MAX} is the most."
            ))
            .hint("Leave some out; nothing was sent."));
        }
        if self.max_tokens == Some(0) {
            return Err(
                Error::bad_input("The longest answer can't be 0 tokens.").hint("Give at least 1.")
            );
        }
        Ok(())
    }

    /// Returns the body of a streamed run. `max_tokens` is what the route decided.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when it is larger than the API takes.
    pub fn body(&self, max_tokens: u64) -> Result<Bytes> {
        self.write(Some(max_tokens))
    }

    /// Returns the body for counting the prompt's tokens.
    ///
    /// # Errors
    /// As [`Request::body`].
    pub fn counting_body(&self) -> Result<Bytes> {
        self.write(None)
    }

    /// Checks that the body is not larger than the API takes, without keeping it. A body that can't
    /// be, whatever has to be escaped in it, is not written at all.
    ///
    /// # Errors
    /// As [`Request::body`].
    pub(super) fn check_size(&self, max_tokens: u64) -> Result<()> {
        if self.longest() <= REQUEST_MAX {
            return Ok(());
        }
        let mut size = Size(0);
        serde_json::to_writer(&mut size, &self.shape(Some(max_tokens))).map_err(not_written)?;
        fits(size.0)
    }

    /// Returns a bound on the bytes of the body.
    fn longest(&self) -> usize {
        // A control character becomes `\u0000`; three bytes of an image become four.
        const ESCAPED: usize = 6;
        const FRAME: usize = 1_024;
        let file = |file: &Attachment| ESCAPED * (file.body.len() + file.name.len()) + FRAME;
        let turn = |turn: &Turn| {
            let files: usize = turn.attachments.iter().map(file).sum();
            ESCAPED * (turn.prompt.len() + turn.answer.len()) + files + FRAME
        };
        let system = self.system.as_ref().map_or(0, String::len);
        let files: usize = self.attachments.iter().map(file).sum();
        let turns: usize = self.turns.iter().map(turn).sum();
        ESCAPED * (self.model.len() + system + self.prompt.len()) + files + turns + FRAME
    }

    fn write(&self, max_tokens: Option<u64>) -> Result<Bytes> {
        let bytes = serde_json::to_vec(&self.shape(max_tokens)).map_err(not_written)?;
        fits(bytes.len())?;
        Ok(bytes.into())
    }

    fn shape(&self, max_tokens: Option<u64>) -> Body<'_> {
        Body {
            model: &self.model,
            max_tokens,
            stream: max_tokens.is_some(),
            system: self
                .system
                .as_deref()
                .filter(|system| !system.trim().is_empty()),
            messages: self.messages(),
            output_config: self.effort.map(|effort| OutputConfig { effort }),
            thinking: self.thinking.map(|r#type| ThinkingConfig { r#type }),
        }
    }

    fn messages(&self) -> Vec<Message<'_>> {
        let mut messages = Vec::with_capacity(self.turns.len() * 2 + 1);
        for turn in &self.turns {
            messages.push(user(&turn.prompt, &turn.attachments));
            // The API refuses an empty message; two of the user's in a row count as one.
            if !turn.answer.trim().is_empty() {
                messages.push(Message {
                    role: "assistant",
                    content: Content::Text(turn.answer.trim_end()),
                });
            }
        }
        messages.push(user(&self.prompt, &self.attachments));
        messages
    }

    /// Returns everything that the model reads, to estimate its tokens.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let texts = self
            .turns
            .iter()
            .flat_map(|turn| [&turn.prompt, &turn.answer]);
        let texts = texts.chain(self.system.as_ref()).chain([&self.prompt]);
        let files = self.turns.iter().flat_map(|turn| &turn.attachments);
        texts
            .map(|text| Piece::Text(text))
            .chain(files.chain(&self.attachments).map(Attachment::piece))
    }
}

/// Counts what is written, and keeps none of it.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fits(bytes: usize) -> Result<()> {
    if bytes <= REQUEST_MAX {
        return Ok(());
    }
    let size = bytes.div_ceil(1_000_000);
    Err(
        Error::bad_input(format!("The request has {size} MB; the API takes 32 MB."))
            .hint("Send fewer or smaller files, or begin a new conversation. Nothing was sent."),
    )
}

fn not_written(error: serde_json::Error) -> Error {
    Error::failed("The request could not be written.").because(error)
}

fn user<'a>(prompt: &'a str, attachments: &'a [Attachment]) -> Message<'a> {
    let content = if attachments.is_empty() {
        Content::Text(prompt)
    } else {
        let mut blocks: Vec<Block<'_>> = attachments.iter().map(block).collect();
        if !prompt.trim().is_empty() {
            blocks.push(Block::Text {
                text: prompt.into(),
            });
        }
        Content::Blocks(blocks)
    };
    Message {
        role: "user",
        content,
    }
}

fn block(file: &Attachment) -> Block<'_> {
    if file.media == Media::Text {
        let text = String::from_utf8_lossy(&file.body);
        return Block::Text {
            text: format!("File {}:\n\n{text}", file.name).into(),
        };
    }
    Block::Image {
        source: Source {
            r#type: "base64",
            media_type: file.media.as_str(),
            data: STANDARD.encode(&file.body),
        },
    }
}

#[cfg(test)]
mod tests;
