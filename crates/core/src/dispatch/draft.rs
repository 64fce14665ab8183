//! A prompt that is to be sent, held against one way that it could take.

use std::sync::Arc;

use super::by_farm;
use super::by_plan;
use super::models::{self, Chosen, MODEL};
use super::payer::{Found, payer};
use super::request::{Effort, MAX_TOKENS, Request};
use super::route::{Ask, Class, PayWith, Prepared, Route, estimate};
use super::run::Dispatch;
use crate::claude;
use crate::error::{Error, Result};
use crate::id::RunId;
use crate::secret::ApiKey;
use crate::usage::{CountedBy, Estimate, Tier, catalogue};

/// A way that can be taken: all that a run needs besides the request itself.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) route: Route,
    pub(super) estimate: Estimate,
    pub(super) effort: Option<Effort>,
    pub(super) variable: Option<ApiKey>,
    pub(super) login: Option<claude::Login>,
}

/// Why a way can't be taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// Whoever would pay can't, or what the routing table says of it can't be carried out.
    Way(Error),
    /// The request is such that it can't go there.
    Request(Error),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Way(error) | Refused::Request(error) => error,
        }
    }
}

impl Refused {
    pub(super) fn error(&self) -> &Error {
        match self {
            Self::Way(error) | Self::Request(error) => error,
        }
    }
}

/// What is to be sent, before it is known which way.
pub(super) struct Draft {
    pub(super) class: Class,
    pub(super) reply_to: Option<RunId>,
    pub(super) request: Request,
    /// The model of the conversation, once that is read.
    before: Option<String>,
}

/// What is wanted of one way.
pub(super) struct Wish<'a> {
    pub(super) pay_with: &'a PayWith,
    /// The model that the routing table names for it.
    pub(super) model: Option<&'a str>,
    pub(super) effort: Option<Effort>,
}

impl Draft {
    pub(super) fn of(ask: Ask) -> (Self, PayWith) {
        let draft = Self {
            class: ask.class,
            reply_to: ask.reply_to,
            request: ask.request,
            before: None,
        };
        (draft, ask.pay_with)
    }

    pub(super) fn prepared(self, ready: Ready) -> Prepared {
        let mut prepared = Prepared {
            route: ready.route,
            estimate: ready.estimate,
            auto: None,
            left: None,
            instead_of: None,
            line: None,
            early: None,
            class: self.class,
            reply_to: self.reply_to,
            request: Arc::new(self.request),
            variable: ready.variable,
            login: ready.login,
        };
        prepared.shape(ready.effort);
        prepared
    }
}

impl Dispatch {
    /// Decides whether a draft can go one way, and what that costs.
    pub(super) async fn ready(
        &self,
        draft: &mut Draft,
        wish: &Wish<'_>,
        variable: &(impl Fn(&str) -> Option<String> + Send + Sync),
    ) -> Result<Ready, Refused> {
        let now = self.db.clock().now();
        // What no plan carries is refused for that, and not for what its login lacks.
        if matches!(wish.pay_with, PayWith::Plan { .. }) {
            by_plan::check(&draft.request, draft.class).map_err(Refused::Request)?;
        }
        let found = self
            .db
            .read(|store| {
                payer(
                    store,
                    wish.pay_with,
                    draft.reply_to,
                    &self.farm,
                    variable,
                    now,
                )
            })
            .map_err(Refused::Way)?;
        if let Some(plan) = &found.plan {
            self.plan.check(&plan.login).map_err(Refused::Way)?;
            by_plan::check(&draft.request, draft.class).map_err(Refused::Request)?;
            // What is missing is said now, and not when the prompt is to leave.
            self.plan.program().await.map_err(Refused::Way)?;
        }
        if found.farm.is_some() {
            by_farm::check(&draft.request).map_err(Refused::Request)?;
        }
        self.read_before(draft).await.map_err(Refused::Request)?;
        let chosen = self.db.read(|store| {
            let named = [
                wish.model,
                Some(&draft.request.model),
                draft.before.as_deref(),
            ];
            let named = named
                .into_iter()
                .flatten()
                .find(|name| !name.trim().is_empty());
            let usual = match named {
                None => MODEL.get(store)?,
                Some(_) => String::new(),
            };
            models::choose(store, &found.endpoint, named.unwrap_or(&usual))
        });
        let chosen = chosen.map_err(|error| match wish.model {
            Some(_) => Refused::Way(error),
            None => Refused::Request(error),
        })?;
        priced(&draft.request, found, chosen, wish.effort).map_err(Refused::Request)
    }

    /// Reads what a draft replies to, once.
    async fn read_before(&self, draft: &mut Draft) -> Result<()> {
        let (Some(run), None) = (draft.reply_to, &draft.before) else {
            return Ok(());
        };
        let keeper = self.keeper().await?;
        let before = self.db.read(|store| keeper.conversation(store, run))?;
        draft.request.turns = before.turns;
        if draft.request.system.is_none() {
            draft.request.system = before.system;
        }
        draft.before = Some(before.model);
        Ok(())
    }
}

/// Makes a way of whoever was found to pay and of the model that was chosen.
fn priced(
    request: &Request,
    found: Found,
    chosen: Chosen,
    effort: Option<Effort>,
) -> Result<Ready> {
    let max_tokens = max_tokens(request, &chosen)?;
    // A body that is too large is refused before anything is booked.
    request.check_size(max_tokens)?;
    let counted = catalogue().local_prompt_tokens(&chosen.id, request.pieces());
    let route = Route {
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
    };
    Ok(Ready {
        estimate: estimate(&route, (counted, CountedBy::Local)),
        route,
        effort,
        variable: found.variable,
        login: found.login,
    })
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
