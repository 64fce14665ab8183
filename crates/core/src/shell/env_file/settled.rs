//! What a file of assignments makes of one variable. Anything that only a shell could tell is refused:
//! guessing would bill somebody.

use super::is_name;
use crate::error::{Error, Result};
use crate::secret::ApiKey;
use crate::shell::words::{Command, Grammar, Word, commands};
use crate::text::shown;

/// Returns what `name` is when the whole file has been read; the last assignment wins.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) where a shell would have to tell.
pub(super) fn value(text: &str, file: &str, name: &str) -> Result<Option<ApiKey>> {
    let mut value = None;
    for command in commands(text, Grammar::Posix, &|_| None) {
        match read(&command, name) {
            Act::Nothing => {}
            Act::Unsets => value = None,
            Act::Sets(word) => value = Some(taken(word, file, command.line, name)?),
            Act::SetsForOneCommand => {
                return Err(Error::bad_input(format!(
                    "{file} sets {name} for one command alone, in line {}.",
                    command.line
                ))
                .hint("If the value holds a space, put it in quotes."));
            }
            Act::Code => {
                return Err(Error::bad_input(format!(
                    "Line {} of {file} is shell code ({}), so only a shell can tell what {name} is then. \
                     Switchyard reads such files and runs nothing.",
                    command.line,
                    command.words.first().map_or_else(String::new, |word| shown(&word.text, 20)),
                ))
                .hint("Keep the key in a file of assignments alone, or export the variable and name that."));
            }
        }
    }
    Ok(value.filter(|value: &ApiKey| !value.expose().is_empty()))
}

/// Returns the lines that assign `name`, counted from 1, and whether the file's assignments are exported
/// where they stand; `None` where there are none.
pub(super) fn lines(text: &str, name: &str) -> (Vec<usize>, Option<bool>) {
    let commands = commands(text, Grammar::Posix, &|_| None);
    let is_assigned = |command: &&Command| matches!(read(command, name), Act::Sets(_));
    let lines = commands.iter().filter(is_assigned).map(|one| one.line);
    let first = |command: &Command| command.words.first().map(|word| word.text.clone());
    let firsts: Vec<String> = commands.iter().filter_map(first).collect();
    let exports = firsts.iter().any(|first| first == "export");
    let assigns = firsts.iter().any(|first| first.contains('='));
    (lines.collect(), (exports || assigns).then_some(exports))
}

/// What a command does with the variable.
enum Act<'a> {
    Nothing,
    Sets(&'a Word),
    Unsets,
    SetsForOneCommand,
    /// It could do anything.
    Code,
}

/// Commands that can set a variable although another assignment stands before them.
const SPECIAL: &[&str] = &[
    ".", "source", "eval", "export", "readonly", "unset", "exec", "exit", "return",
];

fn read<'a>(command: &'a Command, name: &str) -> Act<'a> {
    let Some((first, rest)) = command.words.split_first() else {
        return Act::Nothing;
    };
    let is_ours = |word: &&Word| assigned(word).is_some_and(|(own, _)| own == name);
    match first.text.as_str() {
        "export" | "readonly" | "declare" | "typeset" => {
            rest.iter().rfind(is_ours).map_or(Act::Nothing, Act::Sets)
        }
        "unset" if rest.iter().any(|word| word.text == name) => Act::Unsets,
        "unset" | "set" | ":" => Act::Nothing,
        _ => {
            let count = command
                .words
                .iter()
                .take_while(|word| assigned(word).is_some());
            let (before, after) = command.words.split_at(count.count());
            let ours = before.iter().rfind(is_ours);
            match (ours, after.first()) {
                (Some(word), None) => Act::Sets(word),
                (None, None) => Act::Nothing,
                (Some(_), Some(_)) => Act::SetsForOneCommand,
                (None, Some(next))
                    if before.is_empty() || SPECIAL.contains(&next.text.as_str()) =>
                {
                    Act::Code
                }
                // Another variable, for one command: what dotenv files call a value with spaces.
                (None, Some(_)) => Act::Nothing,
            }
        }
    }
}

fn assigned(word: &Word) -> Option<(&str, &str)> {
    word.text.split_once('=').filter(|(name, _)| is_name(name))
}

fn taken(word: &Word, file: &str, line: usize, name: &str) -> Result<ApiKey> {
    match assigned(word) {
        Some((_, value)) if !word.computed => Ok(ApiKey::new(value.to_owned())),
        _ => Err(Error::bad_input(format!(
            "What {name} is in line {line} of {file} is for a shell to compute, and Switchyard reads such \
             files without running them."
        ))
        .hint("Write the value itself there, or export the variable and name that.")),
    }
}
