//! A lock counts for an agent that can't be told of it.

use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::agent::protocol::Answer;
use crate::db::private_folder;
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

/// An agent, a face that types the passphrase, and one that can't.
async fn agent_and_two_faces(house: &House) -> (Vault, Running, Access, Access) {
    house.with_passphrase().await;
    let vault = house.vault_of("agent");
    let server = Server::bind(&house.paths, vault.clone()).unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(server.serve(cancel.clone()));
    let typing = access(house, "cli", &Scripted::with(&[PASSPHRASE; 2]));
    let silent = access(house, "window", &Scripted::with(&[]));
    (vault, Running { cancel, task }, typing, silent)
}

#[tokio::test]
async fn after_a_lock_that_was_asked_for_a_passphrase_serves_only_the_face_that_took_it() {
    let house = House::new();
    let (agents, agent, typing, silent) = agent_and_two_faces(&house).await;
    typing.unlock_all().await.unwrap();
    silent.lock_all().await.unwrap();
    typing.history_key().await.unwrap();
    assert_eq!(code(silent.history_key().await), Some(Code::Locked));
    assert_eq!(code(agents.history_key().await), Some(Code::Locked));
    assert!(!silent.status().await.unwrap().silent_keychain);
    agent.end().await;
}

#[tokio::test]
async fn after_a_lock_for_idleness_a_typed_passphrase_serves_every_face() {
    let house = House::new();
    let (agents, agent, typing, silent) = agent_and_two_faces(&house).await;
    typing.unlock_all().await.unwrap();
    agents.lock_because(Why::Idle);
    assert_eq!(code(silent.history_key().await), Some(Code::Locked));
    typing.history_key().await.unwrap();
    silent.history_key().await.unwrap();
    agents.history_key().await.unwrap();
    agent.end().await;
}

#[tokio::test]
async fn a_lock_that_comes_while_the_passphrase_is_typed_stands_for_the_others() {
    let house = House::new();
    let (agents, agent, _, _) = agent_and_two_faces(&house).await;
    let way = client(&house, "cli").await;
    // The status that said "not locked on request" is old by the time of the answer.
    assert!(way.status().await.unwrap().silent_keychain);
    house.vault_of("other").lock().await.unwrap();
    let passphrase = typed(PASSPHRASE);
    let late = way
        .unlock_for_use(UnlockWith::Passphrase(&passphrase))
        .await;
    assert_eq!(code(late), Some(Code::Locked));
    assert_eq!(code(agents.history_key().await), Some(Code::Locked));
    agent.end().await;
}

/// An agent that says it is open, and that ends in the middle of the call after `answered` others.
fn dying_agent(house: &House, answered: usize) -> JoinHandle<()> {
    private_folder(house.paths.runtime()).unwrap();
    let socket = house.paths.socket().unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let mut status = house.vault().status().unwrap();
    status.lock = Lock::Unlocked;
    tokio::spawn(async move {
        for _ in 0..answered {
            let (mut stream, _) = listener.accept().await.unwrap();
            protocol::read(&mut stream).await.unwrap();
            let status = status.clone();
            let answer = Answer::Status { status };
            protocol::write(&mut stream, &answer).await.unwrap();
        }
        let (mut stream, _) = listener.accept().await.unwrap();
        protocol::read(&mut stream).await.unwrap();
        std::fs::remove_file(socket).unwrap();
    })
}

#[tokio::test]
async fn a_face_whose_agent_ends_in_the_middle_of_a_call_looks_again() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    // The call by which it is found, the one for its status, and the one for the key.
    for answered in 0..3 {
        let agent = dying_agent(&house, answered);
        let access = access(&house, "cli", &Scripted::with(&[]));
        let opened = access.open_key(&key, None, "x").await;
        assert_eq!(opened.unwrap().expose(), secret, "after {answered} answers");
        agent.await.unwrap();
    }
    let agent = dying_agent(&house, 1);
    let access = access(&house, "cli", &Scripted::with(&[]));
    access.unlock_all().await.unwrap();
    agent.await.unwrap();
}

#[tokio::test]
async fn a_lock_that_the_store_does_not_take_wipes_the_keys_of_the_agent_all_the_same() {
    let house = House::new();
    let (vault, agent) = open_agent(&house).await;
    house.tamper(
        "CREATE TRIGGER full BEFORE UPDATE ON vault BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let ask = Scripted::with(&[]);
    let refused = access(&house, "cli", &ask).lock_all().await.unwrap_err();
    assert!(refused.message().contains("is locked, but"), "{refused}");
    assert_eq!(code(vault.history_key().await), Some(Code::Locked));
    agent.end().await;
}

#[tokio::test]
async fn a_lock_does_not_wait_for_an_unlock_under_way() {
    let house = House::new();
    house.full().await;
    house.fake.mood(Mood::Asking);
    let ask = Scripted::with(&[]);
    let access = access(&house, "window", &ask);
    let user = async {
        while ask.0.lock().unwrap().notices.is_empty() {
            tokio::task::yield_now().await;
        }
        access.lock_all().await.unwrap();
        house.fake.release();
    };
    let (opened, ()) = tokio::join!(access.history_key(), user);
    assert_eq!(code(opened), Some(Code::Locked));
}
