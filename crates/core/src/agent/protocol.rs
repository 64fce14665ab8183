//! The wire between an agent and its clients: one connection for each request; frames of a 32-bit
//! length and JSON.
//!
//! The caller sends one [`Call`]. The agent answers with any number of [`Answer::Waiting`] and then
//! one other answer. A caller that hangs up cancels its request.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::error::{Error, Failure, Result};
use crate::id::KeyId;
use crate::vault::{SlotKind, Status};

/// Raised whenever an older peer would misunderstand.
pub(super) const VERSION: u32 = 1;
/// The most bytes of one frame: far more than a credential, far less than a nuisance.
pub(super) const FRAME_MAX: usize = 256 * 1024;

/// What a caller sends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) version: u32,
    /// Names the calling program in the audit.
    pub(super) face: String,
    pub(super) request: Request,
}

/// The part of a [`Call`] that every version can read.
#[derive(Deserialize)]
pub(super) struct Hello {
    pub(super) version: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    Status {},
    UnlockSilently {},
    UnlockByKeychain {},
    UnlockByPassphrase {
        passphrase: Hidden,
        /// Whether someone asked for the vault to be open, or work that goes on needs it.
        is_asked: bool,
    },
    UnlockByRecovery {
        code: Hidden,
        is_asked: bool,
    },
    Lock {},
    Touch {},
    OpenKey {
        key: KeyId,
        base_url: Option<String>,
        purpose: String,
    },
    SealKey {
        key: KeyId,
        base_url: Option<String>,
        secret: Hidden,
    },
    HistoryKey {},
    AddKeychain {},
    AddPassphrase {
        passphrase: Hidden,
    },
    AddRecovery {},
    RemoveSlot {
        kind: SlotKind,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// Whether the keychain's owner is being asked; the answer is still to come.
    Waiting {
        is_waiting: bool,
    },
    Done {},
    Status {
        status: Status,
    },
    Secret {
        secret: Hidden,
    },
    Sealed {
        sealed: String,
        fingerprint: String,
    },
    Refused(Failure),
}

/// A secret on the wire: wiped when dropped, and not shown.
pub(super) struct Hidden(Zeroizing<String>);

impl Hidden {
    pub(super) fn text(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(BASE64.encode(bytes)))
    }

    /// Hands over the text; the caller's type wipes it.
    pub(super) fn into_text(mut self) -> String {
        std::mem::take(&mut *self.0)
    }

    pub(super) fn into_bytes(self) -> Result<Zeroizing<Vec<u8>>> {
        decode(&self.0).map(Zeroizing::new)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(super) fn decode(text: &str) -> Result<Vec<u8>> {
    BASE64.decode(text).map_err(|_| garbled())
}

/// Writes one frame.
pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> Result<()> {
    // Room for nearly every frame, because a buffer that grows leaves a copy behind.
    let mut frame = Zeroizing::new(Vec::with_capacity(16 * 1024));
    frame.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut *frame, message).map_err(|_| garbled())?;
    let length = frame.len() - 4;
    if length > FRAME_MAX {
        return Err(Error::bad_input(
            "That is too large to be handed to the unlocked vault.",
        ));
    }
    let prefix = u32::try_from(length).map_err(|_| garbled())?.to_be_bytes();
    frame[..4].copy_from_slice(&prefix);
    stream.write_all(&frame).await.map_err(broken)?;
    stream.flush().await.map_err(broken)
}

/// Reads one frame; a longer one than any of ours is refused before anything is allocated for it.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Zeroizing<Vec<u8>>> {
    let length = stream.read_u32().await.map_err(broken)?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= FRAME_MAX)
        .ok_or_else(garbled)?;
    let mut frame = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut frame).await.map_err(broken)?;
    Ok(frame)
}

/// Reads a message out of a frame. Whatever is wrong with it, nothing of it is repeated.
pub(super) fn parse<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T> {
    serde_json::from_slice(frame).map_err(|_| garbled())
}

pub(super) fn garbled() -> Error {
    Error::failed("What came over the vault's socket can't be understood.")
        .hint("If Switchyard was just updated, start its window or agent again.")
}

fn broken(error: std::io::Error) -> Error {
    Error::failed("The connection to the unlocked vault broke off.")
        .hint("Try again; if it stays so, start Switchyard's window or agent again.")
        .because(error)
}
