//! What a `claude` can do wrong, and what is made of it.

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::*;
use crate::error::{Code, Error};

/// Too short for anything to happen in it.
const IMPATIENT: Patience = Patience {
    start_up: Duration::from_millis(300),
    answer: Duration::from_millis(300),
    silence: Duration::from_millis(300),
    grace: Duration::from_millis(300),
};

async fn refused(script: &str, patience: Patience) -> (Error, Fake) {
    let fake = Fake::new(script);
    match fake.initialized(patience).await {
        Ok(_) => panic!("{script} passed"),
        Err(error) => (error, fake),
    }
}

#[tokio::test]
async fn each_wrong_answer_to_who_pays_is_an_error_of_its_own() {
    let rows = [
        (
            "up; exit 0",
            "ended with exit code 0 before it said who pays",
        ),
        (
            "echo 'error: unknown option --safe-mode' >&2; exit 1",
            "unknown option --safe-mode",
        ),
        ("kill -9 $$", "was ended by a signal"),
        (
            "up; read -r request; echo 'Hello there'; stay",
            "can't be understood",
        ),
        (
            "up; read -r request; answer null; stay",
            "did not name who pays",
        ),
        (
            "up; read -r request; answer '{}'; stay",
            "an account that it does not name",
        ),
        (
            "both=$(answer \"$login\"; answer \"$login\"); up; read -r request; echo \"$both\"; stay",
            "twice",
        ),
        (
            r#"up; read -r request; echo '{"type":"control_response","response":{"subtype":"error","request_id":"initialize","error":"not now"}}'; stay"#,
            "refused to say who pays: not now",
        ),
        (
            "up; read -r request; answer \"$login\"; read -r request; answer \"$login\"; stay",
            "twice",
        ),
        (
            "up; read -r request; answer \"$login\"; settings null; stay",
            "did not say which settings hold",
        ),
        (
            r#"up; read -r request; answer "$login"; settings '{"env":{"ANTHROPIC_CUSTOM_HEADERS":"x-api-key: k"}}'; stay"#,
            "Managed settings set ANTHROPIC_CUSTOM_HEADERS",
        ),
        (
            "up; read -r request; head -c 10000000 /dev/zero | tr '\\0' x; stay",
            "no end",
        ),
        // Its child holds the pipe, and is not waited for.
        ("sleep 600 & exit 3", "exit code 3"),
    ];
    for (script, words) in rows {
        let (error, _) = refused(script, PATIENT).await;
        assert!(error.message().contains(words), "{script}: {error}");
        assert!(
            error.message().to_lowercase().contains("nothing was sent"),
            "{error}"
        );
        assert!(error.advice().is_some(), "{script}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let patience = Patience {
        answer: IMPATIENT.answer,
        ..PATIENT
    };
    let (error, _) = refused("up; stay", patience).await;
    assert_eq!(error.code(), Code::Timeout);
    assert!(
        error
            .message()
            .contains("did not say who pays within 0.3 s"),
        "{error}"
    );
    let patience = Patience {
        start_up: IMPATIENT.start_up,
        ..PATIENT
    };
    let (error, _) = refused("stay", patience).await;
    assert_eq!(error.code(), Code::Timeout);
    assert!(
        error.message().contains("did not start within 0.3 s"),
        "{error}"
    );
}

#[tokio::test]
async fn another_account_ends_it_before_the_prompt_is_written() {
    let script = r#"login='{"apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}'
        up; read -r request; answer "$login"; read -r prompt && echo "$prompt" > "$here/prompt""#;
    let (error, fake) = refused(script, PATIENT).await;
    let message = error.message();
    assert!(
        message.contains("would have billed an API key (ANTHROPIC_API_KEY)"),
        "{error}"
    );
    assert!(message.contains("not its own login with a plan"), "{error}");
    assert_eq!(fake.text("prompt"), "");
}

#[tokio::test]
async fn each_end_without_a_result_is_a_failure_that_keeps_what_came() {
    let rows = [
        ("ready; exit 0", Kind::Died, "exit code 0", ""),
        (
            "ready; begin; text Hal; exit 0",
            Kind::Died,
            "exit code 0",
            "Hal",
        ),
        (
            "ready; begin; text Hal; printf '{\"type\":\"res'; echo 'out of memory' >&2; exit 1",
            Kind::Died,
            "exit code 1 (it wrote: out of memory) in the middle of a line",
            "Hal",
        ),
        (
            "ready; begin; text Hal; kill -9 $$",
            Kind::Died,
            "by a signal",
            "Hal",
        ),
        (
            "ready; begin; text Hal; sleep 600 & exit 0",
            Kind::Died,
            "exit code 0",
            "Hal",
        ),
        (
            "ready; begin; text Hal; head -c 10000000 /dev/zero | tr '\\0' x; stay",
            Kind::TooLongLine,
            "more than 8 MB",
            "Hal",
        ),
        (
            "ready; text Hal; while :; do echo garbage; done",
            Kind::Garbled,
            "understood",
            "Hal",
        ),
        (
            "ready; text Hal; answer \"$login\"; stay",
            Kind::Garbled,
            "who pays",
            "Hal",
        ),
    ];
    for (script, expected, words, text) in rows {
        let fake = Fake::new(script);
        let mut process = fake.process().await;
        let (events, turn) = ask(&mut process).await;
        assert_eq!(kind(&turn), Some(expected), "{script}");
        assert_eq!(shown(&events), text, "{script}");
        let failed = turn.failure.unwrap();
        assert!(failed.may_have_run, "{script}");
        assert!(
            failed.error.message().contains(words),
            "{script}: {}",
            failed.error
        );
        assert!(!process.is_usable(), "{script}");
    }
}

#[tokio::test]
async fn a_turn_that_falls_silent_is_ended() {
    let fake = Fake::new("ready; begin; text Hal; stay");
    let patience = Patience {
        silence: Duration::from_secs(3),
        ..PATIENT
    };
    let mut process = fake.initialized(patience).await.unwrap();
    let (events, turn) = ask(&mut process).await;
    assert_eq!(
        (kind(&turn), &*shown(&events)),
        (Some(Kind::TimedOut), "Hal")
    );
    assert!(turn.failure.unwrap().may_have_run);
}

#[tokio::test]
async fn a_few_lines_of_noise_and_what_is_unknown_change_nothing() {
    let fake = Fake::new(
        r#"ready; echo 'Debugger attached.'; echo '{"type":"moon","phase":3}'; echo '{"type":7}'
        echo '{"type":"system","subtype":"new_thing"}'; begin; text Hello
        echo '{"type":"stream_event","event":{"type":"new_event"}}'; echo '[1]'
        block Hello; success Hello; cat > /dev/null"#,
    );
    let mut process = fake.process().await;
    let (events, turn) = ask(&mut process).await;
    assert!(turn.failure.is_none(), "{:?}", turn.failure);
    assert_eq!(shown(&events), "Hello");
    assert!(process.is_usable());
}

#[tokio::test]
async fn a_limit_that_is_reached_in_mid_stream_keeps_the_text_and_says_when_it_resets() {
    let fake = Fake::new(
        r#"ready; begin; text 'Half an'
        echo '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795317263,"rateLimitType":"five_hour","isUsingOverage":false}}'
        echo '{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"limit"}]},"error":"rate_limit","api_error":"usage_limit_reached","api_error_status":429}'
        echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You have hit your 5-hour limit"}'
        cat > /dev/null"#,
    );
    let mut process = fake.process().await;
    let (events, turn) = ask(&mut process).await;
    assert_eq!(shown(&events), "Half an");
    let resets_at = Some(crate::clock::Millis(1_795_317_263_000));
    assert_eq!(kind(&turn), Some(Kind::PlanLimit { resets_at }));
    let failed = turn.failure.unwrap();
    assert!(failed.may_have_run && failed.error.code() == Code::Busy);
    assert!(
        failed.error.message().contains("5-hour limit"),
        "{}",
        failed.error
    );
}

#[tokio::test]
async fn a_success_that_no_model_gave_is_none() {
    let fake = Fake::new(
        r#"ready; echo '{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"/login is not available"}]}}'
        success '/login is not available'; cat > /dev/null"#,
    );
    let (_, turn) = ask(&mut fake.process().await).await;
    assert_eq!(kind(&turn), Some(Kind::Unasked));
    assert!(!turn.failure.unwrap().may_have_run);
}

#[tokio::test]
async fn an_echoed_token_is_in_no_event_and_no_error() {
    let token = format!("sk-ant-oat01-{}", uuid::Uuid::now_v7().simple());
    let (first, second) = token.split_at(20);
    let fake = Fake::new(&format!(
        r#"ready; begin; text 'it is {first}'; text '{second}, really'; echo 'bad {token}' >&2
        echo '{{"type":"stream_event","event":{{"type":"content_block_delta","delta":{{"type":"thinking_delta","thinking":"{first}"}}}}}}'
        echo '{{"type":"stream_event","event":{{"type":"content_block_delta","delta":{{"type":"thinking_delta","thinking":"{second}"}}}}}}'
        block 'no, {token}'
        echo '{{"type":"result","is_error":true,"result":"token {token} was refused"}}'; exit 1"#
    ));
    let (events, turn) = ask(&mut fake.process().await).await;
    let all = format!("{events:?} {turn:?}");
    assert!(
        all.contains("it is [redacted]") && all.contains(", really"),
        "{all}"
    );
    assert!(all.contains("no, [redacted]") && all.contains("token [redacted] was refused"));
    assert!(
        !all.contains(&token[14..24]) && !all.contains(&second[4..]),
        "{all}"
    );
    let fake = Fake::new(&format!("echo 'bad {token}' >&2; exit 1"));
    let error = fake.initialized(PATIENT).await.err().unwrap();
    assert!(error.message().contains("bad [redacted]"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_replaced_while_it_waits_gets_no_prompt() {
    let fake = Fake::new("ready && echo \"$prompt\" > \"$here/prompt\"");
    let mut spare = fake.start().await.spawn().unwrap();
    let mut process = fake.process().await;
    assert!(spare.is_usable() && process.is_usable());
    let start = fake.start().await;
    let link = fake.path("claude");
    std::fs::copy(FAKE, fake.path("newer")).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(fake.path("newer"), &link).unwrap();
    assert!(!spare.is_usable() && !process.is_usable());
    let (_, turn) = ask(&mut process).await;
    assert_eq!(kind(&turn), Some(Kind::Stale));
    assert!(!turn.failure.unwrap().may_have_run);
    assert!(
        start.spawn().is_err(),
        "the new one has not passed the gate"
    );
    process.end().await;
    assert_eq!(fake.text("prompt"), "");
}

#[tokio::test]
async fn one_that_ended_while_it_waited_gets_no_prompt() {
    let fake = Fake::new(
        "up; read -r request; answer \"$login\"; settings; read -r prompt < \"$here/gate\"",
    );
    let gate = fake.path("gate");
    let made = child_output("mkfifo", &gate).await;
    assert_eq!(made, Some(0));
    let mut process = fake.process().await;
    // Opening the other end lets it go on, and its read ends with nothing.
    tokio::task::spawn_blocking(move || {
        std::fs::OpenOptions::new().write(true).open(gate).unwrap()
    })
    .await
    .unwrap();
    while process.is_usable() {
        tokio::task::yield_now().await;
    }
    let (_, turn) = ask(&mut process).await;
    assert_eq!(kind(&turn), Some(Kind::Died));
    assert!(!turn.failure.unwrap().may_have_run);
}

/// Runs a small program on a path, and returns its exit code.
async fn child_output(program: &str, path: &Path) -> Option<i32> {
    let program = Path::new("/usr/bin").join(program);
    let mut command = crate::child::command(&program, &Environment::scrubbed_own());
    command.arg(path);
    let done = crate::child::output(command, Duration::from_secs(60), 1 << 10).await;
    done.unwrap().code
}

/// A `claude` that ignores the signal to end, with a child that holds a pipe and does so as well.
const STUBBORN: &str = "exec 9> \"$here/held\"; trap '' TERM; ready; begin
    (while :; do sleep 600; done) & text Hal; stay";

/// Runs a turn until its text has come, then cancels it.
async fn cancelled(process: &mut Process) -> Turn {
    let (sink, mut events) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let prompt = Prompt {
        text: "hello",
        images: &[],
    };
    let listen = async {
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Text(_)) {
                cancel.cancel();
            }
        }
    };
    let run = async {
        let sink = sink;
        process.turn(&prompt, &sink, &cancel).await
    };
    tokio::join!(run, listen).0
}

#[tokio::test]
async fn one_that_ignores_the_signal_to_end_is_ended_with_all_that_it_started() {
    for is_dropped in [false, true] {
        let fake = Fake::new(STUBBORN);
        let path = fake.path("held");
        assert_eq!(child_output("mkfifo", &path).await, Some(0));
        let mut held = pipe::OpenOptions::new().open_receiver(path).unwrap();
        let patience = Patience {
            grace: IMPATIENT.grace,
            ..PATIENT
        };
        let mut process = fake.initialized(patience).await.unwrap();
        let turn = cancelled(&mut process).await;
        assert_eq!(kind(&turn), Some(Kind::Cancelled));
        assert!(turn.failure.unwrap().may_have_run);
        assert!(!process.is_usable());
        if is_dropped {
            drop(process);
        } else {
            process.end().await;
        }
        // The kernel closes the pipe with the last process that holds it.
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(60), held.read_to_end(&mut rest));
        closed.await.expect("somebody still holds it").unwrap();
    }
}

#[tokio::test]
async fn with_nobody_listening_a_turn_ends_as_if_cancelled() {
    let fake = Fake::new("ready; begin; text Hal; cat > /dev/null");
    let mut process = fake.process().await;
    let (sink, events) = mpsc::channel(1);
    drop(events);
    let prompt = Prompt {
        text: "hello",
        images: &[],
    };
    let turn = process
        .turn(&prompt, &sink, &CancellationToken::new())
        .await;
    assert_eq!(kind(&turn), Some(Kind::Cancelled));
    process.end().await;
}
