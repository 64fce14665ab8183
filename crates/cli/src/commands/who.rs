//! `switchyard who`: who a plain `claude -p` bills right now. Reads, and changes nothing.

use std::process::ExitCode;

use switchyard_core::Result;
use switchyard_core::shell::{self, Asker, Finding, Question, Report, State};
use switchyard_core::text::shown;

use crate::args::Who;
use crate::out::{Out, Table};

pub(crate) async fn run(wanted: &Who, out: &Out) -> Result<ExitCode> {
    let mut question = Question::of_this_process(Asker::Terminal)?;
    if wanted.fast {
        question.shell_deadline = None;
    }
    let report = shell::who(&question).await;
    if out.json {
        out.json_line(&report)?;
    } else {
        tell(&report, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &Report, out: &Out) -> Result<()> {
    out.line(&report.sentence)?;
    if let Some(redirect) = &report.redirect {
        out.line(&redirect.sentence)?;
    }
    if let Some(next) = &report.next {
        out.line(&next.sentence)?;
    }
    if !report.findings.is_empty() {
        out.line("")?;
        let mut table = Table::new(&["", "NAME", "VALUE", "WHERE", "EFFECT"]);
        for finding in &report.findings {
            table.row(row(finding));
        }
        for line in table.lines() {
            out.line(&line)?;
        }
    }
    for note in &report.notes {
        out.note(&format!("note: {note}"));
    }
    Ok(())
}

fn row(finding: &Finding) -> Vec<String> {
    let (mark, effect) = match &finding.state {
        State::InForce => ("●", finding.effect.clone()),
        State::Overridden { by } => ("○", format!("Overridden by {by}.")),
        State::Pending => ("◌", format!("In new terminals: {}", finding.effect)),
        State::Unused { why } => ("○", why.clone()),
    };
    vec![
        mark.to_owned(),
        shown(&finding.name, 40),
        finding
            .value
            .as_deref()
            .map_or_else(String::new, |value| shown(value, 40)),
        shown(&finding.source, 60),
        shown(&effect, 100),
    ]
}
