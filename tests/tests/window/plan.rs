//! The plan beside the key, in the real window, with the real CLI behind it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use switchyard_tests::{Desk, Planted, Window};
use thirtyfour::Key;

use super::{CLI, expect_clean};

const PROMPT: &str = "Why do trains wait?";

/// Sets up a desk whose user has installed `claude`.
fn with_claude() -> Desk {
    let cli = std::env::var_os(CLI).expect("`./dev test` names a claude program to test with");
    let desk = Desk::new();
    assert!(desk.bring_claude(Path::new(&cli)));
    desk
}

/// Counts what the demo's logins hold as secret, and returns the only files that may hold it.
fn plant_logins(desk: &Desk, planted: &mut Planted) -> Vec<PathBuf> {
    let mut made_up = Planted::default();
    made_up.text("sk-ant-oat01-simulated-");
    let found = made_up.found_under(desk.machine.root());
    let files: Vec<PathBuf> = found
        .iter()
        .filter_map(|place| place.strip_prefix("in the file ").map(PathBuf::from))
        .collect();
    let are_logins = files.iter().all(|file| file.ends_with(".credentials.json"));
    assert!(
        !files.is_empty() && files.len() == found.len() && are_logins,
        "{found:?}"
    );
    for file in &files {
        let login: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for token in ["accessToken", "refreshToken"] {
            planted.text(login["claudeAiOauth"][token].as_str().unwrap());
        }
    }
    files
}

#[tokio::test]
async fn a_prompt_goes_through_the_plan_once_its_text_is_accepted_and_through_a_key_beside_it() {
    let mut desk = with_claude();
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    let mut planted = Planted::default();
    let logins = plant_logins(&desk, &mut planted);
    planted.text(PROMPT);
    let watches = [planted.watch_arguments(), planted.watch_environments()];
    window.type_into("textbox", "Prompt", PROMPT).await;
    window.click("button", "Route").await;
    window.click("button", "Set up").await;
    let consent = window.find("dialog", "Use your Claude plan").await;
    window.read("without prior notice").await;
    window.click_in(&consent, "button", "Accept").await;
    window.click("radio", "◆").await;
    window.read("within the plan").await;
    // Whoever is shown on the button pays; one that has changed since is asked about.
    window.click("button", "Send · your plan").await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.read("list price").await;
    window.read("62% of 5 h used").await;

    // The same prompt, paid by a key: nothing but the tier changes.
    window.click("button", "New").await;
    window
        .type_into("textbox", "Prompt", "And who pays now?")
        .await;
    window.click("button", "Route").await;
    window.click("radio", "●").await;
    window.click("button", "Send · at most").await;
    window.read("Simulated answer to: And who pays now?").await;
    for watch in watches {
        assert_eq!(watch.end(), Vec::<String>::new());
    }
    // While the window is there, and so are the CLI's own files; the logins are what was planted.
    let found = planted.found_under(desk.machine.root());
    let is_login = |place: &String| {
        let mut files = logins.iter();
        files.any(|file| place.ends_with(&file.display().to_string()))
    };
    assert_eq!(found.len(), logins.len(), "{found:?}");
    assert!(found.iter().all(is_login), "{found:?}");
    window.close().await;
    // They are gone with the demo, unless the driver was faster.
    for login in logins {
        let _ = std::fs::remove_file(login);
    }
    expect_clean(&desk, &planted);
}

/// Chooses one of the plan's logins for the draft.
async fn choose(window: &Window, login: &str) {
    window.click("button", "Login").await;
    window.click("option", login).await;
}

#[tokio::test]
async fn by_keyboard_alone_the_plan_is_set_up_and_used() {
    let mut desk = with_claude();
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    window.type_into("textbox", "Prompt", PROMPT).await;
    window.tab_to("Route").await;
    window.press(&[Key::Enter]).await;
    window.tab_to("Set up").await;
    window.press(&[Key::Enter]).await;
    window.read("without prior notice").await;
    window.tab_to("Accept").await;
    window.press(&[Key::Enter]).await;
    window.read("within the plan").await;
    // The focus is on the way that was opened, or before it.
    window.tab_to("likely").await;
    window.press(&[Key::Up]).await;
    window.find("button", "Send · your plan").await;
    window.press(&[Key::Control, Key::Enter]).await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.read("62% of 5 h used").await;
    window.close().await;
    expect_clean(&desk, &Planted::default());
}

#[tokio::test]
async fn what_a_login_lacks_and_whose_it_has_become_is_said_before_anything_is_sent() {
    let mut desk = with_claude();
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    window.type_into("textbox", "Prompt", PROMPT).await;
    window.click("button", "Route").await;
    window.click("button", "Set up").await;
    let consent = window.find("dialog", "Use your Claude plan").await;
    window.click_in(&consent, "button", "Accept").await;
    window.click("radio", "◆").await;
    choose(&window, "sample, logged out").await;
    window.read("Nobody is logged in").await;
    choose(&window, "sample, changed hands").await;
    window
        .click("button", "Send · your plan (sample, changed hands")
        .await;
    window.read("Somebody else would have been billed").await;
    window.read("Nothing was sent").await;
    window.click("button", "It is mine").await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.close().await;
    expect_clean(&desk, &Planted::default());
}
