//! Who is billed for a run, in the one form that the store keeps.

use std::fmt;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::error::{Error, Result};
use crate::id::{HostId, KeyId};

/// Who is billed for a run. Written as `key:ID`, `env:NAME:LAST4:FINGERPRINT`,
/// `env-file:FILE:LAST4:FINGERPRINT`, `plan:NAME` or `host:ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Payer {
    /// A stored key.
    Key(KeyId),
    /// A key that was used from an environment variable without being stored.
    Env {
        /// The variable's name.
        name: String,
        /// The key's last four characters, by which people know it.
        last4: String,
        /// The first eight hexadecimal digits of the key's fingerprint: tells two keys that the
        /// variable held at different times apart.
        fingerprint: String,
    },
    /// A key that was used from an env file without being stored.
    EnvFile {
        /// The file, with `~`, and `#` with the variable's name where that is not `ANTHROPIC_API_KEY`.
        file: String,
        /// As of a variable.
        last4: String,
        /// As of a variable.
        fingerprint: String,
    },
    /// The user's plan, by the name of the login that uses it.
    Plan(String),
    /// The key that a host keeps itself.
    Host(HostId),
}

impl Payer {
    /// Makes the payer for a key from the variable `name`; only the fingerprint's first four bytes
    /// are kept. `last4` is what `ApiKey::last4` gives.
    #[must_use]
    pub fn env(name: impl Into<String>, last4: impl Into<String>, fingerprint: &[u8]) -> Self {
        Self::Env {
            name: name.into(),
            last4: last4.into(),
            fingerprint: short(fingerprint),
        }
    }

    /// As [`Payer::env`], for a key from an env file.
    #[must_use]
    pub fn env_file(file: impl Into<String>, last4: impl Into<String>, fingerprint: &[u8]) -> Self {
        Self::EnvFile {
            file: file.into(),
            last4: last4.into(),
            fingerprint: short(fingerprint),
        }
    }

    /// Returns what people call a key from a variable: `$NAME …last4`.
    #[must_use]
    pub fn env_label(name: &str, last4: &str) -> String {
        format!("${name} …{last4}")
    }

    /// Returns what people call a key from an env file: `FILE …last4`.
    #[must_use]
    pub fn env_file_label(file: &str, last4: &str) -> String {
        format!("{file} …{last4}")
    }

    /// Returns the stored key that pays, where it is one.
    #[must_use]
    pub fn key(&self) -> Option<&KeyId> {
        match self {
            Self::Key(key) => Some(key),
            Self::Env { .. } | Self::EnvFile { .. } | Self::Plan(_) | Self::Host(_) => None,
        }
    }
}

fn short(fingerprint: &[u8]) -> String {
    let bytes = fingerprint.iter().take(4);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Payer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key:{key}"),
            Self::Env {
                name,
                last4,
                fingerprint,
            } => write!(f, "env:{name}:{last4}:{fingerprint}"),
            Self::EnvFile {
                file,
                last4,
                fingerprint,
            } => write!(f, "env-file:{file}:{last4}:{fingerprint}"),
            Self::Plan(name) => write!(f, "plan:{name}"),
            Self::Host(host) => write!(f, "host:{host}"),
        }
    }
}

impl FromStr for Payer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            Error::bad_input("The payer can't be read.")
                .hint("Write key:ID, env:NAME:LAST4:FINGERPRINT, env-file:FILE:LAST4:FINGERPRINT, plan:NAME or host:ID.")
        })
    }
}

fn read(text: &str) -> Option<Payer> {
    let (kind, rest) = text.split_once(':')?;
    if rest.is_empty() {
        return None;
    }
    match kind {
        "key" => Some(Payer::Key(KeyId::from_text(rest))),
        "plan" => Some(Payer::Plan(rest.to_owned())),
        "host" => rest.parse().ok().map(|id| Payer::Host(HostId(id))),
        "env" => {
            let (name, last4, fingerprint) = read_unstored(rest)?;
            Some(Payer::Env {
                name,
                last4,
                fingerprint,
            })
        }
        "env-file" => {
            let (file, last4, fingerprint) = read_unstored(rest)?;
            Some(Payer::EnvFile {
                file,
                last4,
                fingerprint,
            })
        }
        _ => None,
    }
}

/// Reads from the end, because name and last four characters may hold a colon.
fn read_unstored(rest: &str) -> Option<(String, String, String)> {
    let (rest, fingerprint) = rest.rsplit_once(':')?;
    let (last4_at, _) = rest.char_indices().nth_back(3)?;
    let (name, last4) = rest.split_at(last4_at);
    let name = name.strip_suffix(':').filter(|name| !name.is_empty())?;
    let is_whole = fingerprint.len() == 8 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit());
    is_whole.then(|| (name.to_owned(), last4.to_owned(), fingerprint.to_owned()))
}

impl ToSql for Payer {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Payer {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        read(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payer_is_read_back_as_it_was_written() {
        for payer in [
            Payer::Key(KeyId::new()),
            Payer::env("ANTHROPIC_API_KEY", "wxyz", &[0xab, 0, 0x12, 0xff, 9]),
            Payer::env("odd:name", ":a:b", &[1, 2, 3, 4]),
            Payer::env("SHORT", "····", &[1, 2, 3, 4]),
            Payer::env_file("~/odd: name/repos.env#KEY", "wxyz", &[1, 2, 3, 4]),
            Payer::Plan("max:20x".to_owned()),
            Payer::Host(HostId(7)),
        ] {
            assert_eq!(payer.to_string().parse::<Payer>().unwrap(), payer);
        }
        assert_eq!(
            Payer::env("VAR", "wxyz", &[0xab, 0, 0x12, 0xff, 9]).to_string(),
            "env:VAR:wxyz:ab0012ff"
        );
    }

    #[test]
    fn a_payer_that_names_nobody_is_refused() {
        for text in [
            "",
            "key:",
            "env:VAR",
            "env:VAR:wxyz:xyz",
            "env:VAR:ab0012ff",
            "env::wxyz:ab0012ff",
            "env-file:wxyz:ab0012ff",
            "host:x",
            "somebody:1",
        ] {
            assert!(text.parse::<Payer>().is_err(), "{text:?} was taken");
        }
    }
}
