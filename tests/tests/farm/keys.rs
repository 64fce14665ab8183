//! Host keys and secrets: what is pinned, what is never sent, what is never seen.

use switchyard_core::Code;
use switchyard_core::dispatch::routing::{Cause, Destination, Fallback, Rule, Through};
use switchyard_core::error::Remedy;
use switchyard_core::hosts::State;
use switchyard_core::usage::Tier;
use switchyard_tests::sshd::{ANSWERS, Setup, Sshd};

use super::payers::{store, with_vault};
use super::*;

/// Keeps all that the box was given, outside of its home.
fn keeps(sshd: &Sshd) -> (String, std::path::PathBuf) {
    let heard = sshd.root().join("heard");
    let script = format!(
        "{ANSWERS}\n{{ env; }} > {}; ready; answers Kept",
        heard.display()
    );
    (script, heard)
}

#[tokio::test]
async fn an_unknown_box_is_sent_nothing_until_its_key_was_shown_and_pinned() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.unpinned(&sshd, "box", 1).await;
    let (script, heard) = keeps(&sshd);
    sshd.claude("box", &script);
    let refused = house.failure(FarmAsk::default()).await;
    assert_eq!(refused.code(), Code::HostKey);
    assert_eq!(refused.failure().remedy, Some(Remedy::PinHost));
    let shown = house.app.host_key(host.id).await.unwrap();
    assert_eq!((&shown.key, shown.is_pinned), (&sshd.key(), false));
    let log = sshd.log();
    assert!(
        !log.contains("Accepted"),
        "looking at a key logs nobody in: {log}"
    );
    assert!(!heard.exists());
    house.app.pin_host(host.id, vec![shown.key]).await.unwrap();
    assert_eq!(house.answer("Hello?").await, "Kept");
    assert!(house.app.host_key(host.id).await.unwrap().is_pinned);
}

#[tokio::test]
async fn a_box_with_another_key_gets_not_one_byte_of_a_secret() {
    let mut sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let (script, heard) = keeps(&sshd);
    sshd.claude("box", &script);
    assert_eq!(house.answer("Hello?").await, "Kept");
    std::fs::remove_file(&heard).unwrap();
    house.app.close_farm();
    let pinned = sshd.key().fingerprint();
    sshd.change_key(&Setup::default());
    let before = sshd.log().len();
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), Code::HostKey);
    assert!(error.message().contains("another host key"), "{error}");
    let log = sshd.log()[before..].to_owned();
    assert!(!log.contains("Accepted"), "nobody has logged in: {log}");
    assert!(!heard.exists());
    let now = house.now(host.id);
    assert_eq!(
        (now.failures, now.last_failure.unwrap().code),
        (1, Code::HostKey)
    );
    let shown = house.app.host_key(host.id).await.unwrap();
    assert_eq!((shown.is_pinned, shown.pinned), (false, vec![pinned]));
}

#[tokio::test]
async fn a_changed_key_stops_all_runs_until_a_probe_finds_the_pinned_one_again_or_it_is_pinned_anew()
 {
    let mut sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    assert_eq!(house.answer("Hello?").await, "Hello");
    house.app.close_farm();
    let state = || house.app.hosts().unwrap()[0].state;
    let old = sshd.change_key(&Setup::default());
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!(probe.trouble.unwrap().code, Code::HostKey);
    assert_eq!(state(), State::KeyChanged, "a probe is enough");
    house.app.pause_host(host.id, false).await.unwrap();
    let before = sshd.log();
    let named = || FarmAsk {
        host: Some(host.id),
        ..FarmAsk::default()
    };
    for ask in [FarmAsk::default(), named()] {
        let error = house.failure(ask).await;
        assert_eq!(error.code(), Code::HostKey, "{error}");
        assert_eq!(error.failure().remedy, None, "not the command that pins");
    }
    assert_eq!(sshd.log(), before, "nobody has even knocked");
    sshd.stop();
    house.app.probe_host(host.id).await.unwrap();
    assert_eq!(state(), State::KeyChanged, "silence is no proof");
    sshd.show_again(old, &Setup::default());
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!((probe.trouble, state()), (None, State::Ready));
    assert_eq!(house.answer("Hello?").await, "Hello");
    house.app.close_farm();
    sshd.change_key(&Setup::default());
    house.failure(FarmAsk::default()).await;
    assert_eq!(state(), State::KeyChanged, "a run is enough");
    let pinned = house.app.pin_host(host.id, vec![sshd.key()]).await.unwrap();
    assert_eq!((state(), pinned.probe), (State::Ready, None));
    assert_eq!(house.answer("Hello?").await, "Hello");
}

#[tokio::test]
async fn a_connection_from_before_the_change_is_no_proof_of_the_pinned_key() {
    let (sshd, other) = (Sshd::start(), Sshd::start());
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    assert_eq!(house.answer("Hello?").await, "Hello");
    // From here on the box shows another key than the pinned one; the connection to it still stands.
    let pinned = serde_json::to_string(&[other.key()]).unwrap();
    let why = switchyard_core::Failure::from(&Error::new(Code::HostKey, "Another key."));
    let noted = house.app.write(move |store, now| {
        store
            .execute("UPDATE hosts SET host_keys = ?1", [pinned])
            .unwrap();
        hosts::note_failure(store, host.id, &why, now)
    });
    noted.await.unwrap();
    let probe = house.app.probe_host(host.id).await.unwrap();
    assert_eq!(probe.trouble.unwrap().code, Code::HostKey);
    assert_eq!(house.app.hosts().unwrap()[0].state, State::KeyChanged);
}

#[tokio::test]
async fn a_host_that_has_become_another_box_is_asked_anew_before_it_is_sent_a_key() {
    let sshd = Sshd::with(&Setup {
        users: vec![("box", "/bin/sh"), ("old", "/bin/sh")],
        ..Setup::default()
    });
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    assert_eq!(house.answer("Hello?").await, "Hello");
    let (script, heard) = keeps(&sshd);
    sshd.claude("old", &script);
    let bin = sshd.home("old").join(".local/bin");
    std::fs::write(bin.join("version"), "2.0.1 (Claude Code)\n").unwrap();
    let change = hosts::Edit {
        destination: Some(sshd.destination("old")),
        ..hosts::Edit::default()
    };
    house.app.edit_host(host.id, change).await.unwrap();
    house.app.pin_host(host.id, vec![sshd.key()]).await.unwrap();
    let error = house.failure(FarmAsk::default()).await;
    assert!(error.message().contains("is 2.0.1"), "{error}");
    assert!(!heard.exists(), "its `claude` was not even started");
}

#[tokio::test]
async fn a_store_that_was_edited_by_somebody_leads_to_no_option_of_ssh() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let host = house.host(&sshd, "box", 1).await;
    let mark = sshd.root().join("executed");
    let evil = format!("-oProxyCommand=touch {}", mark.display());
    let edited = house.app.write(move |store, _| {
        store
            .execute("UPDATE hosts SET destination = ?1", [evil])
            .unwrap();
        Ok(())
    });
    edited.await.unwrap();
    let error = house.failure(FarmAsk::default()).await;
    assert_eq!(error.code(), Code::BadInput, "{error}");
    assert!(house.app.host_key(host.id).await.is_err());
    assert!(!mark.exists());
}

#[tokio::test]
async fn the_key_is_seen_nowhere_but_in_the_process_that_it_is_for() {
    let sshd = Sshd::start();
    let mut house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let mut planted = Planted::default();
    house.key = planted.key("sk-ant-api03-");
    let go_on = sshd.root().join("go-on");
    // Stays until both watches have looked at it while it has the key.
    let script = format!(
        "{ANSWERS}\nready; begin; text Half; while [ ! -e {} ]; do sleep 0.05; done; answers Hello",
        go_on.display()
    );
    sshd.claude("box", &script);
    let home = sshd.home("box");
    let before = listing(&home);
    let (arguments, environments) = (planted.watch_arguments(), planted.watch_environments());
    let ask = house.ask("Hello?", FarmAsk::default());
    let never = CancellationToken::new();
    let sending = house.send_until(ask, &never, |event| {
        if matches!(event, RunEvent::Text { .. }) && !go_on.exists() {
            while !environments.has_seen() {
                std::thread::yield_now();
            }
            std::fs::write(&go_on, "").unwrap();
        }
    });
    let (_, outcome) = sending.await.unwrap();
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(arguments.end(), Vec::<String>::new());
    let seen = environments.end();
    assert!(!seen.is_empty(), "the watch sees what there is");
    // `timeout` and the stand-in, a script, with what it calls.
    let is_workers = |place: &String| {
        ["/timeout", "/dash", "/sh", "/sleep", "/dirname"]
            .iter()
            .any(|name| place.ends_with(name))
    };
    assert!(seen.iter().all(is_workers), "{seen:?}");
    assert_eq!(listing(&home), before);
    assert_eq!(
        planted.found_under(sshd.root()),
        Vec::<String>::new(),
        "homes, logs and all"
    );
    assert_eq!(
        planted.found_under(house.folder.path()),
        Vec::<String>::new(),
        "store and sockets"
    );
    // The positive control: what is searched for would be found.
    std::fs::write(home.join("planted"), &house.key).unwrap();
    assert_eq!(planted.found_under(sshd.root()).len(), 1);
}

#[tokio::test]
async fn the_folder_of_sockets_is_private_and_empty_once_the_connections_are_closed() {
    use std::os::unix::fs::PermissionsExt;
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    assert_eq!(house.answer("Hello?").await, "Hello");
    let folder = house.app.paths().runtime().join("s");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|file| file.path())
        .collect();
    assert_eq!(files.len(), 2, "a socket and the pinned key: {files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    house.app.close_farm();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    assert_eq!(
        house
            .now(HostId(1))
            .state(switchyard_core::clock::Millis(0)),
        State::Ready
    );
    assert_eq!(
        house.answer("Again?").await,
        "Hello",
        "the next run opens a new connection"
    );
}

fn listing(folder: &std::path::Path) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            all.extend(listing(&entry.path()));
        } else {
            all.push((entry.path().display().to_string(), about.len()));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn nothing_in_a_persons_own_ssh_configuration_opens_this_machine_or_the_pin() {
    let mut sshd = Sshd::start();
    let house = House::new(&sshd).await;
    house.host(&sshd, "box", 1).await;
    let ran = sshd.root().join("ran");
    let config = format!(
        "Host *\n ForwardAgent yes\n ForwardX11 yes\n RemoteForward 127.0.0.1:0 127.0.0.1:22\n PermitLocalCommand yes\n \
         LocalCommand touch {ran}\n StrictHostKeyChecking no\n NoHostAuthenticationForLocalhost yes\n \
         UserKnownHostsFile /dev/null\n RemoteCommand touch {ran}\n RequestTTY force\n SendEnv *\n \
         ControlMaster auto\n ControlPath {root}/mine\n ControlPersist yes\n",
        ran = ran.display(),
        root = sshd.root().display()
    );
    std::fs::write(sshd.config(), config).unwrap();
    let (script, heard) = keeps(&sshd);
    sshd.claude("box", &script);
    assert_eq!(house.answer("Hello?").await, "Kept");
    let given = std::fs::read_to_string(&heard).unwrap();
    assert!(
        !given.contains("SSH_") && !given.contains("DISPLAY"),
        "{given}"
    );
    assert!(!ran.exists() && !sshd.root().join("mine").exists());
    let log = sshd.log();
    assert!(
        !log.contains("forwarding") && !log.contains("agent"),
        "{log}"
    );
    house.app.close_farm();
    std::fs::remove_file(&heard).unwrap();
    sshd.change_key(&Setup::default());
    assert_eq!(
        house.failure(FarmAsk::default()).await.code(),
        Code::HostKey
    );
    assert!(!heard.exists());
}

#[tokio::test]
async fn a_changed_key_ends_the_run_and_neither_another_host_nor_a_fallback_takes_its_place() {
    let with = |user| Setup {
        users: vec![(user, "/bin/sh")],
        ..Setup::default()
    };
    let (mut sshd, other) = (Sshd::with(&with("first")), Sshd::with(&with("second")));
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    let (work, _) = store(&house, &server, "Work").await;
    house.host(&sshd, "first", 1).await;
    house.host(&other, "second", 1).await;
    let to = |through| Destination {
        through,
        model: None,
        effort: None,
    };
    let rule = Rule {
        class: Class::Task,
        first: to(Through::Farm {
            host: None,
            label: None,
            key: Some(work.id.clone()),
        }),
        fallbacks: vec![Fallback {
            cause: Cause::HostDown,
            to: to(Through::Metered { key: Some(work.id) }),
        }],
    };
    house.app.set_routing(rule).await.unwrap();
    let mut ask = house.ask("Hello?", FarmAsk::default());
    ask.pay_with = PayWith::Auto;
    let dispatch = house.app.dispatch_quietly().unwrap();
    let auto = dispatch.auto(&ask, |_| None).await.unwrap();
    let version = auto.fallbacks[0].agreement.version.clone();
    let allowed = house.app.allow_fallback(Class::Task, 1, version);
    allowed.await.unwrap();
    sshd.change_key(&Setup::default());
    let (events, outcome) = house.send(ask.clone()).await.unwrap();
    let error = outcome.error.unwrap();
    assert_eq!(error.code(), Code::HostKey, "{error}");
    assert_eq!(placed(&events), ["first"], "{events:?}");
    assert_eq!(outcome.receipt.tier, Tier::Farm, "{events:?}");
    // The fallback would have been taken otherwise.
    sshd.stop();
    other.claude("second", "exit 1");
    let (_, outcome) = house.send(ask).await.unwrap();
    assert_eq!(outcome.receipt.tier, Tier::Metered, "{:?}", outcome.error);
}
