//! What a stream says, and in which order.

use std::time::Duration;

use serde_json::json;
use switchyard_simulator::{Reply, Usage, UsageShape};

use crate::support::{Call, answering, prompt};

const FULL: Usage = Usage {
    input: 25,
    cache_write_5m: 60,
    cache_write_1h: 40,
    cache_read: 50,
    output: 15,
    thinking: 3,
    web_searches: 0,
    service_tier: None,
    inference_geo: None,
    speed: None,
};

#[test]
fn a_stream_has_the_order_and_the_shapes_of_the_api() {
    let (simulator, key) = answering(Reply::deltas(["Hel", "lo"]).usage(FULL));
    let received = Call::messages(&key, true).send(&simulator);

    assert_eq!(received.status, 200);
    assert_eq!(
        received.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(
        received.order(),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(received.spoken(), "Hello");
    let message = received.event("message_start")["message"].clone();
    assert!(message["id"].as_str().unwrap().starts_with("msg_01"));
    assert_eq!(message["model"], "claude-sonnet-5-5");
    assert_eq!(message["content"], json!([]));
    assert_eq!(
        message["usage"],
        json!({
            "input_tokens": 25, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 50,
            "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
            "output_tokens": 1, "service_tier": "standard", "inference_geo": "global",
            "speed": "standard",
        })
    );
    let end = received.event("message_delta");
    assert_eq!(
        end["delta"],
        json!({"stop_reason": "end_turn", "stop_sequence": null})
    );
    assert_eq!(
        end["usage"],
        json!({
            "input_tokens": 25, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 50,
            "output_tokens": 15, "output_tokens_details": {"thinking_tokens": 3},
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        })
    );
}

#[test]
fn every_event_begins_with_its_type() {
    let (simulator, key) = answering(Reply::text("Hello"));
    let text = Call::messages(&key, true).send(&simulator).text();
    let delta = r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#;
    assert!(text.contains(delta), "{text}");
    assert!(
        text.lines()
            .filter(|line| line.starts_with("data"))
            .all(|line| line.starts_with("data: {\"type\":"))
    );
}

#[test]
fn a_whole_message_has_every_field() {
    let (simulator, key) = answering(Reply::text("Hi!").usage(FULL).thinking("Let me think"));
    let message = Call::messages(&key, false).send(&simulator).json();
    assert_eq!(message["content"][0]["thinking"], "Let me think");
    assert_eq!(
        message["content"][1],
        json!({"type": "text", "text": "Hi!", "citations": null})
    );
    assert_eq!(
        message["usage"]["output_tokens_details"]["thinking_tokens"],
        3
    );
    for null in ["container", "diagnostics", "stop_sequence", "stop_details"] {
        assert!(message.as_object().unwrap()[null].is_null(), "{null}");
    }
}

#[test]
fn thinking_comes_in_deltas_and_ends_with_its_signature() {
    let reply = Reply::text("Yes")
        .thinking("Let me think")
        .redacted_thinking("c2VjcmV0");
    let (simulator, key) = answering(reply.unknown_block());
    let events = Call::messages(&key, true).send(&simulator).events();
    let deltas = events
        .iter()
        .filter_map(|event| event["delta"]["type"].as_str());
    let mut kinds: Vec<&str> = deltas.collect();
    kinds.dedup();
    assert_eq!(kinds, ["thinking_delta", "signature_delta", "text_delta"]);
    let starts = events
        .iter()
        .filter(|event| event["type"] == "content_block_start");
    let blocks: Vec<_> = starts
        .map(|event| {
            (
                event["index"].clone(),
                event["content_block"]["type"].clone(),
            )
        })
        .collect();
    let kinds = ["thinking", "redacted_thinking", "hologram", "text"];
    assert_eq!(
        blocks,
        kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| (json!(index), json!(kind)))
            .collect::<Vec<_>>()
    );
}

#[test]
fn the_built_in_answer_says_that_it_is_simulated() {
    let (simulator, key) = answering(Reply::echo());
    let received = Call::messages(&key, true).send(&simulator);
    assert!(received.spoken().starts_with("Simulated answer to: Hello"));
    assert_eq!(received.header("x-switchyard-simulated"), Some("true"));
    let usage = received.event("message_delta")["usage"].clone();
    assert_eq!(usage["output_tokens"], received.spoken().len().div_ceil(4));
    assert_eq!(usage["input_tokens"], 9);
}

#[test]
fn the_built_in_answer_keeps_to_max_tokens() {
    let (simulator, key) = answering(Reply::echo());
    let mut body = prompt(false);
    body["max_tokens"] = json!(2);
    let message = Call::new("POST", "/v1/messages")
        .good(&key)
        .json(&body)
        .send(&simulator)
        .json();
    assert_eq!(message["content"][0]["text"], "Simulate");
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(message["usage"]["output_tokens"], 2);
}

#[test]
fn a_refusal_carries_its_details_to_the_end_of_the_stream() {
    let (simulator, key) = answering(Reply::text("").refusal(Some("cyber"), None));
    let delta = Call::messages(&key, true)
        .send(&simulator)
        .event("message_delta")["delta"]
        .clone();
    let details = json!({"type": "refusal", "category": "cyber", "explanation": null});
    assert_eq!(
        delta,
        json!({"stop_reason": "refusal", "stop_sequence": null, "stop_details": details})
    );
}

#[test]
fn stop_reasons_may_be_unknown_or_null() {
    for (reply, expected) in [
        (Reply::text("x").stop_reason("tired"), json!("tired")),
        (Reply::text("x").without_stop_reason(), json!(null)),
        (
            Reply::text("x").stop_sequence("END"),
            json!("stop_sequence"),
        ),
    ] {
        let (simulator, key) = answering(reply);
        let delta = Call::messages(&key, true)
            .send(&simulator)
            .event("message_delta");
        assert_eq!(delta["delta"]["stop_reason"], expected);
    }
}

#[test]
fn usage_comes_in_its_older_forms_too() {
    let reply = Reply::text("x").usage(FULL);
    let (simulator, key) = answering(reply.clone().usage_shape(UsageShape::OutputOnly));
    let received = Call::messages(&key, true).send(&simulator);
    assert_eq!(
        received.event("message_delta")["usage"],
        json!({"output_tokens": 15})
    );
    assert_eq!(
        received.event("message_start")["message"]["usage"]["input_tokens"],
        25
    );

    let (simulator, key) = answering(reply.usage_shape(UsageShape::Nulls));
    let usage = Call::messages(&key, true)
        .send(&simulator)
        .event("message_start")["message"]["usage"]
        .clone();
    assert_eq!(usage["input_tokens"], 25);
    assert_eq!(
        usage
            .as_object()
            .unwrap()
            .values()
            .filter(|value| value.is_null())
            .count(),
        6
    );
}

#[test]
fn a_pace_holds_back_each_delta_and_keeps_their_number() {
    let (simulator, key) = answering(Reply::events(5).paced(Duration::from_millis(2)));
    let started = std::time::Instant::now();
    let received = Call::messages(&key, true).send(&simulator);
    assert!(started.elapsed() >= Duration::from_millis(10));
    assert_eq!(received.spoken(), "word1 word2 word3 word4 word5 ");
}

#[test]
fn counting_uses_the_same_figures_as_answering() {
    let (simulator, key) = answering(Reply::echo());
    let body =
        json!({"model": "claude-haiku-5-5", "messages": [{"role": "user", "content": "hi"}]});
    let count = Call::new("POST", "/v1/messages/count_tokens")
        .good(&key)
        .json(&body);
    assert_eq!(count.send(&simulator).json(), json!({"input_tokens": 8}));
}
