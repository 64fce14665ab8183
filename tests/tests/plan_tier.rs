//! The subscription tier from draft to ledger: the real CLI, a real store, the simulator as server.

#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use switchyard_core::agent::{Answered, Ask as AskUser, Asked, Question};
use switchyard_core::child::{self, Environment};
use switchyard_core::claude::Account;
use switchyard_core::clock::Clock;
use switchyard_core::consent::{self, Subject};
use switchyard_core::dispatch::routing::{Cause, Destination, Fallback, Rule, Through};
use switchyard_core::dispatch::{
    Ask, Class, Details, Outcome, PayWith, Request, RunEvent, State, channel,
};
use switchyard_core::id::{KeyId, RunId};
use switchyard_core::keys::{self, Edit, NewKey, Source};
use switchyard_core::paths::Paths;
use switchyard_core::plan::{self, Place, PlanLogin};
use switchyard_core::secret::{ApiKey, Passphrase};
use switchyard_core::usage::{Basis, Nano, Payer, Tier};
use switchyard_core::vault::NewVault;
use switchyard_core::{App, Code, Remedy};
use switchyard_simulator::{KeyState, Match, Reply, Script, Simulator};
use switchyard_tests::{Planted, real_cli};
use tokio_util::sync::CancellationToken;

const VARIABLE: &str = "PLAN_TOKEN_OF_THE_TEST";

/// Nobody is asked.
struct Nobody;

impl AskUser for Nobody {
    fn ask<'a>(&'a self, _question: &'a Question) -> Asked<'a> {
        Box::pin(std::future::ready(None::<Answered>))
    }
}

/// A store with a login in a variable, and consent to use it.
struct House {
    _folder: tempfile::TempDir,
    app: App,
    server: Simulator,
    token: String,
}

impl House {
    async fn new(cli: &Path, script: Script) -> Self {
        let token = Planted::default().key("sk-ant-oat01-");
        Self::with_token(cli, script, token).await
    }

    async fn with_token(cli: &Path, script: Script, token: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Simulator::start(script.key(&token, KeyState::Valid)).await;
        let paths = Paths::under(&folder.path().join("store"));
        let app = App::at(paths, Clock::system(), "test", Arc::new(Nobody));
        let app = app.simulated(server.address()).unwrap();
        let cli = Some(cli.to_owned());
        let login = PlanLogin {
            name: "work".to_owned(),
            place: Place::Variable {
                variable: VARIABLE.to_owned(),
            },
        };
        let set = app.write(move |store, now| {
            plan::PROGRAM.set(store, &cli, now)?;
            plan::add(store, login, now)?;
            plan::select(store, "work", now)?;
            let version = Subject::Subscription.text().version;
            consent::accept(store, Subject::Subscription, &version, "test", now).map(drop)
        });
        set.await.unwrap();
        Self {
            _folder: folder,
            app,
            server,
            token,
        }
    }

    fn ask(prompt: &str, reply_to: Option<RunId>) -> Ask {
        Ask {
            pay_with: match reply_to {
                Some(_) => PayWith::Usual,
                None => PayWith::Plan { login: None },
            },
            class: Class::Interactive,
            reply_to,
            request: Request {
                prompt: prompt.to_owned(),
                ..Request::default()
            },
        }
    }

    async fn send(&self, ask: Ask) -> (Vec<RunEvent>, Outcome) {
        let dispatch = self.app.dispatch_quietly().unwrap();
        let variable = |name: &str| (name == VARIABLE).then(|| self.token.clone());
        let prepared = dispatch.preflight(ask, variable).await.unwrap();
        assert_eq!(prepared.at_most(), Some(Nano(0)), "no dollars leave");
        let (sink, mut events) = channel();
        let run = dispatch.run(prepared, sink, CancellationToken::new());
        let listen = async {
            let mut all = Vec::new();
            while let Some(event) = events.recv().await {
                all.push(event);
            }
            all
        };
        let (outcome, events) = tokio::join!(run, listen);
        (events, outcome.unwrap())
    }

    /// Stores a key that the server knows, in a vault that is open.
    async fn store_key(&self, secret: &str) -> KeyId {
        let vault = NewVault {
            passphrase: Some(Passphrase::new("seven lanterns on the viaduct".to_owned())),
            ..NewVault::default()
        };
        self.app.vault().unwrap().create(vault).await.unwrap();
        let new = NewKey {
            secret: ApiKey::new(secret.to_owned()),
            source: Source::Manual,
            base_url: Some(self.server.base_url()),
            labels: Edit {
                name: Some("Stored".to_owned()),
                ..Edit::default()
            },
            unchecked: false,
            select: false,
        };
        let access = self.app.access_quietly().unwrap();
        let (db, http) = (self.app.db().unwrap(), self.app.http().unwrap());
        let added = keys::add(db, access.as_ref(), http, new, "test").await;
        added.unwrap().key.id
    }

    async fn show(&self, run: RunId) -> Details {
        let dispatch = self.app.dispatch_quietly().unwrap();
        dispatch.show(run).await.unwrap()
    }
}

fn text(events: &[RunEvent]) -> String {
    let pieces = events.iter().filter_map(|event| match event {
        RunEvent::Text { text } => Some(text.as_str()),
        _ => None,
    });
    pieces.collect()
}

#[tokio::test]
async fn a_prompt_goes_through_the_plan_and_is_booked_without_dollars() {
    const NAME: &str = "plan_tier::a_prompt_goes_through_the_plan_and_is_booked_without_dollars";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let reply = Reply::text("By the plan.");
    let house = House::new(&cli, Script::new().reply(reply)).await;
    let (events, outcome) = house.send(House::ask("Who pays?", None)).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(text(&events), "By the plan.");
    let receipt = &outcome.receipt;
    assert_eq!(
        (receipt.tier, receipt.state),
        (Tier::Subscription, State::Finished)
    );
    assert_eq!(receipt.payer, Payer::Plan("work".to_owned()));
    let booked = receipt.booked.as_ref().unwrap();
    assert_eq!(booked.basis, Basis::Plan);
    assert!(
        booked.cost.is_some_and(|cost| cost > Nano(0)),
        "what it would have cost"
    );
    let proof = receipt.proof.as_deref().unwrap();
    assert!(proof.contains("CLAUDE_CODE_OAUTH_TOKEN"), "{proof}");
    assert_eq!(house.show(receipt.run).await.proof.as_deref(), Some(proof));
    let requests = house.server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].credential(), Some(&*house.token));
    let known = house
        .app
        .read(|store, _| plan::known(store, "work"))
        .unwrap();
    let limits = known.limits.expect("the limits were told");
    assert_eq!(limits.windows[0].kind, "five_hour");
    assert_eq!(limits.windows[0].used, Some(0.62));
}

#[tokio::test]
async fn without_consent_nothing_is_started_and_the_way_says_why() {
    const NAME: &str = "plan_tier::without_consent_nothing_is_started_and_the_way_says_why";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let house = House::new(&cli, Script::new()).await;
    let withdrawn = house
        .app
        .write(|store, now| consent::withdraw(store, Subject::Subscription, "test", now).map(drop));
    withdrawn.await.unwrap();
    let dispatch = house.app.dispatch_quietly().unwrap();
    let ask = House::ask("Who pays?", None);
    let refused = dispatch.preflight(ask.clone(), |_| None).await.unwrap_err();
    assert_eq!(refused.code(), Code::ConsentNeeded);
    let ways = dispatch.ways(&ask, |_| None).await;
    let way = ways
        .iter()
        .find(|way| way.tier == Tier::Subscription)
        .unwrap();
    assert_eq!(way.why_not.as_ref().unwrap().code, Code::ConsentNeeded);
    assert!(house.server.requests().is_empty());
}

#[tokio::test]
async fn a_reply_goes_on_in_the_same_process() {
    const NAME: &str = "plan_tier::a_reply_goes_on_in_the_same_process";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let script = Script::new()
        .reply(Reply::text("One."))
        .reply(Reply::text("Two."));
    let house = House::new(&cli, script).await;
    let vault = NewVault {
        passphrase: Some(Passphrase::new("seven lanterns on the viaduct".to_owned())),
        ..NewVault::default()
    };
    house.app.vault().unwrap().create(vault).await.unwrap();
    let (_, first) = house.send(House::ask("First?", None)).await;
    assert!(first.error.is_none(), "{:?}", first.error);
    assert!(
        first.receipt.is_kept,
        "the vault is open, so the text is kept"
    );
    let (events, second) = house
        .send(House::ask("Second?", Some(first.receipt.run)))
        .await;
    assert!(second.error.is_none(), "{:?}", second.error);
    assert_eq!(text(&events), "Two.");
    assert_eq!(second.receipt.conversation, first.receipt.conversation);
    let requests = house.server.requests();
    let sessions: Vec<_> = requests
        .iter()
        .map(|request| {
            request
                .header("x-claude-code-session-id")
                .map(str::to_owned)
        })
        .collect();
    assert!(sessions[0].is_some(), "the process names itself");
    assert_eq!(sessions[0], sessions[1], "one process for one conversation");
    let body = String::from_utf8_lossy(&requests[1].body).into_owned();
    assert!(body.contains("First?") && body.contains("One."), "{body}");
}

#[tokio::test]
async fn a_warm_spare_serves_one_conversation_and_is_gone_then() {
    const NAME: &str = "plan_tier::a_warm_spare_serves_one_conversation_and_is_gone_then";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let house = House::new(&cli, Script::new()).await;
    let dispatch = house.app.dispatch_quietly().unwrap();
    let variable = |name: &str| (name == VARIABLE).then(|| house.token.clone());
    let prepared = dispatch
        .preflight(House::ask("One?", None), variable)
        .await
        .unwrap();
    dispatch.warm(prepared).unwrap();
    let plan = house.app.plan().unwrap();
    while !plan.is_warm().await {
        tokio::task::yield_now().await;
    }
    assert!(house.server.requests().is_empty(), "warming sends nothing");
    let (_, outcome) = house.send(House::ask("One?", None)).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(!plan.is_warm().await, "nobody else gets it");
    let (_, other) = house.send(House::ask("Two?", None)).await;
    assert!(other.error.is_none(), "{:?}", other.error);
    let requests = house.server.requests();
    let body = String::from_utf8_lossy(&requests[1].body);
    assert!(
        !body.contains("One?"),
        "a second conversation knows nothing of the first"
    );
}

#[tokio::test]
async fn while_a_system_prompt_is_typed_no_spare_is_started_for_each_of_its_words() {
    const NAME: &str =
        "plan_tier::while_a_system_prompt_is_typed_no_spare_is_started_for_each_of_its_words";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (counted, program) = (folder.path().join("started"), folder.path().join("claude"));
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--input-format*) echo >> '{}';; esac\nexec '{}' \"$@\"\n",
        counted.display(),
        cli.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let house = House::new(&program, Script::new()).await;
    let dispatch = house.app.dispatch_quietly().unwrap();
    let plan = house.app.plan().unwrap();
    let variable = |name: &str| (name == VARIABLE).then(|| house.token.clone());
    for system in [
        "Answer",
        "Answer as",
        "Answer as a station",
        "Answer briefly.",
    ] {
        let mut ask = House::ask("One?", None);
        ask.request.system = Some(system.to_owned());
        let prepared = dispatch.preflight(ask, variable).await.unwrap();
        dispatch.warm(prepared).unwrap();
    }
    while !plan.is_warm().await {
        tokio::task::yield_now().await;
    }
    let started = std::fs::read_to_string(&counted).unwrap().lines().count();
    assert!((1..=2).contains(&started), "{started} were started");
    let mut ask = House::ask("One?", None);
    ask.request.system = Some("Answer briefly.".to_owned());
    let (_, outcome) = house.send(ask).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(!plan.is_warm().await, "it fits what was typed last");
}

#[tokio::test]
async fn a_login_that_became_somebody_elses_is_told_before_anything_is_sent() {
    const NAME: &str =
        "plan_tier::a_login_that_became_somebody_elses_is_told_before_anything_is_sent";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let house = House::new(&cli, Script::new()).await;
    let other = Account {
        plan: Some("Claude Pro".to_owned()),
        ..Account::default()
    };
    let note = house
        .app
        .write(move |store, _| plan::note_account(store, "work", &other));
    note.await.unwrap();
    let (_, outcome) = house.send(House::ask("Who pays?", None)).await;
    let error = outcome.error.expect("it is told");
    assert!(error.message().contains("another one"), "{error}");
    assert!(
        outcome.receipt.booked.is_none(),
        "nothing was sent, so nothing is booked"
    );
    let (_, again) = house.send(House::ask("Who pays?", None)).await;
    assert!(again.error.is_some(), "sending again means nothing");
    assert!(house.server.requests().is_empty());
    let chosen = house
        .app
        .write(|store, now| plan::select(store, "work", now));
    chosen.await.unwrap();
    let (_, meant) = house.send(House::ask("Who pays?", None)).await;
    assert!(meant.error.is_none(), "{:?}", meant.error);
}

/// Gives this process an `/etc` of its own, without settings that are managed.
async fn bring_etc(folder: &Path) {
    for name in ["hosts", "passwd", "group", "nsswitch.conf"] {
        let _ = std::fs::copy(Path::new("/etc").join(name), folder.join(name));
    }
    let mut mount = child::command(Path::new("/usr/bin/mount"), &Environment::scrubbed_own());
    mount.arg("--bind").arg(folder).arg("/etc");
    let done = child::output(mount, Duration::from_secs(30), 1 << 12)
        .await
        .unwrap();
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[tokio::test]
async fn managed_settings_that_come_while_a_claude_waits_bill_nobody_else() {
    const NAME: &str =
        "plan_tier::managed_settings_that_come_while_a_claude_waits_bill_nobody_else";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let etc = tempfile::tempdir().unwrap();
    bring_etc(etc.path()).await;
    let managed = etc.path().join("claude-code/managed-settings.json");
    std::fs::create_dir(managed.parent().unwrap()).unwrap();
    let key = Planted::default().key("sk-ant-api03-");
    for settings in [
        json!({ "env": { "ANTHROPIC_API_KEY": key } }),
        json!({ "apiKeyHelper": format!("echo {key}") }),
    ] {
        let house = House::new(&cli, Script::new().any_key()).await;
        let vault = NewVault {
            passphrase: Some(Passphrase::new("seven lanterns on the viaduct".to_owned())),
            ..NewVault::default()
        };
        house.app.vault().unwrap().create(vault).await.unwrap();
        let (_, first) = house.send(House::ask("First?", None)).await;
        assert!(first.error.is_none(), "{:?}", first.error);
        let dispatch = house.app.dispatch_quietly().unwrap();
        let variable = |name: &str| (name == VARIABLE).then(|| house.token.clone());
        let next = dispatch.preflight(House::ask("Next?", None), variable);
        dispatch.warm(next.await.unwrap()).unwrap();
        let plan = house.app.plan().unwrap();
        while !plan.is_warm().await {
            tokio::task::yield_now().await;
        }
        std::fs::write(&managed, settings.to_string()).unwrap();
        // The CLI looks for new settings now and then, and tells nobody when it has: it takes some three
        // seconds. Before that, it would bill the plan, which is right as well.
        tokio::time::sleep(Duration::from_secs(6)).await;
        for ask in [
            House::ask("Next?", None),
            House::ask("Second?", Some(first.receipt.run)),
        ] {
            let (_, outcome) = house.send(ask).await;
            let error = outcome.error.expect("nothing may be sent");
            assert_eq!(error.code(), Code::WrongPayer, "{error}");
            assert!(outcome.receipt.booked.is_none());
        }
        let arrived = house.server.requests();
        assert_eq!(arrived.len(), 1, "only the first was sent: {arrived:?}");
        std::fs::remove_file(&managed).unwrap();
    }
}

#[tokio::test]
async fn extra_usage_is_stopped_where_it_is_not_consented_to_and_booked_as_that() {
    const NAME: &str =
        "plan_tier::extra_usage_is_stopped_where_it_is_not_consented_to_and_booked_as_that";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let limits = [
        ("status", "rejected"),
        ("representative-claim", "five_hour"),
        ("reset", "4102444800"),
        ("overage-status", "allowed"),
        ("overage-in-use", "true"),
        ("5h-status", "rejected"),
        ("5h-utilization", "1.0"),
        ("5h-reset", "4102444800"),
    ];
    let reply = limits
        .into_iter()
        .fold(Reply::text("Paid."), |reply, (name, value)| {
            reply.header(format!("anthropic-ratelimit-unified-{name}"), value)
        });
    let house = House::new(&cli, Script::new().otherwise(reply)).await;
    let (_, outcome) = house.send(House::ask("Who pays?", None)).await;
    let error = outcome.error.expect("the default is to stop");
    assert_eq!(error.code(), Code::ConsentNeeded, "{error}");
    let booked = outcome.receipt.booked.expect("what was used is booked");
    assert_eq!(booked.basis, Basis::Extra);
    let dispatch = house.app.dispatch_quietly().unwrap();
    let variable = |name: &str| (name == VARIABLE).then(|| house.token.clone());
    let next = dispatch
        .preflight(House::ask("Again?", None), variable)
        .await;
    assert_eq!(
        next.unwrap_err().code(),
        Code::ConsentNeeded,
        "nothing more is sent"
    );
    assert_eq!(house.server.requests().len(), 1);
    let accept = house.app.write(|store, now| {
        let version = Subject::ExtraUsage.text().version;
        consent::accept(store, Subject::ExtraUsage, &version, "test", now).map(drop)
    });
    accept.await.unwrap();
    let prepared = dispatch
        .preflight(House::ask("Again?", None), variable)
        .await
        .unwrap();
    assert_ne!(
        prepared.at_most(),
        Some(Nano(0)),
        "dollars may leave, and that is said"
    );
}

#[tokio::test]
async fn a_plan_at_its_limit_gives_way_to_the_key_that_was_allowed_and_only_to_that() {
    const NAME: &str =
        "plan_tier::a_plan_at_its_limit_gives_way_to_the_key_that_was_allowed_and_only_to_that";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let house = House::new(&cli, Script::new()).await;
    let secret = Planted::default().key("sk-ant-api03-");
    house.server.set_key(&secret, KeyState::Valid);
    let limit = Reply::error(
        429,
        "rate_limit_error",
        "You have reached a limit of your plan.",
    );
    let of_the_plan = Match::path("/v1/messages").key(&house.token);
    house.server.when(of_the_plan, limit);
    let key = house.store_key(&secret).await;
    let rule = Rule {
        class: Class::Interactive,
        first: Destination {
            through: Through::Subscription { login: None },
            model: None,
            effort: None,
        },
        fallbacks: vec![Fallback {
            cause: Cause::PlanLimit,
            to: Destination {
                through: Through::Metered { key: Some(key) },
                model: Some("haiku".to_owned()),
                effort: None,
            },
        }],
    };
    house.app.set_routing(rule).await.unwrap();
    let ask = || Ask {
        pay_with: PayWith::Auto,
        ..House::ask("Who pays?", None)
    };
    let (_, outcome) = house.send(ask()).await;
    let error = outcome.error.expect("nobody was allowed to stand in");
    assert_eq!(
        error.failure().remedy,
        Some(Remedy::AllowFallback),
        "{error}"
    );
    assert!(outcome.receipt.booked.is_none(), "the plan made nothing");

    let variable = |name: &str| (name == VARIABLE).then(|| house.token.clone());
    let rows = house.app.routing(variable).await.unwrap();
    let version = rows[0].auto.fallbacks[0].agreement.version.clone();
    let allow = house.app.allow_fallback(Class::Interactive, 1, version);
    allow.await.unwrap();
    let (events, outcome) = house.send(ask()).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(events.iter().any(|event| matches!(
        event,
        RunEvent::Fallback { cause: Cause::PlanLimit, to, .. } if to == "Stored"
    )));
    let receipt = &outcome.receipt;
    assert_eq!(
        (receipt.tier, receipt.state),
        (Tier::Metered, State::Finished)
    );
    assert_eq!(receipt.booked.as_ref().unwrap().basis, Basis::Metered);
    let requests = house.server.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.credential(), Some(&*secret));
}

#[tokio::test]
async fn only_claude_holds_the_token_and_neither_it_nor_the_prompt_is_in_a_file() {
    const NAME: &str =
        "plan_tier::only_claude_holds_the_token_and_neither_it_nor_the_prompt_is_in_a_file";
    let Some(cli) = real_cli::inside(NAME).await else {
        return;
    };
    let mut planted = Planted::default();
    let token = planted.key("sk-ant-oat01-");
    let answer = planted.key("answer-");
    let prompt = planted.key("prompt-");
    let arguments = planted.watch_arguments();
    let environments = planted.watch_environments();
    let script = Script::new().reply(Reply::text(&answer));
    let house = House::with_token(&cli, script, token).await;
    let (events, outcome) = house.send(House::ask(&prompt, None)).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(text(&events), answer);
    // It waits for what comes next in its conversation, and is there to be seen.
    while !environments.has_seen() {
        tokio::task::yield_now().await;
    }
    let home = std::env::home_dir().unwrap();
    assert!(house.app.paths().data().starts_with(&home));
    let kept = house.app.paths().kept();
    assert!(
        std::fs::read_dir(&kept).unwrap().next().is_some(),
        "the CLI keeps files of its own, and those are looked at"
    );
    assert_eq!(planted.found_under(&home), Vec::<String>::new());
    assert_eq!(arguments.end(), Vec::<String>::new());
    let program = std::fs::canonicalize(cli).unwrap();
    let only = format!("in the environment of {}", program.display());
    assert_eq!(environments.end(), [only]);
    drop(house);
    assert_eq!(planted.found_under(&home), Vec::<String>::new());
}
