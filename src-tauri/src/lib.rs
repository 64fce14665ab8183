//! The window of Switchyard: a thin face on the core. `commands` is what its page may ask for.

mod attachments;
#[cfg(test)]
mod bindings;
mod clipboard;
mod commands;
mod complaint;
mod demo;
mod desktop;
mod farm;
mod followers;
mod inputs;
mod instance;
mod keeper;
mod links;
mod plan;
mod replies;
mod stream;
mod tray;
mod window;
mod wire;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use switchyard_core::app::OneWindow;
use switchyard_core::paths::Paths;
use switchyard_core::secret::redact;
use switchyard_core::{Error, Failure, Result, hardening, logging};
use tauri::async_runtime::block_on;
use tauri::{AppHandle, Manager, RunEvent};

use crate::desktop::Desktop;

/// Runs the program until it is quit.
#[must_use]
pub fn run() -> ExitCode {
    let begun = prepare().and_then(|()| Beginning::make());
    let outcome = match begun {
        Ok(beginning) => start(beginning),
        Err(error) => {
            complaint::say(&error);
            complaint::show(&error);
            return ExitCode::FAILURE;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complaint::say(&error);
            ExitCode::FAILURE
        }
    }
}

/// What has to be there before there can be a window.
struct Beginning {
    paths: Paths,
    stage: Option<demo::Stage>,
    /// `None` where another process has the window of this store.
    one: Option<OneWindow>,
}

impl Beginning {
    fn make() -> Result<Self> {
        let stage = match std::env::args_os().nth(1) {
            Some(argument) if argument == demo::ARGUMENT => Some(block_on(demo::Stage::set())?),
            _ => None,
        };
        let paths = stage
            .as_ref()
            .map_or_else(Paths::of_user, |stage| Ok(stage.paths()))?;
        let one = OneWindow::take(&paths)?;
        Ok(Self { paths, stage, one })
    }
}

fn start(Beginning { paths, stage, one }: Beginning) -> Result<()> {
    let program = tauri::Builder::default()
        .plugin(instance::plugin(&paths))
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(window::state_plugin(&paths))
        .invoke_handler(commands::handler())
        .setup(move |program| {
            // Over a bus, the plugin has brought the first window to the front and ended this process.
            let Some(one) = one else {
                instance::knock(&paths);
                program.handle().exit(0);
                return Ok(());
            };
            program.manage(one);
            if let Err(error) = open(program.handle(), paths, stage.as_ref()) {
                complaint::say(&error);
                complaint::end_with(program.handle(), &error);
            }
            program.manage(Mutex::new(stage));
            Ok(())
        })
        .build(context())
        .map_err(|e| Error::failed("The window could not be opened.").because(e))?;
    program.run(|handle, event| match event {
        // The tray goes on when the last window is closed, unless there is none.
        RunEvent::ExitRequested {
            code: None, api, ..
        } if tray::stays(handle) => {
            api.prevent_exit();
        }
        RunEvent::Exit => {
            keeper::finish(handle);
            clear_stage(handle);
        }
        _ => {}
    });
    Ok(())
}

fn open(handle: &AppHandle, paths: Paths, stage: Option<&demo::Stage>) -> Result<()> {
    let server = stage.and_then(demo::Stage::server);
    let desktop = Arc::new(Desktop::new(
        handle.clone(),
        paths,
        stage.is_some(),
        server,
    )?);
    handle.manage(Arc::clone(&desktop));
    if let Some(stage) = stage {
        block_on(stage.fill(&desktop.app))?;
        demo::talk(&desktop);
    }
    keeper::start(&desktop, handle);
    window::open(handle)
        .map_err(|e| Error::failed("The window could not be opened.").because(e))?;
    Ok(())
}

/// Takes the demo's folder away. The process ends without dropping what the framework holds.
fn clear_stage(handle: &AppHandle) {
    if let Some(desktop) = handle.try_state::<Arc<Desktop>>() {
        demo::hush(&desktop);
    }
    if let Some(stage) = handle.try_state::<Mutex<Option<demo::Stage>>>() {
        let stage = stage.lock().unwrap_or_else(PoisonError::into_inner).take();
        stage.into_iter().for_each(demo::Stage::clear);
    }
}

/// Returns the configuration, the page and what each window may do, as they were compiled in.
#[expect(
    clippy::exit,
    reason = "the framework's own way to end where a thread has no room for its configuration"
)]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Keeps core dumps and inherited descriptors away, before there is a secret in this process.
fn prepare() -> Result<()> {
    hardening::pass_on_no_descriptors();
    hardening::allow_many_files();
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
    let plain = error.failure().clone();
    Failure {
        message: redact(&plain.message).into_owned(),
        hint: plain.hint.as_deref().map(|hint| redact(hint).into_owned()),
        ..plain
    }
}
