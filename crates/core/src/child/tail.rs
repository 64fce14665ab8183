//! The end of what a child writes to standard error, for the text of an error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;

use crate::secret::Sent;
use crate::text::shown;

/// How much of standard error is kept, in bytes: its end, where the reason stands.
const TAIL_MAX: usize = 4 * 1024;

/// How much of it is shown, in columns.
const SHOWN_MAX: usize = 300;

/// The end of what a child wrote to standard error. Clones share it.
#[derive(Clone, Default)]
pub struct Tail(Arc<Mutex<Kept>>, Arc<Notify>, Sent);

#[derive(Default)]
struct Kept {
    bytes: VecDeque<u8>,
    is_cut: bool,
    is_whole: bool,
}

impl Tail {
    /// Makes one of a child that was given a key, which is in no text of it.
    #[must_use]
    pub fn without(sent: Sent) -> Self {
        Self(Arc::default(), Arc::default(), sent)
    }

    /// Takes what was read to its end already.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let tail = Self::default();
        tail.keep(bytes);
        tail
    }

    /// Reads `from` to its end, so that a child that never stops talking is not held up.
    pub async fn follow(self, mut from: impl AsyncRead + Unpin) {
        let mut piece = vec![0_u8; 4096];
        while let Ok(count) = from.read(&mut piece).await {
            if count == 0 {
                break;
            }
            self.keep(&piece[..count]);
        }
        self.kept().is_whole = true;
        self.1.notify_waiters();
    }

    /// Waits until all of it has been read.
    pub async fn is_whole(&self) {
        let told = self.1.notified();
        if !self.kept().is_whole {
            told.await;
        }
    }

    fn keep(&self, piece: &[u8]) {
        let mut kept = self.kept();
        kept.bytes.extend(piece);
        let over = kept.bytes.len().saturating_sub(TAIL_MAX);
        kept.is_cut |= over > 0;
        kept.bytes.drain(..over);
    }

    /// Returns it on one line, without credentials, or `None` where there is nothing.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.text_after("")
    }

    /// As [`Tail::text`], of what comes after the last line with `mark`; of all where that is not in it.
    #[must_use]
    pub fn text_after(&self, mark: &str) -> Option<String> {
        let kept = self.kept();
        let bytes: Vec<u8> = kept.bytes.iter().copied().collect();
        let whole = String::from_utf8_lossy(&bytes);
        let marked = whole.rsplit_once(mark).filter(|_| !mark.is_empty());
        let text = marked.map_or(&*whole, |(_, after)| {
            after.split_once('\n').map_or("", |(_, below)| below)
        });
        let text = self.2.redact(text);
        let mut words = text.split_whitespace();
        if kept.is_cut && marked.is_none() {
            // The first word may be the end of a credential, which nothing would recognise.
            words.next();
        }
        let line = words.collect::<Vec<_>>().join(" ");
        let line = shown(&line, SHOWN_MAX);
        (!line.is_empty()).then_some(line)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_standard_error_the_end_is_kept_without_credentials() {
        let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
        let tail = Tail::default();
        tail.clone()
            .follow(format!("bad {token}\n\x1b[1mgone").as_bytes())
            .await;
        assert_eq!(tail.text().unwrap(), "bad [redacted] ⟨001B⟩[1mgone");
        let tail = Tail::default();
        let filler = "x ".repeat(TAIL_MAX / 2 - 10);
        tail.clone()
            .follow(format!("{token} {filler}").as_bytes())
            .await;
        let text = tail.text().unwrap();
        assert!(!text.contains(&token[token.len() - 8..]), "{text}");
        assert_eq!(Tail::default().text(), None);
    }

    #[tokio::test]
    async fn a_key_that_a_child_was_given_is_in_no_text_of_it_whatever_its_shape() {
        let key = format!("gateway {}", uuid::Uuid::now_v7().simple());
        let sent = Sent::of(Some(&crate::secret::ApiKey::new(key.clone())));
        let tail = Tail::without(sent);
        let said = format!("bad {key}, {key}");
        let (first, second) = said.split_at(9);
        let pieces = AsyncReadExt::chain(first.as_bytes(), second.as_bytes());
        tail.clone().follow(pieces).await;
        assert_eq!(tail.text().unwrap(), "bad [redacted], [redacted]");
    }

    #[test]
    fn what_comes_after_a_mark_begins_below_its_line() {
        let tail = Tail::of(b"Welcome\nmark began\nno such option\n");
        assert_eq!(tail.text_after("mark").unwrap(), "no such option");
        assert_eq!(Tail::of(b"Welcome\nmark began\n").text_after("mark"), None);
        assert_eq!(
            Tail::of(b"no mark yet").text_after("other").unwrap(),
            "no mark yet"
        );
    }
}
