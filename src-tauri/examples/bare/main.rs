//! An empty page in the same shell: a window of the same size by the same framework, and nothing else.
//! The bench puts the real window beside it.

use tauri::{RunEvent, WebviewUrl, WebviewWindowBuilder};

fn main() -> tauri::Result<()> {
    let program = tauri::Builder::default()
        .setup(|program| {
            let page = WebviewUrl::App("index.html".into());
            WebviewWindowBuilder::new(program, "main", page)
                .title("Switchyard")
                .inner_size(1000.0, 680.0)
                .build()?;
            Ok(())
        })
        .build(context())?;
    program.run(|_, event| {
        // It goes on without a window, as the real one does in the tray.
        if let RunEvent::ExitRequested {
            code: None, api, ..
        } = event
        {
            api.prevent_exit();
        }
    });
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "the framework's own way to end where a thread has no room for its configuration"
)]
fn context() -> tauri::Context {
    tauri::generate_context!("examples/bare/tauri.conf.json")
}
