//! One connection to a box, over which several commands run side by side.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openssh::Session;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::destination::Target;
use super::fault::{Fault, Kind};
use super::host_key::HostKey;
use super::options::{ALIAS, Call};
use crate::child::{self, Tail};
use crate::db::{private_folder, write_private};
use crate::error::{Error, Result};

/// The most bytes of a socket's path, less the random letters that `ssh` puts behind it for a moment.
const SOCKET_PATH_MAX: usize = 107 - 17;

/// How often a connection that is being opened is looked at. `ssh` tells nobody that it is ready; its
/// socket is there from the moment when it is.
const LOOK: Duration = Duration::from_millis(4);

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the start to the moment when we are logged in.
    pub connect: Duration,
    /// From asking for a session to having it.
    pub session: Duration,
}

/// Names the folder of sockets, which need not be there.
#[must_use]
pub fn folder_of(runtime: &Path) -> PathBuf {
    runtime.join("s")
}

/// Makes the private folder of sockets.
///
/// # Errors
/// When it can't be made, is not ours, or its path is too long for a socket.
pub fn folder(runtime: &Path) -> Result<PathBuf> {
    let folder = folder_of(runtime);
    if folder.as_os_str().len() + "/4194304-1000000.s".len() > SOCKET_PATH_MAX {
        return Err(Error::bad_input(format!(
            "The folder {} is too long to hold the socket of a connection.",
            runtime.display()
        ))
        .hint("Set XDG_RUNTIME_DIR, or SWITCHYARD_HOME, to a shorter path."));
    }
    private_folder(&folder)?;
    Ok(folder)
}

/// Ends the connections of processes that were killed before they could, and removes their files.
pub async fn sweep(folder: &Path) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in files.map(|file| file.path()) {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let owner = name
            .split_once('-')
            .and_then(|(owner, _)| owner.parse().ok());
        let is_gone = owner
            .and_then(rustix::process::Pid::from_raw)
            .is_some_and(|owner| rustix::process::test_kill_process(owner).is_err());
        if !is_gone {
            continue;
        }
        if name.ends_with(".s")
            && let Ok(call) = Call::new().path("ControlPath", &path)
        {
            // The destination is only a word here: the socket says which connection is meant.
            let exit = call.flag("-O").flag("exit").command(&["--", "x"]);
            let _ = child::output(exit, Duration::from_secs(5), 4096).await;
        }
        let _ = std::fs::remove_file(&path);
    }
}

/// A file of ours that goes with its owner.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Names a file that nobody else has; `kind` ends its name.
pub(super) fn scratch(folder: &Path, kind: &str) -> Result<Scratch> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    private_folder(folder)?;
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{}-{number}.{kind}", std::process::id()));
    // What a killed process of the same number left behind.
    let _ = std::fs::remove_file(&path);
    Ok(Scratch(path))
}

/// An open connection. Dropping it ends it, with every command that runs over it.
pub struct Master {
    name: String,
    leader: Option<u32>,
    /// Cancelled when `ssh` has ended.
    ended: CancellationToken,
    session: Arc<Session>,
    tail: Tail,
    patience: Patience,
    _files: Files,
}

/// What a connection has in the folder of sockets.
struct Files {
    socket: Scratch,
    /// The pinned keys.
    known: Scratch,
}

impl Files {
    fn make(folder: &Path, pinned: &[HostKey]) -> Result<Self> {
        let files = Self {
            socket: scratch(folder, "s")?,
            known: scratch(folder, "k")?,
        };
        let lines: String = pinned
            .iter()
            .map(|key| format!("{ALIAS} {key}\n"))
            .collect();
        write_private(files.known.path(), lines.as_bytes())?;
        Ok(files)
    }

    /// Returns what opens the connection.
    fn command(&self, target: &Target, connect: Duration) -> Result<Command> {
        let call = Call::new()
            .flag("-M")
            .flag("-N")
            .flag("-T")
            .option("StrictHostKeyChecking", "yes")
            .path("UserKnownHostsFile", self.known.path())?
            .path("ControlPath", self.socket.path())?
            .option("HostKeyAlias", ALIAS)
            .option("ConnectTimeout", &connect.as_secs().max(1).to_string());
        let mut command = call.to(target, None);
        command.stdout(Stdio::null());
        Ok(command)
    }
}

/// An `ssh` that was started and is not logged in yet.
struct Starting {
    process: Child,
    leader: Option<u32>,
    tail: Tail,
    reading: Option<JoinHandle<()>>,
}

impl Starting {
    fn new(mut command: Command) -> Result<Self, Fault> {
        let not_started = |error| Fault::of_this_machine(&error).unwrap_or_else(Fault::no_ssh);
        let mut process = command.spawn().map_err(not_started)?;
        let (leader, tail) = (process.id(), Tail::default());
        let errors = process.stderr.take();
        let reading = errors.map(|errors| tokio::spawn(tail.clone().follow(errors)));
        Ok(Self {
            process,
            leader,
            tail,
            reading,
        })
    }

    /// Waits until it is logged in, which its socket shows.
    async fn ready(&mut self, socket: &Scratch, name: &str, limit: Duration) -> Result<(), Fault> {
        let deadline = Instant::now() + limit;
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = self.process.wait() => {
                    if let Some(reading) = self.reading.take() {
                        let _ = timeout(Duration::from_secs(1), reading).await;
                    }
                    return Err(Fault::read(name, self.tail.text().as_deref()));
                }
                () = sleep_until(deadline) => {
                    child::end_session(self.leader);
                    return Err(Fault::silent(name, limit));
                }
                _ = looks.tick() => if socket.path().exists() { return Ok(()) },
            }
        }
    }
}

/// A command on the box, with its pipes. Dropping it closes them, which is how the command learns that
/// nobody waits for it any more.
pub struct Channel {
    /// What the command reads.
    pub input: openssh::ChildStdin,
    /// What it writes.
    pub output: openssh::ChildStdout,
    /// What it says besides.
    pub errors: openssh::ChildStderr,
    /// What keeps the command's session open.
    pub held: Held,
    /// Cancelled when the connection has ended.
    pub ended: CancellationToken,
}

/// Keeps a command's session open, and its connection.
#[expect(dead_code, reason = "held, and dropped")]
pub struct Held(openssh::Child<Arc<Session>>, Arc<Master>);

impl Master {
    /// Opens a connection to a box that shows one of the `pinned` keys.
    ///
    /// # Errors
    /// What stands in the way; nothing that is ours has been sent then. Without a pinned key it is not
    /// even tried.
    pub async fn open(
        folder: &Path,
        target: &Target,
        pinned: &[HostKey],
        patience: Patience,
    ) -> Result<Self, Fault> {
        let files = Files::make(folder, pinned);
        let (files, command) = files
            .and_then(|files| {
                let command = files.command(target, patience.connect)?;
                Ok((files, command))
            })
            .map_err(|error| Fault::new(Kind::NoSsh, error))?;
        let mut ssh = Starting::new(command)?;
        ssh.ready(&files.socket, &target.name, patience.connect)
            .await?;
        let ended = CancellationToken::new();
        let has_ended = ended.clone();
        let (leader, tail) = (ssh.leader, ssh.tail);
        let mut process = ssh.process;
        tokio::spawn(async move {
            let _ = process.wait().await;
            has_ended.cancel();
        });
        let socket = files.socket.path().into();
        Ok(Self {
            name: target.name.clone(),
            leader,
            ended,
            session: Arc::new(Session::resume_mux(socket, None)),
            tail,
            patience,
            _files: files,
        })
    }

    /// Tells whether the connection stands, as far as is known here.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.ended.is_cancelled()
    }

    /// Starts a command. It is a text of ours, handed to the login shell of the box as it is.
    ///
    /// # Errors
    /// [`Kind::Full`] when the box allows no further session over this connection, [`Kind::NoSsh`] when this
    /// machine has no room for one, [`Kind::Lost`] and [`Kind::TimedOut`] when none can be had over it.
    pub async fn start(self: &Arc<Self>, command: &'static str) -> Result<Channel, Fault> {
        let mut remote = Arc::clone(&self.session).arc_raw_command(command);
        remote
            .stdin(openssh::Stdio::piped())
            .stdout(openssh::Stdio::piped())
            .stderr(openssh::Stdio::piped());
        let started = tokio::select! {
            biased;
            () = self.ended.cancelled() => return Err(self.lost()),
            started = timeout(self.patience.session, remote.spawn()) => started,
        };
        let mut started = match started {
            Ok(Ok(child)) => child,
            Ok(Err(error)) => return Err(self.refused(&error)),
            Err(_) => return Err(Fault::silent(&self.name, self.patience.session)),
        };
        let pipes = (
            started.stdin().take(),
            started.stdout().take(),
            started.stderr().take(),
        );
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(self.lost());
        };
        Ok(Channel {
            input,
            output,
            errors,
            held: Held(started, Arc::clone(self)),
            ended: self.ended.clone(),
        })
    }

    /// Tells a box that allows no further session from a connection that has broken.
    fn refused(&self, error: &openssh::Error) -> Fault {
        if let Some(fault) = Fault::of_this_machine(error) {
            return fault;
        }
        let mut said = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            said = format!("{said}: {cause}");
            source = cause.source();
        }
        match said.contains("refused by peer") {
            true => Fault::full(&self.name),
            false => Fault::lost(&self.name, Some(&crate::text::shown(&said, 200))),
        }
    }

    /// Ends the connection, with every command that runs over it.
    pub fn end(&self) {
        if self.is_alive() {
            // With it goes the program of a jump host.
            child::end_session(self.leader);
        }
    }

    /// Words a connection that has ended.
    #[must_use]
    pub fn lost(&self) -> Fault {
        Fault::lost(&self.name, self.tail.text().as_deref())
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.end();
    }
}
