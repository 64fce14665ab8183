mod elsewhere;
pub(crate) mod support;

use self::support::{House, Mood, PASSPHRASE, typed};
use super::*;
use crate::clock::Millis;
use crate::settings::Setting;

const WITH_KEYCHAIN: UnlockWith<'_> = UnlockWith::Keychain;

async fn opens(vault: &Vault, key: &KeyId) -> Result<String> {
    let opened = vault.open_key(key, None, "test").await?;
    Ok(opened.expose().to_owned())
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code())
}

fn set<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(
    house: &House,
    setting: &'static Setting<T>,
    value: T,
) {
    house.change(move |store| setting.set(store, &value, Millis(0)));
}

#[tokio::test]
async fn each_slot_opens_the_vault_for_another_process() {
    let house = House::new();
    let (vault, recovery) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    let passphrase = typed(PASSPHRASE);
    for with in [
        WITH_KEYCHAIN,
        UnlockWith::Passphrase(&passphrase),
        UnlockWith::Recovery(&recovery),
    ] {
        let other = house.vault();
        assert_eq!(code(opens(&other, &key).await), Some(Code::Locked));
        other.unlock(with).await.unwrap();
        assert_eq!(opens(&other, &key).await.unwrap(), secret);
        assert_eq!(other.status().unwrap().lock, Lock::Unlocked);
    }
    let used = house.vault().status().unwrap().slots;
    assert_eq!(used.len(), 3);
    assert!(used.iter().all(|slot| slot.last_used_at.is_some()));
}

#[tokio::test]
async fn without_a_vault_everything_says_so() {
    let house = House::new();
    let vault = house.vault();
    let passphrase = typed(PASSPHRASE);
    assert!(!vault.status().unwrap().exists);
    assert_eq!(code(vault.history_key().await), Some(Code::NoVault));
    assert_eq!(code(vault.unlock(WITH_KEYCHAIN).await), Some(Code::NoVault));
    assert_eq!(
        code(vault.unlock(UnlockWith::Passphrase(&passphrase)).await),
        Some(Code::NoVault)
    );
    assert_eq!(code(vault.unlock_silently().await), Some(Code::NoVault));
    assert_eq!(code(vault.lock().await), Some(Code::NoVault));
}

#[tokio::test]
async fn a_wrong_passphrase_and_another_vaults_code_are_told_from_damage() {
    let (house, other) = (House::new(), House::new());
    let (vault, recovery) = house.full().await;
    let (_, foreign) = other.full().await;
    vault.lock().await.unwrap();
    let wrong = typed("six sheep walk home late");
    assert_eq!(
        code(vault.unlock(UnlockWith::Passphrase(&wrong)).await),
        Some(Code::WrongPassphrase)
    );
    assert_eq!(
        code(vault.unlock(UnlockWith::Recovery(&foreign)).await),
        Some(Code::WrongPassphrase)
    );
    house.tamper(
        "UPDATE vault_slots SET wrapped = zeroblob(length(wrapped)) WHERE kind = 'recovery'",
    );
    assert_eq!(
        code(vault.unlock(UnlockWith::Recovery(&recovery)).await),
        Some(Code::Damaged)
    );
    let right = typed(PASSPHRASE);
    vault.unlock(UnlockWith::Passphrase(&right)).await.unwrap();
}

#[tokio::test]
async fn a_weakened_derivation_is_damage_and_not_a_wrong_passphrase() {
    let house = House::new();
    house.with_passphrase().await;
    house.tamper("UPDATE vault_slots SET kdf = replace(kdf, '\"t\":2', '\"t\":3')");
    let passphrase = typed(PASSPHRASE);
    let outcome = house
        .vault()
        .unlock(UnlockWith::Passphrase(&passphrase))
        .await;
    assert_eq!(code(outcome), Some(Code::Damaged));
}

#[tokio::test]
async fn a_keychain_that_returns_something_else_is_told_apart() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    vault.lock().await.unwrap();
    for length in [0, 31, 32, 33] {
        house.fake.replace(Some(vec![7; length]));
        let outcome = vault.unlock(WITH_KEYCHAIN).await;
        assert_eq!(
            code(outcome),
            Some(Code::KeychainMismatch),
            "{length} bytes"
        );
    }
    house.fake.replace(None);
    assert_eq!(
        code(vault.unlock(WITH_KEYCHAIN).await),
        Some(Code::KeychainEmpty)
    );
    house.fake.mood(Mood::Absent);
    assert_eq!(
        code(vault.unlock(WITH_KEYCHAIN).await),
        Some(Code::KeychainUnavailable)
    );
    let passphrase = typed(PASSPHRASE);
    vault
        .unlock(UnlockWith::Passphrase(&passphrase))
        .await
        .unwrap();
    assert_eq!(opens(&vault, &key).await.unwrap(), secret);
}

#[tokio::test]
async fn a_lost_keychain_entry_is_mended_by_setting_the_slot_anew() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    house.fake.replace(None);
    vault.add_slot(NewSlot::Keychain).await.unwrap();
    let other = house.vault();
    other.unlock(WITH_KEYCHAIN).await.unwrap();
    assert_eq!(opens(&other, &key).await.unwrap(), secret);
}

#[tokio::test]
async fn a_vault_with_rows_is_never_given_a_fresh_key() {
    let house = House::new();
    let (vault, _) = house.full().await;
    house.store_key(&vault).await;
    let again = || NewVault {
        passphrase: Some(typed(PASSPHRASE)),
        ..NewVault::default()
    };
    assert_eq!(
        code(house.vault().create(again()).await),
        Some(Code::Duplicate)
    );
    for sql in [
        "DELETE FROM vault",
        "DELETE FROM vault_keys",
        "DELETE FROM vault_slots",
    ] {
        house.tamper(sql);
        let outcome = house.vault().create(again()).await;
        let refused = code(outcome);
        assert!(
            matches!(refused, Some(Code::Duplicate | Code::Damaged)),
            "{sql}: {refused:?}"
        );
    }
    // Nothing is left of the vault but one sealed key.
    assert_eq!(
        code(house.vault().create(again()).await),
        Some(Code::Damaged)
    );
}

#[tokio::test]
async fn without_a_keychain_a_passphrase_alone_does_and_nothing_at_all_does_not() {
    let house = House::new();
    house.fake.mood(Mood::Absent);
    let vault = house.vault();
    let keychain_only = NewVault {
        keychain: true,
        ..NewVault::default()
    };
    assert_eq!(
        code(vault.create(keychain_only).await),
        Some(Code::KeychainUnavailable)
    );
    assert_eq!(
        code(vault.create(NewVault::default()).await),
        Some(Code::BadInput)
    );
    let weak = NewVault {
        passphrase: Some(typed("short")),
        ..NewVault::default()
    };
    assert_eq!(code(vault.create(weak).await), Some(Code::BadInput));
    assert!(!vault.status().unwrap().exists, "something was made");
    let both = NewVault {
        keychain: true,
        passphrase: Some(typed(PASSPHRASE)),
        recovery: false,
    };
    let created = vault.create(both).await.unwrap();
    let why = created.no_keychain.unwrap();
    assert_eq!(why.code(), Code::KeychainUnavailable);
    assert!(!vault.status().unwrap().has(SlotKind::Keychain));
}

#[tokio::test]
async fn a_flipped_bit_damages_its_row_and_no_other() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (one, _) = house.store_key(&vault).await;
    let (two, secret) = house.store_key(&vault).await;
    let (id, blob): (String, Vec<u8>) = house
        .db
        .read(|store| {
            let row = store.query_row(
                "SELECT id, key FROM api_keys WHERE id = ?1",
                [&one],
                |row| Ok((row.get(0)?, row.get(1)?)),
            );
            Ok(row.unwrap())
        })
        .unwrap();
    let mut flipped = blob;
    flipped[20] ^= 1;
    house.change(move |store| {
        store
            .execute("UPDATE api_keys SET key = ?2 WHERE id = ?1", (id, flipped))
            .unwrap();
        Ok(())
    });
    assert_eq!(code(opens(&vault, &one).await), Some(Code::Damaged));
    assert_eq!(opens(&vault, &two).await.unwrap(), secret);
}

#[tokio::test]
async fn blobs_swapped_between_rows_are_damaged() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (one, _) = house.store_key(&vault).await;
    let (two, _) = house.store_key(&vault).await;
    house.tamper(
        "CREATE TEMP TABLE was AS SELECT id, key FROM api_keys;
         UPDATE api_keys SET key = (SELECT was.key FROM was WHERE was.id <> api_keys.id)",
    );
    for key in [one, two] {
        assert_eq!(code(opens(&vault, &key).await), Some(Code::Damaged));
    }
    house.tamper(
        "CREATE TEMP TABLE own AS SELECT purpose, sealed FROM vault_keys;
         UPDATE vault_keys SET sealed =
             (SELECT own.sealed FROM own WHERE own.purpose <> vault_keys.purpose)",
    );
    let other = house.vault();
    other.unlock(WITH_KEYCHAIN).await.unwrap();
    assert_eq!(code(other.history_key().await), Some(Code::Damaged));
}

#[tokio::test]
async fn a_damaged_key_of_the_vaults_own_leaves_the_rest_usable() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    house.tamper("UPDATE vault_keys SET sealed = zeroblob(60) WHERE purpose = 'history'");
    house.tamper("UPDATE vault SET key_check = zeroblob(60)");
    let other = house.vault();
    other.unlock(WITH_KEYCHAIN).await.unwrap();
    assert_eq!(opens(&other, &key).await.unwrap(), secret);
    assert_eq!(code(other.history_key().await), Some(Code::Damaged));
    house.tamper("UPDATE vault_keys SET sealed = zeroblob(60)");
    let outcome = house.vault().unlock(WITH_KEYCHAIN).await;
    assert_eq!(
        code(outcome),
        Some(Code::Damaged),
        "it opens nothing at all"
    );
}

#[tokio::test]
async fn the_same_secret_has_the_same_fingerprint_and_never_the_same_blob() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let key = KeyId::new();
    let secret = ApiKey::new(support::fresh_secret());
    let one = vault.seal_key(&key, None, &secret).await.unwrap();
    let two = vault.seal_key(&KeyId::new(), None, &secret).await.unwrap();
    assert_eq!(one.fingerprint, two.fingerprint);
    assert_ne!(one.sealed, two.sealed);
    let (elsewhere, _) = House::new().full().await;
    let foreign = elsewhere.seal_key(&key, None, &secret).await.unwrap();
    assert_ne!(one.fingerprint, foreign.fingerprint);
}

#[tokio::test]
async fn each_use_is_in_the_audit_before_the_key_is_handed_out() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    vault.open_key(&key, None, "run 7").await.unwrap();
    let peer = vault.on_behalf_of("cli", Some(4242));
    peer.open_key(&key, None, "check").await.unwrap();
    let uses: Vec<_> = house
        .audit()
        .into_iter()
        .filter(|(act, ..)| act == Act::Open.as_str())
        .collect();
    let of = |face: &str, purpose: &str| {
        let key = Some(key.as_str().to_owned());
        ("open".to_owned(), face.to_owned(), key, purpose.to_owned())
    };
    assert_eq!(uses, [of("test", "run 7"), of("cli", "check")]);
    // Where the audit can't be written, no key is handed out.
    house.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'full'); END",
    );
    let outcome = vault.open_key(&key, None, "unseen").await;
    assert!(outcome.is_err());
    assert!(!format!("{:?}", outcome.unwrap_err()).contains(&secret));
}

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
async fn a_slot_is_replaced_and_removed_but_never_the_last_one() {
    let house = House::new();
    let (vault, old_code) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    let new_code = vault.add_slot(NewSlot::Recovery).await.unwrap().unwrap();
    let changed = typed("a wholly different sentence");
    vault.add_slot(NewSlot::Passphrase(&changed)).await.unwrap();
    let other = house.vault();
    let old = typed(PASSPHRASE);
    for with in [
        UnlockWith::Passphrase(&old),
        UnlockWith::Recovery(&old_code),
    ] {
        assert_eq!(code(other.unlock(with).await), Some(Code::WrongPassphrase));
    }
    other.unlock(UnlockWith::Recovery(&new_code)).await.unwrap();
    assert_eq!(opens(&other, &key).await.unwrap(), secret);

    vault.remove_slot(SlotKind::Keychain).await.unwrap();
    assert_eq!(house.fake.entries(), 0, "the entry was left behind");
    vault.remove_slot(SlotKind::Recovery).await.unwrap();
    assert_eq!(
        code(vault.remove_slot(SlotKind::Recovery).await),
        Some(Code::NotFound)
    );
    assert_eq!(
        code(vault.remove_slot(SlotKind::Passphrase).await),
        Some(Code::BadInput)
    );
    let locked = house.vault();
    assert_eq!(
        code(locked.add_slot(NewSlot::Recovery).await),
        Some(Code::Locked)
    );
    assert_eq!(
        code(locked.remove_slot(SlotKind::Passphrase).await),
        Some(Code::Locked)
    );
    locked
        .unlock(UnlockWith::Passphrase(&changed))
        .await
        .unwrap();
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

#[test]
fn what_a_vault_shows_of_itself_holds_no_secret() {
    let house = House::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (vault, code) = runtime.block_on(house.full());
    let shown = format!(
        "{vault:?} {:?} {code:?} {:?}",
        vault.status(),
        UnlockWith::Recovery(&code)
    );
    assert!(!shown.contains(code.expose()));
    assert!(!shown.contains(PASSPHRASE));
}
