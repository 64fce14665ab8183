//! `switchyard exec`: runs one command with exactly one credential.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use switchyard_core::child::{self, Environment};
use switchyard_core::plan::{self, Place, PlanLogin};
use switchyard_core::scope::{self, Chosen, Credential, HandedLogin, overruled};
use switchyard_core::shell::{Asker, Question, names};
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
    let (who, removed, environment) = match &wanted.key {
        Some(named) => {
            let credential = credential(named, wanted.base_url.as_deref(), &purpose, app).await?;
            let removed = scrubbed.removed.clone();
            let environment = scope::environment(scrubbed, Some(&credential));
            warn(&environment, Chosen::Key, out);
            (by_key(&name, &credential), removed, environment)
        }
        None => {
            let login = login(wanted.login.as_deref(), app)?;
            let scrubbed = login.handed_to(scrubbed);
            let removed = scrubbed.removed.clone();
            let environment = scope::environment(scrubbed, None);
            match wanted.anyway {
                true => warn(&environment, login.chosen(), out),
                false => refuse_overruled(&environment, login.chosen())?,
            }
            note_plan(&purpose, login.login(), app, out).await;
            (by_plan(&name, login.login()), removed, environment)
        }
    };
    if !wanted.quiet {
        out.note(&said(&who, &removed));
    }
    Ok(Next::Start(Start {
        program: program.clone(),
        arguments: arguments.to_vec(),
        environment,
    }))
}

/// Returns the login of the plan that was named, else the one that is chosen; where there is no store, that
/// is the login of `claude` itself.
fn login(named: Option<&str>, app: &App) -> Result<HandedLogin> {
    let usual = || PlanLogin {
        name: (plan::LOGIN.default)(),
        place: Place::Usual,
    };
    let login = match named {
        Some(name) => app.read(|store, _| plan::find(store, name))?,
        None => app
            .db_if_any()?
            .map_or_else(|| Ok(usual()), |db| db.read(plan::chosen))?,
    };
    HandedLogin::new(login, |name| std::env::var(name).ok())
}

/// Returns the name of a program without its folder.
fn name_of(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    name.to_string_lossy().into_owned()
}

/// Puts the use of the plan's login into the audit, where there is a store. No key is opened for it, so
/// that a store which takes nothing is no reason to stop.
async fn note_plan(purpose: &str, login: &PlanLogin, app: &App, out: &Out) {
    let login = shown(&login.name, 60);
    let noted = async {
        match app.db_if_any()? {
            Some(db) => {
                let purpose = format!("{purpose}, paid by plan ({login})");
                scope::note(db, app.face(), purpose).await
            }
            None => Ok(()),
        }
    };
    if let Err(why) = noted.await {
        out.note(&format!("note: this use is not in the audit: {why}"));
    }
}

fn by_key(name: &str, credential: &Credential) -> String {
    let via = credential
        .gateway()
        .map_or_else(String::new, |host| format!(" via {host}"));
    let name = shown(name, 60);
    format!("{} is the only credential of {name}{via}", credential.label)
}

fn by_plan(name: &str, login: &PlanLogin) -> String {
    let place = match &login.place {
        Place::Usual => "that of `claude` itself".to_owned(),
        Place::Folder { folder } => {
            let folder = shown(&folder.display().to_string(), 200);
            format!("{}={folder}", names::CONFIG_DIR)
        }
        Place::Variable { variable } => {
            format!("{} from ${}", names::OAUTH_TOKEN, shown(variable, 60))
        }
    };
    format!(
        "{} has no credential but your plan's login {} ({place})",
        shown(name, 60),
        shown(&login.name, 60)
    )
}

fn said(who: &str, removed: &BTreeSet<String>) -> String {
    if removed.is_empty() {
        return who.to_owned();
    }
    let named = |name: &String| match std::env::var_os(name) {
        // A folder is no secret, and which one it was tells the logins apart.
        Some(folder) if name == names::CONFIG_DIR => {
            format!("{name}={}", shown(&folder.to_string_lossy(), 200))
        }
        _ => shown(name, 60),
    };
    let names: Vec<_> = removed.iter().map(named).collect();
    format!("{who} · left out: {}", names.join(", "))
}

/// Says what settings files make of the choice: they speak to every `claude` that the command may start,
/// after the environment does.
fn warn(environment: &Environment, chosen: Chosen, out: &Out) {
    // A folder that can't be looked into is the command's own to tell.
    for sentence in sentences(environment, chosen).unwrap_or_default() {
        out.note(&format!("warning: {sentence}"));
    }
}

/// Refuses where settings files would bill somebody else than the plan.
fn refuse_overruled(environment: &Environment, chosen: Chosen) -> Result<()> {
    let sentences = sentences(environment, chosen)?;
    match sentences.is_empty() {
        true => Ok(()),
        false => Err(Error::new(Code::WrongPayer, sentences.join(" ")).hint(
            "Nothing was started. Take that out of the file, or start it all the same: --anyway",
        )),
    }
}

fn sentences(environment: &Environment, chosen: Chosen) -> Result<Vec<String>> {
    let mut question = Question::of_this_process(Asker::Terminal)?;
    question.environment = environment
        .variables()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok(overruled(&question, chosen))
}

fn not_started(error: &Error, out: &Out) -> ExitCode {
    out.error(error);
    ExitCode::from(match error.code() {
        Code::NotFound => NO_PROGRAM,
        _ => NOT_RUNNABLE,
    })
}
