//! Who was shown to pay, held against who would by the time that a prompt is sent.

use serde::{Deserialize, Serialize};

use super::auto::FallbackWay;
use super::route::{Prepared, Route};
use crate::error::{Code, Error, Result};
use crate::id::KeyId;
use crate::text::shown;
use crate::usage::{Payer, Tier};

/// Who was shown to pay. Between that and the sending, keys are chosen, hosts come and go, and rules change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct ShownPayer {
    /// The tier.
    pub tier: Tier,
    /// The stored key, where one pays.
    pub key: Option<KeyId>,
    /// The server that it is sent to, where it isn't Anthropic's own.
    pub gateway: Option<String>,
    /// The login of a plan, where that pays. What `claude` says of its account is held against what was said
    /// before when it is asked, and is another matter.
    pub login: Option<String>,
    /// What the payer was called.
    pub label: String,
    /// Who is booked; unknown of what came from the page, which has no more than the name of one without a number.
    #[serde(skip)]
    pub booked_to: Option<Payer>,
}

impl ShownPayer {
    /// Returns who a route shows.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            tier: route.tier,
            key: route.key.clone(),
            gateway: route.gateway.clone(),
            login: route.plan.as_ref().map(|plan| plan.login.name.clone()),
            label: route.payer.clone(),
            booked_to: Some(route.booked_to.clone()),
        }
    }

    /// Tells whether the same one is billed. A stored key is the same under another name; one that is not stored
    /// may have been replaced under the same one.
    fn is_same(&self, other: &Self) -> bool {
        let is_there = (self.tier, &self.key, &self.gateway, &self.login)
            == (other.tier, &other.key, &other.gateway, &other.login);
        let has_id = self.key.is_some() || self.login.is_some();
        let booked = self.booked_to.as_ref().zip(other.booked_to.as_ref());
        let is_named_alike =
            || self.label == other.label && booked.is_none_or(|(was, is)| was == is);
        is_there && (has_id || is_named_alike())
    }
}

impl Prepared {
    /// Refuses another payer than the one that was shown, if one was.
    ///
    /// # Errors
    /// [`Code::WrongPayer`]; nothing was sent then.
    pub fn expect(&self, payer: Option<&ShownPayer>) -> Result<()> {
        let now = ShownPayer::of(&self.route);
        let Some(payer) = payer.filter(|payer| !payer.is_same(&now)) else {
            return Ok(());
        };
        let (was, is) = (shown(&payer.label, 60), shown(&now.label, 60));
        let message = match was == is {
            true => format!("{is} would pay another way by now than was shown."),
            false => format!("{is} would pay by now, and {was} was shown."),
        };
        Err(Error::new(Code::WrongPayer, message)
            .hint("Look at who pays, and send it if that is right. Nothing was sent."))
    }
}

/// Everybody who was shown to pay, or to be allowed to, for many prompts at once.
#[derive(Clone, Debug)]
pub struct ShownPayers {
    first: ShownPayer,
    /// The place of the fallback that it is, where the first way could not be taken.
    begins_with: Option<usize>,
    /// Those of the fallbacks that the user has allowed, as people know them, and as they were decided.
    after: Vec<(String, Option<ShownPayer>)>,
}

impl ShownPayers {
    /// Returns who is shown to pay for one of the prompts.
    #[must_use]
    pub fn of(prepared: &Prepared) -> Self {
        Self {
            first: ShownPayer::of(&prepared.route),
            begins_with: begins_with(prepared),
            after: allowed(prepared)
                .map(|one| {
                    let route = one.way.route.as_ref();
                    (one.payer_label.clone(), route.map(ShownPayer::of))
                })
                .collect(),
        }
    }

    /// Refuses a prompt that somebody else would pay for, or may by a fallback.
    ///
    /// # Errors
    /// [`Code::WrongPayer`]; nothing was sent then.
    pub fn check(&self, prepared: &Prepared) -> Result<()> {
        let is_shown = |one: &&FallbackWay| {
            let now = one.way.route.as_ref().map(ShownPayer::of);
            self.after.iter().any(|(label, payer)| {
                // One that can't be taken at the moment pays nothing.
                let is_same = payer
                    .as_ref()
                    .zip(now.as_ref())
                    .is_none_or(|(was, is)| was.is_same(is));
                *label == one.payer_label && is_same
            })
        };
        if let Some(one) = allowed(prepared).find(|one| !is_shown(one)) {
            let label = shown(&one.payer_label, 60);
            let message = format!("{label} may pay by now as well, and was not shown.");
            return Err(Error::new(Code::WrongPayer, message).hint("Nothing was sent."));
        }
        match begins_with(prepared) {
            // One of the fallbacks above, which was shown.
            Some(at) if self.begins_with != Some(at) => Ok(()),
            _ => prepared.expect(Some(&self.first)),
        }
    }
}

fn begins_with(prepared: &Prepared) -> Option<usize> {
    prepared.auto.as_ref().and_then(|auto| auto.begins_with)
}

/// Returns the fallbacks that the user has allowed.
fn allowed(prepared: &Prepared) -> impl Iterator<Item = &FallbackWay> {
    let fallbacks = prepared.auto.iter().flat_map(|auto| &auto.fallbacks);
    fallbacks.filter(|one| one.allowed_at.is_some())
}
