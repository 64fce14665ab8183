//! Files that go with a prompt: images as images, text as text, nothing else.

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::text::check_name;
use crate::usage::{Piece, image_size};
use crate::words::words;

/// The most bytes of an image, as the API documents (5 MB).
pub const IMAGE_MAX: usize = 5 * 1024 * 1024;

/// The most bytes of a text file. Ten megabytes are more than any context window holds.
pub const TEXT_MAX: usize = 10 * 1024 * 1024;

words! {
    /// What a file is, found out from its bytes and not from its name.
    Media {
        /// A PNG image.
        Png = "image/png",
        /// A JPEG image.
        Jpeg = "image/jpeg",
        /// A GIF image.
        Gif = "image/gif",
        /// A WebP image.
        Webp = "image/webp",
        /// Text in UTF-8.
        Text = "text/plain",
    }
}

/// A file that goes with a prompt.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The file's name, without its folder.
    pub name: String,
    /// What it is.
    pub media: Media,
    /// Its bytes, which clones share.
    pub body: Bytes,
}

// Written by hand so that no log holds a file's name or contents.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("media", &self.media)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Attachment {
    /// Takes a file's bytes and finds out what they are.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when it is empty, too large, or neither
    /// one of the image formats that models read nor text.
    pub fn new(name: &str, body: impl Into<Bytes>) -> Result<Self> {
        let body = body.into();
        let name = check_name("file name", name)?.to_owned();
        if body.is_empty() {
            return Err(Error::bad_input(format!("The file {name} is empty."))
                .hint("Attach one that says something."));
        }
        let Some(media) = sniff(&body) else {
            return Err(Error::bad_input(format!(
                "The file {name} is neither an image (PNG, JPEG, GIF, WebP) nor UTF-8 text."
            ))
            .hint("Convert it first; nothing was sent."));
        };
        let max = if media == Media::Text {
            TEXT_MAX
        } else {
            IMAGE_MAX
        };
        if body.len() > max {
            let (size, max) = (body.len().div_ceil(1_000_000), max / (1024 * 1024));
            return Err(Error::bad_input(format!(
                "The file {name} has {size} MB; {max} MB is the most."
            ))
            .hint("Make it smaller; nothing was sent."));
        }
        Ok(Self { name, media, body })
    }

    /// Returns what an estimate of the tokens goes by.
    pub(super) fn piece(&self) -> Piece<'_> {
        if self.media == Media::Text {
            return Piece::Text(std::str::from_utf8(&self.body).unwrap_or_default());
        }
        Piece::Image(image_size(&self.body))
    }
}

fn sniff(body: &[u8]) -> Option<Media> {
    if body.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Media::Png);
    }
    if body.starts_with(b"\xFF\xD8\xFF") {
        return Some(Media::Jpeg);
    }
    if body.starts_with(b"GIF87a") || body.starts_with(b"GIF89a") {
        return Some(Media::Gif);
    }
    if body.starts_with(b"RIFF") && body.get(8..12) == Some(b"WEBP") {
        return Some(Media::Webp);
    }
    let text = std::str::from_utf8(body).ok()?;
    (!text.contains('\0')).then_some(Media::Text)
}
