//! Why a connection could not be opened, or ended: read from what `ssh` says, which is in English always.

use std::time::Duration;

use crate::error::{Code, Error};
use crate::text::shown;

/// What stands behind a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The box showed another key than the pinned one.
    HostKeyChanged,
    /// The box did not let us in.
    Denied,
    /// There is no way to the box, or nothing answers there.
    Unreachable,
    /// The box accepted the connection and then kept silent.
    TimedOut,
    /// The box takes no further connection for the moment.
    TurnedAway,
    /// The connection has as many sessions as the box allows.
    Full,
    /// The connection was lost.
    Lost,
    /// There is no `ssh` here, or it can't be used: no word about the box.
    NoSsh,
}

/// Why a connection could not be opened, or ended.
#[derive(Debug)]
pub struct Fault {
    /// What stands behind it.
    pub kind: Kind,
    /// What happened, what it means, what to do.
    pub error: Error,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.error
    }
}

impl Fault {
    pub(super) fn new(kind: Kind, error: Error) -> Self {
        Self { kind, error }
    }

    /// Makes the same fault once more, for another caller.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.kind, self.error.again())
    }

    pub(super) fn no_ssh() -> Self {
        let error = Error::failed("`ssh` could not be started on this machine.")
            .hint("Install OpenSSH's client (on Debian and Ubuntu: apt install openssh-client).");
        Self::new(Kind::NoSsh, error)
    }

    /// Words an error of this machine, such as no room for another file, and none of the box; `None` for others.
    pub(super) fn of_this_machine(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        Error::of_open_files(error).map(|error| Self::new(Kind::NoSsh, error))
    }

    pub(super) fn silent(name: &str, limit: Duration) -> Self {
        let error = Error::new(
            Code::Timeout,
            format!(
                "{} did not let us in within {} s, so the connection was given up. Nothing was sent.",
                shown(name, 60),
                limit.as_secs_f32()
            ),
        )
        .hint("See whether the box is up and its network lets SSH through.");
        Self::new(Kind::TimedOut, error)
    }

    /// Words a connection that has as many sessions as the box allows.
    #[must_use]
    pub fn full(name: &str) -> Self {
        let error = Error::new(
            Code::HostFailed,
            format!("{} takes no further session.", shown(name, 60)),
        )
        .hint("Give the host fewer slots, or raise MaxSessions in its sshd_config.");
        Self::new(Kind::Full, error)
    }

    pub(super) fn lost(name: &str, said: Option<&str>) -> Self {
        let error = Error::new(
            Code::HostFailed,
            format!(
                "The connection to {} was lost{}.",
                shown(name, 60),
                in_brackets(said)
            ),
        )
        .hint("See whether the box is still up.");
        Self::new(Kind::Lost, error)
    }

    /// Reads what `ssh` said before it ended.
    pub(super) fn read(name: &str, said: Option<&str>) -> Self {
        let text = said.unwrap_or_default();
        let name = shown(name, 60);
        let has = |part: &str| text.contains(part);
        if has("Host key verification failed") || has("HOST IDENTIFICATION HAS CHANGED") {
            let error = Error::new(
                Code::HostKey,
                format!(
                    "{name} showed another host key than the one that is pinned, so the connection was ended. \
                     Nothing was sent."
                ),
            )
            .hint(
                "If the box was set up anew, look at its key there (ssh-keygen -lf \
                 /etc/ssh/ssh_host_ed25519_key.pub) and pin it. If not, somebody stands between.",
            );
            return Self::new(Kind::HostKeyChanged, error);
        }
        // `ssh` is started by `setsid`, which is there.
        if has("failed to execute ssh") {
            return Self::no_ssh();
        }
        if has("Permission denied") || has("Too many authentication failures") {
            let error = Error::new(
                Code::HostFailed,
                format!("{name} did not let us in{}.", in_brackets(said)),
            )
            .hint(
                "See that `ssh` to it works without asking for anything: the right user, a key in the agent \
                 or one that is named with the host.",
            );
            return Self::new(Kind::Denied, error);
        }
        if has("timed out") || has("Timeout") || has("not responding") {
            let error = Error::new(
                Code::Timeout,
                format!("{name} did not answer in time{}.", in_brackets(said)),
            )
            .hint("See whether the box is up and its network lets SSH through.");
            return Self::new(Kind::TimedOut, error);
        }
        if has("kex_exchange_identification") {
            let error = Error::new(
                Code::HostFailed,
                format!("{name} turned the connection away{}.", in_brackets(said)),
            )
            .hint("It may have too many connections at once (MaxStartups in its sshd_config).");
            return Self::new(Kind::TurnedAway, error);
        }
        let error = Error::new(
            Code::HostFailed,
            format!("{name} can't be reached{}.", in_brackets(said)),
        )
        .hint("See whether the box is up, its name is right, and its network lets SSH through.");
        Self::new(Kind::Unreachable, error)
    }
}

fn in_brackets(said: Option<&str>) -> String {
    // Some of it begins with its own name.
    said.map(|said| said.strip_prefix("ssh: ").unwrap_or(said))
        .map_or_else(String::new, |said| format!(" (`ssh`: {said})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_told_apart() {
        // As OpenSSH 9.2 says it; of the first the last line alone is certain to be there.
        for (said, kind, code) in [
            (
                "Host key verification failed.",
                Kind::HostKeyChanged,
                Code::HostKey,
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @",
                Kind::HostKeyChanged,
                Code::HostKey,
            ),
            (
                "me@box: Permission denied (publickey).",
                Kind::Denied,
                Code::HostFailed,
            ),
            (
                "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures",
                Kind::Denied,
                Code::HostFailed,
            ),
            (
                "ssh: connect to host box port 22: Connection timed out",
                Kind::TimedOut,
                Code::Timeout,
            ),
            (
                "Connection timed out during banner exchange",
                Kind::TimedOut,
                Code::Timeout,
            ),
            (
                "kex_exchange_identification: Connection closed by remote host",
                Kind::TurnedAway,
                Code::HostFailed,
            ),
            (
                "ssh: connect to host box port 22: Connection refused",
                Kind::Unreachable,
                Code::HostFailed,
            ),
            (
                "ssh: Could not resolve hostname box: Name or service not known",
                Kind::Unreachable,
                Code::HostFailed,
            ),
            (
                "setsid: failed to execute ssh: No such file or directory",
                Kind::NoSsh,
                Code::Failed,
            ),
        ] {
            let fault = Fault::read("box", Some(said));
            assert_eq!((fault.kind, fault.error.code()), (kind, code), "{said}");
            assert!(fault.error.advice().is_some(), "{said}");
            // Whoever reads of a changed key must not be handed the command that pins it.
            assert_eq!(fault.error.failure().remedy, None, "{said}");
        }
        let name = "\u{202E}box".repeat(50);
        let fault = Fault::read(&name, None);
        assert!(!fault.error.message().contains('\u{202E}') && fault.error.message().len() < 200);
    }
}
