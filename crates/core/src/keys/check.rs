//! Asking a key's server whether it is still good.

use rusqlite::Connection;

use super::{Key, Kind, Validity, table};
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::error::{Error, Result};
use crate::http::{self, Check, Endpoint, Http, ModelInfo, REAL_CALL_TOKENS};
use crate::id::KeyId;
use crate::secret::ApiKey;
use crate::usage::{self, Basis, Conditions, Entry, Nano, Payer, Tier};
use crate::vault::Custody;

/// What a check found out.
#[derive(Debug)]
pub struct Checked {
    /// The key as it is stored now.
    pub key: Key,
    /// What is wrong, or why nothing was found out; `None` when all is well.
    pub trouble: Option<Error>,
    /// Whether the server gave a verdict; without one the last verdict stands.
    pub is_answered: bool,
    /// What the check cost: `None` for the free one, and where the price is unknown.
    pub cost: Option<Nano>,
}

/// Asks the server about a stored key with a request that costs nothing, and keeps the verdict.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound), [`Code::Locked`](crate::error::Code::Locked). A
/// server that can't be reached is no error: see [`Checked::trouble`].
pub async fn check(db: &Db, custody: &dyn Custody, http: &Http, id: &KeyId) -> Result<Checked> {
    let key = db.read(|store| table::get(store, id))?;
    let endpoint = Endpoint::parse(key.base_url.as_deref())?;
    let secret = custody
        .open_key(id, endpoint.to_store().as_deref(), "check")
        .await?;
    let verdict = ask(http, &endpoint, &secret, key.kind, db.clock().now()).await;
    drop(secret);
    keep(db, id, verdict, None, Asked::ForFree).await
}

/// Makes one real call with a stored key, the smallest there is: the only way to see whether there
/// is credit. It costs a fraction of a cent and is booked.
///
/// # Errors
/// As [`check`]; [`Code::BadInput`](crate::error::Code::BadInput) for a key that never pays for runs.
pub async fn test_with_real_call(
    db: &Db,
    custody: &dyn Custody,
    http: &Http,
    id: &KeyId,
) -> Result<Checked> {
    let key = db.read(|store| table::get(store, id))?;
    table::usable(&key)?;
    let endpoint = Endpoint::parse(key.base_url.as_deref())?;
    let secret = custody
        .open_key(id, endpoint.to_store().as_deref(), "test with a real call")
        .await?;
    let now = db.clock().now();
    let models = match http::list_models(http, &endpoint, &secret, now).await {
        Ok(models) => models,
        Err(verdict) => return keep(db, id, verdict.into(), None, Asked::ForFree).await,
    };
    let Some(model) = cheapest(&models) else {
        let none =
            Error::failed("The server lists no model whose price is known, so no call was made.")
                .hint("Send a prompt with this key and a model of your choice instead.");
        return keep(db, id, Check::Unknown(none), None, Asked::ForFree).await;
    };
    let call = http::test_with_real_call(http, &endpoint, &secret, model, now).await;
    drop(secret);
    let entry = call.tokens.map(|tokens| {
        let priced = usage::catalogue().price(&call.model, &tokens, &Conditions::default());
        Entry {
            run: None,
            at: db.clock().now(),
            payer: Payer::Key(key.id.clone()),
            key: Some(key.id.clone()),
            tier: Tier::Metered,
            model: call.model.clone(),
            host: None,
            environment: key.environment.clone(),
            basis: if call.check.error().is_none() {
                Basis::Metered
            } else {
                Basis::Estimated
            },
            tokens,
            cost: priced.as_ref().map(|priced| priced.cost),
            priced_as_of: priced.map(|priced| priced.as_of),
        }
    });
    keep(db, id, call.check, entry, Asked::ByRealCall).await
}

/// Returns the listed model on which the real call costs least. It comes from the server's own list,
/// because a model that is named in a program is one day a retired one.
fn cheapest(models: &[ModelInfo]) -> Option<&str> {
    let price = |id: &str| usage::catalogue().price(id, &REAL_CALL_TOKENS, &Conditions::default());
    models
        .iter()
        .filter(|model| {
            model
                .lifecycle
                .as_deref()
                .is_none_or(|lifecycle| lifecycle == "active")
        })
        .filter_map(|model| Some((price(&model.id)?.cost, model.id.as_str())))
        .min()
        .map(|(_, id)| id)
}

/// Asks the server about a credential that need not be stored.
pub(super) async fn ask(
    http: &Http,
    endpoint: &Endpoint,
    secret: &ApiKey,
    kind: Kind,
    now: Millis,
) -> Check {
    match kind {
        Kind::Api => http::check_key(http, endpoint, secret, now).await,
        Kind::Admin => http::check_admin_key(http, endpoint, secret, now).await,
    }
}

/// Returns the word for a verdict, or `None` where nothing was found out.
pub(super) fn validity(verdict: &Check) -> Option<Validity> {
    verdict.validity().and_then(Validity::from_word)
}

/// How the server was asked; only a real call sees whether there is credit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    ForFree,
    ByRealCall,
}

async fn keep(
    db: &Db,
    id: &KeyId,
    verdict: Check,
    entry: Option<Entry>,
    asked: Asked,
) -> Result<Checked> {
    let (word, now) = (validity(&verdict), db.clock().now());
    let cost = entry.as_ref().and_then(|entry| entry.cost);
    let owned = id.clone();
    let key = db
        .write(move |store| {
            if let Some(word) = word {
                keep_verdict(store, &owned, word, asked, now)?;
            }
            if let Some(entry) = &entry {
                usage::book(store, entry)?;
            }
            table::get(store, &owned)
        })
        .await?;
    Ok(Checked {
        key,
        trouble: verdict.into_error(),
        is_answered: word.is_some(),
        cost,
    })
}

fn keep_verdict(
    store: &Connection,
    id: &KeyId,
    word: Validity,
    asked: Asked,
    now: Millis,
) -> Result<()> {
    let valid_at = (word == Validity::Valid).then_some(now);
    store
        .execute(
            // What a real call found out about credit outlives a free check, which can't see it.
            "UPDATE api_keys SET checked_at = ?3, valid_at = coalesce(?4, valid_at),
                    validity = CASE WHEN ?5 AND ?2 = 'valid' AND validity IN ('no_credit', 'billing')
                                    THEN validity ELSE ?2 END
             WHERE id = ?1",
            (id, word, now, valid_at, asked == Asked::ForFree),
        )
        .doing("keep the verdict")
        .map(drop)
}
