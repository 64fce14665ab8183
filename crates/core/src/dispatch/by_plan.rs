//! The user's plan as a payer: whether it may be used, and for what.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::as_text::check_files;
use super::kept::no_run;
use super::payer::Found;
use super::request::Request;
use super::route::Class;
use crate::claude;
use crate::clock::Millis;
use crate::consent::{self, Subject};
use crate::db::SqlContext;
use crate::error::{Error, Result};
use crate::http::Endpoint;
use crate::id::RunId;
use crate::plan::{self, Known, PlanLogin};
use crate::text::shown;
use crate::usage::Payer;

/// What is known of the plan that pays.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct PlanRoute {
    /// The login through which it is used.
    pub login: PlanLogin,
    /// What its last run said of it.
    pub known: Known,
    /// The plan's limits are used up, and dollars may leave.
    pub is_extra: bool,
    /// The user has accepted that dollars leave when the plan's limits are reached.
    pub may_be_extra: bool,
}

/// Finds the login that is used, and whether it may be.
pub(super) fn payer(
    store: &Connection,
    login: Option<&str>,
    variable: &impl Fn(&str) -> Option<String>,
    now: Millis,
) -> Result<Found> {
    consent::require(store, Subject::Subscription)?;
    let (login, reason) = match login {
        Some(name) => {
            let login = plan::find(store, name)?;
            let reason = format!("because you chose {}", shown(&login.name, 60));
            (login, reason)
        }
        None => {
            let login = plan::chosen(store)?;
            let reason = format!("because {} is the plan's login", shown(&login.name, 60));
            (login, reason)
        }
    };
    let opened = login.open(variable)?;
    let known = plan::known(store, &login.name)?;
    let route = PlanRoute {
        is_extra: known.is_extra(now),
        may_be_extra: consent::ask(store, Subject::ExtraUsage)?.is_accepted(),
        known,
        login,
    };
    if route.is_extra {
        consent::require(store, Subject::ExtraUsage)?;
    }
    Ok(Found {
        label: label(&route),
        key: None,
        endpoint: Endpoint::parse(None)?,
        environment: String::new(),
        reason,
        booked_to: Payer::Plan(route.login.name.clone()),
        variable: None,
        plan: Some(route),
        login: Some(opened),
        farm: None,
    })
}

/// Returns what people call the plan behind a login.
fn label(route: &PlanRoute) -> String {
    let account = route.known.account.as_ref();
    match account.and_then(|account| account.plan.as_deref()) {
        Some(plan) => format!("your plan ({}, {plan})", route.login.name),
        None => format!("your plan ({})", route.login.name),
    }
}

/// Returns the login through which a plan paid for a run, if one did.
pub(super) fn paid_for(store: &Connection, run: RunId) -> Result<Option<String>> {
    let payer: Payer = store
        .query_row("SELECT payer FROM runs WHERE id = ?1", [run], |row| {
            row.get(0)
        })
        .optional()
        .doing("look who paid before")?
        .ok_or_else(|| no_run(run))?;
    Ok(match payer {
        Payer::Plan(login) => Some(login),
        Payer::Key(_) | Payer::Env { .. } | Payer::EnvFile { .. } | Payer::Host(_) => None,
    })
}

/// Refuses what this tier does not carry, before anything is sent.
pub(super) fn check(request: &Request, class: Class) -> Result<()> {
    if class == Class::Task {
        return Err(no_tasks());
    }
    check_files(request, "A plan")?;
    let control = match (request.max_tokens, request.thinking) {
        (Some(_), _) => Some("The longest answer"),
        (None, Some(_)) => Some("Whether the model thinks first"),
        (None, None) => None,
    };
    match control {
        Some(control) => Err(Error::bad_input(format!(
            "{control} can't be chosen where a plan pays: `claude` has no such control."
        ))
        .hint("Leave that out, or send with a key. Nothing was sent.")),
        None => Ok(()),
    }
}

/// Refuses work that a plan is not for.
pub(super) fn no_tasks() -> Error {
    Error::bad_input("Work without a person does not go through a plan.")
        .hint("Send it with a key. A plan is for interactive work, planning, review and chat.")
}

/// Says what the CLI said of the credential, as it is kept with the run.
pub(super) fn proof(account: &claude::Account) -> String {
    let parts = [
        account.plan.clone(),
        account
            .key_source
            .as_ref()
            .map(|source| format!("key from {source}")),
        account
            .token_source
            .as_ref()
            .filter(|source| *source != "none")
            .map(|source| format!("token from {source}")),
        account.organization.clone(),
        account.email.clone(),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("claude: {}", parts.join(", "))
}
