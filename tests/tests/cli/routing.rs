//! `switchyard routing`, `route --class` and `send --class`: who may pay is said before, and nobody pays
//! who was not allowed to.

use serde_json::Value;
use switchyard_simulator::{KeyState, Match, Reply, Script, Simulator, Usage};
use switchyard_tests::{Machine, Planted, Running};

use super::prompts;
use crate::terminal::typed;

/// A machine with the keys `Work` and `Second`, of which the first goes for review.
struct Yard {
    machine: Machine,
    server: Simulator,
    first: String,
}

impl Yard {
    fn new() -> Self {
        let mut planted = Planted::default();
        let (first, second) = (planted.key("sk-ant-api03-"), planted.key("sk-ant-api03-"));
        let script = Script::new()
            .key(&first, KeyState::Valid)
            .key(&second, KeyState::Valid);
        let server = Simulator::start_blocking(script);
        let machine = Machine::with_key(&first, &server);
        machine.add("Second", &second, &server).expect_success();
        let set = [
            "routing", "set", "review", "--key", "Work", "--model", "haiku",
        ];
        machine.run(set).expect_success();
        Self {
            machine,
            server,
            first,
        }
    }

    /// Adds the key `Second` as a fallback for this cause.
    fn on(&self, cause: &str) {
        let set = ["routing", "set", "review", "--on", cause, "--key", "Second"];
        self.machine.run(set).expect_success();
    }

    /// Returns the row of review.
    fn row(&self) -> Value {
        let rows = self.machine.run(["routing", "--json"]).json_lines();
        let found = rows
            .into_iter()
            .find(|row| row["auto"]["class"] == "review");
        found.unwrap()
    }

    fn version(&self) -> String {
        let row = self.row();
        let version = &row["auto"]["fallbacks"][0]["agreement"]["version"];
        version.as_str().unwrap().to_owned()
    }

    fn allow(&self) {
        let version = self.version();
        let allow = ["routing", "allow", "review", "1", "--version", &version];
        self.machine.run(allow).expect_success();
    }

    /// Lets the server say this to the first key.
    fn first_hears(&self, reply: Reply) {
        self.server
            .when(Match::path("/v1/messages").key(&self.first), reply);
    }

    fn payers(&self) -> String {
        self.machine.value(
            "SELECT coalesce(group_concat(k.name || ' ' || u.basis, ', ' ORDER BY u.id), '')
             FROM key_usage u JOIN api_keys k ON k.id = u.key_id",
        )
    }
}

fn too_fast() -> Reply {
    Reply::error(429, "rate_limit_error", "Too fast.")
}

#[test]
fn an_empty_table_changes_nothing_and_says_so() {
    let key = Planted::default().key("sk-ant-api03-");
    let server = Simulator::start_blocking(Script::new().key(&key, KeyState::Valid));
    let machine = Machine::with_key(&key, &server);
    let listed = machine.run(["routing"]).succeeded();
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert!(
        listed.contains("review       as work that names no class"),
        "{listed}"
    );
    let sent = machine.run(["send", "--class", "review", "Hi."]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(
        sent.stderr.contains("because Work is the active key"),
        "{}",
        sent.stderr
    );
    let class: String = machine.value("SELECT class FROM runs");
    assert_eq!(class, "review");
}

#[test]
fn the_table_is_set_listed_and_unset() {
    let yard = Yard::new();
    yard.on("rate_limited");
    yard.on("overloaded");
    let listed = yard.machine.run(["routing", "list"]).succeeded();
    assert!(listed.contains("review       Work · haiku"), "{listed}");
    assert!(
        listed.contains("1 not allowed: when a rate limit is reached, the key Second (…"),
        "{listed}"
    );
    let row = yard.row();
    assert_eq!(row["rule"]["first"]["through"]["tier"], "metered");
    assert_eq!(row["rule"]["fallbacks"][1]["cause"], "overloaded");
    yard.machine
        .run(["routing", "unset", "review", "1"])
        .expect_success();
    assert_eq!(yard.row()["rule"]["fallbacks"].as_array().unwrap().len(), 1);
    let gone = yard
        .machine
        .run(["routing", "unset", "review", "7"])
        .failed_with(8);
    assert!(gone.contains("switchyard routing"), "{gone}");
    yard.machine
        .run(["routing", "unset", "review"])
        .expect_success();
    assert_eq!(yard.row()["rule"], Value::Null);
}

#[test]
fn everyone_who_may_pay_is_said_before_the_prompt_is_sent() {
    let yard = Yard::new();
    yard.on("rate_limited");
    let route = ["route", "--class", "review", "--json", "Look."];
    let auto = |yard: &Yard| yard.machine.run(route).json_lines().remove(0)["auto"].clone();
    let before = auto(&yard);
    assert_eq!(before["fallbacks"][0]["allowed_at"], Value::Null);
    assert_eq!(before["fallbacks"][0]["route"]["payer_label"], "Second");
    assert_eq!(before["at_most"], before["first"]["at_most"]);
    yard.allow();
    let after = auto(&yard);
    let dollars = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let both = dollars(&after["first"]["at_most"]) + dollars(&after["fallbacks"][0]["at_most"]);
    assert!(
        (dollars(&after["at_most"]) - both).abs() < 1e-9,
        "either may be billed: {after}"
    );
    let said = yard
        .machine
        .run(["route", "--class", "review", "Look."])
        .succeeded();
    assert!(said.contains("By the routing table, review goes"), "{said}");
    assert!(
        said.contains("1 allowed: when a rate limit is reached"),
        "{said}"
    );
    assert!(said.contains("In all: at most $"), "{said}");
    let sent = yard.machine.run(["send", "--class", "review", "Look."]);
    assert!(
        sent.stderr
            .contains("when a rate limit is reached: the key Second"),
        "{}",
        sent.stderr
    );
    assert!(sent.stderr.contains("in all: at most $"), "{}", sent.stderr);
    assert_eq!(prompts(&yard.server), 1, "a route sends nothing");
}

#[test]
fn an_allowed_fallback_is_shown_and_booked_to_who_really_paid() {
    let yard = Yard::new();
    yard.on("rate_limited");
    yard.allow();
    yard.first_hears(too_fast());
    yard.server
        .push(Reply::text("Looks good.").usage(Usage::new(30, 4)));
    let sent = yard.machine.run(["send", "--class", "review", "Look."]);
    assert_eq!(&*sent.stdout, "Looks good.\n", "{}", sent.stderr);
    assert!(
        sent.stderr
            .contains("As you have allowed, Second pays from here on."),
        "{}",
        sent.stderr
    );
    assert_eq!(yard.payers(), "Second metered");
    let shown = yard.machine.run(["history", "2"]).succeeded();
    assert!(
        shown.contains("In place of run 1, which Work paid, because a rate limit is reached."),
        "{shown}"
    );
    let acts: String = yard
        .machine
        .value("SELECT act || ' ' || face FROM audit WHERE act LIKE 'fallback%'");
    assert_eq!(acts, "fallback_allow cli");
    yard.machine.expect_sound_store();
}

#[test]
fn both_payers_are_booked_where_both_were_billed() {
    let yard = Yard::new();
    yard.on("overloaded");
    yard.allow();
    let broken = Reply::text("never").usage(Usage::new(40, 9));
    yard.first_hears(broken.error_after(0, "overloaded_error", "Overloaded"));
    let sent = yard
        .machine
        .run(["send", "--class", "review", "--json", "Look."]);
    let events = sent.json_lines();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    let first: Vec<_> = names.iter().take(4).copied().collect();
    assert_eq!(first, ["started", "usage", "fallback", "started"]);
    let fallback = &events[2];
    assert_eq!(
        (&fallback["cause"], &fallback["to"]),
        (&"overloaded".into(), &"Second".into())
    );
    assert_eq!(fallback["receipt"]["booked"]["basis"], "estimated");
    assert_eq!(yard.payers(), "Work estimated, Second metered");
    let instead = &events.last().unwrap()["receipt"]["instead_of"];
    assert_eq!(instead["run"], 1);
}

#[test]
fn without_leave_the_first_error_stands_and_says_how_to_give_it() {
    let yard = Yard::new();
    yard.on("rate_limited");
    yard.first_hears(too_fast());
    let refused = yard
        .machine
        .run(["send", "--class", "review", "Look."])
        .failed_with(4);
    assert!(refused.contains("Fallback 1 for review"), "{refused}");
    assert!(refused.contains("switchyard routing allow"), "{refused}");
    assert_eq!((prompts(&yard.server), yard.payers()), (1, String::new()));
    yard.allow();
    yard.machine
        .run(["routing", "disallow", "review", "1"])
        .expect_success();
    let again = yard
        .machine
        .run(["send", "--class", "review", "Look."])
        .failed_with(4);
    assert!(again.contains("you have not allowed it"), "{again}");
}

#[test]
fn leave_is_given_only_by_whoever_has_read_what_changes() {
    let yard = Yard::new();
    yard.on("rate_limited");
    let blind = yard
        .machine
        .run(["routing", "allow", "review", "1"])
        .failed_with(2);
    assert!(blind.contains("--version V"), "{blind}");
    let stale = [
        "routing",
        "allow",
        "review",
        "1",
        "--version",
        "0123456789abcdef",
    ];
    let refused = yard.machine.run(stale).failed_with(2);
    assert!(refused.contains("not the current one"), "{refused}");
    yard.allow();
    // Another first payer is another change of payer.
    let set = [
        "routing", "set", "review", "--key", "Work", "--model", "opus",
    ];
    yard.machine.run(set).expect_success();
    assert_eq!(
        yard.row()["auto"]["fallbacks"][0]["allowed_at"],
        Value::Null
    );
}

#[test]
fn at_a_terminal_the_sentence_is_shown_before_the_question() {
    let yard = Yard::new();
    yard.on("rate_limited");
    let allow = ["routing", "allow", "review", "1"];
    let asked = "anything else to leave it:";
    let left = typed(&yard.machine, &allow, &[(asked, "no")]);
    assert_eq!((left.code, left.left), (2, 0), "{}", left.shown);
    assert_eq!(
        yard.row()["auto"]["fallbacks"][0]["allowed_at"],
        Value::Null
    );
    let given = typed(&yard.machine, &allow, &[(asked, "yes")]);
    assert_eq!((given.code, given.left), (0, 0), "{}", given.shown);
    let sentence = yard.row()["auto"]["fallbacks"][0]["agreement"]["sentence"].clone();
    let flat = given.shown.replace(['\r', '\n'], "");
    assert!(flat.contains(sentence.as_str().unwrap()), "{}", given.shown);
    assert!(yard.row()["auto"]["fallbacks"][0]["allowed_at"].is_i64());
}

#[test]
fn a_payer_that_is_named_holds_and_takes_no_fallback() {
    let yard = Yard::new();
    yard.on("rate_limited");
    yard.allow();
    yard.first_hears(too_fast());
    let named = ["send", "--class", "review", "--key", "Work", "Look."];
    let refused = yard.machine.run(named).failed_with(4);
    assert!(!refused.contains("Second"), "{refused}");
    let plain = yard.machine.run(["send", "Look."]).failed_with(4);
    assert!(!plain.contains("Second"), "{plain}");
    assert_eq!(yard.payers(), "");
}

#[test]
fn a_key_that_is_deleted_shows_as_broken_and_nobody_pays_in_its_place() {
    let yard = Yard::new();
    yard.on("unavailable");
    yard.machine
        .run(["keys", "rm", "Work", "--yes"])
        .expect_success();
    let listed = yard.machine.run(["routing"]).succeeded();
    assert!(
        listed.contains("not now: This key is no longer in the store."),
        "{listed}"
    );
    let refused = yard
        .machine
        .run(["send", "--class", "review", "Look."])
        .failed_with(8);
    assert!(refused.contains("Fallback 1 for review"), "{refused}");
    assert_eq!(prompts(&yard.server), 0);
    yard.allow();
    let sent = yard.machine.run(["send", "--class", "review", "Look."]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(
        sent.stderr.starts_with("Second pays via"),
        "{}",
        sent.stderr
    );
    assert!(
        sent.stderr.contains("As you have allowed, Second pays"),
        "{}",
        sent.stderr
    );
    assert_eq!(yard.payers(), "Second metered");
}

#[test]
fn a_locked_vault_is_told_in_the_table_and_sends_nothing() {
    let yard = Yard::new();
    yard.machine.run(["vault", "lock"]).expect_success();
    let listed = yard.machine.run(["routing"]).succeeded();
    assert!(listed.contains("not now: The vault is locked."), "{listed}");
    let refused = yard
        .machine
        .run(["send", "--class", "review", "Look."])
        .failed_with(3);
    assert!(refused.contains("switchyard vault unlock"), "{refused}");
    assert_eq!(prompts(&yard.server), 0);
}

#[test]
fn a_fallback_that_is_cancelled_ends_the_run_and_is_booked() {
    let yard = Yard::new();
    yard.on("rate_limited");
    yard.allow();
    yard.first_hears(too_fast());
    yard.server.push(Reply::events(8).stall_after(4));
    let mut sending = Running::new(yard.machine.start(["send", "--class", "review", "Count."]));
    sending.hear("word4 ");
    sending.signal(rustix::process::Signal::INT);
    let ended = sending.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_eq!(yard.payers(), "Second estimated");
    let states: String = yard
        .machine
        .value("SELECT group_concat(state, ', ' ORDER BY id) FROM runs");
    assert_eq!(states, "failed, cancelled");
}

#[test]
fn what_the_table_can_t_hold_is_refused_with_the_reason() {
    let yard = Yard::new();
    for (arguments, code, words) in [
        (&["set", "review"][..], 2, "required"),
        (&["set", "review", "--key", "env:MINE"], 2, "variable"),
        (&["set", "review", "--key", "Nobody"], 8, "Nobody"),
        (
            &["set", "review", "--tier", "subscription", "--key", "Work"],
            2,
            "metered tier",
        ),
        (
            &["set", "task", "--tier", "subscription"],
            2,
            "without a person",
        ),
        (
            &["set", "review", "--on", "overloaded", "--tier", "metered"],
            2,
            "name who pays",
        ),
        (
            &["set", "chat", "--on", "overloaded", "--key", "Work"],
            8,
            "set chat",
        ),
        (
            &["set", "review", "--on", "boredom", "--key", "Work"],
            2,
            "boredom",
        ),
        (&["unset", "chat"], 8, "no rule"),
        (
            &["allow", "review", "1", "--version", "x"],
            8,
            "no fallback 1",
        ),
    ] {
        let arguments = ["routing"].iter().chain(arguments);
        let refused = yard.machine.run(arguments.clone());
        assert_eq!(
            refused.code,
            Some(code),
            "{arguments:?}: {}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains(words),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
    let farm = ["routing", "set", "task", "--label", "small"];
    let listed = yard.machine.run(farm).succeeded();
    assert!(
        listed.contains("not now: No host bears the label small."),
        "{listed}"
    );
    let refused = yard
        .machine
        .run(["send", "--class", "task", "Do."])
        .failed_with(10);
    assert!(refused.contains("No host bears"), "{refused}");
}
