//! The routing table as faces show and change it.

use serde::Serialize;

use super::App;
use crate::dispatch::routing::{self, Agreement, Rule};
use crate::dispatch::{Ask, Auto, Class, PayWith, Request};
use crate::error::Result;

/// One class of work in the routing table.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "RoutingRow"))]
pub struct RoutingRow {
    /// Its rule; `None` where there is none, so that its work goes as it does where no class is named.
    pub rule: Option<Rule>,
    /// Who would pay now, first and in place of that; each way that can't be taken with the reason.
    pub auto: Auto,
}

impl App {
    /// Lists where every class of work goes, in the order of [`routing::CLASSES`]. Asks nobody anything.
    /// `variable` reads an environment variable.
    ///
    /// # Errors
    /// As [`App::db`], and as [`Dispatch::auto`](crate::dispatch::Dispatch::auto).
    pub async fn routing(
        &self,
        variable: impl Fn(&str) -> Option<String> + Send + Sync,
    ) -> Result<Vec<RoutingRow>> {
        let dispatch = self.dispatch_quietly()?;
        let mut rows = Vec::new();
        for class in routing::CLASSES {
            let ask = Ask {
                pay_with: PayWith::Auto,
                class,
                reply_to: None,
                request: Request::default(),
            };
            rows.push(RoutingRow {
                rule: self.read(|store, _| routing::rule(store, class))?,
                auto: dispatch.auto(&ask, &variable).await?,
            });
        }
        Ok(rows)
    }

    /// Puts a rule in the place of the one that its class has.
    ///
    /// # Errors
    /// As [`routing::put`].
    pub async fn set_routing(&self, rule: Rule) -> Result<()> {
        let face = self.face();
        self.write(move |store, now| routing::put(store, &rule, face, now))
            .await
    }

    /// Removes the rule of a class with its fallbacks.
    ///
    /// # Errors
    /// As [`routing::remove`].
    pub async fn unset_routing(&self, class: Class) -> Result<()> {
        let face = self.face();
        self.write(move |store, now| routing::remove(store, class, face, now))
            .await
    }

    /// Allows a fallback beforehand, by its number from 1 and the version of the agreement that was shown.
    ///
    /// # Errors
    /// As [`routing::allow`].
    pub async fn allow_fallback(
        &self,
        class: Class,
        number: usize,
        version: String,
    ) -> Result<Agreement> {
        let face = self.face();
        self.write(move |store, now| routing::allow(store, (class, number), &version, face, now))
            .await
    }

    /// Allows a fallback no longer.
    ///
    /// # Errors
    /// As [`routing::disallow`].
    pub async fn disallow_fallback(&self, class: Class, number: usize) -> Result<Agreement> {
        let face = self.face();
        self.write(move |store, now| routing::disallow(store, (class, number), face, now))
            .await
    }
}
