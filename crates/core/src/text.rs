//! Names and other text from outside: stored exactly, shown safely, compared by meaning.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;
use unicode_width::UnicodeWidthChar;

use crate::error::{Error, Result};
use crate::secret::redact;

/// The most characters that a name, label or tag may have.
pub const NAME_MAX: usize = 120;
/// The most characters that a note may have.
pub const NOTE_MAX: usize = 4_000;

/// Checks a name that a person gave something: not blank, bounded, one line. Returns it trimmed of
/// surrounding white space and otherwise exactly as given.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) that says which rule it breaks.
pub fn check_name<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    let name = name.trim();
    if name.is_empty() || name.chars().all(is_unseen) {
        return Err(Error::bad_input(format!("The {what} is empty."))
            .hint("Give it at least one visible character."));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::bad_input(format!(
            "The {what} holds a line break or control character."
        ))
        .hint("Write it on one line."));
    }
    check_length(what, name, NAME_MAX)?;
    refuse_key(what, name)?;
    Ok(name)
}

/// Refuses text that holds a key: pasted in the wrong place it would be stored and shown in clear.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) that does not repeat it.
pub fn refuse_key(what: &str, text: &str) -> Result<()> {
    if matches!(redact(text), Cow::Borrowed(_)) {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "The {what} looks like a key, and keys have no place there."
    ))
    .hint("Give a name of your own, and paste the key only where it is asked for, hidden."))
}

/// Checks free text of several lines against `max` characters.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) when it is longer, or holds a NUL.
pub fn check_length(what: &str, text: &str, max: usize) -> Result<()> {
    let count = text.chars().count();
    if count > max {
        return Err(Error::bad_input(format!(
            "The {what} has {count} characters; {max} is the most."
        ))
        .hint("Shorten it; nothing was changed."));
    }
    if text.contains('\0') {
        return Err(
            Error::bad_input(format!("The {what} holds a NUL character."))
                .hint("Remove it; nothing was changed."),
        );
    }
    Ok(())
}

/// Returns the form by which two names count as the same: NFKC, lower case, unseen characters left
/// out, and each character as the one that it can be mistaken for (Unicode TS 39, skeleton). Two
/// names that look alike must not stand for two payers.
#[must_use]
pub fn folded(name: &str) -> String {
    let plain: String = name
        .trim()
        .nfkc()
        .filter(|c| !is_unseen(*c))
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect();
    // Lower case again: a skeleton may hold capitals.
    skeleton(&plain).flat_map(char::to_lowercase).collect()
}

/// Returns `text` on one line, with control and direction-changing characters made visible, cut to
/// `columns` terminal columns with an ellipsis.
#[must_use]
pub fn shown(text: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut width = 0;
    for c in text.chars() {
        // The joiner of emoji families only joins; every other unseen character is made visible.
        let piece = if c.is_control() || (is_unseen(c) && c != '\u{200D}') {
            if c == '\n' || c == '\t' {
                " ".to_owned()
            } else {
                made_visible(c)
            }
        } else {
            c.to_string()
        };
        let piece_width: usize = piece.chars().map(|c| c.width().unwrap_or(0)).sum();
        if width + piece_width > columns.saturating_sub(1) {
            // One column is kept for the ellipsis; it is only needed if something is left over.
            let rest_fits = unicode_width::UnicodeWidthStr::width(text) <= columns
                && !text.chars().any(|c| c.is_control() || is_unseen(c));
            if !rest_fits {
                out.push('…');
                return out;
            }
        }
        width += piece_width;
        out.push_str(&piece);
    }
    out
}

/// Makes text fit for a terminal while it streams: what a terminal would obey is shown instead.
///
/// Line ends and tabs pass, and so does everything that only writes; the other controls (C0, DEL,
/// C1) and the marks that change the direction of writing become visible, as by [`shown`]. A line
/// end of two characters may be split over two pieces.
#[derive(Debug, Default)]
pub struct Screen {
    /// The last piece ended with a carriage return, which is a line end if a line feed follows.
    has_return: bool,
}

impl Screen {
    /// Returns the next piece as it may be written.
    #[must_use]
    pub fn pass(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            if std::mem::take(&mut self.has_return) && c != '\n' {
                out.push_str(RETURN_SHOWN);
            }
            match c {
                '\r' => self.has_return = true,
                '\n' | '\t' => out.push(c),
                c if c.is_control() || turns(c) => out.push_str(&made_visible(c)),
                c => out.push(c),
            }
        }
        out
    }

    /// Returns a text of its own as it may be written, whatever comes after it.
    #[must_use]
    pub fn whole(text: &str) -> String {
        let mut screen = Self::default();
        let mut out = screen.pass(text);
        if screen.has_return {
            out.push_str(RETURN_SHOWN);
        }
        out
    }
}

/// A carriage return that would let what follows it write over the line.
const RETURN_SHOWN: &str = "⟨000D⟩";

fn made_visible(c: char) -> String {
    format!("⟨{:04X}⟩", u32::from(c))
}

/// Tells whether a character changes the direction of what follows it (Unicode's bidi controls).
fn turns(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Tells whether a character is invisible or changes the direction of what follows it.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_exactly_and_only_trimmed() {
        assert_eq!(check_name("name", "  Wörk 🔑 key ").unwrap(), "Wörk 🔑 key");
    }

    #[test]
    fn blank_unseen_and_endless_names_are_refused() {
        for name in ["", "   ", "\u{200B}\u{200B}", "two\nlines", "nul\0"] {
            assert!(check_name("name", name).is_err(), "{name:?} was taken");
        }
        assert!(check_name("name", &"x".repeat(10_000)).is_err());
        assert!(check_name("name", &"é".repeat(NAME_MAX)).is_ok());
    }

    #[test]
    fn a_key_in_the_place_of_a_name_is_refused_and_not_repeated() {
        let key = format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple());
        for text in [key.clone(), format!("work {key}")] {
            let error = check_name("name", &text).unwrap_err();
            assert!(!format!("{error:?}").contains(&key));
        }
    }

    #[test]
    fn names_that_look_the_same_fold_to_the_same() {
        assert_eq!(folded("Caf\u{e9}"), folded("cafe\u{301}"));
        assert_eq!(folded("Work"), folded(" WORK\u{200D} "));
        assert_eq!(folded("Work"), folded("W\u{43e}rk"), "a Cyrillic o");
        assert_ne!(folded("Work"), folded("Work 2"));
        assert_ne!(folded("Work"), folded("Fork"));
    }

    #[test]
    fn a_direction_override_is_shown_and_not_obeyed() {
        assert_eq!(shown("abc\u{202E}def", 40), "abc⟨202E⟩def");
        assert_eq!(shown("one\ntwo", 40), "one two");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_the_rest_is_left_as_it_is() {
        let harmless = "Line\r\n\ttab — ünïcödé 漢字 👩\u{200D}🚀 می\u{200C}خواهم\n";
        assert_eq!(Screen::whole(harmless), harmless.replace('\r', ""));
        assert_eq!(
            Screen::whole("\u{1B}]0;PWNED\u{7}\u{1B}[2J\u{9B}31m\u{7F}\u{202E}x\u{2066}\r"),
            "⟨001B⟩]0;PWNED⟨0007⟩⟨001B⟩[2J⟨009B⟩31m⟨007F⟩⟨202E⟩x⟨2066⟩⟨000D⟩"
        );
    }

    #[test]
    fn a_control_that_is_split_over_two_pieces_is_shown_all_the_same() {
        let mut screen = Screen::default();
        let pieces = ["one\r", "\ntwo\r", "over\u{1B}", "[2J"];
        let shown: Vec<_> = pieces.iter().map(|piece| screen.pass(piece)).collect();
        assert_eq!(shown, ["one", "\ntwo", "⟨000D⟩over⟨001B⟩", "[2J"]);
    }

    #[test]
    fn long_text_is_cut_to_its_columns() {
        assert_eq!(shown("abcdefgh", 8), "abcdefgh");
        assert_eq!(shown("abcdefghi", 8), "abcdefg…");
        assert_eq!(
            unicode_width::UnicodeWidthStr::width(shown(&"漢".repeat(50), 9).as_str()),
            9
        );
    }
}
