//! Every recording of the real CLI (2.1.330), with its verdict.

use super::super::turn::Progress;
use super::super::wire;
use super::{Event, Kind, Turn, kind, shown};
use crate::claude::login::Expected;
use crate::clock::Millis;
use crate::error::Code;
use crate::secret::Sent;
use crate::usage::Tokens;

const HELLO: &str = "Hello from the fake server.";
const SECOND: &str = "Hello from the fake server (non-streaming).";

/// What a recording must come to: its text, or what stands behind its failure with whether the
/// request may have run.
type Verdict = Result<&'static str, (Kind, Code, bool)>;

const LIMIT: Kind = Kind::PlanLimit {
    resets_at: Some(Millis(1_795_317_263_000)),
};

const RECORDINGS: &[(&str, Verdict)] = &[
    (
        "bare-oauth",
        Err((Kind::NotLoggedIn, Code::KeyRefused, false)),
    ),
    ("combo-hard", Ok(HELLO)),
    ("dropmid-key", Ok(SECOND)),
    ("e400-credit", Err((Kind::Credit, Code::Refused, false))),
    (
        "e401-key-noretryhdr",
        Err((Kind::LoginRefused, Code::KeyRefused, false)),
    ),
    (
        "e401-oauth",
        Err((Kind::LoginRefused, Code::KeyRefused, false)),
    ),
    ("e404-model", Err((Kind::NoModel, Code::Refused, false))),
    ("e429-sub", Err((LIMIT, Code::Busy, false))),
    ("e529once", Ok(HELLO)),
    ("errmid-key", Ok(SECOND)),
    ("flag-maxturns", Ok(HELLO)),
    // Its exit code was 0.
    ("hang-sigint", Err((Kind::Aborted, Code::Failed, true))),
    ("hard-full", Ok(HELLO)),
    ("in-stream-json", Ok(HELLO)),
    ("ok-key", Ok(HELLO)),
    ("ok-key-and-oauth", Ok(HELLO)),
    ("ok-oauth", Ok(HELLO)),
];

fn recording(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/claude/transcripts");
    std::fs::read_to_string(format!("{folder}/{name}.jsonl")).unwrap()
}

/// Plays a recording and returns each of its turns. Some were made with an API key, which is then expected.
fn played(text: &str) -> Vec<(Vec<Event>, Turn)> {
    let mut turns = Vec::new();
    let expected = match text.contains(r#""apiKeySource":"ANTHROPIC_API_KEY""#) {
        true => Expected::Key,
        false => Expected::OwnLogin,
    };
    let mut progress = Progress::new(expected.clone(), Sent::default());
    let mut events = Vec::new();
    for line in text.lines() {
        let line = wire::read(line.as_bytes()).unwrap();
        if progress.take(line, &mut events) {
            let (turn, rest) = progress.finish();
            events.extend(rest);
            turns.push((std::mem::take(&mut events), turn));
            progress = Progress::new(expected.clone(), Sent::default());
        }
    }
    turns
}

fn only(name: &str) -> (Vec<Event>, Turn) {
    played(&recording(name)).swap_remove(0)
}

#[test]
fn every_recording_comes_to_its_verdict() {
    for (name, verdict) in RECORDINGS {
        let turns = played(&recording(name));
        assert_eq!(turns.len(), if *name == "in-stream-json" { 2 } else { 1 });
        for (events, turn) in turns {
            match verdict {
                Ok(text) => {
                    assert!(turn.failure.is_none(), "{name}: {:?}", turn.failure);
                    assert_eq!(shown(&events), *text, "{name}");
                    assert_eq!(turn.model.as_deref(), Some("claude-sonnet-5-5"), "{name}");
                    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"), "{name}");
                    assert!(turn.request_id.is_some() && turn.first_token.is_some());
                    assert!(turn.used.is_final, "{name}");
                }
                Err((expected, code, may_have_run)) => {
                    assert_eq!(kind(&turn), Some(*expected), "{name}");
                    let failed = turn.failure.unwrap();
                    assert_eq!(failed.error.code(), *code, "{name}");
                    assert_eq!(failed.may_have_run, *may_have_run, "{name}");
                    assert!(failed.error.advice().is_some(), "{name}");
                    assert_eq!(shown(&events), "", "{name}");
                }
            }
        }
    }
}

#[test]
fn every_recording_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/claude/transcripts");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let listed = RECORDINGS.iter().map(|(name, _)| format!("{name}.jsonl"));
    let mut listed: Vec<_> = listed.collect();
    names.sort();
    listed.sort();
    assert_eq!(names, listed);
}

#[test]
fn a_recording_that_is_cut_anywhere_is_never_a_success() {
    let whole = recording("hard-full");
    let lines: Vec<_> = whole.lines().collect();
    for count in 0..lines.len() {
        let part = lines[..count].join("\n");
        assert!(played(&part).is_empty(), "{count} lines");
    }
    // Nor is a result that does not say that it is no error.
    let doubtful = whole.replace("\"is_error\":false,", "");
    assert_eq!(kind(&played(&doubtful)[0].1), Some(Kind::Unknown));
}

#[test]
fn tokens_are_those_of_the_answer_and_of_each_attempt() {
    let (_, turn) = only("hard-full");
    let tokens = Tokens {
        input: 25,
        output: 15,
        cache_write_5m: 60,
        cache_write_1h: 40,
        cache_read: 50,
        ..Tokens::default()
    };
    assert_eq!(turn.used.tokens, tokens);
    assert_eq!(turn.by_model, [("claude-sonnet-5-5".to_owned(), tokens)]);
    // A stream that broke twice, then an answer in one piece.
    let (_, turn) = only("dropmid-key");
    let all = turn.by_model[0].1;
    assert_eq!((all.input, all.output, all.cache_write_1h), (75, 21, 80));
    // The second turn of a process counts its own tokens, although the CLI adds them up.
    let turns = played(&recording("in-stream-json"));
    assert_eq!(turns[1].1.by_model[0].1, tokens);
}

#[test]
fn what_was_shown_is_taken_back_when_an_attempt_breaks() {
    let (events, _) = only("dropmid-key");
    let texts: Vec<_> = events
        .iter()
        .filter(|event| {
            matches!(
                event,
                Event::Text(_) | Event::Replaced(_) | Event::Waiting { .. }
            )
        })
        .cloned()
        .collect();
    let text = |text: &str| Event::Text(text.to_owned());
    assert_eq!(
        texts,
        [
            text("Hello"),
            text(" from"),
            Event::Replaced(String::new()),
            Event::Waiting {
                attempt: 2,
                delay: std::time::Duration::from_millis(566),
                why: "the connection broke",
            },
            text("Hello"),
            text(" from"),
            Event::Replaced(SECOND.to_owned()),
        ]
    );
}

#[test]
fn the_limits_of_a_plan_are_told_with_their_windows() {
    let (events, turn) = only("ok-oauth");
    let limits = turn.limits.unwrap();
    assert!(events.contains(&Event::Limits(limits.clone())));
    let windows: Vec<_> = limits.windows.iter().map(|w| (&*w.kind, w.used)).collect();
    assert_eq!(
        windows,
        [("five_hour", Some(0.91)), ("seven_day", Some(0.42))]
    );
    let (_, turn) = only("e429-sub");
    let failed = turn.failure.unwrap();
    assert!(failed.error.message().contains("resets 3:14am (UTC)"));
}
