//! Which models there are: the server's own list where it was asked, else the price table's.

use rusqlite::Connection;
use serde::Serialize;

use super::run::Dispatch;
use super::{signed, unsigned};
use crate::clock::Millis;
use crate::db::SqlContext;
use crate::error::{Code, Error, Result};
use crate::http::{Endpoint, ModelInfo, list_models};
use crate::id::KeyId;
use crate::keys;
use crate::settings::Setting;
use crate::usage::{Status, catalogue};

/// The model for runs that name none: an id, or a word such as `sonnet`.
pub const MODEL: Setting<String> = Setting {
    name: "dispatch.model",
    default: || "sonnet".to_owned(),
    check: |model| a_name(model),
};

/// The models of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Models {
    /// The models, in the server's order.
    pub models: Vec<ModelInfo>,
    /// When the server was asked; `None` for the list that comes with the program.
    pub fetched_at: Option<Millis>,
}

/// A model that neither the price table nor the server's own list has: it may be new, or misspelt.
/// It is sent all the same, at an unknown cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct UnknownModel {
    /// Its name, as it is sent.
    pub name: String,
    /// The known name that is most like it, where one is near.
    pub nearest: Option<String>,
}

/// A model that a run can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) id: String,
    pub(super) max_output: Option<u64>,
    pub(super) unknown: Option<UnknownModel>,
}

/// Returns the models of a server as they were last fetched, else those of the price table.
///
/// # Errors
/// [`Code::StoreDamaged`] when the store can't be read.
pub fn models(store: &Connection, endpoint: &Endpoint, now: Millis) -> Result<Models> {
    let fetched = fetched(store, endpoint)?;
    if !fetched.models.is_empty() {
        return Ok(fetched);
    }
    let day = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    Ok(Models {
        models: catalogue().usable(day).map(built_in).collect(),
        fetched_at: None,
    })
}

impl Dispatch {
    /// Asks a key's server for its models and keeps the list. Free.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound) for a key that isn't there,
    /// [`Code::Locked`](crate::error::Code::Locked), and the server's refusal.
    pub async fn refresh_models(&self, key: &KeyId) -> Result<()> {
        let key = self.db.read(|store| keys::get(store, key))?;
        let endpoint = Endpoint::parse(key.base_url.as_deref())?;
        let secret = self
            .vault
            .open_key(&key.id, endpoint.to_store().as_deref(), "list the models")
            .await?;
        let now = self.db.clock().now();
        let models = list_models(&self.http, &endpoint, &secret, now)
            .await
            .map_err(|verdict| verdict.error)?;
        self.db
            .write(move |store| keep_models(store, &endpoint, &models, now))
            .await
    }
}

/// Keeps a server's list in place of its former one, in the caller's transaction.
///
/// # Errors
/// [`Code::StoreUnwritable`] when it can't be written.
pub fn keep_models(
    store: &Connection,
    endpoint: &Endpoint,
    models: &[ModelInfo],
    now: Millis,
) -> Result<()> {
    let base_url = endpoint.to_string();
    store
        .execute("DELETE FROM models WHERE base_url = ?1", [&base_url])
        .doing("keep the list of models")?;
    for (position, model) in (0_i64..).zip(models) {
        store
            .prepare_cached(
                "INSERT OR IGNORE INTO models (base_url, id, position, display_name, lifecycle,
                     max_input, max_output, fetched_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut row| {
                row.execute((
                    &base_url,
                    &model.id,
                    position,
                    &model.display_name,
                    &model.lifecycle,
                    model.max_input.map(signed),
                    model.max_output.map(signed),
                    now,
                ))
            })
            .doing("keep the list of models")?;
    }
    Ok(())
}

/// Refuses what can't be the name of a model.
pub(super) fn a_name(wanted: &str) -> Result<()> {
    if wanted.is_empty() || wanted.len() > 200 || wanted.chars().any(char::is_whitespace) {
        return Err(Error::bad_input("That is not the name of a model.")
            .hint("Give an id such as claude-sonnet-5-5, or a word such as sonnet."));
    }
    Ok(())
}

/// Finds the model that a person means, and refuses one that no longer answers.
pub(super) fn choose(store: &Connection, endpoint: &Endpoint, wanted: &str) -> Result<Chosen> {
    let wanted = wanted.trim();
    a_name(wanted)?;
    let listed = catalogue().resolve(wanted);
    let is_word = listed.is_some_and(|model| model.word.as_deref() == Some(wanted));
    let id = match listed {
        Some(model) if is_word => model.id.as_str(),
        _ => wanted,
    };
    let fetched = fetched(store, endpoint)?.models;
    if let Some(model) = fetched.iter().find(|model| model.id == id) {
        if !model.is_usable() {
            return Err(retired(id));
        }
        return Ok(Chosen {
            id: id.to_owned(),
            max_output: model
                .max_output
                .or(listed.and_then(|model| model.max_output)),
            unknown: None,
        });
    }
    // A gateway may still have what Anthropic has retired.
    if endpoint.is_anthropic() && listed.is_some_and(|model| model.status == Status::Retired) {
        return Err(retired(id));
    }
    Ok(Chosen {
        id: id.to_owned(),
        max_output: listed.and_then(|model| model.max_output),
        unknown: listed.is_none().then(|| UnknownModel {
            name: id.to_owned(),
            nearest: nearest(id, &fetched),
        }),
    })
}

/// Tells whether the model of runs that name none is unknown to the active key's server.
///
/// # Errors
/// [`Code::BadInput`] when it is retired there.
pub fn usual_model_doubt(store: &Connection) -> Result<Option<UnknownModel>> {
    let key = keys::active(store)?;
    let endpoint = Endpoint::parse(key.as_ref().and_then(|key| key.base_url.as_deref()))?;
    Ok(choose(store, &endpoint, &MODEL.get(store)?)?.unknown)
}

/// Finds the usable name that is most like `wanted`: a quarter of it may differ, or be missing around
/// it, as in `sonnet-5-5`.
fn nearest(wanted: &str, fetched: &[ModelInfo]) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let most = wanted.chars().count() / 4;
    let built_in = catalogue().models().iter();
    let built_in = built_in.filter(|model| model.status != Status::Retired);
    let names = built_in.flat_map(|model| {
        let others = model.word.iter().chain(&model.aliases);
        others.chain(std::iter::once(&model.id))
    });
    let usable = fetched.iter().filter(|model| model.is_usable());
    names
        .chain(usable.map(|model| &model.id))
        .map(|name| (strsim::osa_distance(&wanted, name), name))
        .filter(|(distance, name)| *distance <= most || (most > 0 && name.contains(&wanted)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.clone())
}

fn fetched(store: &Connection, endpoint: &Endpoint) -> Result<Models> {
    let mut rows = store
        .prepare_cached(
            "SELECT id, display_name, lifecycle, max_input, max_output, fetched_at FROM models
             WHERE base_url = ?1 ORDER BY position",
        )
        .doing("read the list of models")?;
    let rows = rows
        .query_map([endpoint.to_string()], |row| {
            let info = ModelInfo {
                id: row.get(0)?,
                display_name: row.get(1)?,
                lifecycle: row.get(2)?,
                max_input: row.get::<_, Option<i64>>(3)?.map(unsigned),
                max_output: row.get::<_, Option<i64>>(4)?.map(unsigned),
            };
            Ok((info, row.get(5)?))
        })
        .and_then(Iterator::collect::<rusqlite::Result<Vec<(ModelInfo, Millis)>>>)
        .doing("read the list of models")?;
    Ok(Models {
        fetched_at: rows.first().map(|(_, at)| *at),
        models: rows.into_iter().map(|(info, _)| info).collect(),
    })
}

fn built_in(model: &crate::usage::Model) -> ModelInfo {
    ModelInfo {
        id: model.id.clone(),
        display_name: model.name.clone(),
        lifecycle: Some(
            match model.status {
                Status::Active => "active",
                Status::Deprecated => "deprecated",
                Status::Retired => "retired",
            }
            .to_owned(),
        ),
        max_input: model.context_window,
        max_output: model.max_output,
    }
}

fn retired(id: &str) -> Error {
    Error::new(
        Code::BadInput,
        format!("The model {id} is retired: calls to it fail. Your key is not the reason."),
    )
    .hint("Choose one of its successors, such as sonnet, opus or haiku. Nothing was sent.")
}
