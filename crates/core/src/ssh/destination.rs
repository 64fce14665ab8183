//! Where a connection goes, as a person or a file wrote it: checked before `ssh` ever sees it.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::text::shown;

/// The most characters of a destination: a user's name and a host's name of DNS.
const LENGTH_MAX: usize = 32 + 1 + 253;

/// The most bytes of a file's path.
const PATH_MAX: usize = 4_096;

/// `[user@]host`, where `host` is a name, an address, or an entry of the user's ssh configuration.
///
/// `ssh` reads a destination that begins with `-` as an option (`-oProxyCommand=…` was executed), takes
/// `ssh://…` apart by rules of its own, and a configuration may hand user and host on to a shell (`%r`
/// and `%h` of a `ProxyCommand`). So what could be more than a name is no destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(String);

impl Destination {
    /// Reads a destination.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) that shows it safely.
    pub fn parse(text: &str) -> Result<Self> {
        let (user, host) = match text.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, text),
        };
        let is_one = text.len() <= LENGTH_MAX && is_host(host) && user.is_none_or(is_user);
        if is_one {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::bad_input(format!(
            "{} is no destination that `ssh` is started with.",
            shown(text, 60)
        ))
        .hint(
            "Write it as host or user@host: letters, digits, dots, hyphens and underscores, not beginning \
             with a hyphen. Anything more belongs into an entry of your ~/.ssh/config, whose name is a \
             destination as well.",
        ))
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_host(host: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_name = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && host.chars().all(is_part);
    // With a zone, as in fe80::1%eth0.
    let (address, zone) = host.split_once('%').unwrap_or((host, ""));
    let is_address = address.parse::<std::net::Ipv6Addr>().is_ok() && zone.chars().all(is_part);
    is_name || is_address
}

fn is_user(user: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && user.chars().all(is_part)
}

/// Checks the path of a private key: whole, and nothing in it that `ssh` would expand.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput).
pub fn check_identity(path: &str) -> Result<()> {
    let is_whole = path.starts_with('/') || path.starts_with("~/");
    let is_plain = !path.chars().any(char::is_control) && !path.contains("${");
    if is_whole && is_plain && path.len() <= PATH_MAX {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "{} is no path of a private key's file.",
        shown(path, 100)
    ))
    .hint("Give the whole path, from / or ~/ on, without line breaks and without ${…}."))
}

/// Everything that a connection to one box is opened with.
#[derive(Clone, Debug)]
pub struct Target {
    /// What people call the box; only for words.
    pub name: String,
    /// Where it is.
    pub destination: Destination,
    /// Its port; else that of the configuration, or 22.
    pub port: Option<u16>,
    /// The private key's file; else what the configuration or the agent has.
    pub identity: Option<String>,
    /// The ssh configuration that is read in place of the user's.
    pub config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_entries_of_a_configuration_are_destinations() {
        for text in [
            "box",
            "box_1.example.org",
            "ec2-user@10.0.0.7",
            "ubuntu@ip-10-0-0-7.ec2.internal",
            "fe80::1%eth0",
            "me@2001:db8::1",
            "_build@farm",
        ] {
            assert_eq!(Destination::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_be_more_than_a_name_is_refused_and_shown_safely() {
        let long = "x".repeat(10_000);
        for text in [
            "",
            "-oProxyCommand=touch /tmp/x",
            "-oProxyCommand=touch",
            "me@-oProxyCommand",
            "-me@box",
            "@box",
            "me@",
            "a@b@c",
            "box one",
            "box\nHost other",
            "box\u{0}",
            "\"box\"",
            "'box'",
            "$(reboot)",
            "`reboot`",
            "box;reboot",
            "box|reboot",
            "%h",
            "~box",
            "ssh://box",
            "box:22",
            "box/x",
            "a\u{202E}b",
            "bóx",
            &long,
        ] {
            let error = Destination::parse(text).unwrap_err();
            assert!(error.message().len() < 400, "bounded");
            assert!(
                !error.message().contains(['\n', '\u{202E}', '\u{0}']),
                "{error}"
            );
        }
    }

    #[test]
    fn the_file_of_a_private_key_is_a_whole_path_that_nothing_expands() {
        assert!(check_identity("/home/me/.ssh/farm key 100%").is_ok());
        assert!(check_identity("~/.ssh/id_ed25519").is_ok());
        for path in ["", "id", "-x", "/a\nb", "/${HOME}/x", "~root/x"] {
            assert!(check_identity(path).is_err(), "{path:?}");
        }
    }
}
