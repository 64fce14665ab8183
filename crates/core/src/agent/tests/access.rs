//! In which order a face looks for an open vault, and what its user sees of it.

use super::*;

#[tokio::test]
async fn a_locked_agent_is_unlocked_by_the_first_face_and_the_second_is_not_asked() {
    let house = House::new();
    let vault = house.with_passphrase().await;
    let (key, secret) = house.store_key(&vault).await;
    let agent = Running::start(&house);
    let (first, second) = (Scripted::with(&[PASSPHRASE]), Scripted::with(&[]));
    let (one, two) = (
        access(&house, "cli", &first),
        access(&house, "window", &second),
    );
    assert_eq!(first.asked(), 0, "nothing is opened before it is needed");
    let (a, b) = tokio::join!(one.open_key(&key, None, "x"), one.history_key());
    assert_eq!(a.unwrap().expose(), secret);
    assert!(b.is_ok());
    assert_eq!(
        two.open_key(&key, None, "x").await.unwrap().expose(),
        secret
    );
    assert_eq!((first.asked(), second.asked()), (1, 0));
    agent.end().await;
}

#[tokio::test]
async fn without_an_agent_the_keychain_opens_in_silence_until_it_is_told_not_to() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, _) = house.store_key(&vault).await;
    let ask = Scripted::with(&[]);
    let open = async || code(access(&house, "cli", &ask).open_key(&key, None, "x").await);
    assert_eq!(open().await, None);
    access(&house, "cli", &ask).lock_all().await.unwrap();
    assert_eq!(open().await, Some(Code::Locked));
    assert_eq!(ask.asked(), 1);
    access(&house, "cli", &ask).unlock_all().await.unwrap();
    assert_eq!(open().await, None);
}

#[tokio::test]
async fn a_keychain_that_fails_leads_to_the_question_with_its_reason() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    house.fake.replace(None);
    let ask = Scripted::with(&["not this one", PASSPHRASE]);
    let access = access(&house, "cli", &ask);
    let opened = access.open_key(&key, None, "x").await.unwrap();
    assert_eq!(opened.expose(), secret);
    assert_eq!(
        ask.0.lock().unwrap().troubles,
        [Code::KeychainEmpty, Code::WrongPassphrase]
    );
    let nobody = Scripted::with(&[]);
    let refused = Access::new(
        house.paths.clone(),
        house.vault_of("cli"),
        "cli",
        nobody.clone(),
    );
    let error = refused.history_key().await.unwrap_err();
    assert_eq!(error.code(), Code::Locked);
    assert!(error.message().contains("no entry"), "{error}");
}

#[tokio::test]
async fn three_wrong_answers_are_enough() {
    let house = House::new();
    house.with_passphrase().await;
    let ask = Scripted::with(&["wrong one", "wrong two", "wrong three", PASSPHRASE]);
    let outcome = access(&house, "cli", &ask).history_key().await;
    assert_eq!(code(outcome), Some(Code::WrongPassphrase));
    assert_eq!(ask.asked(), 3);
}

#[tokio::test]
async fn a_vault_locked_in_between_is_opened_again_and_an_ended_agent_replaced() {
    let house = House::new();
    let vault = house.with_passphrase().await;
    let (key, secret) = house.store_key(&vault).await;
    let agent = Running::start(&house);
    let ask = Scripted::with(&[PASSPHRASE; 4]);
    let access = access(&house, "cli", &ask);
    let lock = async || client(&house, "other").await.lock().await.unwrap();
    for times in [1, 2] {
        let opened = access.open_key(&key, None, "x").await.unwrap();
        assert_eq!((opened.expose(), ask.asked()), (secret.as_str(), times));
        lock().await;
    }
    access.unlock_all().await.unwrap();
    agent.end().await;
    let opened = access.open_key(&key, None, "x").await.unwrap();
    assert_eq!((opened.expose(), ask.asked()), (secret.as_str(), 4));
}

#[tokio::test]
async fn an_agent_locks_an_idle_vault_by_itself() {
    let house = House::new();
    house.with_passphrase().await;
    let vault = house.vault_of("agent");
    let server = Server::bind(&house.paths, vault.clone()).unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(server.serve(cancel.clone()));
    let passphrase = typed(PASSPHRASE);
    let client = client(&house, "cli").await;
    let with = UnlockWith::Passphrase(&passphrase);
    client.unlock(with).await.unwrap();
    house
        .clock
        .set(Millis(house.clock.now().0 + 15 * 60 * 1000));
    // Any change of the store makes the agent look at the clock again.
    house.tamper("DELETE FROM budgets");
    let mut lock = vault.watch();
    let reason = Lock::Locked(Why::Idle);
    let locked = lock.wait_for(|now| *now == reason).await.map(drop);
    locked.unwrap();
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_wait_for_the_keychains_owner_is_shown_by_the_face_that_asked() {
    let house = House::new();
    house.full().await;
    let agent = Running::start(&house);
    house.fake.mood(Mood::Asking);
    let ask = Scripted::with(&[]);
    let access = access(&house, "cli", &ask);
    let owner = async {
        while ask.0.lock().unwrap().notices.is_empty() {
            tokio::task::yield_now().await;
        }
        house.fake.release();
    };
    let (outcome, ()) = tokio::join!(access.history_key(), owner);
    outcome.unwrap();
    assert_eq!(ask.0.lock().unwrap().notices, [true, false]);
    agent.end().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_its_wait() {
    let house = House::new();
    house.full().await;
    let vault = house.vault_of("agent");
    let server = Server::bind(&house.paths, vault.clone()).unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(server.serve(cancel.clone()));
    house.fake.mood(Mood::Asking);
    let client = client(&house, "cli").await;
    let mut notice = vault.keychain().waiting();
    {
        let unlocking = client.unlock(UnlockWith::Keychain);
        let shown = async { notice.wait_for(|is_shown| *is_shown).await.map(drop) };
        tokio::select! {
            _ = unlocking => panic!("it was answered"),
            shown = shown => shown.unwrap(),
        }
    }
    let gone = notice.wait_for(|is_shown| !*is_shown).await.map(drop);
    gone.unwrap();
    house.fake.release();
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_wait_that_is_given_up_ends_in_the_question_with_its_reason() {
    let house = House::new();
    house.full().await;
    house.fake.mood(Mood::Asking);
    let ask = Scripted::with(&[PASSPHRASE]);
    let access = access(&house, "window", &ask);
    let user = async {
        while ask.0.lock().unwrap().notices.is_empty() {
            tokio::task::yield_now().await;
        }
        access.stop_waiting();
    };
    let (outcome, ()) = tokio::join!(access.history_key(), user);
    outcome.unwrap();
    let script = ask.0.lock().unwrap();
    assert_eq!(script.notices, [true, false]);
    assert_eq!(script.troubles, [Code::KeychainUnavailable]);
    drop(script);
    house.fake.release();
}
