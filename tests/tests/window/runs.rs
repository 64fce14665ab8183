//! Sending from the window: the demo, a run that is ended half-way, and the command line beside it.

use switchyard_simulator::Reply;
use switchyard_tests::{Desk, Machine, Planted, expect_sound};

use super::{expect_clean, key_and_server};

#[tokio::test]
async fn the_demo_answers_a_prompt_with_one_click() {
    let mut desk = Desk::new();
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    window
        .type_into("textbox", "Prompt", "Why do trains need switches?")
        .await;
    window.click("button", "Send").await;
    window.read("Simulated answer to: Why do trains").await;
    window.read("to first token").await;
    window.close().await;
    expect_clean(&desk, &Planted::default());
    assert!(
        !desk.machine.paths().database().exists(),
        "the demo touched the real store"
    );
}

#[tokio::test]
async fn a_run_that_is_cancelled_half_way_keeps_its_text_and_is_booked() {
    let (planted, key, server) = key_and_server().await;
    let machine = Machine::with_key(&key, &server);
    let mut desk = Desk::of(machine);
    desk.machine.unlock();
    server.push(Reply::events(600).stall_after(200));
    let window = desk.open(&[]).await;
    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", "A long one").await;
    window.click("button", "Send").await;
    window.read("word150").await;
    window.click("button", "Cancel").await;
    window.read("ancelled").await;
    window.read("word150").await;
    let usage = desk.machine.run(["usage", "--json"]).succeeded();
    assert!(usage.contains("\"estimated\""), "{usage}");
    window.close().await;
    expect_sound(&desk.machine.paths().database());
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn the_window_follows_what_the_command_line_does_and_serves_it_the_vault() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::of(Machine::with_key(&key, &server));
    desk.machine.run(["vault", "lock"]).expect_success();
    let window = desk.open(&[]).await;
    window.go_to("keys").await;
    let passphrase = desk.machine.passphrase().to_owned();
    window.click("button", "Unlock").await;
    window.type_into("textbox", "Passphrase", &passphrase).await;
    let dialog = window.find("dialog", "Unlock").await;
    window.click_in(&dialog, "button", "Unlock").await;
    window.find("button", "Lock").await;
    // No passphrase here: the window serves the vault.
    let sent = desk.machine.run(["send", "From a terminal"]).succeeded();
    assert!(sent.contains("Simulated answer"), "{sent}");
    desk.machine
        .run(["keys", "edit", "Work", "--name", "Renamed"])
        .expect_success();
    window.read("Renamed").await;
    desk.machine.run(["vault", "lock"]).expect_success();
    window.find("button", "Unlock").await;
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn the_window_takes_the_place_of_an_agent_that_has_ended() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::of(Machine::with_key(&key, &server));
    let agent = desk.machine.agent();
    assert!(agent.is_some(), "the unlock started an agent");
    let window = desk.open(&[]).await;
    window.go_to("keys").await;
    desk.machine.run(["vault", "lock"]).expect_success();
    let passphrase = desk.machine.passphrase().to_owned();
    window.click("button", "Unlock").await;
    window.type_into("textbox", "Passphrase", &passphrase).await;
    let dialog = window.find("dialog", "Unlock").await;
    window.click_in(&dialog, "button", "Unlock").await;
    window.find("button", "Lock").await;
    let sent = desk.machine.run(["send", "From a terminal"]).succeeded();
    assert!(sent.contains("Simulated answer"), "{sent}");
    window.close().await;
    expect_clean(&desk, &planted);
}
