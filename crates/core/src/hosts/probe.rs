//! What a host answered when it was asked how it stands.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::{Host, table};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Error, Failure, Result};
use crate::id::HostId;
use crate::words::words;

words! {
    /// How a unit of systemd stands, in its own word.
    #[cfg_attr(feature = "wire", ts(rename = "ServiceState"))]
    Service {
        /// It runs.
        Active = "active",
        /// It does not.
        Inactive = "inactive",
        /// It has ended in an error.
        Failed = "failed",
        /// It is being started.
        Activating = "activating",
        /// It is being stopped.
        Deactivating = "deactivating",
        /// It reads its settings again.
        Reloading = "reloading",
        /// There is no such unit, or no systemd.
        Unknown = "unknown",
    }
}

/// What a host answered. Nothing of it is believed any further than to be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "HostProbe"))]
pub struct Probe {
    /// Why it takes no runs; `None` where it does.
    pub trouble: Option<Failure>,
    /// Where its `claude` is.
    pub claude: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Which credential `claude` would use by itself there, in its own word; it is never used.
    pub login: Option<String>,
    /// How the unit that is watched stands.
    pub service: Option<Service>,
    /// By how much its clock is ahead of ours, in milliseconds.
    pub clock_ahead_ms: Option<i64>,
    /// How many processes ran or waited on average in the last minute.
    pub load: Option<f64>,
    /// How many processors it has.
    pub processors: Option<u32>,
    /// How long a word takes there and back, in milliseconds.
    pub latency_ms: Option<f64>,
}

/// Keeps what a host answered, in the caller's transaction, unless it has become another box meanwhile.
/// Returns whether it is kept.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound), or when it can't be kept.
pub fn note_probe(store: &Connection, asked: &Host, probe: &Probe, now: Millis) -> Result<bool> {
    let host = table::get(store, asked.id)?;
    if !host.is_reached_as(asked) {
        return Ok(false);
    }
    let json = serde_json::to_string(probe)
        .map_err(|e| Error::failed("The probe can't be written.").because(e))?;
    store
        .execute(
            "UPDATE hosts SET probe = ?2, probed_at = ?3 WHERE id = ?1",
            params![host.id, json, now],
        )
        .doing("keep the probe")?;
    Ok(true)
}

/// Forgets what a host answered: it may be another box now.
pub(super) fn forget_probe(store: &Connection, id: HostId) -> Result<()> {
    store
        .execute(
            "UPDATE hosts SET probe = NULL, probed_at = NULL WHERE id = ?1",
            [id],
        )
        .doing("forget what the host answered")
        .map(drop)
}
