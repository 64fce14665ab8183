//! Who holds the vault open: the agent, or this process.

use tokio::sync::watch;

use super::client::Client;
use crate::error::{Code, Result};
use crate::vault::{Custody, Status, UnlockWith, Vault};

/// Who holds the vault open.
#[derive(Clone)]
pub(super) enum Holder {
    Agent(Client),
    Own(Vault),
}

/// What an answer is meant for.
#[derive(Clone, Copy)]
pub(super) enum Meant {
    /// Opening the vault for every face, which also allows silent use of the keychain again.
    ForAll,
    /// What this process is doing. It opens the agent's vault too, if that one locked by itself: who
    /// just typed the passphrase is not to be asked again. A lock that was asked for stands for all
    /// others.
    ForNow,
}

impl Holder {
    pub(super) async fn status(&self) -> Result<Status> {
        match self {
            Self::Agent(client) => client.status().await,
            Self::Own(vault) => vault.status(),
        }
    }

    /// Opens the vault and returns who holds it open then: `own`, the vault of this process, where
    /// the agent's has to stay locked.
    pub(super) async fn unlock(
        &self,
        own: &Vault,
        with: UnlockWith<'_>,
        meant: Meant,
    ) -> Result<Self> {
        match (self, meant) {
            (Self::Agent(client), Meant::ForAll) => client.unlock(with).await?,
            (Self::Agent(client), Meant::ForNow) => match client.unlock_for_use(with).await {
                Err(error) if error.code() == Code::Locked => {
                    own.unlock_here(with).await?;
                    return Ok(Self::Own(own.clone()));
                }
                outcome => outcome?,
            },
            (Self::Own(vault), Meant::ForAll) => vault.unlock(with).await?,
            (Self::Own(vault), Meant::ForNow) => vault.unlock_here(with).await?,
        }
        Ok(self.clone())
    }

    pub(super) async fn unlock_silently(&self) -> Result<()> {
        match self {
            Self::Agent(client) => client.unlock_silently().await,
            Self::Own(vault) => vault.unlock_silently().await,
        }
    }

    pub(super) fn waiting(&self) -> watch::Receiver<bool> {
        match self {
            Self::Agent(client) => client.waiting(),
            Self::Own(vault) => vault.keychain().waiting(),
        }
    }

    pub(super) fn custody(&self) -> &dyn Custody {
        match self {
            Self::Agent(client) => client,
            Self::Own(vault) => vault,
        }
    }
}
