//! The one door through which a process is started.
//!
//! `unsafe` is forbidden here, which rules out changing our own environment or a hook between fork
//! and exec: so the child's environment is built from nothing, by allow-list, where the child is.

mod environment;
#[cfg(unix)]
mod replace;
mod tail;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::error::{Code, Error, Result};

pub use environment::Environment;
#[cfg(unix)]
pub use replace::{find, replace};
pub use tail::Tail;

/// Prepares `program` with exactly `environment`, no terminal input, piped output, in a process
/// group of its own, and ended when its handle is dropped.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn command(program: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(environment.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Prepares `program` like [`command`], but in a session of its own, without our terminal.
///
/// An interactive shell that finds a terminal which it does not own stops itself until it does. End it with
/// [`end_session`], which also ends what it started.
#[cfg(unix)]
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a process"
)]
pub fn session_command(program: &Path, environment: &Environment) -> Command {
    // Without a hook before exec, a small program has to call setsid: the one of util-linux, or
    // Perl where there is none (macOS). Neither forks, because the child leads no group yet.
    let mut command = match SETSID.iter().find(|path| Path::new(path).is_file()) {
        Some(setsid) => Command::new(setsid),
        None => {
            let mut perl = Command::new("/usr/bin/perl");
            perl.args(["-e", "use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV"]);
            perl
        }
    };
    command
        .arg(program)
        .env_clear()
        .envs(environment.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Where util-linux is installed.
#[cfg(unix)]
const SETSID: &[&str] = &["/usr/bin/setsid", "/bin/setsid"];

/// What a short-lived child left behind.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output, cut at the limit.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, cut at the limit.
    pub stderr: Vec<u8>,
}

/// Runs a prepared command to its end, with a deadline for the whole and a limit for each stream.
///
/// `Err` if it could not be run or did not end in time, not if it returned non-zero. Past the
/// deadline the whole process group is ended, so that nothing it started lives on.
///
/// # Errors
/// [`Code::NotFound`] when there is no such program, [`Code::Timeout`] past the deadline,
/// [`Code::Failed`] when it could not be started or read.
pub async fn output(mut command: Command, deadline: Duration, limit: usize) -> Result<Output> {
    let name = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let mut child = command.spawn().map_err(|e| not_started(&name, e))?;
    let group = child.id();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        let (stdout, stderr) =
            tokio::join!(read_bounded(stdout, limit), read_bounded(stderr, limit));
        let status = child.wait().await.map_err(|e| {
            Error::failed(format!(
                "{name} was started, but its end could not be awaited."
            ))
            .because(e)
        })?;
        Ok(Output {
            code: status.code(),
            stdout,
            stderr,
        })
    };
    let outcome = tokio::time::timeout(deadline, whole).await;
    if let Ok(output) = outcome {
        return output;
    }
    end_group(group);
    let _ = reap(child).await;
    Err(Error::new(
        Code::Timeout,
        format!(
            "{name} did not finish within {} s and was ended.",
            deadline.as_secs_f32()
        ),
    ))
}

/// Ends every process of the group that `leader` leads, at once.
pub fn end_group(leader: Option<u32>) {
    #[cfg(unix)]
    signal_group(leader, rustix::process::Signal::KILL);
    #[cfg(not(unix))]
    let _ = leader;
}

/// Asks every process of the group that `leader` leads to end. Says nothing to them on Windows, which
/// has no such signal.
pub fn ask_group_to_end(leader: Option<u32>) {
    #[cfg(unix)]
    signal_group(leader, rustix::process::Signal::TERM);
    #[cfg(not(unix))]
    let _ = leader;
}

#[cfg(unix)]
fn signal_group(leader: Option<u32>, signal: rustix::process::Signal) {
    if let Some(pid) = leader
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw)
    {
        // The group may be gone already, which is what was wanted.
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// Ends every process of the session that `leader` leads: a shell with job control gives each job a
/// group of its own. Where there is no `/proc`, only the leader's group is ended.
pub fn end_session(leader: Option<u32>) {
    end_group(leader);
    #[cfg(target_os = "linux")]
    if let Some(leader) = leader {
        for pid in session_members(leader) {
            // It may be gone already, which is what was wanted.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(target_os = "linux")]
fn session_members(leader: u32) -> Vec<rustix::process::Pid> {
    let is_member = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The command's name stands in parentheses and may hold anything; then come state, parent,
        // group and session.
        stat.rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(3))
            .and_then(|session| session.parse().ok())
            == Some(leader)
    };
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_member(*pid))
        .filter_map(rustix::process::Pid::from_raw)
        .collect()
}

async fn reap(mut child: Child) -> std::io::Result<()> {
    child.start_kill()?;
    child.wait().await.map(drop)
}

fn not_started(name: &str, error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Error::new(Code::NotFound, format!("There is no program {name}.")).because(error);
    }
    Error::of_open_files(&error)
        .unwrap_or_else(|| Error::failed(format!("{name} could not be started: {error}.")))
}

/// Reads to the end but keeps only the first `limit` bytes, so that a child that never stops
/// talking neither blocks nor fills the memory.
async fn read_bounded(stream: Option<impl tokio::io::AsyncRead + Unpin>, limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else {
        return kept;
    };
    let mut buffer = vec![0_u8; 8192];
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        let room = limit.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..room]);
    }
    kept
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn shell(script: &str, environment: &Environment) -> Command {
        let mut command = command(Path::new("/bin/sh"), environment);
        command.args(["-c", script]);
        command
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(n, v)| (OsString::from(n), OsString::from(v)))
            .collect()
    }

    #[tokio::test]
    async fn a_child_sees_only_what_the_allow_list_names() {
        let inherited = variables(&[
            ("PATH", "/usr/bin:/bin"),
            ("LC_ALL", "C"),
            ("ANTHROPIC_API_KEY", "planted"),
            ("CLAUDE_CODE_OAUTH_TOKEN", "planted"),
            ("HTTPS_PROXY", "planted"),
            ("LD_PRELOAD", "planted"),
        ]);
        let environment = Environment::scrubbed(inherited).with("OWN", "yes");
        let done = output(shell("env", &environment), Duration::from_secs(10), 1 << 16)
            .await
            .unwrap();
        let seen = String::from_utf8(done.stdout).unwrap();
        assert!(seen.contains("OWN=yes") && seen.contains("LC_ALL=C"));
        assert!(!seen.contains("planted"), "{seen}");
    }

    #[tokio::test]
    async fn a_child_that_never_ends_is_ended_with_all_it_started() {
        let script = "sleep 600 & echo $!; wait";
        let (read, write) = std::io::pipe().unwrap();
        let mut command = shell(script, &Environment::scrubbed_own());
        command.stdout(write);
        let late = output(command, Duration::from_millis(300), 1 << 16)
            .await
            .unwrap_err();
        assert_eq!(late.code(), Code::Timeout);
        // The pipe's other end closes only when the grandchild is gone as well.
        let text = std::io::read_to_string(read).unwrap();
        assert!(text.trim().parse::<u32>().is_ok());
    }

    #[tokio::test]
    async fn endless_output_is_cut_and_the_exit_code_still_known() {
        let script = "head -c 1000000 /dev/zero; exit 3";
        let done = output(
            shell(script, &Environment::scrubbed_own()),
            Duration::from_secs(20),
            1000,
        )
        .await
        .unwrap();
        assert_eq!((done.stdout.len(), done.code), (1000, Some(3)));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_apart() {
        let nothing = command(Path::new("/nonexistent/program"), &Environment::default());
        let error = output(nothing, Duration::from_secs(1), 10)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
}
