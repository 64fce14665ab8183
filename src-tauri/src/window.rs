//! The main window and what its page may not do: leave, or open another.

use std::sync::Arc;

use switchyard_core::paths::Paths;
use tauri::async_runtime::spawn;
use tauri::plugin::TauriPlugin;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{
    AppHandle, Manager, Result, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    Wry,
};
use tauri_plugin_window_state::StateFlags;

use crate::desktop::Desktop;

const MAIN: &str = "main";

/// Asks for what the first screen shows while the page's own code is still on its way.
const AHEAD: &str = include_str!("ahead.js");

/// Returns what keeps the window's place and size, beside the store that the window is of.
pub(crate) fn state_plugin(paths: &Paths) -> TauriPlugin<Wry> {
    tauri_plugin_window_state::Builder::new()
        .with_filename(paths.data().join("window.json").display().to_string())
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        .build()
}

/// Tells whether somebody could see the window.
pub(crate) fn is_visible(handle: &AppHandle) -> bool {
    handle
        .get_webview_window(MAIN)
        .is_some_and(|window| window.is_visible().unwrap_or(false))
}

/// Opens the main window, or brings it to the front.
pub(crate) fn open(handle: &AppHandle) -> Result<()> {
    if let Some(window) = handle.get_webview_window(MAIN) {
        window.show()?;
        window.unminimize()?;
        return window.set_focus();
    }
    let desktop = Arc::clone(&handle.state::<Arc<Desktop>>());
    let followers = desktop.followers.clone();
    let window = WebviewWindowBuilder::new(handle, MAIN, WebviewUrl::App("index.html".into()))
        .title("Switchyard")
        .inner_size(1000.0, 680.0)
        .min_inner_size(820.0, 560.0)
        // Dropped files are the page's own to take: it attaches what it is given, as it is pasted.
        .disable_drag_drop_handler()
        .data_directory(desktop.app.paths().web())
        .initialization_script(ahead())
        // Its processes would still write into the demo's folder while that is taken away. A page that
        // keeps nothing can't be driven, though.
        .incognito(desktop.is_demo && !is_driven())
        .on_navigation(is_ours)
        .on_page_load(move |_, page| {
            if page.event() == PageLoadEvent::Started {
                followers.begin_page();
            }
        })
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    window.on_window_event(move |event| match event {
        WindowEvent::Focused(true) => desktop.come_back_to(),
        WindowEvent::Destroyed => {
            let desktop = Arc::clone(&desktop);
            spawn(async move { desktop.app.cool_plan().await });
        }
        _ => {}
    });
    draw_plainly(&window)
}

/// Returns what runs in the page before all else, with what it has to know of the system.
fn ahead() -> String {
    format!("window.__HAS_USUAL_FONT__ = {};\n{AHEAD}", has_usual_font())
}

/// Tells whether the system's font is only another name of the usual one.
#[cfg(target_os = "linux")]
fn has_usual_font() -> bool {
    use gtk::prelude::GtkSettingsExt;

    // GTK may be asked here only, which is where windows are opened.
    gtk::is_initialized_main_thread()
        && gtk::Settings::default()
            .and_then(|settings| settings.gtk_font_name())
            .is_some_and(|font| is_usual(&font))
}

#[cfg(not(target_os = "linux"))]
fn has_usual_font() -> bool {
    false
}

/// Reads the name of a font with its size, as GTK has it: `Sans` stands for whatever fontconfig takes for
/// sans-serif, and is what GTK has where nobody has chosen a font.
#[cfg(target_os = "linux")]
fn is_usual(font: &str) -> bool {
    let family = font.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    family.trim_end().eq_ignore_ascii_case("sans")
}

/// Has the web view take no more than one page of a program needs: no cache of pages and pictures, and no
/// OpenGL where no graphics processor would do it. The view would compile shaders for the processor, which
/// takes 80 MB and most of the time of a frame.
#[cfg(target_os = "linux")]
fn draw_plainly(window: &WebviewWindow) -> Result<()> {
    use webkit2gtk::{
        CacheModel, HardwareAccelerationPolicy, SettingsExt, WebContextExt, WebViewExt,
    };

    window.with_webview(|view| {
        let view = view.inner();
        if let Some(context) = view.context() {
            context.set_cache_model(CacheModel::DocumentViewer);
        }
        let settings = WebViewExt::settings(&view);
        if let Some(settings) = settings.filter(|_| !has_graphics_processor()) {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

#[cfg(not(target_os = "linux"))]
fn draw_plainly(_window: &WebviewWindow) -> Result<()> {
    Ok(())
}

/// Tells whether the system has a device to render with; virtual machines and remote desktops often
/// have none.
#[cfg(target_os = "linux")]
fn has_graphics_processor() -> bool {
    let devices = std::fs::read_dir("/dev/dri").into_iter().flatten();
    devices
        .flatten()
        .any(|device| device.file_name().to_string_lossy().starts_with("renderD"))
}

/// Tells whether the web view's own driver has started this program, as the framework sees it.
fn is_driven() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|said| said == "true")
}

/// Tells whether a page is part of the program. Links go to the system's browser instead.
fn is_ours(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // The form that the same address takes on Windows.
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_for_the_usual_font_is_taken_for_it() {
        for usual in ["Sans 10", "sans 11", "Sans 10.5", "Sans"] {
            assert!(is_usual(usual), "{usual}");
        }
        for chosen in [
            "Cantarell 11",
            "Noto Sans 10",
            "Sans Bold 10",
            "Source Han Sans SC 10",
            "",
        ] {
            assert!(!is_usual(chosen), "{chosen}");
        }
    }
}
