//! Every command that a hint, a page or a manual names can be typed as it stands there: the parser that
//! it is typed into reads it.

use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;

use super::{Arguments, Command};

const SELF: &str = "switchyard";

/// A command that some text names.
struct Named {
    from: String,
    words: Vec<String>,
}

impl Named {
    /// Says what is wrong with it. A command that is only called by its name, such as `switchyard exec`,
    /// may lack what it needs; one that is to be copied may not.
    fn wrong(&self, may_lack: bool) -> Option<String> {
        let typed = self.words.join(" ");
        let said = |why: &str| Some(format!("{}: {typed}: {why}", self.from));
        match Arguments::try_parse_from(&self.words) {
            Ok(arguments) => match arguments.command {
                Command::Settings(set) => {
                    let name = set.name?;
                    let known = switchyard_core::app::setting(&name).is_ok();
                    (!known).then(|| said("there is no such setting")).flatten()
                }
                _ => None,
            },
            Err(refused) => match refused.kind() {
                ErrorKind::DisplayHelp => None,
                ErrorKind::MissingRequiredArgument
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    if may_lack =>
                {
                    None
                }
                _ => said(refused.to_string().lines().next().unwrap_or_default()),
            },
        }
    }
}

/// Finds the commands in a text, each from the program's name to where a shell or a sentence ends it.
fn named_in(from: &str, text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices(SELF) {
            let before = line[..at].chars().next_back();
            let is_start = before.is_none_or(|c| " `\"(!".contains(c));
            let rest = &line[at + SELF.len()..];
            let mut next = rest.chars();
            let is_called = next.next() == Some(' ')
                && next
                    .next()
                    .is_some_and(|c| c.is_ascii_lowercase() || c == '-');
            if is_start && is_called {
                let mut words = vec![SELF.to_owned()];
                words.extend(words_of(rest));
                let from = format!("{from}:{}", number + 1);
                found.push(Named { from, words });
            }
        }
    }
    found
}

/// Splits what follows the program's name into words, as a shell does, up to the end of the command.
fn words_of(rest: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    // In a literal of Rust or JSON a quote of the shell has a stroke before it.
    let is_escaped = rest.contains("\\\"");
    let mut letters = rest.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_quote = match (letter, is_escaped) {
            ('\\', true) if letters.peek() == Some(&'"') => letters.next().is_some(),
            ('"', false) => quoted || word.is_empty() && !words.is_empty(),
            _ => false,
        };
        match letter {
            _ if is_quote => {
                quoted = !quoted;
                if quoted {
                    word.push(' ');
                }
            }
            _ if quoted => word.push(letter),
            '`' | '"' | '\'' | ')' | '|' | ';' | '#' => break,
            ':' if !word.starts_with("env") => break,
            ' ' | ',' => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                if letter == ',' {
                    break;
                }
            }
            _ => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    // What goes to or comes from a file, whose name may be a word of its own.
    if let Some(at) = words.iter().position(|word| word == ">" || word == "<") {
        words.truncate(at);
    }
    words.retain(|word| !word.contains(['<', '>']));
    words.into_iter().map(filled).collect()
}

/// Puts a word in where a hint does, or has its reader do it: one that this place takes.
fn filled(word: String) -> String {
    let placed = match word.as_str() {
        "CLASS" | "{class}" => "review",
        "NUMBER" | "{number}" => "1",
        other if other.starts_with('{') => "subscription",
        _ => return word,
    };
    placed.to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, end, found);
        } else if path.extension().is_some_and(|known| known == end) {
            found.push(path);
        }
    }
}

fn wrong_in(paths: &[PathBuf], may_lack: bool) -> (usize, Vec<String>) {
    let mut all = Vec::new();
    for path in paths {
        let from = path
            .strip_prefix(root())
            .unwrap_or(path)
            .display()
            .to_string();
        all.extend(named_in(&from, &std::fs::read_to_string(path).unwrap()));
    }
    let wrong = all.iter().filter_map(|named| named.wrong(may_lack));
    (all.len(), wrong.collect())
}

#[test]
fn every_command_of_a_remedy_can_be_typed() {
    let (count, wrong) = wrong_in(&[root().join("crates/cli/src/remedy.rs")], false);
    assert!(count > 15, "only {count} were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_command_that_a_page_or_a_hint_names_can_be_typed() {
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    files(&root().join("docs"), "md", &mut paths);
    files(&root().join("crates/cli/src/commands"), "rs", &mut paths);
    let (count, wrong) = wrong_in(&paths, true);
    assert!(count > 60, "only {count} were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_command_that_can_not_be_typed_is_found() {
    for text in [
        "hint: switchyard settings set plan.program PATH",
        "`switchyard settings plan.programme PATH` names it",
        "switchyard frobnicate   # and why",
        "eval \"$(switchyard env --keys Work)\"",
        "say `switchyard exec --tier farm -- claude`",
    ] {
        let named = named_in("here", text);
        assert_eq!(named.len(), 1, "{text}");
        assert!(named[0].wrong(true).is_some(), "{text}");
    }
    let named = named_in(
        "here",
        "see `switchyard send \"a | b, c\" --key env:X`, or not",
    );
    assert_eq!(named[0].words.len(), 5, "{:?}", named[0].words);
}
