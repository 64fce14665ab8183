//! From an empty home to the first answer.

use switchyard_tests::{Desk, Window};
use thirtyfour::Key;

use super::{expect_clean, key_and_server};

/// Pastes a key for a server of the test's own. Anthropic's needs no address: two steps fewer.
pub(super) async fn paste(window: &Window, key: &str, url: &str) {
    window.click("button", "Add key").await;
    window.type_into("textbox", "API key", key).await;
    window.click("button", "Advanced").await;
    window.type_into("textbox", "Gateway", url).await;
    let dialog = window.find("dialog", "Add a key").await;
    window.click_in(&dialog, "button", "Add key").await;
}

async fn ask(window: &Window) {
    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", "Hello there").await;
    window.click("button", "Send").await;
    window.read("Simulated answer to: Hello there").await;
    window.read("to first token").await;
}

#[tokio::test]
async fn with_a_keyring_a_pasted_key_is_checked_stored_and_answers() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::new();
    desk.bring_keyring();
    let window = desk.open(&[]).await;
    window.read("Who pays right now").await;
    window.read("nobody").await;
    assert!(
        !desk.machine.paths().database().exists(),
        "looking makes no store"
    );
    paste(&window, &key, &server.base_url()).await;
    window.read("Keep your recovery code").await;
    window.click("button", "Later").await;
    window.read("is stored and checked").await;
    ask(&window).await;
    assert!(window.clicks() <= 6, "it took {} clicks", window.clicks());
    let usage = desk.machine.run(["usage", "--json"]).succeeded();
    assert!(usage.contains("\"runs\":1"), "{usage}");
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn without_a_keyring_a_passphrase_makes_the_vault_and_opens_it_in_place() {
    let (mut planted, key, server) = key_and_server().await;
    let passphrase = "four words that nobody says";
    planted.text(passphrase);
    let mut desk = Desk::new();
    let window = desk.open(&[]).await;
    paste(&window, &key, &server.base_url()).await;
    window.read("Choose a passphrase").await;
    window.type_into("textbox", "Passphrase", passphrase).await;
    window.click("button", "Make the vault").await;
    window.read("Keep your recovery code").await;
    window.click("button", "I have kept it").await;
    ask(&window).await;

    window.click("button", "Lock").await;
    window.click("button", "New").await;
    window
        .type_into("textbox", "Prompt", "And behind a lock?")
        .await;
    window.click("button", "Send").await;
    let main = window.find("main", "").await;
    window.type_into("textbox", "Passphrase", passphrase).await;
    window.click_in(&main, "button", "Unlock").await;
    window.read("Simulated answer to: And behind a lock?").await;
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn a_key_that_the_server_refuses_is_not_stored_and_what_was_typed_stays() {
    let (mut planted, _, server) = key_and_server().await;
    let other = planted.key("sk-ant-api03-");
    let mut desk = Desk::new();
    desk.bring_keyring();
    let window = desk.open(&[]).await;
    paste(&window, &other, &server.base_url()).await;
    window.read("refused").await;
    let name = window.find("textbox", "Name").await;
    assert_eq!(
        name.prop("value").await.unwrap().as_deref(),
        Some("Personal")
    );
    let listed = desk.machine.run(["keys", "list"]);
    assert!(listed.stdout.contains("No keys are stored"), "{listed:?}");
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn the_key_that_pays_is_taken_over_from_the_shell_without_being_shown() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::new();
    desk.bring_keyring();
    let profile = desk.machine.home().join(".profile");
    std::fs::write(&profile, format!("export ANTHROPIC_API_KEY={key}\n")).unwrap();
    let window = desk.open(&[]).await;
    window.click("button", "Take over").await;
    window
        .read("it still bills until you remove it there")
        .await;
    window.click("button", "Advanced").await;
    window
        .type_into("textbox", "Gateway", &server.base_url())
        .await;
    let dialog = window.find("dialog", "Take over key").await;
    window.click_in(&dialog, "button", "Take over").await;
    window.click("button", "Later").await;
    window.read("From my shell").await;
    ask(&window).await;
    window.close().await;
    std::fs::remove_file(profile).unwrap();
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn by_keyboard_alone_a_key_is_pasted_a_prompt_is_answered_and_every_screen_is_read() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::new();
    desk.bring_keyring();
    let window = desk.open(&[]).await;
    window.read("Who pays right now").await;
    window.tab_to("Add key").await;
    window.press(&[Key::Enter]).await;
    window.type_at("API key", &key).await;
    window.tab_to("Advanced").await;
    window.press(&[Key::Enter]).await;
    window.tab_to("Gateway").await;
    window.type_at("Gateway", &server.base_url()).await;
    window.press(&[Key::Enter]).await;
    window.read("Keep your recovery code").await;
    window.tab_to("Later").await;
    window.press(&[Key::Enter]).await;
    window.read("is stored and checked").await;

    window.press_control('1').await;
    window.tab_to("Prompt").await;
    window.type_at("Prompt", "Hello there").await;
    window.press(&[Key::Control, Key::Enter]).await;
    window.read("Simulated answer to: Hello there").await;
    window.read("to first token").await;

    // A list is one stop of Tab, and arrows walk in it.
    window.press_control('2').await;
    window.tab_to("Personal").await;
    window.press_control('3').await;
    window.read("spent").await;
    window.tab_to("As a table").await;
    window.press_control('5').await;
    window.tab_to("Runs").await;
    window.press(&[Key::Down]).await;
    window.read("Simulated answer to: Hello there").await;
    window.press_control('6').await;
    window.tab_to("Theme").await;
    window.arrow_to("Dark").await;
    window.press_control('k').await;
    window.type_at("Command", "farm").await;
    window.press(&[Key::Enter]).await;
    window.read("No hosts yet").await;
    window.close().await;
    expect_clean(&desk, &planted);
}
