//! What the routing table says of a prompt: where it goes first, and every fallback in full, so that all
//! who may pay are known before it is sent.

use serde::Serialize;

use super::draft::{Draft, Ready, Refused, Wish};
use super::onward::{Left, refused};
use super::route::{Ask, Class, PayWith, Prepared, Route, at_most};
use super::routing::next::{Candidate, Next, at_most as most_of_all, next};
use super::routing::{self, Agreement, Cause, Destination, Fallback, Rule};
use super::run::Dispatch;
use super::ways::Way;
use crate::clock::Millis;
use crate::error::{Code, Error, Failure, Remedy, Result};
use crate::usage::{Nano, Tier};

/// Where one class of work goes, with everything that may follow.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "AutoRoute"))]
pub struct Auto {
    /// The class of work.
    pub class: Class,
    /// The routing table has a rule for it; else it goes as it does where no class is named.
    pub has_rule: bool,
    /// Where it goes first, or why it can't.
    pub first: Way,
    /// What may follow, in the order in which it is looked at.
    pub fallbacks: Vec<FallbackWay>,
    /// The place, from 0, of the fallback that is taken at once, because the first way can't be.
    pub begins_with: Option<usize>,
    /// The most dollars that can leave, with every fallback that may be taken; `None` where a price
    /// is unknown.
    pub at_most: Option<Nano>,
}

/// One fallback beside the others.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct FallbackWay {
    /// When it is taken.
    pub cause: Cause,
    /// Where to, as the table has it.
    pub to: Destination,
    /// What the user allows with it.
    pub agreement: Agreement,
    /// Who would pay, as people know them.
    pub payer_label: String,
    /// Since when it is allowed; `None` where it is not, and is never taken.
    pub allowed_at: Option<Millis>,
    /// Who would pay, or why it can't be used.
    #[serde(flatten)]
    pub way: Way,
    /// What a run needs to take it.
    #[serde(skip)]
    #[cfg_attr(feature = "wire", ts(skip))]
    pub(super) ready: Option<Ready>,
    /// It was taken, or tried in vain.
    #[serde(skip)]
    #[cfg_attr(feature = "wire", ts(skip))]
    pub(super) is_spent: bool,
}

impl Auto {
    /// Tells whether a way that may be taken is barred by the locked vault alone.
    #[must_use]
    pub fn wants_vault(&self) -> bool {
        let allowed = self.fallbacks.iter().filter(|one| one.allowed_at.is_some());
        let mut ways = std::iter::once(&self.first).chain(allowed.map(|one| &one.way));
        ways.any(|way| {
            let why_not = way.why_not.as_ref();
            way.route.is_some() && why_not.is_some_and(|why| why.code == Code::Locked)
        })
    }

    /// Says of a class whose rule can't be read that it goes nowhere, and why.
    pub(crate) fn unreadable(class: Class, why: &Error) -> Self {
        Self {
            class,
            has_rule: true,
            first: Way {
                why_not: Some(Failure::from(why)),
                ..Way::empty(Tier::Metered)
            },
            fallbacks: Vec::new(),
            begins_with: None,
            at_most: None,
        }
    }

    /// Says what follows on a way that ended early.
    pub(super) fn next(&self, cause: Option<Cause>, has_shown: bool) -> Next {
        let candidate = |one: &FallbackWay| Candidate {
            cause: one.cause,
            is_allowed: one.allowed_at.is_some(),
            is_usable: one.ready.is_some(),
            is_spent: one.is_spent,
        };
        let candidates: Vec<_> = self.fallbacks.iter().map(candidate).collect();
        next(&candidates, cause, has_shown)
    }
}

/// A draft with all that was decided about its class.
pub(super) struct ByClass {
    draft: Draft,
    auto: Auto,
    first: Result<Ready, Refused>,
    /// Who pays first, as people know them, also where they can't.
    first_label: String,
}

impl ByClass {
    /// Makes it ready to be sent: the first way, else the fallback that the user has allowed for one that
    /// can't be taken.
    pub(super) fn prepared(self) -> Result<Prepared> {
        let Self {
            draft,
            mut auto,
            first,
            first_label,
        } = self;
        let (ready, left) = match first {
            Ok(ready) => (ready, None),
            Err(Refused::Request(error)) => return Err(error),
            Err(Refused::Way(error)) => {
                let cause = cause_of(&error);
                let at = match auto.next(Some(cause), false) {
                    Next::Take(at) => at,
                    Next::Stop(stop) => return Err(refused(error, stop, &auto)),
                };
                let one = &mut auto.fallbacks[at];
                one.is_spent = true;
                let Some(ready) = one.ready.take() else {
                    return Err(error);
                };
                let left = Left {
                    cause,
                    from: first_label,
                    error,
                    outcome: None,
                };
                (ready, Some(left))
            }
        };
        let mut prepared = draft.prepared(ready);
        prepared.auto = Some(Box::new(auto));
        prepared.left = left;
        Ok(prepared)
    }
}

impl Dispatch {
    /// Says where a draft would go by its class, with every fallback in full, whatever it names itself. It
    /// may be empty yet. Sends nothing, and needs no open vault unless it is a reply.
    ///
    /// # Errors
    /// [`Code::Damaged`] for a rule that can't be read, [`Code::StoreDamaged`] when the store can't be.
    pub async fn auto(
        &self,
        ask: &Ask,
        variable: impl Fn(&str) -> Option<String> + Send + Sync,
    ) -> Result<Auto> {
        let (draft, _) = Draft::of(ask.clone());
        Ok(Box::pin(self.by_class(draft, &variable)).await?.auto)
    }

    /// Decides about every way that a draft may take by its class.
    pub(super) async fn by_class(
        &self,
        mut draft: Draft,
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> Result<ByClass> {
        let class = draft.class;
        let Some(rule) = self.db.read(|store| routing::rule(store, class))? else {
            return Ok(self.without_rule(draft, variable).await);
        };
        let explicit = !draft.request.model.trim().is_empty();
        let named = rule.first.model.as_deref().filter(|_| !explicit);
        let first = self
            .destination(&mut draft, &rule.first, named, variable)
            .await;
        let mut fallbacks = Vec::new();
        for fallback in &rule.fallbacks {
            // Without a model of its own it goes on with the same, as the user has allowed.
            let model = fallback.to.model.as_deref().or(named);
            let next = self.fallback(&mut draft, &rule, (fallback, model), variable);
            fallbacks.push(next.await?);
        }
        let first_label = match &first {
            Ok(ready) => ready.route.payer.clone(),
            Err(_) => self
                .db
                .read(|store| routing::payer(store, &rule.first.through))?,
        };
        let mut auto = Auto {
            class,
            has_rule: true,
            first: self.shown(rule.first.through.tier(), &first).await,
            fallbacks,
            begins_with: None,
            at_most: None,
        };
        auto.close(&first);
        Ok(ByClass {
            draft,
            auto,
            first,
            first_label,
        })
    }

    async fn without_rule(
        &self,
        mut draft: Draft,
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> ByClass {
        let effort = draft.request.effort;
        let usual = Wish {
            pay_with: &PayWith::Usual,
            model: None,
            effort,
        };
        let first = self.ready(&mut draft, &usual, variable).await;
        let tier = first
            .as_ref()
            .map_or(Tier::Metered, |ready| ready.route.tier);
        let mut auto = Auto {
            class: draft.class,
            has_rule: false,
            first: self.shown(tier, &first).await,
            fallbacks: Vec::new(),
            begins_with: None,
            at_most: None,
        };
        auto.close(&first);
        ByClass {
            draft,
            auto,
            first,
            first_label: String::new(),
        }
    }

    async fn fallback(
        &self,
        draft: &mut Draft,
        rule: &Rule,
        (fallback, model): (&Fallback, Option<&str>),
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> Result<FallbackWay> {
        let to = &fallback.to;
        let ready = self.destination(draft, to, model, variable).await;
        let (agreement, payer_label, allowed_at) = self.db.read(|store| {
            let agreement = routing::agreement(store, rule, fallback)?;
            let payer = routing::payer(store, &to.through)?;
            let allowed_at = routing::allowed_at(store, &agreement.version)?;
            Ok((agreement, payer, allowed_at))
        })?;
        Ok(FallbackWay {
            cause: fallback.cause,
            to: to.clone(),
            agreement,
            payer_label,
            allowed_at,
            way: self.shown(to.through.tier(), &ready).await,
            ready: ready.ok(),
            is_spent: false,
        })
    }

    /// Decides whether a draft can go where the table says. What nobody knows the price of it can't:
    /// nobody has said so for this very prompt.
    async fn destination(
        &self,
        draft: &mut Draft,
        to: &Destination,
        model: Option<&str>,
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> Result<Ready, Refused> {
        let pay_with = to.through.pay_with();
        let wish = Wish {
            pay_with: &pay_with,
            model,
            effort: draft.request.effort.or(to.effort),
        };
        let mut ready = self.ready(draft, &wish, variable).await?;
        ready.route.reason = format!("because the routing table names it for {}", draft.class);
        if at_most(&ready.route, &ready.estimate).is_none() {
            let error = no_price(&ready.route);
            return Err(match model {
                Some(_) => Refused::Way(error),
                None => Refused::Request(error),
            });
        }
        Ok(ready)
    }

    /// Shows a way. A vault that is locked bars those that a stored key pays for, until it is opened.
    async fn shown(&self, tier: Tier, ready: &Result<Ready, Refused>) -> Way {
        let mut way = Way::empty(tier);
        match ready {
            Ok(ready) => {
                way.at_most = at_most(&ready.route, &ready.estimate);
                way.estimate = Some(ready.estimate);
                if ready.route.key.is_some() {
                    let barred = self.vault.could_open().await.err();
                    way.why_not = barred.as_ref().map(Failure::from);
                }
                way.route = Some(ready.route.clone());
            }
            Err(refused) => way.why_not = Some(Failure::from(refused.error())),
        }
        way
    }
}

impl Auto {
    /// Adds up what all that was decided comes to.
    fn close(&mut self, first: &Result<Ready, Refused>) {
        let begins = match first {
            Ok(ready) => at_most(&ready.route, &ready.estimate),
            Err(Refused::Request(_)) => return,
            Err(Refused::Way(error)) => match self.next(Some(cause_of(error)), false) {
                Next::Take(at) => {
                    self.begins_with = Some(at);
                    // What can't be taken costs nothing; the fallback is among those below.
                    Some(Nano(0))
                }
                Next::Stop(_) => return,
            },
        };
        let follow = self
            .fallbacks
            .iter()
            .filter(|one| one.allowed_at.is_some() && one.ready.is_some());
        let follow: Vec<_> = follow.map(|one| (one.cause, one.way.at_most)).collect();
        self.at_most = most_of_all(begins, &follow);
    }
}

/// Says for which reason another way may be taken in the place of one that can't be.
pub(super) fn cause_of(error: &Error) -> Cause {
    match (error.code(), error.failure().remedy) {
        (Code::NoHost, _) => Cause::HostDown,
        // The plan's last run was charged for as extra usage, which the user has not accepted.
        (_, Some(Remedy::AcceptExtraUsage)) => Cause::PlanLimit,
        _ => Cause::Unavailable,
    }
}

fn no_price(route: &Route) -> Error {
    let model = crate::text::shown(&route.model, 60);
    Error::new(
        Code::BadInput,
        format!("The price of {model} is not known, so nobody can say what it costs at most."),
    )
    .hint(
        "Choose a model whose price is known, or name who pays for this prompt. Nothing was sent.",
    )
}
