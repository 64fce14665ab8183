//! The routing table in the real window: a rule is made, a fallback is allowed, and a run takes it.

use switchyard_simulator::{KeyState, Match, Reply, Script, Simulator};
use switchyard_tests::{Desk, Machine, Planted, Window};
use thirtyfour::Key;

use super::expect_clean;

const PROMPT: &str = "Look at this.";

/// Returns a machine whose active key has met a rate limit, its server, what nobody else may see, and a second key.
async fn with_a_busy_key() -> (Desk, Simulator, Planted, String) {
    let mut planted = Planted::default();
    let (work, second) = (planted.key("sk-ant-api03-"), planted.key("sk-ant-api03-"));
    planted.text(PROMPT);
    let script = Script::new()
        .key(&work, KeyState::Valid)
        .key(&second, KeyState::Valid);
    let server = Simulator::start(script).await;
    let desk = Desk::of(Machine::with_key(&work, &server));
    desk.machine.unlock();
    desk.machine
        .add("Second", &second, &server)
        .expect_success();
    let busy = Reply::error(429, "rate_limit_error", "Too fast").header("retry-after", "600");
    server.when(Match::path("/v1/messages").key(&work), busy);
    (desk, server, planted, second)
}

/// Counts the answers that a key has paid for.
fn paid_by(key: &str, server: &Simulator) -> usize {
    let requests = server.requests();
    let paid = requests
        .iter()
        .filter(|one| one.path == "/v1/messages" && one.credential() == Some(key));
    paid.count()
}

/// Chooses an option of a select within a part of the page.
async fn choose(window: &Window, within: &str, select: &str, option: &str) {
    let around = window.find("group", within).await;
    window.click_in(&around, "button", select).await;
    window.click("option", option).await;
}

/// Sends the draft by the class of its work.
async fn send_by_class(window: &Window, shown: &str) {
    window.find("button", "Route: Auto: review").await;
    window.read(shown).await;
    window.click("button", "Send · at most").await;
}

#[tokio::test]
async fn a_fallback_pays_only_after_its_sentence_was_allowed_and_the_run_says_who_did() {
    let (mut desk, server, planted, second) = with_a_busy_key().await;
    let window = desk.open(&[]).await;

    window.go_to("settings").await;
    window.click("button", "Make a rule: Review").await;
    window.click("button", "Add a fallback").await;
    choose(&window, "Fallback 1", "When", "A rate limit").await;
    choose(&window, "Fallback 1", "Key", "Second").await;
    window.click("button", "Save").await;
    window.find("button", "Allow fallback 1 for review").await;

    // Not allowed, it is not taken, and the run says what would have helped.
    window.go_to("dispatch").await;
    window.type_into("textbox", "Prompt", PROMPT).await;
    window.click("button", "Route").await;
    window.click("radio", "Auto").await;
    send_by_class(&window, "in all").await;
    window.read("Fallback 1 for review would go on with").await;
    assert_eq!(paid_by(&second, &server), 0);

    // What is allowed is one sentence, which names who pays in place of whom.
    window.click("button", "Open the rules").await;
    window.click("button", "Allow fallback 1 for review").await;
    let dialog = window.find("dialog", "Allow this fallback?").await;
    window.read("the key Second").await;
    window.read("pays in place of the active key").await;
    window.click_in(&dialog, "button", "Allow").await;
    window
        .find("button", "Take back fallback 1 for review")
        .await;

    window.go_to("dispatch").await;
    window.click("button", "Back to the editor").await;
    send_by_class(&window, "or Second").await;
    window.read("pays in place of").await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.read("to first token").await;
    assert_eq!(paid_by(&second, &server), 1);
    window.go_to("history").await;
    window.read("In place of").await;
    let usage = desk.machine.run(["usage", "--json"]).succeeded();
    assert!(usage.contains("Second"), "{usage}");
    window.close().await;
    expect_clean(&desk, &planted);
}

#[tokio::test]
async fn by_keyboard_alone_a_rule_is_made_its_fallback_allowed_and_taken() {
    let (mut desk, server, planted, second) = with_a_busy_key().await;
    let window = desk.open(&[]).await;
    window.read("Metered").await;
    window.press_control('6').await;
    window.find("button", "Make a rule: Review").await;
    window.tab_to("Make a rule: Review").await;
    window.press(&[Key::Enter]).await;
    window.find("dialog", "Rule for review").await;
    window.tab_to("Add a fallback").await;
    window.press(&[Key::Enter]).await;
    window.tab_to("When").await;
    window.arrow_to("A rate limit").await;
    window.tab_to("Key: Work").await;
    window.arrow_to("Second").await;
    window.tab_to("Save").await;
    window.press(&[Key::Enter]).await;
    window.find("button", "Allow fallback 1 for review").await;
    window.tab_to("Allow fallback 1 for review").await;
    window.press(&[Key::Enter]).await;
    window.find("dialog", "Allow this fallback?").await;
    window.tab_to("Allow").await;
    window.press(&[Key::Enter]).await;
    window
        .find("button", "Take back fallback 1 for review")
        .await;

    window.press_control('1').await;
    window.type_into("textbox", "Prompt", PROMPT).await;
    window.tab_to("Route").await;
    window.press(&[Key::Enter]).await;
    // The ways come when they are known, Auto as the last one.
    window.find("radio", "Auto").await;
    window.tab_to("likely").await;
    window.press(&[Key::Down]).await;
    window.find("button", "Route: Auto: review").await;
    window.read("or Second").await;
    window.press(&[Key::Control, Key::Enter]).await;
    window.read(&format!("Simulated answer to: {PROMPT}")).await;
    window.read("to first token").await;
    assert_eq!(paid_by(&second, &server), 1);
    window.close().await;
    expect_clean(&desk, &planted);
}
