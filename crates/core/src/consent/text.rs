//! Risk texts: what a person reads before a choice that can cost money or an account.
//!
//! Each is a file beside this one: a head of `name: value` lines between two `---`, then paragraphs, and
//! quotes whose last line names their source: `> -- URL, DATE`. Wrapped lines of a paragraph are one text.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Subject;

/// A risk text as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "ConsentText"))]
pub struct Text {
    /// What it is about.
    pub subject: Subject,
    /// Its version: the number in its head and the first eight digits of its hash, so that no two texts
    /// share one, and nobody names it without having seen it.
    pub version: String,
    /// Its title.
    pub title: String,
    /// What follows the title, in order.
    pub blocks: Vec<Block>,
    /// The SHA-256 of its file.
    #[serde(skip)]
    pub(super) hash: [u8; 32],
}

/// A part of a risk text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "ConsentBlock"))]
pub enum Block {
    /// Our own words.
    Paragraph {
        /// What it says.
        text: String,
    },
    /// Somebody else's words, to be set apart.
    Quote(Quote),
}

/// Words quoted from a page, exactly as they stood there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Quote {
    /// What was said.
    pub sentence: String,
    /// The page.
    pub url: String,
    /// The day on which the page said so, as `YYYY-MM-DD`.
    pub date: String,
}

impl Subject {
    /// Returns the current text about it.
    #[must_use]
    pub fn text(self) -> Text {
        Text::parse(
            self,
            match self {
                Self::Subscription => include_str!("texts/subscription.md"),
                Self::ExtraUsage => include_str!("texts/extra_usage.md"),
                Self::OAuth => include_str!("texts/oauth.md"),
            },
        )
    }
}

impl Text {
    /// Reads a file of this folder. What it lacks is empty: a test holds each file against the form.
    pub(super) fn parse(subject: Subject, file: &str) -> Self {
        let (head, body) = file
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .unwrap_or_default();
        let field = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(known, _)| *known == name)
                .map_or("", |(_, value)| value)
        };
        let hash: [u8; 32] = Sha256::digest(file).into();
        let first: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            subject,
            version: format!("{}-{first}", field("version")),
            title: field("title").to_owned(),
            blocks: body.split("\n\n").filter_map(block).collect(),
            hash,
        }
    }

    /// Returns the quotes, in order.
    pub fn quotes(&self) -> impl Iterator<Item = &Quote> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Quote(quote) => Some(quote),
            Block::Paragraph { .. } => None,
        })
    }
}

fn block(lines: &str) -> Option<Block> {
    let lines = lines.trim();
    if lines.is_empty() {
        return None;
    }
    let joined = |lines: &mut dyn Iterator<Item = &str>| lines.collect::<Vec<_>>().join(" ");
    if !lines.starts_with("> ") {
        let text = joined(&mut lines.lines());
        return Some(Block::Paragraph { text });
    }
    let mut quoted: Vec<&str> = lines
        .lines()
        .map(|line| line.trim_start_matches("> "))
        .collect();
    let source = quoted
        .pop_if(|last| last.starts_with("-- "))
        .unwrap_or_default();
    let (url, date) = source
        .trim_start_matches("-- ")
        .rsplit_once(", ")
        .unwrap_or_default();
    Some(Block::Quote(Quote {
        sentence: joined(&mut quoted.into_iter()),
        url: url.to_owned(),
        date: date.to_owned(),
    }))
}
