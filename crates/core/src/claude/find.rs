//! Where the user's own `claude` is, and its version.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::{self, Environment};
use crate::error::Result;

/// Where installers put the CLI under the home folder (the Agent SDK looks in the same places).
const UNDER_HOME: &[&str] = &[
    ".npm-global/bin/claude",
    ".local/bin/claude",
    "node_modules/.bin/claude",
    ".yarn/bin/claude",
    ".claude/local/claude",
];

/// Finds the CLI: in the folders of `path`, then where installers put it.
///
/// On Windows only a real `claude.exe` counts: `cmd.exe`, which would run a `claude.cmd`, can be made
/// to execute text from arguments.
#[must_use]
pub fn find(path: Option<&OsStr>, home: &Path) -> Option<PathBuf> {
    places(path, home).into_iter().find(|path| is_program(path))
}

/// Returns every place where the CLI is looked for, in order.
#[must_use]
pub fn places(path: Option<&OsStr>, home: &Path) -> Vec<PathBuf> {
    let name = if cfg!(windows) {
        "claude.exe"
    } else {
        "claude"
    };
    let on_path = path
        .map(std::env::split_paths)
        .into_iter()
        .flatten()
        // A relative entry would make the answer depend on the working directory.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name));
    let installed = UNDER_HOME
        .iter()
        .map(|rest| home.join(rest).with_file_name(name))
        .chain(std::iter::once(Path::new("/usr/local/bin").join(name)));
    on_path.chain(installed).collect()
}

#[cfg(unix)]
pub(super) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// The CLI, as far as it answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Cli {
    /// The program.
    pub path: PathBuf,
    /// Its version, where it said one.
    pub version: Option<String>,
}

/// Asks the CLI for its version, such as `2.1.330`.
///
/// # Errors
/// As [`child::output`].
pub async fn version(
    cli: &Path,
    environment: &Environment,
    deadline: Duration,
) -> Result<Option<String>> {
    let mut command = child::command(cli, environment);
    command.arg("--version");
    let answer = child::output(command, deadline, 4 << 10).await?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let word = text.split_whitespace().next().unwrap_or_default();
    let is_version = word.starts_with(|c: char| c.is_ascii_digit()) && word.len() < 40;
    Ok(is_version.then(|| word.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_cli_is_found_on_the_path_first_and_must_be_a_program() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let put = |rest: &str, mode| {
            let path = folder.path().join(rest);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let installed = put(".claude/local/claude", 0o755);
        let path = std::env::join_paths([folder.path().join("a"), folder.path().join("b")]);
        let path = path.unwrap();
        put("a/claude", 0o644);
        put("b/claude.cmd", 0o755);
        assert_eq!(find(Some(&path), folder.path()), Some(installed));
        let named = put("b/claude", 0o755);
        assert_eq!(find(Some(&path), folder.path()), Some(named));
    }
}
