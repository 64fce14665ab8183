//! Secret newtypes and redaction.
//!
//! A secret has no `Debug` of its value, no `Serialize`, no `Clone` and no `Deref`; its bytes are
//! wiped when it is dropped. [`expose`](ApiKey::expose) is the one way in, and easy to grep for.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use regex_lite::Regex;
use secrecy::{ExposeSecret, SecretBox, SecretString};

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        // Read, never written: a secret comes in through a wire and goes out through none.
        #[derive(serde::Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "wire", derive(ts_rs::TS), ts(type = "string"))]
        pub struct $name(SecretString);

        impl $name {
            /// Takes over `text`; its buffer is wiped when the secret is dropped.
            #[must_use]
            pub fn new(text: String) -> Self {
                Self(SecretString::from(text))
            }

            /// Returns the secret itself. Never log, print or store what it returns.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

macro_rules! secret_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(SecretBox<[u8; 32]>);

        impl $name {
            /// Returns 32 fresh bytes from the system's random source.
            ///
            /// # Errors
            /// [`Code::Failed`](crate::error::Code::Failed) when the system has no random source.
            pub fn random() -> crate::error::Result<Self> {
                let mut bytes = Box::new([0_u8; 32]);
                getrandom::fill(bytes.as_mut_slice()).map_err(|e| {
                    crate::error::Error::failed("The system gave no random bytes.").because(e)
                })?;
                Ok(Self(SecretBox::new(bytes)))
            }

            /// Copies exactly 32 bytes, or returns `None` for any other length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                let mut own = Box::new([0_u8; 32]);
                if bytes.len() != own.len() {
                    return None;
                }
                own.copy_from_slice(bytes);
                Some(Self(SecretBox::new(own)))
            }

            /// Returns the secret itself. Never log, print or store what it returns.
            #[must_use]
            pub fn expose(&self) -> &[u8; 32] {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

secret_text! {
    /// A credential that is sent to a server: an API key, an admin key, or a gateway's token.
    ApiKey
}
secret_text! {
    /// A token of a subscription, for the environment of one `claude`. Never stored.
    SubscriptionToken
}
secret_text! {
    /// What the user types to open a passphrase slot.
    Passphrase
}
secret_text! {
    /// The printable code that opens a recovery slot.
    RecoveryCode
}
secret_text! {
    /// A prompt, an answer or an attachment, opened from its sealed form.
    PrivateText
}
secret_bytes! {
    /// The data key: seals every secret of the vault.
    DataKey
}
secret_bytes! {
    /// Wraps the data key in one slot.
    WrappingKey
}
secret_bytes! {
    /// Seals prompts and answers; itself sealed by the data key.
    HistoryKey
}
secret_bytes! {
    /// Keys the fingerprints by which a duplicate is found without opening anything.
    FingerprintKey
}

impl ApiKey {
    /// Returns the last four characters, which is all that is ever shown; fewer than twelve
    /// characters show nothing, because four of them would be too much of the whole.
    #[must_use]
    pub fn last4(&self) -> String {
        let text = self.expose();
        let count = text.chars().count();
        if count < 12 {
            return "····".to_owned();
        }
        text.chars().skip(count - 4).collect()
    }
}

/// What stands in place of a secret in any text that leaves the process.
pub const REDACTED: &str = "[redacted]";

/// Matches every Anthropic credential: API, admin, OAuth and session tokens share the prefix.
static CREDENTIAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"sk-ant-[A-Za-z0-9_-]{8,}").ok());

/// Replaces everything that looks like an Anthropic credential.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    if !text.contains("sk-ant-") {
        return Cow::Borrowed(text);
    }
    CREDENTIAL.as_ref().map_or_else(
        || Cow::Owned(REDACTED.to_owned()),
        |credential| credential.replace_all(text, REDACTED),
    )
}

/// Replaces everything that looks like a credential, and `secret` itself whatever its shape.
///
/// Meant for text that came back from a server or child that was given `secret`.
#[must_use]
pub fn redact_known(text: &str, secret: &ApiKey) -> String {
    let secret = secret.expose();
    if secret.is_empty() {
        return redact(text).into_owned();
    }
    redact(&text.replace(secret, REDACTED)).into_owned()
}

/// So many characters are no secret, but a word that any answer may hold.
const SHORT: usize = 12;

/// The key that a host was sent, if any, to be taken out of all that comes back. Clones share it.
#[derive(Clone, Default)]
pub struct Sent(Option<Arc<Known>>);

struct Known {
    key: ApiKey,
    /// As a string of JSON, which is another text where it holds a quote or a backslash.
    json: Option<zeroize::Zeroizing<String>>,
}

impl Sent {
    /// Keeps a copy of the key, which is wiped with the last clone. One of fewer than twelve characters, such as a
    /// gateway's `dummy`, is not looked for.
    #[must_use]
    pub fn of(key: Option<&ApiKey>) -> Self {
        let key = key.filter(|key| key.expose().len() >= SHORT);
        Self(key.map(|key| {
            Arc::new(Known {
                key: ApiKey::new(key.expose().to_owned()),
                json: json(key.expose()),
            })
        }))
    }

    /// Replaces it, whatever its shape, and everything that looks like a credential.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.replaced(text) {
            Some(clean) => Cow::Owned(redact(&clean).into_owned()),
            None => redact(text),
        }
    }

    /// Replaces it alone; `None` where it is not in a text.
    #[must_use]
    pub fn replaced(&self, text: &str) -> Option<String> {
        let key = self.0.as_ref()?.key.expose();
        text.contains(key).then(|| text.replace(key, REDACTED))
    }

    /// Replaces it in a line of JSON; `None` where it is not in it. What only looks like a credential stays: it may
    /// be a part of one.
    #[must_use]
    pub fn redact_json(&self, line: &[u8]) -> Option<String> {
        let string = self.0.as_ref()?.json.as_ref()?;
        let escaped = string.get(1..string.len() - 1)?;
        let line = String::from_utf8_lossy(line);
        line.contains(escaped)
            .then(|| line.replace(escaped, REDACTED))
    }

    /// Tells whether so many bytes are half of it or more: of fewer, the most may be what all keys begin with.
    #[must_use]
    pub fn is_half(&self, count: usize) -> bool {
        let known = self.0.as_ref();
        known.is_some_and(|known| count >= known.key.expose().len().div_ceil(2))
    }

    /// Returns how many bytes at the end of a text may be the beginning of it.
    #[must_use]
    pub fn begun(&self, text: &str) -> usize {
        let Some(known) = &self.0 else {
            return 0;
        };
        let key = known.key.expose();
        let longest = (1..key.len().min(text.len() + 1)).rev();
        longest
            .filter(|count| key.is_char_boundary(*count))
            .find(|count| text.ends_with(&key[..*count]))
            .unwrap_or(0)
    }
}

/// Writes a key as a string of JSON.
fn json(key: &str) -> Option<zeroize::Zeroizing<String>> {
    // As long as it can become, so that no copy is left where it grew.
    let mut json = zeroize::Zeroizing::new(Vec::with_capacity(key.len() * 6 + 2));
    serde_json::to_writer(&mut *json, key).ok()?;
    let json = String::from_utf8(std::mem::take(&mut *json)).ok()?;
    Some(zeroize::Zeroizing::new(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(prefix: &str) -> String {
        format!("{prefix}{}", uuid::Uuid::now_v7().simple())
    }

    #[test]
    fn debug_of_a_secret_shows_none_of_it() {
        let text = planted("sk-ant-api03-");
        assert_eq!(format!("{:?}", ApiKey::new(text)), "ApiKey(…)");
        let bytes = DataKey::from_slice(&[7; 32]).unwrap();
        assert_eq!(format!("{bytes:?}"), "DataKey(…)");
    }

    #[test]
    fn a_key_of_any_other_length_than_32_bytes_is_refused() {
        for length in [0, 31, 33] {
            assert!(DataKey::from_slice(&vec![1; length]).is_none());
        }
    }

    #[test]
    fn every_kind_of_credential_is_redacted() {
        for prefix in [
            "sk-ant-api03-",
            "sk-ant-admin01-",
            "sk-ant-oat01-",
            "sk-ant-ort01-",
            "sk-ant-sid01-",
        ] {
            let secret = planted(prefix);
            let line = format!("x-api-key: {secret}, again \"{secret}\"");
            let clean = redact(&line);
            assert!(!clean.contains(&secret[7..]), "{prefix} survived");
            assert_eq!(clean, "x-api-key: [redacted], again \"[redacted]\"");
        }
    }

    #[test]
    fn a_gateway_token_is_redacted_when_it_is_known() {
        let token = ApiKey::new(planted("gateway-"));
        let line = format!("bad token {}", token.expose());
        assert_eq!(redact_known(&line, &token), "bad token [redacted]");
    }

    #[test]
    fn a_key_of_any_shape_is_taken_out_of_text_and_of_json() {
        let key = ApiKey::new(planted("two \"words\" \\ "));
        let sent = Sent::of(Some(&key));
        let text = format!("<{0}><{0}>", key.expose());
        assert_eq!(sent.redact(&text), "<[redacted]><[redacted]>");
        let line = serde_json::to_vec(&[&text]).unwrap();
        let clean = sent.redact_json(&line).unwrap();
        assert_eq!(clean, r#"["<[redacted]><[redacted]>"]"#);
        assert_eq!(sent.redact_json(br#"["nothing"]"#), None);
        assert_eq!(sent.begun("and tw"), 2);
        assert_eq!(sent.begun(key.expose()), 0, "all of it is no beginning");
        assert_eq!(sent.begun("zwei"), 0);
        let word = Sent::of(Some(&ApiKey::new("none".into())));
        assert_eq!(word.redact("one of none"), "one of none");
    }

    #[test]
    fn a_short_token_shows_no_last_four() {
        assert_eq!(ApiKey::new("short-token".into()).last4(), "····");
        assert_eq!(ApiKey::new("long-enough-9876".into()).last4(), "9876");
    }
}
