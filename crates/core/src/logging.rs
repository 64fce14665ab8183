//! Logs and panic reports, with every credential taken out on the way.
//!
//! A log is off unless a face asks for one; then nothing is formatted and nothing is written.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::error::{Error, Result};
use crate::secret::redact;

/// Starts the log of this process. `filter` is what `tracing` calls directives, such as `info` or
/// `switchyard_core=debug`; `writer` is where its face wants the lines.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) when `filter` can't be read,
/// [`Code::Failed`](crate::error::Code::Failed) when there is a log already.
pub fn start<W>(filter: &str, writer: W) -> Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|e| {
        Error::bad_input("The log's filter can't be read.")
            .hint("Write a level (error, warn, info, debug, trace), or part=level pairs.")
            .because(e)
    })?;
    let lines = fmt::layer().with_ansi(false).with_writer(Redacting(writer));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|e| Error::failed("There is a log already.").because(e))
}

/// Makes panics be reported through `report`, with every credential taken out.
pub fn report_panics(report: impl Fn(&str) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| report(&redact(&panic.to_string()))));
}

/// Makes writers that take credentials out of what is written.
struct Redacting<W>(W);

/// One line's writer: `fmt` writes a line whole, so no credential is split over two writes; what
/// comes in pieces all the same is put together first.
struct RedactingLine<W: Write> {
    line: Vec<u8>,
    inner: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = RedactingLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingLine {
            line: Vec::new(),
            inner: self.0.make_writer(),
        }
    }
}

impl<W: Write> Write for RedactingLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        self.inner.write_all(redact(&text).as_bytes())?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for RedactingLine<W> {
    fn drop(&mut self) {
        // A log that can't be written is no reason to fail what is being logged.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_credential_in_a_log_line_is_redacted_wherever_it_stands() {
        let secret = format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple());
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = fmt::layer()
            .with_ansi(false)
            .with_writer(Redacting(move || writer.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::info!(header = %secret, "sent {secret} and {:?}", Some(&secret));
        });
        let text = kept.text();
        assert!(!text.contains(&secret[13..]), "{text}");
        assert_eq!(text.matches("[redacted]").count(), 3, "{text}");
    }

    #[test]
    fn a_credential_that_comes_in_pieces_is_redacted_too() {
        let secret = format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple());
        let kept = Kept::default();
        let writer = kept.clone();
        let make = Redacting(move || writer.clone());
        let mut line = make.make_writer();
        for piece in secret.as_bytes().chunks(7) {
            line.write_all(piece).unwrap();
        }
        drop(line);
        assert_eq!(kept.text(), "[redacted]");
    }

    #[test]
    fn a_filter_that_can_not_be_read_is_refused() {
        let refused = start("a=b=c", io::sink).unwrap_err();
        assert_eq!(refused.code(), crate::error::Code::BadInput);
    }
}
