//! How things stand, as far as every screen of a face shows it.

use serde::Serialize;

use super::App;
use crate::consent::{self, Subject};
use crate::db::Db;
use crate::demo;
use crate::error::{Failure, Result};
use crate::keys::{self, Key};
use crate::vault::Status;

/// How things stand: the frame around every screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Standing {
    /// The version of this program.
    pub version: &'static str,
    /// The vault; `None` where there is none yet.
    pub vault: Option<Status>,
    /// The key that pays when no other is named.
    pub active: Option<Key>,
    /// Whether any key is stored.
    pub has_keys: bool,
    /// Whether prompts may go through the user's plan.
    pub has_plan: bool,
    /// What is wrong with the store's file, where it is open for reading only.
    pub damage: Option<Failure>,
    /// Whether everything here is simulated.
    pub is_simulated: bool,
}

impl App {
    /// Says how things stand. Makes no store where there is none.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn standing(&self) -> Result<Standing> {
        let mut standing = Standing {
            version: env!("CARGO_PKG_VERSION"),
            vault: None,
            active: None,
            has_keys: false,
            has_plan: false,
            damage: None,
            is_simulated: false,
        };
        let Some(db) = self.db_if_any()? else {
            return Ok(standing);
        };
        standing.damage = damage(db);
        standing.vault = Some(self.access()?.status().await?).filter(|vault| vault.exists);
        db.read(|store| {
            standing.active = keys::active(store)?;
            standing.has_keys = standing.active.is_some() || !keys::list(store)?.is_empty();
            standing.has_plan = consent::ask(store, Subject::Subscription)?.is_accepted();
            standing.is_simulated = demo::IS_SIMULATED.get(store)?;
            Ok(standing)
        })
    }
}

/// Says that the store is damaged, and what to do, if it is.
fn damage(db: &Db) -> Option<Failure> {
    db.damage().map(|error| error.failure().clone())
}
