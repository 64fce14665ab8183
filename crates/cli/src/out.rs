//! Where words go: answers and data to standard output, everything about them to standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use switchyard_core::secret::redact;
use switchyard_core::text::Screen;
use switchyard_core::{Code, Error, Failure, Result};
use unicode_width::UnicodeWidthStr;

use crate::remedy;

/// The two streams of this command.
pub(crate) struct Out {
    stdout: io::Stdout,
    stderr: io::Stderr,
    screens: Screens,
    /// Whether standard output carries JSON.
    pub(crate) json: bool,
    has_lost_reader: AtomicBool,
    /// A reader who takes nothing holds standard output, so that whoever else writes to it would wait.
    is_held: AtomicBool,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            stdout: io::stdout(),
            stderr: io::stderr(),
            screens: Screens::new(),
            json,
            has_lost_reader: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
        }
    }

    /// Writes one line of the answer.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when nobody reads any more, [`Code::Failed`] when it can't be written.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        let text = self.screens.answer.whole(text);
        self.written(writeln!(self.stdout.lock(), "{text}"))
    }

    /// Writes a piece of a streamed answer and passes it on at once.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when nobody reads any more, [`Code::Failed`] when it can't be written.
    pub(crate) fn piece(&self, text: &str) -> Result<()> {
        let text = self.screens.answer.pass(text);
        let mut stdout = self.stdout.lock();
        self.written(
            stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush()),
        )
    }

    /// Writes `value` as one line of JSON.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when nobody reads any more, [`Code::Failed`] when it can't be written.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<()> {
        self.written(put(&self.json_text(value)?))
    }

    /// Returns `value` as the line of JSON that [`put`] writes.
    ///
    /// # Errors
    /// [`Code::Failed`] for what is no JSON.
    pub(crate) fn json_text(&self, value: &impl Serialize) -> Result<String> {
        let text = serde_json::to_string(value)
            .map_err(|e| Error::failed("The result can't be written as JSON.").because(e))?;
        Ok(self.screens.answer.whole(&text).into_owned())
    }

    /// Leaves standard output to whoever waits for its reader: nothing more is written there.
    pub(crate) fn leave_to_reader(&self) {
        self.is_held.store(true, Ordering::Relaxed);
    }

    /// Says something about the work; a closed standard error is no reason to stop.
    pub(crate) fn note(&self, text: &str) {
        let text = self.screens.notes.whole(text);
        let _ = writeln!(self.stderr.lock(), "{text}");
    }

    /// Says something about the work without ending the line.
    pub(crate) fn note_piece(&self, text: &str) {
        let text = self.screens.notes.pass(text);
        let mut stderr = self.stderr.lock();
        let _ = stderr
            .write_all(text.as_bytes())
            .and_then(|()| stderr.flush());
    }

    /// Says what went wrong and what to do about it. That the reader went away, as `head` does, is
    /// nobody's trouble.
    pub(crate) fn error(&self, error: &Error) {
        if error.code() == Code::Cancelled && self.has_lost_reader.load(Ordering::Relaxed) {
            return;
        }
        // A key that was given as a name must not come back in what is said about it.
        let (failure, subject) = (redacted(error.into()), error.subject());
        if self.json && !self.is_held.load(Ordering::Relaxed) {
            // A script reads one stream: the failure is the last line of it.
            let report = serde_json::json!({ "error": failure });
            let _ = writeln!(self.stdout.lock(), "{report}");
        }
        self.note(&format!("error: {}", failure.message));
        if let Some(advice) = remedy::advice_about(&failure, subject) {
            self.note(&format!("hint: {advice}"));
        }
    }

    /// Words what writing to standard output came to.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when nobody reads any more, [`Code::Failed`] when it can't be written.
    pub(crate) fn written(&self, outcome: io::Result<()>) -> Result<()> {
        outcome.map_err(|e| {
            if e.kind() != io::ErrorKind::BrokenPipe {
                return Error::failed(format!("The output can't be written: {e}.")).because(e);
            }
            self.has_lost_reader.store(true, Ordering::Relaxed);
            Error::new(Code::Cancelled, "Nobody reads the output any more.").because(e)
        })
    }

    /// Writes bytes as they are, for a program.
    ///
    /// # Errors
    /// [`Code::Cancelled`] when nobody reads any more, [`Code::Failed`] when it can't be written.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<()> {
        self.written(self.stdout.lock().write_all(bytes))
    }
}

/// Writes one line to standard output and passes it on at once.
///
/// # Errors
/// What the system says; see [`Out::written`].
pub(crate) fn put(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush())
}

fn redacted(failure: Failure) -> Failure {
    Failure {
        message: redact(&failure.message).into_owned(),
        hint: failure.hint.map(|hint| redact(&hint).into_owned()),
        ..failure
    }
}

/// What stands before each stream. A terminal obeys what is written to it, so a server's words are
/// shown there and not obeyed; a pipe or file gets them byte for byte.
struct Screens {
    answer: Before,
    notes: Before,
}

impl Screens {
    fn new() -> Self {
        Self {
            answer: Before::new(io::stdout().is_terminal()),
            notes: Before::new(io::stderr().is_terminal()),
        }
    }
}

/// A screen before a terminal, nothing before anything else.
struct Before(Option<Mutex<Screen>>);

impl Before {
    fn new(is_terminal: bool) -> Self {
        Self(is_terminal.then(Mutex::default))
    }

    fn pass<'a>(&self, piece: &'a str) -> Cow<'a, str> {
        match &self.0 {
            Some(screen) => {
                let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
                Cow::Owned(screen.pass(piece))
            }
            None => Cow::Borrowed(piece),
        }
    }

    fn whole<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.0 {
            Some(_) => Cow::Owned(Screen::whole(text)),
            None => Cow::Borrowed(text),
        }
    }
}

/// Counts things in words: `1 run`, `2 runs`.
pub(crate) fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// Breaks a text into lines of at most `width` columns, between words; a longer word has a line of its own.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Columns that line up; numbers to the right.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// Begins a table; a heading that begins with `>` is a column set to the right.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let right = headings
            .iter()
            .map(|heading| heading.starts_with('>'))
            .collect();
        let first = headings
            .iter()
            .map(|heading| heading.trim_start_matches('>').to_owned())
            .collect();
        Self {
            rows: vec![first],
            right,
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Returns the lines, without trailing blanks. A column with nothing in it is left out.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widths: Vec<usize> = (0..self.right.len())
            .map(|column| {
                if self.rows.iter().skip(1).all(|row| row[column].is_empty()) {
                    return 0;
                }
                self.rows
                    .iter()
                    .map(|row| row[column].width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        self.rows
            .iter()
            .map(|row| self.render(row, &widths))
            .collect()
    }

    fn render(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(widths).zip(&self.right) {
            if *width == 0 {
                continue;
            }
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            if *right {
                line.push_str(&gap);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&gap);
            }
            line.push_str("  ");
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_only_where_they_must() {
        assert_eq!(
            wrapped("one two three", 7),
            ["one two".to_owned(), "three".to_owned()]
        );
        assert_eq!(wrapped("a incomprehensible b", 3).len(), 3);
        assert_eq!(wrapped("漢字 漢字", 8).len(), 2, "wide ones count twice");
        assert!(wrapped("", 5).is_empty());
    }

    #[test]
    fn columns_line_up_by_what_is_seen_and_not_by_bytes() {
        let mut table = Table::new(&["NAME", ">COST"]);
        table.row(vec!["漢字".into(), "$1".into()]);
        table.row(vec!["Work".into(), "$10.00".into()]);
        assert_eq!(
            table.lines(),
            ["NAME    COST", "漢字      $1", "Work  $10.00"]
        );
    }
}
