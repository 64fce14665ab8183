//! Wrong keys, lost keys and damage, told apart.

use super::*;

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
