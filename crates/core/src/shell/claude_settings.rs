//! Claude Code's settings files, read the way the CLI reads them.
//!
//! Seen with CLI 2.1.330: every layer's `env` block is laid over the process's environment, an
//! empty string included; of the parents of the working directory only the repository's root
//! counts, and of it only `settings.local.json`; a file that is not valid is left out without a
//! word, but a managed file that can't be parsed stops the CLI.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bounded;
use super::names;
use super::place::{Place, Scope};
use crate::secret::ApiKey;

/// The most bytes that are read of one settings file; the CLI's state file grows with its history.
const MAX: u64 = 16 << 20;

/// One value that is set for the CLI, by the environment or by a settings file.
pub(super) struct Setting {
    /// The variable.
    pub(super) name: String,
    /// Its value.
    pub(super) value: ApiKey,
    /// Where it is set.
    pub(super) place: Place,
    /// The settings file's scope; `None` is the environment, which every file outranks.
    pub(super) scope: Option<Scope>,
}

/// An `apiKeyHelper` entry.
pub(super) struct Helper {
    /// Whether it names a program at all.
    pub(super) is_set: bool,
    /// Where it stands.
    pub(super) place: Place,
    /// The file's scope.
    pub(super) scope: Scope,
}

/// All that the settings files say about who pays, weakest layer first.
#[derive(Default)]
pub(super) struct SettingsFiles {
    pub(super) settings: Vec<Setting>,
    pub(super) helpers: Vec<Helper>,
    /// The key of a Console login.
    pub(super) console_key: Option<(ApiKey, Place)>,
    /// Managed settings that can't be parsed.
    pub(super) refused: Option<Place>,
    pub(super) notes: Vec<String>,
}

/// The folders that the files are looked for in.
pub(super) struct Folders<'a> {
    pub(super) home: &'a Path,
    pub(super) working: &'a Path,
    pub(super) managed: &'a Path,
    /// `CLAUDE_CONFIG_DIR` as it stands, also when it is empty.
    pub(super) config: Option<&'a str>,
}

impl Folders<'_> {
    /// Returns the folder of the user's settings and login. A relative or empty value is taken from
    /// the working directory, as the CLI does.
    pub(super) fn config_dir(&self) -> PathBuf {
        self.config.map_or_else(
            || self.home.join(".claude"),
            |given| self.working.join(given),
        )
    }

    /// Returns the CLI's state file; an older name is preferred where it exists.
    fn state_file(&self) -> PathBuf {
        let older = self.config_dir().join(".config.json");
        if older.is_file() {
            return older;
        }
        match self.config {
            Some(given) if !given.is_empty() => self.config_dir().join(".claude.json"),
            _ => self.home.join(".claude.json"),
        }
    }

    /// Returns every file that is read, whether it is there or not.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let user = self.config_dir();
        let own = self.working.join(".claude");
        let mut files = managed_files(self.managed);
        files.extend([
            self.state_file(),
            user.join("settings.json"),
            own.join("settings.json"),
            own.join("settings.local.json"),
        ]);
        files
    }

    /// Tells whether the CLI has ever run here, so that asking it creates no files.
    pub(super) fn has_state(&self) -> bool {
        self.state_file().is_file() || self.config_dir().is_dir()
    }
}

/// Reads every file, weakest first.
pub(super) fn read(folders: &Folders<'_>) -> SettingsFiles {
    let mut files = SettingsFiles::default();
    files.take(&folders.state_file(), Scope::State, folders.home);
    let user = folders.config_dir();
    files.take(&user.join("settings.json"), Scope::User, folders.home);
    // A user's settings can move the folder that they came from; the second one is read as well.
    if let Some(moved) = files.value_of(names::CONFIG_DIR) {
        let moved = folders.working.join(moved);
        if moved != user {
            files.take(&moved.join("settings.json"), Scope::User, folders.home);
        }
    }
    let own = folders.working.join(".claude");
    files.take(&own.join("settings.json"), Scope::Project, folders.home);
    files.take(&own.join("settings.local.json"), Scope::Local, folders.home);
    if let Some(root) = repository_root(folders.working).filter(|root| *root != folders.home) {
        let above = root.join(".claude/settings.local.json");
        if root != folders.working {
            files.take(&above, Scope::RootLocal, folders.home);
        }
    }
    for path in managed_files(folders.managed) {
        files.take(&path, Scope::Managed, folders.home);
    }
    files
}

/// Returns the nearest folder that holds a `.git`, file or folder.
fn repository_root(working: &Path) -> Option<&Path> {
    working
        .ancestors()
        .find(|folder| folder.join(".git").exists())
}

/// Returns the managed file and then its additions in the order of their names, without hidden ones.
fn managed_files(folder: &Path) -> Vec<PathBuf> {
    let mut additions: Vec<PathBuf> = std::fs::read_dir(folder.join("managed-settings.d"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."))
        })
        .collect();
    additions.sort();
    additions.insert(0, folder.join("managed-settings.json"));
    additions
}

impl SettingsFiles {
    /// Returns the last value that a user's file gives a variable.
    fn value_of(&self, name: &str) -> Option<String> {
        let last = self
            .settings
            .iter()
            .rev()
            .find(|setting| setting.name == name)?;
        Some(last.value.expose().to_owned())
    }

    fn take(&mut self, path: &Path, scope: Scope, home: &Path) {
        let shown = super::place::tilde(path, home);
        let text = match bounded::read_text(path, MAX) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(why) => {
                self.notes.push(format!("{shown} {why}."));
                return;
            }
        };
        let text = text.trim_start_matches('\u{FEFF}');
        let parsed = serde_json::from_str::<Value>(text).ok();
        let at = |line| Place::Settings {
            scope,
            path: path.to_owned(),
            line,
        };
        let Some(Value::Object(entries)) = parsed else {
            if scope == Scope::Managed {
                self.refused = Some(at(None));
            } else if !text.trim().is_empty() {
                self.notes.push(format!(
                    "{shown} is not valid JSON; Claude Code leaves it out."
                ));
            }
            return;
        };
        if matches!(
            scope,
            Scope::User | Scope::Project | Scope::Local | Scope::RootLocal
        ) && let Some(wrong) = wrong_entry(&entries)
        {
            self.notes.push(format!(
                "{shown} has an entry \"{wrong}\" of the wrong type; Claude Code leaves the whole file out."
            ));
            return;
        }
        if let Some(Value::Object(env)) = entries.get("env") {
            self.settings.extend(env.iter().filter_map(|(name, value)| {
                let value = names::role(name).and(as_text(value))?;
                Some(Setting {
                    place: at(line_of(text, name, &value)),
                    value: ApiKey::new(value),
                    name: name.clone(),
                    scope: Some(scope),
                })
            }));
        }
        let entry = |name: &str| entries.get(name).and_then(Value::as_str);
        if scope == Scope::State {
            self.console_key = entry("primaryApiKey")
                .filter(|key| !key.trim().is_empty())
                .map(|key| {
                    let place = at(line_of(text, "primaryApiKey", key));
                    (ApiKey::new(key.to_owned()), place)
                });
        } else if let Some(program) = entry(names::HELPER) {
            self.helpers.push(Helper {
                is_set: !program.trim().is_empty(),
                place: at(line_of(text, names::HELPER, program)),
                scope,
            });
        }
    }
}

/// Returns the name of an entry whose type makes the CLI leave the whole file out. The CLI knows
/// more such entries than the ones that matter here.
fn wrong_entry(entries: &serde_json::Map<String, Value>) -> Option<&'static str> {
    let is_wrong =
        |name: &str, fits: fn(&Value) -> bool| entries.get(name).is_some_and(|value| !fits(value));
    [
        ("env", Value::is_object as fn(&Value) -> bool),
        ("permissions", Value::is_object),
        (names::HELPER, Value::is_string),
        ("model", Value::is_string),
    ]
    .into_iter()
    .find(|(name, fits)| is_wrong(name, *fits))
    .map(|(name, _)| name)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the line of the last `"name": value` in a JSON text, counted from 1.
fn line_of(text: &str, name: &str, value: &str) -> Option<usize> {
    let quoted = serde_json::to_string(name).ok()?;
    text.rmatch_indices(&quoted)
        .find(|(start, _)| {
            let rest = text[start + quoted.len()..].trim_start();
            rest.strip_prefix(':').is_some_and(|rest| {
                serde_json::Deserializer::from_str(rest)
                    .into_iter::<Value>()
                    .next()
                    .and_then(Result::ok)
                    .and_then(|found| as_text(&found))
                    .is_some_and(|found| found == value)
            })
        })
        .map(|(start, _)| text[..start].matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_entry_is_the_one_that_counts() {
        let text =
            "{\n \"note\": \"\\\"X\\\": 1\",\n \"env\": {\n  \"X\": \"a\",\n  \"X\": \"b\"\n }\n}";
        assert_eq!(line_of(text, "X", "b"), Some(5));
        assert_eq!(line_of(text, "X", "a"), Some(4));
        assert_eq!(line_of(text, "X", "c"), None);
    }

    #[test]
    fn only_the_local_file_of_the_repository_root_is_read_from_above() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        let working = root.join("sub/deep");
        std::fs::create_dir_all(&working).unwrap();
        std::fs::create_dir_all(root.join(".git")).unwrap();
        std::fs::create_dir_all(root.join(".claude")).unwrap();
        std::fs::write(
            root.join(".claude/settings.json"),
            r#"{"env":{"ANTHROPIC_API_KEY":"from the project"}}"#,
        )
        .unwrap();
        std::fs::write(
            root.join(".claude/settings.local.json"),
            r#"{"env":{"ANTHROPIC_AUTH_TOKEN":"from the local file"}}"#,
        )
        .unwrap();
        let read = read(&Folders {
            home: folder.path(),
            working: &working,
            managed: &folder.path().join("managed"),
            config: None,
        });
        let names: Vec<_> = read.settings.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, [names::AUTH_TOKEN]);
        assert_eq!(read.settings[0].scope, Some(Scope::RootLocal));
    }
}
