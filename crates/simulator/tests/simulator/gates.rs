//! What the simulator refuses by itself, as the API does.

use serde_json::{Value, json};
use switchyard_simulator::{KeyState, MAX_REQUEST_BYTES, Reply, Script, Simulator};

use crate::support::{Call, answering, new_key, prompt};

fn refusal(call: Call, simulator: &Simulator) -> (u16, String, String) {
    let received = call.send(simulator);
    let body = received.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        received.status,
        text(&body["error"]["type"]),
        text(&body["error"]["message"]),
    )
}

#[test]
fn a_call_without_a_known_credential_is_refused() {
    let (simulator, key) = answering(Reply::echo());
    let call = || Call::new("POST", "/v1/messages").header("anthropic-version", "2023-06-01");
    let missing = refusal(call().json(&prompt(true)), &simulator);
    assert_eq!(
        (missing.0, missing.1.as_str()),
        (401, "authentication_error")
    );
    let unknown = refusal(
        call().header("x-api-key", &new_key()).json(&prompt(true)),
        &simulator,
    );
    assert_eq!((unknown.0, unknown.2.as_str()), (401, "invalid x-api-key"));
    let bearer = call()
        .header("authorization", &format!("Bearer {key}"))
        .json(&prompt(true));
    assert_eq!(bearer.send(&simulator).status, 200);
}

#[test]
fn an_oauth_token_needs_its_beta_and_gets_the_headers_of_a_subscription() {
    let token = format!("sk-ant-oat01-{}", new_key());
    let simulator = Simulator::start_blocking(Script::new().key(&token, KeyState::Valid));
    let call = || {
        let bearer = format!("Bearer {token}");
        let call = Call::new("POST", "/v1/messages").header("anthropic-version", "2023-06-01");
        call.header("authorization", &bearer).json(&prompt(true))
    };
    let (status, _, message) = refusal(call(), &simulator);
    assert_eq!(status, 401);
    assert!(message.starts_with("OAuth authentication is currently not supported"));
    let received = call()
        .header("anthropic-beta", "one, oauth-2025-04-20")
        .send(&simulator);
    assert_eq!(
        received.header("anthropic-ratelimit-unified-status"),
        Some("allowed_warning")
    );
    assert_eq!(received.header("anthropic-ratelimit-requests-limit"), None);
}

#[test]
fn each_state_of_a_key_has_its_status_on_each_path() {
    let (simulator, key) = answering(Reply::echo());
    let counting =
        json!({"model": "claude-haiku-5-5", "messages": [{"role": "user", "content": "hi"}]});
    for (state, messages, count, models) in [
        (KeyState::Valid, 200, 200, 200),
        (KeyState::Refused, 401, 401, 401),
        (KeyState::NoCredit, 400, 400, 200),
        (KeyState::OrganizationDisabled, 400, 400, 400),
        (KeyState::OwnSpendLimit, 400, 200, 200),
        (KeyState::Forbidden, 403, 403, 403),
        (KeyState::RegionBlocked, 403, 403, 403),
        (KeyState::Billing, 402, 200, 200),
        (KeyState::RateLimited { retry_after: 7 }, 429, 429, 429),
        (KeyState::TierCap, 429, 200, 200),
    ] {
        simulator.set_key(&key, state);
        let statuses = [
            Call::messages(&key, false),
            Call::new("POST", "/v1/messages/count_tokens")
                .good(&key)
                .json(&counting),
            Call::new("GET", "/v1/models").good(&key),
        ]
        .map(|call| call.send(&simulator).status);
        assert_eq!(statuses, [messages, count, models], "{state:?}");
    }
}

#[test]
fn a_rate_limited_key_is_told_how_long_to_wait() {
    let (simulator, key) = answering(Reply::echo());
    simulator.set_key(&key, KeyState::RateLimited { retry_after: 7 });
    let received = Call::messages(&key, true).send(&simulator);
    assert_eq!(received.header("retry-after"), Some("7"));
    assert_eq!(
        received.header("anthropic-ratelimit-requests-remaining"),
        Some("0")
    );
    simulator.set_key(&key, KeyState::TierCap);
    assert_eq!(
        Call::messages(&key, true)
            .send(&simulator)
            .header("retry-after"),
        None
    );
}

#[test]
fn the_version_header_is_required_and_must_be_known() {
    let (simulator, key) = answering(Reply::echo());
    let call = || {
        Call::new("POST", "/v1/messages")
            .header("x-api-key", &key)
            .json(&prompt(true))
    };
    assert_eq!(
        refusal(call(), &simulator).2,
        "anthropic-version: header is required"
    );
    assert_eq!(
        refusal(call().header("anthropic-version", "1999-01-01"), &simulator).0,
        400
    );
    assert_eq!(
        call()
            .header("anthropic-version", "2026-10-21")
            .send(&simulator)
            .status,
        200
    );
}

#[test]
fn a_body_is_refused_in_the_words_of_the_api() {
    let (simulator, key) = answering(Reply::echo());
    let without = |name: &str| {
        let mut body = prompt(true);
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let with = |name: &str, value: Value| {
        let mut body = prompt(true);
        body[name] = value;
        body
    };
    let user = |content: Value| with("messages", json!([{"role": "user", "content": content}]));
    for (body, status, start) in [
        (without("model"), 400, "model: Field required"),
        (without("max_tokens"), 400, "max_tokens: Field required"),
        (without("messages"), 400, "messages: Field required"),
        (
            with("messages", json!([])),
            400,
            "messages: at least one message is required",
        ),
        (
            with("messages", json!([{"role": "bot"}])),
            400,
            "messages.0.role: ",
        ),
        (
            user(json!("")),
            400,
            "messages.0: all messages must have non-empty content",
        ),
        (
            with("max_tokens", json!(-1)),
            400,
            "max_tokens: Input should be",
        ),
        (
            with("max_tokens", json!(128_001)),
            400,
            "max_tokens: 128001 > 128000",
        ),
        (
            with("mood", json!("good")),
            400,
            "mood: Extra inputs are not permitted",
        ),
        (
            with("model", json!("claude-none")),
            404,
            "model: claude-none",
        ),
        (
            with("model", json!("claude-3-opus-20240229")),
            404,
            "model: claude-3-opus-20240229",
        ),
        (json!([1]), 400, "The request body is not a JSON object"),
    ] {
        let call = Call::new("POST", "/v1/messages").good(&key).json(&body);
        let (found, _, message) = refusal(call, &simulator);
        assert_eq!(found, status, "{message}");
        assert!(message.starts_with(start), "{message}");
    }
    let broken = Call::new("POST", "/v1/messages")
        .good(&key)
        .bytes("{\"model\":");
    assert!(
        refusal(broken, &simulator)
            .2
            .starts_with("The request body is not valid JSON")
    );
}

#[test]
fn sampling_is_refused_by_the_newer_version_only() {
    let (simulator, key) = answering(Reply::echo());
    for name in ["temperature", "top_p", "top_k"] {
        let mut body = prompt(false);
        body[name] = json!(1);
        let status = |version: &str| {
            let call = Call::new("POST", "/v1/messages").header("anthropic-version", version);
            call.header("x-api-key", &key)
                .json(&body)
                .send(&simulator)
                .status
        };
        assert_eq!(
            [status("2023-06-01"), status("2026-10-21")],
            [200, 400],
            "{name}"
        );
    }
}

#[test]
fn a_body_over_the_limit_is_refused_and_not_kept() {
    let (simulator, key) = answering(Reply::echo());
    let call = |size| {
        Call::new("POST", "/v1/messages")
            .good(&key)
            .bytes(vec![b' '; size])
    };
    let (status, kind, _) = refusal(call(MAX_REQUEST_BYTES + 1), &simulator);
    assert_eq!((status, kind.as_str()), (413, "request_too_large"));
    assert!(simulator.requests()[0].body.is_empty());
    assert_eq!(refusal(call(MAX_REQUEST_BYTES), &simulator).0, 400);
}

#[test]
fn refused_calls_leave_the_queue_alone() {
    let (simulator, key) = answering(Reply::text("standing"));
    simulator.push(Reply::text("queued"));
    assert_eq!(
        Call::messages(&new_key(), true).send(&simulator).status,
        401
    );
    assert_eq!(
        Call::messages(&key, true).send(&simulator).spoken(),
        "queued"
    );
    assert_eq!(
        Call::messages(&key, true).send(&simulator).spoken(),
        "standing"
    );
}

#[test]
fn other_paths_and_methods_do_not_exist() {
    let (simulator, key) = answering(Reply::echo());
    for (method, path, status) in [
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/complete", 404),
        ("GET", "/v1/modelsandmore", 404),
    ] {
        let call = Call::new(method, path).good(&key);
        assert_eq!(call.send(&simulator).status, status, "{method} {path}");
    }
}
