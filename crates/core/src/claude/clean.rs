//! Takes credentials out of text that comes in pieces.

use crate::secret::{REDACTED, Sent, redact};

/// What every credential of Anthropic begins with.
const MARK: &str = "sk-ant-";

/// So many characters after the mark make a credential, as for [`redact`].
const ENOUGH: usize = 8;

/// Redacts a text that is split anywhere: what may be the beginning of a credential is held back
/// until it is known, which is never more than a few characters, or than the key that was sent has.
#[derive(Default)]
pub(super) struct Cleaner {
    sent: Sent,
    held: String,
    /// A credential has been replaced, and what still belongs to it is dropped.
    is_inside: bool,
}

impl Cleaner {
    /// Makes one that also knows the key that was sent.
    pub(super) fn without(sent: Sent) -> Self {
        Self {
            sent,
            ..Self::default()
        }
    }

    /// Returns what can be shown of the text so far.
    pub(super) fn push(&mut self, piece: &str) -> String {
        let mut rest = piece;
        if self.is_inside {
            rest = rest.trim_start_matches(belongs);
            if rest.is_empty() {
                return String::new();
            }
            self.is_inside = false;
        }
        self.held.push_str(rest);
        if let Some(clean) = self.sent.replaced(&self.held) {
            self.held = clean;
        }
        let begun = self.held.len() - self.sent.begun(&self.held);
        let tail = self.held.split_off(undecided(&self.held).min(begun));
        let mut out = redact(&std::mem::replace(&mut self.held, tail)).into_owned();
        let characters = self.held.strip_prefix(MARK).map_or(0, str::len);
        // It may still be the key that was sent, which may go on with what belongs to no other credential.
        if characters >= ENOUGH && self.sent.begun(&self.held) == 0 {
            out.push_str(REDACTED);
            self.held.clear();
            self.is_inside = true;
        }
        out
    }

    /// Returns what was held back, at the end of a text.
    pub(super) fn finish(&mut self) -> String {
        self.is_inside = false;
        let held = std::mem::take(&mut self.held);
        match self.sent.begun(&held) {
            // The better part of a key is one too.
            begun if self.sent.is_half(begun) => {
                redact(&held[..held.len() - begun]).into_owned() + REDACTED
            }
            _ => redact(&held).into_owned(),
        }
    }
}

fn belongs(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Returns where the end of the text begins that may belong to a credential which is not complete.
fn undecided(text: &str) -> usize {
    if let Some(at) = text.rfind(MARK)
        && text[at..].chars().all(belongs)
    {
        // An earlier mark in the same run of characters is the beginning of the same credential.
        let run = text[..at].trim_end_matches(belongs).len();
        return text[run..].find(MARK).map_or(at, |first| run + first);
    }
    let longest = (1..MARK.len())
        .rev()
        .find(|count| text.ends_with(&MARK[..*count]));
    text.len() - longest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ApiKey;

    fn cleaned(pieces: &[&str]) -> String {
        let mut cleaner = Cleaner::default();
        let mut out: String = pieces.iter().map(|piece| cleaner.push(piece)).collect();
        out.push_str(&cleaner.finish());
        out
    }

    #[test]
    fn a_credential_is_replaced_wherever_it_is_split() {
        let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
        let text = format!("ask-it: {token}, and sk-ant-short; {token}");
        let expected = redact(&text).into_owned();
        assert_eq!(expected.matches(REDACTED).count(), 2);
        for first in 0..text.len() {
            assert_eq!(cleaned(&[&text[..first], &text[first..]]), expected);
            let second = (first + 5).min(text.len());
            let pieces = [&text[..first], &text[first..second], &text[second..]];
            assert_eq!(cleaned(&pieces), expected);
        }
        let each: Vec<_> = text.split_inclusive(|_: char| true).collect();
        assert_eq!(cleaned(&each), expected);
    }

    #[test]
    fn the_key_that_was_sent_is_replaced_wherever_it_is_split_whatever_its_shape() {
        let id = uuid::Uuid::now_v7().simple().to_string();
        for key in [
            format!("gate-{id}"),
            format!("gsk-ant-{id}"),
            format!("aab{id}aa"),
            "sk-ant-team.0123456789.abcdef".to_owned(),
            format!("sk-ant-api03-{id}"),
        ] {
            let sent = Sent::of(Some(&ApiKey::new(key.clone())));
            let text = format!("a gate-{key}, gsk-ant a{key}{key}. {}", &key[..4]);
            let expected = sent.redact(&text).into_owned();
            assert_eq!(expected.matches(REDACTED).count(), 3, "{expected}");
            for size in 1..text.len() {
                let mut cleaner = Cleaner::without(sent.clone());
                let pieces = text.as_bytes().chunks(size);
                let mut out: String = pieces
                    .map(|piece| cleaner.push(std::str::from_utf8(piece).unwrap()))
                    .collect();
                out.push_str(&cleaner.finish());
                assert_eq!(out, expected, "{size}");
            }
            // What only ends as the key begins is another credential.
            let other = format!("sk-ant-{id}{}", &key[..1]);
            let mut cleaner = Cleaner::without(sent.clone());
            assert_eq!(cleaner.push(&other) + &cleaner.finish(), REDACTED);
            let mut cleaner = Cleaner::without(sent);
            let half = key.len().div_ceil(2);
            let cut = format!("It is {}", &key[..half]);
            assert_eq!(cleaner.push(&cut) + &cleaner.finish(), "It is [redacted]");
            // As much as "sk-ant-api03", which is no secret.
            let cut = format!("It is {}", &key[..12]);
            assert_eq!(cleaner.push(&cut) + &cleaner.finish(), cut);
        }
    }

    #[test]
    fn text_without_one_comes_out_as_it_went_in() {
        for text in [
            "",
            "Hello 世界",
            "sk",
            "task-ant",
            "sk-ant-",
            "a sk-ant-api03-…",
        ] {
            let each: Vec<_> = text.split_inclusive(|_: char| true).collect();
            assert_eq!(cleaned(&each), text);
        }
    }

    #[test]
    fn what_is_held_back_stays_small_however_long_a_credential_is() {
        let mut cleaner = Cleaner::default();
        assert_eq!(cleaner.push("sk-ant-oat01-abcdefgh"), REDACTED);
        for _ in 0..1000 {
            assert_eq!(cleaner.push("abcdefgh"), "");
            assert!(cleaner.held.len() < 32);
        }
        assert_eq!(cleaner.push(" on"), " on");
    }
}
