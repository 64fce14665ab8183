//! The real window, clicked through as a person would.

use switchyard_tests::Desk;

#[tokio::test]
async fn the_demo_opens_and_answers_a_prompt_within_three_clicks() {
    let mut desk = Desk::new();
    let window = desk.open(&["--demo"]).await;
    window.read("SIMULATED").await;
    window
        .type_into("textbox", "Prompt", "Why do trains need switches?")
        .await;
    window.click("button", "Send").await;
    window.read("to first token").await;
    window.close().await;
}
