//! The demo's routing table. No fallback of it is allowed: that is for whoever looks around.

use rusqlite::Connection;

use super::{FACE, JOBS};
use crate::clock::Millis;
use crate::dispatch::Class;
use crate::dispatch::routing::{self, Cause, Destination, Fallback, Rule, Through};
use crate::error::Result;
use crate::keys;

/// Sends reviews through the plan first, and through a key where its limit is reached.
pub(super) fn for_review(store: &Connection, now: Millis) -> Result<()> {
    let plan = Through::Subscription { login: None };
    let work = to_key(store, "Work", "haiku")?;
    put(
        store,
        Class::Review,
        (plan, "sonnet"),
        (Cause::PlanLimit, work),
        now,
    )
}

/// Sends tasks to the boxes that cost little, and through a key where none of them is up.
pub(super) fn for_tasks(store: &Connection, label: &str, now: Millis) -> Result<()> {
    let boxes = Through::Farm {
        host: None,
        label: Some(label.to_owned()),
        key: None,
    };
    let jobs = to_key(store, JOBS, "haiku")?;
    put(
        store,
        Class::Task,
        (boxes, "haiku"),
        (Cause::HostDown, jobs),
        now,
    )
}

fn to_key(store: &Connection, name: &str, model: &str) -> Result<Destination> {
    let key = Some(keys::find(store, name)?.id);
    Ok(to(Through::Metered { key }, model))
}

fn to(through: Through, model: &str) -> Destination {
    Destination {
        through,
        model: Some(model.to_owned()),
        effort: None,
    }
}

fn put(
    store: &Connection,
    class: Class,
    (first, model): (Through, &str),
    (cause, then): (Cause, Destination),
    now: Millis,
) -> Result<()> {
    let rule = Rule {
        class,
        first: to(first, model),
        fallbacks: vec![Fallback { cause, to: then }],
    };
    routing::put(store, &rule, FACE, now)
}
