//! Asks the user's login shell what it exports.
//!
//! Start-up files print banners, read the terminal, start agents and hang. So the shell runs in a
//! session of its own without terminal or input, its environment comes between two random marks,
//! and reading ends with the second mark, not with the last process that holds the pipe.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::child::{self, Environment};
use crate::error::{Code, Error, Result};
use crate::secret::ApiKey;

/// The most that start-up files and environment may print together.
const MAX: usize = 8 << 20;

/// A shell by the language of its command line and start-up files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Bash,
    Zsh,
    /// dash, ksh and what is not known.
    Posix,
    Fish,
    Csh,
    Nu,
    /// Not a shell that could be asked.
    None,
}

impl Dialect {
    /// Tells the dialect from the program's name.
    pub(super) fn of(shell: &Path) -> Self {
        match shell
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
        {
            "bash" => Self::Bash,
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            "tcsh" | "csh" => Self::Csh,
            "nu" => Self::Nu,
            "" | "nologin" | "false" | "true" | "git-shell" | "pwsh" => Self::None,
            _ => Self::Posix,
        }
    }

    /// Returns the arguments that make the shell print its environment between two marks.
    fn arguments(self, mark: &str) -> Vec<String> {
        // A program by its whole path can't be an alias or a function of the user's.
        let env = if self == Self::Nu {
            "^/usr/bin/env"
        } else {
            "/usr/bin/env"
        };
        let marked = format!("{env} -0 -i {MARK}={mark}; {env} -0; {env} -0 -i {MARK}={mark}");
        // A C shell can't be told to be a login shell and to run a command at once.
        let (flags, script): (&[&str], String) = match self {
            Self::Csh => (
                &["-i", "-c"],
                format!("if (-r ~/.login) source ~/.login; {marked}"),
            ),
            // A terminal of a desktop opens no login shell, but one within the session of one; only
            // bash keeps apart what the two read (`.bash_profile`, `.bashrc`). On macOS a terminal
            // does open a login shell.
            Self::Bash if !cfg!(target_os = "macos") => (
                &["-l", "-i", "-c"],
                format!("exec \"$BASH\" -i -c '{marked}'"),
            ),
            _ => (&["-l", "-i", "-c"], marked),
        };
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        flags.chain(std::iter::once(script)).collect()
    }
}

/// The variable whose value is the mark.
const MARK: &str = "SWITCHYARD_MARK";
/// Tells start-up files that nobody is at the terminal, so that they can leave out what is slow.
const RESOLVING: &str = "SWITCHYARD_RESOLVING_ENVIRONMENT";

/// Returns the user's login shell: `SHELL`, or what the password database says.
pub(super) fn of_user(shell: Option<&str>, user: Option<&str>, passwd: &Path) -> Option<PathBuf> {
    let from_variable = shell.map(PathBuf::from).filter(|path| path.is_absolute());
    from_variable
        .filter(|path| path.is_file())
        .or_else(|| from_passwd(user?, passwd))
}

fn from_passwd(user: &str, passwd: &Path) -> Option<PathBuf> {
    let text = super::bounded::read_text(passwd, 1 << 20).ok()??;
    let line = text
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    let shell = PathBuf::from(line.split(':').nth(6)?.trim());
    shell.is_file().then_some(shell)
}

/// What the login shell exports.
pub(super) struct Exported(Vec<(String, ApiKey)>);

impl Exported {
    /// Returns names and values.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
    }
}

/// Starts `shell` as an interactive login shell in `environment` and returns what it exports. Past
/// the deadline, and after the answer, everything that it started is ended.
///
/// # Errors
/// [`Code::Timeout`] past the deadline; [`Code::Failed`] when it ended without an answer;
/// [`Code::NotFound`] when there is no such shell.
#[cfg(unix)]
pub(super) async fn exported(
    shell: &Path,
    environment: Environment,
    deadline: Duration,
) -> Result<Exported> {
    let dialect = Dialect::of(shell);
    if dialect == Dialect::None || !shell.is_file() {
        return Err(Error::new(
            Code::NotFound,
            format!("{} is not a shell that can be asked.", shell.display()),
        ));
    }
    let mark = random_mark()?;
    let environment = environment
        .with("SHELL", shell)
        .with("TERM", "dumb")
        .with(RESOLVING, "1");
    let mut command = child::session_command(shell, &environment);
    command.args(dialect.arguments(&mark));
    let mut child = command.spawn().map_err(|error| {
        Error::failed("Your login shell could not be started.".to_owned()).because(error)
    })?;
    let session = child.id();
    let answer = match child.stdout.take() {
        Some(pipe) => tokio::time::timeout(deadline, answer(pipe, &mark)).await,
        None => Ok(None),
    };
    child::end_session(session);
    // The shell itself is ended by its handle, should it not have become the group's leader yet.
    let _ = child.start_kill();
    let _ = child.wait().await;
    match answer {
        Ok(Some(exported)) => Ok(exported),
        Ok(None) => Err(Error::failed(
            "Your login shell ended without saying what it exports.",
        )),
        Err(_) => Err(Error::new(
            Code::Timeout,
            format!(
                "Your login shell did not answer in {} s.",
                deadline.as_secs_f32()
            ),
        )),
    }
}

/// Returns what no start-up file can guess.
#[cfg(unix)]
fn random_mark() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::failed("The system gave no random bytes.").because(error))?;
    Ok(uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .simple()
        .to_string())
}

/// Windows has no login shell; what a program inherits there is what a terminal gets.
#[cfg(not(unix))]
pub(super) async fn exported(_: &Path, _: Environment, _: Duration) -> Result<Exported> {
    Err(Error::new(Code::NotFound, "There is no login shell here."))
}

/// Reads until the second mark, the end, or the limit.
#[cfg(unix)]
async fn answer(mut pipe: impl tokio::io::AsyncRead + Unpin, mark: &str) -> Option<Exported> {
    let mark = format!("{MARK}={mark}\0").into_bytes();
    let mut seen = zeroize::Zeroizing::new(Vec::with_capacity(64 << 10));
    let mut buffer = zeroize::Zeroizing::new([0_u8; 8192]);
    loop {
        let count = pipe.read(&mut buffer[..]).await.ok()?;
        if count == 0 || seen.len() + count > MAX {
            return None;
        }
        // The second mark can only end in what has just come.
        let from = seen.len().saturating_sub(mark.len());
        seen.extend_from_slice(&buffer[..count]);
        if find(&seen[from..], &mark).is_some()
            && let Some(between) = between(&seen, &mark)
        {
            return Some(parse(between));
        }
    }
}

#[cfg(unix)]
fn between<'a>(seen: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let start = find(seen, mark)? + mark.len();
    let end = find(&seen[start..], mark)?;
    Some(&seen[start..start + end])
}

#[cfg(unix)]
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Splits NUL-separated `NAME=value` records; what is no such record is left out.
#[cfg(unix)]
fn parse(records: &[u8]) -> Exported {
    Exported(
        records
            .split(|byte| *byte == 0)
            .filter_map(|record| {
                let (name, value) = std::str::from_utf8(record).ok()?.split_once('=')?;
                let is_name = !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                is_name.then(|| (name.to_owned(), ApiKey::new(value.to_owned())))
            })
            .collect(),
    )
}

#[cfg(test)]
#[cfg(unix)]
#[path = "login_shell_tests.rs"]
mod tests;
