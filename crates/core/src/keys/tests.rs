use switchyard_simulator::{KeyState, KnownError, Match, Reply, Script, Simulator};

use super::*;
use crate::db::Db;
use crate::error::{Code, Remedy, Result};
use crate::http::{Http, HttpSettings};
use crate::secret::ApiKey;
use crate::usage::report::{Filter, Range, report};
use crate::usage::{Basis, Entry, Nano, Payer, Tier, Tokens, book};
use crate::vault::Vault;
use crate::vault::tests::support::House;

/// A store with an open vault, and a simulator that knows no key yet.
struct Desk {
    house: House,
    vault: Vault,
    http: Http,
    server: Simulator,
}

fn fresh(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::now_v7().simple())
}

impl Desk {
    async fn new() -> Self {
        let house = House::new();
        let vault = house.with_passphrase().await;
        let server = Simulator::start(Script::new()).await;
        Self {
            house,
            vault,
            http: Http::new(&HttpSettings::default()),
            server,
        }
    }

    fn db(&self) -> &Db {
        &self.house.db
    }

    fn known(&self, state: KeyState) -> String {
        let key = fresh("sk-ant-api03-");
        self.server.set_key(&key, state);
        key
    }

    fn new_key(&self, name: &str, secret: &str) -> NewKey {
        NewKey {
            secret: ApiKey::new(secret.to_owned()),
            source: Source::Manual,
            base_url: Some(self.server.base_url()),
            labels: Edit {
                name: Some(name.to_owned()),
                ..Edit::default()
            },
            unchecked: false,
            select: false,
        }
    }

    async fn add(&self, new: NewKey) -> Result<Added> {
        add(self.db(), &self.vault, &self.http, new, "test").await
    }

    async fn added(&self, name: &str) -> Key {
        let secret = self.known(KeyState::Valid);
        self.add(self.new_key(name, &secret)).await.unwrap().key
    }

    async fn check(&self, key: &Key) -> Checked {
        check(self.db(), &self.vault, &self.http, &key.id)
            .await
            .unwrap()
    }

    /// Books a run that the key paid.
    async fn pay_once(&self, key: &Key) {
        let entry = Entry {
            run: None,
            at: self.db().clock().now(),
            payer: Payer::Key(key.id.clone()),
            key: Some(key.id.clone()),
            tier: Tier::Metered,
            model: "a-model".to_owned(),
            host: None,
            environment: String::new(),
            basis: Basis::Metered,
            tokens: Tokens::default(),
            cost: Some(Nano(1)),
            priced_as_of: None,
        };
        let booked = self.db().write(move |store| book(store, &entry)).await;
        booked.unwrap();
    }

    fn names(&self) -> Vec<String> {
        let keys = self.db().read(list).unwrap();
        keys.into_iter().map(|key| key.name).collect()
    }

    fn active(&self) -> Option<String> {
        self.db().read(active).unwrap().map(|key| key.name)
    }
}

#[tokio::test]
async fn a_key_is_checked_for_free_before_it_is_stored() {
    let desk = Desk::new().await;
    let secret = desk.known(KeyState::Valid);
    let added = desk.add(desk.new_key("Work", &secret)).await.unwrap();
    assert_eq!(added.key.validity, Validity::Valid);
    assert_eq!(added.key.hint, secret[secret.len() - 4..]);
    let requests = desk.server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("GET", "/v1/models")
    );
    assert_eq!(requests[0].query.as_deref(), Some("limit=1"));
}

#[tokio::test]
async fn a_key_that_the_server_refuses_is_not_stored_not_even_unchecked() {
    let desk = Desk::new().await;
    let refusals = [
        KeyState::Refused,
        KeyState::Forbidden,
        KeyState::OrganizationDisabled,
    ];
    for state in refusals {
        let secret = desk.known(state);
        let new = NewKey {
            unchecked: true,
            ..desk.new_key("Work", &secret)
        };
        let error = desk.add(new).await.unwrap_err();
        assert!(error.advice().is_some(), "{error}");
        assert!(!format!("{error:?}").contains(&secret));
    }
    assert!(desk.names().is_empty());
}

#[tokio::test]
async fn only_a_silent_network_lets_a_key_in_unchecked_and_only_on_request() {
    let desk = Desk::new().await;
    let secret = desk.known(KeyState::Valid);
    desk.server.when(Match::any(), KnownError::Overloaded);
    let refused = desk.add(desk.new_key("Work", &secret)).await.unwrap_err();
    assert!(
        refused.failure().remedy == Some(Remedy::StoreUnchecked),
        "{refused:?}"
    );
    assert!(desk.names().is_empty());
    // A region block says nothing of the key either.
    desk.server.set_key(&secret, KeyState::RegionBlocked);
    let new = NewKey {
        unchecked: true,
        ..desk.new_key("Work", &secret)
    };
    let added = desk.add(new).await.unwrap();
    assert_eq!(added.key.validity, Validity::Unchecked);
    assert!(added.unchecked_because.is_some());
    assert_eq!(added.key.checked_at, None);
}

#[tokio::test]
async fn the_same_key_is_stored_once_whatever_it_is_called() {
    let desk = Desk::new().await;
    let secret = desk.known(KeyState::Valid);
    desk.add(desk.new_key("Work", &secret)).await.unwrap();
    let error = desk.add(desk.new_key("Other", &secret)).await.unwrap_err();
    assert_eq!(error.code(), Code::Duplicate);
    assert!(error.message().contains("Work"));
    // Found before the server is asked again.
    assert_eq!(desk.server.requests().len(), 1);
}

#[tokio::test]
async fn a_name_that_looks_like_another_is_refused_and_kept_ones_are_exact() {
    let desk = Desk::new().await;
    let key = desk.added("Caf\u{e9} 🔑").await;
    assert_eq!(key.name, "Caf\u{e9} 🔑");
    let secret = desk.known(KeyState::Valid);
    let error = desk
        .add(desk.new_key("CAFE\u{301} 🔑", &secret))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Duplicate);
}

#[tokio::test]
async fn the_first_api_key_becomes_active_and_an_admin_key_never_does() {
    let desk = Desk::new().await;
    let admin = fresh("sk-ant-admin01-");
    desk.server.set_key(&admin, KeyState::Valid);
    let added = desk
        .add(NewKey {
            select: true,
            ..desk.new_key("Admin", &admin)
        })
        .await
        .unwrap();
    assert_eq!((added.key.kind, added.is_selected), (Kind::Admin, false));
    assert_eq!(desk.server.requests()[0].path, "/v1/organizations/me");
    desk.added("First").await;
    desk.added("Second").await;
    assert_eq!(desk.active().as_deref(), Some("First"));
    let now = desk.db().clock().now();
    let id = added.key.id;
    let refused = desk
        .db()
        .write(move |store| select(store, &id, now))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::BadInput);
}

#[tokio::test]
async fn subscription_tokens_and_plain_http_are_refused_before_anything_is_asked() {
    let desk = Desk::new().await;
    let token = fresh("sk-ant-oat01-");
    assert!(desk.add(desk.new_key("Plan", &token)).await.is_err());
    let far = NewKey {
        base_url: Some("http://gateway.example".to_owned()),
        ..desk.new_key("Far", &fresh("sk-ant-api03-"))
    };
    assert_eq!(desk.add(far).await.unwrap_err().code(), Code::BadInput);
    assert!(desk.server.requests().is_empty());
}

#[tokio::test]
async fn a_check_keeps_the_verdict_and_a_silent_server_leaves_the_last_one() {
    let desk = Desk::new().await;
    let secret = desk.known(KeyState::Valid);
    let key = desk.add(desk.new_key("Work", &secret)).await.unwrap().key;
    desk.server.set_key(&secret, KeyState::Refused);
    let checked = desk.check(&key).await;
    assert_eq!(checked.key.validity, Validity::Refused);
    assert_eq!(checked.trouble.unwrap().code(), Code::KeyRefused);
    desk.server
        .when(Match::any().times(1), Reply::html(502, "Bad gateway"));
    desk.server.set_key(&secret, KeyState::Valid);
    let unanswered = desk.check(&key).await;
    assert!(!unanswered.is_answered);
    assert_eq!(unanswered.key.validity, Validity::Refused);
    assert_eq!(desk.check(&key).await.key.validity, Validity::Valid);
}

#[tokio::test]
async fn labels_can_be_changed_and_the_key_stays() {
    let desk = Desk::new().await;
    let key = desk.added("Work").await;
    let id = key.id.clone();
    let change = Edit {
        name: Some("Job".to_owned()),
        environment: Some("production".to_owned()),
        tags: Some(vec!["team".to_owned(), "Team".to_owned(), "eu".to_owned()]),
        note: Some("two\nlines".to_owned()),
        ..Edit::default()
    };
    let edited = desk
        .db()
        .write(move |store| edit(store, &id, change))
        .await
        .unwrap();
    assert_eq!(edited.name, "Job");
    assert_eq!(edited.environment, "production");
    assert_eq!(edited.tags, ["eu", "team"]);
    assert_eq!(edited.note, "two\nlines");
    assert_eq!(edited.hint, key.hint);
    assert_eq!(desk.check(&edited).await.key.validity, Validity::Valid);
}

#[tokio::test]
async fn a_deleted_key_leaves_its_name_in_the_ledger_and_can_be_added_again() {
    let desk = Desk::new().await;
    let secret = desk.known(KeyState::Valid);
    let key = desk.add(desk.new_key("Work", &secret)).await.unwrap().key;
    desk.pay_once(&key).await;
    remove(desk.db(), &key.id, "test").await.unwrap();
    assert!(desk.names().is_empty());
    assert_eq!(desk.active(), None);
    let now = desk.db().clock().now();
    let spent = desk
        .db()
        .read(|store| report(store, Range::Month, &Filter::default(), now))
        .unwrap();
    assert_eq!(
        (spent.keys[0].label.as_str(), spent.keys[0].is_deleted),
        ("Work", true)
    );
    assert!(desk.add(desk.new_key("Work", &secret)).await.is_ok());
}

#[tokio::test]
async fn a_key_is_found_by_name_id_or_last_four() {
    let desk = Desk::new().await;
    let key = desk.added("Work").await;
    for wanted in [
        "work",
        " WORK ",
        key.id.as_str(),
        key.hint.as_str(),
        &format!("…{}", key.hint),
    ] {
        let found = desk.db().read(|store| find(store, wanted)).unwrap();
        assert_eq!(found.id, key.id, "{wanted}");
    }
    let unknown = desk.db().read(|store| find(store, "home")).unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.advice().unwrap().contains("Work"));
}

#[tokio::test]
async fn a_server_changed_in_the_database_does_not_get_the_key() {
    let desk = Desk::new().await;
    let key = desk.added("Work").await;
    let thief = Simulator::start(Script::new()).await;
    let (id, address) = (key.id.clone(), thief.base_url());
    desk.house.change(move |store| {
        store
            .execute(
                "UPDATE api_keys SET base_url = ?2 WHERE id = ?1",
                (id, address),
            )
            .unwrap();
        Ok(())
    });
    let outcome = check(desk.db(), &desk.vault, &desk.http, &key.id).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Code::Damaged);
    assert!(error.message().contains("server"), "{error}");
    assert!(thief.requests().is_empty());
}
