//! What one that has waited must prove again, and what a turn begins with.

use super::*;
use crate::error::Code;

/// Proves who pays, and then once more what `second` says.
fn proves_again(second: &str) -> String {
    format!(
        "up; read -r request; answer \"$login\"; settings; {second}
         read -r prompt && echo \"$prompt\" > \"$here/prompt\"
         begin; text Hi; block Hi; success Hi"
    )
}

#[tokio::test]
async fn one_that_has_waited_and_says_the_same_again_gets_the_prompt() {
    let script =
        r#"again initialize "{\"account\":$login}"; again get_settings '{"effective":{}}'"#;
    let fake = Fake::new(&proves_again(script));
    let mut process = fake.process().await;
    process.prove_again().await.unwrap();
    let (events, turn) = ask(&mut process).await;
    assert!(turn.failure.is_none(), "{:?}", turn.failure);
    assert_eq!(shown(&events), "Hi");
}

#[tokio::test]
async fn one_that_would_bill_somebody_else_by_now_gets_no_prompt() {
    let key = r#"again initialize '{"account":{"apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}}'"#;
    let helper = r#"again initialize "{\"account\":$login}"; again get_settings '{"effective":{"apiKeyHelper":"/bin/key"}}'"#;
    let other = r#"again initialize '{"account":{"subscriptionType":"Claude Pro","apiProvider":"firstParty"}}'
        again get_settings '{"effective":{}}'"#;
    for (second, words) in [
        (key, "would have billed an API key"),
        (helper, "Managed settings set apiKeyHelper"),
        (other, "another account than at first"),
    ] {
        let fake = Fake::new(&proves_again(second));
        let mut process = fake.process().await;
        let error = process.prove_again().await.unwrap_err();
        assert!(error.message().contains(words), "{error}");
        assert!(!process.is_usable());
        let (_, turn) = ask(&mut process).await;
        assert!(turn.failure.is_some_and(|failed| !failed.may_have_run));
        process.end().await;
        assert_eq!(fake.text("prompt"), "");
    }
}

#[tokio::test]
async fn a_turn_that_begins_with_a_key_is_ended_and_may_have_cost_something() {
    let init = |source: &str| {
        format!(
            "ready; echo '{{\"type\":\"system\",\"subtype\":\"init\",\"apiKeySource\":\"{source}\"}}'
             begin; text Hi; block Hi; success Hi"
        )
    };
    let (_, right) = ask(&mut Fake::new(&init("none")).process().await).await;
    assert!(right.failure.is_none(), "{:?}", right.failure);
    for source in ["ANTHROPIC_API_KEY", "apiKeyHelper", "/login managed key"] {
        let (events, turn) = ask(&mut Fake::new(&init(source)).process().await).await;
        assert_eq!(kind(&turn), Some(Kind::WrongPayer), "{source}");
        let failed = turn.failure.unwrap();
        assert_eq!(failed.error.code(), Code::WrongPayer);
        assert!(failed.error.message().contains(source), "{}", failed.error);
        assert!(failed.may_have_run);
        assert_eq!(shown(&events), "");
    }
}

#[tokio::test]
async fn one_whose_login_was_replaced_takes_no_further_prompt() {
    let fake = Fake::new("ready; begin; text Hi; block Hi; success Hi; read -r prompt");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".credentials.json");
    std::fs::write(&file, "{}").unwrap();
    let login = Login::own(Some(folder.path().to_owned())).unwrap();
    let spawned = fake.start_as(login).await.spawn().unwrap();
    let mut process = spawned.initialize(None).await.unwrap();
    let (_, turn) = ask(&mut process).await;
    assert!(turn.failure.is_none(), "{:?}", turn.failure);
    assert!(process.is_usable());
    std::fs::write(folder.path().join("new"), "{ }").unwrap();
    std::fs::rename(folder.path().join("new"), &file).unwrap();
    assert!(!process.is_usable());
}
