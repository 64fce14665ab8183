//! What the user's ssh configuration makes of a destination.

use std::time::Duration;

use super::destination::Target;
use super::fault::Fault;
use super::options::Call;
use crate::child;
use crate::error::{Code, Error, Result};

/// How long `ssh -G` may take, which connects to nothing. A configuration can run programs (`Match exec`).
const DEADLINE: Duration = Duration::from_secs(10);

/// How much of its answer is read.
const ANSWER_MAX: usize = 256 * 1024;

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

/// Asks `ssh` what it makes of a destination. Connects to nothing.
///
/// # Errors
/// [`Code::BadInput`] where the configuration can't be read, else as [`child::output`].
pub async fn resolve(target: &Target) -> Result<Resolved> {
    let command = Call::new().flag("-G").to(target, None);
    let done = match child::output(command, DEADLINE, ANSWER_MAX).await {
        Err(error) if error.code() == Code::NotFound => return Err(Fault::no_ssh().into()),
        done => done?,
    };
    if done.code != Some(0) {
        let said = child::Tail::of(&done.stderr).text().unwrap_or_default();
        return Err(Error::bad_input(format!(
            "`ssh` can't make anything of {} ({said}).",
            target.destination.as_str()
        ))
        .hint("See whether your ~/.ssh/config is in order."));
    }
    let text = String::from_utf8_lossy(&done.stdout);
    let mut resolved = Resolved::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        match name {
            "hostname" => value.clone_into(&mut resolved.host),
            "user" => value.clone_into(&mut resolved.user),
            "port" => resolved.port = value.parse().ok(),
            _ => {}
        }
    }
    Ok(resolved)
}
