//! Finds the lines of a start-up file that set, unset or pass on a variable that matters.

use super::names;
use super::words::{Command, Grammar, Word, commands};
use crate::secret::ApiKey;

/// The language of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// sh, bash, zsh.
    Posix,
    /// fish.
    Fish,
    /// csh, tcsh.
    Csh,
    /// `NAME=value` lines: `/etc/environment`, `environment.d`, `.env`.
    Plain,
    /// `NAME DEFAULT=value` lines.
    Pam,
    /// fish's universal variables.
    FishUniversal,
    /// PowerShell: `$env:NAME = "value"`.
    PowerShell,
    /// Nushell: `$env.NAME = "value"`.
    Nu,
}

/// How far an assignment reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Every program that the shell starts.
    Exported,
    /// The shell alone, unless another line exports the name.
    Shell,
    /// One call of `claude`: an alias, a function, or a prefix.
    OneCall,
}

/// What a line does.
#[derive(Debug)]
pub(super) enum Act {
    /// Sets a variable; `None` is a value that only the shell can compute.
    Sets { value: Option<ApiKey>, reach: Reach },
    /// Passes on a variable that is set elsewhere.
    Exports,
    /// Removes a variable.
    Unsets,
    /// Reads another file; the name is its path.
    Sources,
}

/// One line that matters.
#[derive(Debug)]
pub(super) struct Found {
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The variable, or the path of a sourced file.
    pub(super) name: String,
    /// What the line does.
    pub(super) act: Act,
}

/// Reads a file's text. `folder` says what `HOME` and its like stand for.
pub(super) fn parse(
    text: &str,
    syntax: Syntax,
    folder: &dyn Fn(&str) -> Option<String>,
) -> Vec<Found> {
    match syntax {
        Syntax::Posix | Syntax::Csh | Syntax::Fish => {
            let grammar = if syntax == Syntax::Fish {
                Grammar::Fish
            } else {
                Grammar::Posix
            };
            let mut reader = Reader {
                all_exported: false,
                grammar,
                folder,
                found: Vec::new(),
            };
            for command in commands(text, grammar, folder) {
                reader.command(&command);
            }
            reader.found
        }
        _ => text
            .lines()
            .zip(1..)
            .filter_map(|(text, line)| single(text.trim(), line, syntax))
            .collect(),
    }
}

/// Words that may stand before a command.
const LEADING: &[&str] = &[
    "if", "then", "else", "elif", "do", "while", "until", "!", "time", "builtin", "command",
    "noglob", "and", "or", "not", "begin", "function",
];

struct Reader<'a> {
    /// `set -a` is on.
    all_exported: bool,
    grammar: Grammar,
    folder: &'a dyn Fn(&str) -> Option<String>,
    found: Vec<Found>,
}

impl Reader<'_> {
    fn command(&mut self, command: &Command) {
        let line = command.line;
        let skip = command
            .words
            .iter()
            .take_while(|word| LEADING.contains(&word.text.as_str()))
            .count();
        let words = command.words.get(skip..).unwrap_or_default();
        let Some((first, rest)) = words.split_first() else {
            return;
        };
        match first.text.as_str() {
            "export" if rest.first().is_some_and(|word| word.text == "-n") => {
                self.unset(line, &rest[1..]);
            }
            "export" => self.declare(line, rest, true),
            "declare" | "typeset" | "readonly" | "local" => {
                let exported = flags(rest).any(|flag| flag.contains('x'));
                self.declare(line, rest, exported);
            }
            "set" if self.grammar == Grammar::Fish => self.fish_set(line, rest),
            "set" => self.set_options(rest),
            "setenv" => self.set(line, rest, Reach::Exported),
            "unset" | "unsetenv" => self.unset(line, rest),
            "source" | "." => {
                if let Some(path) = rest.iter().find(|word| !word.text.starts_with('-'))
                    && !path.computed
                {
                    self.push(line, path.text.clone(), Act::Sources);
                }
            }
            "alias" => self.alias(line, rest),
            _ => self.plain(line, words),
        }
    }

    fn push(&mut self, line: usize, name: String, act: Act) {
        self.found.push(Found { line, name, act });
    }

    fn push_value(&mut self, line: usize, name: &str, value: &str, computed: bool, reach: Reach) {
        if names::is_explained(name) {
            let value = (!computed).then(|| ApiKey::new(value.to_owned()));
            self.push(line, name.to_owned(), Act::Sets { value, reach });
        }
    }

    fn declare(&mut self, line: usize, words: &[Word], exported: bool) {
        for word in words.iter().filter(|word| !word.text.starts_with('-')) {
            if let Some((name, value)) = word.text.split_once('=') {
                let reach = self.reach(exported);
                self.push_value(line, name, value, word.computed, reach);
            } else if exported && names::is_explained(&word.text) {
                self.push(line, word.text.clone(), Act::Exports);
            }
        }
    }

    fn reach(&self, exported: bool) -> Reach {
        if exported || self.all_exported {
            Reach::Exported
        } else {
            Reach::Shell
        }
    }

    fn set_options(&mut self, words: &[Word]) {
        for (index, word) in words.iter().enumerate() {
            let named = words
                .get(index + 1)
                .is_some_and(|word| word.text == "allexport");
            match word.text.as_str() {
                "-a" => self.all_exported = true,
                "+a" => self.all_exported = false,
                "-o" if named => self.all_exported = true,
                "+o" if named => self.all_exported = false,
                _ => {}
            }
        }
    }

    fn fish_set(&mut self, line: usize, words: &[Word]) {
        let has = |letter: char, long: &str| {
            flags(words)
                .any(|flag| flag == long || (!flag.starts_with("--") && flag.contains(letter)))
        };
        let exported = has('x', "--export");
        let erased = has('e', "--erase");
        let rest: Vec<&Word> = words
            .iter()
            .filter(|word| !word.text.starts_with('-'))
            .collect();
        let Some((name, values)) = rest.split_first() else {
            return;
        };
        if erased {
            self.unset_one(line, &name.text);
        } else if !values.is_empty() {
            let text: Vec<&str> = values.iter().map(|word| word.text.as_str()).collect();
            let computed = values.iter().any(|word| word.computed);
            let reach = self.reach(exported);
            self.push_value(line, &name.text, &text.join(" "), computed, reach);
        }
    }

    fn set(&mut self, line: usize, words: &[Word], reach: Reach) {
        if let [name, rest @ ..] = words {
            let value = rest.first();
            let text = value.map_or("", |word| word.text.as_str());
            let computed = value.is_some_and(|word| word.computed);
            self.push_value(line, &name.text, text, computed, reach);
        }
    }

    fn unset(&mut self, line: usize, words: &[Word]) {
        for word in words {
            self.unset_one(line, &word.text);
        }
    }

    fn unset_one(&mut self, line: usize, name: &str) {
        if names::is_explained(name) {
            self.push(line, name.to_owned(), Act::Unsets);
        }
    }

    /// `alias claude='NAME=value claude'`, or with a space instead of the first equals sign.
    fn alias(&mut self, line: usize, words: &[Word]) {
        let Some((first, rest)) = words.split_first() else {
            return;
        };
        let body = match first.text.split_once('=') {
            Some(("claude", body)) => body.to_owned(),
            None if first.text == "claude" => {
                let rest: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
                rest.join(" ")
            }
            _ => return,
        };
        for command in commands(&body, self.grammar, self.folder) {
            self.plain(line, &command.words);
        }
    }

    /// `NAME=value`, alone or before a command.
    fn plain(&mut self, line: usize, words: &[Word]) {
        let first = usize::from(words.first().is_some_and(|word| word.text == "env"));
        let assigned: Vec<(&Word, &str, &str)> = words
            .iter()
            .skip(first)
            .map_while(|word| {
                let (name, value) = word.text.split_once('=')?;
                Some((word, name, value))
            })
            .collect();
        let rest = words.get(first + assigned.len()..).unwrap_or_default();
        let reach = if rest.is_empty() && first == 0 {
            self.reach(false)
        } else if rest.iter().any(|word| is_claude(&word.text)) {
            Reach::OneCall
        } else {
            return;
        };
        for (word, name, value) in assigned {
            self.push_value(line, name, value, word.computed, reach);
        }
    }
}

fn is_claude(word: &str) -> bool {
    word.rsplit('/').next() == Some("claude")
}

fn flags(words: &[Word]) -> impl Iterator<Item = &str> {
    words
        .iter()
        .map(|word| word.text.as_str())
        .take_while(|text| text.starts_with('-'))
}

/// Reads one line of a file that is no script.
fn single(text: &str, line: usize, syntax: Syntax) -> Option<Found> {
    if text.starts_with('#') {
        return None;
    }
    let (name, value) = match syntax {
        Syntax::Pam => {
            let (name, rest) = text.split_once(char::is_whitespace)?;
            let at = ["OVERRIDE=", "DEFAULT="]
                .iter()
                .find_map(|mark| rest.split_once(mark))?;
            (name, at.1)
        }
        Syntax::FishUniversal => text
            .strip_prefix("SETUVAR")?
            .trim_start()
            .strip_prefix("--export ")?
            .split_once(':')?,
        Syntax::PowerShell => text.strip_prefix("$env:")?.split_once('=')?,
        Syntax::Nu => text.strip_prefix("$env.")?.split_once('=')?,
        _ => text
            .strip_prefix("export ")
            .unwrap_or(text)
            .split_once('=')?,
    };
    let (name, value) = (name.trim(), value.trim());
    if !names::is_explained(name) {
        return None;
    }
    let value = if syntax == Syntax::FishUniversal {
        Some(unescaped(value))
    } else {
        unquoted(value)
    };
    Some(Found {
        line,
        name: name.to_owned(),
        act: Act::Sets {
            value: value.map(ApiKey::new),
            reach: Reach::Exported,
        },
    })
}

/// Takes one pair of quotes off; a value with a variable in it is computed.
fn unquoted(value: &str) -> Option<String> {
    if let Some(inner) = value
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        return Some(inner.to_owned());
    }
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    (!inner.contains(['$', '('])).then(|| inner.to_owned())
}

/// Undoes fish's `\xHH`.
fn unescaped(value: &str) -> String {
    let mut pieces = value.split("\\x");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let byte = piece
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                text.push(char::from(byte));
                text.push_str(&piece[2..]);
            }
            None => text.push_str(piece),
        }
    }
    text
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
