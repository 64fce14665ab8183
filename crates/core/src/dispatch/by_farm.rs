//! The farm as a way: which hosts may take a run, and who pays there.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::as_text::check_files;
use super::kept::no_run;
use super::payer::{self, Found};
use super::request::Request;
use super::route::PayWith;
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::farm::{Chosen, Farm, TIMEOUT, TIMEOUT_MAX, nobody};
use crate::hosts::{self, Host, State};
use crate::http::Endpoint;
use crate::id::{HostId, RunId};
use crate::keys;
use crate::text::shown;
use crate::usage::{Payer, Tier};

/// How often a run goes on to another host where nobody says otherwise.
const RETRIES: u32 = 2;

/// For so long a host that was in trouble when it was asked is taken to be.
const TROUBLE_LASTS: Duration = Duration::from_secs(60 * 60);

/// The most hosts that one run is given to.
const RETRIES_MAX: u32 = 20;

/// Where on the farm a run shall go, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FarmAsk {
    /// This host and no other.
    pub host: Option<HostId>,
    /// Any host that bears this label.
    pub label: Option<String>,
    /// The key that pays, in place of the host's: a stored one, the active one, or that of a variable.
    pub key: Option<Box<PayWith>>,
    /// How long hosts may have it in all; the setting where absent.
    pub timeout: Option<Duration>,
    /// How often another host may be tried.
    pub retries: Option<u32>,
}

/// Where on the farm a run may go.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct FarmRoute {
    /// The hosts that may take it, the least busy first. The same payer pays on all of them.
    pub hosts: Vec<FarmHost>,
    /// The user has named the host.
    pub is_named: bool,
    /// The label that they bear, where one was asked for.
    pub label: Option<String>,
    /// How long hosts may have the run in all, in seconds. Waiting for a slot is no part of it.
    pub timeout_seconds: u64,
    /// How often another host may be tried.
    pub retries: u32,
    /// How often the prompt may be billed at most: each host that fails leaves it to another one, and one whose
    /// connection was lost may have it once more. How many hosts are up at the moment plays no part in it: what
    /// was said must hold when others are.
    pub times_billed_max: u32,
}

/// A host that may take a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct FarmHost {
    /// Its number.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// What was decided, which must hold when it takes the run.
    #[serde(skip)]
    pub(super) chosen: Chosen,
}

/// What is known of a run on the farm that is continued.
pub(super) struct Before {
    run: RunId,
    /// Who paid for it.
    pub(super) payer: Payer,
    label: String,
    host: Option<HostId>,
    at: Millis,
}

impl Before {
    /// Tells whether this host is the box that had it. A host keeps its number where it becomes another box; its
    /// key is pinned anew then.
    fn was_on(&self, host: &Host) -> bool {
        self.host == Some(host.id) && host.pinned_at.is_some_and(|pinned| pinned <= self.at)
    }
}

/// Reads what is known of a run, where it was on the farm.
///
/// # Errors
/// [`Code::NotFound`] where there is no such run.
pub(super) fn before(store: &Connection, run: RunId) -> Result<Option<Before>> {
    let read = |row: &rusqlite::Row<'_>| {
        let before = Before {
            run,
            payer: row.get(1)?,
            label: row.get(2)?,
            host: row.get(3)?,
            at: row.get(4)?,
        };
        Ok((row.get::<_, Tier>(0)?, before))
    };
    let (tier, before) = store
        .query_row(
            "SELECT tier, payer, payer_label, host_id, started_at FROM runs WHERE id = ?1",
            [run],
            read,
        )
        .optional()
        .doing("look who paid before")?
        .ok_or_else(|| no_run(run))?;
    Ok((tier == Tier::Farm).then_some(before))
}

/// Finds the hosts that may take a run, and who pays there. A run never changes its payer: where hosts
/// differ in theirs, those with the payer of the first one by name are chosen; where it continues a run of
/// the farm, those with the payer of that.
///
/// # Errors
/// [`Code::NoHost`] where none may take it, and as for a key.
pub(super) fn payer(
    store: &Connection,
    farm: &Farm,
    ask: &FarmAsk,
    reply_to: Option<RunId>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Found> {
    let names_none = ask.host.is_none() && ask.label.is_none() && ask.key.is_none();
    let before = match reply_to.filter(|_| names_none) {
        Some(run) => before(store, run)?,
        None => None,
    };
    let (mut found, mut hosts) = match (&before, ask.key.as_deref()) {
        (Some(before), _) => as_before(store, farm, before)?,
        (None, Some(key)) => with_key(store, key, ready(store, farm, ask)?, variable)?,
        (None, None) => with_theirs(store, ready(store, farm, ask)?)?,
    };
    let timeout_seconds = match ask.timeout {
        Some(timeout) => timeout.as_secs(),
        None => TIMEOUT.get(store)?,
    };
    if !(1..=TIMEOUT_MAX).contains(&timeout_seconds) {
        return Err(
            Error::bad_input(format!("A run can't be given {timeout_seconds} seconds."))
                .hint(format!("Give a number from 1 to {TIMEOUT_MAX}.")),
        );
    }
    let retries = ask.retries.unwrap_or(RETRIES);
    if retries > RETRIES_MAX {
        return Err(
            Error::bad_input(format!("A run can't be tried again {retries} times."))
                .hint(format!("Give a number from 0 to {RETRIES_MAX}.")),
        );
    }
    let now = farm.now();
    if hosts.iter().any(|host| !is_in_trouble(host, now)) {
        hosts.retain(|host| !is_in_trouble(host, now));
    }
    hosts.sort_by_key(|host| farm.share(host));
    if let (None, None, Some(first)) = (&before, &ask.key, hosts.first())
        && first.own_command.is_none()
        && first.key.is_some()
    {
        found.reason = because_of(first);
    }
    let in_all = u32::try_from(asked(store, ask)?.len()).unwrap_or(u32::MAX);
    let host = |host: Host| FarmHost {
        id: host.id,
        chosen: Chosen::from(&host),
        name: host.name,
    };
    Ok(Found {
        farm: Some(FarmRoute {
            hosts: hosts.into_iter().map(host).collect(),
            is_named: ask.host.is_some(),
            label: ask.label.clone(),
            timeout_seconds,
            retries,
            times_billed_max: retries.min(in_all).saturating_add(1),
        }),
        ..found
    })
}

/// Returns the hosts that may take the run, by name; those that were in trouble when they were asked last
/// come after all others.
fn ready(store: &Connection, farm: &Farm, ask: &FarmAsk) -> Result<Vec<Host>> {
    let hosts = asked(store, ask)?;
    let now = farm.now();
    let may = |host: &Host| match host.state(now) {
        State::Ready => true,
        State::Resting => ask.host.is_some(),
        State::Unpinned | State::KeyChanged | State::Paused | State::Gone => false,
    };
    let mut ready: Vec<Host> = hosts.iter().filter(|host| may(host)).cloned().collect();
    if ready.is_empty() {
        return Err(nobody(&hosts, now));
    }
    ready.sort_by_key(|host| is_in_trouble(host, now));
    Ok(ready)
}

/// Returns the hosts that are asked for, by name, however they stand.
fn asked(store: &Connection, ask: &FarmAsk) -> Result<Vec<Host>> {
    Ok(match (ask.host, &ask.label) {
        (Some(id), _) => vec![hosts::get(store, id)?],
        (None, Some(label)) => {
            let all = hosts::list(store)?;
            let labelled: Vec<_> = all
                .into_iter()
                .filter(|host| host.has_label(label))
                .collect();
            if labelled.is_empty() {
                let label = shown(label, 60);
                return Err(
                    Error::new(Code::NoHost, format!("No host bears the label {label}."))
                        .hint("Nothing was sent.")
                        .remedy(Remedy::ListHosts),
                );
            }
            labelled
        }
        (None, None) => hosts::list(store)?,
    })
}

/// Tells whether a host could take no runs when it was asked a while ago. It may be well again, so it is
/// tried where there is no other.
fn is_in_trouble(host: &Host, now: Millis) -> bool {
    let is_news = host
        .probed_at
        .is_some_and(|at| at.plus(TROUBLE_LASTS) > now);
    is_news
        && host
            .probe
            .as_ref()
            .is_some_and(|probe| probe.trouble.is_some())
}

/// The key that was named pays, on every host that is sent one.
fn with_key(
    store: &Connection,
    key: &PayWith,
    mut hosts: Vec<Host>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(Found, Vec<Host>)> {
    hosts.retain(|host| host.own_command.is_none());
    if hosts.is_empty() {
        return Err(Error::bad_input(
            "A host that has its own key is sent none, so the key that was named can't pay there.",
        )
        .hint("Leave the key out, or choose another host. Nothing was sent."));
    }
    Ok((payer::of_key(store, key, variable)?, hosts))
}

/// Whoever paid before pays again: the host itself, or the key, on the host that has had it and on those
/// where it pays anyway. No other host is shown a key that its user did not give it.
fn as_before(store: &Connection, farm: &Farm, before: &Before) -> Result<(Found, Vec<Host>)> {
    let reason = payer::because_it_paid(before.run);
    let key = match &before.payer {
        Payer::Host(_) => None,
        // A key that is not stored, or is no more, does not pay again by itself.
        _ => Some(payer::paid_by(store, before.run)?),
    };
    let mut hosts = match ready(store, farm, &FarmAsk::default()) {
        Err(error) if error.code() == Code::NoHost => return Err(no_way_back(before, &error)),
        hosts => hosts?,
    };
    let active = keys::active(store)?.map(|key| key.id);
    hosts.retain(|host| match &key {
        None => host.own_command.is_some() && before.payer == Payer::Host(host.id),
        Some(key) => {
            let theirs = host.key.as_ref().or(active.as_ref());
            host.own_command.is_none() && (before.was_on(host) || theirs == Some(&key.id))
        }
    });
    if hosts.is_empty() {
        let none = "No host on which the same one pays is ready.";
        return Err(no_way_back(before, &Error::new(Code::NoHost, none)));
    }
    match key {
        Some(key) => Ok((payer::stored(key, reason)?, hosts)),
        None => {
            let (found, hosts) = with_theirs(store, hosts)?;
            Ok((Found { reason, ..found }, hosts))
        }
    }
}

fn no_way_back(before: &Before, why: &Error) -> Error {
    Error::new(
        why.code(),
        format!(
            "Run {} was on the farm, paid by {}. {}",
            before.run,
            shown(&before.label, 60),
            why.message()
        ),
    )
    .hint("To go on without the farm, or with another payer, name the key that pays. Nothing was sent.")
    .remedy(Remedy::ChoosePayer)
}

/// The first host whose payer can pay decides who does. How busy a host is decides nothing of that: it is
/// another one at every moment.
fn with_theirs(store: &Connection, mut hosts: Vec<Host>) -> Result<(Found, Vec<Host>)> {
    let mut why_not = None;
    let mut found = None;
    for host in &hosts {
        match theirs(store, host) {
            Ok(theirs) => {
                found = Some((theirs, host.clone()));
                break;
            }
            Err(error) => why_not = why_not.or(Some(error)),
        }
    }
    let Some((found, first)) = found else {
        let none = || Error::failed("No host is left to choose from.");
        return Err(why_not.unwrap_or_else(none));
    };
    hosts.retain(|host| match &first.own_command {
        Some(_) => host.id == first.id,
        None => host.own_command.is_none() && host.key == first.key,
    });
    Ok((found, hosts))
}

/// Returns who pays on a host: itself, its key, or the active key.
fn theirs(store: &Connection, host: &Host) -> Result<Found> {
    let name = shown(&host.name, 60);
    match (&host.own_command, &host.key) {
        (Some(_), _) => Ok(Found {
            label: format!("{}'s own key", host.name),
            key: None,
            endpoint: Endpoint::parse(None)?,
            environment: String::new(),
            reason: format!("because {name} has its own"),
            booked_to: Payer::Host(host.id),
            variable: None,
            plan: None,
            login: None,
            farm: None,
        }),
        (None, Some(key)) => {
            let stored = keys::get(store, key);
            let stored = stored.and_then(|key| payer::stored(key, because_of(host)));
            stored.map_err(|error| cannot_pay(&name, &error))
        }
        (None, None) => payer::active(store),
    }
}

/// Says why a host's key pays. It is the key of each host that may take the run.
fn because_of(host: &Host) -> String {
    format!("because it is the key of {}", shown(&host.name, 60))
}

/// Says on which host it is that a key can't pay.
fn cannot_pay(host: &str, why: &Error) -> Error {
    Error::new(
        why.code(),
        format!("The key of {host} can't pay: {}", why.message()),
    )
    .hint(
        "Give the host another key, or none, so that the active key pays there. Nothing was sent.",
    )
    .remedy(Remedy::ListHosts)
}

/// Refuses what this tier does not carry, before anything is sent.
pub(super) fn check(request: &Request) -> Result<()> {
    check_files(request, "A host of the farm")?;
    match request.thinking {
        Some(_) => Err(Error::bad_input(
            "Whether the model thinks first can't be chosen on the farm: `claude` has no such control.",
        )
        .hint("Leave that out, or send with a key. Nothing was sent.")),
        None => Ok(()),
    }
}
