//! The tray's menu, as a real panel asks for it over the session bus, and what closing the window means.

use rustix::process::Signal;
use switchyard_tests::{Desk, Entry, Machine, Planted};

use super::{expect_clean, key_and_server};

fn labels(entries: &[Entry]) -> Vec<&str> {
    let labels = entries.iter().map(|entry| entry.label.as_str());
    labels.filter(|label| !label.is_empty()).collect()
}

/// Returns the entries for keys, each with whether it is checked.
fn keys(entries: &[Entry]) -> Vec<(&str, bool)> {
    let mut submenus = entries.iter().filter(|entry| entry.label == "Active key");
    let keys = submenus.next().into_iter().flat_map(|keys| &keys.entries);
    keys.map(|key| (key.label.as_str(), key.is_checked))
        .collect()
}

fn checked(entries: &[Entry]) -> Vec<&str> {
    let keys = keys(entries).into_iter().filter(|key| key.1);
    keys.map(|key| key.0).collect()
}

/// Returns the name of the key that the command line calls the selected one.
fn selected(desk: &Desk) -> String {
    let listed = desk.machine.run(["keys", "list", "--json"]).json_lines();
    let mut keys = listed.iter();
    let key = keys.find(|key| key["is_selected"] == true);
    key.map(|key| key["name"].as_str().unwrap().to_owned())
        .unwrap_or_default()
}

/// Tells whether the command line finds the vault open.
fn is_open(desk: &Desk) -> bool {
    let status = desk.machine.run(["vault", "status", "--json"]);
    status.json_lines()[0]["status"]["lock"] == "unlocked"
}

#[tokio::test]
async fn the_trays_menu_chooses_the_active_key_locks_and_quits() {
    let (mut planted, first, server) = key_and_server().await;
    let second = planted.key("sk-ant-api03-");
    server.set_key(&second, switchyard_simulator::KeyState::Valid);
    let machine = Machine::with_key(&first, &server);
    machine.add("Spare", &second, &server).expect_success();
    let mut desk = Desk::of(machine);
    desk.bring_panel().await;
    let program = desk.start().await;
    let tray = desk.tray().await;
    let menu = tray.wait_for(|menu| keys(menu).len() == 2).await;
    assert_eq!(
        labels(&menu),
        ["Open Switchyard", "Active key", "Lock", "Quit"]
    );
    let before = selected(&desk);
    let others: Vec<_> = keys(&menu).into_iter().filter(|key| !key.1).collect();
    assert_eq!(
        others.len(),
        1,
        "one of the two is the active one: {menu:#?}"
    );
    let other = others[0].0;
    assert!(!other.starts_with(&before), "{before} is not marked");

    // Twice, because a mark that is clicked goes away by itself.
    for _ in 0..2 {
        tray.choose(other).await;
        tray.wait_for(|menu| checked(menu) == [other]).await;
        let after = selected(&desk);
        assert!(other.starts_with(&after) && after != before, "{after}");
    }

    assert!(is_open(&desk));
    tray.choose("Lock").await;
    let is_locked = |entry: &Entry| entry.label == "Lock" && !entry.is_enabled;
    tray.wait_for(|menu| menu.iter().any(is_locked)).await;
    let refused = desk.machine.run(["send", "Who is there?"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(!is_open(&desk));

    tray.choose("Quit").await;
    program.ended().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn where_a_panel_shows_trays_a_closed_window_leaves_the_program_which_opens_another() {
    let mut desk = Desk::new();
    desk.bring_panel().await;
    let program = desk.start().await;
    let tray = desk.tray().await;
    for _ in 0..2 {
        desk.screen().close();
        desk.screen().wait_for_window(false).await;
        assert_eq!(tray.entries().await[0].label, "Open Switchyard");
        assert!(program.is_running());
        let pages = desk.pages();
        tray.choose("Open Switchyard").await;
        desk.wait_for_page(pages).await;
    }
    tray.choose("Quit").await;
    program.ended().await;
    expect_clean(&desk, &Planted::default());
}

#[tokio::test]
async fn without_a_panel_that_shows_trays_a_closed_window_ends_the_program() {
    let mut desk = Desk::new();
    let program = desk.start().await;
    desk.screen().close();
    program.ended().await;
    expect_clean(&desk, &Planted::default());
}

#[tokio::test]
async fn who_does_not_want_the_tray_ends_the_program_with_its_window() {
    let mut desk = Desk::of(Machine::with_vault());
    desk.machine
        .run(["settings", "window.keep_in_tray", "false"])
        .expect_success();
    desk.bring_panel().await;
    let program = desk.start().await;
    desk.screen().close();
    program.ended().await;
    expect_clean(&desk, &Planted::default());
}

#[tokio::test]
async fn a_program_that_is_told_to_terminate_ends_as_if_it_was_quit() {
    let mut desk = Desk::new();
    for signal in [Signal::TERM, Signal::INT] {
        let program = desk.start().await;
        program.signal(signal);
        program.ended().await;
        desk.screen().wait_for_window(false).await;
        // Only an orderly end keeps the window's place.
        let place = desk.machine.paths().data().join("window.json");
        std::fs::remove_file(place).unwrap();
    }
    expect_clean(&desk, &Planted::default());
}
