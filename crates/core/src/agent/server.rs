//! Serving an unlocked vault to the user's other processes.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::protocol::{self, Answer, Call, Hello, Hidden, Request, VERSION};
use crate::db::{private_file, private_folder};
use crate::error::{Code, Error, Result};
use crate::paths::Paths;
use crate::secret::{ApiKey, Passphrase, RecoveryCode};
use crate::vault::{Custody, NewSlot, UnlockWith, Vault};

/// How many callers are served at once; more wait in the socket's queue.
const CALLERS: usize = 64;
/// How long callers that are being attended to are waited for at the end: whoever asked for the lock
/// that ends the agent shall hear that it was done.
const GRACE: Duration = Duration::from_secs(2);
/// How long a caller may take to send its one frame, or to take an answer.
const FRAME_DEADLINE: Duration = Duration::from_secs(5);

/// The one server of a store's vault. While it lives, a second one is refused.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    socket: SocketFile,
    vault: Vault,
}

/// The socket's file and the lock that says whose it is; both go with the process, however it ends.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    _lock: File,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // One left behind is harmless: without its lock it counts as nobody's.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Server {
    /// Takes the store's socket, in place of one that a dead process left. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`Code::Duplicate`] when another process serves already, [`Code::StoreUnwritable`] when the
    /// private folder or the socket can't be made.
    pub fn bind(paths: &Paths, vault: Vault) -> Result<Self> {
        let path = paths.socket()?;
        private_folder(paths.runtime())?;
        // Beside the store and not beside the socket: whoever is started with another runtime folder
        // must not become a second agent.
        private_folder(paths.data())?;
        let lock = private_file(&paths.agent_lock())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(already_running()),
            Err(TryLockError::Error(e)) => return Err(not_bound(e)),
        }
        // Under the lock, a socket that is there belongs to nobody alive.
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(not_bound(e)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(not_bound)?;
        // The folder has kept everyone else out since before there was a socket.
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).map_err(not_bound)?;
        Ok(Self {
            listener,
            socket: SocketFile { path, _lock: lock },
            vault,
        })
    }

    /// Serves until `cancel`, then removes the socket. Requests in flight have a moment to end.
    /// Meanwhile the vault locks by itself when its time has come: see [`Vault::lock_by_itself`].
    pub async fn serve(self, cancel: CancellationToken) {
        let free = Arc::new(Semaphore::new(CALLERS));
        let mut callers = JoinSet::new();
        let accepting = async {
            let listener = &self.listener;
            loop {
                let Ok(place) = Arc::clone(&free).acquire_owned().await else {
                    return;
                };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        while callers.try_join_next().is_some() {}
                        let vault = self.vault.clone();
                        callers.spawn(async move {
                            let _place = place;
                            if let Err(error) = attend(stream, &vault).await {
                                tracing::debug!(%error, "a caller was let go");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a caller could not be taken");
                        // Out of file handles, most likely: asking again at once would spin.
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = self.vault.lock_by_itself(cancel) => {}
            () = accepting => {}
        }
        // Nobody new from here on.
        drop(self.listener);
        let attended = async { while callers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, attended).await;
        callers.shutdown().await;
        drop(self.socket);
    }
}

/// Attends to one caller: one request, one answer.
async fn attend(stream: UnixStream, vault: &Vault) -> Result<()> {
    let peer = stream.peer_cred().map_err(not_bound)?;
    if !is_own(peer.uid()) {
        return Err(Error::new(
            Code::Refused,
            "A process of another user asked for the vault.",
        ));
    }
    let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
    let (mut reader, mut writer) = stream.into_split();
    let frame = tokio::time::timeout(FRAME_DEADLINE, protocol::read(&mut reader))
        .await
        .map_err(|_| too_slow())??;
    let answer = match understand(&frame) {
        Ok(call) => {
            let vault = vault.on_behalf_of(&face(&call.face), pid);
            let acting = act(&vault, call.request);
            match while_there(acting, &vault, &mut reader, &mut writer).await? {
                Ok(answer) => answer,
                Err(error) => Answer::Refused((&error).into()),
            }
        }
        Err(error) => Answer::Refused((&error).into()),
    };
    send(&mut writer, &answer).await
}

/// Tells whether a peer runs as our own user.
fn is_own(uid: u32) -> bool {
    uid == rustix::process::geteuid().as_raw()
}

fn understand(frame: &[u8]) -> Result<Call> {
    let hello: Hello = protocol::parse(frame)?;
    if hello.version != VERSION {
        return Err(Error::failed(format!(
            "The vault is served in version {VERSION} of the protocol, and was asked in version {}.",
            hello.version
        ))
        .hint("Start Switchyard's window or agent again, so that both are of one version."));
    }
    protocol::parse(frame)
}

/// Takes a name for the audit, cut down to what one may look like.
fn face(claimed: &str) -> String {
    claimed
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(32)
        .collect()
}

/// Works on a request for as long as its caller is there, and tells it of a wait for the keychain.
async fn while_there(
    acting: impl Future<Output = Result<Answer>>,
    vault: &Vault,
    reader: &mut OwnedReadHalf,
    writer: &mut OwnedWriteHalf,
) -> Result<Result<Answer>> {
    let mut notice = vault.keychain().waiting();
    notice.mark_unchanged();
    tokio::pin!(acting);
    loop {
        tokio::select! {
            biased;
            answer = &mut acting => return Ok(answer),
            // It has said all that it may say; whatever comes now is its end.
            _ = reader.read_u8() => return Err(hung_up()),
            Ok(()) = notice.changed() => {
                let is_waiting = *notice.borrow_and_update();
                send(writer, &Answer::Waiting { is_waiting }).await?;
            }
        }
    }
}

async fn send(writer: &mut OwnedWriteHalf, answer: &Answer) -> Result<()> {
    tokio::time::timeout(FRAME_DEADLINE, protocol::write(writer, answer))
        .await
        .map_err(|_| too_slow())?
}

async fn act(vault: &Vault, request: Request) -> Result<Answer> {
    match request {
        Request::Status {} => {
            let status = vault.status()?;
            return Ok(Answer::Status { status });
        }
        Request::UnlockSilently {} => vault.unlock_silently().await?,
        Request::UnlockByKeychain {} => vault.unlock(UnlockWith::Keychain).await?,
        Request::UnlockByPassphrase {
            passphrase,
            is_asked,
        } => {
            let passphrase = Passphrase::new(passphrase.into_text());
            unlock(vault, UnlockWith::Passphrase(&passphrase), is_asked).await?;
        }
        Request::UnlockByRecovery { code, is_asked } => {
            let code = RecoveryCode::new(code.into_text());
            unlock(vault, UnlockWith::Recovery(&code), is_asked).await?;
        }
        Request::Lock {} => vault.lock().await?,
        Request::Touch {} => vault.touch(),
        Request::OpenKey {
            key,
            base_url,
            purpose,
        } => {
            let secret = vault.open_key(&key, base_url.as_deref(), &purpose).await?;
            let secret = Hidden::text(secret.expose());
            return Ok(Answer::Secret { secret });
        }
        Request::SealKey {
            key,
            base_url,
            secret,
        } => {
            let secret = ApiKey::new(secret.into_text());
            let sealed = vault.seal_key(&key, base_url.as_deref(), &secret).await?;
            return Ok(Answer::Sealed {
                sealed: protocol::encode(&sealed.sealed),
                fingerprint: protocol::encode(&sealed.fingerprint),
            });
        }
        Request::HistoryKey {} => {
            let secret = Hidden::bytes(vault.history_key().await?.expose());
            return Ok(Answer::Secret { secret });
        }
        Request::AddKeychain {} => return add(vault, NewSlot::Keychain).await,
        Request::AddPassphrase { passphrase } => {
            let passphrase = Passphrase::new(passphrase.into_text());
            return add(vault, NewSlot::Passphrase(&passphrase)).await;
        }
        Request::AddRecovery {} => return add(vault, NewSlot::Recovery).await,
        Request::RemoveSlot { kind } => vault.remove_slot(kind).await?,
    }
    Ok(Answer::Done {})
}

async fn unlock(vault: &Vault, with: UnlockWith<'_>, is_asked: bool) -> Result<()> {
    match is_asked {
        true => vault.unlock(with).await,
        false => vault.unlock_for_use(with).await,
    }
}

async fn add(vault: &Vault, new: NewSlot<'_>) -> Result<Answer> {
    Ok(match vault.add_slot(new).await? {
        Some(code) => Answer::Secret {
            secret: Hidden::text(code.expose()),
        },
        None => Answer::Done {},
    })
}

fn already_running() -> Error {
    Error::new(
        Code::Duplicate,
        "Another Switchyard serves this store's vault already.",
    )
    .hint("Every command that has the same runtime folder (XDG_RUNTIME_DIR) uses that one.")
}

fn not_bound(error: std::io::Error) -> Error {
    Error::new(
        Code::StoreUnwritable,
        format!("The vault's socket can't be used: {error}."),
    )
    .hint("Check the runtime folder's permissions (XDG_RUNTIME_DIR).")
    .because(error)
}

fn too_slow() -> Error {
    Error::new(Code::Timeout, "The caller took too long.")
}

fn hung_up() -> Error {
    Error::new(Code::Cancelled, "The caller hung up.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_user_is_let_in() {
        let own = rustix::process::geteuid().as_raw();
        assert!(is_own(own));
        assert!(!is_own(own.wrapping_add(1)));
    }

    #[test]
    fn a_claimed_name_can_not_forge_an_audit_row() {
        assert_eq!(face("cli"), "cli");
        assert_eq!(face("cli\n2026 open\u{202e}'; --"), "cli2026open--");
        assert_eq!(face(&"x".repeat(1000)).len(), 32);
    }
}
