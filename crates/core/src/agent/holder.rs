//! Who holds the vault open: the agent, or this process.

use tokio::sync::watch;

use super::client::Client;
use crate::error::Result;
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
    /// What this process is doing; a lock that was asked for stands for the others.
    ForNow,
}

impl Holder {
    pub(super) async fn status(&self) -> Result<Status> {
        match self {
            Self::Agent(client) => client.status().await,
            Self::Own(vault) => vault.status(),
        }
    }

    pub(super) async fn unlock(&self, with: UnlockWith<'_>, meant: Meant) -> Result<()> {
        match (self, meant) {
            (Self::Agent(client), _) => client.unlock(with).await,
            (Self::Own(vault), Meant::ForAll) => vault.unlock(with).await,
            (Self::Own(vault), Meant::ForNow) => vault.unlock_here(with).await,
        }
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
