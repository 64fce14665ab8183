//! `switchyard keys`: add, list, check, select, edit, write-env, rm.

mod add;
mod write_env;

use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;
use switchyard_core::clock::Millis;
use switchyard_core::keys::{self, Checked, Edit, Key, Kind, Validity};
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Remedy, Result};

use crate::args::keys::{CheckKeys, EditKey, Keys, Labels, OneKey, RemoveKey};
use crate::ask;
use crate::exit;
use crate::out::{Out, Table, count};
use crate::remedy;

pub(crate) async fn run(command: &Keys, app: &App, out: &Out) -> Result<ExitCode> {
    match command {
        Keys::Add(wanted) => add::run(wanted, app, out).await,
        Keys::List => list(app, out),
        Keys::Show(wanted) => show(wanted, app, out),
        Keys::Check(wanted) => check(wanted, app, out).await,
        Keys::Select(wanted) => select(wanted, app, out).await,
        Keys::Edit(wanted) => edit(wanted, app, out).await,
        Keys::WriteEnv(wanted) => write_env::run(wanted, app, out).await,
        Keys::Rm(wanted) => remove(wanted, app, out).await,
    }
}

/// A key as the list gives it to programs: what is known of it, and whether it is the active one.
#[derive(Serialize)]
struct ListedKey<'a> {
    #[serde(flatten)]
    key: &'a Key,
    is_selected: bool,
}

fn list(app: &App, out: &Out) -> Result<ExitCode> {
    let Some(db) = app.db_if_any()? else {
        return nothing_stored(out);
    };
    let (keys, active) = db.read(|store| Ok((keys::list(store)?, keys::active(store)?)))?;
    let is_active = |key: &Key| active.as_ref().is_some_and(|active| active.id == key.id);
    if out.json {
        for key in &keys {
            out.json_line(&ListedKey {
                key,
                is_selected: is_active(key),
            })?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if keys.is_empty() {
        return nothing_stored(out);
    }
    let now = db.clock().now();
    let mut table = Table::new(&[
        "",
        "NAME",
        "KEY",
        "KIND",
        "FROM",
        "ENVIRONMENT",
        "HEALTH",
        "LAST USED",
    ]);
    for key in &keys {
        table.row(vec![
            if is_active(key) {
                "●".to_owned()
            } else {
                String::new()
            },
            shown(&key.name, 32),
            format!("…{}", key.hint),
            kind(key),
            key.source.to_string(),
            shown(&key.environment, 16),
            health(key),
            key.last_used_at
                .map_or_else(|| "never".to_owned(), |at| ago(at, now)),
        ]);
    }
    for line in table.lines() {
        out.line(&line)?;
    }
    if active.is_none() {
        out.note("hint: no key is active; choose one with: switchyard keys select NAME");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(wanted: &OneKey, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    let key = db.read(|store| keys::find(store, &wanted.key))?;
    if out.json {
        out.json_line(&key)?;
        return Ok(ExitCode::SUCCESS);
    }
    let time = |at: Option<Millis>| {
        at.map_or_else(
            || "never".to_owned(),
            |at| at.timestamp().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        )
    };
    let text = |text: &str| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            shown(text, 200)
        }
    };
    let tags: Vec<String> = key.tags.iter().map(|tag| shown(tag, 40)).collect();
    let lines = [
        ("Name", shown(&key.name, 120)),
        ("Key", format!("…{}", key.hint)),
        ("Kind", kind(&key)),
        ("From", key.source.to_string()),
        (
            "Server",
            key.base_url
                .clone()
                .unwrap_or_else(|| "Anthropic's API".to_owned()),
        ),
        (
            "Organisation",
            text(key.organization.as_deref().unwrap_or_default()),
        ),
        ("Environment", text(&key.environment)),
        ("Tags", text(&tags.join(", "))),
        ("Note", text(&key.note)),
        ("Health", health(&key)),
        ("Checked", time(key.checked_at)),
        ("Last good", time(key.valid_at)),
        ("Added", time(Some(key.created_at))),
        ("Last used", time(key.last_used_at)),
        ("Id", key.id.to_string()),
    ];
    for (name, value) in lines {
        out.line(&format!("{name:<13} {value}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn nothing_stored(out: &Out) -> Result<ExitCode> {
    if !out.json {
        out.line("No keys are stored.")?;
        out.note(&format!("hint: {}", remedy::words(Remedy::AddKey)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(wanted: &CheckKeys, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    let chosen = db.read(|store| match wanted.keys.is_empty() {
        true => keys::list(store),
        false => wanted
            .keys
            .iter()
            .map(|name| keys::find(store, name))
            .collect(),
    })?;
    if chosen.is_empty() {
        return nothing_stored(out);
    }
    if wanted.real_call && !wanted.yes {
        let question = format!(
            "One real call for {}, about 8 tokens in and 1 out: less than $0.0001 each with the cheapest model. Go on?",
            count(u64::try_from(chosen.len()).unwrap_or(u64::MAX), "key")
        );
        if !ask::agrees(out, &question)? {
            return Err(
                Error::bad_input("No call was made.").hint("Say --yes to agree beforehand.")
            );
        }
    }
    let mut worst = ExitCode::SUCCESS;
    for key in &chosen {
        let checked = if wanted.real_call {
            app.dispatch()?.check_with_real_call(&key.id).await?
        } else {
            keys::check(db, app.access()?.as_ref(), app.http()?, &key.id).await?
        };
        if let Some(trouble) = &checked.trouble {
            worst = exit::code(trouble.code());
        }
        tell(&checked, out)?;
    }
    Ok(worst)
}

fn tell(checked: &Checked, out: &Out) -> Result<()> {
    let trouble = checked.trouble.as_ref();
    if out.json {
        return out.json_line(&json!({
            "key": checked.key,
            "is_answered": checked.is_answered,
            "cost": checked.cost,
            "trouble": trouble.map(Error::failure),
        }));
    }
    let cost = checked
        .cost
        .map_or_else(String::new, |cost| format!(" (the call cost {cost})"));
    let word = if checked.is_answered {
        health(&checked.key)
    } else {
        "not answered".to_owned()
    };
    out.line(&format!(
        "{} …{}: {word}{cost}",
        shown(&checked.key.name, 60),
        checked.key.hint
    ))?;
    if let Some(trouble) = trouble {
        out.line(&format!("  {trouble}"))?;
        if let Some(advice) = remedy::advice(trouble.failure()) {
            out.line(&format!("  {advice}"))?;
        }
    }
    Ok(())
}

async fn select(wanted: &OneKey, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    let id = db.read(|store| keys::find(store, &wanted.key))?.id;
    let now = db.clock().now();
    let key = db.write(move |store| keys::select(store, &id, now)).await?;
    done(
        out,
        &key,
        "is the active key: runs are billed to it unless you name another",
    )
}

async fn edit(wanted: &EditKey, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    let mut change = Edit {
        name: wanted.name.clone(),
        ..labels(&wanted.labels)
    };
    if wanted.clear_tags {
        change.tags = Some(Vec::new());
    }
    if change.is_empty() {
        return Err(Error::bad_input("Nothing was named to change.")
            .hint("switchyard keys edit --help lists what can be."));
    }
    let id = db.read(|store| keys::find(store, &wanted.key))?.id;
    let key = db
        .write(move |store| keys::edit(store, &id, change))
        .await?;
    done(out, &key, "was changed")
}

async fn remove(wanted: &RemoveKey, app: &App, out: &Out) -> Result<ExitCode> {
    let db = app.db()?;
    let key = db.read(|store| keys::find(store, &wanted.key))?;
    let question = format!(
        "Delete {} …{}? The key itself can't be brought back; what it has cost stays in the ledger.",
        shown(&key.name, 60),
        key.hint
    );
    if !wanted.yes && !ask::agrees(out, &question)? {
        return Err(Error::bad_input("Nothing was deleted.").hint("Say --yes to agree beforehand."));
    }
    let key = keys::remove(db, &key.id, app.face()).await?;
    let backups = db.backups_made_at();
    if backups.iter().any(|made_at| *made_at >= key.created_at) {
        out.note(&format!(
            "note: backups made before still hold it, sealed, in {}",
            db.backups().display()
        ));
    }
    let where_else = match key.base_url {
        Some(_) => "was deleted here; the gateway still takes it until it is disabled there",
        None => "was deleted here; Anthropic still takes it until you disable it in the Console",
    };
    done(out, &key, where_else)
}

fn done(out: &Out, key: &Key, what: &str) -> Result<ExitCode> {
    if out.json {
        out.json_line(key)?;
    } else {
        out.line(&format!("{} …{} {what}.", shown(&key.name, 60), key.hint))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn labels(given: &Labels) -> Edit {
    Edit {
        environment: given.environment.clone(),
        organization: given.organization.clone(),
        tags: (!given.tags.is_empty()).then(|| given.tags.clone()),
        note: given.note.clone(),
        ..Edit::default()
    }
}

fn kind(key: &Key) -> String {
    match (&key.kind, &key.base_url) {
        (Kind::Admin, _) => "admin".to_owned(),
        (Kind::Api, Some(_)) => "gateway".to_owned(),
        (Kind::Api, None) => "api".to_owned(),
    }
}

fn health(key: &Key) -> String {
    if !key.is_active {
        return "retired".to_owned();
    }
    match key.validity {
        Validity::Unchecked => "unchecked",
        Validity::Valid => "valid",
        Validity::NoCredit => "no credit",
        Validity::Refused => "refused",
        Validity::NotAllowed => "not allowed",
        Validity::Disabled => "disabled",
        Validity::Billing => "billing problem",
    }
    .to_owned()
}

/// Says how long ago something was, in the largest unit that fits.
pub(crate) fn ago(at: Millis, now: Millis) -> String {
    let seconds = (now.0 - at.0).max(0) / 1000;
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
