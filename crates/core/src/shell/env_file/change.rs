//! Sets a variable in the text of an env file, and touches nothing else of it.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{EnvFile, settled};
use crate::error::{Error, Result};

/// An env file with a variable set.
pub struct Changed {
    /// The file.
    pub file: EnvFile,
    /// How many assignments took the new value; 0 where a line was added.
    pub replaced: usize,
}

impl Changed {
    /// Returns what is to be written. It holds the secret.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.file.bytes
    }
}

pub(super) fn with(file: &EnvFile, name: &str, value: &str) -> Result<Changed> {
    // A file that can't be read to its end can't be changed with a known outcome either.
    file.value(name)?;
    let (lines, exports) = settled::lines(&file.text(), name);
    let quoted = Zeroizing::new(quoted(value));
    // No growing: a buffer that is left behind would not be wiped.
    let room = file.bytes.len() + (lines.len() + 1) * (quoted.len() + name.len() + 16);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    for (line, number) in file.bytes.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        if !lines.contains(&number) {
            bytes.extend_from_slice(line);
            continue;
        }
        let Some(place) = value_in(line, name) else {
            return Err(Error::bad_input(format!(
                "Line {number} of {} sets {name} together with something else, and is not changed for you.",
                file.file
            ))
            .hint("Give the assignment a line of its own. Nothing was written."));
        };
        bytes.extend_from_slice(&line[..place.start]);
        bytes.extend_from_slice(quoted.as_bytes());
        bytes.extend_from_slice(&line[place.end..]);
    }
    if lines.is_empty() {
        let line_end: &[u8] = match file.bytes.windows(2).any(|pair| pair == b"\r\n") {
            true => b"\r\n",
            false => b"\n",
        };
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            bytes.extend_from_slice(line_end);
        }
        // As the other lines have it: some readers of such files know no `export`.
        if exports.unwrap_or(true) {
            bytes.extend_from_slice(b"export ");
        }
        for piece in [name.as_bytes(), b"=", quoted.as_bytes(), line_end] {
            bytes.extend_from_slice(piece);
        }
    }
    let changed = Changed {
        file: EnvFile {
            file: file.file.clone(),
            bytes,
            owner: file.owner,
            mode: file.mode,
        },
        replaced: lines.len(),
    };
    match changed.file.value(name)? {
        Some(now) if now.expose() == value => Ok(changed),
        _ => Err(Error::bad_input(format!(
            "{} takes {name} away again after it was set.",
            file.file
        ))
        .hint("Remove the line that unsets it. Nothing was written.")),
    }
}

/// Returns where the value stands in a line that sets `name` and does nothing else.
fn value_in(line: &[u8], name: &str) -> Option<Range<usize>> {
    let blanks = |at: usize| {
        let rest = line.get(at..).unwrap_or_default();
        at + rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count()
    };
    let mut start = blanks(0);
    if line[start..].starts_with(b"export") {
        let after = start + b"export".len();
        start = blanks(after);
        if start == after {
            return None;
        }
    }
    let start = start
        + line[start..]
            .strip_prefix(name.as_bytes())
            .map(|_| name.len())?;
    let start = (line.get(start) == Some(&b'=')).then_some(start + 1)?;
    let end = start + word_length(&line[start..])?;
    let rest = blanks(end);
    let is_over = match line.get(rest) {
        None | Some(b'\r' | b'\n') => true,
        // Without a blank before it, it would be part of the word.
        Some(b'#') => rest > end,
        Some(_) => false,
    };
    is_over.then_some(start..end)
}

/// Returns how long the word is that a line begins with; `None` for one that does not end in it, or that
/// a shell would have to compute.
fn word_length(line: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        at += match byte {
            b' ' | b'\t' | b'\r' | b'\n' => break,
            b'\'' => 2 + line[at + 1..].iter().position(|b| *b == b'\'')?,
            b'"' => 2 + double_length(&line[at + 1..])?,
            b'\\' => line
                .get(at + 1)
                .filter(|b| !matches!(b, b'\r' | b'\n'))
                .map(|_| 2)?,
            b'$' | b'`' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => return None,
            _ => 1,
        };
    }
    Some(at)
}

fn double_length(line: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += match line.get(at)? {
            b'"' => return Some(at),
            b'\\' => 2,
            b'$' | b'`' => return None,
            _ => 1,
        };
    }
}

/// Writes a value as a word of sh: as it is where that is safe, which readers that know no quotes take too.
fn quoted(value: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&b);
    match !value.is_empty() && value.bytes().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', r"'\''")),
    }
}
