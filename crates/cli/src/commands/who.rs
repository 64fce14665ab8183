//! `switchyard who`: who a plain `claude -p` bills right now. Reads, and changes nothing.

use std::process::ExitCode;

use switchyard_core::Result;
use switchyard_core::shell::{self, Asker, Finding, Question, Report, State};
use switchyard_core::text::shown;

use crate::args::Who;
use crate::out::Out;

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
    }
    for finding in &report.findings {
        tell_finding(finding, out)?;
    }
    for note in &report.notes {
        out.note(&format!("note: {note}"));
    }
    Ok(())
}

/// Writes a finding in two lines: what and where, then what it does.
fn tell_finding(finding: &Finding, out: &Out) -> Result<()> {
    let (mark, effect) = match &finding.state {
        State::InForce => ("●", finding.effect.clone()),
        State::Overridden { by } => ("○", format!("Overridden by {by}.")),
        State::Pending => ("◌", format!("In new terminals: {}", finding.effect)),
        State::Unused { why } => ("○", why.clone()),
    };
    let value = finding
        .value
        .as_deref()
        .map_or_else(String::new, |value| format!(" {}", shown(value, 60)));
    out.line(&format!(
        "{mark} {}{value}, {}",
        shown(&finding.name, 60),
        shown(&finding.source, 200)
    ))?;
    out.line(&format!("  {}", shown(&effect, 400)))
}
