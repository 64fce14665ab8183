//! Waiting for hosts that rest after a failure, in place of ending the whole.

use std::time::Duration;

use switchyard_core::dispatch::{Dispatch, FarmRoute};
use switchyard_core::hosts::State;
use switchyard_core::id::HostId;
use switchyard_core::{Code, Error};
use tokio::time::Instant;

use crate::out::Out;

/// After so long a line that waits is looked at again: a host may be called back before its rest is over.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The longest wait in which no line is begun: five failures in a row rest for less.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The rest of the hosts that were announced.
pub(super) struct Rest {
    hosts: Vec<HostId>,
    /// Since when no line could be begun.
    since: Option<Instant>,
    is_told: bool,
}

impl Rest {
    pub(super) fn of(route: Option<&FarmRoute>) -> Self {
        let hosts = route.iter().flat_map(|route| &route.hosts);
        Self {
            hosts: hosts.map(|host| host.id).collect(),
            since: None,
            is_told: false,
        }
    }

    /// A line could be begun.
    pub(super) fn is_over(&mut self) {
        self.since = None;
    }

    /// Tells whether a line for which there is no host shall wait, because one is there again soon. Says so
    /// once.
    pub(super) fn takes(&mut self, error: &Error, dispatch: &Dispatch, out: &Out) -> bool {
        if error.code() != Code::NoHost {
            return false;
        }
        let Some(left) = self.shortest(dispatch) else {
            return false;
        };
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited + left > LONGEST {
            return false;
        }
        if !std::mem::replace(&mut self.is_told, true) {
            let seconds = left.as_secs() + 1;
            out.note(&format!(
                "note: every host rests after a failure, the first for {seconds} s more; the lines wait for it."
            ));
        }
        true
    }

    /// Returns how long the first of them rests yet; `None` where none does.
    fn shortest(&self, dispatch: &Dispatch) -> Option<Duration> {
        let now = dispatch.db.clock().now();
        let rows = dispatch.farm.rows().ok()?;
        let ours = rows.iter().filter(|row| self.hosts.contains(&row.host.id));
        let rests = ours.filter_map(|row| match row.host.state(now) {
            State::Resting => row.host.rests_until,
            // Its rest has just ended.
            State::Ready if self.since.is_some() => Some(now),
            _ => None,
        });
        let left = rests.min()?.0.saturating_sub(now.0);
        Some(Duration::from_millis(left.unsigned_abs()))
    }
}
