//! Using the vault that another process of the same user holds open.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::watch;

use super::protocol::{self, Answer, Call, Hidden, Request, VERSION};
use crate::error::{Code, Error, Result};
use crate::id::KeyId;
use crate::paths::Paths;
use crate::secret::{ApiKey, HistoryKey, RecoveryCode};
use crate::vault::{Custody, Later, NewSlot, SealedKey, SlotKind, Status, UnlockWith};

/// How long a live agent takes at most to say that it is one.
const HELLO_DEADLINE: Duration = Duration::from_secs(2);
/// For an answer that needs nobody: a commit of the audit, or a passphrase's derivation.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// For one that may need the keychain's owner; longer than the agent's own patience.
const OWNER_DEADLINE: Duration = Duration::from_secs(150);

/// A way to the agent of this store. Every request is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    face: &'static str,
    waiting: watch::Sender<bool>,
}

impl Client {
    /// Finds the agent of this store, or returns `None` where none answers: no socket, one that a
    /// dead process left, or a process that hangs. `face` names this program in the audit.
    ///
    /// # Errors
    /// [`Code::Failed`] when the agent is of another version, [`Code::Refused`] when the socket is
    /// not our own user's.
    pub async fn connect(paths: &Paths, face: &'static str) -> Result<Option<Self>> {
        match Self::greet(paths, face).await {
            // It was just ending; who comes after it, or nobody, is found at a second look.
            Err(error) if has_broken_off(&error) => Self::greet(paths, face).await,
            outcome => outcome,
        }
    }

    async fn greet(paths: &Paths, face: &'static str) -> Result<Option<Self>> {
        let client = Self {
            socket: paths.socket()?,
            face,
            waiting: watch::Sender::new(false),
        };
        let stream = match UnixStream::connect(&client.socket).await {
            Ok(stream) => stream,
            Err(e) if is_nobody(e.kind()) => return Ok(None),
            // Its queue is full of callers that it does not attend to.
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(none_answers()),
            Err(e) => return Err(unreachable(e)),
        };
        let hello = client.exchange(stream, client.request(Request::Status {}));
        match tokio::time::timeout(HELLO_DEADLINE, hello).await {
            Ok(answer) => answer.map(|_| Some(client)),
            Err(_) => Ok(none_answers()),
        }
    }

    /// Returns whether the agent's keychain is waiting for its owner, as it changes.
    #[must_use]
    pub fn waiting(&self) -> watch::Receiver<bool> {
        self.waiting.subscribe()
    }

    /// As [`Vault::status`](crate::vault::Vault::status), of the agent's vault.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn status(&self) -> Result<Status> {
        match self.call(Request::Status {}, ANSWER_DEADLINE).await? {
            Answer::Status { status } => Ok(status),
            _ => Err(protocol::garbled()),
        }
    }

    /// As [`Vault::unlock`](crate::vault::Vault::unlock), for all who use this agent.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn unlock(&self, with: UnlockWith<'_>) -> Result<()> {
        self.unlock_by(with, true).await
    }

    /// As [`Vault::unlock_for_use`](crate::vault::Vault::unlock_for_use), for all who use this
    /// agent; the keychain has [`Client::unlock_silently`] for that.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn unlock_for_use(&self, with: UnlockWith<'_>) -> Result<()> {
        self.unlock_by(with, false).await
    }

    async fn unlock_by(&self, with: UnlockWith<'_>, is_asked: bool) -> Result<()> {
        self.done(match with {
            UnlockWith::Keychain if is_asked => Request::UnlockByKeychain {},
            UnlockWith::Keychain => Request::UnlockSilently {},
            UnlockWith::Passphrase(typed) => Request::UnlockByPassphrase {
                passphrase: Hidden::text(typed.expose()),
                is_asked,
            },
            UnlockWith::Recovery(code) => Request::UnlockByRecovery {
                code: Hidden::text(code.expose()),
                is_asked,
            },
        })
        .await
    }

    /// As [`Vault::unlock_silently`](crate::vault::Vault::unlock_silently), of the agent's vault.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn unlock_silently(&self) -> Result<()> {
        self.done(Request::UnlockSilently {}).await
    }

    /// As [`Vault::lock`](crate::vault::Vault::lock), for all who use this agent.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn lock(&self) -> Result<()> {
        self.done(Request::Lock {}).await
    }

    /// As [`Vault::touch`](crate::vault::Vault::touch), of the agent's vault.
    ///
    /// # Errors
    /// [`Code::Failed`] when the agent is gone.
    pub async fn touch(&self) -> Result<()> {
        self.done(Request::Touch {}).await
    }

    /// As [`Vault::add_slot`](crate::vault::Vault::add_slot), of the agent's vault.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn add_slot(&self, new: NewSlot<'_>) -> Result<Option<RecoveryCode>> {
        let request = match new {
            NewSlot::Keychain => Request::AddKeychain {},
            NewSlot::Passphrase(typed) => Request::AddPassphrase {
                passphrase: Hidden::text(typed.expose()),
            },
            NewSlot::Recovery => Request::AddRecovery {},
        };
        match self.call(request, OWNER_DEADLINE).await? {
            Answer::Done {} => Ok(None),
            Answer::Secret { secret } => Ok(Some(RecoveryCode::new(secret.into_text()))),
            _ => Err(protocol::garbled()),
        }
    }

    /// As [`Vault::remove_slot`](crate::vault::Vault::remove_slot), of the agent's vault.
    ///
    /// # Errors
    /// As there, and [`Code::Failed`] when the agent is gone.
    pub async fn remove_slot(&self, kind: SlotKind) -> Result<()> {
        self.done(Request::RemoveSlot { kind }).await
    }

    async fn done(&self, request: Request) -> Result<()> {
        match self.call(request, OWNER_DEADLINE).await? {
            Answer::Done {} => Ok(()),
            _ => Err(protocol::garbled()),
        }
    }

    async fn secret(&self, request: Request) -> Result<Hidden> {
        match self.call(request, ANSWER_DEADLINE).await? {
            Answer::Secret { secret } => Ok(secret),
            _ => Err(protocol::garbled()),
        }
    }

    /// Sends one request on a connection of its own; dropping the future cancels it.
    async fn call(&self, request: Request, deadline: Duration) -> Result<Answer> {
        let _shown = TakenDown(&self.waiting);
        let whole = async {
            let stream = UnixStream::connect(&self.socket)
                .await
                .map_err(unreachable)?;
            self.exchange(stream, self.request(request)).await
        };
        tokio::time::timeout(deadline, whole)
            .await
            .map_err(|_| silent())?
    }

    fn request(&self, request: Request) -> Call {
        Call {
            version: VERSION,
            face: self.face.to_owned(),
            request,
        }
    }

    async fn exchange(&self, mut stream: UnixStream, call: Call) -> Result<Answer> {
        // The folder is private, so this can only be wrong if someone made it less so.
        let peer = stream.peer_cred().map_err(unreachable)?;
        if peer.uid() != rustix::process::geteuid().as_raw() {
            return Err(Error::new(
                Code::Refused,
                "The vault's socket is served by another user, so nothing was sent to it.",
            )
            .hint("Look at who owns the runtime folder."));
        }
        protocol::write(&mut stream, &call).await?;
        drop(call);
        loop {
            let frame = protocol::read(&mut stream).await?;
            match protocol::parse(&frame)? {
                Answer::Waiting { is_waiting } => {
                    self.waiting.send_replace(is_waiting);
                }
                Answer::Refused(failure) => return Err(failure.into()),
                answer => return Ok(answer),
            }
        }
    }
}

impl Custody for Client {
    fn open_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        purpose: &'a str,
    ) -> Later<'a, ApiKey> {
        Box::pin(async move {
            let request = Request::OpenKey {
                key: key.clone(),
                base_url: base_url.map(str::to_owned),
                purpose: purpose.to_owned(),
            };
            let secret = self.secret(request).await?;
            Ok(ApiKey::new(secret.into_text()))
        })
    }

    fn seal_key<'a>(
        &'a self,
        key: &'a KeyId,
        base_url: Option<&'a str>,
        secret: &'a ApiKey,
    ) -> Later<'a, SealedKey> {
        Box::pin(async move {
            let request = Request::SealKey {
                key: key.clone(),
                base_url: base_url.map(str::to_owned),
                secret: Hidden::text(secret.expose()),
            };
            match self.call(request, ANSWER_DEADLINE).await? {
                Answer::Sealed {
                    sealed,
                    fingerprint,
                } => Ok(SealedKey {
                    sealed: protocol::decode(&sealed)?,
                    fingerprint: protocol::decode(&fingerprint)?,
                }),
                _ => Err(protocol::garbled()),
            }
        })
    }

    fn history_key(&self) -> Later<'_, HistoryKey> {
        Box::pin(async move {
            let bytes = self.secret(Request::HistoryKey {}).await?.into_bytes()?;
            HistoryKey::from_slice(&bytes).ok_or_else(protocol::garbled)
        })
    }
}

/// Takes the notice of a wait down, however the request ends.
struct TakenDown<'a>(&'a watch::Sender<bool>);

impl Drop for TakenDown<'_> {
    fn drop(&mut self) {
        self.0.send_if_modified(std::mem::take);
    }
}

/// Tells whether the process that held the vault ended before or while it was asked.
pub(super) fn has_broken_off(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let by_system = source.and_then(<dyn std::error::Error>::downcast_ref::<std::io::Error>);
    error.code() == Code::Failed && by_system.is_some()
}

fn none_answers() -> Option<Client> {
    tracing::warn!("the agent does not answer; going on without it");
    None
}

fn is_nobody(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn unreachable(error: std::io::Error) -> Error {
    if is_nobody(error.kind()) {
        return Error::failed("The process that held the vault open has ended.")
            .hint("Try again; the vault is opened anew.")
            .because(error);
    }
    Error::failed(format!("The vault's socket can't be used: {error}."))
        .hint("Check the runtime folder's permissions (XDG_RUNTIME_DIR).")
        .because(error)
}

fn silent() -> Error {
    Error::new(
        Code::Timeout,
        "The process that holds the vault open does not answer.",
    )
    .hint("End it and try again; the vault is opened anew.")
}
