//! Adding a key: checked with its server before it is stored.

use rusqlite::Connection;

use super::{Edit, Key, Kind, Source, Validity, active, check, select, shape, table};
use crate::clock::Millis;
use crate::db::{Db, SqlContext};
use crate::error::{Code, Error, Remedy, Result};
use crate::http::{Check, Endpoint, Http};
use crate::id::KeyId;
use crate::secret::ApiKey;
use crate::text;
use crate::vault::{Custody, SealedKey};

/// A key that is to be stored.
#[derive(Debug)]
pub struct NewKey {
    /// The credential as it was pasted.
    pub secret: ApiKey,
    /// How it came here.
    pub source: Source,
    /// The gateway that it is for; `None` is Anthropic's own API.
    pub base_url: Option<String>,
    /// Its name, which is required, and its labels.
    pub labels: Edit,
    /// Whether to store it even when the server can't be asked. A server's *no* still stands.
    pub unchecked: bool,
    /// Whether to make it the active key; the first API key becomes it in any case.
    pub select: bool,
}

/// What came of adding a key.
#[derive(Debug)]
pub struct Added {
    /// The key as it is stored.
    pub key: Key,
    /// Whether it is the active key now.
    pub is_selected: bool,
    /// Why it could not be checked, where it was stored unchecked.
    pub unchecked_because: Option<Error>,
}

/// Checks a key with its server, for free, and stores it sealed.
///
/// # Errors
/// [`Code::BadInput`] for what is not a key, [`Code::Duplicate`] when the key or its name is there
/// already, [`Code::Locked`] and [`Code::NoVault`], the server's refusal, and, unless `unchecked`,
/// whatever kept the server from answering. Nothing is stored then.
pub async fn add(
    db: &Db,
    custody: &dyn Custody,
    http: &Http,
    new: NewKey,
    face: &'static str,
) -> Result<Added> {
    let labels = new.labels.checked()?;
    let Some(name) = labels.name.clone() else {
        return Err(Error::bad_input("The key has no name.").hint("Give it one."));
    };
    let endpoint = Endpoint::parse(new.base_url.as_deref())?;
    let kind = shape::classify(&new.secret, !endpoint.is_anthropic())?;
    db.read(|store| table::refuse_taken_name(store, &name, None))?;
    let id = KeyId::new();
    let base_url = endpoint.to_store();
    let sealed = custody
        .seal_key(&id, base_url.as_deref(), &new.secret)
        .await?;
    db.read(|store| refuse_known(store, &sealed.fingerprint))?;
    let verdict = check::ask(http, &endpoint, &new.secret, kind, db.clock().now()).await;
    let (validity, unchecked_because) = decide(verdict, new.unchecked)?;
    let row = NewRow {
        id,
        name,
        kind,
        source: new.source,
        hint: new.secret.last4(),
        base_url,
        sealed,
        validity,
        labels,
        select: new.select,
        face,
        now: db.clock().now(),
    };
    drop(new.secret);
    let (key, is_selected) = db.write(move |store| row.insert(store)).await?;
    Ok(Added {
        key,
        is_selected,
        unchecked_because,
    })
}

/// Decides from the verdict whether to store: yes, yes but unchecked, or no with the reason.
fn decide(verdict: Check, unchecked: bool) -> Result<(Validity, Option<Error>)> {
    let validity = check::validity(&verdict);
    match verdict {
        Check::Valid => Ok((Validity::Valid, None)),
        // The key is good; what its account lacks can be mended without pasting it again.
        Check::NoCredit(_) | Check::Billing(_) => Ok((validity.unwrap_or(Validity::Valid), None)),
        Check::Refused(no) | Check::NotAllowed(no) | Check::Disabled(no) => Err(no),
        Check::Unknown(why) if unchecked => Ok((Validity::Unchecked, Some(why))),
        Check::Unknown(why) => {
            let advice = why.advice().unwrap_or("Try again later.").to_owned();
            let code = why.code();
            Err(Error::new(
                code,
                format!("The key could not be checked, so it was not stored. {why}"),
            )
            .hint(advice)
            .remedy(Remedy::StoreUnchecked)
            .because(why))
        }
    }
}

fn refuse_known(store: &Connection, fingerprint: &[u8]) -> Result<()> {
    match table::with_fingerprint(store, fingerprint)? {
        None => Ok(()),
        Some(known) => Err(Error::new(
            Code::Duplicate,
            format!(
                "This key is stored already, as {}.",
                text::shown(&known.name, 60)
            ),
        )
        .hint("Nothing was changed. Rename that one if you want it called differently.")),
    }
}

struct NewRow {
    id: KeyId,
    name: String,
    kind: Kind,
    source: Source,
    hint: String,
    base_url: Option<String>,
    sealed: SealedKey,
    validity: Validity,
    labels: Edit,
    select: bool,
    face: &'static str,
    now: Millis,
}

impl NewRow {
    /// Inserts the row; both rules are looked at again, because another process may have added the
    /// same key while the server was asked.
    fn insert(self, store: &Connection) -> Result<(Key, bool)> {
        table::refuse_taken_name(store, &self.name, None)?;
        refuse_known(store, &self.sealed.fingerprint)?;
        let checked_at = (self.validity != Validity::Unchecked).then_some(self.now);
        let valid_at = (self.validity == Validity::Valid).then_some(self.now);
        store
            .execute(
                "INSERT INTO api_keys (id, name, name_folded, key, kind, source, hint, fingerprint,
                                       base_url, created_at, validity, checked_at, valid_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                rusqlite::params![
                    self.id,
                    self.name,
                    text::folded(&self.name),
                    self.sealed.sealed,
                    self.kind,
                    self.source,
                    self.hint,
                    self.sealed.fingerprint,
                    self.base_url,
                    self.now,
                    self.validity,
                    checked_at,
                    valid_at,
                ],
            )
            .doing("store the key")?;
        store
            .execute(
                "INSERT INTO audit (at, act, key_id, face, pid) VALUES (?1, 'add', ?2, ?3, ?4)",
                (self.now, &self.id, self.face, std::process::id()),
            )
            .doing("keep the audit")?;
        let key = super::edit(
            store,
            &self.id,
            Edit {
                name: None,
                ..self.labels
            },
        )?;
        let is_first = key.kind == Kind::Api && active(store)?.is_none();
        let is_selected = is_first || (self.select && key.kind == Kind::Api);
        if is_selected {
            select(store, &key.id, self.now)?;
        }
        Ok((key, is_selected))
    }
}
