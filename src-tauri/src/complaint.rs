//! Why there is no window, said where its user can see it.

use switchyard_core::Error;
use switchyard_core::secret::redact;
use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

use crate::context;

/// What the box is called, which is all that a list of windows shows of it.
const TITLE: &str = "Switchyard can't start";

/// Says it on standard error, for those who started the program from a terminal.
#[expect(clippy::print_stderr, reason = "there is no window to say it in")]
pub(crate) fn say(error: &Error) {
    eprintln!("error: {}", redact(error.message()));
    if let Some(advice) = error.advice() {
        eprintln!("hint: {}", redact(advice));
    }
}

/// Says it in a box of its own, where there is a screen for one, and ends the program when that has
/// been read.
pub(crate) fn show(error: &Error) {
    if !has_screen() {
        return;
    }
    let text = text(error);
    let program = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .setup(move |program| {
            tell(program.handle(), text);
            Ok(())
        })
        .build(context());
    match program {
        Ok(program) => program.run(|_, event| {
            // There is no window to be closed, only the box.
            if let tauri::RunEvent::ExitRequested {
                code: None, api, ..
            } = event
            {
                api.prevent_exit();
            }
        }),
        Err(error) => tracing::warn!(%error, "that could not be shown in a window"),
    }
}

/// Tells whether there is a screen, without which the framework does not even begin.
fn has_screen() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Says it in a box of the program, and ends that when it has been read.
pub(crate) fn end_with(handle: &AppHandle, error: &Error) {
    tell(handle, text(error));
}

fn tell(handle: &AppHandle, text: String) {
    let ended = handle.clone();
    handle
        .dialog()
        .message(text)
        .title(TITLE)
        .kind(MessageDialogKind::Error)
        .show(move |_| ended.exit(1));
}

fn text(error: &Error) -> String {
    let message = redact(error.message());
    match error.advice() {
        Some(advice) => format!("{message}\n\n{}", redact(advice)),
        None => message.into_owned(),
    }
}
