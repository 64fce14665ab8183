//! The routing table: which way each class of work takes, and what may take its place when that way is
//! barred. Every fallback is off until the user allows it, because it changes who pays.

mod agreement;
pub(super) mod next;
mod table;

use serde::{Deserialize, Serialize};

use super::by_farm::FarmAsk;
use super::models::a_name;
use super::request::Effort;
use super::route::{Class, PayWith};
use crate::error::{Error, Result};
use crate::id::{HostId, KeyId};
use crate::text::check_name;
use crate::usage::Tier;
use crate::words::words;

pub use agreement::Agreement;
pub(super) use agreement::{agreement, allowed_at, payer};
pub use table::{allow, disallow, put, remove, rule, rules};

/// The most fallbacks of one class.
pub const FALLBACKS_MAX: usize = 8;

/// The classes that the table can have a rule for, in the order in which they are listed.
pub const CLASSES: [Class; 5] = [
    Class::Interactive,
    Class::Planning,
    Class::Review,
    Class::Chat,
    Class::Task,
];

words! {
    /// Why a run goes on another way.
    #[cfg_attr(feature = "wire", ts(rename = "FallbackCause"))]
    Cause {
        /// A limit of the plan is reached.
        PlanLimit = "plan_limit",
        /// The server takes no more from this payer for now.
        RateLimited = "rate_limited",
        /// The server has too much to do, or fails.
        Overloaded = "overloaded",
        /// The host fails, or the server can't be reached.
        HostDown = "host_down",
        /// The way can't be taken at all: its key or login is gone, refused or without credit, or the vault
        /// is locked.
        Unavailable = "unavailable",
    }
}

impl Cause {
    /// Every cause, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::PlanLimit,
        Self::RateLimited,
        Self::Overloaded,
        Self::HostDown,
        Self::Unavailable,
    ];

    /// Says when it applies, as a clause.
    #[must_use]
    pub fn clause(self) -> &'static str {
        match self {
            Self::PlanLimit => "a limit of the plan is reached",
            Self::RateLimited => "a rate limit is reached",
            Self::Overloaded => "the server is overloaded or fails",
            Self::HostDown => "the host fails or the server can't be reached",
            Self::Unavailable => "that way can't be taken at all",
        }
    }

    /// Tells whether what ended so may be billed all the same: the server, or the host, may have had the
    /// prompt.
    pub(super) fn may_be_billed(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::HostDown)
    }
}

/// A tier, with whoever pays in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tier", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Through {
    /// The user's plan.
    Subscription {
        /// The login by name; the chosen one where absent.
        login: Option<String>,
    },
    /// The API.
    Metered {
        /// The stored key; the active one where absent.
        key: Option<KeyId>,
    },
    /// Remote hosts.
    Farm {
        /// This host and no other.
        host: Option<HostId>,
        /// Any host with this label; any host where neither is there.
        label: Option<String>,
        /// The stored key; the host's own way to pay where absent.
        key: Option<KeyId>,
    },
}

impl Through {
    /// Returns the tier.
    #[must_use]
    pub fn tier(&self) -> Tier {
        match self {
            Self::Subscription { .. } => Tier::Subscription,
            Self::Metered { .. } => Tier::Metered,
            Self::Farm { .. } => Tier::Farm,
        }
    }

    /// Tells whether it says who pays by itself, so that no choice made elsewhere changes it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Subscription { login } => login.is_some(),
            Self::Metered { key } | Self::Farm { key, .. } => key.is_some(),
        }
    }

    /// Returns what a run is asked for that goes this way.
    pub(super) fn pay_with(&self) -> PayWith {
        match self {
            Self::Subscription { login } => PayWith::Plan {
                login: login.clone(),
            },
            Self::Metered { key: Some(id) } => PayWith::Key(id.clone()),
            Self::Metered { key: None } => PayWith::Active,
            Self::Farm { host, label, key } => PayWith::Farm(FarmAsk {
                host: *host,
                label: label.clone(),
                key: key.clone().map(|id| Box::new(PayWith::Key(id))),
                timeout: None,
                retries: None,
            }),
        }
    }
}

/// Where work goes: who pays, and for which model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Destination {
    /// The tier and its payer.
    pub through: Through,
    /// The model, by id or word; where absent, the one that the run would have otherwise, which for a
    /// fallback is that of the first way.
    pub model: Option<String>,
    /// How much work goes into the answer; as the run would have it otherwise where absent.
    pub effort: Option<Effort>,
}

/// What may take the place of the way before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Fallback {
    /// When.
    pub cause: Cause,
    /// Where to. It names its payer: no choice made elsewhere changes who that is.
    pub to: Destination,
}

/// Where one class of work goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "RoutingRule"))]
pub struct Rule {
    /// The class.
    pub class: Class,
    /// Where it goes first.
    pub first: Destination,
    /// What may follow, in order.
    pub fallbacks: Vec<Fallback>,
}

impl Rule {
    /// Refuses what can't be carried out, whatever the store holds.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) that says which part it is.
    pub fn check(&self) -> Result<()> {
        if self.class == Class::Check {
            return Err(Error::bad_input("A check of a key goes by no rule."));
        }
        if self.fallbacks.len() > FALLBACKS_MAX {
            return Err(Error::bad_input(format!(
                "{FALLBACKS_MAX} fallbacks of one class are the most."
            ))
            .hint("Remove one that is not needed."));
        }
        self.check_destination(&self.first)?;
        for (at, fallback) in self.fallbacks.iter().enumerate() {
            let to = &fallback.to;
            self.check_destination(to)?;
            if !to.through.is_exact() {
                return Err(
                    Error::bad_input("A fallback has to name who pays.").hint(
                        "Name the key, also on the farm, or the login: so no choice made elsewhere changes it.",
                    ),
                );
            }
            if (&to.through, &to.model) == (&self.first.through, &self.first.model) {
                return Err(Error::bad_input(
                    "A fallback to where the work went first changes nothing.",
                )
                .hint("Name another payer or another model."));
            }
            if self.fallbacks[..at].contains(fallback) {
                return Err(Error::bad_input("This fallback is there already."));
            }
        }
        Ok(())
    }

    fn check_destination(&self, to: &Destination) -> Result<()> {
        if let Some(model) = &to.model {
            a_name(model)?;
        }
        match &to.through {
            Through::Subscription { .. } if self.class == Class::Task => {
                Err(super::by_plan::no_tasks())
            }
            Through::Subscription { login: Some(name) } => {
                check_name("login's name", name).map(drop)
            }
            Through::Farm {
                host: Some(_),
                label: Some(_),
                ..
            } => Err(
                Error::bad_input("A host and a label at once name no one way.")
                    .hint("Name the host, or the label."),
            ),
            Through::Farm {
                label: Some(label), ..
            } => check_name("hosts' label", label).map(drop),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
