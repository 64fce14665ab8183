//! The plan beside the key, in the real window, with the real CLI behind it.

use switchyard_tests::{Desk, Planted};

use super::expect_clean;

/// Names the CLI to test with.
const CLI: &str = "SWITCHYARD_TEST_CLAUDE";

/// Sets up a desk whose user has installed `claude`.
fn with_claude() -> Desk {
    let cli = std::env::var_os(CLI).expect("`./dev test` names a claude program to test with");
    let desk = Desk::new();
    let bin = desk.machine.home().join(".local/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(cli, bin.join("claude")).unwrap();
    desk
}

#[tokio::test]
async fn a_prompt_goes_through_the_plan_once_its_text_is_accepted_and_through_a_key_beside_it() {
    let mut desk = with_claude();
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    window
        .type_into("textbox", "Prompt", "Why do trains wait?")
        .await;
    window.click("button", "Route").await;
    window.click("button", "Set up").await;
    let consent = window.find("dialog", "Use your Claude plan").await;
    window.read("without prior notice").await;
    window.click_in(&consent, "button", "Accept").await;
    window.click("radio", "◆").await;
    window.read("within the plan").await;
    // Whoever is shown on the button pays; one that has changed since is asked about.
    window.click("button", "Send · your plan").await;
    window
        .read("Simulated answer to: Why do trains wait?")
        .await;
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
    window.close().await;
    expect_clean(&desk, &Planted::default());
}
