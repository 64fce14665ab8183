//! Reading Rust source as tokens, so that comments, strings and macros are told apart from code.

use std::collections::BTreeMap;
use std::iter::Peekable;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream};

/// One mention of a name at the root of the crate, such as `db` in `use crate::db::Db`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) name: String,
    pub(super) line: usize,
}

/// Returns every name at the crate's root that code outside `#[cfg(test)]` reaches for, by
/// `crate::…` or by as many `super::…` as lead there. A glob import is a mention of `*`.
///
/// `depth` is the module's distance from the root: 1 for `db.rs`, 2 for `db/open.rs`.
pub(super) fn mentions(source: &str, depth: usize) -> Vec<Mention> {
    let mut found = Vec::new();
    walk(parse(source), depth, &mut found);
    found
}

/// Returns the lines outside `#[cfg(test)]` on which `owner::function` is written.
pub(super) fn calls(source: &str, owner: &str, function: &str) -> Vec<usize> {
    let mut found = Vec::new();
    find_calls(parse(source), owner, function, &mut found);
    found
}

/// Returns the text literals outside `#[cfg(test)]` and comments, each with its line, in source form.
pub(super) fn texts(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    find_texts(parse(source), &mut found);
    found
}

/// Returns what `pub use room::Name` in the crate's root adds to it: from the name to its room.
pub(super) fn re_exports(source: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    let mut tokens = parse(source).into_iter().peekable();
    while let Some(token) = tokens.next() {
        if !is_word(&token, "use") {
            continue;
        }
        let Some(TokenTree::Ident(room)) = tokens.next() else {
            continue;
        };
        let rest = tokens.by_ref().take_while(|token| !is_mark(token, ';'));
        for name in names(rest.collect()) {
            exports.insert(name, room.to_string());
        }
    }
    exports
}

fn parse(source: &str) -> TokenStream {
    source
        .parse()
        .expect("the source compiles, so it is made of tokens")
}

fn walk(stream: TokenStream, depth: usize, found: &mut Vec<Mention>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_mark(&token, '#') && is_test_only(tokens.peek()) {
            skip_item(&mut tokens);
        } else if is_word(&token, "crate") {
            if step(&mut tokens) {
                land(&mut tokens, found);
            }
        } else if is_word(&token, "super") {
            let mut up = 1;
            let mut onward = step(&mut tokens);
            while onward && tokens.next_if(|token| is_word(token, "super")).is_some() {
                up += 1;
                onward = step(&mut tokens);
            }
            if onward && up == depth {
                land(&mut tokens, found);
            }
        } else if is_word(&token, "mod") {
            tokens.next_if(|token| matches!(token, TokenTree::Ident(_)));
            if let Some(body) = next_braces(&mut tokens) {
                walk(body.stream(), depth + 1, found);
            }
        } else if let TokenTree::Group(group) = token {
            walk(group.stream(), depth, found);
        }
    }
}

/// Takes `::`, and says whether it was there.
fn step(tokens: &mut Peekable<token_stream::IntoIter>) -> bool {
    tokens.next_if(|token| is_mark(token, ':')).is_some()
        && tokens.next_if(|token| is_mark(token, ':')).is_some()
}

/// Notes what a path that has arrived at the root reaches for: one name, `*`, or `{several}`.
fn land(tokens: &mut Peekable<token_stream::IntoIter>, found: &mut Vec<Mention>) {
    match tokens.peek() {
        Some(TokenTree::Group(several)) if several.delimiter() == Delimiter::Brace => {
            let mut first = true;
            for token in several.stream() {
                if first && !is_word(&token, "self") {
                    found.push(mention(&token));
                }
                first = is_mark(&token, ',');
            }
            tokens.next();
        }
        Some(token) => found.push(mention(token)),
        None => {}
    }
}

fn mention(token: &TokenTree) -> Mention {
    Mention {
        name: token.to_string(),
        line: token.span().start().line,
    }
}

fn find_calls(stream: TokenStream, owner: &str, function: &str, found: &mut Vec<usize>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_mark(&token, '#') && is_test_only(tokens.peek()) {
            skip_item(&mut tokens);
        } else if is_word(&token, owner) {
            let line = token.span().start().line;
            if step(&mut tokens) && tokens.next_if(|token| is_word(token, function)).is_some() {
                found.push(line);
            }
        } else if let TokenTree::Group(group) = token {
            find_calls(group.stream(), owner, function, found);
        }
    }
}

fn find_texts(stream: TokenStream, found: &mut Vec<(usize, String)>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_mark(&token, '#') {
            tokens.next_if(|token| is_mark(token, '!'));
            if is_test_only(tokens.peek()) {
                skip_item(&mut tokens);
            } else {
                // An attribute is not said to anybody; a doc comment is one, too.
                tokens.next();
            }
        } else if let TokenTree::Literal(literal) = &token {
            let text = literal.to_string();
            if text.starts_with(['"', 'r']) {
                found.push((literal.span().start().line, text));
            }
        } else if let TokenTree::Group(group) = token {
            find_texts(group.stream(), found);
        }
    }
}

/// Returns the names that the rest of a `use` brings in: each path's last, or what follows `as`.
fn names(stream: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut last = None;
    for token in stream {
        match token {
            TokenTree::Ident(name) => last = Some(name.to_string()),
            TokenTree::Group(several) => names.extend(self::names(several.stream())),
            mark if is_mark(&mark, ',') => names.extend(last.take()),
            _ => last = None,
        }
    }
    names.extend(last);
    names
}

/// Skips an item after its `#`: to the end of its body, or to its semicolon.
fn skip_item(tokens: &mut Peekable<token_stream::IntoIter>) {
    while tokens.peek().is_some() {
        if next_braces(tokens).is_some() || tokens.next().is_some_and(|last| is_mark(&last, ';')) {
            return;
        }
    }
}

fn next_braces(tokens: &mut Peekable<token_stream::IntoIter>) -> Option<Group> {
    let is_braces = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    match tokens.next_if(is_braces) {
        Some(TokenTree::Group(group)) => Some(group),
        _ => None,
    }
}

fn is_test_only(attribute: Option<&TokenTree>) -> bool {
    attribute.is_some_and(|attribute| {
        attribute.to_string().split_whitespace().collect::<String>() == "[cfg(test)]"
    })
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}
