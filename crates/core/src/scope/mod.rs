//! Scoped use: one command with exactly one credential of Claude, and none of those that were around.
//!
//! - [`scrub`]: what of an environment such a command may keep
//! - [`stored`], [`of_variable`], [`of_file`]: the one credential, opened for this use
//! - [`write_env`]: a stored key, written into an env file on request
//! - [`HandedLogin`]: a login of the plan in the place of a credential
//! - [`Chosen`], [`overruled`]: what settings files would make of the choice

mod login;
mod scrub;
mod write_env;

use crate::child::Environment;
use crate::db::Db;
use crate::error::Result;
use crate::http::Endpoint;
use crate::id::KeyId;
use crate::keys::{self, FileVariable};
use crate::secret::ApiKey;
use crate::shell::names;
use crate::text;
use crate::vault::{self, Act, Custody};

pub use crate::shell::{Chosen, overruled};
pub use login::HandedLogin;
pub use scrub::{Scrubbed, scrub};
pub use write_env::{Written, write_env};

/// The one credential that a command gets.
#[derive(Debug)]
pub struct Credential {
    /// Who is billed, as people know them.
    pub label: String,
    key: ApiKey,
    endpoint: Endpoint,
}

impl Credential {
    /// Returns the variables that hand it over. The values hold the secret: never print them by accident.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let server = self.endpoint.to_store();
        let server = server.map(|url| (names::BASE_URL, url));
        let key = (names::API_KEY, self.key.expose().to_owned());
        server.into_iter().chain([key]).collect()
    }

    /// Returns host and port of its server, where that is not Anthropic's own.
    #[must_use]
    pub fn gateway(&self) -> Option<String> {
        (!self.endpoint.is_anthropic()).then(|| self.endpoint.host())
    }

    /// Returns the secret itself, for a program that is asked for nothing else.
    #[must_use]
    pub fn key(&self) -> &ApiKey {
        &self.key
    }
}

/// Returns the environment of a command that gets this credential and keeps what was left; without one,
/// it has the login that was handed to it.
#[must_use]
pub fn environment(scrubbed: Scrubbed, credential: Option<&Credential>) -> Environment {
    let given = credential.map(Credential::variables).unwrap_or_default();
    let kept: Environment = scrubbed.environment.into_iter().collect();
    given.into_iter().fold(kept, |environment, (name, value)| {
        environment.with(name, value)
    })
}

/// Opens a stored key for one use, which is in the audit, with its `purpose`, before the key is there.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) for a key that can't pay,
/// [`Code::NotFound`](crate::error::Code::NotFound) for one that is gone, else as [`Custody`].
pub async fn stored(
    db: &Db,
    custody: &dyn Custody,
    id: &KeyId,
    purpose: &str,
) -> Result<Credential> {
    let key = db.read(|store| keys::get(store, id))?;
    keys::usable(&key)?;
    let endpoint = Endpoint::parse(key.base_url.as_deref())?;
    let secret = custody
        .open_key(id, endpoint.to_store().as_deref(), purpose)
        .await?;
    Ok(Credential {
        label: format!("{} …{}", text::shown(&key.name, 60), key.hint),
        key: secret,
        endpoint,
    })
}

/// Takes the key of the variable `name`, which needs no vault; its server is Anthropic's own where
/// `base_url` names no other. The caller [`note`]s the use.
///
/// # Errors
/// As [`keys::of_variable`].
pub fn of_variable(
    name: &str,
    value: Option<String>,
    base_url: Option<&str>,
) -> Result<Credential> {
    let endpoint = Endpoint::parse(base_url)?;
    let key = keys::of_variable(name, value, &endpoint)?;
    Ok(Credential {
        label: format!("${} …{}", text::shown(name, 60), key.last4()),
        key,
        endpoint,
    })
}

/// Takes the key of an env file, as [`of_variable`] that of a variable.
///
/// # Errors
/// As [`keys::of_file`].
pub fn of_file(variable: &FileVariable, base_url: Option<&str>) -> Result<Credential> {
    let endpoint = Endpoint::parse(base_url)?;
    let key = keys::of_file(variable, &endpoint)?;
    Ok(Credential {
        label: format!("{} …{}", variable.place(), key.last4()),
        key,
        endpoint,
    })
}

/// Puts a use of a credential that is not in the vault into the audit. Durable when it returns.
///
/// # Errors
/// [`Code::StoreUnwritable`](crate::error::Code::StoreUnwritable) when it can't be written.
pub async fn note(db: &Db, face: &'static str, purpose: String) -> Result<()> {
    let now = db.clock().now();
    db.write(move |store| vault::note(store, face, now, Act::Scope, &purpose))
        .await
}
