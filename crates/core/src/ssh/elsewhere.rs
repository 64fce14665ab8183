//! Where `ssh` can't share a connection between runs: hosts can be told of, and nothing is sent to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{Empty, Sink};
use tokio_util::sync::CancellationToken;

use super::destination::Target;
use super::fault::{Fault, Kind};
use super::host_key::HostKey;
use crate::error::{Error, Result};

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the start to the moment when we are logged in.
    pub connect: Duration,
    /// From asking for a session to having it.
    pub session: Duration,
}

/// A command on the box, with its pipes.
pub struct Channel {
    /// What the command reads.
    pub input: Sink,
    /// What it writes.
    pub output: Empty,
    /// What it says besides.
    pub errors: Empty,
    /// What keeps the command's session open.
    pub held: (),
    /// Cancelled when the connection has ended.
    pub ended: CancellationToken,
}

/// An open connection, of which there is none.
pub struct Master(());

/// What a destination stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The host's real name or address.
    pub host: String,
    /// The user's name there.
    pub user: String,
    /// The port.
    pub port: Option<u16>,
}

impl Master {
    /// Opens no connection.
    ///
    /// # Errors
    /// Always.
    pub async fn open(
        _folder: &Path,
        _target: &Target,
        _pinned: &[HostKey],
        _patience: Patience,
    ) -> Result<Self, Fault> {
        Err(Fault::new(Kind::NoSsh, not_here()))
    }

    /// Starts nothing.
    ///
    /// # Errors
    /// Always.
    pub async fn start(self: &Arc<Self>, _command: &'static str) -> Result<Channel, Fault> {
        Err(Fault::new(Kind::NoSsh, not_here()))
    }

    /// Tells that there is no connection.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        false
    }

    /// Ends nothing.
    pub fn end(&self) {}
}

/// Makes no folder of sockets.
///
/// # Errors
/// Always.
pub fn folder(_runtime: &Path) -> Result<PathBuf> {
    Err(not_here())
}

/// Names the folder that would hold sockets.
#[must_use]
pub fn folder_of(runtime: &Path) -> PathBuf {
    runtime.join("s")
}

/// Has nothing to look after.
pub async fn sweep(_folder: &Path) {}

/// Asks no box for its key.
///
/// # Errors
/// Always.
pub async fn fetch(_folder: &Path, _target: &Target, _patience: Duration) -> Result<HostKey> {
    Err(not_here())
}

/// Asks nobody what a destination stands for.
///
/// # Errors
/// Always.
pub async fn resolve(_target: &Target) -> Result<Resolved> {
    Err(not_here())
}

fn not_here() -> Error {
    Error::failed(
        "The farm needs an OpenSSH that shares connections, which this system's does not.",
    )
    .hint("Use the farm from Linux or macOS; on Windows, from its subsystem for Linux.")
}
