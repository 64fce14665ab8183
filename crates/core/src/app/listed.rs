//! The settings that a person can list and change by name, each with what it is for.

use rusqlite::Connection;

use super::instance::KEEP_IN_TRAY;
use super::tidy::TIDIED_AT;
use crate::clock::Millis;
use crate::dispatch::UnknownModel;
use crate::error::{Code, Error, Result};
use crate::{dispatch, farm, http, plan, usage, vault};

/// A setting as faces list it.
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// What it is for, and the values that it takes.
    pub about: &'static str,
    show: fn(&Connection) -> Result<String>,
    keep: fn(&Connection, &str, Millis) -> Result<()>,
    clear: fn(&Connection) -> Result<()>,
    doubt: fn(&Connection) -> Result<Option<UnknownModel>>,
}

impl Listed {
    /// Returns the value that holds, as JSON.
    ///
    /// # Errors
    /// [`Code::StoreDamaged`] when the store can't be read.
    pub fn value(&self, store: &Connection) -> Result<String> {
        (self.show)(store)
    }

    /// Keeps a value that a person wrote; `default` goes back to the default. Returns what a face
    /// says of a value that is kept and may yet be a slip.
    ///
    /// # Errors
    /// [`Code::BadInput`] when the value can't be used.
    pub fn set(&self, store: &Connection, text: &str, now: Millis) -> Result<Option<UnknownModel>> {
        match text {
            "default" => (self.clear)(store),
            text => (self.keep)(store, text, now),
        }?;
        // What is not to be kept any longer goes with the next command, not with the next day.
        TIDIED_AT.clear(store)?;
        (self.doubt)(store)
    }
}

macro_rules! listed {
    ($setting:expr, $about:literal) => {
        Listed {
            name: $setting.name,
            about: $about,
            show: |store| $setting.shown(store),
            keep: |store, text, now| $setting.set_text(store, text, now),
            clear: |store| $setting.clear(store),
            doubt: |_store| Ok(None),
        }
    };
}

/// Every setting that can be changed by name.
pub const SETTINGS: &[Listed] = &[
    Listed {
        doubt: dispatch::usual_model_doubt,
        ..listed!(
            dispatch::MODEL,
            "The model of runs that name none: an id, or haiku, sonnet, opus"
        )
    },
    listed!(
        farm::CONNECT,
        "How many seconds a host of the farm may take to let us in"
    ),
    listed!(
        farm::SSH_CONFIG,
        "The whole path of the ssh configuration for the farm, in place of your own, or null"
    ),
    listed!(
        farm::TIMEOUT,
        "How many seconds a run on the farm may take in all, where it is not given another time"
    ),
    listed!(
        KEEP_IN_TRAY,
        "Whether closing the window leaves the program in the tray: true or false"
    ),
    listed!(
        dispatch::KEEP_DAYS,
        "For how many days prompts and answers are kept: a number, null for ever, 0 not at all"
    ),
    listed!(
        plan::WARM_SPARE,
        "Whether a `claude` waits for your next prompt where you use your plan: true or false"
    ),
    listed!(
        vault::LOCK_AFTER_MINUTES,
        "After how many idle minutes the vault locks itself: a number, 0 never, null 15 where a passphrase is needed"
    ),
    listed!(
        plan::PROGRAM,
        "The whole path of `claude`, where it is in none of the usual places, or null"
    ),
    listed!(
        usage::retention::KEEP_MONTHS,
        "For how many months the ledger keeps single rows, 0 for ever; sums stay in any case"
    ),
    listed!(
        http::PROXY,
        "The proxy: off, system, or a URL without name and password"
    ),
    listed!(
        http::CA_FILE,
        "A file of certificates (PEM) to trust besides the usual ones, or null"
    ),
    listed!(
        http::TIMEOUTS,
        "Limits in milliseconds, as JSON: connect, first_byte, idle, total"
    ),
    Listed {
        name: "usage.zone",
        about: "The time zone whose days are summed, by its IANA name, such as Europe/Berlin",
        show: |store| as_json(&usage::zone::zone_name(store)?),
        keep: |store, text, _now| usage::zone::set_zone(store, text),
        clear: |store| usage::zone::set_zone(store, crate::db::local_zone().as_str()),
        doubt: |_store| Ok(None),
    },
];

/// Finds a setting by its name.
///
/// # Errors
/// [`Code::NotFound`] with the names that there are.
pub fn setting(name: &str) -> Result<&'static Listed> {
    SETTINGS
        .iter()
        .find(|listed| listed.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = SETTINGS.iter().map(|listed| listed.name).collect();
            Error::new(
                Code::NotFound,
                format!("There is no setting {}.", crate::text::shown(name, 60)),
            )
            .hint(format!("There are: {}.", names.join(", ")))
        })
}

fn as_json(value: &str) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::failed("A setting can't be shown.").because(e))
}
