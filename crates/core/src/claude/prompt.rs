//! What is handed over to the CLI, as lines of its standard input.

use serde::Serialize;

/// What is asked in one turn.
#[derive(Clone, Copy, Default)]
pub struct Prompt<'a> {
    /// The text.
    pub text: &'a str,
    /// Images that go with it.
    pub images: &'a [Image<'a>],
}

/// An image that goes with a prompt.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// Its type, such as `image/png`.
    pub media_type: &'a str,
    /// Its bytes in base64.
    pub base64: &'a str,
}

impl Prompt<'_> {
    /// Writes the line that hands it over.
    ///
    /// A text that begins with `/` is taken as a command and never sent, also where commands are
    /// switched off; a line end before it makes it text (seen with CLI 2.1.330).
    pub(super) fn line(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct User<'a> {
            r#type: &'static str,
            message: Message<'a>,
        }
        #[derive(Serialize)]
        struct Message<'a> {
            role: &'static str,
            content: Vec<Block<'a>>,
        }
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        enum Block<'a> {
            Text { text: String },
            Image { source: Source<'a> },
        }
        #[derive(Serialize)]
        struct Source<'a> {
            r#type: &'static str,
            media_type: &'a str,
            data: &'a str,
        }
        let guard = if self.text.starts_with('/') { "\n" } else { "" };
        let text = Block::Text {
            text: format!("{guard}{}", self.text),
        };
        let images = self.images.iter().map(|image| Block::Image {
            source: Source {
                r#type: "base64",
                media_type: image.media_type,
                data: image.base64,
            },
        });
        line(&User {
            r#type: "user",
            message: Message {
                role: "user",
                content: std::iter::once(text).chain(images).collect(),
            },
        })
    }
}

/// Writes one line of input.
pub(super) fn line(value: &impl Serialize) -> Vec<u8> {
    // Plain data of text always becomes JSON, whose line ends are escaped.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
