//! The files that set a shell's environment, in the order in which they are read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::bounded;
use super::login_shell::Dialect;
use super::parse::{Act, Reach, Syntax, parse};
use super::place::{Place, tilde};
use super::start_files::{StartFile, start_files};
use crate::secret::ApiKey;

/// The most bytes that are read of one file.
const MAX: u64 = 1 << 20;
/// The most files that are read, sourced ones included.
const MAX_FILES: usize = 300;
/// How deep files that source files are followed.
const MAX_DEPTH: usize = 6;

/// Where to look.
pub(super) struct Search<'a> {
    /// The home folder.
    pub(super) home: &'a Path,
    /// The folder that stands for `/`.
    pub(super) root: &'a Path,
    /// The user's shell.
    pub(super) dialect: Dialect,
    /// `ZDOTDIR`
    pub(super) zdotdir: Option<&'a Path>,
    /// `XDG_CONFIG_HOME`
    pub(super) config: Option<&'a Path>,
}

/// One line that sets or removes a variable.
pub(super) struct Line {
    pub(super) name: String,
    /// What it sets; `None` is computed by the shell.
    pub(super) value: Option<ApiKey>,
    /// The line removes the variable.
    pub(super) removes: bool,
    pub(super) reach: Reach,
    pub(super) place: Place,
    /// The user's shell reads the file.
    pub(super) is_read: bool,
    /// The session sets it before any shell runs.
    pub(super) is_session: bool,
}

impl Line {
    /// Tells whether a program started from a new login shell could get the value.
    pub(super) fn is_passed_on(&self) -> bool {
        self.is_read && !self.removes && self.reach == Reach::Exported
    }

    /// Tells whether the line sets exactly this.
    pub(super) fn sets(&self, name: &str, value: &str) -> bool {
        self.name == name
            && !self.removes
            && self.value.as_ref().is_some_and(|own| own.expose() == value)
    }
}

/// All such lines, in the order in which a new login shell comes to them.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) lines: Vec<Line>,
    pub(super) notes: Vec<String>,
    /// Every file that was looked for, sourced ones included.
    pub(super) files: Vec<PathBuf>,
}

/// Reads every file there is.
pub(super) fn scan(search: &Search<'_>) -> Scanned {
    let mut scan = Scan {
        search,
        seen: BTreeSet::new(),
        passed_on: BTreeSet::new(),
        scanned: Scanned::default(),
    };
    let (own, others): (Vec<_>, Vec<_>) = start_files(search)
        .into_iter()
        .partition(|file| file.is_read);
    for file in own.into_iter().chain(others) {
        scan.file(&file, 0);
    }
    let Scan {
        mut scanned,
        passed_on,
        ..
    } = scan;
    for line in &mut scanned.lines {
        if line.reach == Reach::Shell && passed_on.contains(&line.name) {
            line.reach = Reach::Exported;
        }
    }
    scanned
}

/// Reads the `.env` files of a folder, which the CLI does not.
pub(super) fn dot_env(folder: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    for name in [".env", ".env.local"] {
        let path = folder.join(name);
        let Ok(Some(text)) = bounded::read_text(&path, MAX) else {
            continue;
        };
        for found in parse(&text, Syntax::Plain, &|_| None) {
            if let Act::Sets { value, reach } = found.act {
                lines.push(Line {
                    name: found.name,
                    value,
                    removes: false,
                    reach,
                    place: Place::DotEnv {
                        path: path.clone(),
                        line: found.line,
                    },
                    is_read: false,
                    is_session: false,
                });
            }
        }
    }
    lines
}

struct Scan<'a> {
    search: &'a Search<'a>,
    seen: BTreeSet<PathBuf>,
    /// Names that some line exports without a value.
    passed_on: BTreeSet<String>,
    scanned: Scanned,
}

impl Scan<'_> {
    fn file(&mut self, file: &StartFile, depth: usize) {
        self.scanned.files.push(file.path.clone());
        // Two names of one file, and files that source one another, are read once.
        let identity = std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
        if depth > MAX_DEPTH || self.seen.len() >= MAX_FILES || !self.seen.insert(identity) {
            return;
        }
        let text = match bounded::read_text(&file.path, MAX) {
            Ok(Some(text)) => zeroize::Zeroizing::new(text),
            Ok(None) => return,
            Err(why) => {
                let shown = tilde(&file.path, self.search.home);
                self.scanned.notes.push(format!("{shown} {why}."));
                return;
            }
        };
        for found in parse(&text, file.syntax, &|name| self.known_folder(name)) {
            let (value, reach, removes) = match found.act {
                Act::Sets { value, reach } => (value, reach, false),
                Act::Unsets => (None, Reach::Exported, true),
                Act::Exports => {
                    self.passed_on.insert(found.name);
                    continue;
                }
                Act::Sources => {
                    let sourced = StartFile {
                        path: self.search.home.join(found.name),
                        syntax: file.syntax,
                        is_read: file.is_read,
                    };
                    self.file(&sourced, depth + 1);
                    continue;
                }
            };
            self.scanned.lines.push(Line {
                name: found.name,
                value,
                removes,
                reach,
                place: Place::ShellFile {
                    path: file.path.clone(),
                    line: found.line,
                },
                is_read: file.is_read,
                is_session: matches!(file.syntax, Syntax::Plain | Syntax::Pam),
            });
        }
    }

    fn known_folder(&self, name: &str) -> Option<String> {
        let folder = match name {
            "HOME" => Some(self.search.home),
            "ZDOTDIR" => Some(self.search.zdotdir.unwrap_or(self.search.home)),
            "XDG_CONFIG_HOME" => self.search.config,
            _ => None,
        };
        folder.and_then(Path::to_str).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(dialect: Dialect, files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let home = folder.path().join("home");
        let scanned = scan(&Search {
            home: &home,
            root: folder.path(),
            dialect,
            zdotdir: None,
            config: None,
        });
        let shown = |line: &Line| {
            let read = if line.is_read { "" } else { " (not read)" };
            let value = line.value.as_ref().map_or("-", |value| value.expose());
            format!("{value} {}{read}", line.place.shown(&home))
        };
        scanned.lines.iter().map(shown).collect()
    }

    #[test]
    fn files_come_in_the_order_in_which_the_shell_reads_them() {
        let set = |value: &str| format!("export ANTHROPIC_API_KEY={value}\n");
        let files = [
            ("home/.zshrc", set("third")),
            ("home/.zshenv", set("second")),
            ("etc/environment", "ANTHROPIC_API_KEY=first".to_owned()),
            ("home/.zlogin", set("fourth")),
            ("home/.bashrc", set("other")),
        ];
        let files: Vec<_> = files.iter().map(|(n, t)| (*n, t.as_str())).collect();
        let lines = found(Dialect::Zsh, &files);
        let first: Vec<_> = lines.iter().filter_map(|l| l.split(' ').next()).collect();
        assert_eq!(first, ["first", "second", "third", "fourth", "other"]);
        assert!(lines[4].ends_with("(not read)"));
    }

    #[test]
    fn bash_reads_only_the_first_of_its_profiles() {
        let lines = found(
            Dialect::Bash,
            &[
                ("home/.profile", "export ANTHROPIC_API_KEY=b"),
                ("home/.bash_profile", "export ANTHROPIC_API_KEY=a"),
            ],
        );
        assert_eq!(
            lines,
            [
                "a from ~/.bash_profile, line 1",
                "b from ~/.profile, line 1 (not read)",
            ]
        );
    }

    #[test]
    fn sourced_files_are_read_once_where_they_are_sourced() {
        let lines = found(
            Dialect::Bash,
            &[
                (
                    "home/.bash_profile",
                    ". ~/.bashrc\nexport ANTHROPIC_API_KEY=last",
                ),
                ("home/.bashrc", "source ~/keys/one.sh\nsource ~/.bashrc"),
                (
                    "home/keys/one.sh",
                    "\nexport ANTHROPIC_API_KEY=one\n. ~/.bash_profile",
                ),
            ],
        );
        assert_eq!(
            lines,
            [
                "one from ~/keys/one.sh, line 2",
                "last from ~/.bash_profile, line 2",
            ]
        );
    }

    #[test]
    fn a_huge_file_is_noted_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join(".zshrc")).unwrap();
        file.set_len(MAX + 1).unwrap();
        let scanned = scan(&Search {
            home: folder.path(),
            root: folder.path(),
            dialect: Dialect::Zsh,
            zdotdir: None,
            config: None,
        });
        assert_eq!(
            scanned.notes,
            ["~/.zshrc is larger than 1 MiB and was not read."]
        );
    }
}
