//! How the client reaches the network, as far as the user decides it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::settings::Setting;

/// `off`, `system` (the environment's or desktop's proxy), or a proxy's URL.
///
/// Off by default: a proxy sees when and how much is sent, so the user names it knowingly.
pub const PROXY: Setting<String> = Setting {
    name: "http.proxy",
    default: || "off".to_owned(),
    check: |url| without_password(url),
};

/// A PEM file with certificates that are trusted beside the system's.
pub const CA_FILE: Setting<Option<PathBuf>> = Setting {
    name: "http.ca_file",
    default: || None,
    check: readable,
};

/// How long each phase of a request may take.
pub const TIMEOUTS: Setting<Timeouts> = Setting {
    name: "http.timeouts",
    default: Timeouts::default,
    check: |_| Ok(()),
};

/// Refuses a proxy's password: settings are not sealed, and it would be seen in the process list.
fn without_password(text: &str) -> Result<()> {
    match ProxyChoice::parse(text)? {
        ProxyChoice::Url(url) if url.password().is_some() || !url.username().is_empty() => {
            Err(Error::bad_input(
                "The proxy's URL holds a name or password, and settings are not encrypted.",
            )
            .hint(
                "Leave them out, and let a local relay such as cntlm or px sign in to the proxy.",
            ))
        }
        _ => Ok(()),
    }
}

fn readable(path: &Option<PathBuf>) -> Result<()> {
    match path {
        Some(path) if std::fs::File::open(path).is_err() => Err(Error::bad_input(format!(
            "{} can't be read.",
            path.display()
        ))
        .hint("Give the full path of a PEM file.")),
        _ => Ok(()),
    }
}

/// How long each phase of a request may take; kept in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// To a connection, TLS included. The official SDK gives it 5 s.
    #[serde(with = "millis")]
    pub connect: Duration,
    /// From the request to the first byte of the answer. Large prompts take tens of seconds.
    #[serde(with = "millis")]
    pub first_byte: Duration,
    /// Between two pieces of a streamed answer; the API sends a ping long before this.
    #[serde(with = "millis")]
    pub idle: Duration,
    /// The whole run with all its attempts. The longest answer of 128,000 tokens fits.
    #[serde(with = "millis")]
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(90),
            total: Duration::from_secs(60 * 60),
        }
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// Which proxy is used, if any. Loopback is always reached directly.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// None, whatever the environment says.
    #[default]
    Off,
    /// The one that the environment or the desktop names.
    System,
    /// This one. It may hold a name and password, which `Debug` does not show.
    Url(url::Url),
}

impl ProxyChoice {
    /// Reads the setting's text.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) when it is neither a word nor an http(s)
    /// URL; the text is not repeated, because it may hold a password.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "off" | "" => Ok(Self::Off),
            "system" => Ok(Self::System),
            other => url::Url::parse(other)
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
                .map(Self::Url)
                .ok_or_else(|| {
                    Error::bad_input("The proxy setting is not one that can be used.").hint(
                        "Set `http.proxy` to off, system, or a URL such as http://proxy.example:8080.",
                    )
                }),
        }
    }
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::System => f.write_str("System"),
            Self::Url(url) => write!(f, "Url({})", url.host_str().unwrap_or_default()),
        }
    }
}

/// Everything that the client is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// Which proxy is used.
    pub proxy: ProxyChoice,
    /// More certificates to trust.
    pub ca_file: Option<PathBuf>,
    /// How long each phase may take.
    pub timeouts: Timeouts,
}

impl HttpSettings {
    /// Reads what the user set.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`](crate::error::Code::StoreDamaged) when the store can't be read, and
    /// [`Code::BadInput`](crate::error::Code::BadInput) for a proxy that makes no sense.
    pub fn load(store: &Connection) -> Result<Self> {
        Ok(Self {
            proxy: ProxyChoice::parse(&PROXY.get(store)?)?,
            ca_file: CA_FILE.get(store)?,
            timeouts: TIMEOUTS.get(store)?,
        })
    }
}
