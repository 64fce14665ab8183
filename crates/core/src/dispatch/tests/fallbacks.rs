//! Runs that go on another way: only as allowed, shown, and booked to whoever paid.

mod barred;

use std::os::unix::fs::symlink;

use super::*;
use crate::consent::{self, Subject};
use crate::dispatch::routing::{Cause, Destination, Fallback, Rule, Through};
use crate::{Remedy, plan};
use switchyard_simulator::{KnownError, Match};

const FAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/claude/tests/fake_claude");

/// A store with two keys, `Work` and `Second`, and rules for review.
struct Table {
    home: Home,
    second: KeyId,
    second_secret: String,
}

impl Table {
    async fn new() -> Self {
        Self::with(false).await
    }

    async fn with(is_locked: bool) -> Self {
        let home = Home::with(Script::new(), Timeouts::default(), is_locked).await;
        let (second, secret) = (
            KeyId::new(),
            format!("sk-ant-api03-{}", uuid::Uuid::now_v7().simple()),
        );
        home.simulator.set_key(&secret, KeyState::Valid);
        let stored = (second.clone(), secret.clone());
        home.vault.secrets.lock().unwrap().extend([stored]);
        let (id, url) = (second.clone(), home.simulator.base_url());
        let insert = move |store: &rusqlite::Connection| {
            store
                .execute(
                    "INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, base_url, created_at)
                     VALUES (?1, 'Second', 'second', x'00', 'api', 'manual', '5678', ?2, 0)",
                    (id, url),
                )
                .doing("make a key")
        };
        home.dispatch.db.write(insert).await.unwrap();
        Self {
            home,
            second,
            second_secret: secret,
        }
    }

    fn first(&self) -> Destination {
        key(&self.home.key)
    }

    /// Goes from `first` to the key `Second` for this cause.
    fn to_second(&self, first: Destination, cause: Cause) -> Rule {
        Rule {
            class: Class::Review,
            first,
            fallbacks: vec![Fallback {
                cause,
                to: Destination {
                    model: Some("haiku".to_owned()),
                    ..key(&self.second)
                },
            }],
        }
    }

    async fn put(&self, rule: Rule) {
        let put = move |store: &rusqlite::Connection| routing::put(store, &rule, "test", NOW);
        self.home.dispatch.db.write(put).await.unwrap();
    }

    /// Allows every fallback, as the user who reads each.
    async fn allow(&self) {
        let auto = self
            .home
            .dispatch
            .auto(&self.ask(), |_| None)
            .await
            .unwrap();
        let versions: Vec<_> = auto
            .fallbacks
            .iter()
            .map(|one| one.agreement.version.clone())
            .collect();
        let allow = move |store: &rusqlite::Connection| {
            for (number, version) in (1..).zip(&versions) {
                routing::allow(store, (Class::Review, number), version, "test", NOW)?;
            }
            Ok(())
        };
        self.home.dispatch.db.write(allow).await.unwrap();
    }

    async fn disallow(&self) {
        let off = |store: &rusqlite::Connection| {
            routing::disallow(store, (Class::Review, 1), "test", NOW).map(drop)
        };
        self.home.dispatch.db.write(off).await.unwrap();
    }

    fn ask(&self) -> Ask {
        let mut ask = self.home.ask("Look at this.");
        ask.pay_with = PayWith::Auto;
        ask.class = Class::Review;
        ask.request.model = String::new();
        ask
    }

    async fn send(&self) -> Done {
        self.home.carry_out(self.ask()).await
    }

    /// Turns the first key away before anything is made.
    fn refuse_first(&self) {
        let first = Match::any().key(&self.home.secret);
        self.home
            .simulator
            .when(first, Reply::error(429, "rate_limit_error", "Too fast."));
    }

    /// Returns the keys that prompts came with.
    fn credentials(&self) -> Vec<String> {
        let requests = self.home.simulator.requests();
        requests
            .iter()
            .filter_map(|request| request.credential().map(str::to_owned))
            .collect()
    }

    fn payers(&self) -> Vec<(String, String)> {
        let read = |store: &rusqlite::Connection| {
            let mut rows = store
                .prepare("SELECT k.name, u.basis FROM key_usage u JOIN api_keys k ON k.id = u.key_id ORDER BY u.id")
                .doing("read")?;
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.and_then(Iterator::collect).doing("read")
        };
        self.home.dispatch.db.read(read).unwrap()
    }

    /// Brings a `claude` that does as the script says, with the user's consent to use it.
    async fn bring_claude(&self, script: &str) {
        let folder = self.home.folder.path().join("claude");
        std::fs::create_dir(&folder).unwrap();
        symlink(FAKE, folder.join("claude")).unwrap();
        std::fs::write(folder.join("version"), "2.1.330 (Claude Code)").unwrap();
        std::fs::write(folder.join("script"), script).unwrap();
        let login = plan::PlanLogin {
            name: "mine".to_owned(),
            place: plan::Place::Folder {
                folder: folder.clone(),
            },
        };
        let set = move |store: &rusqlite::Connection| {
            plan::PROGRAM.set(store, &Some(folder.join("claude")), NOW)?;
            plan::add(store, login, NOW)?;
            plan::select(store, "mine", NOW)?;
            let version = Subject::Subscription.text().version;
            consent::accept(store, Subject::Subscription, &version, "test", NOW).map(drop)
        };
        self.home.dispatch.db.write(set).await.unwrap();
    }
}

fn key(id: &KeyId) -> Destination {
    Destination {
        through: Through::Metered {
            key: Some(id.clone()),
        },
        model: None,
        effort: None,
    }
}

fn plan_first() -> Destination {
    Destination {
        through: Through::Subscription { login: None },
        model: None,
        effort: None,
    }
}

fn names(done: &Done) -> Vec<&'static str> {
    let names = done.events.iter().filter_map(|event| match event {
        RunEvent::Started { .. } => Some("started"),
        RunEvent::Fallback { .. } => Some("fallback"),
        RunEvent::Text { .. } => Some("text"),
        RunEvent::Finished { .. } => Some("finished"),
        RunEvent::Failed { .. } => Some("failed"),
        _ => None,
    });
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names
}

#[tokio::test]
async fn an_allowed_fallback_goes_on_in_a_run_of_its_own_and_is_told() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::RateLimited))
        .await;
    table.allow().await;
    table.refuse_first();
    let done = table.send().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    assert_eq!(
        names(&done),
        ["started", "fallback", "started", "text", "finished"]
    );
    let told = done.events.iter().find_map(|event| match event {
        RunEvent::Fallback {
            cause,
            from,
            to,
            error,
            receipt,
        } => Some((
            *cause,
            from.clone(),
            to.clone(),
            error.code,
            receipt.clone(),
        )),
        _ => None,
    });
    let (cause, from, to, code, receipt) = told.unwrap();
    assert_eq!(
        (cause, &*from, &*to),
        (Cause::RateLimited, "Work", "Second")
    );
    assert_eq!(code, Code::Busy);
    let left = receipt.unwrap();
    assert_eq!(
        (left.state, left.booked),
        (State::Failed, None),
        "it made nothing"
    );
    assert_eq!(
        table.payers(),
        [("Second".to_owned(), "metered".to_owned())]
    );
    let instead = done.outcome.receipt.instead_of.clone().unwrap();
    assert_eq!(
        (instead.cause, instead.run),
        (Cause::RateLimited, Some(left.run))
    );
    let runs = table.home.dispatch.history(None, 10).await.unwrap();
    assert_eq!(runs.len(), 2, "each way is a run");
    assert_eq!(runs[0].instead_of, Some(instead));
    assert_eq!(runs[0].conversation, runs[1].conversation);
    assert_eq!(runs[0].model, "claude-haiku-5-5", "as the table has it");
    assert_eq!(runs[1].instead_of, None);
    table.home.assert_settled();
}

#[tokio::test]
async fn each_of_two_that_were_billed_is_booked_to_its_own_payer() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::Overloaded))
        .await;
    table.allow().await;
    let prepared = table.home.prepare(table.ask()).await;
    let auto = prepared.auto.as_ref().unwrap();
    let amounts = [auto.first.at_most, auto.fallbacks[0].way.at_most].map(Option::unwrap);
    assert_eq!(
        auto.at_most,
        Nano::checked_sum(amounts),
        "both may be billed"
    );
    let first = Match::any().key(&table.home.secret);
    let broken = Reply::text("never").usage(Usage::new(40, 9)).error_after(
        0,
        "overloaded_error",
        "Overloaded",
    );
    table.home.simulator.when(first, broken);
    let done = table.home.start(prepared).end().await;
    assert!(done.outcome.error.is_none(), "{:?}", done.outcome.error);
    assert_eq!(
        table.payers(),
        [
            ("Work".to_owned(), "estimated".to_owned()),
            ("Second".to_owned(), "metered".to_owned())
        ]
    );
    let input = "SELECT input FROM key_usage ORDER BY id LIMIT 1";
    assert_eq!(table.home.value::<i64>(input), 40, "as it was reported");
    table.home.assert_settled();
}

#[tokio::test]
async fn what_is_not_allowed_ends_with_the_first_error_and_says_how_to_allow_it() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::RateLimited))
        .await;
    table.refuse_first();
    let prepared = table.home.prepare(table.ask()).await;
    let auto = prepared.auto.as_ref().unwrap();
    assert_eq!(
        auto.fallbacks[0].allowed_at, None,
        "it is shown all the same"
    );
    assert_eq!(auto.at_most, auto.first.at_most, "and costs nothing");
    let done = table.home.start(prepared).end().await;
    assert_eq!(names(&done), ["started", "failed"]);
    assert_eq!(done.error().code(), Code::Busy);
    assert_eq!(done.error().failure().remedy, Some(Remedy::AllowFallback));
    let hint = done.error().advice().unwrap();
    assert!(
        hint.contains("Fallback 1 for review") && hint.contains("Second"),
        "{hint}"
    );
    assert_eq!(table.credentials(), [&*table.home.secret]);
    assert_eq!(table.home.value::<i64>("SELECT count(*) FROM runs"), 1);
}

#[tokio::test]
async fn once_a_token_was_shown_no_fallback_is_taken_and_the_text_is_kept() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::Overloaded))
        .await;
    table.allow().await;
    let half = Reply::deltas(["Half ", "of it"]).error_after(1, "overloaded_error", "Overloaded");
    let thought = Reply::text("x")
        .thinking("Hm.")
        .error_after(0, "overloaded_error", "Overloaded");
    for (reply, shown) in [(half, "Half "), (thought, "")] {
        table.home.simulator.push(reply);
        let done = table.send().await;
        assert_eq!(done.text(), shown);
        assert_eq!(done.error().code(), Code::Busy);
        assert!(!names(&done).contains(&"fallback"));
        let run = done.outcome.receipt.run;
        let kept = table.home.dispatch.show(run).await.unwrap();
        assert_eq!(kept.answer.unwrap_or_default(), shown);
    }
    assert!(!table.credentials().contains(&table.second_secret));
}

#[tokio::test]
async fn a_fallback_is_for_its_own_cause_alone_and_never_for_a_refused_prompt() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::PlanLimit))
        .await;
    table.allow().await;
    for reply in [
        Reply::error(429, "rate_limit_error", "Too fast."),
        KnownError::InvalidRequest.reply(),
        KnownError::OwnSpendLimit.reply(),
    ] {
        table.home.simulator.push(reply);
        let done = table.send().await;
        assert_eq!(names(&done), ["started", "failed"]);
        assert_eq!(done.error().failure().remedy, None);
    }
    assert!(!table.credentials().contains(&table.second_secret));
}

#[tokio::test]
async fn a_fallback_that_is_cancelled_is_booked_and_ends_the_run() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::RateLimited))
        .await;
    table.allow().await;
    table.refuse_first();
    table.home.simulator.push(Reply::events(8).stall_after(2));
    let mut run = table.home.start(table.home.prepare(table.ask()).await);
    assert!(run.first_text().await.contains("word1"));
    run.cancel.cancel();
    let done = run.end().await;
    assert_eq!(done.outcome.receipt.state, State::Cancelled);
    assert_eq!(done.outcome.receipt.payer_label, "Second");
    assert_eq!(
        table.payers(),
        [("Second".to_owned(), "estimated".to_owned())]
    );
    table.home.assert_settled();
}

#[tokio::test]
async fn whoever_cancels_or_goes_away_before_a_fallback_begins_pays_for_none() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::RateLimited))
        .await;
    table.allow().await;
    let first = Match::any().key(&table.home.secret);
    let held = Reply::error(429, "rate_limit_error", "Too fast.").held();
    table.home.simulator.when(first, held);
    let run = table.home.start(table.home.prepare(table.ask()).await);
    table.home.simulator.wait_for_requests(1).await;
    run.cancel.cancel();
    let done = run.end().await;
    assert_eq!(done.error().code(), Code::Cancelled);
    assert_eq!(table.credentials(), [&*table.home.secret]);

    let run = table.home.start(table.home.prepare(table.ask()).await);
    table.home.simulator.wait_for_requests(2).await;
    drop(run.events);
    table.home.simulator.release();
    run.run.await.unwrap().unwrap();
    assert!(!table.credentials().contains(&table.second_secret));
    table.home.assert_settled();
}

#[tokio::test]
async fn what_the_user_takes_back_while_a_run_is_prepared_is_not_taken() {
    let table = Table::new().await;
    table
        .put(table.to_second(table.first(), Cause::RateLimited))
        .await;
    table.allow().await;
    table.refuse_first();
    let prepared = table.home.prepare(table.ask()).await;
    table.disallow().await;
    let done = table.home.start(prepared).end().await;
    assert_eq!(done.error().code(), Code::Busy);
    let hint = done.error().advice().unwrap();
    assert!(hint.contains("You don't allow it any more"), "{hint}");
    assert!(!table.credentials().contains(&table.second_secret));
}

#[tokio::test]
async fn each_fallback_is_taken_once_however_often_its_cause_comes_back() {
    let table = Table::new().await;
    let mut rule = table.to_second(table.first(), Cause::RateLimited);
    rule.fallbacks.push(Fallback {
        cause: Cause::RateLimited,
        to: Destination {
            model: Some("opus".to_owned()),
            ..table.first()
        },
    });
    table.put(rule).await;
    table.allow().await;
    for _ in 0..5 {
        table
            .home
            .simulator
            .push(Reply::error(429, "rate_limit_error", "Too fast."));
    }
    let done = table.send().await;
    assert_eq!(done.error().code(), Code::Busy);
    let (first, second) = (table.home.secret.clone(), table.second_secret.clone());
    assert_eq!(table.credentials(), [first.clone(), second, first]);
    assert_eq!(
        names(&done),
        [
            "started", "fallback", "started", "fallback", "started", "failed"
        ]
    );
    table.home.assert_settled();
}

#[tokio::test]
async fn a_fallback_without_a_model_goes_on_with_the_one_that_the_rule_names_first() {
    let table = Table::new().await;
    let first = Destination {
        model: Some("opus".to_owned()),
        ..table.first()
    };
    let mut rule = table.to_second(first, Cause::Overloaded);
    rule.fallbacks[0].to.model = None;
    table.put(rule).await;
    let auto = table.home.dispatch.auto(&table.ask(), |_| None).await;
    let auto = auto.unwrap();
    let [fallback] = &auto.fallbacks[..] else {
        panic!("one fallback")
    };
    assert!(fallback.agreement.sentence.contains("for the same model"));
    let model = |way: &Way| way.route.as_ref().map(|route| route.model.clone());
    assert!(model(&auto.first).unwrap().contains("opus"));
    assert_eq!(model(&fallback.way), model(&auto.first));
}
