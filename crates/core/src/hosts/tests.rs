//! The table of hosts: what is taken, what is refused, what stays.

mod lists;

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::*;
use crate::error::Code;

fn store() -> Connection {
    let store = Connection::open_in_memory().unwrap();
    for sql in [
        include_str!("../../../../migrations/0001_store.sql"),
        include_str!("../../../../migrations/0002_vault_and_keys.sql"),
        include_str!("../../../../migrations/0003_runs.sql"),
        include_str!("../../../../migrations/0006_hosts.sql"),
    ] {
        store.execute_batch(sql).unwrap();
    }
    store
}

fn named(name: &str) -> NewHost {
    NewHost {
        name: name.to_owned(),
        destination: "me@box".to_owned(),
        ..NewHost::default()
    }
}

fn key(filler: u8) -> HostKey {
    use base64::Engine as _;
    let bytes = [&11_u32.to_be_bytes()[..], b"ssh-ed25519", &[filler; 36]].concat();
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    HostKey::parse(&format!("ssh-ed25519 {base64}")).unwrap()
}

#[test]
fn a_host_takes_runs_once_its_key_is_pinned_and_while_it_is_not_paused() {
    let store = store();
    let host = add(&store, named("box"), Millis(1)).unwrap();
    assert_eq!(host.state(Millis(2)), State::Unpinned);
    let host = pin(&store, host.id, &[key(1)], Millis(2)).unwrap();
    assert_eq!(
        (host.state(Millis(3)), host.pinned_at),
        (State::Ready, Some(Millis(2)))
    );
    assert_eq!(
        pause(&store, host.id, true).unwrap().state(Millis(3)),
        State::Paused
    );
    assert_eq!(
        pause(&store, host.id, false).unwrap().state(Millis(3)),
        State::Ready
    );
    assert_eq!(find(&store, "BOX").unwrap().id, host.id);
    assert_eq!(
        find(&store, "other").unwrap_err().advice(),
        Some("There are: box.")
    );
}

#[test]
fn a_host_that_fails_rests_longer_each_time_and_is_well_after_a_success() {
    let store = store();
    let host = add(&store, named("box"), Millis(0)).unwrap();
    pin(&store, host.id, &[key(1)], Millis(0)).unwrap();
    let why = Failure::from(&crate::error::Error::failed("It was down."));
    note_failure(&store, host.id, &why, Millis(0)).unwrap();
    let host = get(&store, host.id).unwrap();
    assert_eq!(host.rests_until, Some(Millis(15_000)));
    assert_eq!(host.last_failure, Some(why.clone()));
    assert_eq!(host.state(Millis(14_999)), State::Resting);
    assert_eq!(host.state(Millis(15_000)), State::Ready);
    note_failure(&store, host.id, &why, Millis(20_000)).unwrap();
    assert_eq!(
        get(&store, host.id).unwrap().rests_until,
        Some(Millis(50_000))
    );
    note_success(&store, host.id).unwrap();
    let host = get(&store, host.id).unwrap();
    assert_eq!(
        (host.failures, host.rests_until, host.last_failure),
        (0, None, None)
    );
}

#[test]
fn what_can_not_be_is_refused_and_nothing_is_changed() {
    let store = store();
    add(&store, named("box"), Millis(1)).unwrap();
    let refused: Vec<NewHost> = vec![
        named(""),
        named("two\nlines"),
        named(&"x".repeat(10_000)),
        NewHost {
            destination: "-oProxyCommand=x".to_owned(),
            ..named("a")
        },
        NewHost {
            destination: "me@box one".to_owned(),
            ..named("a")
        },
        NewHost {
            slots: Some(0),
            ..named("a")
        },
        NewHost {
            slots: Some(SLOTS_MAX + 1),
            ..named("a")
        },
        NewHost {
            port: Some(0),
            ..named("a")
        },
        NewHost {
            identity: Some("id_rsa".to_owned()),
            ..named("a")
        },
        NewHost {
            service_unit: Some("a; reboot".to_owned()),
            ..named("a")
        },
        NewHost {
            service_unit: Some("--help".to_owned()),
            ..named("a")
        },
        NewHost {
            own_command: Some("claude --model x".to_owned()),
            ..named("a")
        },
        NewHost {
            own_command: Some("$(reboot)".to_owned()),
            ..named("a")
        },
        NewHost {
            labels: vec!["x".repeat(1_000)],
            ..named("a")
        },
        NewHost {
            labels: (0..30).map(|n| n.to_string()).collect(),
            ..named("a")
        },
        NewHost {
            own_command: Some("/bin/own".to_owned()),
            key: Some(KeyId::from_text("k")),
            ..named("a")
        },
    ];
    for new in refused {
        let shown = format!("{new:?}").chars().take(200).collect::<String>();
        let error = add(&store, new, Millis(2)).unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{shown}");
    }
    let twin = add(&store, named("b\u{43e}x"), Millis(2)).unwrap_err();
    assert_eq!(twin.code(), Code::Duplicate, "a Cyrillic o");
    assert_eq!(list(&store).unwrap().len(), 1);
}

#[test]
fn names_and_labels_are_stored_exactly_and_found_by_meaning() {
    let store = store();
    let name = "Bóx 👩\u{200D}🚀 \u{202E}one";
    let new = NewHost {
        labels: vec![" GPU ".to_owned(), "gpu".to_owned(), "Ünïcode".to_owned()],
        ..named(name)
    };
    let host = add(&store, new, Millis(1)).unwrap();
    assert_eq!(host.name, name);
    assert_eq!(host.labels, ["GPU", "Ünïcode"]);
    assert!(host.has_label("gpu") && host.has_label("ünïcode") && !host.has_label("cpu"));
}

#[test]
fn a_host_that_goes_elsewhere_must_be_pinned_anew_and_any_other_change_keeps_its_key() {
    let store = store();
    let host = add(&store, named("box"), Millis(1)).unwrap();
    pin(&store, host.id, &[key(1)], Millis(2)).unwrap();
    let change = Edit {
        slots: Some(4),
        labels: Some(vec!["gpu".to_owned()]),
        ..Edit::default()
    };
    let host = edit(&store, host.id, change).unwrap();
    assert_eq!((host.slots, host.host_keys.len()), (4, 1));
    let change = Edit {
        destination: Some("me@other".to_owned()),
        ..Edit::default()
    };
    let host = edit(&store, host.id, change).unwrap();
    assert!(host.host_keys.is_empty() && host.pinned_at.is_none());
    let change = Edit {
        own_command: Some("/bin/own".to_owned()),
        ..Edit::default()
    };
    assert_eq!(
        edit(&store, host.id, change)
            .unwrap()
            .own_command
            .as_deref(),
        Some("/bin/own")
    );
    let change = Edit {
        own_command: Some(String::new()),
        ..Edit::default()
    };
    assert_eq!(edit(&store, host.id, change).unwrap().own_command, None);
}

#[test]
fn a_removed_host_keeps_its_name_for_the_ledger_and_frees_it_for_another() {
    let store = store();
    let host = add(&store, named("box"), Millis(1)).unwrap();
    remove(&store, host.id, Millis(2)).unwrap();
    assert!(list(&store).unwrap().is_empty());
    assert_eq!(get(&store, host.id).unwrap_err().code(), Code::NotFound);
    let kept: String = store
        .query_row("SELECT name FROM hosts WHERE id = ?1", [host.id], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(kept, "box");
    assert_ne!(add(&store, named("box"), Millis(3)).unwrap().id, host.id);
}

#[test]
fn keys_that_were_damaged_in_the_store_are_no_pinned_keys() {
    let store = store();
    let host = add(&store, named("box"), Millis(1)).unwrap();
    pin(&store, host.id, &[key(1)], Millis(2)).unwrap();
    store
        .execute("UPDATE hosts SET host_keys = '[\"ssh-ed25519 AAAA\"]'", [])
        .unwrap();
    assert_eq!(
        get(&store, host.id).unwrap().state(Millis(3)),
        State::Unpinned
    );
}

#[test]
fn what_a_host_answered_is_forgotten_as_soon_as_it_may_be_another_box() {
    let store = store();
    let host = add(&store, named("box"), Millis(1)).unwrap();
    let probed = |host: &Host| {
        assert!(note_probe(&store, host, &Probe::default(), Millis(5)).unwrap());
        get(&store, host.id).unwrap()
    };
    let host = probed(&host);
    let host = pin(&store, host.id, &[key(1)], Millis(2)).unwrap();
    assert_eq!((host.probe.as_ref(), host.probed_at), (None, None));
    let to = |destination: &str| Edit {
        destination: Some(destination.to_owned()),
        ..Edit::default()
    };
    let own = |program: &str| Edit {
        own_command: Some(program.to_owned()),
        ..Edit::default()
    };
    let identity = Edit {
        identity: Some("/k/farm".to_owned()),
        ..Edit::default()
    };
    let port = Edit {
        port: Some(2222),
        ..Edit::default()
    };
    for change in [to("me@other"), port, identity, own("/bin/own"), own("")] {
        let before = probed(&get(&store, host.id).unwrap());
        let after = edit(&store, host.id, change.clone()).unwrap();
        assert_eq!((&after.probe, after.probed_at), (&None, None), "{change:?}");
        // What was asked before the change is no answer of the box that it is now.
        assert!(!note_probe(&store, &before, &Probe::default(), Millis(6)).unwrap());
        assert_eq!(get(&store, host.id).unwrap().probe, None);
    }
    probed(&get(&store, host.id).unwrap());
    let slots = Edit {
        slots: Some(4),
        ..Edit::default()
    };
    assert!(edit(&store, host.id, slots).unwrap().probe.is_some());
}

fn changed_key() -> Failure {
    Failure::from(&crate::error::Error::new(Code::HostKey, "Another key."))
}

#[test]
fn a_changed_key_is_forgotten_neither_with_time_nor_by_a_pause_but_by_a_pin() {
    let store = store();
    let host = add(&store, named("box"), Millis(0)).unwrap();
    let id = host.id;
    pin(&store, id, &[key(1)], Millis(0)).unwrap();
    let down = Failure::from(&crate::error::Error::failed("It was down."));
    let state = || get(&store, id).unwrap().state(Millis(i64::MAX));
    note_failure(&store, id, &down, Millis(0)).unwrap();
    note_failure(&store, id, &changed_key(), Millis(1)).unwrap();
    assert_eq!(state(), State::KeyChanged);
    note_failure(&store, id, &down, Millis(i64::MAX / 2)).unwrap();
    note_success(&store, id).unwrap();
    pause(&store, id, true).unwrap();
    assert_eq!(state(), State::KeyChanged, "it is the gravest");
    pause(&store, id, false).unwrap();
    assert_eq!(state(), State::KeyChanged);
    pin(&store, id, &[key(2)], Millis(9)).unwrap();
    assert_eq!(state(), State::Ready);
    note_failure(&store, id, &changed_key(), Millis(10)).unwrap();
    note_pinned_key(&store, id).unwrap();
    assert_eq!(state(), State::Ready);
}

#[test]
fn an_outage_counts_once_however_many_runs_it_ends() {
    let store = store();
    let host = add(&store, named("box"), Millis(0)).unwrap();
    let down = Failure::from(&crate::error::Error::failed("It was down."));
    for at in 0..8 {
        note_failure(&store, host.id, &down, Millis(at)).unwrap();
    }
    let host = get(&store, host.id).unwrap();
    assert_eq!((host.failures, host.rests_until), (1, Some(Millis(15_000))));
}
