//! `switchyard send --each-line FILE`: every line of a file is a prompt of its own. Who pays and how much at
//! most is said of all of them first; what was answered is never sent again.

mod file;
mod rest;
mod results;
mod sent;
mod tally;
mod work;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use switchyard_core::dispatch::{
    Ask, Class, Dispatch, Identity, Line, LineKey, LineState, MODEL, PayWith, Prepared, ShownPayers,
};
use switchyard_core::hosts::Row;
use switchyard_core::usage::Nano;
use switchyard_core::{App, Error, Result};

use super::send::{announcement, foretell, question};
use crate::args::send::{JOBS_MAX, Send, TierName};
use crate::out::{Out, count};
use file::{LineFile, PromptLine};
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
    if template.request.model.trim().is_empty() && template.pay_with != PayWith::Auto {
        // Chosen once for all lines, whatever is set meanwhile.
        template.request.model = app.db()?.read(|store| MODEL.get(store))?;
    }
    let identity = app
        .db()?
        .read(|store| Identity::of(store, &template.request))?;
    let each = EachLine {
        dispatch,
        template,
        file,
        identity,
        sends_unsure: wanted.lines.again,
        begins_anew: wanted.lines.anew,
    };
    let outcome = each.carry_out(wanted, app, out).await;
    // What the connections hold here and there ends with this command.
    app.close_farm();
    app.tidy().await;
    outcome
}

/// How many lines are under way at once with a key alone, where the user does not say it.
const JOBS: usize = 4;

/// The lines of a file, with all that goes with each.
struct EachLine {
    dispatch: Dispatch,
    template: Ask,
    file: LineFile,
    identity: Identity,
    sends_unsure: bool,
    begins_anew: bool,
}

/// A line as it was announced; small, because a file may have very many.
struct Announced {
    key: LineKey,
    /// How often the same text came before it.
    before: u32,
    is_to_send: bool,
    /// The most that it was said to cost; absent where its price is unknown.
    at_most: Option<Nano>,
}

/// What is known before the first line is sent.
#[derive(Default)]
struct Forecast {
    lines: Vec<Announced>,
    to_send: u64,
    unsure: u64,
    /// The most that leaves; absent where a price is unknown.
    at_most: Option<Nano>,
    first: Option<Prepared>,
    /// Who pays, and may pay, for every line.
    payers: Option<ShownPayers>,
}

impl EachLine {
    async fn carry_out(&self, wanted: &Send, app: &App, out: &Out) -> Result<ExitCode> {
        let forecast = self.forecast().await?;
        if wanted.estimate {
            return forecast.tell(out);
        }
        forecast.announce(out);
        if self.begins_anew {
            let keys = forecast.lines.iter().map(|line| line.key).collect();
            self.dispatch.send_anew(keys).await?;
        }
        let jobs = match wanted.lines.jobs {
            Some(jobs) => usize::from(jobs),
            None => forecast.jobs(app)?,
        };
        Work::new(self, forecast, jobs, out).carry_out().await
    }

    /// Decides the route of every line that is to be sent, so that one that can't be is told before any
    /// other is paid for, and that the same one pays for all.
    async fn forecast(&self) -> Result<Forecast> {
        let mut forecast = Forecast {
            at_most: Some(Nano(0)),
            ..Forecast::default()
        };
        let mut seen: HashMap<LineKey, u32> = HashMap::new();
        for line in self.file.lines()? {
            let line = line?;
            let first = self.identity.line(&line.text, 0);
            let times = seen.entry(first).or_default();
            let before = *times;
            *times += 1;
            let key = self.identity.line(&line.text, before);
            let stood = self
                .stood(key)
                .map_err(|error| of_line(line.number, &error))?;
            forecast.unsure += u64::from(matches!(stood.state, LineState::Unsure(_)));
            let mut announced = Announced {
                key,
                before,
                is_to_send: self.sends(stood.state),
                at_most: None,
            };
            if announced.is_to_send {
                let prepared = self.prepared(&line, stood).await?;
                announced.at_most = at_most(&prepared);
                let taken = forecast.take(prepared);
                taken.map_err(|error| of_line(line.number, &error))?;
            }
            forecast.lines.push(announced);
        }
        match forecast.lines.is_empty() {
            true => Err(Error::bad_input("The file has no line that is a prompt.")),
            false => Ok(forecast),
        }
    }

    /// Looks how a line stands; where all begins anew, none was sent yet.
    fn stood(&self, key: LineKey) -> Result<Line> {
        let mut line = self.dispatch.line(key)?;
        if self.begins_anew {
            line.state = LineState::ToSend;
        }
        Ok(line)
    }

    /// Tells whether a line that stands so is to be sent.
    fn sends(&self, state: LineState) -> bool {
        match state {
            LineState::ToSend => true,
            LineState::Unsure(_) => self.sends_unsure,
            LineState::Answered(_) => false,
        }
    }

    async fn prepared(&self, line: &PromptLine, stood: Line) -> Result<Prepared> {
        let mut ask = self.template.clone();
        ask.request.prompt.clone_from(&line.text);
        let preflight = self
            .dispatch
            .preflight(ask, |name| std::env::var(name).ok());
        let prepared = preflight
            .await
            .map_err(|error| of_line(line.number, &error))?;
        Ok(prepared.for_line(stood))
    }
}

impl Forecast {
    /// Adds a line that is to be sent.
    fn take(&mut self, prepared: Prepared) -> Result<()> {
        if let Some(payers) = &self.payers {
            payers.check(&prepared)?;
        }
        self.to_send += 1;
        let sum = self.at_most.zip(at_most(&prepared));
        self.at_most = sum.and_then(|(sum, amount)| Nano::checked_sum([sum, amount]));
        self.payers
            .get_or_insert_with(|| ShownPayers::of(&prepared));
        self.first.get_or_insert(prepared);
        Ok(())
    }

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
        let (lines, to_send) = (count(self.lines.len() as u64, "line"), self.to_send);
        let most = super::route::most(self.at_most);
        format!("{lines}, of which {to_send} to send: {most} in all")
    }

    fn tell(&self, out: &Out) -> Result<ExitCode> {
        if out.json {
            out.json_line(&json!({
                "lines": self.lines.len(), "to_send": self.to_send, "unsure": self.unsure, "at_most": self.at_most,
                "route": self.first.as_ref().map(|first| &first.route),
                "auto": self.first.as_ref().map(|first| &first.auto),
            }))?;
        } else {
            self.announce(out);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the most that a line costs, with every fallback that may be taken.
fn at_most(prepared: &Prepared) -> Option<Nano> {
    match &prepared.auto {
        Some(auto) => auto.at_most,
        None => prepared.at_most(),
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

/// Says which line it is that can't be sent.
fn of_line(number: u64, error: &Error) -> Error {
    let mut failure = error.failure().clone();
    failure.message = format!("Line {number}: {}", failure.message);
    failure.into()
}
