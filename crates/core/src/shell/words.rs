//! Splits a shell file into commands of words: enough of the languages to find assignments, and
//! never more than one pass, whatever the file holds.

/// One word of a command.
#[derive(Default)]
pub(super) struct Word {
    /// Its text with quotes taken off and known folders put in.
    pub(super) text: String,
    /// Whether a part of it is known only to the shell: a substitution or an unknown variable.
    pub(super) computed: bool,
}

/// One simple command.
pub(super) struct Command {
    /// The line that it begins on, counted from 1.
    pub(super) line: usize,
    /// Its words.
    pub(super) words: Vec<Word>,
}

/// What the languages do differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// sh, bash, zsh, and near enough csh.
    Posix,
    /// fish: parentheses substitute, quotes know a backslash.
    Fish,
}

/// Splits `text`. `folder` says what variables such as `HOME` stand for, where it is known.
pub(super) fn commands(
    text: &str,
    grammar: Grammar,
    folder: &dyn Fn(&str) -> Option<String>,
) -> Vec<Command> {
    let mut splitter = Splitter {
        rest: text.chars().peekable(),
        line: 1,
        grammar,
        folder,
        done: Vec::new(),
        words: Vec::new(),
        start: 1,
        word: None,
        heredocs: Vec::new(),
        unclosed: false,
    };
    splitter.run();
    splitter.done
}

struct Splitter<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    grammar: Grammar,
    folder: &'a dyn Fn(&str) -> Option<String>,
    done: Vec<Command>,
    words: Vec<Word>,
    start: usize,
    word: Option<Word>,
    /// The ends of here-documents that begin on the next line.
    heredocs: Vec<String>,
    /// Something was opened and never closed: looking for its end once is enough, or a hostile file
    /// would be read again and again.
    unclosed: bool,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '\n' => {
                    self.end_command();
                    self.skip_heredocs();
                }
                ' ' | '\t' | '\r' => self.end_word(),
                '#' if self.word.is_none() => self.skip_line(),
                ';' | '&' | '|' => self.end_command(),
                '(' if self.grammar == Grammar::Fish => self.substitution('(', ')'),
                '(' | ')' => self.end_command(),
                '{' | '}' if self.word.is_none() => self.end_command(),
                '<' if self.take('<') => self.heredoc(),
                '>' | '<' => self.end_word(),
                '\\' => self.escaped(),
                '\'' => self.single(),
                '"' => self.double(),
                '`' => self.substitution('`', '`'),
                '$' => self.variable(),
                '~' if self.word.is_none() => self.home(),
                c => self.push(c),
            }
        }
        self.end_command();
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn word(&mut self) -> &mut Word {
        if self.words.is_empty() && self.word.is_none() {
            self.start = self.line;
        }
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.word().text.push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.done.push(Command {
                line: self.start,
                words,
            });
        }
    }

    /// Leaves the line's end, which also ends the command.
    fn skip_line(&mut self) {
        while self.rest.next_if(|c| *c != '\n').is_some() {}
    }

    fn escaped(&mut self) {
        match self.next() {
            None | Some('\n') => {}
            Some(c) => self.push(c),
        }
    }

    /// Reads to `end`. A quote that is never closed is taken as a letter, so that one apostrophe
    /// does not swallow the rest of the file.
    fn quoted(&mut self, end: char, escapes: bool) -> Option<String> {
        let before = (self.rest.clone(), self.line);
        let mut text = String::new();
        while let Some(c) = self.next() {
            if c == end {
                return Some(text);
            }
            text.push(c);
            if c == '\\' && escapes {
                text.extend(self.next());
            }
        }
        (self.rest, self.line) = before;
        None
    }

    fn single(&mut self) {
        self.word();
        let escapes = self.grammar == Grammar::Fish;
        match self.quoted('\'', escapes) {
            None => self.push('\''),
            Some(text) if escapes => self
                .word()
                .text
                .push_str(&text.replace("\\'", "'").replace("\\\\", "\\")),
            Some(text) => self.word().text.push_str(&text),
        }
    }

    fn double(&mut self) {
        self.word();
        let Some(text) = self.quoted('"', true) else {
            self.push('"');
            return;
        };
        let mut inner = Splitter {
            rest: text.chars().peekable(),
            line: 1,
            grammar: self.grammar,
            folder: self.folder,
            done: Vec::new(),
            words: Vec::new(),
            start: 1,
            word: Some(Word::default()),
            heredocs: Vec::new(),
            unclosed: false,
        };
        while let Some(c) = inner.next() {
            match c {
                '\\' => match inner.next() {
                    Some(c @ ('$' | '`' | '"' | '\\')) => inner.push(c),
                    Some('\n') | None => {}
                    Some(c) => inner.word().text.extend(['\\', c]),
                },
                '$' => inner.variable(),
                '`' => inner.substitution('`', '`'),
                c => inner.push(c),
            }
        }
        let inner = inner.word.unwrap_or_default();
        let word = self.word();
        word.text.push_str(&inner.text);
        word.computed |= inner.computed;
    }

    fn variable(&mut self) {
        if self.take('\'') {
            // $'…' may hold escapes that are not worth knowing here.
            match self.quoted('\'', true) {
                Some(text) if !text.contains('\\') => self.word().text.push_str(&text),
                Some(_) => self.word().computed = true,
                None => self.push('\''),
            }
            return;
        }
        if self.take('(') {
            self.substitution('(', ')');
            return;
        }
        let braced = self.take('{');
        let mut name = String::new();
        while let Some(c) = self
            .rest
            .next_if(|c| c.is_ascii_alphanumeric() || *c == '_')
        {
            name.push(c);
        }
        let whole = !braced || self.take('}');
        if !whole {
            self.nested('{', '}');
        }
        match (self.folder)(&name).filter(|_| whole) {
            Some(text) => self.word().text.push_str(&text),
            None => self.word().computed = true,
        }
    }

    fn substitution(&mut self, open: char, close: char) {
        self.word().computed = true;
        self.nested(open, close);
    }

    /// Skips to the closing mark of what is open already.
    fn nested(&mut self, open: char, close: char) {
        if self.unclosed {
            return;
        }
        let before = (self.rest.clone(), self.line);
        let mut depth = 1;
        while let Some(c) = self.next() {
            if c == close {
                depth -= 1;
            } else if c == open {
                depth += 1;
            } else if c == '\\' {
                self.next();
            }
            if depth == 0 {
                return;
            }
        }
        self.unclosed = true;
        (self.rest, self.line) = before;
    }

    fn home(&mut self) {
        let alone = self
            .rest
            .peek()
            .is_none_or(|c| *c == '/' || c.is_whitespace() || *c == ';');
        match (self.folder)("HOME").filter(|_| alone) {
            Some(home) => self.word().text.push_str(&home),
            None => self.push('~'),
        }
    }

    fn heredoc(&mut self) {
        if self.take('<') {
            return;
        }
        let _ = self.take('-');
        while self.rest.next_if(|c| *c == ' ').is_some() {}
        let mut end = String::new();
        while let Some(c) = self
            .rest
            .next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '&' | '|' | ')'))
        {
            if !matches!(c, '\'' | '"' | '\\') {
                end.push(c);
            }
        }
        if !end.is_empty() {
            self.heredocs.push(end);
        }
    }

    fn skip_heredocs(&mut self) {
        for end in std::mem::take(&mut self.heredocs) {
            if self.unclosed {
                return;
            }
            let before = (self.rest.clone(), self.line);
            loop {
                let mut line = String::new();
                while let Some(c) = self.rest.next_if(|c| *c != '\n') {
                    line.push(c);
                }
                if line.trim() == end {
                    break;
                }
                if self.next().is_none() {
                    self.unclosed = true;
                    (self.rest, self.line) = before;
                    return;
                }
            }
        }
    }
}
