//! Lists of hosts that are kept elsewhere: what is followed, and what the user has set.

use super::*;

fn found(hosts: &[(&str, &str)], scope: &str) -> Found {
    let host = |(origin, destination): &(&str, &str)| {
        let new = NewHost {
            destination: (*destination).to_owned(),
            ..named("worker")
        };
        ((*origin).to_owned(), new)
    };
    Found {
        source: Source::Ec2,
        hosts: hosts.iter().map(host).collect(),
        others: Vec::new(),
        tag: None,
        refused: Vec::new(),
        scopes: BTreeSet::from([scope.to_owned()]),
    }
}

#[test]
fn a_list_that_is_imported_again_is_followed_and_what_it_lost_is_marked_and_not_dropped() {
    let store = store();
    let first = found(
        &[
            ("o/eu/i-1", "10.0.0.1"),
            ("o/eu/i-2", "10.0.0.2"),
            ("o/eu/i-3", "bad name"),
        ],
        "o/eu/",
    );
    let brought = bring(&store, first, Millis(1)).unwrap();
    assert_eq!((brought.added.len(), brought.refused.len()), (2, 1));
    assert_eq!(
        brought.added[1].name, "worker (i-2)",
        "each has a name of its own"
    );
    let other = bring(
        &store,
        found(&[("o/us/i-9", "10.9.0.1")], "o/us/"),
        Millis(2),
    )
    .unwrap();
    assert!(
        other.gone.is_empty(),
        "another region says nothing of this one"
    );
    pin(&store, brought.added[0].id, &[key(1)], Millis(3)).unwrap();
    let again = bring(
        &store,
        found(&[("o/eu/i-1", "10.0.0.7")], "o/eu/"),
        Millis(4),
    )
    .unwrap();
    assert_eq!(
        (again.changed.len(), again.gone.len(), again.same),
        (1, 1, 0)
    );
    let moved = &again.changed[0];
    assert_eq!(
        (moved.destination.as_str(), moved.host_keys.len()),
        ("10.0.0.7", 1),
        "it must be the same box"
    );
    assert_eq!(again.gone[0].state(Millis(5)), State::Gone);
    let back = found(
        &[("o/eu/i-1", "10.0.0.7"), ("o/eu/i-2", "10.0.0.2")],
        "o/eu/",
    );
    let back = bring(&store, back, Millis(6)).unwrap();
    assert_eq!(
        (back.same, back.changed.len(), back.changed[0].gone_at),
        (1, 1, None)
    );
}

#[test]
fn a_list_that_is_only_looked_at_changes_nothing_and_says_what_taking_it_over_would() {
    let store = store();
    let looked = |hosts: &[(&str, &str)]| {
        let found = found(hosts, "a/eu/");
        preview(&store, found, Millis(1)).unwrap()
    };
    let names = |hosts: &[Host]| {
        hosts
            .iter()
            .map(|host| host.name.clone())
            .collect::<Vec<_>>()
    };
    let brought = looked(&[("a/eu/i-1", "me@10.0.0.1")]);
    assert_eq!(names(&brought.added), ["worker"]);
    assert_eq!(list(&store).unwrap(), []);
    let first = found(&[("a/eu/i-1", "me@10.0.0.1")], "a/eu/");
    bring(&store, first, Millis(2)).unwrap();
    let before = list(&store).unwrap();
    let brought = looked(&[("a/eu/i-2", "me@10.0.0.2")]);
    assert_eq!(names(&brought.gone), ["worker"]);
    assert_eq!(names(&brought.added), ["worker (i-2)"]);
    assert_eq!(list(&store).unwrap(), before);
}

#[test]
fn an_empty_list_is_about_the_one_region_that_is_known_and_refused_where_there_are_several() {
    let store = store();
    let none = || Found {
        scopes: BTreeSet::new(),
        ..found(&[], "")
    };
    assert_eq!(bring(&store, none(), Millis(1)).unwrap().gone, []);
    bring(
        &store,
        found(&[("o/eu/i-1", "10.0.0.1")], "o/eu/"),
        Millis(1),
    )
    .unwrap();
    add(&store, named("by hand"), Millis(1)).unwrap();
    let gone = bring(&store, none(), Millis(2)).unwrap().gone;
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].origin.as_deref(), Some("o/eu/i-1"));
    let both = found(&[("o/us/i-9", "10.9.0.1")], "o/us/");
    bring(&store, both, Millis(3)).unwrap();
    let refused = bring(&store, none(), Millis(4)).unwrap_err();
    assert_eq!(refused.code(), Code::BadInput);
    assert!(refused.advice().is_some());
}

#[test]
fn a_destination_that_the_user_has_set_is_kept_and_the_rest_follows_the_list() {
    let store = store();
    let at = |destination: &str| {
        let list = found(&[("o/eu/i-1", destination)], "o/eu/");
        bring(&store, list, Millis(1)).unwrap();
        list_of(&store)
    };
    let set = |destination: &str| {
        let id = list(&store).unwrap()[0].id;
        let change = Edit {
            destination: Some(destination.to_owned()),
            ..Edit::default()
        };
        edit(&store, id, change).unwrap();
    };
    assert_eq!(at("ubuntu@10.0.0.1"), "ubuntu@10.0.0.1");
    assert_eq!(at("10.0.0.2"), "ubuntu@10.0.0.2", "no user is named now");
    assert_eq!(at("admin@10.0.0.2"), "admin@10.0.0.2");
    set("me@10.0.0.2");
    assert_eq!(at("admin@10.0.0.3"), "me@10.0.0.3");
    set("me@worker.internal");
    assert_eq!(at("admin@10.0.0.4"), "me@worker.internal");
    // What the list says is what it follows again.
    set("me@10.0.0.4");
    assert_eq!(at("admin@10.0.0.5"), "me@10.0.0.5");
}

fn list_of(store: &Connection) -> String {
    list(store).unwrap()[0].destination.clone()
}

#[test]
fn an_instance_that_has_lost_its_tag_is_gone_and_one_of_another_tag_is_not() {
    let store = store();
    let tagged = |tag: &str, hosts: &[(&str, &str)], others: &[&str]| {
        let list = Found {
            others: others.iter().map(|other| (*other).to_owned()).collect(),
            tag: Some(tag.to_owned()),
            ..found(hosts, "o/eu/")
        };
        bring(&store, list, Millis(1)).unwrap()
    };
    tagged("role=farm", &[("o/eu/i-1", "10.0.0.1")], &["o/eu/i-2"]);
    let other = tagged("role=gpu", &[("o/eu/i-2", "10.0.0.2")], &["o/eu/i-1"]);
    assert_eq!((other.added.len(), other.gone.len()), (1, 0));
    let lost = tagged("role=farm", &[], &["o/eu/i-1", "o/eu/i-2"]);
    let origins: Vec<_> = lost
        .gone
        .iter()
        .map(|host| host.origin.as_deref())
        .collect();
    assert_eq!(origins, [Some("o/eu/i-1")]);
    let back = tagged("role=farm", &[("o/eu/i-1", "10.0.0.1")], &["o/eu/i-2"]);
    assert_eq!(back.changed.len(), 1);
}
