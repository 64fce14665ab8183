//! Who pays, for which model, at most how much, and why: decided and shown before anything leaves.

use std::sync::Arc;

use serde::Serialize;

use super::by_farm::{self, FarmAsk, FarmRoute};
use super::by_plan::{self, PlanRoute};
use super::kept::Before;
use super::models::{self, Chosen, MODEL, UnknownModel};
use super::payer::payer;
use super::request::{MAX_TOKENS, Request};
use super::run::Dispatch;
use crate::claude;
use crate::error::{Error, Result};
use crate::http::{Endpoint, count_tokens};
use crate::id::{KeyId, RunId};
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
    /// The stored key that paid for the run that this one continues, or the active key where none
    /// is continued: a conversation does not change its payer by itself.
    Usual,
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
    /// The user's plan, through this login of their own `claude`, else the one that is chosen.
    Plan {
        /// The login's name.
        login: Option<String>,
    },
    /// Whoever pays on the host that takes it.
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
    pub(super) class: Class,
    pub(super) reply_to: Option<RunId>,
    pub(super) request: Arc<Request>,
    /// The key of an environment variable; a stored one is opened when the run starts.
    pub(super) variable: Option<ApiKey>,
    /// The login of a plan.
    pub(super) login: Option<claude::Login>,
}

impl Prepared {
    /// Returns the most that it can cost; `None` where the price is unknown. Within a plan that is
    /// nothing: its estimate is what it would cost outside of one.
    #[must_use]
    pub fn at_most(&self) -> Option<Nano> {
        match &self.route.plan {
            Some(plan) if !plan.is_extra => Some(Nano(0)),
            _ => self.estimate.at_most,
        }
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
        variable: impl Fn(&str) -> Option<String> + Send,
    ) -> Result<Prepared> {
        ask.request.check()?;
        self.decide(ask, &variable).await
    }

    /// As [`Dispatch::preflight`], of a draft that may not be complete yet.
    pub(super) async fn decide(
        &self,
        ask: Ask,
        variable: &(impl Fn(&str) -> Option<String> + Send),
    ) -> Result<Prepared> {
        let mut request = ask.request;
        let now = self.db.clock().now();
        // What no plan carries is refused for that, and not for what its login lacks.
        if matches!(ask.pay_with, PayWith::Plan { .. }) {
            by_plan::check(&request, ask.class)?;
        }
        let found = self.db.read(|store| {
            payer(
                store,
                &ask.pay_with,
                ask.reply_to,
                &self.farm,
                variable,
                now,
            )
        })?;
        if let Some(plan) = &found.plan {
            self.plan.check(&plan.login)?;
            by_plan::check(&request, ask.class)?;
            // What is missing is said now, and not when the prompt is to leave.
            self.plan.program().await?;
        }
        if found.farm.is_some() {
            by_farm::check(&request)?;
        }
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
                tier: match (&found.plan, &found.farm) {
                    (Some(_), _) => Tier::Subscription,
                    (None, Some(_)) => Tier::Farm,
                    (None, None) => Tier::Metered,
                },
                model: chosen.id,
                unknown_model: chosen.unknown,
                payer: found.label,
                key: found.key,
                gateway: found.endpoint.to_store(),
                environment: found.environment,
                max_tokens,
                reason: found.reason,
                plan: found.plan,
                farm: found.farm,
                booked_to: found.booked_to,
                endpoint: found.endpoint,
            },
            class: ask.class,
            reply_to: ask.reply_to,
            request: Arc::new(request),
            variable: found.variable,
            login: found.login,
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
