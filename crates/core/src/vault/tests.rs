mod damage;
mod elsewhere;
mod locking;
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
