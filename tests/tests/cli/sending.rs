//! `send`: who pays, what goes along, what is said where, and how each refusal ends.

use switchyard_simulator::{KeyState, KnownError, Reply, Script, Simulator, Usage};
use switchyard_tests::{Machine, Planted};

use super::{key_and_server, prompts};

#[test]
fn only_the_answer_goes_to_standard_output() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let answer = "First line\n\n  indented — ünïcödé 🔑\nlast";
    server.push(Reply::text(answer).thinking("Hm, let me see."));
    let sent = machine.run(["send", "--thinking", "Say it."]);
    assert_eq!(sent.stdout, format!("{answer}\n"));
    let said = &sent.stderr;
    assert!(said.contains("Hm, let me see.\n"), "{said}");
    assert!(
        said.contains("because Work is the active key · at most $"),
        "{said}"
    );
    assert!(said.contains("run 1"), "{said}");
}

#[test]
fn an_answer_that_ends_its_own_line_gets_no_second_end() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::text("line\n"));
    assert_eq!(machine.run(["send", "Hi."]).stdout, "line\n");
}

#[test]
fn the_prompt_comes_from_the_argument_or_from_a_pipe_byte_for_byte() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let prompt = "quotes ' \" $(id) `id` \\ \t é 漢 🔑\nsecond line";
    assert_eq!(machine.run(["send", prompt]).code, Some(0));
    for arguments in [&["send", "-"][..], &["send"]] {
        let piped = machine.run_with(arguments, &format!("{prompt}\n"));
        assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    }
    for request in server
        .requests()
        .iter()
        .filter(|request| request.path == "/v1/messages")
    {
        let content = request.json()["messages"][0]["content"].clone();
        let text = content.as_str().or(content[0]["text"].as_str());
        assert_eq!(text, Some(prompt));
    }
    assert_eq!(prompts(&server), 3);
}

#[test]
fn the_key_of_a_variable_pays_without_a_vault_and_is_booked_under_its_fingerprint() {
    let (key, server) = key_and_server();
    let mut machine = Machine::new();
    machine.set("MINE", &key);
    let url = server.base_url();
    let send = ["send", "--key", "env:MINE", "--base-url", &url, "Hi."];
    server.push(Reply::text("Hello.").usage(Usage::new(20, 3)));
    let sent = machine.run(send);
    assert_eq!((sent.code, &*sent.stdout), (Some(0), "Hello.\n"));
    assert!(
        sent.stderr.contains("because you named the variable MINE"),
        "{}",
        sent.stderr
    );
    assert!(sent.stderr.contains("text not kept"), "{}", sent.stderr);
    let payer: String = machine.value("SELECT payer FROM key_usage");
    let parts: Vec<_> = payer.split(':').collect();
    let last4 = &key[key.len() - 4..];
    assert_eq!(parts[..3], ["env", "MINE", last4]);
    assert_eq!(parts[3].len(), 8, "{payer}");
    assert!(
        !key.contains(parts[3]),
        "the fingerprint is a part of the key"
    );
    let label = format!("$MINE …{last4}");
    assert!(sent.stderr.starts_with(&label), "{}", sent.stderr);
    for arguments in [["history"], ["usage"]] {
        let shown = machine.run(arguments).succeeded();
        assert!(shown.contains(&label), "{arguments:?}: {shown}");
    }
    assert_eq!(machine.run(send).code, Some(0));
    let payers: i64 = machine.value("SELECT count(DISTINCT payer) FROM key_usage");
    assert_eq!(payers, 1, "one key, two fingerprints");
    let slots: i64 = machine.value("SELECT count(*) FROM vault");
    assert_eq!(slots, 0, "a vault was made");
}

#[test]
fn a_base_url_in_the_environment_is_for_the_environment_s_own_credentials_only() {
    let (key, server) = key_and_server();
    let mut machine = Machine::new();
    machine
        .set("MINE", Planted::default().key("ghp_"))
        .set("ANTHROPIC_API_KEY", &key)
        .set("ANTHROPIC_BASE_URL", server.base_url());
    let asked = machine.run(["send", "--key", "env:MINE", "Hi."]);
    let asked = asked.failed_with(2);
    assert!(asked.contains("--base-url"), "{asked}");
    assert!(server.requests().is_empty(), "it was sent");
    let sent = machine.run(["send", "--key", "env:ANTHROPIC_API_KEY", "Hi."]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let host = format!(" via {}", server.base_url());
    assert!(sent.stderr.contains(&host), "{}", sent.stderr);
    assert_eq!(prompts(&server), 1);
}

#[test]
fn a_stored_key_goes_to_no_other_server_than_its_own() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let elsewhere = Simulator::start_blocking(Script::new().any_key());
    let url = elsewhere.base_url();
    for payer in [&["--key", "Work"][..], &[]] {
        let send = ["send", "--base-url", &url, "Hi."];
        let refused = machine.run(send.iter().chain(payer));
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    }
    assert_eq!((prompts(&server), elsewhere.requests().len()), (0, 0));
}

#[test]
fn a_variable_that_is_not_set_pays_for_nothing() {
    let machine = Machine::new();
    let refused = machine
        .run(["send", "--key", "env:NOT_THERE", "Hi."])
        .failed_with(8);
    assert!(refused.contains("NOT_THERE is not set"), "{refused}");
}

#[test]
fn images_and_text_go_along_and_anything_else_is_refused_before_anything_is_sent() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(machine.home().join(name), bytes).unwrap();
    };
    // The head of a picture of 2 × 3 pixels; models read it, Switchyard only looks at its size.
    let png = [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(),
        &[0, 0, 0, 2, 0, 0, 0, 3, 8, 2],
    ]
    .concat();
    file("photo.png", &png);
    file("notes.txt", "é notes".as_bytes());
    file("program.bin", b"\x7fELF\0\x01\xff");
    file("empty.txt", b"");
    let sent = machine.run([
        "send",
        "--attach",
        "photo.png",
        "--attach",
        "notes.txt",
        "See.",
    ]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let body = server.requests().last().unwrap().json().to_string();
    assert!(
        body.contains("image/png") && body.contains("iVBORw0KGgo"),
        "{body}"
    );
    assert!(body.contains("é notes"), "{body}");
    let shown = machine.run(["history", "1"]).succeeded();
    assert!(
        shown.contains("photo.png") && shown.contains("notes.txt"),
        "{shown}"
    );

    for (name, words) in [
        ("program.bin", "neither an image"),
        ("empty.txt", "is empty"),
        ("missing.txt", "can't be read"),
        (".", "can't be read"),
    ] {
        let refused = machine
            .run(["send", "--attach", name, "See."])
            .failed_with(2);
        assert!(refused.contains(words), "{name}: {refused}");
    }
    assert_eq!(prompts(&server), 1);
}

#[test]
fn an_estimate_sends_no_prompt_and_books_nothing() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let told = machine
        .run(["send", "--estimate", "--max-tokens", "100", "Hi."])
        .succeeded();
    assert!(told.contains("Work pays via"), "{told}");
    assert!(
        told.contains("counted by the server · at most 100 out"),
        "{told}"
    );
    assert_eq!(prompts(&server), 0, "a prompt was sent");
    let counted = server
        .requests()
        .iter()
        .any(|request| request.path.ends_with("count_tokens"));
    assert!(counted, "the server was not asked");
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM runs"), 0);
}

#[test]
fn where_the_server_does_not_count_the_estimate_says_that_it_is_one() {
    let key = Planted::default().key("sk-ant-api03-");
    let script = Script::new().key(&key, KeyState::Valid).when(
        switchyard_simulator::Match::path("/v1/messages/count_tokens"),
        KnownError::NotFound,
    );
    let server = Simulator::start_blocking(script);
    let machine = Machine::with_key(&key, &server);
    let told = machine.run(["send", "--estimate", "Hi."]);
    assert!(
        told.stdout.contains("estimated here, on the high side"),
        "{}",
        told.stdout
    );
    assert!(told.stderr.starts_with("note: "), "{}", told.stderr);
    assert_eq!(prompts(&server), 0);
}

#[test]
fn every_refusal_ends_with_its_exit_code_and_bills_nothing() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let rows = [
        (KnownError::InvalidRequest, 4),
        (KnownError::NoCredit, 4),
        (KnownError::OwnSpendLimit, 4),
        (KnownError::OrganizationDisabled, 4),
        (KnownError::OrganizationOnHold, 4),
        (KnownError::BadKey, 4),
        (KnownError::Billing, 4),
        (KnownError::Permission, 4),
        (KnownError::RegionBlocked, 5),
        (KnownError::RetiredModel, 4),
        (KnownError::NotFound, 4),
        (KnownError::TooLarge, 4),
        (KnownError::TierCap, 4),
    ];
    for (error, code) in rows {
        server.push(error);
        let sent = machine.run(["send", "Hi."]);
        assert_eq!(sent.code, Some(code), "{error:?}: {}", sent.stderr);
        assert!(
            sent.stderr.contains("\nhint: "),
            "{error:?}: {}",
            sent.stderr
        );
        assert!(
            sent.stderr.contains("nothing was billed"),
            "{error:?}: {}",
            sent.stderr
        );
        assert_eq!(sent.stdout, "", "{error:?}");
    }
    let rows = i64::try_from(rows.len()).unwrap();
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM runs"), rows);
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM key_usage"), 0);
}

#[test]
fn a_server_that_is_busy_once_is_asked_again_and_the_wait_is_told() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::error(529, "overloaded_error", "Overloaded").header("retry-after-ms", "20"));
    server.push(Reply::text("Now."));
    let sent = machine.run(["send", "Hi."]);
    assert_eq!(sent.stdout, "Now.\n");
    assert!(sent.stderr.contains("(attempt 2)"), "{}", sent.stderr);
    assert_eq!(machine.value::<i64>("SELECT attempts FROM runs"), 2);
    assert_eq!(machine.value::<i64>("SELECT count(*) FROM key_usage"), 1);
}

#[test]
fn a_stream_that_is_cut_keeps_what_came_and_books_it_as_estimated() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::events(6).cut_after(3));
    let cut = machine.run(["send", "Count."]);
    assert_eq!((cut.code, &*cut.stdout), (Some(5), "word1 word2 word3 \n"));
    server.push(Reply::events(6).error_after(2, "overloaded_error", "Overloaded"));
    let failed = machine.run(["send", "Count."]);
    assert_eq!((failed.code, &*failed.stdout), (Some(4), "word1 word2 \n"));
    assert_eq!(prompts(&server), 2, "a half answer was asked for again");
    let estimated: i64 = machine.value("SELECT count(*) FROM key_usage WHERE basis = 'estimated'");
    assert_eq!(estimated, 2);
    machine.expect_sound_store();
}

#[test]
fn a_model_without_a_price_costs_unknown_and_never_nothing() {
    let key = Planted::default().key("sk-ant-api03-");
    let model = switchyard_simulator::Model::new("house-model-1", "House model");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid).model(model));
    let machine = Machine::with_key(&key, &server);
    let sent = machine.run(["send", "--model", "house-model-1", "Hi."]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(sent.stderr.contains("at most unknown"), "{}", sent.stderr);
    let used = machine.run(["usage"]).succeeded();
    assert!(used.contains("unknown spent in 1 run"), "{used}");
    assert!(used.contains("1 run without a price"), "{used}");
}

#[test]
fn a_forgotten_text_is_in_no_file_and_its_cost_stays() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    let sealed: Vec<u8> = machine.value("SELECT prompt FROM runs");
    machine
        .run(["history", "--forget", "all", "--yes"])
        .expect_success();
    for ending in ["db", "db-wal"] {
        let file = std::fs::read(machine.paths().database().with_extension(ending));
        let file = file.unwrap_or_default();
        assert!(
            !file.windows(sealed.len()).any(|window| window == sealed),
            "{ending}"
        );
    }
    assert!(machine.run(["history"]).succeeded().contains("(not kept)"));
    assert_eq!(machine.run(["send", "--reply", "1", "More."]).code, Some(8));
    assert!(machine.run(["usage"]).succeeded().contains("in 1 run"));
}

#[test]
fn texts_older_than_they_are_wanted_are_deleted_once_tidying_is_due() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    machine
        .run(["settings", "history.keep_days", "7"])
        .expect_success();
    let eight_days = "UPDATE runs SET started_at = started_at - 8 * 86400000";
    machine.store().execute(eight_days, []).unwrap();
    // Where it was tidied today already, as if a day had passed.
    let due = "DELETE FROM settings WHERE name = 'store.tidied_at'";
    machine.store().execute(due, []).unwrap();
    machine.run(["usage"]).expect_success();
    assert!(machine.run(["history"]).succeeded().contains("(not kept)"));
}

#[test]
fn a_model_that_nobody_knows_is_sent_after_a_warning_that_names_the_nearest() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let warning = |name: &str, nearest: &str| {
        format!(
            "warning: no model {name} is known here, so what it costs will be unknown.{nearest}\n"
        )
    };
    for (name, nearest) in [
        (
            "claude-sonet-5-5",
            " The nearest known name is claude-sonnet-5-5.",
        ),
        ("Hiaku", " The nearest known name is haiku."),
        ("opus-4-8", " The nearest known name is claude-opus-4-8."),
        ("house-model-1", ""),
    ] {
        let set = machine.run(["settings", "dispatch.model", name]);
        assert_eq!(set.stderr, warning(name, nearest));
        let sent = machine.run(["send", "--model", name, "Hi."]);
        let said = warning(name, nearest) + "Work pays via ";
        assert!(sent.stderr.starts_with(&said), "{}", sent.stderr);
        assert_eq!(server.requests().last().unwrap().json()["model"], name);
    }
    let estimate = machine.run(["send", "--estimate", "--json", "Hi."]);
    let route = &estimate.json_lines()[0]["route"];
    assert_eq!(route["unknown_model"]["name"], "house-model-1");
    for known in ["sonnet", "claude-haiku-4-5"] {
        let sent = machine.run(["send", "--model", known, "Hi."]);
        assert!(sent.stderr.starts_with("Work pays via "), "{}", sent.stderr);
    }
}
