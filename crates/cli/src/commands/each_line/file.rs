//! The file whose lines are prompts: read line by line, as often as it takes, and never all at once.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use switchyard_core::text::shown;
use switchyard_core::{Error, Result};

use crate::commands::send::PROMPT_MAX;

/// A file that is open for as long as its lines are sent.
pub(super) struct LineFile {
    name: String,
    file: File,
}

/// One line that is a prompt.
pub(super) struct PromptLine {
    /// Its number in the file, from 1; blank lines count.
    pub(super) number: u64,
    pub(super) text: String,
}

impl LineFile {
    /// Opens it.
    ///
    /// # Errors
    /// [`Code::BadInput`](switchyard_core::Code::BadInput) where it can't be read, or only once.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = shown(&path.display().to_string(), 200);
        let unreadable = |e: std::io::Error| {
            Error::bad_input(format!("{name} can't be read: {e}.")).hint("Nothing was sent.")
        };
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(Error::bad_input(format!("{name} is not a file."))
                .hint("Write the prompts into a file, one a line: it is read more than once."));
        }
        Ok(Self { name, file })
    }

    /// Reads it from its beginning; blank lines are left out.
    ///
    /// # Errors
    /// As [`LineFile::open`].
    pub(super) fn lines(&self) -> Result<Lines<'_>> {
        let mut file = &self.file;
        file.rewind().map_err(|e| self.broken(0, &e.to_string()))?;
        Ok(Lines {
            of: self,
            reader: BufReader::new(file),
            number: 0,
        })
    }

    /// Says that the file is not what it was when it was looked at.
    pub(super) fn changed(&self, number: u64) -> Error {
        Error::bad_input(format!(
            "The file was changed while its lines were sent: {}, line {number}, is not what it was.",
            self.name
        ))
        .hint("What was sent is booked. Call again when the file is as it shall be: what was answered is not sent again.")
    }

    fn broken(&self, number: u64, why: &str) -> Error {
        Error::bad_input(format!("{}, line {number}: {why}.", self.name))
            .hint("Mend it and call again; lines that were answered are not sent again.")
    }
}

/// The lines of a file, in order.
pub(super) struct Lines<'a> {
    of: &'a LineFile,
    reader: BufReader<&'a File>,
    number: u64,
}

impl Lines<'_> {
    /// Returns the number of the line that was read last, or looked for in vain.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    fn read(&mut self) -> Result<Option<PromptLine>> {
        loop {
            let mut bytes = Vec::new();
            self.number += 1;
            let bounded = &mut self.reader.by_ref().take(PROMPT_MAX + 1);
            let read = bounded.read_until(b'\n', &mut bytes);
            let read = read.map_err(|e| self.of.broken(self.number, &e.to_string()))?;
            if read == 0 {
                return Ok(None);
            }
            if bytes.len() as u64 > PROMPT_MAX {
                return Err(self.of.broken(self.number, "it has more than 32 MB"));
            }
            let text = String::from_utf8(bytes)
                .map_err(|_| self.of.broken(self.number, "it is not UTF-8 text"))?;
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                return Ok(Some(PromptLine {
                    number: self.number,
                    text: text.to_owned(),
                }));
            }
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<PromptLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
