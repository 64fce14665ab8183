//! `switchyard plan`: the logins of the user's plan, and how much of it is used. Spends nothing.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use switchyard_core::app::LoginRow;
use switchyard_core::claude::{Cli, Limits};
use switchyard_core::plan::{self, Place, PlanLogin};
use switchyard_core::text::shown;
use switchyard_core::usage::zone;
use switchyard_core::{App, Failure, Result};

use super::history::local;
use crate::args::plan::{AddLogin, PlanWhat};
use crate::out::Out;
use crate::remedy;

pub(crate) async fn run(wanted: Option<&PlanWhat>, app: &App, out: &Out) -> Result<ExitCode> {
    match wanted {
        None | Some(PlanWhat::Status) => status(app, out).await?,
        Some(PlanWhat::Add(login)) => add(login, app, out).await?,
        Some(PlanWhat::Select(one)) => {
            let name = one.login.clone();
            let login = app
                .write(move |store, now| plan::select(store, &name, now))
                .await?;
            said(&login, "is the login of your plan from now on", out)?;
            note_if_not_there(&login, out);
        }
        Some(PlanWhat::Rm(one)) => {
            let name = one.login.clone();
            let login = app.read(|store, _| plan::find(store, &name))?;
            app.write(move |store, now| plan::remove(store, &name, now))
                .await?;
            said(
                &login,
                "is forgotten here; what `claude` keeps stays as it is",
                out,
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(wanted: &AddLogin, app: &App, out: &Out) -> Result<()> {
    let place = match (&wanted.folder, &wanted.variable) {
        (Some(folder), _) => Place::Folder {
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
        },
        (None, Some(variable)) => Place::Variable {
            variable: variable.clone(),
        },
        // The arguments demand one of them.
        (None, None) => Place::Usual,
    };
    let login = PlanLogin {
        name: wanted.name.clone(),
        place,
    };
    let kept = login.clone();
    app.write(move |store, now| plan::add(store, kept, now))
        .await?;
    said(&login, "is told of; it is used once you choose it", out)?;
    note_if_not_there(&login, out);
    Ok(())
}

/// Says that a login's folder is not there, which is no mistake where somebody logs in to it next.
fn note_if_not_there(login: &PlanLogin, out: &Out) {
    let (Place::Folder { folder }, Some(command)) = (&login.place, login.command()) else {
        return;
    };
    if !folder.is_dir() {
        let folder = shown(&folder.display().to_string(), 200);
        out.note(&format!(
            "note: there is no folder {folder} yet. A login is made in it with: {command}"
        ));
    }
}

fn said(login: &PlanLogin, what: &str, out: &Out) -> Result<()> {
    match out.json {
        true => out.json_line(login),
        false => out.line(&format!("{} {what}.", shown(&login.name, 60))),
    }
}

async fn status(app: &App, out: &Out) -> Result<()> {
    let status = app.plan_status(|name| std::env::var(name).ok()).await?;
    if out.json {
        return out.json_line(&status);
    }
    match &status.off {
        None => out.line("The subscription tier is on.")?,
        Some(off) => trouble(off, "The subscription tier is off. ", out)?,
    }
    if status.may_be_extra {
        out.line("Paid extra usage beyond the plan's limits is accepted: dollars can leave.")?;
    }
    if let Some(Cli { path, version }) = &status.cli {
        let version = version.as_deref().unwrap_or("of an unknown version");
        let path = path.display().to_string();
        out.line(&format!("claude {version}, {}", shown(&path, 200)))?;
    }
    if let Some(missing) = &status.missing {
        trouble(missing, "", out)?;
    }
    out.line("")?;
    let zone = app.read(|store, _| zone::zone(store))?;
    for login in &status.logins {
        tell(login, &zone, out)?;
    }
    Ok(())
}

fn trouble(failure: &Failure, before: &str, out: &Out) -> Result<()> {
    out.line(&format!("{before}{}", failure.message))?;
    remedy::advice(failure).map_or(Ok(()), |advice| out.line(&format!("  {advice}")))
}

fn tell(row: &LoginRow, zone: &TimeZone, out: &Out) -> Result<()> {
    let LoginRow { login, known, .. } = row;
    let mark = if row.is_chosen { "●" } else { "○" };
    let place = match &login.place {
        Place::Usual => "the login of `claude` itself".to_owned(),
        Place::Folder { folder } => {
            format!("the login in {}", shown(&folder.display().to_string(), 200))
        }
        Place::Variable { variable } => format!("the token in ${}", shown(variable, 60)),
    };
    let plan = known
        .account
        .as_ref()
        .and_then(|account| account.plan.as_deref());
    let plan = plan.map_or_else(String::new, |plan| format!(", {}", shown(plan, 60)));
    out.line(&format!("{mark} {}{plan}: {place}", shown(&login.name, 60)))?;
    if row.is_logged_in == Some(false) {
        let mend = row.command.as_ref().map(|command| format!(": `{command}`"));
        out.line(&format!(
            "  Nobody is logged in{}.",
            mend.unwrap_or_default()
        ))?;
    }
    match &known.limits {
        Some(limits) => out.line(&format!("  {}", used(limits, zone))),
        None => out.line("  How much is used is known after the first run."),
    }
}

/// Says how much of a plan is used, as its last run was told.
pub(crate) fn used(limits: &Limits, zone: &TimeZone) -> String {
    let mut parts = Vec::new();
    for window in &limits.windows {
        let name = match window.kind.as_str() {
            "five_hour" => "5 hours",
            "seven_day" => "7 days",
            "seven_day_opus" => "7 days of Opus",
            "seven_day_sonnet" => "7 days of Sonnet",
            other => other,
        };
        let share = match window.used {
            Some(share) => format!("{:.0}% of {}", share * 100.0, shown(name, 40)),
            None => shown(name, 40),
        };
        let resets = window.resets_at.map(|at| local(at, zone, "%a %H:%M"));
        parts.push(match resets {
            Some(at) => format!("{share} used, resets {at}"),
            None => format!("{share} used"),
        });
    }
    if limits.is_extra {
        parts.push("paid extra usage".to_owned());
    }
    match parts.is_empty() {
        true => "No limit was named.".to_owned(),
        false => parts.join(" · "),
    }
}
