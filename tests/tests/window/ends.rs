//! The end of the program: nothing holds it up, and what was under way is booked.

use std::time::Duration;

use futures_util::StreamExt;
use rustix::process::Signal;
use switchyard_simulator::{Reply, Simulator};
use switchyard_tests::{Desk, Machine, Planted, Window, binary, expect_sound, finish};

use zbus::MessageStream;

use super::{expect_clean, key_and_server};

/// Sends a prompt whose answer stops half-way.
async fn send_a_long_one(window: &Window, server: &Simulator) {
    server.push(Reply::events(600).stall_after(200));
    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", "A long one").await;
    window.click("button", "Send").await;
    window.read("word150").await;
}

fn tell(what: &str, took: Duration) {
    eprintln!("{what}: {} ms", took.as_millis());
}

fn expect_estimated(desk: &Desk) {
    let usage = desk.machine.run(["usage", "--json"]).succeeded();
    assert!(usage.contains("\"runs\":1"), "{usage}");
    assert!(usage.contains("\"estimated\""), "{usage}");
    expect_sound(&desk.machine.paths().database());
}

#[tokio::test]
async fn a_run_under_way_is_booked_when_the_program_is_quit_from_the_tray() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::of(Machine::with_key(&key, &server));
    desk.bring_panel().await;
    let window = desk.open(&[]).await;
    send_a_long_one(&window, &server).await;
    let (program, tray) = (desk.program(), desk.tray().await);
    tray.choose("Quit").await;
    tell("quit with a run under way", program.ended().await);
    window.leave();
    // Its end was booked by the program itself, not by whoever comes next.
    let state: String = desk.machine.value("SELECT state FROM runs");
    assert_eq!(state, "cancelled");
    expect_estimated(&desk);
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn a_vault_that_is_just_being_made_in_a_silent_keychain_does_not_hold_up_the_end() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::new();
    let mut calls = desk.silence_keyring().await;
    let window = desk.open(&[]).await;
    super::first_run::paste(&window, &key, &server.base_url()).await;
    asked(&mut calls).await;
    let program = desk.program();
    program.signal(Signal::TERM);
    tell(
        "told to end while the keychain is asked",
        program.ended().await,
    );
    window.leave();
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn a_run_that_waits_for_a_silent_keychain_does_not_hold_up_the_end() {
    let (planted, key, server) = key_and_server().await;
    let mut desk = Desk::new();
    desk.bring_keyring();
    desk.machine.run(["vault", "init"]).expect_success();
    desk.machine.add("Work", &key, &server).expect_success();
    desk.machine.end_agent();
    let mut calls = desk.silence_keyring().await;
    let window = desk.open(&[]).await;
    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", "A long one").await;
    window.click("button", "Send").await;
    asked(&mut calls).await;
    let program = desk.program();
    program.signal(Signal::TERM);
    tell("told to end while a run waits", program.ended().await);
    window.leave();
    // Only asking for the models came through.
    let sent = server.requests();
    assert!(sent.iter().all(|request| request.path != "/v1/messages"));
    expect_clean(&desk, &planted);
}

/// Waits until the keychain has been asked for something.
async fn asked(calls: &mut MessageStream) {
    let mut calls = calls.filter_map(|call| std::future::ready(call.ok()));
    let first = async {
        while let Some(call) = calls.next().await {
            if call.message_type() == zbus::message::Type::MethodCall {
                return;
            }
        }
        panic!("the bus is gone");
    };
    let first = tokio::time::timeout(Duration::from_secs(30), first).await;
    first.expect("the keychain is asked");
}

#[tokio::test]
async fn a_demo_takes_its_folder_with_it() {
    let mut desk = Desk::new();
    let is_demo = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("switchyard-demo-")
    };
    let demos = |desk: &Desk| {
        let entries = std::fs::read_dir(desk.machine.root()).unwrap();
        entries.flatten().filter(is_demo).count()
    };
    let program = desk.start_with(&["--demo"]).await;
    assert_eq!(demos(&desk), 1);
    program.signal(Signal::TERM);
    program.ended().await;
    assert_eq!(demos(&desk), 0);
    expect_clean(&desk, &Planted::default());
}

#[tokio::test]
async fn a_program_that_can_not_start_says_why_in_a_window() {
    use std::os::unix::fs::PermissionsExt;

    let desk = Desk::new();
    let folder = desk.machine.paths().data().to_owned();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let none: [&str; 0] = [];
    let program = desk.machine.spawn(&binary("switchyard-desktop"), none);
    let said = desk.screen().with_title("Switchyard can't start");
    said.wait_for_window(true).await;
    said.close();
    let ended = tokio::task::spawn_blocking(move || finish(program, ""));
    let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
    let ended = ended.expect("it ends when that is read").unwrap();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("chmod 700"), "{}", ended.stderr);
}
