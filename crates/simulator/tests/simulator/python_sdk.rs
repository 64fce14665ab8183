//! The official Python SDK against the simulator: the judge of whether the wire is right.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use switchyard_simulator::{KeyState, KnownError, Match, Reply, Script, Simulator, Usage};

use crate::support::new_key;

/// Returns the interpreter that has the SDK: the one named by `SWITCHYARD_PYTHON_SDK`, else the
/// project's private one.
fn interpreter() -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("SWITCHYARD_PYTHON_SDK").map(PathBuf::from);
    let python = named.unwrap_or_else(|| workspace.join(".tools/python/bin/python"));
    assert!(
        python.exists(),
        "The Python SDK is not installed at {}: run `./dev test`, which installs it.",
        python.display()
    );
    python
}

/// Runs one scenario of `python_sdk.py`, which may be told what to expect. The key goes over
/// standard input.
fn run(scenario: &str, simulator: &Simulator, key: &str, expected: &Value) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the SDK's interpreter is a test's own child"
    )]
    let mut python = Command::new(interpreter());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/simulator/python_sdk.py");
    let mut child = python
        .arg(script)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = json!({
        "scenario": scenario, "base_url": simulator.base_url(), "key": key, "expected": expected,
    });
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "ok",
        "{scenario}"
    );
}

fn start(script: Script) -> (Simulator, String) {
    let key = new_key();
    (
        Simulator::start_blocking(script.key(&key, KeyState::Valid)),
        key,
    )
}

#[test]
fn the_python_sdk_creates_streams_counts_and_lists() {
    let usage = Usage {
        cache_write_5m: 60,
        cache_write_1h: 40,
        cache_read: 50,
        thinking: 4,
        ..Usage::new(25, 15)
    };
    let reply = Reply::text("Hello from the simulator")
        .thinking("Let me think")
        .usage(usage);
    let (simulator, key) = start(Script::new().otherwise(reply));
    run("everything", &simulator, &key, &Value::Null);
    let requests = simulator.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.credential() == Some(&key))
    );
}

/// Returns the SDK's class for an error.
fn sdk_class(error: KnownError) -> &'static str {
    match error {
        KnownError::OrganizationOnHold => "OrganizationOnHoldError",
        KnownError::ClaudeCodeTooOld => "ClaudeCodeVersionTooOldError",
        KnownError::ClaudeCodeKeyCreatorNotMember => "ClaudeCodeKeyCreatorNotMemberError",
        KnownError::CmekKeyDisabled => "CMEKKeyDisabledError",
        KnownError::CmekKeyNetworkBlocked => "CMEKKeyNetworkBlockedError",
        KnownError::BadKey
        | KnownError::MissingCredential
        | KnownError::OauthExpired
        | KnownError::OauthRevoked
        | KnownError::OauthUnsupported => "AuthenticationError",
        KnownError::Billing => "PaymentRequiredError",
        KnownError::LinkedBillingUnavailable => "LinkedOrganizationBillingUnavailableError",
        KnownError::LinkedSpendLimit => "LinkedOrganizationSpendLimitReachedError",
        KnownError::Permission | KnownError::RegionBlocked => "PermissionDeniedError",
        KnownError::NotFound | KnownError::RetiredModel => "NotFoundError",
        KnownError::RequestTimeout => "RequestTimeoutError",
        KnownError::Conflict => "ConflictError",
        KnownError::TooLarge | KnownError::TooLargeAtProxy => "ContentTooLargeError",
        KnownError::TooLargeAfterDecoding => "RequestBodyTooLargeAfterDecodingError",
        KnownError::Unprocessable => "UnprocessableEntityError",
        KnownError::RateLimit => "RateLimitError",
        KnownError::RampLimit => "RampLimitExceededError",
        KnownError::TierCap => "EnforcedSpendLimitReachedError",
        KnownError::ContractSpendLimit => "ContractSpendLimitReachedError",
        KnownError::Internal | KnownError::BadGateway => "InternalServerError",
        KnownError::Unavailable => "ServiceUnavailableError",
        KnownError::CmekKeyUnreachable => "CMEKKeyUnreachableError",
        KnownError::CmekContextUnavailable => "CMEKContextUnavailableError",
        KnownError::UpstreamTimeout => "GatewayTimeoutError",
        KnownError::Overloaded => "OverloadedError",
        KnownError::CompactionUnavailable => "CompactionUnavailableError",
        _ => "BadRequestError",
    }
}

#[test]
fn the_python_sdk_raises_the_right_class_for_each_error() {
    let (simulator, key) = start(Script::new());
    let mut expected = Vec::new();
    for error in KnownError::ALL {
        simulator.push(*error);
        expected.push(json!({"class": sdk_class(*error), "code": error.error_code()}));
    }
    run("errors", &simulator, &key, &json!(expected));
    assert_eq!(simulator.requests().len(), KnownError::ALL.len());
}

#[test]
fn the_python_sdk_retries_an_overload_and_then_succeeds() {
    let (simulator, key) = start(Script::new());
    for _ in 0..2 {
        simulator.push(KnownError::Overloaded.reply().header("retry-after-ms", "1"));
    }
    simulator.push(Reply::text("At last"));
    run("retry", &simulator, &key, &Value::Null);
    let counts = simulator.requests();
    let counts: Vec<_> = counts
        .iter()
        .map(|r| r.header("x-stainless-retry-count"))
        .collect();
    assert_eq!(counts, [Some("0"), Some("1"), Some("2")]);
}

#[test]
fn the_python_sdk_raises_an_error_event_that_comes_after_text() {
    let reply = Reply::events(3).error_after(1, "overloaded_error", "Overloaded");
    let (simulator, key) = start(Script::new().when(Match::path("/v1/messages"), reply));
    run("error_event", &simulator, &key, &Value::Null);
}
