//! Pictures of every screen of the demo, light and dark, for where there is no display to look at it:
//! `pictures FOLDER [WIDTHxHEIGHT]`. Those of the plan and the farm need the `claude` CLI, the latter an
//! `sshd` as well.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use switchyard_tests::{Desk, Window};

const SCREENS: [&str; 6] = ["dispatch", "keys", "usage", "farm", "history", "settings"];
/// Names the CLI that the plan is shown with.
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";
/// Without it the demo has no farm.
const SSHD: &str = "/usr/sbin/sshd";
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
    let has_claude = std::env::var_os(CLI).is_some_and(|cli| desk.bring_claude(Path::new(&cli)));
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
    let has_sshd = Path::new(SSHD).is_file();
    if has_sshd {
        // All of its boxes have been asked how they stand by then.
        window.go_to("farm").await;
        window.read("in trouble").await;
    }
    for screen in SCREENS {
        window.go_to(screen).await;
        take(&window, &folder, screen).await;
    }
    if has_claude {
        if has_sshd {
            the_farm(&window, &folder).await;
        }
        the_plan(&window, &folder).await;
        the_routing(&window, &folder).await;
    }
    window.close().await;
    ExitCode::SUCCESS
}

/// Goes through what the farm has to show: a key that is to be pinned, the route, and a run on a box.
async fn the_farm(window: &Window, folder: &Path) {
    window.go_to("farm").await;
    window
        .click("button", "Look at the host key of sample-new")
        .await;
    window.read("It shows now").await;
    take(window, folder, "farm-pin").await;
    window.click("button", "Cancel").await;
    window.go_to("dispatch").await;
    window.click("button", "New").await;
    window
        .type_into(
            "textbox",
            "Prompt",
            "One line on what a point machine does.",
        )
        .await;
    window.click("button", "Route").await;
    window.click("radio", "▲").await;
    window.find("button", "Route: ▲").await;
    window.read("Runs on").await;
    take(window, folder, "farm-route").await;
    window.click("button", "Send · at most").await;
    window.read("to first token").await;
    take(window, folder, "farm-run").await;
}

/// Goes through what the routing table has to show: its rules, the sentence that is allowed, and all who may pay.
async fn the_routing(window: &Window, folder: &Path) {
    window.go_to("settings/routing").await;
    window.find("button", "Allow fallback 1 for review").await;
    take(window, folder, "routing").await;
    window.click("button", "Allow fallback 1 for review").await;
    window.read("pays in place of").await;
    take(window, folder, "routing-allow").await;
    let dialog = window.find("dialog", "Allow this fallback?").await;
    window.click_in(&dialog, "button", "Allow").await;
    window.go_to("dispatch").await;
    window
        .type_into(
            "textbox",
            "Prompt",
            "Which of these changes is the riskiest?",
        )
        .await;
    window.click("button", "Route").await;
    window.click("radio", "Auto").await;
    window.read("or Work").await;
    take(window, folder, "routing-auto").await;
}

/// Goes through what the plan has to show: both ways to pay, the text that is accepted first, how much is used, a
/// login with nobody in it, and one that became somebody else's.
async fn the_plan(window: &Window, folder: &Path) {
    window.go_to("dispatch").await;
    window.click("button", "New").await;
    window
        .type_into("textbox", "Prompt", "Who pays for this?")
        .await;
    window.click("button", "Route").await;
    window.read("Set up").await;
    take(window, folder, "who-pays").await;
    window.click("button", "Set up").await;
    let consent = window.find("dialog", "Use your Claude plan").await;
    window.read("without prior notice").await;
    take(window, folder, "plan-consent").await;
    window.click_in(&consent, "button", "Accept").await;
    window.click("radio", "◆").await;
    window.read("within the plan").await;
    window.click("button", "Send · your plan").await;
    window.read("62% of 5 h used").await;
    take(window, folder, "plan-limits").await;
    window.click("button", "New").await;
    window.type_into("textbox", "Prompt", "And for this?").await;
    window.click("button", "Route").await;
    window.click("radio", "◆").await;
    choose(window, "sample, logged out").await;
    window.read("Nobody is logged in").await;
    take(window, folder, "plan-gate").await;
    choose(window, "sample, changed hands").await;
    window
        .click("button", "Send · your plan (sample, changed hands")
        .await;
    window.read("Somebody else would have been billed").await;
    take(window, folder, "plan-mismatch").await;
}

async fn choose(window: &Window, login: &str) {
    window.click("button", "Login").await;
    window.click("option", login).await;
}

async fn take(window: &Window, folder: &Path, what: &str) {
    window.settle().await;
    for theme in THEMES {
        window.theme(theme).await;
        window
            .picture(&folder.join(format!("{what}-{theme}.png")))
            .await;
    }
}

#[expect(clippy::print_stderr, reason = "a program for developers")]
fn misused() -> ExitCode {
    eprintln!("usage: pictures FOLDER [WIDTHxHEIGHT]");
    ExitCode::from(2)
}
