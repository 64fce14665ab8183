//! Who pays on which host, and what a lock ends.

use switchyard_core::dispatch::Prepared;
use switchyard_core::hosts::Edit;
use switchyard_core::id::RunId;
use switchyard_core::keys::{self, NewKey, Source};
use switchyard_core::secret::{ApiKey, Passphrase};
use switchyard_core::usage::{Payer, Tier};
use switchyard_core::vault::NewVault;
use switchyard_core::{Code, Error, Remedy};
use switchyard_simulator::{Script, Simulator};
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::*;

/// Makes the vault, open, and returns the server for keys in it.
pub(super) async fn with_vault(house: &House) -> Simulator {
    let vault = NewVault {
        passphrase: Some(Passphrase::new("seven lanterns on the viaduct".to_owned())),
        ..NewVault::default()
    };
    house.app.vault().unwrap().create(vault).await.unwrap();
    Simulator::start(Script::new().any_key()).await
}

/// Stores a key, and returns it as it was pasted.
pub(super) async fn store(house: &House, server: &Simulator, name: &str) -> (keys::Key, String) {
    let secret = Planted::default().key("sk-ant-api03-");
    let new = NewKey {
        secret: ApiKey::new(secret.clone()),
        source: Source::Manual,
        base_url: Some(format!("http://{}", server.address())),
        labels: keys::Edit {
            name: Some(name.to_owned()),
            ..keys::Edit::default()
        },
        unchecked: false,
        select: false,
    };
    let app = &house.app;
    let vault = app.access().unwrap();
    let added = keys::add(
        app.db().unwrap(),
        &**vault,
        app.http().unwrap(),
        new,
        "test",
    );
    (added.await.unwrap().key, secret)
}

/// Lets a user's `claude` answer with the key that it was given, and the server.
fn shows_its_key(sshd: &Sshd, user: &str) -> std::path::PathBuf {
    let seen = sshd.root().join(format!("seen-by-{user}"));
    let script = format!(
        "{ANSWERS}\necho \"$ANTHROPIC_API_KEY $ANTHROPIC_BASE_URL\" > {}; ready; answers Hello",
        seen.display()
    );
    sshd.claude(user, &script);
    seen
}

pub(super) fn theirs(house: &House) -> Ask {
    let mut ask = house.ask("Hello?", FarmAsk::default());
    ask.pay_with = PayWith::Farm(FarmAsk::default());
    ask
}

#[tokio::test]
async fn the_active_key_pays_or_the_hosts_own_and_a_run_goes_only_where_the_same_one_does() {
    let users = vec![
        ("a-first", "/bin/sh"),
        ("b-second", "/bin/sh"),
        ("c-third", "/bin/sh"),
    ];
    let sshd = Sshd::with(&Setup {
        users,
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    let (active, active_secret) = store(&house, &server, "Active").await;
    let (other, other_secret) = store(&house, &server, "Other").await;
    let first = house.host(&sshd, "a-first", 1).await;
    house.host(&sshd, "b-second", 1).await;
    let third = house.host(&sshd, "c-third", 1).await;
    let change = Edit {
        key: Some(other.id.clone()),
        ..Edit::default()
    };
    house.app.edit_host(third.id, change).await.unwrap();
    let seen = shows_its_key(&sshd, "b-second");
    // The first one fails, and the run goes on where the active key pays as well.
    sshd.claude("a-first", "exit 1");
    let (events, outcome) = house.send(theirs(&house)).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(placed(&events), ["a-first", "b-second"]);
    assert_eq!(outcome.receipt.payer, Payer::Key(active.id.clone()));
    assert!(outcome.receipt.is_kept, "the vault is open");
    let given = std::fs::read_to_string(&seen).unwrap();
    assert_eq!(
        given,
        format!("{active_secret} http://{}\n", server.address())
    );
    // With only the third one left, its own key pays, and it is said before anything is sent.
    for host in [first.id, house.app.hosts().unwrap()[1].host.id] {
        house.app.pause_host(host, true).await.unwrap();
    }
    let dispatch = house.app.dispatch_quietly().unwrap();
    let prepared = dispatch.preflight(theirs(&house), |_| None).await.unwrap();
    let route = &prepared.route;
    assert_eq!(
        (route.payer.as_str(), route.key.as_ref()),
        ("Other", Some(&other.id))
    );
    assert_eq!(route.reason, "because it is the key of c-third");
    let farm = route.farm.as_ref().unwrap();
    assert_eq!(
        farm.hosts
            .iter()
            .map(|host| host.name.as_str())
            .collect::<Vec<_>>(),
        ["c-third"]
    );
    let seen = shows_its_key(&sshd, "c-third");
    let (_, outcome) = house.send(theirs(&house)).await.unwrap();
    assert_eq!(outcome.receipt.payer, Payer::Key(other.id.clone()));
    assert!(
        std::fs::read_to_string(&seen)
            .unwrap()
            .starts_with(&other_secret)
    );
    // A key that is named pays everywhere.
    let named = FarmAsk {
        key: Some(Box::new(PayWith::Key(active.id.clone()))),
        ..FarmAsk::default()
    };
    let (_, outcome) = house.send(house.ask("Hello?", named)).await.unwrap();
    assert_eq!(outcome.receipt.payer, Payer::Key(active.id));
}

#[tokio::test]
async fn a_lock_ends_connections_that_nobody_needs_and_refuses_runs_that_need_a_stored_key() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    store(&house, &server, "Active").await;
    house.host(&sshd, "box", 1).await;
    let go_on = sshd.root().join("go-on");
    let script = format!(
        "{ANSWERS}\nready; begin; text Hel; while [ ! -e {} ]; do sleep 0.05; done; text lo; used; block Hello; success Hello",
        go_on.display()
    );
    sshd.claude("box", &script);
    let sockets = || {
        std::fs::read_dir(house.app.paths().runtime().join("s"))
            .unwrap()
            .count()
    };
    let (heard, has_begun) = tokio::sync::oneshot::channel();
    let mut heard = Some(heard);
    let never = CancellationToken::new();
    let running = house.send_until(theirs(&house), &never, |event| {
        if matches!(event, RunEvent::Text { .. }) {
            heard.take().map(|heard| heard.send(()));
        }
    });
    let locking = async {
        has_begun.await.unwrap();
        house.app.vault().unwrap().lock().await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(sockets(), 2, "a run that goes on keeps its connection");
        let error = house.send(theirs(&house)).await.unwrap_err();
        assert_eq!(error.code(), Code::Locked);
        std::fs::write(&go_on, "").unwrap();
    };
    let (ended, ()) = tokio::join!(running, locking);
    let (events, outcome) = ended.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(text(&events), "Hello");
    assert_eq!(sockets(), 0, "and nobody after it");
}

/// Decides about a reply, and sends nothing.
async fn reply(house: &House, run: RunId, pay_with: PayWith) -> Result<Prepared, Error> {
    let ask = Ask {
        pay_with,
        reply_to: Some(run),
        ..house.ask("And then?", FarmAsk::default())
    };
    let dispatch = house.app.dispatch().unwrap();
    dispatch.preflight(ask, |_| None).await
}

/// Returns who pays, and where.
fn way(prepared: &Prepared) -> (Tier, &str, Vec<&str>) {
    let route = &prepared.route;
    let hosts = route.farm.iter().flat_map(|farm| &farm.hosts);
    let hosts = hosts.map(|host| host.name.as_str()).collect();
    (route.tier, &route.payer, hosts)
}

async fn select(house: &House, key: &keys::Key) {
    let id = key.id.clone();
    let app = &house.app;
    let selected = app.write(move |store, now| keys::select(store, &id, now).map(drop));
    selected.await.unwrap();
}

#[tokio::test]
async fn a_reply_to_a_run_of_the_farm_goes_there_again_with_the_same_payer() {
    let users = vec![("a-first", "/bin/sh"), ("b-second", "/bin/sh")];
    let sshd = Sshd::with(&Setup {
        users,
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    let (work, _) = store(&house, &server, "Work").await;
    let (other, _) = store(&house, &server, "Other").await;
    select(&house, &work).await;
    let first = house.host(&sshd, "a-first", 1).await;
    house.host(&sshd, "b-second", 1).await;
    let only = FarmAsk {
        host: Some(first.id),
        ..FarmAsk::default()
    };
    let mut ask = theirs(&house);
    ask.pay_with = PayWith::Farm(only);
    let (_, outcome) = house.send(ask).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let run = outcome.receipt.run;

    let usual = reply(&house, run, PayWith::Usual).await.unwrap();
    let (tier, payer, mut hosts) = way(&usual);
    hosts.sort_unstable();
    assert_eq!(
        (tier, payer, hosts),
        (Tier::Farm, "Work", vec!["a-first", "b-second"])
    );
    assert_eq!(usual.route.reason, format!("because it paid for run {run}"));
    // Where another key pays meanwhile, no host is shown the one of before but the one that has had it.
    select(&house, &other).await;
    for pay_with in [PayWith::Usual, PayWith::Farm(FarmAsk::default())] {
        let again = reply(&house, run, pay_with).await.unwrap();
        assert_eq!(way(&again), (Tier::Farm, "Work", vec!["a-first"]));
    }
    // Whatever is named decides.
    let metered = reply(&house, run, PayWith::Metered).await.unwrap();
    assert_eq!(way(&metered), (Tier::Metered, "Work", vec![]));
    let named = reply(&house, run, PayWith::Key(other.id.clone()))
        .await
        .unwrap();
    assert_eq!(way(&named), (Tier::Metered, "Other", vec![]));
    let there = FarmAsk {
        host: Some(house.app.hosts().unwrap()[1].host.id),
        ..FarmAsk::default()
    };
    let there = reply(&house, run, PayWith::Farm(there)).await.unwrap();
    assert_eq!(way(&there), (Tier::Farm, "Other", vec!["b-second"]));
    // The tiers side by side have the payer of before in both.
    let ask = Ask {
        pay_with: PayWith::Usual,
        reply_to: Some(run),
        ..house.ask("And then?", FarmAsk::default())
    };
    let ways = house.app.dispatch().unwrap().ways(&ask, |_| None).await;
    let payers: Vec<_> = ways
        .iter()
        .filter_map(|way| Some((way.tier, way.route.as_ref()?.payer.as_str())))
        .collect();
    assert_eq!(payers, [(Tier::Metered, "Work"), (Tier::Farm, "Work")]);

    let ask = Ask {
        pay_with: PayWith::Usual,
        ..ask
    };
    let (events, outcome) = house.send(ask).await.unwrap();
    assert_eq!(placed(&events), ["a-first"]);
    assert_eq!(outcome.receipt.payer, Payer::Key(work.id));
    house.app.pause_host(first.id, true).await.unwrap();
    let error = reply(&house, run, PayWith::Usual).await.unwrap_err();
    let failure = error.failure();
    assert_eq!(
        (failure.code, failure.remedy),
        (Code::NoHost, Some(Remedy::ChoosePayer))
    );
    assert!(
        error.message().contains("was on the farm, paid by Work"),
        "{error}"
    );
    assert!(
        failure
            .hint
            .as_ref()
            .unwrap()
            .contains("go on without the farm")
    );
}

#[tokio::test]
async fn a_reply_shows_no_key_to_another_box_that_has_the_name_of_the_one_before() {
    let sshd = Sshd::with(&Setup {
        users: vec![("before", "/bin/sh"), ("since", "/bin/sh")],
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    let (work, _) = store(&house, &server, "Work").await;
    let (other, _) = store(&house, &server, "Other").await;
    select(&house, &work).await;
    let host = house.host(&sshd, "before", 1).await;
    let (_, outcome) = house.send(theirs(&house)).await.unwrap();
    let run = outcome.receipt.run;
    select(&house, &other).await;
    let again = reply(&house, run, PayWith::Usual).await.unwrap();
    assert_eq!(way(&again), (Tier::Farm, "Work", vec!["before"]));
    let edit = Edit {
        destination: Some(sshd.destination("since")),
        ..Edit::default()
    };
    house.app.edit_host(host.id, edit).await.unwrap();
    house.app.pin_host(host.id, vec![sshd.key()]).await.unwrap();
    let error = reply(&house, run, PayWith::Usual).await.unwrap_err();
    assert_eq!(error.code(), Code::NoHost, "{error}");
    // Where the same key pays anyway, it is not the first to be shown there.
    select(&house, &work).await;
    let there = reply(&house, run, PayWith::Usual).await.unwrap();
    assert_eq!(way(&there), (Tier::Farm, "Work", vec!["before"]));
}

#[tokio::test]
async fn a_reply_to_a_run_that_a_box_paid_for_itself_goes_to_that_box() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    let (work, _) = store(&house, &server, "Work").await;
    select(&house, &work).await;
    let host = house.host(&sshd, "box", 1).await;
    let own = "#!/bin/sh\nANTHROPIC_API_KEY=of-the-box; export ANTHROPIC_API_KEY; exec \"$HOME/.local/bin/claude\" \"$@\"\n";
    let program = sshd.program("box", "claude-own-key", own);
    let change = Edit {
        own_command: Some(program.display().to_string()),
        ..Edit::default()
    };
    house.app.edit_host(host.id, change).await.unwrap();
    let (_, outcome) = house.send(theirs(&house)).await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let run = outcome.receipt.run;
    let usual = reply(&house, run, PayWith::Usual).await.unwrap();
    assert_eq!(way(&usual), (Tier::Farm, "box's own key", vec!["box"]));
    // It has no key that could pay elsewhere.
    let metered = reply(&house, run, PayWith::Metered).await.unwrap();
    assert_eq!(way(&metered), (Tier::Metered, "Work", vec![]));
    // Without its own key it is another payer, and so are all others.
    let change = Edit {
        own_command: Some(String::new()),
        ..Edit::default()
    };
    house.app.edit_host(host.id, change).await.unwrap();
    let error = reply(&house, run, PayWith::Usual).await.unwrap_err();
    assert_eq!(error.code(), Code::NoHost);
    assert!(
        error
            .message()
            .contains("No host on which the same one pays"),
        "{error}"
    );
    house.app.remove_host(host.id).await.unwrap();
    let error = reply(&house, run, PayWith::Usual).await.unwrap_err();
    assert_eq!(error.failure().remedy, Some(Remedy::ChoosePayer));
}

#[tokio::test]
async fn a_host_that_is_changed_while_a_run_waits_for_it_is_not_sent_the_key_that_was_to_pay() {
    let sshd = Sshd::with(&Setup {
        users: vec![("one", "/bin/sh"), ("two", "/bin/sh")],
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    let one = house.host(&sshd, "one", 1).await;
    let seen = sshd.root().join("seen");
    let own = format!(
        "#!/bin/sh\n[ -z \"$ANTHROPIC_API_KEY\" ] || env > {}; exit 1\n",
        seen.display()
    );
    let program = sshd.program("one", "claude-own-key", &own);
    let own_command = |command: String| Edit {
        own_command: Some(command),
        ..Edit::default()
    };
    // Sends while every slot is taken, and frees them when the first host has been changed.
    let waits = async |hosts: &[&Host]| {
        let slots: Vec<_> = hosts.iter().map(|host| take_slot(&house, host)).collect();
        let (heard, is_waiting) = tokio::sync::oneshot::channel();
        let mut heard = Some(heard);
        let never = CancellationToken::new();
        let ask = house.ask("Hello?", FarmAsk::default());
        let running = house.send_until(ask, &never, |event| {
            if matches!(event, RunEvent::Waiting { .. }) {
                heard.take().map(|heard| heard.send(()));
            }
        });
        let changing = async {
            is_waiting.await.unwrap();
            let change = own_command(program.display().to_string());
            house.app.edit_host(one.id, change).await.unwrap();
            drop(slots);
        };
        let (ended, ()) = tokio::join!(running, changing);
        ended.unwrap()
    };
    let (events, outcome) = waits(&[&one]).await;
    let error = outcome.error.unwrap();
    assert_eq!(error.code(), Code::NoHost, "{error}");
    assert!(
        error
            .message()
            .contains("one was changed while the run waited"),
        "{error}"
    );
    assert_eq!((placed(&events).len(), outcome.receipt.booked), (0, None));

    let change = own_command(String::new());
    house.app.edit_host(one.id, change).await.unwrap();
    let two = house.host(&sshd, "two", 1).await;
    let (events, outcome) = waits(&[&one, &two]).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(placed(&events), ["two"], "where it is as it was");
    assert!(!seen.exists(), "no key went to the program of the box");
}
