//! Pictures of every screen of the demo, light and dark, for where there is no display to look at it:
//! `pictures FOLDER [WIDTHxHEIGHT]`.

use std::path::PathBuf;
use std::process::ExitCode;

use switchyard_tests::Desk;

const SCREENS: [&str; 5] = ["dispatch", "keys", "usage", "history", "settings"];
const THEMES: [&str; 2] = ["light", "dark"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        return misused();
    };
    let size = arguments.next().map_or(Some((1000, 680)), |size| {
        let (width, height) = size.to_str()?.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    });
    let Some((width, height)) = size else {
        return misused();
    };
    if std::fs::create_dir_all(&folder).is_err() {
        return misused();
    }
    let mut desk = Desk::new();
    let window = desk.open(&["--demo"]).await;
    window.resize(width, height).await;
    window.read("SIMULATED").await;
    // The demo's own past comes first.
    window.go_to("history").await;
    window.read("Explain a write-ahead log").await;
    window.go_to("dispatch").await;
    window
        .type_into("textbox", "Prompt", "Why do trains need switches?")
        .await;
    window.click("button", "Send").await;
    window.read("to first token").await;
    for screen in SCREENS {
        window.go_to(screen).await;
        for theme in THEMES {
            window.theme(theme).await;
            window
                .picture(&folder.join(format!("{screen}-{theme}.png")))
                .await;
        }
    }
    window.close().await;
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "a program for developers")]
fn misused() -> ExitCode {
    eprintln!("usage: pictures FOLDER [WIDTHxHEIGHT]");
    ExitCode::from(2)
}
