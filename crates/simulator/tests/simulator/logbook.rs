//! The log, and the life of the server.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use switchyard_simulator::{Reply, Script, Simulator};

use crate::support::{Call, GUARD, answering, prompt};

#[test]
fn a_request_is_kept_as_it_came() {
    let (simulator, key) = answering(Reply::echo());
    Call::new("POST", "/v1/messages?beta=true")
        .header("x-first", "1")
        .good(&key)
        .header("x-last", "2")
        .json(&prompt(true))
        .send(&simulator);
    let request = simulator.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/messages")
    );
    assert_eq!(request.query.as_deref(), Some("beta=true"));
    let names: Vec<&str> = request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names[..4],
        ["x-first", "x-api-key", "anthropic-version", "x-last"]
    );
    assert_eq!(request.credential(), Some(key.as_str()));
    assert_eq!(request.json(), prompt(true));
}

#[test]
fn the_log_can_be_shown_without_its_keys() {
    let (simulator, key) = answering(Reply::echo());
    Call::messages(&key, true).send(&simulator);
    let shown = format!("{:?}", simulator.requests());
    assert!(!shown.contains(&key));
    assert!(shown.contains(&key[key.len() - 4..]));
}

#[test]
fn a_cleared_log_starts_again() {
    let (simulator, key) = answering(Reply::echo());
    Call::messages(&key, true).send(&simulator);
    simulator.clear();
    assert!(simulator.requests().is_empty());
    Call::messages(&key, false).send(&simulator);
    assert_eq!(simulator.requests()[0].json()["stream"], json!(false));
}

#[test]
fn a_dropped_simulator_closes_its_port_and_its_connections() {
    let (simulator, key) = answering(Reply::text("Late").held());
    let address = simulator.address();
    let mut socket = Call::messages(&key, true).open(&simulator);
    assert_eq!(simulator.wait_for_requests_blocking(1, GUARD).len(), 1);
    simulator.stop();
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(crate::support::line(&mut socket), "");
}

#[test]
fn only_a_loopback_address_is_bound() {
    let simulator = Simulator::start_blocking(Script::new());
    assert!(simulator.address().ip().is_loopback());
    assert!(Simulator::bind(simulator.address().port(), Script::new()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_test_may_pause_its_clock_and_await_the_log() {
    let simulator = Simulator::start(Script::new().any_key()).await;
    // Kept open: a client that leaves at once may be gone before its request is looked at.
    let mut client = TcpStream::connect(simulator.address()).unwrap();
    client
        .write_all(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(simulator.wait_for_requests(1).await[0].path, "/v1/models");
}
