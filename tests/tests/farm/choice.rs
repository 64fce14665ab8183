//! Which of several hosts a run may go to, before anything is sent.

use switchyard_core::Code;
use switchyard_core::error::Failure;
use switchyard_core::hosts::{Edit, Probe, note_probe};
use switchyard_core::keys;

use switchyard_tests::sshd::ANSWERS;

use super::payers::{store, theirs, with_vault};
use super::*;

/// Returns who would pay, and where the run may go.
async fn route(house: &House) -> Result<(String, Vec<String>), Error> {
    let dispatch = house.app.dispatch_quietly()?;
    let route = dispatch.preflight(theirs(house), |_| None).await?.route;
    let hosts = route.farm.into_iter().flat_map(|farm| farm.hosts);
    Ok((route.payer, hosts.map(|host| host.name).collect()))
}

fn paid_by(key: &keys::Key) -> Edit {
    Edit {
        key: Some(key.id.clone()),
        ..Edit::default()
    }
}

#[tokio::test]
async fn who_pays_is_the_same_however_busy_the_hosts_are() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    store(&house, &server, "Active").await;
    let (other, _) = store(&house, &server, "Other").await;
    let first = house.host(&sshd, "a", 2).await;
    let second = house.host(&sshd, "b", 2).await;
    house
        .app
        .edit_host(second.id, paid_by(&other))
        .await
        .unwrap();
    let idle = route(&house).await.unwrap();
    let slot = take_slot(&house, &first);
    assert_eq!(route(&house).await.unwrap(), idle);
    drop(slot);
    assert_eq!(idle, ("Active".to_owned(), vec!["a".to_owned()]));
    assert_eq!(route(&house).await.unwrap(), idle);
}

#[tokio::test]
async fn a_host_whose_key_is_gone_leaves_the_run_to_the_others_and_is_named_where_it_is_the_only_one()
 {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    store(&house, &server, "Active").await;
    let (gone, _) = store(&house, &server, "Gone").await;
    let first = house.host(&sshd, "a", 1).await;
    let second = house.host(&sshd, "b", 1).await;
    house.app.edit_host(first.id, paid_by(&gone)).await.unwrap();
    let db = house.app.db().unwrap();
    keys::remove(db, &gone.id, "test").await.unwrap();
    let found = route(&house).await.unwrap();
    assert_eq!(found, ("Active".to_owned(), vec!["b".to_owned()]));
    house.app.pause_host(second.id, true).await.unwrap();
    let error = route(&house).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(
        error.message().starts_with("The key of a can't pay"),
        "{error}"
    );
}

#[tokio::test]
async fn a_host_that_another_process_has_moved_is_not_reached_over_the_old_connection() {
    let (before, after) = (Sshd::start(), Sshd::start());
    let house = House::new(&before).await;
    let host = house.host(&before, "box", 1).await;
    house.answer("Hello?").await;
    let identity = std::fs::read_to_string(before.root().join("id.pub")).unwrap();
    std::fs::write(after.root().join("authorized_keys"), identity).unwrap();
    after.claude("box", &format!("{ANSWERS}\nready; answers Moved"));
    let (port, key) = (after.port(), after.key());
    // Past this process's farm, as another one does it.
    let move_it = house.app.write(move |store, now| {
        let change = Edit {
            port: Some(port),
            ..Edit::default()
        };
        hosts::edit(store, host.id, change)?;
        hosts::pin(store, host.id, &[key], now)
    });
    move_it.await.unwrap();
    assert_eq!(house.answer("Hello?").await, "Moved");
}

#[tokio::test]
async fn a_host_that_was_in_trouble_is_tried_where_there_is_no_other() {
    let sshd = Sshd::start();
    let house = House::new(&sshd).await;
    let server = with_vault(&house).await;
    store(&house, &server, "Active").await;
    let first = house.host(&sshd, "a", 1).await;
    let second = house.host(&sshd, "b", 1).await;
    let asked = |host: Host| {
        let trouble = Error::new(Code::HostFailed, "a can't be reached.");
        let probe = Probe {
            trouble: Some(Failure::from(&trouble)),
            ..Probe::default()
        };
        house
            .app
            .write(move |store, now| note_probe(store, &host, &probe, now))
    };
    asked(first).await.unwrap();
    assert_eq!(route(&house).await.unwrap().1, ["b"]);
    asked(second).await.unwrap();
    assert_eq!(route(&house).await.unwrap().1, ["a", "b"]);
}
