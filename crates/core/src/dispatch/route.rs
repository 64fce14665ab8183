//! Who pays, for which model, at most how much, and why: decided and shown before anything leaves.

use std::sync::Arc;

use serde::Serialize;

use super::auto::Auto;
use super::by_farm::{FarmAsk, FarmRoute};
use super::by_plan::PlanRoute;
use super::draft::{Draft, Ready, Wish};
use super::event::Instead;
use super::lines::Line;
use super::models::UnknownModel;
use super::onward::Left;
use super::reaching::Early;
use super::request::{Effort, Request};
use super::run::Dispatch;
use crate::claude;
use crate::error::Result;
use crate::http::{Endpoint, count_tokens};
use crate::id::{KeyId, RunId};
use crate::keys;
use crate::secret::ApiKey;
use crate::usage::{CacheWrites, Conditions, CountedBy, Estimate, Nano, Payer, Tier, catalogue};
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
    /// Whoever paid for the run that this one continues, on the farm where it was there, or the active key
    /// where none is continued: a conversation does not change its payer by itself.
    Usual,
    /// The stored key that paid for the run that this one continues, but never on the farm; else the
    /// active key.
    Metered,
    /// Whoever the routing table names for the class of work, with the fallbacks that the user has
    /// allowed; as [`PayWith::Usual`] where it has no rule for it.
    Auto,
    /// The active key, whoever paid before.
    Active,
    /// This key.
    Key(KeyId),
    /// The key in an environment variable, which needs no vault.
    Env {
        /// The variable's name.
        name: String,
        /// The server that it is for; Anthropic's own where absent.
        base_url: Option<String>,
    },
    /// The key in an env file, which needs no vault either. The file is read and never run.
    EnvFile {
        /// Which variable of which file.
        variable: keys::FileVariable,
        /// The server that it is for; Anthropic's own where absent.
        base_url: Option<String>,
    },
    /// The user's plan, through this login of their own `claude`, else the one that is chosen.
    Plan {
        /// The login's name.
        login: Option<String>,
    },
    /// Whoever pays on the host that takes it; where a run of the farm is continued and neither host nor key
    /// is named, whoever paid for that.
    Farm(FarmAsk),
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
    /// What is known of the plan, where it pays.
    pub plan: Option<PlanRoute>,
    /// Where on the farm it may go, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "wire", ts(optional))]
    pub farm: Option<FarmRoute>,
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
    /// What the routing table says, where it was asked.
    pub auto: Option<Box<Auto>>,
    /// The way in whose place this one stands, where that could not be taken.
    pub(super) left: Option<Left>,
    /// What the run stands in for, once that is known.
    pub(super) instead_of: Option<Instead>,
    /// The line of a file that it is for.
    pub(super) line: Option<Line>,
    /// The slot of the farm that it has already.
    pub(super) early: Option<Early>,
    pub(super) class: Class,
    pub(super) reply_to: Option<RunId>,
    pub(super) request: Arc<Request>,
    /// The key of an environment variable; a stored one is opened when the run starts.
    pub(super) variable: Option<ApiKey>,
    /// The login of a plan.
    pub(super) login: Option<claude::Login>,
}

impl Prepared {
    /// Returns the most that it can cost, without its fallbacks; `None` where the price is unknown.
    /// Within a plan that is nothing: its estimate is what it would cost outside of one.
    #[must_use]
    pub fn at_most(&self) -> Option<Nano> {
        at_most(&self.route, &self.estimate)
    }

    /// Goes another way.
    pub(super) fn turn_to(&mut self, ready: Ready) {
        self.route = ready.route;
        self.estimate = ready.estimate;
        self.variable = ready.variable;
        self.login = ready.login;
        self.early = None;
        self.shape(ready.effort);
    }

    /// Makes the request one for its route. Nobody else holds it by then, so nothing is copied.
    pub(super) fn shape(&mut self, effort: Option<Effort>) {
        let request = Arc::make_mut(&mut self.request);
        request.model.clone_from(&self.route.model);
        request.effort = effort;
    }
}

/// Returns the most dollars that leave by a route.
pub(super) fn at_most(route: &Route, estimate: &Estimate) -> Option<Nano> {
    match &route.plan {
        Some(plan) if !plan.is_extra => Some(Nano(0)),
        _ => estimate.at_most,
    }
}

impl Dispatch {
    /// Decides the route of a run and estimates its cost. Sends nothing. `variable` reads an
    /// environment variable.
    ///
    /// # Errors
    /// [`Code::BadInput`] for a request, key or model that can't be used, [`Code::NotFound`] where
    /// no key is chosen or nothing is kept to reply to, [`Code::Locked`] where a reply needs the
    /// vault, [`Code::ConsentNeeded`] where a plan is to be used and that was not accepted,
    /// [`Code::NoHost`] where no host of the farm can take it.
    pub async fn preflight(
        &self,
        ask: Ask,
        variable: impl Fn(&str) -> Option<String> + Send + Sync,
    ) -> Result<Prepared> {
        ask.request.check()?;
        self.decide(ask, &variable).await
    }

    /// As [`Dispatch::preflight`], of a draft that may not be complete yet.
    pub(super) async fn decide(
        &self,
        ask: Ask,
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> Result<Prepared> {
        let (mut draft, pay_with) = Draft::of(ask);
        if pay_with == PayWith::Auto {
            return Box::pin(self.by_class(draft, variable)).await?.prepared();
        }
        let effort = draft.request.effort;
        let wish = Wish {
            pay_with: &pay_with,
            model: None,
            effort,
        };
        let ready = self.ready(&mut draft, &wish, variable).await?;
        Ok(draft.prepared(ready))
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
        prepared.estimate = estimate(route, (tokens, CountedBy::Server));
        Ok(())
    }
}

/// Estimates what a request costs that goes by this route. On the farm each host that has had the prompt may
/// have billed all of it, so the most counts them all.
pub(super) fn estimate(route: &Route, counted: (u64, CountedBy)) -> Estimate {
    let (none, plain) = (CacheWrites::None, Conditions::default());
    let once = catalogue().estimate(&route.model, counted, route.max_tokens, none, &plain);
    let times = route.farm.as_ref().map_or(1, |farm| farm.times_billed_max);
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let at_most = once.at_most;
    Estimate {
        at_most: at_most.and_then(|most| Nano::checked_sum(std::iter::repeat_n(most, times))),
        ..once
    }
}
