//! A request as one text, for a `claude` that takes no answer that is not its own.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::attachment::{Attachment, Media};
use super::request::Request;
use crate::error::{Error, Result};

/// Puts files of text before a prompt, as the metered tier does.
pub(super) fn with_files<'a>(prompt: &'a str, files: &[Attachment]) -> Cow<'a, str> {
    if files.is_empty() {
        return prompt.into();
    }
    let mut text = String::new();
    for file in files {
        let body = String::from_utf8_lossy(&file.body);
        // Writing to a text can't fail.
        let _ = write!(text, "File {}:\n\n{body}\n\n", file.name);
    }
    text.push_str(prompt);
    text.into()
}

/// Writes a conversation that another process, tier or payer has begun as one prompt: the CLI takes no
/// answer that is not its own.
pub(super) fn with_conversation(request: &Request) -> Cow<'_, str> {
    let prompt = with_files(&request.prompt, &request.attachments);
    if request.turns.is_empty() {
        return prompt;
    }
    let mut text = "This is our conversation so far.\n\n".to_owned();
    for turn in &request.turns {
        let asked = with_files(&turn.prompt, &turn.attachments);
        let _ = write!(text, "<user>\n{asked}\n</user>\n\n");
        if !turn.answer.trim().is_empty() {
            let _ = write!(
                text,
                "<assistant>\n{}\n</assistant>\n\n",
                turn.answer.trim_end()
            );
        }
    }
    let _ = write!(text, "I go on:\n\n{prompt}");
    text.into()
}

/// Refuses files that a `claude` is not given, before anything is sent. `what` is the way that is meant.
pub(super) fn check_files(request: &Request, what: &str) -> Result<()> {
    let files = request.turns.iter().flat_map(|turn| &turn.attachments);
    if files
        .chain(&request.attachments)
        .all(|file| file.media == Media::Text)
    {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "{what} takes text only, and an image goes with this prompt."
    ))
    .hint("Leave the image out, or send it with a key. Nothing was sent."))
}
