use super::*;
use crate::usage::{Tokens, Used};

fn text(data: &[u8]) -> Cow<'_, str> {
    match read(b"content_block_delta", data).unwrap() {
        Event::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

fn used(reports: &[&str]) -> Used {
    let mut used = Used::default();
    for report in reports {
        used.take(serde_json::from_str(report).unwrap());
    }
    used
}

#[test]
fn text_without_escapes_is_borrowed_and_not_copied() {
    let plain = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"plain 世界"}}"#;
    assert!(matches!(
        text(plain.as_bytes()),
        Cow::Borrowed("plain 世界")
    ));
    let escaped = r#"{"delta":{"type":"text_delta","text":"a\n\u00fc"}}"#;
    assert_eq!(text(escaped.as_bytes()), "a\nü");
}

#[test]
fn what_is_unknown_missing_or_null_is_let_through() {
    for (name, data) in [
        ("ping", "not json"),
        ("newer_event", "[1,2"),
        ("content_block_stop", "{}"),
        (
            "content_block_start",
            r#"{"content_block":{"type":"text","text":""}}"#,
        ),
        ("content_block_start", r#"{"content_block":null}"#),
        (
            "content_block_delta",
            r#"{"delta":{"type":"signature_delta","signature":"x"}}"#,
        ),
        (
            "content_block_delta",
            r#"{"delta":{"text":null,"thinking":null}}"#,
        ),
        ("", "hello"),
        ("", r#"{"type":"newer"}"#),
    ] {
        let event = read(name.as_bytes(), data.as_bytes()).unwrap();
        assert!(matches!(event, Event::Other), "{name} {data}: {event:?}");
    }
    let unnamed = br#"{"type":"message_stop"}"#;
    assert!(matches!(read(b"", unnamed).unwrap(), Event::Stop));
    assert!(read(b"message_delta", b"{").is_err());
    assert!(read(b"content_block_delta", b"{\"delta\":{\"text\":\"\xFF\"}}").is_err());
}

#[test]
fn the_last_report_counts_and_keeps_what_it_leaves_out() {
    let used = used(&[
        r#"{"input_tokens":25,"output_tokens":1,"cache_creation_input_tokens":100,
            "cache_read_input_tokens":50,"service_tier":"standard","inference_geo":"us",
            "cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":40}}"#,
        r#"{"output_tokens":7}"#,
        r#"{"input_tokens":null,"output_tokens":15,"cache_creation_input_tokens":100,
            "output_tokens_details":{"thinking_tokens":5},
            "server_tool_use":{"web_search_requests":2},"speed":null}"#,
    ]);
    let expected = Tokens {
        input: 25,
        output: 15,
        cache_write_5m: 60,
        cache_write_1h: 40,
        cache_read: 50,
        thinking: 5,
        web_searches: 2,
    };
    assert_eq!(used.tokens, expected);
    assert_eq!(used.inference_geo.as_deref(), Some("us"));
    assert!(used.is_reported);
}

#[test]
fn cache_writes_without_a_split_count_at_the_five_minute_rate() {
    let tokens = used(&[r#"{"input_tokens":1,"cache_creation_input_tokens":100}"#]).tokens;
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (100, 0));
    let tokens = used(&[
        r#"{"cache_creation":{"ephemeral_1h_input_tokens":40},"cache_creation_input_tokens":40}"#,
        r#"{"cache_creation_input_tokens":30}"#,
    ])
    .tokens;
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (0, 30));
}
