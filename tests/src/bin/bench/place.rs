//! A store, a vault and servers of the bench's own, all of which go with it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use switchyard_core::paths::Paths;
use switchyard_core::secret::Passphrase;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::Measured;

/// A throw-away store whose vault an agent keeps open.
pub(crate) struct Place {
    folder: TempDir,
    passphrase: String,
    agent: Child,
}

impl Place {
    /// Makes a store with a vault, and starts the agent that keeps it open.
    pub(crate) async fn with_open_vault() -> Measured<Self> {
        // Short, because a socket's path may have 107 bytes at most.
        let folder = tempfile::Builder::new().prefix("sy").tempdir()?;
        let passphrase = uuid::Uuid::new_v4().to_string();
        let init = [
            "vault",
            "init",
            "--no-keychain",
            "--no-recovery",
            "--passphrase-fd",
            "0",
        ];
        fed(own(folder.path(), init)?, &passphrase).await?;
        let mut agent = own(folder.path(), ["agent", "--until-locked"])?
            .stdout(Stdio::piped())
            .spawn()?;
        first_line(&mut agent).await?;
        let unlock = ["vault", "unlock", "--passphrase-fd", "0"];
        fed(own(folder.path(), unlock)?, &passphrase).await?;
        Ok(Self {
            folder,
            passphrase,
            agent,
        })
    }

    /// Ends the agent in order.
    pub(crate) async fn close(mut self) -> Measured<()> {
        fed(self.switchyard(["vault", "lock"])?, "").await?;
        self.agent.wait().await?;
        Ok(())
    }

    pub(crate) fn paths(&self) -> Paths {
        Paths::under(self.folder.path())
    }

    pub(crate) fn passphrase(&self) -> Passphrase {
        Passphrase::new(self.passphrase.clone())
    }

    /// Writes a file that lasts as long as the place.
    pub(crate) fn file(&self, name: &str, text: &[u8]) -> Measured<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Stores a made-up key for a server of this machine; returns the key.
    pub(crate) async fn add_key(&self, name: &str, url: &str) -> Measured<String> {
        let key = format!("sk-ant-api03-simulated-{}", uuid::Uuid::new_v4().simple());
        let add = ["keys", "add", name, "--base-url", url];
        fed(self.switchyard(add)?, &key).await?;
        Ok(key)
    }

    /// Runs a command of `switchyard` to its end, and expects that it succeeds.
    pub(crate) async fn done<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Measured<()> {
        fed(self.switchyard(arguments)?, "").await
    }

    /// Prepares the `switchyard` of the same build, on this store.
    pub(crate) fn switchyard<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Measured<Command> {
        own(self.folder.path(), arguments)
    }
}

/// The simulator as a program, ended when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    // Its standard input: the simulator ends with it, even if nobody ends it.
    _alive: Option<ChildStdin>,
    _child: Child,
}

impl Server {
    /// Starts the simulator with these arguments.
    pub(crate) async fn start<S: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = S>,
    ) -> Measured<Self> {
        let mut child = program(&beside("switchyard-simulator")?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ready: serde_json::Value = serde_json::from_str(&first_line(&mut child).await?)?;
        let url = ready["url"]
            .as_str()
            .ok_or("the simulator did not say where it is")?;
        Ok(Self {
            url: url.to_owned(),
            _alive: child.stdin.take(),
            _child: child,
        })
    }
}

/// Prepares a program with no input and no output, which is ended when its handle is dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "the bench's own door for processes"
)]
pub(crate) fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

fn own<S: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = S>) -> Measured<Command> {
    let mut command = program(&beside("switchyard")?);
    command
        .env("HOME", home)
        .env("SWITCHYARD_HOME", home)
        // No keychain of the real user.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        .args(arguments);
    Ok(command)
}

/// Returns a program that was built with this one.
fn beside(name: &str) -> Measured<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    match path.is_file() {
        true => Ok(path),
        false => Err(format!("`{name}` is not built; start this with ./dev bench").into()),
    }
}

/// Runs a command to its end with `input`, and expects that it succeeds.
async fn fed(mut command: Command, input: &str) -> Measured<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input.as_bytes()).await?;
    }
    let done = child.wait_with_output().await?;
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).into())
}

async fn first_line(child: &mut Child) -> Measured<String> {
    let output = child.stdout.take().ok_or("its output is not a pipe")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).await?;
    if line.is_empty() {
        return Err("a program ended before it was ready".into());
    }
    Ok(line)
}
