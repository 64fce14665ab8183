//! Answers that arrive whole, in whatever form the wire allows.

use switchyard_simulator::UsageShape;

use super::*;

#[tokio::test]
async fn an_answer_streams_and_is_booked_to_the_nano_dollar() {
    let usage = Usage {
        input: 25,
        output: 15,
        cache_write_5m: 60,
        cache_write_1h: 40,
        cache_read: 50,
        ..Usage::default()
    };
    let home =
        Home::new(Script::new().reply(Reply::text("Hello there, friend").usage(usage))).await;
    let done = home.send("Hi").await;
    assert_eq!(done.text(), "Hello there, friend");
    assert!(matches!(
        done.events.first(),
        Some(RunEvent::Started { .. })
    ));
    assert!(matches!(
        done.events.last(),
        Some(RunEvent::Finished { .. })
    ));
    let receipt = &done.outcome.receipt;
    assert_eq!((receipt.state, receipt.attempts), (State::Finished, 1));
    assert_eq!(receipt.payer_label, "Work");
    assert_eq!(receipt.stop_reason.as_deref(), Some("end_turn"));
    assert_eq!(receipt.stop_note, None);
    assert!(
        receipt
            .request_id
            .as_ref()
            .is_some_and(|id| id.starts_with("req_"))
    );
    assert!(receipt.first_token_ms.is_some() && receipt.is_kept);
    let amount = done.amount();
    assert_eq!(amount.basis, Basis::Metered);
    // The price table's own test vector for this model.
    assert_eq!(amount.cost, Some(Nano(515_000)));
    assert_eq!(home.value::<i64>("SELECT cost FROM usage_daily"), 515_000);
    assert_eq!(
        home.value::<String>("SELECT environment FROM key_usage"),
        "test"
    );
    assert_eq!(
        home.value::<i64>("SELECT last_used_at FROM api_keys"),
        NOW.0
    );
    home.assert_settled();
}

#[tokio::test]
async fn an_answer_without_a_final_count_is_booked_as_an_estimate() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n";
    let text = "a sentence that is far longer than one token";
    let piece = format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    );
    let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let uncounted = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
    let home = Home::new(Script::new()).await;
    for stream in [
        format!("{start}{piece}{stop}"),
        format!("{start}{piece}{uncounted}{stop}"),
        format!("{start}{piece}{uncounted}"),
    ] {
        home.simulator
            .push(Reply::raw(200, "text/event-stream", stream));
        let done = home.send("Hi").await;
        assert_eq!(done.outcome.receipt.state, State::Finished);
        let amount = done.amount();
        assert_eq!((amount.basis, amount.tokens.input), (Basis::Estimated, 9));
        assert!(amount.tokens.output >= text.len() as u64 / 4, "{amount:?}");
    }
    home.assert_settled();
}

#[tokio::test]
async fn the_request_is_the_apis_smallest_and_carries_the_key_once() {
    let home = Home::new(Script::new()).await;
    home.send("What is this?").await;
    let requests = home.simulator.requests();
    let request = &requests[0];
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.header("x-api-key"), Some(home.secret.as_str()));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(
        request.json(),
        serde_json::json!({
            "model": "claude-sonnet-5-5", "max_tokens": MAX_TOKENS, "stream": true,
            "messages": [{"role": "user", "content": "What is this?"}],
        })
    );
}

#[tokio::test]
async fn every_legal_form_of_the_stream_gives_the_same_answer() {
    let text = "Grüße, 世界 🔑 \"quoted\" and\nmore";
    let answer = || Reply::text(text);
    let forms = [
        answer().chunks(1),
        answer().crlf().comments(),
        answer().crlf().chunks(3),
        answer().unknown_events().multiline_data(),
        answer().unknown_block(),
        answer().redacted_thinking("opaque"),
        answer().without_message_stop(),
        answer().insert_after(1, "event: ping\ndata: not json\n\n"),
        answer().insert_after(1, ": \u{FEFF}\n\n\n"),
    ];
    let mut script = Script::new();
    let count = forms.len();
    for form in forms {
        script = script.reply(form);
    }
    let home = Home::new(script).await;
    for number in 0..count {
        let done = home.send("Hi").await;
        assert_eq!(done.text(), text, "form {number}");
        assert_eq!(done.amount().basis, Basis::Metered, "form {number}");
    }
    home.assert_settled();
}

#[tokio::test]
async fn older_and_sparser_forms_of_usage_lose_nothing() {
    let usage = Usage {
        input: 25,
        output: 15,
        cache_write_5m: 60,
        cache_write_1h: 40,
        cache_read: 50,
        ..Usage::default()
    };
    let reply = Reply::text("x")
        .usage(usage)
        .usage_shape(UsageShape::OutputOnly);
    let home = Home::new(Script::new().reply(reply)).await;
    let tokens = home.send("Hi").await.amount().tokens;
    assert_eq!(
        (tokens.input, tokens.output, tokens.cache_read),
        (25, 15, 50)
    );
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (60, 40));
    let plain = Reply::text("x")
        .usage(Usage::new(9, 4))
        .usage_shape(UsageShape::Nulls);
    home.simulator.push(plain);
    let tokens = home.send("Hi").await.amount().tokens;
    assert_eq!((tokens.input, tokens.output, tokens.prompt()), (9, 4, 9));
}

#[tokio::test]
async fn thinking_is_told_apart_from_the_answer_and_not_kept_in_it() {
    let home = Home::new(Script::new().reply(Reply::text("42").thinking("six times seven"))).await;
    let done = home.send("?").await;
    let thought: String = done
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Thinking { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        (thought.as_str(), done.text().as_str()),
        ("six times seven", "42")
    );
    let shown = home.dispatch.show(done.outcome.receipt.run).await.unwrap();
    assert_eq!(shown.answer.as_deref(), Some("42"));
}

#[tokio::test]
async fn a_stop_that_is_not_the_end_is_explained() {
    let home = Home::new(Script::new()).await;
    for (reply, part) in [
        (
            Reply::text("x").stop_reason("max_tokens"),
            Some("longest length"),
        ),
        (
            Reply::text("x").refusal(Some("cyber"), Some("Not this.")),
            Some("Not this."),
        ),
        (Reply::text("x").stop_reason("new_reason"), Some("stopped")),
        (Reply::text("x").stop_sequence("END"), None),
    ] {
        home.simulator.push(reply);
        let receipt = home.send("Hi").await.outcome.receipt;
        assert_eq!(receipt.state, State::Finished);
        match (part, &receipt.stop_note) {
            (Some(part), Some(note)) => assert!(note.contains(part), "{note}"),
            (None, None) => {}
            (part, note) => panic!("{part:?} expected, {note:?} said"),
        }
    }
}

#[tokio::test]
async fn ten_runs_at_once_add_up_exactly() {
    let mut script = Script::new();
    for _ in 0..10 {
        script = script.reply(Reply::events(50).usage(Usage::new(1_001, 333)));
    }
    let home = Home::new(script).await;
    let mut underway = Vec::new();
    for _ in 0..10 {
        let prepared = home.prepare(home.ask("Hi")).await;
        underway.push(home.start(prepared));
    }
    for run in underway {
        assert_eq!(run.end().await.outcome.receipt.state, State::Finished);
    }
    // 1,001 at $2 and 333 at $10 for a million, ten times.
    let cost = 10 * (1_001 * 2_000 + 333 * 10_000);
    assert_eq!(
        home.value::<i64>("SELECT sum(cost_estimate) FROM key_usage"),
        cost
    );
    assert_eq!(home.value::<i64>("SELECT sum(cost) FROM usage_daily"), cost);
    assert_eq!(home.value::<i64>("SELECT sum(runs) FROM usage_daily"), 10);
    home.assert_settled();
}

#[tokio::test]
async fn an_answer_without_any_usage_is_booked_as_an_estimate() {
    let stream = "event: content_block_delta\n\
        data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello, you\"}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let reply = Reply::raw(200, "text/event-stream", stream);
    let home = Home::new(Script::new().reply(reply)).await;
    let done = home.send("Hi").await;
    assert_eq!(done.outcome.receipt.state, State::Finished);
    let amount = done.amount();
    assert_eq!(amount.basis, Basis::Estimated);
    assert!(amount.tokens.input > 0 && amount.tokens.output > 0);
}

#[tokio::test]
async fn no_event_and_no_row_holds_the_key() {
    let home = Home::new(Script::new()).await;
    let echo = format!("bad key {}", home.secret);
    home.simulator
        .push(Reply::error(400, "invalid_request_error", &echo));
    home.simulator
        .push(Reply::text("x").error_after(1, "api_error", &echo));
    for _ in 0..2 {
        let done = home.send("Hi").await;
        let told = serde_json::to_string(&done.events).unwrap();
        assert!(!told.contains(&home.secret), "{told}");
        assert!(told.contains("[redacted]"), "{told}");
    }
    home.dispatch.db.checkpoint().await.unwrap();
    for entry in std::fs::read_dir(home.dispatch.db.path().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(home.secret.len())
                .any(|w| w == home.secret.as_bytes());
            assert!(!found, "{} holds the key", path.display());
        }
    }
}

#[tokio::test]
async fn what_a_server_says_of_itself_is_bounded_and_never_the_key() {
    let home = Home::new(Script::new()).await;
    let long = format!("{} {}", home.secret, "x".repeat(100_000));
    let start = serde_json::json!({
        "message": {"model": long, "usage": {"input_tokens": 5, "output_tokens": 1, "service_tier": long}},
    });
    let delta = serde_json::json!({
        "delta": {"stop_reason": long, "stop_details": {"explanation": long}}, "usage": {"output_tokens": 2},
    });
    let stream = format!(
        "event: message_start\ndata: {start}\n\nevent: message_delta\ndata: {delta}\n\nevent: message_stop\ndata: {{}}\n\n"
    );
    let reply = Reply::raw(200, "text/event-stream", stream).header("request-id", &long);
    home.simulator.push(reply);
    let done = home.send("Hi").await;
    let told = serde_json::to_string(&done.events).unwrap();
    assert!(told.len() < 10_000, "{} bytes", told.len());
    assert!(!told.contains(&home.secret));
    assert_eq!(done.outcome.receipt.state, State::Finished);
    assert_eq!(done.amount().cost, None, "an unknown model has no price");
    home.assert_settled();
}
