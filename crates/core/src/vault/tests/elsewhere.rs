//! What another hand did to the store, or another process to the lock, counts here too.

use tokio_util::sync::CancellationToken;

use super::support::{House, Mood, typed};
use super::{code, opens};
use crate::db::SqlContext;
use crate::error::Code;
use crate::secret::ApiKey;
use crate::vault::{Act, Custody, Lock, NewSlot, SlotKind, UnlockWith, Why, slots};

#[tokio::test]
async fn a_key_opens_for_the_server_that_it_was_sealed_for_and_no_other() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    let gateway = Some("https://gateway.example");
    assert_eq!(opens(&vault, &key).await.unwrap(), secret);
    let led_away = vault.open_key(&key, gateway, "test").await;
    assert_eq!(code(led_away), Some(Code::Damaged));
    // Nor the other way round: a gateway's key does not go to Anthropic.
    let again = ApiKey::new(secret.clone());
    let sealed = vault.seal_key(&key, gateway, &again).await.unwrap().sealed;
    let row = key.clone();
    house.change(move |store| {
        store
            .execute("UPDATE api_keys SET key = ?2 WHERE id = ?1", (row, sealed))
            .doing("store it")
            .map(drop)
    });
    assert_eq!(code(opens(&vault, &key).await), Some(Code::Damaged));
    let opened = vault.open_key(&key, gateway, "test").await.unwrap();
    assert_eq!(opened.expose(), secret);
}

#[tokio::test]
async fn a_lock_in_one_process_voids_every_unlock_before_it_in_all_others() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let (key, secret) = house.store_key(&vault).await;
    // Nothing but the store connects them: no socket, no watcher.
    let other = house.vault();
    other.unlock(UnlockWith::Keychain).await.unwrap();
    house.vault().lock().await.unwrap();
    for held in [&vault, &other] {
        assert_eq!(code(opens(held, &key).await), Some(Code::Locked));
        assert_eq!(held.status().unwrap().lock, Lock::Locked(Why::Asked));
    }
    other.unlock(UnlockWith::Keychain).await.unwrap();
    assert_eq!(opens(&other, &key).await.unwrap(), secret);
    assert_eq!(code(vault.history_key().await), Some(Code::Locked));
}

#[tokio::test]
async fn a_lock_of_another_process_overtakes_an_unlock_that_still_waits() {
    let house = House::new();
    let (vault, _) = house.full().await;
    vault.lock().await.unwrap();
    house.fake.mood(Mood::Asking);
    let mut notice = vault.keychain().waiting();
    let lock = async {
        let shown = notice.wait_for(|is_shown| *is_shown).await.map(drop);
        shown.unwrap();
        house.vault().lock().await.unwrap();
        house.fake.release();
    };
    let (unlocked, ()) = tokio::join!(vault.unlock(UnlockWith::Keychain), lock);
    assert_eq!(code(unlocked), Some(Code::Locked));
    assert!(!vault.status().unwrap().silent_keychain);
}

#[tokio::test]
async fn whoever_keeps_the_vault_open_notices_the_lock_without_being_told() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let cancel = CancellationToken::new();
    let task = tokio::spawn({
        let (vault, cancel) = (vault.clone(), cancel.clone());
        async move { vault.lock_by_itself(cancel).await }
    });
    let mut lock = vault.watch();
    house.vault().lock().await.unwrap();
    let locked = lock.wait_for(|now| *now == Lock::Locked(Why::Asked)).await;
    drop(locked.unwrap());
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_slot_that_was_replaced_or_removed_is_in_neither_file() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let blob = |kind: SlotKind| -> Vec<u8> {
        let slots = house.db.read(slots::all).unwrap();
        let slot = slots.into_iter().find(|slot| slot.kind == kind).unwrap();
        slot.wrapped
    };
    let is_on_disk = |blob: &[u8]| {
        let files = ["switchyard.db", "switchyard.db-wal"];
        files.iter().any(|name| {
            let bytes = std::fs::read(house.paths.data().join(name)).unwrap();
            bytes.windows(blob.len()).any(|part| part == blob)
        })
    };
    let (passphrase, recovery) = (blob(SlotKind::Passphrase), blob(SlotKind::Recovery));
    assert!(is_on_disk(&passphrase) && is_on_disk(&recovery));
    let changed = typed("a wholly different sentence");
    vault.add_slot(NewSlot::Passphrase(&changed)).await.unwrap();
    assert!(!is_on_disk(&passphrase));
    vault.remove_slot(SlotKind::Recovery).await.unwrap();
    assert!(!is_on_disk(&recovery));
}

#[tokio::test]
async fn whoever_seals_a_key_or_takes_the_historys_is_in_the_audit() {
    let house = House::new();
    let (vault, _) = house.full().await;
    let peer = vault.on_behalf_of("cli", Some(4242));
    let (key, _) = house.store_key(&peer).await;
    peer.history_key().await.unwrap();
    // What was queued before this is written by now.
    vault.shared.db.write(|_| Ok(())).await.unwrap();
    let noted: Vec<_> = house
        .audit()
        .into_iter()
        .filter(|(_, face, ..)| face == "cli")
        .map(|(act, _, key, _)| (act, key))
        .collect();
    let of = |act: Act, key: Option<&str>| (act.as_str().to_owned(), key.map(str::to_owned));
    assert_eq!(
        noted,
        [
            of(Act::Seal, Some(key.as_str())),
            of(Act::OpenHistory, None)
        ]
    );
}
