//! What the CLI writes to standard output, line by line.

use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line that is read. The longest answers (300,000 tokens) are a few MB as JSON, and a
/// line holds one of them at most.
pub(super) const LINE_MAX: usize = 8 * 1024 * 1024;

/// Reads a stream line by line in memory for twice the longest line at most. Dropping a read that waits loses nothing.
pub struct Lines<R> {
    from: R,
    buffer: BytesMut,
    /// So much of the buffer is known to hold no line end.
    searched: usize,
    is_over: bool,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// A line, without its end; it is not empty.
    Line(BytesMut),
    /// A line is longer than is read. Nothing more is read.
    TooLong,
    /// The stream has ended; in the middle of a line, or not.
    End {
        /// It ended in the middle of a line.
        is_cut: bool,
    },
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads from a stream.
    pub fn new(from: R) -> Self {
        Self {
            from,
            buffer: BytesMut::new(),
            searched: 0,
            is_over: false,
        }
    }

    /// Waits for the next line that is not empty.
    pub async fn next(&mut self) -> Read {
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
    pub fn ready(&mut self) -> Option<Read> {
        self.next().now_or_never()
    }

    /// Tells whether the stream has ended and nothing of it is left.
    pub(super) fn is_over(&self) -> bool {
        self.is_over && self.buffer.is_empty()
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
}
