//! Four boxes on this machine: a real `sshd` with a user for each, a stand-in `claude` there, and the ways
//! to them that are measured.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use switchyard_tests::sshd::{Setup, Sshd};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::Measured;
use crate::place::{Place, Server, program};

/// The boxes, each a user of one `sshd`.
pub(super) const BOXES: [&str; 4] = ["one", "two", "three", "four"];
/// How many runs each takes at a time.
pub(super) const SLOTS: usize = 4;
/// The key that pays for all of it.
pub(super) const KEY: &str = "farm";
/// What a `claude` is called with by whoever has no Switchyard.
const CLAUDE: [&str; 7] = [
    ".local/bin/claude",
    "-p",
    "--model",
    super::MODEL,
    "--output-format",
    "stream-json",
    "--verbose",
];
/// A connection that is not there by then does not come.
const OPENED: Duration = Duration::from_secs(20);

/// Says what a finished run says: after the proof of who pays where it is driven by Switchyard, at once where
/// its prompt is an argument. Everything of it is done by the shell itself, so that little but the way to it
/// is measured.
const STAND_IN: &str = r#"#!/bin/sh
here=${0%/*}
[ "$1" != --version ] || { echo "2.1.330 (Claude Code)"; exit; }
[ ! -p "$here/began" ] || echo >"$here/began"
answer() { echo "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"$1\",\"response\":$2}}"; }
case "$*" in
  *--input-format*)
    read -r _
    answer initialize '{"account":{"tokenSource":"none","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}}'
    read -r _
    answer get_settings '{"effective":{}}'
    read -r _ ;;
esac
[ SECONDS = 0 ] || sleep SECONDS
lines='{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1","model":"MODEL","usage":{"input_tokens":3,"output_tokens":1}}},"ttft_ms":12}
{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}}
{"type":"stream_event","event":{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}}
{"type":"assistant","message":{"id":"m1","model":"MODEL","content":[{"type":"text","text":"Hello"}]},"request_id":"req_1"}
{"is_error":false,"subtype":"success","result":"Hello","stop_reason":"end_turn","type":"result"}'
echo "$lines"
"#;

/// The boxes, known to the store of a [`Place`].
pub(super) struct Boxes {
    pub(super) sshd: Sshd,
    /// The folder of what is needed to reach them without Switchyard.
    folder: tempfile::TempDir,
    // The server that the key was checked with.
    _server: Server,
}

impl Boxes {
    /// Starts them and tells a store of them.
    pub(super) async fn of(place: &Place) -> Measured<Self> {
        let setup = Setup {
            users: BOXES.map(|user| (user, "/bin/sh")).into(),
            // Four boxes would turn away four times as many at once as the one that plays them all.
            options: vec!["MaxStartups 100".to_owned()],
            ..Setup::default()
        };
        let boxes = Self {
            sshd: Sshd::with(&setup),
            folder: tempfile::Builder::new().prefix("sy").tempdir()?,
            _server: Server::start(["--events", "1"]).await?,
        };
        boxes.answering_after(0)?;
        boxes.write_configurations()?;
        place.add_key(KEY, &boxes._server.url).await?;
        let config = boxes.sshd.config().display().to_string();
        place.done(["settings", "farm.ssh_config", &config]).await?;
        let (port, slots) = (boxes.sshd.port().to_string(), SLOTS.to_string());
        let (identity, print) = (boxes.sshd.identity(), boxes.sshd.key().fingerprint());
        for name in BOXES {
            let at = boxes.sshd.destination(name);
            let add = ["hosts", "add", name, &at, "--port", &port];
            let more = ["--identity", &identity, "--slots", &slots];
            place.done(add.into_iter().chain(more)).await?;
            place
                .done(["hosts", "pin", name, "--fingerprint", &print])
                .await?;
        }
        Ok(boxes)
    }

    /// Lets every `claude` take so many seconds for its answer.
    pub(super) fn answering_after(&self, seconds: u32) -> Measured<()> {
        let text = STAND_IN
            .replace("SECONDS", &seconds.to_string())
            .replace("MODEL", super::MODEL);
        for user in BOXES {
            let path = self.sshd.home(user).join(".local/bin/claude");
            // The tests' own stand-in stands there at first, as a link.
            std::fs::remove_file(path)?;
            self.sshd.program(user, "claude", &text);
        }
        Ok(())
    }

    /// Makes the pipe by which the `claude` of a box tells that it has begun.
    pub(super) fn began(&self, user: &str) -> Measured<Began> {
        let path = self.sshd.home(user).join(".local/bin/began");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode)?;
        // Held open at both ends, so that nobody waits for the other one.
        let pipe = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(&path)?;
        Ok(Began { pipe, path })
    }

    /// Writes what `ssh` has to know: the boxes, and the same with the connections of [`Connections`].
    fn write_configurations(&self) -> Measured<()> {
        let key = self.sshd.key();
        let known = self.folder.path().join("known");
        std::fs::write(&known, format!("box {key}\n"))?;
        let mut plain = String::new();
        for user in BOXES {
            plain += &format!("Host {user}\n  User {user}\n");
        }
        plain += &format!(
            "Host *\n  HostName 127.0.0.1\n  Port {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  BatchMode yes\n  \
             HostKeyAlias box\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  LogLevel ERROR\n",
            self.sshd.port(),
            self.sshd.identity(),
            known.display(),
        );
        std::fs::write(self.config(Over::NewConnections), &plain)?;
        let sockets = self.folder.path().join("%n.s");
        let shared = format!("{plain}  ControlPath {}\n", sockets.display());
        std::fs::write(self.config(Over::OpenConnections), shared)?;
        Ok(())
    }

    fn config(&self, over: Over) -> PathBuf {
        self.folder.path().join(match over {
            Over::NewConnections => "plain",
            Over::OpenConnections => "shared",
        })
    }

    /// Opens a connection to every box, for whoever reaches them without Switchyard.
    pub(super) async fn connect(&self) -> Measured<Connections> {
        let mut connections = Vec::new();
        for user in BOXES {
            let socket = self.folder.path().join(format!("{user}.s"));
            // What is left of one that was ended would be taken for it.
            let _ = std::fs::remove_file(&socket);
            let mut ssh = self.ssh(Over::OpenConnections, user);
            connections.push(ssh.args(["-M", "-N", "-T"]).spawn()?);
            there(&socket).await?;
        }
        Ok(Connections(connections))
    }

    fn ssh(&self, over: Over, user: &str) -> Command {
        let mut ssh = program(Path::new("ssh"));
        ssh.arg("-F").arg(self.config(over)).arg(user);
        ssh
    }

    /// Prepares the `claude` of a box with a prompt, through `ssh` and a connection that is open.
    pub(super) fn over_ssh(&self, user: &str) -> Command {
        let mut ssh = self.ssh(Over::OpenConnections, user);
        ssh.args(CLAUDE).arg("Hello.");
        ssh
    }

    /// Prepares the same job as Switchyard's, an environment and folders of its own and a time limit, through
    /// `ssh` and a connection that is open. What it is to do goes to its standard input.
    pub(super) fn job_over_ssh(&self, user: &str) -> Command {
        let mut ssh = self.ssh(Over::OpenConnections, user);
        ssh.arg(switchyard_core::farm::worker())
            .stdin(Stdio::piped());
        ssh
    }

    /// Prepares GNU parallel: the `claude` of the boxes, each prompt of a file by itself.
    pub(super) fn parallel(&self, over: Over, prompts: &Path) -> Measured<Command> {
        // Its own way to say that its notice was read (parallel(1), --citation).
        let own = self.folder.path().join(".parallel");
        std::fs::create_dir_all(&own)?;
        std::fs::write(own.join("will-cite"), "")?;
        let mut parallel = program(Path::new("parallel"));
        parallel
            .env("HOME", self.folder.path())
            .arg(format!("-j{SLOTS}"))
            .arg("--arg-file")
            .arg(prompts);
        for user in BOXES {
            // With the number of processors said, none has to be asked for it.
            let config = self.config(over).display().to_string();
            parallel.arg(format!("--sshlogin=2/ssh -F {config} {user}"));
        }
        parallel.args(CLAUDE).arg("{}").stdout(Stdio::piped());
        Ok(parallel)
    }
}

/// How the boxes are reached without Switchyard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    NewConnections,
    OpenConnections,
}

/// Connections of the boxes. They end with their processes, which end with this.
pub(super) struct Connections(
    #[expect(dead_code, reason = "held, and ended when they are dropped")] Vec<Child>,
);

/// Where the `claude` of a box tells that it has begun.
pub(super) struct Began {
    pipe: pipe::Receiver,
    path: PathBuf,
}

impl Began {
    /// Waits until one has.
    pub(super) async fn next(&mut self) -> Measured<Instant> {
        let mut byte = [0];
        self.pipe.read_exact(&mut byte).await?;
        Ok(Instant::now())
    }
}

impl Drop for Began {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn there(socket: &Path) -> Measured<()> {
    let looks = async {
        while !socket.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let opened = tokio::time::timeout(OPENED, looks).await;
    opened.map_err(|_| "no connection to the boxes could be opened".into())
}
