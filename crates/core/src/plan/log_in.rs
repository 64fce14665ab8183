//! Logging in: in a terminal that the user sees, by the CLI's own command. Nothing of it passes through
//! here.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::{Place, Plan, PlanLogin, Server};
use crate::child::{self, Environment};
use crate::claude::{self, Status, variables};
use crate::db::private_folder;
use crate::error::{Code, Error, Result};
use crate::text::shown;

/// How long the CLI may take to say how it is logged in; it needs half a second on a busy machine.
const DEADLINE: Duration = Duration::from_secs(5);

/// Programs that open a terminal, each with what goes before the command in it. The user's choice comes
/// first, where the system knows one.
const TERMINALS: &[(&str, Option<&str>)] = &[
    ("xdg-terminal-exec", None),
    ("x-terminal-emulator", Some("-e")),
    ("gnome-terminal", Some("--")),
    ("konsole", Some("-e")),
    ("xfce4-terminal", Some("-x")),
    ("xterm", Some("-e")),
];

/// Logs in and leaves what was said to be read. The folder is set here, or taken away: some terminals are
/// opened by a server of theirs, which has an environment of its own, and a folder in that would be logged
/// in to instead.
const SCRIPT: &str = r#"unset CLAUDE_CONFIG_DIR
if [ -n "$2" ]; then CLAUDE_CONFIG_DIR=$2; export CLAUDE_CONFIG_DIR; fi
"$1" auth login
printf '\nPress Enter to close this window. '
read -r _"#;

impl PlanLogin {
    /// Returns the command that logs in, to be typed in a terminal; `None` for a token in a variable.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        match &self.place {
            Place::Usual => Some("claude auth login".to_owned()),
            Place::Folder { folder } => Some(format!(
                "CLAUDE_CONFIG_DIR={} claude auth login",
                quoted(&folder.display().to_string())
            )),
            Place::Variable { .. } => None,
        }
    }

    fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder { folder } => Some(folder),
            Place::Usual | Place::Variable { .. } => None,
        }
    }
}

impl Plan {
    /// Opens a terminal in which the CLI logs in, and returns as soon as it is open.
    ///
    /// # Errors
    /// As [`Plan::program`]; [`Code::BadInput`] for a token in a variable; [`Code::NotFound`] with what
    /// to type where no terminal can be opened.
    pub async fn log_in(&self, login: &PlanLogin) -> Result<()> {
        if !matches!(self.0.server, Server::Anthropic) {
            return Err(
                Error::bad_input("This is sample data: nobody logs in to its plan.")
                    .hint("Log in from a window of your own data."),
            );
        }
        let Some(typed) = login.command() else {
            let name = shown(&login.name, 60);
            return Err(Error::bad_input(format!(
                "{name} is a token in a variable, to which nobody logs in."
            ))
            .hint("`claude setup-token` prints a new token for the variable."));
        };
        let program = self.program().await?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let Some((terminal, before)) = terminal(&path) else {
            return Err(Error::new(
                Code::NotFound,
                "No terminal was found that could be opened.",
            )
            .hint(format!("Open one yourself and type: {typed}")));
        };
        let environment = Environment::scrubbed_own().on_screen();
        child::command(&terminal, &environment)
            .args(before)
            .args(["/bin/sh", "-c", SCRIPT, "log-in"])
            .arg(program.path())
            .arg(login.folder().unwrap_or(Path::new("")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(false)
            .spawn()
            .map(drop)
            .map_err(|e| {
                Error::failed("The terminal could not be opened.")
                    .hint(format!("Open one yourself and type: {typed}"))
                    .because(e)
            })
    }

    /// Tells whether somebody is logged in, as the CLI says itself; `None` where it gives no answer. A
    /// variable has to hold a token.
    pub async fn is_logged_in(
        &self,
        login: &PlanLogin,
        variable: impl FnOnce(&str) -> Option<String>,
    ) -> Option<bool> {
        if matches!(login.place, Place::Variable { .. }) {
            return Some(login.open(variable).is_ok());
        }
        // A folder that is not there holds no login, and is not to be made by asking.
        if login.folder().is_some_and(|folder| !folder.is_dir()) {
            return Some(false);
        }
        let program = self.program().await.ok()?;
        private_folder(&self.0.working).ok()?;
        let mut environment = Environment::scrubbed_own();
        if let Some(folder) = login.folder() {
            environment = environment.with(variables::CONFIG_DIR, folder);
        }
        let asked = claude::status(program.path(), &environment, &self.0.working, DEADLINE);
        let status = asked.await.ok().flatten()?;
        Some(matches!(status, Status::Subscription(_)))
    }
}

/// Finds a program that opens a terminal: only Linux has ones that take a command.
fn terminal(path: &OsStr) -> Option<(PathBuf, Option<&'static str>)> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    TERMINALS.iter().find_map(|(name, before)| {
        let found = std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|place| place.is_file())?;
        Some((found, *before))
    })
}

/// Quotes a text for a shell, where it needs that.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_names_the_folder_as_a_shell_reads_it() {
        let at = |folder: &str| PlanLogin {
            name: "work".to_owned(),
            place: Place::Folder {
                folder: folder.into(),
            },
        };
        let typed = |folder: &str| at(folder).command().unwrap();
        assert_eq!(
            typed("/home/a/.claude-work"),
            "CLAUDE_CONFIG_DIR=/home/a/.claude-work claude auth login"
        );
        assert_eq!(
            typed("/home/it's; mine"),
            r"CLAUDE_CONFIG_DIR='/home/it'\''s; mine' claude auth login"
        );
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn the_login_that_was_meant_is_logged_in_to_whatever_folder_the_terminal_has() {
        let folder = tempfile::tempdir().unwrap();
        // A shell in the place of `claude`: `auth` is a script that it reads, and `login` its argument.
        let says = r#"printf '%s %s' "$1" "${CLAUDE_CONFIG_DIR-none}""#;
        std::fs::write(folder.path().join("auth"), says).unwrap();
        for (own, expected) in [("", "login none"), ("/home/a/work", "login /home/a/work")] {
            let environment =
                Environment::scrubbed_own().with(variables::CONFIG_DIR, "/of/the/terminal");
            let mut terminal = child::command(Path::new("/bin/sh"), &environment);
            terminal
                .args(["-c", SCRIPT, "log-in", "/bin/sh", own])
                .current_dir(folder.path())
                .stdin(Stdio::null());
            let done = child::output(terminal, DEADLINE * 12, 4096).await.unwrap();
            let said = String::from_utf8(done.stdout).unwrap();
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_first_terminal_of_the_list_is_taken_wherever_it_is_on_the_path() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let path = std::env::join_paths(folders.iter().map(tempfile::TempDir::path)).unwrap();
        assert_eq!(terminal(&path), None);
        std::fs::write(folders[0].path().join("xterm"), "").unwrap();
        std::fs::write(folders[1].path().join("konsole"), "").unwrap();
        let konsole = folders[1].path().join("konsole");
        assert_eq!(terminal(&path), Some((konsole, Some("-e"))));
    }
}
