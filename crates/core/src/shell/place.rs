//! Where a value stands, in words that a person can go to.

use std::path::{Path, PathBuf};

/// Which of Claude Code's files a setting stands in; a later one outranks an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Scope {
    /// `.claude.json`, where the CLI keeps its own state; its `env` block counts all the same.
    State,
    /// The user's `settings.json`.
    User,
    /// The working directory's `.claude/settings.json`.
    Project,
    /// The working directory's `.claude/settings.local.json`.
    Local,
    /// The same file at the root of the repository, which outranks the working directory's.
    RootLocal,
    /// What an administrator set for the machine.
    Managed,
}

impl Scope {
    /// Tells whether the file belongs to a project and is read late.
    #[must_use]
    pub fn is_of_project(self) -> bool {
        matches!(self, Self::Project | Self::Local | Self::RootLocal)
    }
}

/// One place that sets or overrides a credential.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "place", rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Place {
    /// The environment of the asking process, with no line found that sets it.
    Environment,
    /// What the login shell exports, with no line found that sets it.
    LoginShell,
    /// A line of a shell's start-up file, or of a system file that sets the environment.
    ShellFile {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An entry of a settings file of Claude Code.
    Settings {
        /// Which file it is.
        scope: Scope,
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where it could be told.
        line: Option<usize>,
    },
    /// A `.env` file of the working directory.
    DotEnv {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The CLI's own login.
    Login,
}

impl Place {
    /// Returns the place in words, with the home folder as `~`.
    #[must_use]
    pub fn shown(&self, home: &Path) -> String {
        match self {
            Self::Environment => "set in this environment only".to_owned(),
            Self::LoginShell => "exported by your login shell".to_owned(),
            Self::ShellFile { path, line } | Self::DotEnv { path, line } => {
                format!("from {}, line {line}", tilde(path, home))
            }
            Self::Settings {
                path,
                line: Some(line),
                ..
            } => {
                format!("from {}, line {line}", tilde(path, home))
            }
            Self::Settings { path, .. } => format!("from {}", tilde(path, home)),
            Self::Login => "through the login of the CLI".to_owned(),
        }
    }
}

/// Returns a path for people: `~` for the home folder, one line, nothing unseen.
#[must_use]
pub fn tilde(path: &Path, home: &Path) -> String {
    let text = match path.strip_prefix(home) {
        Ok(rest) if !rest.as_os_str().is_empty() => format!("~/{}", rest.display()),
        _ => path.display().to_string(),
    };
    crate::text::shown(&text, 200)
}

/// Returns host and port of a URL: what stands before them can be a password.
pub(super) fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str);
    match (host, parsed.as_ref().and_then(url::Url::port)) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        _ => "what is not a valid URL".to_owned(),
    }
}
