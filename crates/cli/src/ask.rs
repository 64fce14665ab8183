//! Reading secrets: from a hidden prompt, a file descriptor or standard input, never from an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use switchyard_core::agent::{Answered, Ask, Asked, Question};
use switchyard_core::secret::{ApiKey, Passphrase, RecoveryCode};
use switchyard_core::{Code, Error, Result};
use zeroize::Zeroizing;

use switchyard_core::vault::is_recovery_code;

use crate::args::Global;
use crate::out::Out;

/// The most bytes that a secret given by pipe may have.
const SECRET_MAX: u64 = 64 * 1024;

/// Asks for what opens the vault: the descriptor that was named, else the terminal.
pub(crate) struct AtTerminal {
    descriptor: Option<u32>,
    // A pipe gives its passphrase once; what was read serves every need of this command.
    taken: Mutex<Option<Zeroizing<String>>>,
}

impl AtTerminal {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            descriptor: global.passphrase_fd,
            taken: Mutex::new(None),
        }
    }

    /// Tells whether the passphrase comes from a file descriptor.
    pub(crate) fn has_descriptor(&self) -> bool {
        self.descriptor.is_some()
    }

    /// Returns the passphrase of the descriptor that was named.
    fn given(&self) -> Result<Option<Passphrase>> {
        let Some(descriptor) = self.descriptor else {
            return Ok(None);
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.is_none() {
            *taken = Some(from_descriptor(descriptor)?);
        }
        Ok(taken
            .as_ref()
            .map(|text| Passphrase::new(String::clone(text))))
    }

    fn answer(&self, question: &Question) -> Option<Answered> {
        let out = Out::new(false);
        if self.has_descriptor() {
            // It has one answer: after a wrong one there is no other. A keychain that could not be used
            // before was no answer.
            let trouble = question.trouble.as_ref().map(Error::code);
            let given = match trouble {
                Some(Code::WrongPassphrase | Code::BadInput) => Ok(None),
                _ => self.given(),
            };
            return given
                .unwrap_or_else(|error| {
                    out.error(&error);
                    None
                })
                .map(Answered::Passphrase);
        }
        if !can_ask() {
            return None;
        }
        if let Some(trouble) = &question.trouble {
            out.note(&format!("note: {trouble}"));
        }
        let prompt = match (question.takes_passphrase, question.takes_recovery) {
            (true, true) => "Passphrase of the vault (or its recovery code): ",
            (true, false) => "Passphrase of the vault: ",
            _ => "Recovery code of the vault: ",
        };
        let Ok(typed) = hidden(prompt).map(Zeroizing::new) else {
            return Some(Answered::Cancelled);
        };
        let text = typed.trim();
        // The two can't be mixed up: a code has its own alphabet, groups and checksum.
        let is_code =
            question.takes_recovery && (!question.takes_passphrase || is_recovery_code(text));
        Some(match is_code {
            true => Answered::Recovery(RecoveryCode::new(text.to_owned())),
            false => Answered::Passphrase(Passphrase::new(String::clone(&typed))),
        })
    }
}

impl Ask for AtTerminal {
    fn ask<'a>(&'a self, question: &'a Question) -> Asked<'a> {
        Box::pin(async move { self.answer(question) })
    }

    fn waiting(&self, is_waiting: bool) {
        if is_waiting {
            Out::new(false).note("Waiting for your keychain to be unlocked …");
        }
    }
}

/// Reads a key: hidden where a person types it, else the whole of standard input.
///
/// # Errors
/// [`Code::BadInput`] when nothing or far too much was given.
pub(crate) fn key(prompt: &str) -> Result<ApiKey> {
    let text = if io::stdin().is_terminal() {
        Zeroizing::new(hidden(prompt)?)
    } else {
        read_bounded(io::stdin().lock(), "standard input")?
    };
    Ok(ApiKey::new(text.trim().to_owned()))
}

/// Takes a new passphrase: from the descriptor that was named, else from the terminal.
///
/// # Errors
/// As [`new_passphrase_at_terminal`].
pub(crate) fn new_passphrase(terminal: &AtTerminal) -> Result<Passphrase> {
    match terminal.given()? {
        Some(given) => Ok(given),
        None => new_passphrase_at_terminal("--passphrase-fd"),
    }
}

/// Reads a passphrase from a file descriptor.
///
/// # Errors
/// [`Code::BadInput`] when it can't be read.
pub(crate) fn passphrase_from(descriptor: u32) -> Result<Passphrase> {
    from_descriptor(descriptor).map(|text| Passphrase::new(String::clone(&text)))
}

/// Asks for a new passphrase twice. `otherwise` is the option that a script gives it by.
///
/// # Errors
/// [`Code::BadInput`] when the two differ, [`Code::Locked`] when nobody can be asked.
pub(crate) fn new_passphrase_at_terminal(otherwise: &str) -> Result<Passphrase> {
    if !can_ask() {
        return Err(nobody_to_ask(otherwise));
    }
    let first = Zeroizing::new(hidden("New passphrase: ")?);
    let second = Zeroizing::new(hidden("The same again: ")?);
    if first != second {
        return Err(
            Error::bad_input("The two passphrases differ.").hint("Nothing was changed; try again.")
        );
    }
    Ok(Passphrase::new(String::clone(&first)))
}

/// Asks a question that is answered with y or n; without a terminal the answer is no.
pub(crate) fn agrees(out: &Out, question: &str) -> Result<bool> {
    if !hears() {
        return Ok(false);
    }
    let answer = answer(out, &format!("{question} [y/N]"))?;
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// Asks for one word to be typed, and tells whether it was.
pub(crate) fn is_typed(out: &Out, question: &str, word: &str) -> Result<bool> {
    Ok(answer(out, question)? == word)
}

/// Tells whether somebody can type an answer.
pub(crate) fn hears() -> bool {
    io::stdin().is_terminal()
}

fn answer(out: &Out, question: &str) -> Result<String> {
    out.note_piece(&format!("{question} "));
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|e| Error::failed("The answer could not be read.").because(e))?;
    Ok(answer.trim().to_lowercase())
}

fn can_ask() -> bool {
    // The prompt goes to the terminal itself, so that a pipe on standard input is no hindrance;
    // but where no stream is a terminal, nobody is there to answer.
    (io::stdin().is_terminal() || io::stderr().is_terminal()) && File::open("/dev/tty").is_ok()
}

fn nobody_to_ask(otherwise: &str) -> Error {
    Error::new(
        Code::Locked,
        "There is no terminal to ask for the passphrase on.",
    )
    .hint(format!(
        "Give it by a file descriptor: {otherwise} 3 3<FILE"
    ))
}

fn hidden(prompt: &str) -> Result<String> {
    crate::hidden::line(prompt)
        .map_err(|e| Error::new(Code::Cancelled, "Nothing was entered.").because(e))
}

fn from_descriptor(descriptor: u32) -> Result<Zeroizing<String>> {
    let path = PathBuf::from(format!("/dev/fd/{descriptor}"));
    let file = File::open(&path).map_err(|e| {
        Error::bad_input(format!("File descriptor {descriptor} can't be read."))
            .hint("Open it for this command, for example: --passphrase-fd 3 3<FILE")
            .because(e)
    })?;
    let text = read_bounded(file, "the file descriptor")?;
    // One line, as a person would type it; the rest of the text may hold blanks on purpose.
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

fn read_bounded(from: impl Read, what: &str) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    from.take(SECRET_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|e| Error::bad_input(format!("What came from {what} is not text.")).because(e))?;
    if text.len() as u64 > SECRET_MAX {
        return Err(Error::bad_input(format!(
            "What came from {what} is far too long for a secret."
        )));
    }
    Ok(text)
}
