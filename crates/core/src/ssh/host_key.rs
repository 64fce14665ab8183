//! The public key by which a box proves that it is itself.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The most characters of a key; one of RSA with 16,384 bits has about 2,800.
const LENGTH_MAX: usize = 8_192;

/// A host key as files of known hosts write it: `TYPE BASE64`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS), ts(as = "String"))]
pub struct HostKey {
    kind: String,
    base64: String,
}

impl HostKey {
    /// Reads `TYPE BASE64`.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) where that is no public key of the type that it
    /// names.
    pub fn parse(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            Error::bad_input("That is no host key.")
                .hint("It is written as in a known_hosts file: ssh-ed25519 AAAA….")
        })
    }

    /// Returns its type, such as `ssh-ed25519`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns what people compare: `SHA256:…`, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let bytes = STANDARD.decode(&self.base64).unwrap_or_default();
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes)))
    }
}

fn read(text: &str) -> Option<HostKey> {
    let (kind, base64) = text.split_once(' ')?;
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-@.".contains(c);
    let is_kind = kind.starts_with(|c: char| c.is_ascii_lowercase()) && kind.chars().all(is_part);
    if !is_kind || text.len() > LENGTH_MAX {
        return None;
    }
    // The key repeats its type, after four bytes of its length (RFC 4253, 6.6).
    let bytes = STANDARD.decode(base64).ok()?;
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (rest.get(..length)? == kind.as_bytes()).then(|| HostKey {
        kind: kind.to_owned(),
        base64: base64.to_owned(),
    })
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.base64)
    }
}

impl TryFrom<String> for HostKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<HostKey> for String {
    fn from(key: HostKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str) -> String {
        let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
        let bytes = [&length[..], kind.as_bytes(), &[7; 36]].concat();
        format!("{kind} {}", STANDARD.encode(bytes))
    }

    #[test]
    fn a_key_is_read_back_as_it_was_written_with_the_fingerprint_that_ssh_shows() {
        let text = key("ssh-ed25519");
        let read = HostKey::parse(&text).unwrap();
        assert_eq!((read.to_string(), read.kind()), (text, "ssh-ed25519"));
        let shown = read.fingerprint();
        assert!(shown.starts_with("SHA256:") && shown.len() == 50, "{shown}");
    }

    #[test]
    fn a_line_that_names_more_than_one_key_or_another_type_is_none() {
        let other = key("ssh-rsa").replace("ssh-rsa ", "ssh-ed25519 ");
        for text in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 !!",
            &other,
            &format!("{} x", key("ssh-ed25519")),
            &format!("{}\n* {}", key("ssh-ed25519"), key("ssh-rsa")),
            &format!("@revoked {}", key("ssh-ed25519")),
        ] {
            assert!(HostKey::parse(text).is_err(), "{text:?}");
        }
    }
}
