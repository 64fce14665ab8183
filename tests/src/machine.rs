//! A home, a runtime folder and an environment of a test's own, and the real binaries run in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use switchyard_core::paths::Paths;

/// A place in which nothing of the real user is seen and nothing of it is changed.
pub struct Machine {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    /// What opens the vault, once there is one.
    pub(crate) passphrase: String,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// Expects success and returns standard output.
    #[must_use]
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(
            self.code,
            Some(0),
            "it failed:\n{}\n{}",
            self.stdout,
            self.stderr
        );
        self.stdout
    }

    /// Expects success, whatever was said.
    #[track_caller]
    pub fn expect_success(self) {
        let _ = self.succeeded();
    }

    /// Expects this exit code and returns standard error.
    #[must_use]
    #[track_caller]
    pub fn failed_with(self, code: i32) -> String {
        assert_eq!(
            self.code,
            Some(code),
            "it said:\n{}\n{}",
            self.stdout,
            self.stderr
        );
        self.stderr
    }

    /// Reads standard output as JSON lines.
    #[must_use]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect()
    }
}

impl Machine {
    /// Makes an empty home without a keyring.
    #[must_use]
    pub fn new() -> Self {
        // Short, because a socket's path may have 107 bytes at most.
        let folder = tempfile::Builder::new()
            .prefix("sy")
            .tempdir()
            .expect("a temporary folder");
        let mut private = std::fs::DirBuilder::new();
        private.mode(0o700);
        for name in ["home", "run"] {
            private.create(folder.path().join(name)).expect("a folder");
        }
        let at = |name: &str| folder.path().join(name).display().to_string();
        let variables = BTreeMap::from([
            ("HOME".to_owned(), at("home")),
            ("XDG_RUNTIME_DIR".to_owned(), at("run")),
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("SHELL".to_owned(), "/bin/sh".to_owned()),
            // No session bus: a keyring is only there where a test brings one.
            (
                "DBUS_SESSION_BUS_ADDRESS".to_owned(),
                "unix:path=/nonexistent".to_owned(),
            ),
        ]);
        Self {
            folder,
            variables,
            passphrase: String::new(),
        }
    }

    /// Sets a variable for every command that follows.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Returns the folder that holds everything of this machine.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the environment of every command.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Returns the home folder.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns the folders of this machine's store.
    #[must_use]
    pub fn paths(&self) -> Paths {
        Paths::new(
            self.home().join(".local/share/switchyard"),
            self.folder.path().join("run/switchyard"),
        )
    }

    /// Runs `switchyard` with nothing on standard input.
    #[must_use]
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.run_with(arguments, "")
    }

    /// Runs `switchyard` with `input` on standard input.
    #[must_use]
    pub fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Outcome {
        finish(self.start(arguments), input)
    }

    /// Starts `switchyard` with piped streams.
    #[must_use]
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        self.spawn(&binary("switchyard"), arguments)
    }

    /// Starts any program in this machine's environment, with piped streams.
    #[must_use]
    pub fn spawn<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Child {
        command(program)
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} could not be started: {error}", program.display()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The agent that an unlock started is nobody's child any more, and outlives its test.
        self.end_agent();
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives a child its input and waits for its end.
#[must_use]
pub fn finish(mut child: Child, input: &str) -> Outcome {
    if let Some(mut pipe) = child.stdin.take() {
        // A child that ends early closes its end, which is no failure of the test.
        let _ = pipe.write_all(input.as_bytes());
    }
    let done = child.wait_with_output().expect("the child can be awaited");
    Outcome {
        code: done.status.code(),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

/// Returns one of the workspace's own binaries, built beside this test.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let folder = test.ancestors().find(|folder| folder.join(name).is_file());
    folder
        .unwrap_or_else(|| panic!("`{name}` is not built; run the tests with ./dev test"))
        .join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own door for processes"
)]
pub(crate) fn command(program: &Path) -> Command {
    Command::new(program)
}
