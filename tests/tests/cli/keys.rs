//! Keys over the command line: what is taken, what is refused and why, and what stays of a deleted one.

use switchyard_simulator::{KeyState, Reply, Script, Simulator, Usage};
use switchyard_tests::{Machine, Planted};

use super::{key_and_server, prompts};

fn stored(machine: &Machine) -> i64 {
    machine.value("SELECT count(*) FROM api_keys WHERE deleted_at IS NULL")
}

#[test]
fn tokens_of_a_subscription_are_refused_with_the_reason_and_never_sent() {
    let mut machine = Machine::with_vault();
    let server = Simulator::start_blocking(Script::new().any_key());
    let url = server.base_url();
    for prefix in ["sk-ant-oat01-", "sk-ant-ort01-"] {
        let token = Planted::default().key(prefix);
        let added = machine.add("Plan", &token, &server).failed_with(2);
        machine.set("PLAN_TOKEN", &token);
        let sent = machine.run(["send", "--key", "env:PLAN_TOKEN", "--base-url", &url, "Hi."]);
        for said in [added, sent.failed_with(2)] {
            assert!(said.contains("token of a Claude subscription"), "{said}");
            assert!(said.contains("\nhint: Use an API key"), "{said}");
            assert!(!said.contains(&token), "the token was repeated");
        }
    }
    assert_eq!(stored(&machine), 0);
    assert!(server.requests().is_empty());
}

#[test]
fn an_admin_key_is_kept_apart_and_never_pays() {
    let admin = Planted::default().key("sk-ant-admin01-");
    let server = Simulator::start_blocking(Script::new().any_key());
    let mut machine = Machine::with_vault();
    let added = machine.add("Boss", &admin, &server);
    // The server has no admin endpoint, so the check can't say more than that.
    let added = match added.code {
        Some(0) => added,
        _ => machine.run_with(
            [
                "keys",
                "add",
                "Boss",
                "--unchecked",
                "--base-url",
                &server.base_url(),
            ],
            &admin,
        ),
    };
    assert!(
        added.stderr.contains("never pay for runs"),
        "{}",
        added.stderr
    );
    let listed = machine.run(["keys", "list"]).succeeded();
    assert!(
        listed.contains("admin") && !listed.contains('●'),
        "{listed}"
    );
    machine.set("BOSS", &admin);
    for payer in ["Boss", "env:BOSS"] {
        let refused = machine.run(["send", "--key", payer, "Hi."]).failed_with(2);
        assert!(refused.contains("admin key"), "{refused}");
    }
    let refused = machine.run(["send", "Hi."]).failed_with(8);
    assert!(
        refused.contains("nobody would pay")
            && refused.ends_with("hint: Add one with: switchyard keys add NAME\n"),
        "{refused}"
    );
    let refused = machine.run(["keys", "select", "Boss"]).failed_with(2);
    assert!(refused.contains("admin key"), "{refused}");
    assert_eq!(prompts(&server), 0);
}

#[test]
fn a_key_that_is_there_already_is_found_by_its_fingerprint() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let again = machine.add("Other name", &key, &server).failed_with(2);
    assert!(again.contains("stored already, as Work"), "{again}");
    assert_eq!(stored(&machine), 1);
}

#[test]
fn a_name_that_looks_like_another_is_refused() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let other = Planted::default().key("sk-ant-api03-");
    server.set_key(&other, KeyState::Valid);
    for name in ["work", "WORK", " Work ", "Wo\u{200B}rk", "\u{FF37}ork"] {
        let refused = machine.add(name, &other, &server).failed_with(2);
        assert!(refused.contains("Work already"), "{name:?}: {refused}");
    }
    assert_eq!(stored(&machine), 1);
    assert_eq!(machine.add("Work 2", &other, &server).code, Some(0));
    let renamed = machine.run(["keys", "edit", "Work 2", "--name", "wORK"]);
    assert!(renamed.failed_with(2).contains("Work already"));
}

#[test]
fn a_key_goes_over_plain_http_to_this_machine_only() {
    let key = Planted::default().key("sk-ant-api03-");
    let mut machine = Machine::with_vault();
    machine.set("MINE", &key);
    for url in [
        "http://gateway.example",
        "http://10.0.0.1:80",
        "http://localhost.example/v1",
    ] {
        let refused = machine.run_with(["keys", "add", "G", "--base-url", url], &key);
        assert!(refused.failed_with(2).contains("plain http"), "{url}");
        let refused = machine.run(["send", "--key", "env:MINE", "--base-url", url, "Hi."]);
        assert!(refused.failed_with(2).contains("plain http"), "{url}");
    }
    assert_eq!(stored(&machine), 0);
}

#[test]
fn a_gateway_s_own_kind_of_token_is_taken_for_that_gateway_only() {
    let token = Planted::default().key("gw_");
    let server = Simulator::start_blocking(Script::new().key(&token, KeyState::Valid));
    let machine = Machine::with_vault();
    let refused = machine
        .run_with(["keys", "add", "G"], &token)
        .failed_with(2);
    assert!(refused.contains("--base-url"), "{refused}");
    assert!(!refused.contains(&token));
    assert_eq!(machine.add("G", &token, &server).code, Some(0));
    server.push(Reply::text("From the gateway."));
    let sent = machine.run(["send", "Hi."]).succeeded();
    assert_eq!(sent, "From the gateway.\n");
    assert_eq!(
        server.requests().last().unwrap().credential(),
        Some(&*token)
    );
}

#[test]
fn an_unchecked_key_is_stored_when_the_network_is_the_trouble_and_a_no_always_stands() {
    let key = Planted::default().key("sk-ant-api03-");
    let machine = Machine::with_vault();
    let server = Simulator::start_blocking(Script::new());
    let gone = Simulator::start_blocking(Script::new()).base_url();
    let add = |url: &str, unchecked: bool| {
        let flag = unchecked.then_some("--unchecked");
        let arguments = ["keys", "add", "Work", "--base-url", url];
        machine.run_with(arguments.into_iter().chain(flag), &key)
    };
    for unchecked in [false, true] {
        let refused = add(&server.base_url(), unchecked).failed_with(4);
        assert!(refused.contains("The key was refused"), "{refused}");
    }
    let unasked = add(&gone, false).failed_with(5);
    assert!(unasked.contains("--unchecked"), "{unasked}");
    assert_eq!(stored(&machine), 0);
    let taken = add(&gone, true);
    assert!(taken.stdout.ends_with(", unchecked.\n"), "{}", taken.stdout);
    assert!(taken.stderr.contains("not checked:"), "{}", taken.stderr);
    assert_eq!(stored(&machine), 1);
}

#[test]
fn each_verdict_of_the_server_has_its_exit_code_and_its_words() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let rows = [
        (KeyState::Valid, 0, ": valid"),
        (KeyState::Refused, 4, "wrong, or was revoked"),
        (KeyState::OrganizationDisabled, 4, "is disabled"),
        (KeyState::Forbidden, 4, "not allowed to do this"),
        (KeyState::RegionBlocked, 5, "says nothing about the key"),
        (
            KeyState::RateLimited { retry_after: 3 },
            4,
            "Try again in 3 s",
        ),
        // A free check can't see these; a real call does.
        (KeyState::NoCredit, 0, ": valid"),
        (KeyState::OwnSpendLimit, 0, ": valid"),
        (KeyState::Billing, 0, ": valid"),
        (KeyState::TierCap, 0, ": valid"),
    ];
    for (state, code, words) in rows {
        server.set_key(&key, state);
        let checked = machine.run(["keys", "check", "Work"]);
        assert_eq!(checked.code, Some(code), "{state:?}: {}", checked.stdout);
        assert!(
            checked.stdout.contains(words),
            "{state:?}: {}",
            checked.stdout
        );
    }
}

#[test]
fn a_real_call_needs_agreement_says_its_cost_and_sees_what_the_free_check_can_not() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let unasked = machine.run(["keys", "check", "Work", "--real-call"]);
    let asked = unasked.failed_with(2);
    assert!(asked.contains("No call was made"), "{asked}");
    assert_eq!(prompts(&server), 0, "a call was made unasked");
    let call = ["keys", "check", "Work", "--real-call", "--yes"];
    let called = machine.run(call).succeeded();
    assert!(called.contains("the call cost"), "{called}");
    let booked: i64 = machine.value("SELECT count(*) FROM key_usage");
    assert_eq!(booked, 1);
    for (state, words) in [
        (
            KeyState::NoCredit,
            "credit of this key's organisation is used up",
        ),
        (KeyState::OwnSpendLimit, "set for itself is reached"),
        (KeyState::Billing, "problem with the payment"),
        (KeyState::TierCap, "monthly cap"),
    ] {
        server.set_key(&key, state);
        let checked = machine.run(call);
        assert_eq!(checked.code, Some(4), "{state:?}: {}", checked.stdout);
        assert!(
            checked.stdout.contains(words),
            "{state:?}: {}",
            checked.stdout
        );
    }
    let booked: i64 = machine.value("SELECT count(*) FROM key_usage");
    assert_eq!(booked, 1, "a refused call was booked");
}

#[test]
fn everything_but_the_secret_can_be_edited() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    let change = [
        "keys",
        "edit",
        "Work",
        "--name",
        "Home",
        "--environment",
        "personal",
        "--organization",
        "Me",
        "--tag",
        "b",
        "--tag",
        "a",
        "--note",
        "two\nlines",
        "--json",
    ];
    let edited = machine.run(change).json_lines().remove(0);
    assert_eq!(edited["name"], "Home");
    assert_eq!(edited["environment"], "personal");
    assert_eq!(edited["organization"], "Me");
    assert_eq!(edited["tags"], serde_json::json!(["a", "b"]));
    assert_eq!(edited["note"], "two\nlines");
    assert_eq!(machine.run(["keys", "select", "Work"]).code, Some(8));
    assert_eq!(machine.run(["send", "--key", "Home", "Hi."]).code, Some(0));
    let environment: String = machine.value("SELECT environment FROM key_usage");
    assert_eq!(environment, "personal");
}

#[test]
fn a_deleted_key_leaves_its_name_in_the_ledger_and_its_bytes_nowhere() {
    let (key, server) = key_and_server();
    let machine = Machine::with_key(&key, &server);
    server.push(Reply::text("Hello.").usage(Usage::new(10, 2)));
    assert_eq!(machine.run(["send", "Hi."]).code, Some(0));
    let sealed: Vec<u8> = machine.value("SELECT key FROM api_keys");
    let fingerprint: Vec<u8> = machine.value("SELECT fingerprint FROM api_keys");
    let is_in_files = |bytes: &[u8]| {
        ["db", "db-wal", "db-shm"].iter().any(|ending| {
            let path = machine.paths().database().with_extension(ending);
            let file = std::fs::read(path).unwrap_or_default();
            file.windows(bytes.len()).any(|window| window == bytes)
        })
    };
    assert!(is_in_files(&sealed), "the search finds nothing at all");

    let unasked = machine.run(["keys", "rm", "Work"]).failed_with(2);
    assert!(unasked.contains("Nothing was deleted"), "{unasked}");
    machine
        .run(["keys", "rm", "Work", "--yes"])
        .expect_success();
    assert!(!is_in_files(&sealed), "the sealed key is still in a file");
    assert!(
        !is_in_files(&fingerprint),
        "the fingerprint is still in a file"
    );
    let used = machine.run(["usage"]).succeeded();
    assert!(used.contains("Work (deleted)"), "{used}");
    assert!(machine.run(["history"]).succeeded().contains("Work"));
    assert_eq!(machine.run(["send", "Hi."]).code, Some(8));
    assert_eq!(machine.add("Work", &key, &server).code, Some(0));
    machine.expect_sound_store();
}
