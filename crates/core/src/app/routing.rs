//! The routing table as faces show and change it.

use serde::Serialize;

use super::App;
use crate::dispatch::routing::{self, Agreement, Rule};
use crate::dispatch::{Ask, Auto, Class, PayWith, Request};
use crate::error::{Code, Result};

/// One class of work in the routing table.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "RoutingRow"))]
pub struct RoutingRow {
    /// Its rule; `None` where there is none, so that its work goes as it does where no class is named, and
    /// where it can't be read, so that its work goes nowhere.
    pub rule: Option<Rule>,
    /// Who would pay now, first and in place of that; each way that can't be taken with the reason. It has
    /// a rule also where that can't be read.
    pub auto: Auto,
}

impl App {
    /// Lists where every class of work goes, in the order of [`routing::CLASSES`]. Asks nobody anything.
    /// `variable` reads an environment variable.
    ///
    /// # Errors
    /// As [`App::db`]; [`Code::StoreDamaged`] when the store can't be read.
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
            rows.push(match self.read(|store, _| routing::rule(store, class)) {
                Ok(rule) => RoutingRow {
                    rule,
                    auto: dispatch.auto(&ask, &variable).await?,
                },
                // One that is spoilt keeps nobody from seeing the others.
                Err(error) if error.code() == Code::Damaged => RoutingRow {
                    rule: None,
                    auto: Auto::unreadable(class, &error),
                },
                Err(error) => return Err(error),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::Nobody;
    use crate::clock::{Clock, Millis};
    use crate::db::SqlContext;
    use crate::dispatch::routing::{Destination, Through};
    use crate::paths::Paths;

    #[tokio::test]
    async fn a_rule_that_cannot_be_read_keeps_nobody_from_seeing_and_mending_the_table() {
        let home = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Millis(1_800_000_000_000));
        let app = App::at(Paths::under(home.path()), clock, "test", Arc::new(Nobody));
        let rule = |class| Rule {
            class,
            first: Destination {
                through: Through::Metered { key: None },
                model: None,
                effort: None,
            },
            fallbacks: Vec::new(),
        };
        for class in [Class::Review, Class::Chat] {
            app.set_routing(rule(class)).await.unwrap();
        }
        let spoil = "UPDATE routing SET destination = '{}' WHERE class = 'review'";
        app.write(|store, _| store.execute(spoil, []).doing("spoil"))
            .await
            .unwrap();
        let rows = app.routing(|_| None).await.unwrap();
        let [_, _, review, chat, _] = &rows[..] else {
            panic!("five classes")
        };
        assert_eq!((&review.rule, review.auto.has_rule), (&None, true));
        let why = review.auto.first.why_not.as_ref().unwrap();
        assert_eq!(why.code, Code::Damaged);
        assert_eq!(chat.rule, Some(rule(Class::Chat)));
        app.set_routing(rule(Class::Review)).await.unwrap();
        let rows = app.routing(|_| None).await.unwrap();
        assert_eq!(rows[2].rule, Some(rule(Class::Review)));
    }
}
