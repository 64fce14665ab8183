//! `switchyard send --each-line FILE`: every line of a file is a prompt of its own. Who pays and how much at
//! most is said of all of them first; what was answered is never sent again.

mod file;
mod work;

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use switchyard_core::dispatch::{
    Ask, Class, Dispatch, Identity, LineJob, LineState, PayWith, Prepared,
};
use switchyard_core::hosts::Row;
use switchyard_core::usage::Nano;
use switchyard_core::{App, Error, Result};

use super::send::{announcement, foretell, question};
use crate::args::send::{JOBS_MAX, Send, TierName};
use crate::out::{Out, count};
use file::LineFile;
use work::Work;

pub(crate) async fn run(wanted: &Send, path: &Path, app: &App, out: &Out) -> Result<ExitCode> {
    refuse_plan(wanted)?;
    let mut template = question(wanted, String::new(), app)?;
    template.class = Class::Task;
    let file = LineFile::open(path)?;
    // The key of a variable or file needs no vault, so nobody is asked to open one for it.
    let dispatch = match template.pay_with {
        PayWith::Env { .. } | PayWith::EnvFile { .. } => app.dispatch_quietly()?,
        _ => app.dispatch()?,
    };
    let identity = identity(&file, &template, app)?;
    let job = dispatch.take_lines(identity, wanted.lines.anew).await?;
    let each = EachLine {
        dispatch,
        template,
        file,
        job,
        identity,
        sends_unsure: wanted.lines.again,
    };
    let outcome = each.carry_out(wanted, app, out).await;
    // What the connections hold here and there ends with this command.
    app.close_farm();
    let left = each.dispatch.leave_lines(job).await;
    app.tidy().await;
    let code = outcome?;
    left.map(|()| code)
}

/// How many lines are under way at once with a key alone, where the user does not say it.
const JOBS: usize = 4;

/// The lines of a file, with all that goes with each.
struct EachLine {
    dispatch: Dispatch,
    template: Ask,
    file: LineFile,
    job: LineJob,
    identity: [u8; 32],
    sends_unsure: bool,
}

/// What is known before the first line is sent.
#[derive(Default)]
struct Forecast {
    lines: u64,
    to_send: u64,
    unsure: u64,
    /// The most that leaves; absent where a price is unknown.
    at_most: Option<Nano>,
    first: Option<Prepared>,
}

impl EachLine {
    async fn carry_out(&self, wanted: &Send, app: &App, out: &Out) -> Result<ExitCode> {
        let forecast = self.forecast().await?;
        if wanted.estimate {
            return forecast.tell(out);
        }
        forecast.announce(out);
        if identity(&self.file, &self.template, app)? != self.identity {
            return Err(Error::bad_input("The file was changed while it was read.")
                .hint("Call again when it is as it shall be. Nothing was sent."));
        }
        let read = app
            .db()?
            .read(|store| Identity::of(store, &self.template.request))?;
        let jobs = match wanted.lines.jobs {
            Some(jobs) => usize::from(jobs),
            None => forecast.jobs(app)?,
        };
        let first = forecast.first.map(|first| first.route.payer);
        Work::new(self, read, (jobs, first), out).carry_out().await
    }

    /// Decides the route of every line that is to be sent, so that one that can't be is told before any
    /// other is paid for.
    async fn forecast(&self) -> Result<Forecast> {
        let mut forecast = Forecast {
            at_most: Some(Nano(0)),
            ..Forecast::default()
        };
        for line in self.file.lines()? {
            let line = line?;
            forecast.lines += 1;
            let state = self.dispatch.line(self.job, line.number)?;
            forecast.unsure += u64::from(matches!(state, LineState::Unsure(_)));
            if !self.sends(state) {
                continue;
            }
            let prepared = self.prepared(line.number, line.text).await?;
            let amount = match &prepared.auto {
                Some(auto) => auto.at_most,
                None => prepared.at_most(),
            };
            forecast.to_send += 1;
            let sum = forecast.at_most.zip(amount);
            forecast.at_most = sum.and_then(|(sum, amount)| Nano::checked_sum([sum, amount]));
            forecast.first.get_or_insert(prepared);
        }
        match forecast.lines {
            0 => Err(Error::bad_input("The file has no line that is a prompt.")),
            _ => Ok(forecast),
        }
    }

    /// Tells whether a line that stands so is to be sent.
    fn sends(&self, state: LineState) -> bool {
        match state {
            LineState::ToSend => true,
            LineState::Unsure(_) => self.sends_unsure,
            LineState::Answered(_) => false,
        }
    }

    async fn prepared(&self, number: u64, text: String) -> Result<Prepared> {
        let mut ask = self.template.clone();
        ask.request.prompt = text;
        let preflight = self
            .dispatch
            .preflight(ask, |name| std::env::var(name).ok());
        let prepared = preflight.await.map_err(|error| of_line(number, &error))?;
        Ok(prepared.for_line(self.job, number))
    }
}

impl Forecast {
    /// Returns how many lines are under way at once where the user does not say it.
    fn jobs(&self, app: &App) -> Result<usize> {
        let first = self.first.as_ref();
        let Some(farm) = first.and_then(|first| first.route.farm.as_ref()) else {
            return Ok(JOBS);
        };
        let is_ours = |row: &Row| farm.hosts.iter().any(|host| host.id == row.host.id);
        let rows = app.hosts()?.into_iter().filter(is_ours);
        // One more at each host, which gets ready there while the others run.
        let slots: u64 = rows.map(|row| u64::from(row.host.slots) + 1).sum();
        let slots = slots.clamp(1, JOBS_MAX.unsigned_abs());
        Ok(usize::try_from(slots).unwrap_or(JOBS))
    }

    fn announce(&self, out: &Out) {
        if let Some(prepared) = &self.first {
            out.note(&announcement(prepared));
            foretell(prepared, out);
        }
        out.note(&self.sum());
        if self.unsure > 0 {
            out.note(&format!(
                "note: {} billed in an earlier call without a whole answer; --again sends such lines again.",
                match self.unsure {
                    1 => "1 line was".to_owned(),
                    lines => format!("{lines} lines were"),
                }
            ));
        }
    }

    fn sum(&self) -> String {
        let (lines, to_send) = (count(self.lines, "line"), self.to_send);
        let most = super::route::most(self.at_most);
        format!("{lines}, of which {to_send} to send: {most} in all")
    }

    fn tell(&self, out: &Out) -> Result<ExitCode> {
        if out.json {
            out.json_line(&json!({
                "lines": self.lines, "to_send": self.to_send, "unsure": self.unsure, "at_most": self.at_most,
                "route": self.first.as_ref().map(|first| &first.route),
                "auto": self.first.as_ref().map(|first| &first.auto),
            }))?;
        } else {
            self.announce(out);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Refuses what is not for work without a person.
fn refuse_plan(wanted: &Send) -> Result<()> {
    if wanted.tier == Some(TierName::Subscription) {
        return Err(Error::bad_input(
            "The lines of a file are work without a person, which does not go through a plan.",
        )
        .hint("Send them with a key. Nothing was sent."));
    }
    match wanted.class {
        None | Some(Class::Task) => Ok(()),
        Some(other) => Err(Error::bad_input(format!(
            "The lines of a file are work without a person, and not {other}."
        ))
        .hint("Leave --class out, or say --class task: then the routing table decides.")),
    }
}

fn identity(file: &LineFile, template: &Ask, app: &App) -> Result<[u8; 32]> {
    let mut identity = app
        .db()?
        .read(|store| Identity::of(store, &template.request))?;
    for line in file.lines()? {
        identity.line(&line?.text);
    }
    Ok(identity.finish())
}

/// Says which line it is that can't be sent.
fn of_line(number: u64, error: &Error) -> Error {
    let mut failure = error.failure().clone();
    failure.message = format!("Line {number}: {}", failure.message);
    failure.into()
}
