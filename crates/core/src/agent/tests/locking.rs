//! A lock counts for an agent that can't be told of it.

use tokio::net::UnixStream;

use super::*;
use crate::paths::Paths;
use crate::vault::Vault;

/// An agent with an open vault; the vault stands for what the agent would do.
async fn open_agent(house: &House) -> (Vault, Running) {
    house.full().await;
    let vault = house.vault_of("agent");
    vault.unlock(UnlockWith::Keychain).await.unwrap();
    let server = Server::bind(&house.paths, vault.clone()).unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(server.serve(cancel.clone()));
    (vault, Running { cancel, task })
}

#[tokio::test]
async fn a_lock_counts_for_an_agent_whose_socket_is_flooded() {
    let house = House::new();
    let (vault, agent) = open_agent(&house).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        let socket = house.paths.socket().unwrap();
        idle.push(UnixStream::connect(socket).await.unwrap());
    }
    let ask = Scripted::with(&[]);
    access(&house, "cli", &ask).lock_all().await.unwrap();
    assert_eq!(code(vault.history_key().await), Some(Code::Locked));
    drop(idle);
    agent.end().await;
}

#[tokio::test]
async fn a_lock_counts_for_an_agent_behind_another_socket_and_there_is_never_a_second_one() {
    let house = House::new();
    let (vault, agent) = open_agent(&house).await;
    let data = house.paths.data();
    let elsewhere = Paths::new(data.to_owned(), data.join("elsewhere"));
    let second = Server::bind(&elsewhere, house.vault_of("agent"));
    assert_eq!(code(second), Some(Code::Duplicate));
    let cli = Access::new(elsewhere, house.vault_of("cli"), "cli", Scripted::default());
    assert!(!cli.has_agent().await.unwrap());
    cli.lock_all().await.unwrap();
    assert_eq!(code(vault.history_key().await), Some(Code::Locked));
    agent.end().await;
}
