//! The `switchyard` command: a thin face on the core.

mod args;
mod ask;
mod commands;
mod exit;
mod hidden;
mod out;
mod remedy;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;
use switchyard_core::agent::Ask;
use switchyard_core::secret::redact;
use switchyard_core::{App, Error, Result, demo, hardening, logging};

use crate::args::keys::Keys;
use crate::args::{Arguments, Command};
use crate::ask::AtTerminal;
use crate::commands::scope::exec::Next;
use crate::out::Out;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return answer_for(&refused),
    };
    let out = Out::new(arguments.global.json);
    if let Err(error) = prepare(&arguments) {
        out.error(&error);
        return exit::code(error.code());
    }
    match run(&arguments, &out) {
        Ok(code) => code,
        Err(error) => {
            out.error(&error);
            exit::code(error.code())
        }
    }
}

/// Keeps this process's memory to itself, before there is a secret in it, and its log free of them. What `exec`
/// starts has the limits that it would have without us.
fn prepare(arguments: &Arguments) -> Result<()> {
    match arguments.command {
        Command::Exec(_) => hardening::pass_on_descriptors_but(arguments.global.passphrase_fd),
        _ => {
            hardening::pass_on_no_descriptors();
            hardening::allow_many_files();
        }
    }
    logging::report_panics(|report| Out::new(false).note(report));
    hardening::forbid_core_dumps()?;
    hardening::forbid_inspection()?;
    match std::env::var("SWITCHYARD_LOG") {
        Ok(filter) if !filter.is_empty() => logging::start(&filter, std::io::stderr),
        _ => Ok(()),
    }
}

fn run(arguments: &Arguments, out: &Out) -> Result<ExitCode> {
    // One thread is enough for one prompt, and starts faster than a pool.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::failed("The command could not start its engine.").because(e))?;
    refuse_two_readers(arguments)?;
    let terminal = Arc::new(AtTerminal::new(&arguments.global));
    let app = App::new(
        face(&arguments.command),
        Arc::clone(&terminal) as Arc<dyn Ask>,
    )?;
    if is_simulated(&arguments.command, &app) && !out.json {
        out.note("SIMULATED: this is the demo's store; nothing in it is real.");
    }
    let mut next = None;
    let outcome = runtime.block_on(async {
        catch_up(&arguments.command, &app, out).await;
        match &arguments.command {
            Command::Who(who) => commands::who::run(who, out).await,
            Command::Keys(keys) => commands::keys::run(keys, &app, out).await,
            Command::Send(send) => commands::send::run(send, &app, out).await,
            Command::Route(route) => commands::route::run(route, &app, out).await,
            Command::Routing(routing) => {
                commands::routing::run(routing.what.as_ref(), &app, out).await
            }
            Command::Plan(plan) => commands::plan::run(plan.what.as_ref(), &app, out).await,
            Command::Hosts(hosts) => commands::hosts::run(hosts.what.as_ref(), &app, out).await,
            Command::Exec(wanted) => {
                next = Some(commands::scope::exec::prepare(wanted, &app, out).await?);
                Ok(ExitCode::SUCCESS)
            }
            Command::Env(wanted) => commands::scope::env::run(wanted, &app, out).await,
            Command::KeyHelper(wanted) => commands::scope::key_helper::run(wanted, &app, out).await,
            Command::History(history) => commands::history::run(history, &app, out).await,
            Command::Usage(usage) => commands::usage::run(usage, &app, out).await,
            Command::Models(models) => commands::models::run(models, &app, out).await,
            Command::Vault(vault) => commands::vault::run(vault, &app, &terminal, out).await,
            Command::Store(store) => commands::store::run(store, &app, out),
            Command::Agent(agent) => commands::agent::run(agent, &app, out).await,
            Command::Settings(settings) => commands::settings::run(settings, &app, out).await,
            Command::Consent(wanted) => commands::consent::run(wanted, &app, out).await,
            Command::Completions(wanted) => commands::packaging::completions(wanted.shell, out),
            Command::ManPages(wanted) => commands::packaging::man_pages(&wanted.folder),
            Command::DemoFill(fill) => commands::demo::run(fill, &app, out).await,
        }
    });
    // A silent keychain must not hold up the end: what still waits is left behind.
    runtime.shutdown_background();
    // What a destructor does is done before another program takes over this process.
    drop(app);
    match next {
        Some(Next::Start(start)) => Ok(start.take_over(out)),
        Some(Next::End(code)) => Ok(code),
        None => outcome,
    }
}

/// Refuses a standard input that is to be both the passphrase and what the command reads.
fn refuse_two_readers(arguments: &Arguments) -> Result<()> {
    let what = match &arguments.command {
        Command::Keys(Keys::Add(add)) if add.from_env.is_none() && add.from_env_file.is_none() => {
            "key"
        }
        Command::Exec(_) => "input of the command",
        Command::Hosts(hosts) if hosts.reads_input() => "list of instances",
        Command::Send(send)
            if send.lines.each_line.is_none()
                && send.prompt.as_deref().is_none_or(|text| text == "-") =>
        {
            "prompt"
        }
        _ => return Ok(()),
    };
    if arguments.global.passphrase_fd != Some(0) {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "Standard input can't be both the passphrase and the {what}."
    ))
    .hint("Give the passphrase another descriptor: --passphrase-fd 3 3<FILE"))
}

/// Says what is wrong with a damaged store, and books what a killed process left open before any
/// sum or list is shown.
async fn catch_up(command: &Command, app: &App, out: &Out) {
    let reads_store = !matches!(
        command,
        Command::Who(_)
            | Command::Agent(_)
            | Command::Completions(_)
            | Command::ManPages(_)
            | Command::Store(_)
            | Command::Exec(_)
            | Command::Env(_)
            | Command::KeyHelper(_)
            | Command::DemoFill(_)
    );
    let needs_books = matches!(
        command,
        Command::Send(_) | Command::History(_) | Command::Usage(_)
    );
    // A store that can't be opened is the command's own to tell.
    if !reads_store {
        return;
    }
    let Ok(Some(db)) = app.db_if_any() else {
        return;
    };
    if let Some(damage) = db.damage() {
        out.note(&format!("note: {}", damage.message()));
        if let Some(advice) = remedy::advice(damage.failure()) {
            out.note(&format!("hint: {advice}"));
        }
        return;
    }
    if !needs_books {
        return;
    }
    match app.catch_up().await {
        Ok(recovered) => {
            let note = |runs: usize, what| {
                if runs > 0 {
                    let runs = out::count(u64::try_from(runs).unwrap_or(u64::MAX), "run");
                    out.note(&format!("note: {runs} {what}"));
                }
            };
            note(
                recovered.exactly.len(),
                "that the store could not take is booked now.",
            );
            note(
                recovered.as_estimates.len(),
                "ended with its process and is booked as estimated.",
            );
        }
        // Reading goes on; what can't be written now is done by the next command that can.
        Err(why) => out.note(&format!("note: {why}")),
    }
}

/// Tells whether what this command shows is the demo's; every face says so.
fn is_simulated(command: &Command, app: &App) -> bool {
    let shows_the_store = matches!(
        command,
        Command::Send(_)
            | Command::History(_)
            | Command::Usage(_)
            | Command::Keys(_)
            | Command::Hosts(_)
    );
    let store = if shows_the_store {
        app.db_if_any().ok().flatten()
    } else {
        None
    };
    store.is_some_and(|db| {
        db.read(|store| demo::IS_SIMULATED.get(store))
            .unwrap_or(false)
    })
}

/// Returns the name of this face in runs and in the audit.
fn face(command: &Command) -> &'static str {
    match command {
        Command::Agent(_) => "agent",
        _ => "cli",
    }
}

/// Answers what the argument parser stopped at: help and version go to standard output, a mistake
/// is one line and where to read more.
fn answer_for(refused: &clap::Error) -> ExitCode {
    if matches!(
        refused.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // Nobody reading is no failure of ours.
        let _ = refused.print();
        return ExitCode::SUCCESS;
    }
    let text = refused.to_string();
    let out = Out::new(false);
    let first = match refused.kind() {
        // What the parser says of this is the whole page of help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "error: a command is missing",
        _ => text.lines().next().unwrap_or("error: this can't be read"),
    }
    .trim_end_matches(':');
    let missing: Vec<&str> = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .map(str::trim)
        .collect();
    let said = match missing.is_empty() {
        true => first.to_owned(),
        false => format!("{first}: {}", missing.join(" ")),
    };
    // A key given as an argument is a mistake that the parser would repeat.
    out.note(&redact(&said));
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    match tip {
        Some(tip) => out.note(&redact(&format!(
            "hint: {tip}; see switchyard {}--help",
            subcommand_named()
        ))),
        None => out.note(&format!("hint: switchyard {}--help", subcommand_named())),
    }
    ExitCode::from(exit::BAD_INPUT)
}

/// Returns the subcommand that was called, so that the hint leads to the right page.
fn subcommand_named() -> String {
    use clap::CommandFactory;
    let mut at = Arguments::command();
    let mut named = String::new();
    // Taken as they come: what isn't text is no command's name, and no reason to stop.
    for word in std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .filter(|word| !word.starts_with('-'))
    {
        let Some(next) = at.find_subcommand(&word).cloned() else {
            break;
        };
        named.push_str(&word);
        named.push(' ');
        at = next;
    }
    named
}
