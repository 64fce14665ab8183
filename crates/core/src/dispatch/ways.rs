//! The tiers side by side: who would pay through each of them, or why it can't be used.

use serde::Serialize;

use super::by_farm::FarmAsk;
use super::by_plan;
use super::route::{Ask, PayWith, Route};
use super::run::Dispatch;
use crate::error::Failure;
use crate::hosts;
use crate::usage::{Estimate, Nano, Tier};

/// One tier beside the others.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Way {
    /// The tier.
    pub tier: Tier,
    /// Where a run would go and who would pay, where it can be used.
    pub route: Option<Route>,
    /// What it would cost; of a plan, outside of one.
    pub estimate: Option<Estimate>,
    /// The most dollars that would leave; `None` where the price is unknown.
    pub at_most: Option<Nano>,
    /// What is left of the budget; `None` where none is set.
    pub budget_left: Option<Nano>,
    /// Why it can't be used.
    pub why_not: Option<Failure>,
}

impl Way {
    /// Makes one of which nothing is known yet.
    pub(super) fn empty(tier: Tier) -> Self {
        Self {
            tier,
            route: None,
            estimate: None,
            at_most: None,
            budget_left: None,
            why_not: None,
        }
    }
}

impl Dispatch {
    /// Decides the route of a draft through each tier, whichever of them it names; through the farm only
    /// where there are hosts. It may be empty yet.
    /// Sends nothing, and needs no open vault unless it is a reply.
    pub async fn ways(
        &self,
        ask: &Ask,
        variable: impl Fn(&str) -> Option<String> + Send + Sync,
    ) -> Vec<Way> {
        let (plan, key) = match (&ask.pay_with, self.paid_before(ask)) {
            (named @ PayWith::Plan { .. }, _) => (named.clone(), PayWith::Active),
            (PayWith::Farm(_), _) => (PayWith::Plan { login: None }, PayWith::Active),
            (PayWith::Usual | PayWith::Auto, login @ Some(_)) => {
                (PayWith::Plan { login }, PayWith::Active)
            }
            (PayWith::Usual | PayWith::Auto, None) => {
                (PayWith::Plan { login: None }, PayWith::Metered)
            }
            (key, _) => (PayWith::Plan { login: None }, key.clone()),
        };
        let farm = match &ask.pay_with {
            named @ PayWith::Farm(_) => Some(named.clone()),
            // Who has no farm is not told of one.
            _ => (self
                .db
                .read(hosts::list)
                .is_ok_and(|hosts| !hosts.is_empty()))
            .then(|| PayWith::Farm(FarmAsk::default())),
        };
        let mut ways = Vec::new();
        let others = [(Tier::Subscription, plan), (Tier::Metered, key)];
        let farm = farm.map(|farm| (Tier::Farm, farm));
        for (tier, pay_with) in others.into_iter().chain(farm) {
            let ask = Ask {
                pay_with,
                ..ask.clone()
            };
            ways.push(self.way(tier, ask, &variable).await);
        }
        ways
    }

    /// Returns the login of the plan that paid for what a draft replies to, if one did.
    fn paid_before(&self, ask: &Ask) -> Option<String> {
        // A run that can't be read is told of by the ways themselves.
        let paid = |run| self.db.read(|store| by_plan::paid_for(store, run)).ok();
        ask.reply_to.and_then(paid).flatten()
    }

    async fn way(
        &self,
        tier: Tier,
        ask: Ask,
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> Way {
        let mut way = Way::empty(tier);
        match self.decide(ask, variable).await {
            Ok(prepared) => {
                way.at_most = prepared.at_most();
                way.route = Some(prepared.route);
                way.estimate = Some(prepared.estimate);
            }
            Err(error) => way.why_not = Some(Failure::from(&error)),
        }
        way
    }
}
