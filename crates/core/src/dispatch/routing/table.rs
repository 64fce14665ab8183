//! The table `routing`, and what the user allowed of it.

use rusqlite::{Connection, Row};

use super::agreement::{agreement, allowed_at};
use super::{Agreement, CLASSES, Cause, Class, Destination, Fallback, Rule, Through};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::vault::{self, Act};
use crate::{hosts, keys, plan};

/// Returns every rule, in the order of [`CLASSES`].
///
/// # Errors
/// As [`rule`].
pub fn rules(store: &Connection) -> Result<Vec<Rule>> {
    let found = CLASSES.map(|class| rule(store, class).transpose());
    found.into_iter().flatten().collect()
}

/// Returns the rule of a class, where there is one.
///
/// # Errors
/// [`Code::Damaged`] for one that can't be read, [`Code::StoreDamaged`] when the store can't be.
pub fn rule(store: &Connection, class: Class) -> Result<Option<Rule>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let rows: Vec<(Option<Cause>, String)> = store
        .prepare_cached("SELECT cause, destination FROM routing WHERE class = ?1 ORDER BY position")
        .and_then(|mut rows| rows.query_map([class], read)?.collect())
        .doing("read the routing table")?;
    let mut first = None;
    let mut fallbacks = Vec::new();
    for (cause, destination) in rows {
        let to: Destination = serde_json::from_str(&destination).map_err(|e| damaged(class, e))?;
        match cause {
            None => first = Some(to),
            Some(cause) => fallbacks.push(Fallback { cause, to }),
        }
    }
    Ok(first.map(|first| Rule {
        class,
        first,
        fallbacks,
    }))
}

/// Puts a rule in the place of the one that its class has, in the caller's transaction. A fallback of
/// which nothing changes stays allowed; what was allowed of any other is withdrawn.
///
/// # Errors
/// As [`Rule::check`]; [`Code::NotFound`] for a key or login that is not there, [`Code::BadInput`] for
/// a key that never pays for runs.
pub fn put(store: &Connection, rule: &Rule, face: &str, now: Millis) -> Result<()> {
    rule.check()?;
    // Whose key went meanwhile is shown as such, and keeps nobody from changing the rest. A rule that can't
    // be read any more is made anew.
    let before = self::rule(store, rule.class).ok().flatten();
    let stood: Vec<&Destination> = before.iter().flat_map(destinations).collect();
    for to in destinations(rule).filter(|to| !stood.contains(to)) {
        check_payer(store, &to.through)?;
    }
    delete(store, rule.class)?;
    insert(store, rule.class, (0, None), &rule.first, now)?;
    for (position, fallback) in (1..).zip(&rule.fallbacks) {
        let at = (position, Some(fallback.cause));
        insert(store, rule.class, at, &fallback.to, now)?;
    }
    withdraw_others(store, rule.class, Some(rule), face, now)
}

/// Removes the rule of a class with its fallbacks, in the caller's transaction: its work then goes as it
/// does where no class is named.
///
/// # Errors
/// [`Code::NotFound`] where there is none.
pub fn remove(store: &Connection, class: Class, face: &str, now: Millis) -> Result<()> {
    if delete(store, class)? == 0 {
        return Err(no_rule(class));
    }
    withdraw_others(store, class, None, face, now)
}

/// Records that the user allows a fallback beforehand, in the caller's transaction. `number` counts the
/// fallbacks of the class from 1; `version` is that of the [`Agreement`] that they were shown. One that
/// is allowed already stays as it is.
///
/// # Errors
/// [`Code::NotFound`] where there is no such fallback, or whoever is to pay is gone;
/// [`Code::BadInput`] where the version is not the current one.
pub fn allow(
    store: &Connection,
    (class, number): (Class, usize),
    version: &str,
    face: &str,
    now: Millis,
) -> Result<Agreement> {
    let (rule, fallback) = find(store, class, number)?;
    let agreement = agreement(store, &rule, &fallback)?;
    if agreement.version != version {
        return Err(Error::bad_input(
            "The fallback that was shown is not the current one, so it can't be allowed.",
        )
        .hint("Look at the routing table first."));
    }
    // Nobody can say who pays in the place of a key that is gone.
    check_payer(store, &fallback.to.through)?;
    if allowed_at(store, version)?.is_none() {
        store
            .execute(
                "INSERT INTO fallback_allowances (class, version, says, face, allowed_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (class, version, &agreement.sentence, face, now),
            )
            .doing("record what is allowed")?;
        note(store, Act::AllowFallback, &agreement.sentence, face, now)?;
    }
    Ok(agreement)
}

/// Records that the user allows a fallback no longer, in the caller's transaction; where it was not
/// allowed, nothing changes.
///
/// # Errors
/// [`Code::NotFound`] where there is no such fallback.
pub fn disallow(
    store: &Connection,
    (class, number): (Class, usize),
    face: &str,
    now: Millis,
) -> Result<Agreement> {
    let (rule, fallback) = find(store, class, number)?;
    let agreement = agreement(store, &rule, &fallback)?;
    withdraw(store, &agreement.version, &agreement.sentence, face, now)?;
    Ok(agreement)
}

fn find(store: &Connection, class: Class, number: usize) -> Result<(Rule, Fallback)> {
    let rule = rule(store, class)?.ok_or_else(|| no_rule(class))?;
    let at = number.checked_sub(1);
    let found = at.and_then(|at| rule.fallbacks.get(at)).cloned();
    match found {
        Some(fallback) => Ok((rule, fallback)),
        None => Err(Error::new(
            Code::NotFound,
            format!("There is no fallback {number} for {class}."),
        )
        .remedy(Remedy::ListRouting)),
    }
}

fn destinations(rule: &Rule) -> impl Iterator<Item = &Destination> {
    let fallbacks = rule.fallbacks.iter().map(|fallback| &fallback.to);
    std::iter::once(&rule.first).chain(fallbacks)
}

/// Refuses a payer that is not there, or never pays for runs.
fn check_payer(store: &Connection, through: &Through) -> Result<()> {
    match through {
        Through::Metered { key: Some(id) } => keys::usable(&keys::get(store, id)?),
        Through::Subscription { login: Some(name) } => plan::find(store, name).map(drop),
        Through::Farm { host, key, .. } => {
            host.map(|id| hosts::get(store, id)).transpose()?;
            let key = key.as_ref().map(|id| keys::get(store, id)).transpose()?;
            key.as_ref().map_or(Ok(()), keys::usable)
        }
        Through::Metered { key: None } | Through::Subscription { login: None } => Ok(()),
    }
}

fn delete(store: &Connection, class: Class) -> Result<usize> {
    store
        .execute("DELETE FROM routing WHERE class = ?1", [class])
        .doing("change the routing table")
}

fn insert(
    store: &Connection,
    class: Class,
    (position, cause): (i64, Option<Cause>),
    to: &Destination,
    now: Millis,
) -> Result<()> {
    let destination = serde_json::to_string(to)
        .map_err(|e| Error::failed("A way can't be written down.").because(e))?;
    store
        .execute(
            "INSERT INTO routing (class, position, cause, destination, changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (class, position, cause, destination, now),
        )
        .doing("change the routing table")
        .map(drop)
}

/// Withdraws what was allowed of a class and is not in its rule any more: put there again, it is to be
/// allowed again.
fn withdraw_others(
    store: &Connection,
    class: Class,
    rule: Option<&Rule>,
    face: &str,
    now: Millis,
) -> Result<()> {
    let mut kept = Vec::new();
    for (rule, fallback) in rule.iter().flat_map(|rule| {
        let fallbacks = rule.fallbacks.iter();
        fallbacks.map(move |fallback| (rule, fallback))
    }) {
        kept.push(agreement(store, rule, fallback)?.version);
    }
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let allowed: Vec<(String, String)> = store
        .prepare_cached(
            "SELECT version, says FROM fallback_allowances
             WHERE class = ?1 AND withdrawn_at IS NULL",
        )
        .and_then(|mut rows| rows.query_map([class], read)?.collect())
        .doing("look what is allowed")?;
    for (version, says) in allowed {
        if !kept.contains(&version) {
            withdraw(store, &version, &says, face, now)?;
        }
    }
    Ok(())
}

fn withdraw(store: &Connection, version: &str, says: &str, face: &str, now: Millis) -> Result<()> {
    let withdrawn = store
        .execute(
            "UPDATE fallback_allowances SET withdrawn_at = ?2
             WHERE version = ?1 AND withdrawn_at IS NULL",
            (version, now),
        )
        .doing("record what is allowed no longer")?;
    match withdrawn {
        0 => Ok(()),
        _ => note(store, Act::DisallowFallback, says, face, now),
    }
}

fn note(store: &Connection, act: Act, says: &str, face: &str, now: Millis) -> Result<()> {
    vault::note(store, face, now, act, says)
}

fn no_rule(class: Class) -> Error {
    Error::new(Code::NotFound, format!("There is no rule for {class}.")).remedy(Remedy::ListRouting)
}

fn damaged(class: Class, why: serde_json::Error) -> Error {
    Error::new(
        Code::Damaged,
        format!("The rule for {class} can't be read any more."),
    )
    .hint("Remove it and make it anew; nothing was sent.")
    .because(why)
}
