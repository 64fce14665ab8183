//! The rules of the house, where a compiler or a linter can't hold them.

mod arrows;
mod files;
mod packages;
mod source;

use std::collections::BTreeMap;

use self::files::File;
use self::packages::{Packages, SHIPS_WITHOUT};

const CORE: &str = "crates/core/src/";
/// Where what is shipped is written.
const SHIPPED: &[&str] = &["crates", "src-tauri"];
/// The one door for subprocesses.
const DOOR: &str = "crates/core/src/child";

const LONGEST_SOURCE: usize = 400;
const LONGEST_TESTS: usize = 600;
/// Files that may be longer, each with its reason beside it. It has always been empty.
const MAY_BE_LONGER: &[&str] = &[];

/// Returns what is wrong with the arrows that leave one file of the core.
fn wrong_arrows(file: &File, re_exports: &BTreeMap<String, String>) -> Vec<String> {
    let module = file.module(CORE);
    let Some(room) = module.first().filter(|_| !file.is_tests()) else {
        return Vec::new();
    };
    if !arrows::is_room(room) {
        return vec![format!(
            "{}: there is no room `{room}` in the house; give it a place in tests/tests/house/arrows.rs",
            file.path
        )];
    }
    let wrong = source::mentions(&file.text, module.len())
        .into_iter()
        .filter_map(|mention| {
            let used = re_exports.get(&mention.name).unwrap_or(&mention.name);
            let wrong = if !arrows::is_room(used) {
                format!("`crate::{used}` is no room, so nobody can say whether `{room}` may use it")
            } else if !arrows::allows(room, used) {
                let besides = arrows::uses(room).join(", ");
                let besides = if besides.is_empty() {
                    "nothing"
                } else {
                    &besides
                };
                format!(
                    "`{room}` may not use `{used}`: besides the foundation it may use {besides}"
                )
            } else {
                return None;
            };
            Some(format!("{}:{}: {wrong}", file.path, mention.line))
        });
    wrong.collect()
}

/// Returns what is wrong with a file's length.
fn wrong_length(file: &File) -> Option<String> {
    let most = if file.is_tests() {
        LONGEST_TESTS
    } else {
        LONGEST_SOURCE
    };
    let lines = file.text.lines().count();
    let is_wrong = lines > most && !MAY_BE_LONGER.contains(&file.path.as_str());
    is_wrong.then(|| format!("{}: {lines} lines, and {most} are the most", file.path))
}

/// Returns where a file starts a process, unless it is the one that may.
fn wrong_starts(file: &File) -> Vec<String> {
    if file.path.starts_with(DOOR) || file.is_tests() {
        return Vec::new();
    }
    let lines = source::calls(&file.text, "Command", "new");
    let sentence = "starts a process, and only core/src/child.rs may";
    lines
        .into_iter()
        .map(|line| format!("{}:{line}: {sentence}", file.path))
        .collect()
}

/// Returns where a text of the core speaks of one face: names a command of `switchyard`, or an option
/// in the middle of a sentence. Other faces have other ways to the same, so it is a `Remedy`.
fn wrong_words(file: &File) -> Vec<String> {
    if file.is_tests() {
        return Vec::new();
    }
    let is_option = |word: &str| {
        let name = word.trim_start_matches(['`', '(']).strip_prefix("--");
        name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let is_wrong = |text: &str| {
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|word| *word != "\\")
            .collect();
        words.windows(2).any(|pair| {
            let is_ours = pair[0].trim_start_matches(['"', '`', '(']) == "switchyard";
            let is_command = pair[1].starts_with(|c: char| c.is_ascii_lowercase());
            (is_ours && is_command) || is_option(pair[1])
        })
    };
    let texts = source::texts(&file.text).into_iter();
    texts
        .filter(|(_, text)| is_wrong(text))
        .map(|(line, text)| format!("{}:{line}: only the command line can say {text}", file.path))
        .collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn made_up(path: &str, text: &str) -> File {
    File {
        path: path.into(),
        text: text.into(),
    }
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let re_exports = source::re_exports(&files::one("crates/core/src/lib.rs").text);
    let core = files::below(CORE, &["rs"]);
    assert!(!core.is_empty(), "the core is not in {CORE}");
    assert_none(
        &core
            .iter()
            .flat_map(|file| wrong_arrows(file, &re_exports))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn the_table_of_arrows_has_no_circle() {
    for (index, (room, uses)) in arrows::ROOMS.iter().enumerate() {
        for used in *uses {
            let below = arrows::ROOMS[..index].iter().any(|(name, _)| name == used);
            assert!(
                below,
                "`{room}` uses `{used}`, which isn't above it in the table"
            );
        }
    }
}

#[test]
fn a_forbidden_arrow_is_found_however_it_is_written() {
    let re_exports = source::re_exports("pub use dispatch::{Route, run::Sink as Out};\npub mod x;");
    let finds = |path: &str, text: &str| wrong_arrows(&made_up(path, text), &re_exports);
    for (line, text) in [
        (1, "use crate::dispatch::Route;"),
        (2, "use std::fmt;\nuse crate::{db::{Db, Row}, dispatch};"),
        (1, "fn a() { b(crate::dispatch::Route::new()) }"),
        (2, "fn a() {\n println!(\"{}\", crate::dispatch::NAME) }"),
        (1, "use super::super::dispatch::Route;"),
        (1, "mod inner { use super::super::super::dispatch; }"),
        (1, "use crate::Route;"),
        (1, "use crate::Out;"),
        (
            3,
            "#[cfg(test)]\nmod tests { use crate::keys; }\nuse crate::dispatch;",
        ),
    ] {
        let sentence = format!(
            "crates/core/src/usage/table.rs:{line}: `usage` may not use `dispatch`: \
             besides the foundation it may use db, settings"
        );
        assert_eq!(
            finds("crates/core/src/usage/table.rs", text),
            [sentence],
            "{text}"
        );
    }
    assert_eq!(finds("crates/core/src/error.rs", "use super::db;").len(), 1);
    assert_eq!(finds("crates/core/src/usage.rs", "use crate::*;").len(), 1);
    assert_eq!(finds("crates/core/src/helpers.rs", "").len(), 1);
}

#[test]
fn an_allowed_arrow_is_let_be() {
    let allowed = "
        //! Not like `crate::dispatch`.
        use crate::{self, db, settings::Zone, error::Error};
        use super::pricing::Price;
        use super::{ledger, report};
        pub(crate) fn a() -> &'static str { \"crate::dispatch\" }
        mod inner { use super::super::report; }
        #[cfg(test)] use crate::dispatch;
        #[cfg(test)] mod tests { use crate::dispatch; use super::*; }
    ";
    let file = made_up("crates/core/src/usage/table.rs", allowed);
    assert_none(&wrong_arrows(&file, &BTreeMap::new()));
    let root = made_up(
        "crates/core/src/app.rs",
        "use crate::{dispatch, shell, vault};",
    );
    assert_none(&wrong_arrows(&root, &BTreeMap::new()));
}

#[test]
fn packages_ship_without_what_they_must_not_know() {
    let packages = Packages::of_workspace();
    for (package, without) in SHIPS_WITHOUT {
        assert!(packages.knows(package), "there is no package `{package}`");
        for unwanted in *without {
            let way = packages.way(package, unwanted).map(|way| way.join(" → "));
            assert_eq!(way, None, "`{package}` must not know `{unwanted}`");
        }
    }
}

#[test]
fn the_way_from_a_package_to_another_is_found() {
    let packages = Packages::of_workspace();
    let way = packages
        .way("switchyard-cli", "libsqlite3-sys")
        .expect("through the core");
    assert_eq!(
        way,
        [
            "switchyard-cli",
            "switchyard-core",
            "rusqlite",
            "libsqlite3-sys"
        ]
    );
}

#[test]
fn only_one_file_starts_processes() {
    let files = SHIPPED
        .iter()
        .flat_map(|folder| files::below(folder, &["rs"]));
    assert_none(
        &files
            .flat_map(|file| wrong_starts(&file))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_process_started_elsewhere_is_found() {
    let text = "fn a() {\n std::process::Command::new(\"ls\"); // Command::new\n}";
    let file = made_up("crates/core/src/shell/ask.rs", text);
    let sentence = "crates/core/src/shell/ask.rs:2: \
                    starts a process, and only core/src/child.rs may";
    assert_eq!(wrong_starts(&file), [sentence]);
}

#[test]
fn the_core_words_nothing_for_one_face_alone() {
    let core = files::below(CORE, &["rs"]);
    assert_none(&core.iter().flat_map(wrong_words).collect::<Vec<_>>());
}

#[test]
fn a_command_in_a_text_of_the_core_is_found_and_other_names_are_let_be() {
    let in_core = |text: &str| wrong_words(&made_up("crates/core/src/vault/open.rs", text));
    for wrong in [
        "fn a() { hint(\"Make it with: switchyard vault init\") }",
        "fn a() { format!(\"`switchyard history` lists them.\") }",
        "const A: &str = \"Or else \\\n  switchyard \\\n  keys add\";",
        "const A: &str = \"Store it all the same: --unchecked.\";",
        "const A: &str = \"or send with `--key env:VARIABLE`\";",
    ] {
        assert_eq!(in_core(wrong).len(), 1, "{wrong}");
    }
    let allowed = "
        //! As `switchyard agent` does with --until-locked.
        /// The line of `switchyard agent`.
        const READY: &str = \"ready\"; // switchyard vault init
        const FILES: [&str; 3] = [\"switchyard.db\", \"switchyard\", \"Switchyard is open\"];
        const CHECK: &[u8] = b\"switchyard vault\";
        const FLAGS: [&str; 2] = [\"--setting-sources\", \"--export \"];
        #[cfg(test)] mod tests { const A: &str = \"switchyard vault init\"; }
    ";
    assert_none(&in_core(allowed));
}

#[test]
fn no_file_is_longer_than_it_may_be() {
    let folders = ["crates", "src-tauri", "tests", "scripts"];
    let mut files: Vec<File> = folders
        .iter()
        .flat_map(|folder| files::below(folder, &["rs", "sh"]))
        .collect();
    files.push(files::one("dev"));
    assert_none(&files.iter().filter_map(wrong_length).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let lines = |count| "\n".repeat(count);
    let is_wrong = |path, count| wrong_length(&made_up(path, &lines(count))).is_some();
    assert!(!is_wrong("crates/core/src/db/open.rs", LONGEST_SOURCE));
    assert!(is_wrong("crates/core/src/db/open.rs", LONGEST_SOURCE + 1));
    assert!(!is_wrong("crates/core/src/db/tests.rs", LONGEST_TESTS));
    assert!(is_wrong("tests/tests/house.rs", LONGEST_TESTS + 1));
}
