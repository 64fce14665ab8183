//! Asking a key's server whether it is still good.

use rusqlite::Connection;

use super::{Key, Kind, Validity, table};
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::error::{Error, Result};
use crate::http::{self, Check, Endpoint, Http};
use crate::id::KeyId;
use crate::secret::ApiKey;
use crate::usage::Nano;
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
    keep_verdict(db, id, verdict, Asked::ForFree).await
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
pub(crate) enum Asked {
    /// With a request that costs nothing.
    ForFree,
    /// With a run, which was booked.
    ByRealCall,
}

/// Writes down what a server said of a key. Where it gave no verdict, the last one stands.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub(crate) async fn keep_verdict(
    db: &Db,
    id: &KeyId,
    verdict: Check,
    asked: Asked,
) -> Result<Checked> {
    let (word, now) = (validity(&verdict), db.clock().now());
    let owned = id.clone();
    let key = db
        .write(move |store| {
            if let Some(word) = word {
                write_verdict(store, &owned, word, asked, now)?;
            }
            table::get(store, &owned)
        })
        .await?;
    Ok(Checked {
        key,
        trouble: verdict.into_error(),
        is_answered: word.is_some(),
        cost: None,
    })
}

fn write_verdict(
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
