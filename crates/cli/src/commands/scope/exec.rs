//! `switchyard exec`: runs one command with exactly one credential.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use switchyard_core::child::{self, Environment};
use switchyard_core::scope::{self, Chosen, Credential, Scrubbed, overruled};
use switchyard_core::shell::{Asker, Question};
use switchyard_core::text::shown;
use switchyard_core::{App, Code, Error, Result};

use super::credential;
use crate::args::scope::Exec;
use crate::out::Out;

/// As shells say that there is no such program.
const NO_PROGRAM: u8 = 127;
/// As shells say that a program can't be run.
const NOT_RUNNABLE: u8 = 126;

/// What follows once everything that this process holds is put away.
pub(crate) enum Next {
    /// The command takes its place.
    Start(Start),
    /// There is nothing to start.
    End(ExitCode),
}

/// A command that is about to take this process's place.
pub(crate) struct Start {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Environment,
}

impl Start {
    /// Replaces this process, or says why it could not.
    pub(crate) fn take_over(&self, out: &Out) -> ExitCode {
        let failed = child::replace(&self.program, &self.arguments, &self.environment);
        not_started(&failed, out)
    }
}

pub(crate) async fn prepare(wanted: &Exec, app: &App, out: &Out) -> Result<Next> {
    let Some((program, arguments)) = wanted.command.split_first() else {
        return Err(Error::bad_input("There is no command to start."));
    };
    // Before any key is opened: a slip of the fingers is no use of it.
    if let Err(error) = child::find(program, std::env::var_os("PATH").as_deref()) {
        return Ok(Next::End(not_started(&error, out)));
    }
    let name = name_of(program);
    let purpose = format!("exec {}", shown(&name, 60));
    let scrubbed = scope::scrub(std::env::vars_os(), wanted.keep_cloud);
    let chosen = match &wanted.key {
        Some(named) => Some(credential(named, wanted.base_url.as_deref(), &purpose, app).await?),
        None => {
            note_plan(&purpose, app, out).await;
            None
        }
    };
    if !wanted.quiet {
        out.note(&said(&name, chosen.as_ref(), &scrubbed));
    }
    let start = Start {
        program: program.clone(),
        arguments: arguments.to_vec(),
        environment: scope::environment(scrubbed, chosen.as_ref()),
    };
    if name == "claude" {
        warn(&start.environment, chosen.is_some(), out);
    }
    Ok(Next::Start(start))
}

/// Returns the name of a program without its folder.
fn name_of(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    name.to_string_lossy().into_owned()
}

/// Puts the use of the plan's login into the audit, where there is a store. No key is opened for it, so
/// that a store which takes nothing is no reason to stop.
async fn note_plan(purpose: &str, app: &App, out: &Out) {
    let noted = async {
        match app.db_if_any()? {
            Some(db) => scope::note(db, app.face(), format!("{purpose}, paid by plan")).await,
            None => Ok(()),
        }
    };
    if let Err(why) = noted.await {
        out.note(&format!("note: this use is not in the audit: {why}"));
    }
}

fn said(name: &str, chosen: Option<&Credential>, scrubbed: &Scrubbed) -> String {
    let who = match chosen {
        Some(credential) => {
            let via = credential
                .gateway()
                .map_or_else(String::new, |host| format!(" via {host}"));
            format!(
                "{} is the only credential of {}{via}",
                credential.label,
                shown(name, 60)
            )
        }
        None => format!(
            "{} has no credential but the login of the CLI",
            shown(name, 60)
        ),
    };
    if scrubbed.removed.is_empty() {
        return who;
    }
    let names: Vec<_> = scrubbed
        .removed
        .iter()
        .map(|name| shown(name, 60))
        .collect();
    format!("{who} · left out: {}", names.join(", "))
}

/// Says what settings files make of the choice: they speak to `claude` after the environment does.
fn warn(environment: &Environment, has_key: bool, out: &Out) {
    let Ok(mut question) = Question::of_this_process(Asker::Terminal) else {
        return;
    };
    question.environment = environment
        .variables()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let chosen = match has_key {
        true => Chosen::Key,
        false => Chosen::Login,
    };
    for sentence in overruled(&question, chosen) {
        out.note(&format!("warning: {sentence}"));
    }
}

fn not_started(error: &Error, out: &Out) -> ExitCode {
    out.error(error);
    ExitCode::from(match error.code() {
        Code::NotFound => NO_PROGRAM,
        _ => NOT_RUNNABLE,
    })
}
