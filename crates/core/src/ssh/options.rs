//! How `ssh` is called: the one place that knows its command line.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::destination::Target;
use crate::child::{self, Environment};
use crate::error::{Error, Result};

/// The name under which a box's key is pinned. It stands for whatever host is connected to, because the
/// file holds the keys of one box alone.
pub(super) const ALIAS: &str = "pinned-host";

/// The agent that holds the user's keys; nothing else of ours is needed besides the allow-list.
const AGENT: &str = "SSH_AUTH_SOCK";

/// What holds for every call. The command line is read before any configuration, and of each option the
/// first value counts: so nothing here can be set otherwise. Source: `ssh_config(5)` of OpenSSH 9.2.
const ALWAYS: &[&str] = &[
    // Nothing asks anybody, and nothing waits for an answer.
    "BatchMode=yes",
    // The box may use nothing of this machine: no agent, no display, no port, no tunnel, no ticket.
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "Tunnel=no",
    "GSSAPIDelegateCredentials=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    "AddKeysToAgent=no",
    // Only the file of pinned keys says which box is the right one; also for loopback addresses, for
    // which a configuration can switch the check off.
    "GlobalKnownHostsFile=/dev/null",
    "KnownHostsCommand=none",
    "VerifyHostKeyDNS=no",
    "NoHostAuthenticationForLocalhost=no",
    "CheckHostIP=no",
    "UpdateHostKeys=no",
    "HashKnownHosts=no",
    // What goes wrong is read; a banner is not.
    "LogLevel=ERROR",
    "ConnectionAttempts=1",
    // A connection that has died is noticed within half a minute, and not when the next run waits for it.
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "TCPKeepAlive=yes",
    "ForkAfterAuthentication=no",
    "ControlPersist=no",
];

/// A call of `ssh` that is being put together.
pub(super) struct Call {
    command: Command,
}

impl Call {
    /// Begins one. It runs in a session of its own, without our terminal: neither it nor an `ssh` that it
    /// starts for a jump host can ask for a password.
    pub(super) fn new() -> Self {
        let mut environment = Environment::scrubbed_own();
        if let Some(agent) = std::env::var_os(AGENT) {
            environment = environment.with(AGENT, agent);
        }
        let mut command = child::session_command(Path::new("ssh"), &environment);
        command.stderr(Stdio::piped());
        for option in ALWAYS {
            command.args(["-o", option]);
        }
        Self { command }
    }

    pub(super) fn flag(mut self, flag: &str) -> Self {
        self.command.arg(flag);
        self
    }

    pub(super) fn option(mut self, name: &str, value: &str) -> Self {
        self.command.args(["-o", &format!("{name}={value}")]);
        self
    }

    /// Sets an option whose value is a path of ours.
    pub(super) fn path(mut self, name: &str, path: &Path) -> Result<Self> {
        let mut option = OsString::from(format!("{name}="));
        option.push(quoted(path)?);
        self.command.arg("-o").arg(option);
        Ok(self)
    }

    /// Ends the call with these words.
    pub(super) fn command(mut self, words: &[&str]) -> Command {
        self.command.args(words);
        self.command
    }

    /// Ends the call with the box that it is for, and what is run there, if anything is.
    pub(super) fn to(mut self, target: &Target, remote: Option<&'static str>) -> Command {
        if let Some(config) = &target.config {
            self.command.arg("-F").arg(config);
        }
        if let Some(port) = target.port {
            self.command.arg("-p").arg(port.to_string());
        }
        if let Some(identity) = &target.identity {
            // `ssh` expands tokens that begin with a percent sign, and the home's tilde, which is meant.
            let path = identity.replace('%', "%%");
            // Offering every key of an agent first, a box may refuse before it sees the right one.
            self.command
                .args(["-o", "IdentitiesOnly=yes", "-i", path.as_str()]);
        }
        // What follows is a destination and no option, whatever it begins with.
        self.command.arg("--").arg(target.destination.as_str());
        self.command.args(remote);
        self.command
    }
}

/// Writes a path as a value of an option, which `ssh` takes apart at blanks and expands.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) for one that can't be written so.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| {
        let is_special = |c: char| c.is_control() || c == '"' || c == '\\' || c == '$';
        !text.contains(is_special)
    });
    match text {
        Some(text) => Ok(format!("\"{}\"", text.replace('%', "%%"))),
        None => Err(Error::bad_input(format!(
            "The folder {} can't be named to `ssh`.",
            crate::text::shown(&path.display().to_string(), 200)
        ))
        .hint("Set XDG_RUNTIME_DIR, or SWITCHYARD_HOME, to a path without quotes, backslashes and dollar signs.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Destination;
    use super::*;

    #[test]
    fn ours_come_first_and_the_destination_last_behind_its_dashes() {
        let target = Target {
            name: "box".to_owned(),
            destination: Destination::parse("me@box").unwrap(),
            port: Some(2222),
            identity: Some("/k/100% mine".to_owned()),
            config: None,
        };
        let known = Path::new("/run/with space/100%/k");
        let call = Call::new()
            .path("UserKnownHostsFile", known)
            .unwrap()
            .to(&target, None);
        let words: Vec<_> = call
            .as_std()
            .get_args()
            .map(|word| word.to_str().unwrap())
            .collect();
        let (last, rest) = words
            .split_last_chunk::<2>()
            .map(|(rest, last)| (last, rest))
            .unwrap();
        assert_eq!(last, &["--", "me@box"]);
        assert!(rest.contains(&"ForwardAgent=no") && rest.contains(&"ClearAllForwardings=yes"));
        assert!(
            rest.contains(&"UserKnownHostsFile=\"/run/with space/100%%/k\""),
            "{rest:?}"
        );
        assert!(rest.contains(&"/k/100%% mine"), "{rest:?}");
        assert!(quoted(Path::new("/a\"b")).is_err() && quoted(Path::new("/a$b")).is_err());
    }

    #[test]
    fn ssh_sees_the_allow_list_and_the_agent_and_nothing_else() {
        let call = Call::new();
        let names: Vec<_> = call
            .command
            .as_std()
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in names {
            let name = name.to_string_lossy().into_owned();
            let is_known = [
                "PATH", "HOME", "USER", "LOGNAME", "LANG", "TERM", "TMPDIR", "TZ", AGENT,
            ]
            .contains(&&*name)
                || name.starts_with("LC_");
            assert!(is_known, "{name} is passed on");
        }
    }
}
