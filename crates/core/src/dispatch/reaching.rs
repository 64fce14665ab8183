//! A host that is reached while something else is waited for, so that its box is ready by then.

use std::fmt;

use tokio_util::task::AbortOnDropHandle;

use super::by_farm::FarmRoute;
use crate::error::{Error, Result};
use crate::farm::{Farm, Slot, Turn, Waiting, Wanted};
use crate::hosts::Host;

/// A worker that is being started on a host. Nothing that is ours goes there by that; dropping it ends it.
pub(super) struct Reaching(AbortOnDropHandle<Result<Waiting>>);

impl Reaching {
    fn begin(farm: &Farm, host: &Host) -> Self {
        let (farm, host) = (farm.clone(), host.clone());
        let reach = tokio::spawn(async move { farm.reach(&host).await });
        Self(AbortOnDropHandle::new(reach))
    }

    /// Waits until the worker is there.
    pub(super) async fn end(self) -> Result<Waiting> {
        let reached = self.0.await;
        reached.unwrap_or_else(|e| Err(Error::failed("The host was not reached.").because(e)))
    }
}

/// A slot that was free before a run began. The box gets ready while the run is written down.
pub(super) struct Early {
    pub(super) slot: Slot,
    pub(super) reaching: Reaching,
}

impl Early {
    /// Takes a slot for a run, if one is free, and begins to reach its host.
    pub(super) fn take(farm: &Farm, route: &FarmRoute) -> Option<Self> {
        let slot = farm.place(&wanted(route), None).ok().flatten()?;
        let reaching = Reaching::begin(farm, &slot.host);
        Some(Self { slot, reaching })
    }
}

impl fmt::Debug for Early {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Early").field(&self.slot.host.id).finish()
    }
}

/// The next turn at a host whose slots are all taken. The box gets ready while one of them is waited for.
pub(super) struct Next {
    pub(super) turn: Turn,
    pub(super) reaching: Option<Reaching>,
}

impl Next {
    /// Takes the next turn somewhere, if one is to be had, and begins to reach that host if it shall.
    pub(super) fn take(farm: &Farm, wanted: &Wanted, reaches: bool) -> Option<Self> {
        let turn = farm.turn(wanted).ok().flatten()?;
        let reaching = reaches.then(|| Reaching::begin(farm, &turn.host));
        Some(Self { turn, reaching })
    }
}

/// Returns which hosts may take a run at first.
pub(super) fn wanted(route: &FarmRoute) -> Wanted {
    Wanted {
        among: route.hosts.iter().map(|host| host.chosen.clone()).collect(),
        is_named: route.is_named,
        not: Vec::new(),
    }
}
