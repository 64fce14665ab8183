//! Whether there is a `claude` that this program can rely on, and what is missing where there is not.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::find::{is_program, places, version};
use super::identity::Identity;
use crate::child::Environment;
use crate::error::{Code, Error};

/// The least version that is known to do what is relied on: the answer to `initialize` that names
/// who pays, with the system prompt in the same request, and no file read for an `@` in a prompt
/// ([`Start`](super::Start)). All of it was seen with this version, and no older one was tried.
pub const LEAST_VERSION: &str = "2.1.330";

/// How long `claude --version` may take; it needs 15 ms on an idle machine.
const DEADLINE: Duration = Duration::from_secs(10);

/// A `claude` that passed the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    version: String,
    identity: Identity,
}

/// Why there is no `claude` to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is none in any of these places.
    NotFound {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// What the user pointed to is not a program.
    NotAProgram {
        /// What it is that was pointed to.
        path: PathBuf,
    },
    /// It is a command file of Windows, and `cmd.exe` can be made to run text from arguments.
    CommandFile {
        /// The file.
        path: PathBuf,
    },
    /// It does not say its version, so it is no `claude`, or a broken one.
    Silent {
        /// The program.
        path: PathBuf,
        /// What it did instead.
        why: String,
    },
    /// It is older than [`LEAST_VERSION`].
    TooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: String,
    },
}

impl Program {
    /// Finds the CLI and lets it through if it can be relied on. A path that the user points to wins;
    /// else it is looked for in the folders of `path` and where installers put it.
    ///
    /// # Errors
    /// What is missing; [`Missing`] becomes an [`Error`] that names the command which mends it.
    pub async fn gate(
        pointed: Option<&Path>,
        path: Option<&OsStr>,
        home: &Path,
        environment: &Environment,
    ) -> Result<Self, Missing> {
        let found = match pointed {
            Some(pointed) => checked(pointed, cfg!(windows))?,
            None => {
                let looked = places(path, home);
                let found = looked.iter().find(|path| is_program(path)).cloned();
                found.ok_or(Missing::NotFound { looked })?
            }
        };
        // Before the version is asked, so that a change in between shows.
        let identity = Identity::of(&found).ok_or_else(|| Missing::NotAProgram {
            path: found.clone(),
        })?;
        let silent = |why: String| Missing::Silent {
            path: found.clone(),
            why,
        };
        let version = version(&found, environment, DEADLINE)
            .await
            .map_err(|error| silent(error.message().to_owned()))?
            .ok_or_else(|| silent("It did not say its version.".to_owned()))?;
        if !is_at_least(&version, LEAST_VERSION) {
            return Err(Missing::TooOld {
                path: found,
                version,
            });
        }
        Ok(Self {
            path: found,
            version,
            identity,
        })
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its version, such as `2.1.330`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Tells whether the file is still the one that passed the gate. One that was updated meanwhile
    /// must pass it anew, and a process that was started before is not to be used any more.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        Identity::of(&self.path).as_ref() == Some(&self.identity)
    }
}

fn checked(pointed: &Path, on_windows: bool) -> Result<PathBuf, Missing> {
    let path = pointed.to_owned();
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if on_windows && ["cmd", "bat"].contains(&extension.to_lowercase().as_str()) {
        return Err(Missing::CommandFile { path });
    }
    // A relative path would mean another program in another working directory.
    if !path.is_absolute() || !is_program(&path) {
        return Err(Missing::NotAProgram { path });
    }
    Ok(path)
}

/// Tells whether a version is this one or a later.
#[must_use]
pub fn is_at_least(version: &str, least: &str) -> bool {
    numbers(version) >= numbers(least)
}

/// Returns the numbers of a version; what follows them (`-beta`) counts as nothing.
fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        const INSTALL: &str = "npm install -g @anthropic-ai/claude-code";
        match missing {
            Missing::NotFound { looked } => Error::new(
                Code::NotFound,
                format!(
                    "There is no `claude` on this machine. It was looked for as {}.",
                    listed(&looked)
                ),
            )
            .hint(format!(
                "Install it with `{INSTALL}`, then log in with `claude auth login`; or point to the \
                 program where it is somewhere else."
            )),
            Missing::NotAProgram { path } => Error::new(
                Code::NotFound,
                format!("{} is not a program that can be started.", path.display()),
            )
            .hint("Point to the program `claude` itself, with its whole path, or leave that empty."),
            Missing::CommandFile { path } => Error::bad_input(format!(
                "{} is a command file. It is not started: Windows can be made to run text from a \
                 prompt through it.",
                path.display()
            ))
            .hint("Install the program `claude.exe` (`irm https://claude.ai/install.ps1 | iex`) and point to that."),
            Missing::Silent { path, why } => Error::failed(format!(
                "{} does not behave like `claude`: {why}",
                path.display()
            ))
            .hint(format!(
                "Run `claude` in a terminal. If that fails too, install it anew with \
                 `{INSTALL}`."
            )),
            Missing::TooOld { path, version } => Error::failed(format!(
                "{} is version {version}. Switchyard needs {LEAST_VERSION} or later, which says who \
                 pays before it is given a prompt.",
                path.display()
            ))
            .hint(format!("Update it with `claude update`, or with `{INSTALL}`.")),
        }
    }
}

fn listed(places: &[PathBuf]) -> String {
    let all: Vec<_> = places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    all.join(", ")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    use super::super::tests::FAKE;

    /// Puts a fake in a folder of its own, where it says this version.
    fn fake(folder: &Path, version: &str) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("version"), version).unwrap();
        let path = folder.join("claude");
        std::os::unix::fs::symlink(FAKE, &path).unwrap();
        path
    }

    async fn gate(pointed: &Path) -> Result<Program, Missing> {
        let environment = Environment::scrubbed_own();
        Program::gate(Some(pointed), None, Path::new("/nonexistent"), &environment).await
    }

    #[tokio::test]
    async fn a_version_passes_from_the_least_one_on() {
        let folder = tempfile::tempdir().unwrap();
        for (version, passes) in [
            ("2.1.330", true),
            ("2.2.0", true),
            ("10.0.1-beta.3", true),
            ("2.1.329", false),
            ("2.0.999", false),
            ("1.9.331", false),
        ] {
            let path = fake(
                &folder.path().join(version),
                &format!("{version} (Claude Code)"),
            );
            match gate(&path).await {
                Ok(program) => assert!(passes && program.version() == version, "{version}"),
                Err(missing) => {
                    assert!(!passes, "{version}: {missing:?}");
                    let error = Error::from(missing);
                    assert!(error.message().contains(version), "{error}");
                    assert!(error.message().contains(LEAST_VERSION), "{error}");
                    assert!(error.advice().unwrap().contains("claude update"));
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_named_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), "text").unwrap();
        std::fs::write(at("garbage"), "\u{0}\u{1}not a program").unwrap();
        std::fs::set_permissions(at("garbage"), std::fs::Permissions::from_mode(0o755)).unwrap();
        for (path, code, hint) in [
            (at("none"), Code::NotFound, "Point to"),
            (at("plain"), Code::NotFound, "Point to"),
            (folder.path().to_owned(), Code::NotFound, "Point to"),
            (PathBuf::from("claude"), Code::NotFound, "Point to"),
            (fake(&at("silent"), ""), Code::Failed, "npm install"),
            (
                fake(&at("other"), "usage: claude FILE"),
                Code::Failed,
                "npm install",
            ),
            (at("garbage"), Code::Failed, "npm install"),
        ] {
            let error = Error::from(gate(&path).await.unwrap_err());
            assert_eq!(error.code(), code, "{error}");
            assert!(error.advice().unwrap().contains(hint), "{error}");
        }
        let missing = Missing::NotFound {
            looked: places(None, &at("home")),
        };
        let error = Error::from(missing);
        assert!(
            error.message().contains("home/.local/bin/claude"),
            "{error}"
        );
        assert!(error.advice().unwrap().contains("claude auth login"));
    }

    #[tokio::test]
    async fn a_path_that_is_pointed_to_wins_over_the_one_that_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let found = fake(&folder.path().join("found"), "2.1.330");
        let pointed = fake(&folder.path().join("pointed"), "2.1.331");
        let path = found.parent().map(Path::as_os_str);
        let environment = Environment::scrubbed_own();
        for (given, expected) in [(Some(&*pointed), &pointed), (None, &found)] {
            let program = Program::gate(given, path, folder.path(), &environment).await;
            assert_eq!(program.unwrap().path(), expected);
        }
    }

    #[test]
    fn a_command_file_is_refused_on_windows_only() {
        let path = Path::new("/opt/claude.CMD");
        let refused = checked(path, true).unwrap_err();
        assert!(matches!(refused, Missing::CommandFile { .. }));
        assert!(Error::from(refused).message().contains("not started"));
        assert!(matches!(
            checked(path, false),
            Err(Missing::NotAProgram { .. })
        ));
    }
}
