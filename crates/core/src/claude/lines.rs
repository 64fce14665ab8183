//! What the CLI writes: lines of standard output, and the end of standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::secret::redact;
use crate::text::shown;

/// The longest line that is read. The longest answers (300,000 tokens) are a few MB as JSON, and a
/// line holds one of them at most.
pub(super) const LINE_MAX: usize = 8 * 1024 * 1024;

/// How much of standard error is kept, in bytes: its end, where the reason stands.
const TAIL_MAX: usize = 4 * 1024;

/// How much of it is shown, in columns.
const SHOWN_MAX: usize = 300;

/// Reads a stream line by line in memory for twice [`LINE_MAX`] at most. Dropping a read that waits loses nothing.
pub(super) struct Lines<R> {
    from: R,
    buffer: BytesMut,
    /// So much of the buffer is known to hold no line end.
    searched: usize,
    is_over: bool,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A line, without its end; it is not empty.
    Line(BytesMut),
    /// A line is longer than [`LINE_MAX`]. Nothing more is read.
    TooLong,
    /// The stream has ended; in the middle of a line, or not.
    End {
        /// It ended in the middle of a line.
        is_cut: bool,
    },
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: BytesMut::new(),
            searched: 0,
            is_over: false,
        }
    }

    /// Waits for the next line that is not empty.
    pub(super) async fn next(&mut self) -> Read {
        loop {
            if let Some(line) = self.buffered() {
                if !line.trim_ascii().is_empty() {
                    return Read::Line(line);
                }
                continue;
            }
            if self.buffer.len() > LINE_MAX {
                self.is_over = true;
                self.buffer = BytesMut::new();
                self.searched = 0;
                return Read::TooLong;
            }
            if self.is_over {
                let is_cut = !self.buffer.trim_ascii().is_empty();
                return Read::End { is_cut };
            }
            self.buffer.reserve(16 * 1024);
            // A broken pipe is the end as well.
            self.is_over = matches!(self.from.read_buf(&mut self.buffer).await, Ok(0) | Err(_));
        }
    }

    /// Returns what is there already, without waiting.
    pub(super) fn ready(&mut self) -> Option<Read> {
        self.next().now_or_never()
    }

    fn buffered(&mut self) -> Option<BytesMut> {
        let fresh = &self.buffer[self.searched..];
        let Some(at) = fresh.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + at);
        self.buffer.advance(1);
        self.searched = 0;
        Some(line)
    }
}

/// The end of what a child wrote to standard error, for the text of an error.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl Tail {
    /// Reads `from` to its end, so that a child that never stops talking is not held up.
    pub(super) async fn follow(self, mut from: impl AsyncRead + Unpin) {
        let mut piece = vec![0_u8; 4096];
        while let Ok(count) = from.read(&mut piece).await {
            if count == 0 {
                break;
            }
            let mut kept = self.kept();
            kept.bytes.extend(&piece[..count]);
            let over = kept.bytes.len().saturating_sub(TAIL_MAX);
            kept.is_cut |= over > 0;
            kept.bytes.drain(..over);
        }
    }

    /// Returns it on one line, without credentials, or `None` where there is nothing.
    pub(super) fn text(&self) -> Option<String> {
        let kept = self.kept();
        let bytes: Vec<u8> = kept.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut words = text.split_whitespace();
        if kept.is_cut {
            // The first word may be the end of a credential, which nothing would recognise.
            words.next();
        }
        let line = words.collect::<Vec<_>>().join(" ");
        let line = shown(&redact(&line), SHOWN_MAX);
        (!line.is_empty()).then_some(line)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Read {
        Read::Line(text.into())
    }

    #[tokio::test]
    async fn lines_come_whole_however_they_are_split() {
        let text = b"one\n\r\n\ntwo \xe4\xb8\x96\n\nhalf".as_slice();
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            let mut lines = Lines::new(AsyncReadExt::chain(first, second));
            assert_eq!(lines.next().await, line("one"));
            assert_eq!(lines.next().await, line("two 世"));
            assert_eq!(lines.next().await, Read::End { is_cut: true });
            assert_eq!(lines.next().await, Read::End { is_cut: true });
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_given_up_in_bounded_memory() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'));
        assert_eq!(lines.next().await, Read::TooLong);
        assert_eq!(lines.buffer.capacity(), 0);
        assert_eq!(lines.next().await, Read::End { is_cut: false });
    }

    #[tokio::test]
    async fn the_longest_line_that_is_allowed_is_read() {
        let text = [&vec![b'y'; LINE_MAX][..], b"\nnext\n"].concat();
        let mut lines = Lines::new(&text[..]);
        assert!(matches!(lines.next().await, Read::Line(line) if line.len() == LINE_MAX));
        assert_eq!(lines.next().await, line("next"));
    }

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
}
