//! The window of Switchyard: a thin face on the core. `commands` is what its page may ask for.

mod attachments;
#[cfg(test)]
mod bindings;
mod clipboard;
mod commands;
mod desktop;
mod followers;
mod inputs;
mod keeper;
mod links;
mod replies;
mod stream;
mod window;
mod wire;

use std::process::ExitCode;
use std::sync::Arc;

use switchyard_core::dispatch::Failure;
use switchyard_core::secret::redact;
use switchyard_core::{Error, Result, hardening, logging};
use tauri::{Manager, RunEvent};

use crate::desktop::Desktop;

/// Runs the program until it is quit.
#[must_use]
pub fn run() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    prepare()?;
    let program = tauri::Builder::default()
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .invoke_handler(commands::handler())
        .setup(|program| {
            let desktop = Arc::new(Desktop::new(program.handle().clone())?);
            program.manage(Arc::clone(&desktop));
            keeper::start(&desktop);
            window::open(program.handle())?;
            Ok(())
        })
        .build(tauri::generate_context!())
        .map_err(|e| Error::failed("The window could not be opened.").because(e))?;
    program.run(|handle, event| {
        if let RunEvent::Exit = event {
            keeper::finish(&handle.state::<Arc<Desktop>>());
        }
    });
    Ok(())
}

/// Keeps core dumps and inherited descriptors away, before there is a secret in this process.
fn prepare() -> Result<()> {
    hardening::pass_on_no_descriptors();
    logging::report_panics(|report| tracing::error!("{report}"));
    hardening::forbid_core_dumps()?;
    match std::env::var("SWITCHYARD_LOG") {
        Ok(filter) if !filter.is_empty() => logging::start(&filter, std::io::stderr),
        _ => Ok(()),
    }
}

/// Puts an error into the form that the page shows, without a key that somebody may have typed into
/// the wrong field.
pub(crate) fn failure(error: &Error) -> Failure {
    let plain = Failure::from(error);
    Failure {
        message: redact(&plain.message).into_owned(),
        hint: plain.hint.as_deref().map(|hint| redact(hint).into_owned()),
        ..plain
    }
}

/// Says on standard error why there is no window.
#[expect(clippy::print_stderr, reason = "there is no window to say it in")]
fn complain(error: &Error) {
    eprintln!("error: {}", redact(error.message()));
    if let Some(advice) = error.advice() {
        eprintln!("hint: {}", redact(advice));
    }
}
