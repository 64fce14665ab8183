//! The farm in the real window: a real sshd, the real CLI on the box, the simulator as server.

use std::path::Path;

use switchyard_tests::sshd::Sshd;
use switchyard_tests::{Desk, Machine, Planted, Window};
use thirtyfour::Key;

use super::{CLI, expect_clean, key_and_server};

/// How many boxes the demo has.
const BOXES: usize = 5;

const PROMPT: &str = "Why do trains wait?";

/// A box whose user has installed `claude`.
fn with_claude() -> Sshd {
    let cli = std::env::var_os(CLI).expect("`./dev test` names a claude program to test with");
    let sshd = Sshd::start();
    let link = sshd.home("box").join(".local/bin/claude");
    std::fs::remove_file(&link).expect("the stand-in");
    std::os::unix::fs::symlink(cli, link).expect("a link");
    sshd
}

/// Returns every file of a box's home with what it holds.
fn contents(home: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(home).expect("a folder").flatten() {
        let path = entry.path();
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => all.extend(contents(&path)),
            kind if kind.is_file() => all.push((
                path.display().to_string(),
                std::fs::read(&path).expect("a file"),
            )),
            _ => all.push((path.display().to_string(), Vec::new())),
        }
    }
    all.sort();
    all
}

/// Has the farm pay for the draft.
async fn choose_the_farm(window: &Window) {
    window.click("button", "Route").await;
    window.click("radio", "▲").await;
}

#[tokio::test]
async fn a_box_is_added_pinned_probed_and_used_and_the_key_is_seen_nowhere_else() {
    let (mut planted, key, server) = key_and_server().await;
    planted.text(PROMPT);
    let sshd = with_claude();
    let mut desk = Desk::of(Machine::with_key(&key, &server));
    desk.machine.unlock();
    let config = sshd.config().display().to_string();
    desk.machine
        .run(["settings", "farm.ssh_config", &config])
        .expect_success();
    let before = contents(&sshd.home("box"));
    let window = desk.open(&[]).await;

    window.go_to("farm").await;
    window.click("button", "Add by hand").await;
    window.type_into("textbox", "Name", "box").await;
    let at = sshd.destination("box");
    window.type_into("textbox", "Destination", &at).await;
    let port = sshd.port().to_string();
    window.type_into("textbox", "Port", &port).await;
    let identity = sshd.identity();
    window
        .type_into("textbox", "Private key’s file", &identity)
        .await;
    window.click("button", "Add host").await;
    // What is shown is what the box has; it was not logged in for that.
    window.read(&sshd.key().fingerprint()).await;
    assert!(!sshd.log().contains("Accepted"), "{}", sshd.log());
    window.click("button", "It is the same: pin it").await;
    window.click("button", "Probe box").await;
    window.read("healthy").await;
    window.read("claude 2.").await;

    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", PROMPT).await;
    choose_the_farm(&window).await;
    // The route that is shown on the button by now; another one would be asked about.
    window.find("button", "Route: ▲").await;
    let (arguments, environments) = (planted.watch_arguments(), planted.watch_environments());
    window.click("button", "Send · at most").await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.read("to first token").await;
    assert_eq!(arguments.end(), Vec::<String>::new());
    // On the box the key is in the environment of the CLI that it is for, and of what holds it to its time.
    let seen = environments.end();
    let is_worker = |place: &String| {
        ["/timeout", "/claude"]
            .iter()
            .any(|end| place.ends_with(end))
    };
    assert!(!seen.is_empty(), "the watch sees what there is");
    assert!(seen.iter().all(is_worker), "{seen:?}");
    let requests = server.requests();
    assert_eq!(
        requests.last().and_then(|one| one.credential()),
        Some(&*key)
    );

    let usage = desk.machine.run(["usage", "--json"]).succeeded();
    assert!(usage.contains("\"farm\""), "{usage}");
    window.close().await;
    assert_eq!(
        contents(&sshd.home("box")),
        before,
        "nothing is left behind"
    );
    assert_eq!(planted.found_under(sshd.root()), Vec::<String>::new());
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn by_keyboard_alone_a_box_of_the_demo_is_pinned_and_used() {
    let mut desk = Desk::new();
    let cli = std::env::var_os(CLI).expect("`./dev test` names a claude program to test with");
    assert!(desk.bring_claude(Path::new(&cli)));
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    window.go_to("farm").await;
    window.read("in trouble").await;
    window.tab_to("sample-a").await;
    // The list is one stop of Tab; arrows lead to the box that is new, and Enter to what it needs.
    window.press(&[Key::Home]).await;
    for _ in 1..BOXES {
        if window.has_focus("sample-new").await {
            break;
        }
        window.press(&[Key::Down]).await;
    }
    window.press(&[Key::Enter]).await;
    window.read("It shows now").await;
    window.tab_to("It is the same: pin it").await;
    window.press(&[Key::Enter]).await;
    window.find("button", "Probe sample-new").await;

    window.press_control('1').await;
    window.type_into("textbox", "Prompt", PROMPT).await;
    window.tab_to("Route").await;
    window.press(&[Key::Enter]).await;
    window.tab_to("likely").await;
    window.press(&[Key::Down]).await;
    window.find("button", "Route: ▲").await;
    window.press(&[Key::Control, Key::Enter]).await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.read("to first token").await;
    window.close().await;
    expect_clean(&desk, &Planted::default());
}
