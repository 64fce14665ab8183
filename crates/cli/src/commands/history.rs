//! `switchyard history`: past runs, one run in full, and forgetting their texts.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use switchyard_core::clock::Millis;
use switchyard_core::dispatch::{self, Class, Details, Summary};
use switchyard_core::id::RunId;
use switchyard_core::text::shown;
use switchyard_core::usage::{Basis, shown as money, zone};
use switchyard_core::{App, Error, Remedy, Result};

use crate::args::History;
use crate::ask;
use crate::out::{Out, Table, count as plural};
use crate::remedy;

pub(crate) async fn run(wanted: &History, app: &App, out: &Out) -> Result<ExitCode> {
    // Read first, so that a slip is told wherever it is made.
    let one = wanted.run.as_deref().map(number).transpose()?;
    let forgotten = wanted.forget.as_deref().map(one_or_all).transpose()?;
    if wanted.limit == 0 {
        return Err(Error::bad_input("A list of 0 runs shows nothing.")
            .hint("Give at least 1, as in: switchyard history -n 20"));
    }
    if app.db_if_any()?.is_none() {
        return nothing(out);
    }
    let code = match (forgotten, one) {
        (Some(run), _) => forget(run, wanted.yes, app, out).await,
        (None, Some(run)) => show(run, app, out).await,
        (None, None) => list(wanted.limit, app, out).await,
    }?;
    app.tidy().await;
    Ok(code)
}

/// Reads the number of a run.
///
/// # Errors
/// [`Code::BadInput`](switchyard_core::Code::BadInput) for anything else.
pub(crate) fn number(text: &str) -> Result<RunId> {
    text.parse().map(RunId).map_err(|_| {
        Error::bad_input(format!("{} is not the number of a run.", shown(text, 40)))
            .remedy(Remedy::ListRuns)
    })
}

async fn list(limit: u32, app: &App, out: &Out) -> Result<ExitCode> {
    // First lines are a help, not worth a question for the passphrase.
    let runs = app
        .dispatch_quietly()?
        .history(None, usize::try_from(limit).unwrap_or(usize::MAX))
        .await?;
    if out.json {
        for run in &runs {
            out.json_line(run)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        return nothing(out);
    }
    let zone = app.db()?.read(zone::zone)?;
    let mut table = Table::new(&[">RUN", "WHEN", "STATE", "PAYER", "MODEL", ">COST", "PROMPT"]);
    for run in &runs {
        table.row(vec![
            run.run.to_string(),
            local(run.started_at, &zone, "%Y-%m-%d %H:%M"),
            run.state.to_string(),
            shown(&run.payer, 24),
            shown(&run.model, 28),
            cost(run),
            title(run),
        ]);
    }
    for line in table.lines() {
        out.line(&line)?;
    }
    if runs.iter().any(|run| run.is_kept && run.title.is_none()) {
        out.note(&format!(
            "note: The vault is locked, so prompts are not shown. {}",
            remedy::words(Remedy::UnlockVault)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a moment as clocks show it in the zone whose days the costs are summed for.
pub(crate) fn local(at: Millis, zone: &TimeZone, form: &str) -> String {
    let at = at.timestamp().to_zoned(zone.clone());
    at.strftime(form).to_string()
}

fn title(run: &Summary) -> String {
    match &run.title {
        Some(title) => shown(title, 60),
        None if run.is_kept => "(sealed)".to_owned(),
        None if run.class == Class::Check => "(a check of the key)".to_owned(),
        None => "(not kept)".to_owned(),
    }
}

fn cost(run: &Summary) -> String {
    match run.basis {
        None => "–".to_owned(),
        // What it would have cost by the list: no dollars left.
        Some(Basis::Plan) => format!("plan ({})", money(run.cost)),
        Some(_) => money(run.cost),
    }
}

async fn show(run: RunId, app: &App, out: &Out) -> Result<ExitCode> {
    let details = app.dispatch()?.show(run).await?;
    if out.json {
        out.json_line(&details)?;
    } else {
        tell(&details, &app.db()?.read(zone::zone)?, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(details: &Details, zone: &TimeZone, out: &Out) -> Result<()> {
    let run = &details.summary;
    out.line(&format!(
        "Run {} · {} · {} · {} · {} · {}",
        run.run,
        local(run.started_at, zone, "%Y-%m-%d %H:%M:%S"),
        run.state,
        shown(&run.payer, 60),
        shown(&run.model, 60),
        cost(run)
    ))?;
    if let Some(host) = &run.host {
        out.line(&format!("On the host {}", shown(host, 60)))?;
    }
    if let Some(proof) = &details.proof {
        out.line(&format!("Billed to, as it was told: {}", shown(proof, 200)))?;
    }
    if let Some(instead) = &run.instead_of {
        let former = match instead.run {
            Some(former) => format!("run {former}, which {} paid", shown(&instead.payer, 60)),
            None => shown(&instead.payer, 60),
        };
        let cause = instead.cause.clause();
        out.line(&format!("In place of {former}, because {cause}."))?;
    }
    if let Some(error) = &details.error {
        out.line(&format!("It ended with: {error}"))?;
    }
    for name in &details.attachments {
        out.line(&format!("File: {}", shown(name, 100)))?;
    }
    for (heading, text) in [
        ("System", &details.system),
        ("Prompt", &details.prompt),
        ("Answer", &details.answer),
    ] {
        if let Some(text) = text {
            out.line(&format!("\n{heading}\n{text}"))?;
        }
    }
    if !run.is_kept {
        out.note("note: the texts of this run are not kept.");
    }
    Ok(())
}

/// Reads the number of a run, or `all`, which is no number.
fn one_or_all(text: &str) -> Result<Option<RunId>> {
    match text {
        "all" => Ok(None),
        one => number(one).map(Some),
    }
}

async fn forget(run: Option<RunId>, agreed: bool, app: &App, out: &Out) -> Result<ExitCode> {
    let what = run.map_or_else(|| "all runs".to_owned(), |run| format!("run {run}"));
    let question = format!("Delete the text of {what}? Costs stay in the ledger.");
    if !agreed && !ask::agrees(out, &question)? {
        return Err(Error::bad_input("Nothing was deleted.").hint("Say --yes to agree beforehand."));
    }
    let count = dispatch::forget(app.db()?, run).await?;
    if out.json {
        out.json_line(&serde_json::json!({ "forgotten": count }))?;
    } else {
        out.line(&format!(
            "The text of {} is gone; costs stay in the ledger.",
            plural(u64::try_from(count).unwrap_or(u64::MAX), "run")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn nothing(out: &Out) -> Result<ExitCode> {
    if !out.json {
        out.line("There are no runs yet.")?;
        out.note("hint: send a first prompt with: switchyard send \"…\"");
    }
    Ok(ExitCode::SUCCESS)
}
