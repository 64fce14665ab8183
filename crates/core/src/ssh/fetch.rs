//! A box's host key, seen without logging in.

use std::path::Path;
use std::time::Duration;

use super::destination::Target;
use super::fault::Fault;
use super::host_key::HostKey;
use super::master::scratch;
use super::options::{ALIAS, Call};
use crate::child;
use crate::error::{Code, Error, Result};

/// How much is read of what `ssh` says.
const SAID_MAX: usize = 64 * 1024;

/// Asks a box for its host key, by way of the user's jump hosts where there are any. Nothing proves yet
/// that it is the right box: that is for the user to say. No key and no agent of the user's is used, and no
/// login is tried.
///
/// # Errors
/// A fault of the connection in words; [`Code::Timeout`] past `patience`.
pub async fn fetch(folder: &Path, target: &Target, patience: Duration) -> Result<HostKey> {
    let known = scratch(folder, "k")?;
    let seconds = patience.as_secs().max(1).to_string();
    let command = Call::new()
        // With no method to log in by, the box refuses us as soon as it has shown its key.
        .option("PreferredAuthentications", "none")
        .option("IdentityAgent", "none")
        .option("StrictHostKeyChecking", "accept-new")
        .path("UserKnownHostsFile", known.path())?
        .option("HostKeyAlias", ALIAS)
        .option("ControlMaster", "no")
        .option("ControlPath", "none")
        .option("ConnectTimeout", &seconds)
        .flag("-T")
        .flag("-n")
        // A command of its own, or a box that lets everybody in would give a shell.
        .to(target, Some("exit"));
    let done = match child::output(command, patience, SAID_MAX).await {
        Err(error) if error.code() == Code::Timeout => {
            return Err(Fault::silent(&target.name, patience).into());
        }
        Err(error) if error.code() == Code::NotFound => return Err(Fault::no_ssh().into()),
        done => done?,
    };
    let written = std::fs::read_to_string(known.path()).unwrap_or_default();
    let key = written
        .lines()
        .find_map(|line| HostKey::parse(line.strip_prefix(ALIAS)?.trim()).ok());
    key.ok_or_else(|| {
        let said = child::Tail::of(&done.stderr).text();
        Error::from(Fault::read(&target.name, said.as_deref()))
    })
}
