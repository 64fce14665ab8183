//! What can go wrong on the way, and what still arrives.

use std::io::Read;

use serde_json::json;
use switchyard_simulator::{KnownError, Match, Reply};

use crate::support::{Call, GUARD, Received, answering};

#[test]
fn an_error_event_ends_the_stream_after_the_chosen_delta() {
    let reply = Reply::events(5).error_after(2, "overloaded_error", "Overloaded");
    let (simulator, key) = answering(reply);
    let received = Call::messages(&key, true).send(&simulator);
    assert_eq!(received.spoken(), "word1 word2 ");
    let last = received.events().pop().unwrap();
    assert_eq!(
        last["error"],
        json!({"type": "overloaded_error", "message": "Overloaded"})
    );
    assert_eq!(last["request_id"], received.header("request-id").unwrap());
    assert!(received.complete);
}

#[test]
fn a_cut_after_a_delta_delivers_what_came_before_it() {
    let (simulator, key) = answering(Reply::events(5).cut_after(3));
    let received = Call::messages(&key, true).send(&simulator);
    assert_eq!(received.spoken(), "word1 word2 word3 ");
    assert!(!received.complete);
    assert_eq!(simulator.disconnects(), []);
}

#[test]
fn a_cut_at_a_byte_falls_in_the_middle_of_an_event() {
    let (simulator, key) = answering(Reply::text("Hello"));
    let whole = Call::messages(&key, true).send(&simulator).bytes();
    for cut in [0, 1, 20, whole.len() - 1] {
        simulator.push(Reply::text("Hello").cut_at_byte(cut as u64));
        let received = Call::messages(&key, true).send(&simulator);
        assert_eq!(received.bytes().len(), cut);
        assert!(!received.complete);
    }
}

#[test]
fn chunks_of_one_byte_split_every_character() {
    let (simulator, key) = answering(Reply::text("naïve 日本 🚂").chunks(1));
    let received = Call::messages(&key, true).send(&simulator);
    assert!(received.chunks.iter().all(|chunk| chunk.len() == 1));
    assert_eq!(received.spoken(), "naïve 日本 🚂");
}

#[test]
fn a_stalled_stream_goes_on_when_it_is_released() {
    let (simulator, key) = answering(Reply::events(3).stall_after(1));
    let mut socket = Call::messages(&key, true).open(&simulator);
    let mut early = String::new();
    while !early.contains("word1") {
        early.push_str(&crate::support::line(&mut socket));
    }
    assert!(!early.contains("word2"));
    simulator.release();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("word3"));
}

#[test]
fn a_held_reply_says_nothing_before_it_is_released() {
    let (simulator, key) = answering(Reply::text("Late").held());
    let mut socket = Call::messages(&key, true).open(&simulator);
    assert_eq!(simulator.wait_for_requests_blocking(1, GUARD).len(), 1);
    socket.get_ref().set_nonblocking(true).unwrap();
    let early = socket.read(&mut [0]).unwrap_err();
    assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
    socket.get_ref().set_nonblocking(false).unwrap();
    simulator.release();
    assert_eq!(Received::read(&mut socket).spoken(), "Late");
}

#[test]
fn a_client_that_leaves_in_mid_stream_is_noticed() {
    let (simulator, key) = answering(Reply::events(3).stall_after(1));
    let mut socket = Call::messages(&key, true).open(&simulator);
    while !crate::support::line(&mut socket).contains("word1") {}
    drop(socket);
    let disconnects = simulator.wait_for_disconnects_blocking(1, GUARD);
    assert_eq!(disconnects.len(), 1);
    assert_eq!(disconnects[0].request, 0);
    assert!(disconnects[0].sent_bytes > 0);
}

#[test]
fn a_client_that_leaves_a_held_reply_is_noticed() {
    let (simulator, key) = answering(Reply::text("Late").held());
    let socket = Call::messages(&key, true).open(&simulator);
    assert_eq!(simulator.wait_for_requests_blocking(1, GUARD).len(), 1);
    drop(socket);
    assert_eq!(simulator.wait_for_disconnects_blocking(1, GUARD).len(), 1);
}

#[test]
fn every_legal_way_of_writing_events_says_the_same() {
    let plain = Reply::text("Hello there");
    for reply in [
        plain.clone().crlf(),
        plain.clone().comments(),
        plain.clone().multiline_data(),
        plain.clone().crlf().comments().multiline_data().chunks(7),
    ] {
        let (simulator, key) = answering(reply);
        let received = Call::messages(&key, true).send(&simulator);
        assert_eq!(received.spoken(), "Hello there");
        assert_eq!(received.order().last().unwrap(), "message_stop");
    }
}

#[test]
fn unknown_events_inserted_bytes_and_a_missing_end_are_sent_as_asked() {
    let reply = Reply::text("Hi").unknown_events().without_message_stop();
    let (simulator, key) = answering(reply.insert_after(0, ": here\n\n"));
    let received = Call::messages(&key, true).send(&simulator);
    assert!(received.text().contains(": here\n\n"));
    assert_eq!(
        received
            .order()
            .iter()
            .filter(|kind| *kind == "weather_report")
            .count(),
        6
    );
    assert!(!received.order().contains(&"message_stop".to_owned()));
    assert!(received.complete);
}

#[test]
fn a_line_of_many_megabytes_is_whole_json() {
    const SIZE: u64 = 10_000_001;
    for stream in [true, false] {
        let (simulator, key) = answering(Reply::line(SIZE));
        let received = Call::messages(&key, stream).send(&simulator);
        let text = if stream {
            received.spoken()
        } else {
            received.json()["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(text.len() as u64, SIZE);
    }
}

#[test]
fn a_flood_has_the_size_that_was_asked_for() {
    let (simulator, key) = answering(Reply::flood(3_000_000));
    let received = Call::messages(&key, true).send(&simulator);
    assert_eq!(
        received.spoken().len(),
        3_000_000_usize.next_multiple_of(1024)
    );
    assert!(received.complete);
}

#[test]
fn an_endless_flood_lasts_as_long_as_its_client() {
    let (simulator, key) = answering(Reply::flood(u64::MAX));
    let mut socket = Call::messages(&key, true).open(&simulator);
    let read = std::io::copy(&mut socket.by_ref().take(20_000_000), &mut std::io::sink());
    assert_eq!(read.unwrap(), 20_000_000);
    drop(socket);
    assert_eq!(simulator.wait_for_disconnects_blocking(1, GUARD).len(), 1);
}

#[test]
fn every_known_error_arrives_with_its_own_body_and_headers() {
    let (simulator, key) = answering(Reply::echo());
    for error in KnownError::ALL {
        simulator.push(*error);
        let received = Call::messages(&key, true).send(&simulator);
        assert!(received.status >= 400, "{error:?}");
        if received.header("content-type") != Some("application/json") {
            assert_eq!(received.header("request-id"), None, "{error:?}");
            continue;
        }
        let body = received.json();
        if *error == KnownError::RegionBlocked {
            let error = json!({"type": "forbidden", "message": "Request not allowed"});
            assert_eq!(body, json!({ "error": error }));
            continue;
        }
        assert_eq!(body["type"], "error");
        assert_eq!(body["request_id"], received.header("request-id").unwrap());
        assert_eq!(
            body["error"]["details"]["error_code"].as_str(),
            error.error_code()
        );
        let waits = matches!(error, KnownError::RateLimit | KnownError::RampLimit);
        assert_eq!(received.header("retry-after").is_some(), waits, "{error:?}");
    }
    assert_eq!(simulator.requests().len(), KnownError::ALL.len());
}

#[test]
fn raw_bytes_headers_and_redirects_are_sent_as_given() {
    let (simulator, key) = answering(Reply::echo());
    simulator.push(Reply::raw(200, "text/event-stream", &b"\xff\x00half"[..]).chunks(4));
    simulator.push(Reply::redirect(307, "http://localhost:1/elsewhere"));
    let overloaded = Reply::error(529, "overloaded_error", "Overloaded");
    simulator.push(
        overloaded
            .header("retry-after-ms", "15")
            .header("x-should-retry", "false"),
    );

    let raw = Call::messages(&key, true).send(&simulator);
    assert_eq!(raw.chunks, [b"\xff\x00ha".to_vec(), b"lf".to_vec()]);
    let redirect = Call::messages(&key, true).send(&simulator);
    assert_eq!(redirect.status, 307);
    assert_eq!(
        redirect.header("location"),
        Some("http://localhost:1/elsewhere")
    );
    let overloaded = Call::messages(&key, true).send(&simulator);
    assert_eq!(overloaded.header("retry-after-ms"), Some("15"));
    assert_eq!(overloaded.header("x-should-retry"), Some("false"));
}

#[test]
fn a_rule_answers_what_it_matches_as_often_as_it_says() {
    let (simulator, key) = answering(Reply::text("standing"));
    simulator.when(
        Match::path("/v1/models").key(&key).times(1),
        KnownError::Overloaded,
    );
    simulator.when(
        Match::any().method("POST").model("claude-opus-5-5"),
        Reply::text("ruled"),
    );

    let models = || {
        Call::new("GET", "/v1/models")
            .good(&key)
            .send(&simulator)
            .status
    };
    assert_eq!([models(), models()], [529, 200]);
    let mut body = crate::support::prompt(true);
    assert_eq!(
        Call::messages(&key, true).send(&simulator).spoken(),
        "standing"
    );
    body["model"] = json!("claude-opus-5-5");
    let ruled = Call::new("POST", "/v1/messages")
        .good(&key)
        .json(&body)
        .send(&simulator);
    assert_eq!(ruled.spoken(), "ruled");
}
