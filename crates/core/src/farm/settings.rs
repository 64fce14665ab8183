//! What the user set for the farm.

use std::path::PathBuf;

use crate::error::Error;
use crate::settings::Setting;

/// The longest time that a run may be given, in seconds: a day.
pub(crate) const TIMEOUT_MAX: u64 = 24 * 60 * 60;

/// The ssh configuration that is read in place of the user's own.
pub const SSH_CONFIG: Setting<Option<PathBuf>> = Setting {
    name: "farm.ssh_config",
    default: || None,
    check: |file| match file {
        Some(path) if !path.is_absolute() => {
            Err(Error::bad_input("That is not the whole path of a file.")
                .hint("Write it from the root on, such as /home/me/.ssh/farm_config."))
        }
        _ => Ok(()),
    },
};

/// How long a host may take to let us in, in seconds.
pub const CONNECT: Setting<u64> = Setting {
    name: "farm.connect_seconds",
    default: || 20,
    check: |seconds| match seconds {
        1..=600 => Ok(()),
        _ => Err(
            Error::bad_input("A host is given from 1 to 600 seconds to let us in.")
                .hint("The usual time is 20."),
        ),
    },
};

/// How long hosts may have a run in all, in seconds, where it is not given another time.
pub const TIMEOUT: Setting<u64> = Setting {
    name: "farm.timeout_seconds",
    default: || 600,
    check: |seconds| match seconds {
        1..=TIMEOUT_MAX => Ok(()),
        _ => Err(
            Error::bad_input(format!("A run takes from 1 to {TIMEOUT_MAX} seconds."))
                .hint("The usual time is 600."),
        ),
    },
};
