//! Remote boxes of the farm: where each is, whose key pays there, how it stands.
//!
//! What is known of a host is checked when it is told and again when it is used: a destination that was
//! changed in the database is no option of `ssh` either.

mod bring;
mod config;
mod ec2;
mod edit;
mod health;
mod probe;
mod table;

use serde::Serialize;

use crate::clock::Millis;
use crate::error::{Code, Failure};
use crate::id::{HostId, KeyId};
use crate::ssh::HostKey;
use crate::words::words;

pub use bring::{Brought, Found, bring, preview};
pub use config::{from_ssh_config, left_out};
pub use ec2::{TagFilter, from_ec2};
pub use edit::{Edit, NewHost, add, edit, pause, pin, remove};
pub use health::{note_failed_run, note_failure, note_pinned_key, note_success, pause_after};
pub use probe::{Probe, Service, note_probe};
pub use table::{find, get, list};

/// The most runs that one host takes at a time.
pub const SLOTS_MAX: u32 = 1_024;

words! {
    /// How a host came into the store.
    #[cfg_attr(feature = "wire", ts(rename = "HostSource"))]
    Source {
        /// Told by the user.
        Manual = "manual",
        /// Taken from an ssh configuration.
        SshConfig = "ssh_config",
        /// Taken from what AWS says of its instances.
        Ec2 = "ec2",
    }
}

words! {
    /// How a host stands.
    #[cfg_attr(feature = "wire", ts(rename = "HostState"))]
    State {
        /// It takes runs.
        Ready = "ready",
        /// Its key is not pinned yet, so nothing is sent to it.
        Unpinned = "unpinned",
        /// The user has paused it.
        Paused = "paused",
        /// It has shown another key than the pinned one, so nothing is sent to it until its key is pinned
        /// anew, or a probe finds the pinned one again.
        KeyChanged = "key_changed",
        /// It has failed and is left alone for a while.
        Resting = "resting",
        /// It was not there any more when its source was looked at last.
        Gone = "gone",
    }
}

/// A host, as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Host {
    /// Its number.
    pub id: HostId,
    /// What people call it.
    pub name: String,
    /// `[user@]host`, as ssh takes it.
    pub destination: String,
    /// Its port, where it isn't that of the configuration, or 22.
    pub port: Option<u16>,
    /// The file of the private key to log in with, where it isn't that of the configuration or the agent.
    pub identity: Option<String>,
    /// How many runs it takes at a time.
    pub slots: u32,
    /// The systemd unit whose state is watched.
    pub service_unit: Option<String>,
    /// The key that pays for what runs there, where none is named.
    pub key: Option<KeyId>,
    /// The program there that brings the box's own key; then none is sent.
    pub own_command: Option<String>,
    /// Words to choose it by.
    pub labels: Vec<String>,
    /// How it came into the store.
    pub source: Source,
    /// What its source calls it.
    pub origin: Option<String>,
    /// The keys by which it must prove itself.
    pub host_keys: Vec<HostKey>,
    /// When they were pinned.
    pub pinned_at: Option<Millis>,
    /// The user has paused it.
    pub is_paused: bool,
    /// Since when its source does not name it any more.
    pub gone_at: Option<Millis>,
    /// How often in a row it has failed.
    pub failures: u32,
    /// How it failed last.
    pub last_failure: Option<Failure>,
    /// Until when it is left alone.
    pub rests_until: Option<Millis>,
    /// When it was asked last how it stands.
    pub probed_at: Option<Millis>,
    /// What it answered.
    pub probe: Option<Probe>,
    /// When it was told of.
    pub created_at: Millis,
}

impl Host {
    /// Returns how it stands.
    #[must_use]
    pub fn state(&self, now: Millis) -> State {
        let rests = self.rests_until.is_some_and(|until| until > now);
        match () {
            () if self.has_changed_key() => State::KeyChanged,
            () if self.is_paused => State::Paused,
            () if self.gone_at.is_some() => State::Gone,
            () if self.host_keys.is_empty() => State::Unpinned,
            () if rests => State::Resting,
            () => State::Ready,
        }
    }

    /// Tells whether it has shown another key than the pinned one, and nobody has looked at that since.
    #[must_use]
    pub fn has_changed_key(&self) -> bool {
        let showed_another = |why: &Failure| why.code == Code::HostKey;
        !self.host_keys.is_empty() && self.last_failure.as_ref().is_some_and(showed_another)
    }

    /// Tells whether it is reached as that one is, so that what is known of one holds for the other.
    #[must_use]
    pub fn is_reached_as(&self, other: &Self) -> bool {
        let how = |host: &Self| {
            let Self {
                destination,
                port,
                identity,
                own_command,
                host_keys,
                ..
            } = host.clone();
            (destination, port, identity, own_command, host_keys)
        };
        how(self) == how(other)
    }

    /// Tells whether it bears a label.
    #[must_use]
    pub fn has_label(&self, wanted: &str) -> bool {
        let wanted = crate::text::folded(wanted);
        self.labels
            .iter()
            .any(|label| crate::text::folded(label) == wanted)
    }
}

/// A host in a list, with how it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "HostRow"))]
pub struct Row {
    /// What is known of it.
    #[serde(flatten)]
    pub host: Host,
    /// How it stands.
    pub state: State,
    /// The fingerprints of its pinned keys, as ssh shows them.
    pub fingerprints: Vec<String>,
    /// How many runs of this program go on there.
    pub busy: u32,
}

impl Row {
    /// Lists a host as it stands now.
    #[must_use]
    pub fn of(host: Host, busy: u32, now: Millis) -> Self {
        Self {
            state: host.state(now),
            fingerprints: host.host_keys.iter().map(HostKey::fingerprint).collect(),
            busy,
            host,
        }
    }
}

#[cfg(test)]
mod tests;
