//! When an open vault locks, and what that stops.

use super::*;

#[tokio::test]
async fn an_explicit_lock_stops_silent_use_until_an_explicit_unlock() {
    let house = House::new();
    let (vault, _) = house.full().await;
    house.vault().unlock_silently().await.unwrap();
    vault.lock().await.unwrap();
    assert_eq!(vault.status().unwrap().lock, Lock::Locked(Why::Asked));
    let calls = house.fake.calls();
    assert_eq!(
        code(house.vault().unlock_silently().await),
        Some(Code::Locked)
    );
    assert_eq!(
        house.fake.calls(),
        calls,
        "the keychain was asked all the same"
    );
    house.vault().unlock(WITH_KEYCHAIN).await.unwrap();
    house.vault().unlock_silently().await.unwrap();
}

#[tokio::test]
async fn a_lock_overtakes_an_unlock_that_still_waits() {
    let house = House::new();
    let (vault, _) = house.full().await;
    vault.lock().await.unwrap();
    house.fake.mood(Mood::Asking);
    let mut notice = vault.keychain().waiting();
    let lock = async {
        notice
            .wait_for(|is_shown| *is_shown)
            .await
            .map(drop)
            .unwrap();
        vault.lock().await.unwrap();
        house.fake.release();
    };
    let (unlocked, ()) = tokio::join!(vault.unlock(WITH_KEYCHAIN), lock);
    assert_eq!(code(unlocked), Some(Code::Locked));
    assert_eq!(code(vault.history_key().await), Some(Code::Locked));
    assert!(!vault.status().unwrap().silent_keychain);
}

#[tokio::test]
async fn an_idle_vault_is_found_locked_however_the_time_passed() {
    let house = House::new();
    let vault = house.with_passphrase().await;
    let start = house.clock.now();
    let minutes = |count: i64| house.clock.set(Millis(start.0 + count * 60_000));
    assert_eq!(vault.status().unwrap().lock_after_minutes, Some(15));
    minutes(14);
    vault.history_key().await.unwrap();
    minutes(28);
    vault.touch();
    minutes(42);
    vault.history_key().await.unwrap();
    minutes(57);
    vault.touch();
    assert_eq!(code(vault.history_key().await), Some(Code::Locked));
    assert_eq!(vault.status().unwrap().lock, Lock::Locked(Why::Idle));
    // The audit was queued before this.
    vault.shared.db.write(|_| Ok(())).await.unwrap();
    assert!(
        house
            .audit()
            .iter()
            .any(|(act, _, _, why)| act == "vault_lock" && why == "idle")
    );
}

#[tokio::test]
async fn the_idle_limit_is_a_setting_and_off_where_the_keychain_opens_the_vault() {
    let house = House::new();
    let (vault, _) = house.full().await;
    assert_eq!(vault.status().unwrap().lock_after_minutes, None);
    set(&house, &LOCK_AFTER_MINUTES, Some(5));
    assert_eq!(vault.status().unwrap().lock_after_minutes, Some(5));
    set(&house, &LOCK_AFTER_MINUTES, Some(0));
    house.clock.set(Millis(house.clock.now().0 + 900 * 60_000));
    vault.history_key().await.unwrap();
    // Set back by a year: nothing has passed, and nothing breaks.
    house
        .clock
        .set(Millis(house.clock.now().0 - 31_536_000_000));
    vault.history_key().await.unwrap();
}

#[tokio::test]
async fn a_data_key_that_was_renewed_elsewhere_locks_the_vault() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, _) = house.store_key(&vault).await;
    house.tamper("UPDATE vault SET generation = 2");
    assert_eq!(code(opens(&vault, &key).await), Some(Code::Locked));
    assert_eq!(vault.status().unwrap().lock, Lock::Locked(Why::Renewed));
}
