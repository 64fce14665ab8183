//! Several turns with one process, and what is handed over in each.

use super::*;

/// Answers each prompt with a count, and keeps what it was given.
const COUNTS: &str = r#"up; read -r request; printf '%s\n' "$request" > "$here/asked"; answer "$login"; settings
    count=0
    while read -r prompt; do
        printf '%s\n' "$prompt" >> "$here/prompts"; count=$((count + 1))
        begin; text "answer $count"; block "answer $count"; success "answer $count"
    done"#;

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn one_process_takes_one_prompt_after_another() {
    let fake = Fake::new(COUNTS);
    let mut process = fake.process().await;
    assert_eq!(process.account().plan.as_deref(), Some("Claude Max"));
    for count in 1..=3 {
        assert!(process.is_usable());
        let (events, turn) = ask(&mut process).await;
        assert!(turn.failure.is_none(), "{:?}", turn.failure);
        assert_eq!(shown(&events), format!("answer {count}"));
        assert_eq!(turn.request_id.as_deref(), Some("req_1"));
    }
    process.end().await;
    assert_eq!(lines(&fake.text("prompts")).len(), 3);
}

#[tokio::test]
async fn the_system_prompt_goes_into_the_request_and_none_is_an_empty_one() {
    for (system, expected) in [(Some("Be \"terse\".\n"), "Be \"terse\".\n"), (None, "")] {
        let fake = Fake::new(COUNTS);
        let spawned = fake.start().await.spawn().unwrap();
        let process = spawned.initialize(system).await.unwrap();
        process.end().await;
        let asked = &lines(&fake.text("asked"))[0];
        assert_eq!(asked["request"]["subtype"], "initialize");
        assert_eq!(asked["request"]["systemPrompt"], expected);
    }
}

#[tokio::test]
async fn prompts_arrive_byte_for_byte_and_are_never_commands() {
    let long = "0123456789\n".repeat(10_000);
    let prompts = [
        "plain",
        "two\nlines with \"quotes\", $(touch x), `y`, \\ and \u{0} and 世界 \u{2028}",
        &long,
        "/login",
        " /login",
    ];
    let fake = Fake::new(COUNTS);
    let mut process = fake.process().await;
    let (sink, mut events) = mpsc::channel(1000);
    for text in prompts {
        let images = [Image {
            media_type: "image/png",
            base64: "AAAA",
        }];
        let prompt = Prompt {
            text,
            images: if text == "plain" { &images } else { &[] },
        };
        let turn = process
            .turn(&prompt, &sink, &CancellationToken::new())
            .await;
        assert!(turn.failure.is_none(), "{:?}", turn.failure);
        while events.try_recv().is_ok() {}
    }
    process.end().await;
    let given = lines(&fake.text("prompts"));
    for (given, text) in given.iter().zip(prompts) {
        let content = &given["message"]["content"];
        let expected = if text == "/login" { "\n/login" } else { text };
        assert_eq!(content[0]["text"], expected);
        let images = content.as_array().unwrap().len() - 1;
        assert_eq!(images, usize::from(text == "plain"));
    }
    assert_eq!(given[0]["message"]["content"][1]["source"]["data"], "AAAA");
    assert_eq!(given.len(), prompts.len());
}

#[tokio::test]
async fn after_a_turn_that_failed_or_was_dropped_no_prompt_is_taken() {
    let fake = Fake::new(
        r#"ready; echo "$prompt" >> "$here/prompts"
        echo '{"type":"result","is_error":true,"result":"no"}'
        read -r prompt && echo "$prompt" >> "$here/prompts"; cat > /dev/null"#,
    );
    let mut process = fake.process().await;
    let (_, turn) = ask(&mut process).await;
    assert_eq!(kind(&turn), Some(Kind::Unknown));
    let (_, turn) = ask(&mut process).await;
    assert_eq!(kind(&turn), Some(Kind::Died));
    assert!(!turn.failure.unwrap().may_have_run);
    process.end().await;
    assert_eq!(fake.text("prompts").lines().count(), 1);

    let fake = Fake::new("ready; begin; text Hal; stay");
    let mut process = fake.process().await;
    let (sink, mut events) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let prompt = Prompt::default();
    tokio::select! {
        _ = process.turn(&prompt, &sink, &cancel) => panic!("it never ends"),
        event = events.recv() => assert!(event.is_some()),
    }
    assert!(!process.is_usable());
}

#[tokio::test]
async fn extra_usage_is_told_in_time_to_stop() {
    let fake = Fake::new(
        r#"ready; begin
        echo '{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","isUsingOverage":true}}'
        text Hal; cat > /dev/null"#,
    );
    let mut process = fake.process().await;
    let (sink, mut events) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let stop = async {
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Limits(limits) if limits.is_extra) {
                cancel.cancel();
            }
        }
    };
    let prompt = Prompt::default();
    let run = async {
        let sink = sink;
        process.turn(&prompt, &sink, &cancel).await
    };
    let (turn, ()) = tokio::join!(run, stop);
    assert_eq!(kind(&turn), Some(Kind::Cancelled));
    assert!(turn.limits.unwrap().is_extra);
    process.end().await;
}
