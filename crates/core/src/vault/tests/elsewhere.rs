//! What another hand did to the store, or another process to the lock, counts here too.

use super::support::House;
use super::{code, opens};
use crate::db::SqlContext;
use crate::error::Code;
use crate::secret::ApiKey;
use crate::vault::Custody;

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
