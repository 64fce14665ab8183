//! Who pays, for which model, at most how much, and why: decided and shown before anything leaves.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sha2::Sha256;

use super::kept::{Before, no_run};
use super::models::{self, Chosen, MODEL, UnknownModel};
use super::request::{MAX_TOKENS, Request};
use super::run::Dispatch;
use crate::db::SqlContext;
use crate::error::{Code, Error, Remedy, Result};
use crate::http::{Endpoint, count_tokens};
use crate::id::{KeyId, RunId};
use crate::keys;
use crate::secret::ApiKey;
use crate::text;
use crate::usage::{CacheWrites, Conditions, CountedBy, Estimate, Payer, Tier, catalogue};
use crate::words::words;

words! {
    /// What kind of work a prompt is; routing rules go by it.
    Class {
        /// A person waits for the answer.
        Interactive = "interactive",
        /// Thinking ahead.
        Planning = "planning",
        /// Looking over what is there.
        Review = "review",
        /// Talk.
        Chat = "chat",
        /// Work without a person.
        Task = "task",
        /// A stored key is tried out.
        Check = "check",
    }
}

/// Who shall pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayWith {
    /// The stored key that paid for the run that this one continues, or the active key where none
    /// is continued: a conversation does not change its payer by itself.
    Usual,
    /// This key.
    Key(KeyId),
    /// The key in an environment variable, which needs no vault.
    Env {
        /// The variable's name.
        name: String,
        /// The server that it is for; Anthropic's own where absent.
        base_url: Option<String>,
    },
}

/// What the user wants sent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who shall pay.
    pub pay_with: PayWith,
    /// What kind of work it is.
    pub class: Class,
    /// The run that this one continues; its conversation comes along, and its model and system
    /// prompt where the request names none.
    pub reply_to: Option<RunId>,
    /// The prompt. `model` may be a word, or empty for the usual one.
    pub request: Request,
}

/// Where a run goes and who pays for it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Route {
    /// The tier.
    pub tier: Tier,
    /// The model, by the id that is sent.
    pub model: String,
    /// Present where nobody here knows the model, which a face says before it sends.
    pub unknown_model: Option<UnknownModel>,
    /// Who is billed, as people know them.
    #[serde(rename = "payer_label")]
    pub payer: String,
    /// The stored key, where one pays.
    pub key: Option<KeyId>,
    /// The server that the key is sent to, where it isn't Anthropic's own.
    pub gateway: Option<String>,
    /// The key's environment label, frozen into the run.
    pub environment: String,
    /// The longest answer, in tokens.
    pub max_tokens: u64,
    /// Why this payer: a clause that begins with "because".
    pub reason: String,
    #[serde(skip)]
    pub(super) booked_to: Payer,
    #[serde(skip)]
    pub(super) endpoint: Endpoint,
}

/// A request with its route, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// Where it goes and who pays.
    pub route: Route,
    /// What it will cost, as far as that is known.
    pub estimate: Estimate,
    pub(super) class: Class,
    pub(super) reply_to: Option<RunId>,
    pub(super) request: Arc<Request>,
    /// The key of an environment variable; a stored one is opened when the run starts.
    pub(super) variable: Option<ApiKey>,
}

/// A payer as it was found.
struct Found {
    label: String,
    key: Option<KeyId>,
    endpoint: Endpoint,
    environment: String,
    reason: String,
    booked_to: Payer,
    variable: Option<ApiKey>,
}

impl Dispatch {
    /// Decides the route of a metered run and estimates its cost. Sends nothing. `variable` reads
    /// an environment variable.
    ///
    /// # Errors
    /// [`Code::BadInput`] for a request, key or model that can't be used, [`Code::NotFound`] where
    /// no key is chosen or nothing is kept to reply to, [`Code::Locked`] where a reply needs the
    /// vault.
    pub async fn preflight(
        &self,
        ask: Ask,
        variable: impl Fn(&str) -> Option<String> + Send,
    ) -> Result<Prepared> {
        let mut request = ask.request;
        request.check()?;
        let found = self
            .db
            .read(|store| payer(store, &ask.pay_with, ask.reply_to, &variable))?;
        if let Some(run) = ask.reply_to {
            let keeper = self.keeper().await?;
            let before = self.db.read(|store| keeper.conversation(store, run))?;
            continue_with(&mut request, before);
        }
        let chosen = self.db.read(|store| {
            if request.model.trim().is_empty() {
                request.model = MODEL.get(store)?;
            }
            models::choose(store, &found.endpoint, &request.model)
        })?;
        let max_tokens = max_tokens(&request, &chosen)?;
        request.model.clone_from(&chosen.id);
        // A body that is too large is refused before anything is booked.
        request.check_size(max_tokens)?;
        let counted = catalogue().local_prompt_tokens(&chosen.id, request.pieces());
        Ok(Prepared {
            estimate: estimate(&chosen.id, (counted, CountedBy::Local), max_tokens),
            route: Route {
                tier: Tier::Metered,
                model: chosen.id,
                unknown_model: chosen.unknown,
                payer: found.label,
                key: found.key,
                gateway: found.endpoint.to_store(),
                environment: found.environment,
                max_tokens,
                reason: found.reason,
                booked_to: found.booked_to,
                endpoint: found.endpoint,
            },
            class: ask.class,
            reply_to: ask.reply_to,
            request: Arc::new(request),
            variable: found.variable,
        })
    }

    /// Asks the server how many tokens the prompt has, and puts the estimate right. Free; opens
    /// the key.
    ///
    /// # Errors
    /// When the key can't be opened or the server does not count; the local estimate stands then.
    pub async fn count(&self, prepared: &mut Prepared) -> Result<()> {
        let opened = match &prepared.route.key {
            Some(id) => Some({
                let gateway = prepared.route.gateway.as_deref();
                self.vault.open_key(id, gateway, "count").await?
            }),
            None => None,
        };
        let Some(key) = opened.as_ref().or(prepared.variable.as_ref()) else {
            return Ok(());
        };
        let (body, now) = (prepared.request.counting_body()?, self.db.clock().now());
        let route = &prepared.route;
        let tokens = count_tokens(&self.http, &route.endpoint, key, body, now)
            .await
            .map_err(|verdict| verdict.error)?;
        prepared.estimate = estimate(&route.model, (tokens, CountedBy::Server), route.max_tokens);
        Ok(())
    }
}

fn continue_with(request: &mut Request, before: Before) {
    request.turns = before.turns;
    if request.system.is_none() {
        request.system = before.system;
    }
    if request.model.trim().is_empty() {
        request.model = before.model;
    }
}

fn estimate(model: &str, counted: (u64, CountedBy), max_tokens: u64) -> Estimate {
    let plain = Conditions::default();
    catalogue().estimate(model, counted, max_tokens, CacheWrites::None, &plain)
}

fn max_tokens(request: &Request, chosen: &Chosen) -> Result<u64> {
    let most = chosen.max_output.unwrap_or(u64::MAX);
    match request.max_tokens {
        Some(asked) if asked > most => Err(Error::bad_input(format!(
            "{} gives at most {most} tokens; {asked} were asked for.",
            chosen.id
        ))
        .hint("Ask for fewer; nothing was sent.")),
        Some(asked) => Ok(asked),
        None => Ok(MAX_TOKENS.min(most)),
    }
}

fn payer(
    store: &Connection,
    pay_with: &PayWith,
    reply_to: Option<RunId>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Found> {
    match pay_with {
        PayWith::Usual => usual(store, reply_to),
        PayWith::Key(id) => {
            let key = keys::get(store, id)?;
            let name = text::shown(&key.name, 60);
            stored(key, format!("because you chose {name}"))
        }
        PayWith::Env { name, base_url } => {
            from_variable(store, name, variable(name), base_url.as_deref())
        }
    }
}

fn usual(store: &Connection, reply_to: Option<RunId>) -> Result<Found> {
    if let Some(run) = reply_to {
        return stored(
            paid_by(store, run)?,
            format!("because it paid for run {run}"),
        );
    }
    let Some(key) = keys::active(store)? else {
        return Err(nobody(store)?);
    };
    let name = text::shown(&key.name, 60);
    stored(key, format!("because {name} is the active key"))
}

/// Returns the stored key that paid for a run, if it can pay again.
///
/// # Errors
/// [`Code::BadInput`] where it can't: nobody else pays for a conversation without being named.
fn paid_by(store: &Connection, run: RunId) -> Result<keys::Key> {
    let (id, label): (Option<KeyId>, String) = store
        .query_row(
            "SELECT key_id, payer_label FROM runs WHERE id = ?1",
            [run],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("look who paid before")?
        .ok_or_else(|| no_run(run))?;
    let again = id.map(|id| keys::get(store, &id)).transpose();
    match again {
        Ok(Some(key)) if keys::usable(&key).is_ok() => Ok(key),
        Err(error) if error.code() != Code::NotFound => Err(error),
        _ => Err(Error::bad_input(format!(
            "Run {run} was paid by {}, which does not pay again by itself.",
            text::shown(&label, 60)
        ))
        .hint("Nothing was sent.")
        .remedy(Remedy::ChoosePayer)),
    }
}

fn stored(key: keys::Key, reason: String) -> Result<Found> {
    keys::usable(&key)?;
    Ok(Found {
        endpoint: Endpoint::parse(key.base_url.as_deref())?,
        label: key.name,
        environment: key.environment,
        reason,
        booked_to: Payer::Key(key.id.clone()),
        key: Some(key.id),
        variable: None,
    })
}

fn from_variable(
    store: &Connection,
    name: &str,
    value: Option<String>,
    base_url: Option<&str>,
) -> Result<Found> {
    let shown = text::shown(name, 60);
    let endpoint = Endpoint::parse(base_url)?;
    let key = keys::of_variable(name, value, &endpoint)?;
    Ok(Found {
        label: Payer::env_label(name, &key.last4()),
        key: None,
        endpoint,
        environment: String::new(),
        reason: format!("because you named the variable {shown}"),
        booked_to: Payer::env(name, key.last4(), &fingerprint(store, &key)?),
        variable: Some(key),
    })
}

/// Tells one key of a variable from the next in the ledger: HMAC-SHA256 of it under the store's
/// pepper, of which the ledger keeps eight hexadecimal digits.
fn fingerprint(store: &Connection, key: &ApiKey) -> Result<[u8; 32]> {
    let pepper: Vec<u8> = store
        .query_row("SELECT pepper FROM store", [], |row| row.get(0))
        .doing("read its own row")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&pepper)
        .map_err(|e| Error::failed("The fingerprint could not be made.").because(e))?;
    mac.update(key.expose().as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn nobody(store: &Connection) -> Result<Error> {
    let any = keys::list(store)?
        .iter()
        .any(|key| keys::usable(key).is_ok());
    let (message, remedy) = match any {
        true => (
            "No key is selected, so nobody would pay.",
            Remedy::SelectKey,
        ),
        false => (
            "No key that can pay is stored, so nobody would pay.",
            Remedy::AddKey,
        ),
    };
    Ok(Error::new(Code::NotFound, message).remedy(remedy))
}
