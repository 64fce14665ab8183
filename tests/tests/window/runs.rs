//! Sending from the window: the demo, a run that is ended half-way, and the command line beside it.

use switchyard_simulator::Reply;
use switchyard_tests::{Desk, Machine, Planted, Window, expect_sound};

use super::{expect_clean, key_and_server};

/// How long a window that has nothing to do is watched.
const SETTLED: std::time::Duration = std::time::Duration::from_secs(1);

/// Unlocks the vault as its user does, from the foot of the sidebar.
async fn unlock(desk: &Desk, window: &Window) {
    window.click("button", "Unlock").await;
    let passphrase = desk.machine.passphrase();
    window.type_into("textbox", "Passphrase", passphrase).await;
    let dialog = window.find("dialog", "Unlock").await;
    window.click_in(&dialog, "button", "Unlock").await;
    window.find("button", "Lock").await;
}

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
    assert_eq!(window.clicks(), 1);
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
    unlock(&desk, &window).await;
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
    unlock(&desk, &window).await;
    let sent = desk.machine.run(["send", "From a terminal"]).succeeded();
    assert!(sent.contains("Simulated answer"), "{sent}");
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn a_window_that_only_shows_things_writes_nothing() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::of(Machine::with_key(&key, &server));
    desk.machine.unlock();
    let window = desk.open(&[]).await;
    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", "A short one").await;
    window.click("button", "Send").await;
    window.read("to first token").await;
    for screen in ["history", "dispatch"] {
        window.go_to(screen).await;
        window.read("A short one").await;
        let store = rusqlite::Connection::open(desk.machine.paths().database()).unwrap();
        let commits = || -> i64 {
            let asked = store.query_row("PRAGMA data_version", [], |row| row.get(0));
            asked.unwrap()
        };
        // What coming here has to write is written by then, and nothing can be awaited that must not be.
        tokio::time::sleep(SETTLED).await;
        let before = commits();
        tokio::time::sleep(SETTLED).await;
        assert_eq!(
            commits(),
            before,
            "{screen} writes while nobody does anything"
        );
    }
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn what_was_written_outlives_its_page() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::of(Machine::with_key(&key, &server));
    let window = desk.open(&[]).await;
    window.go_to("dispatch").await;
    let long = "A thought that took an hour";
    window.type_into("textbox", "Prompt", long).await;
    // It is handed on when the price is asked for.
    window.read("at most").await;
    let pages = desk.pages();
    window.page.refresh().await.unwrap();
    desk.wait_for_page(pages).await;
    window.go_to("dispatch").await;
    let prompt = window.find("textbox", "Prompt").await;
    let start = std::time::Instant::now();
    while prompt.prop("value").await.unwrap().as_deref() != Some(long) {
        assert!(start.elapsed() < SETTLED * 10, "the prompt is gone");
        tokio::task::yield_now().await;
    }
    window.close().await;
    expect_clean(&desk, &planted);
}
