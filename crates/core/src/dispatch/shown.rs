//! Who was shown to pay, held against who would by the time that a prompt is sent.

use serde::{Deserialize, Serialize};

use super::route::{Prepared, Route};
use crate::error::{Code, Error, Result};
use crate::id::KeyId;
use crate::text::shown;
use crate::usage::Tier;

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
    /// What the payer was called.
    pub label: String,
}

impl ShownPayer {
    /// Returns who a route shows.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            tier: route.tier,
            key: route.key.clone(),
            gateway: route.gateway.clone(),
            label: route.payer.clone(),
        }
    }

    /// Tells whether the same one is billed. A stored key is the same under another name.
    fn is_same(&self, other: &Self) -> bool {
        let is_named_alike = self.key.is_some() || self.label == other.label;
        (self.tier, &self.key, &self.gateway) == (other.tier, &other.key, &other.gateway)
            && is_named_alike
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
    /// Those of the fallbacks that the user has allowed, as people know them.
    after: Vec<String>,
}

impl ShownPayers {
    /// Returns who is shown to pay for one of the prompts.
    #[must_use]
    pub fn of(prepared: &Prepared) -> Self {
        Self {
            first: ShownPayer::of(&prepared.route),
            after: allowed(prepared).map(str::to_owned).collect(),
        }
    }

    /// Refuses a prompt that somebody else would pay for, or may by a fallback.
    ///
    /// # Errors
    /// [`Code::WrongPayer`]; nothing was sent then.
    pub fn check(&self, prepared: &Prepared) -> Result<()> {
        let is_shown = |label: &str| self.after.iter().any(|shown| shown == label);
        if let Some(label) = allowed(prepared).find(|label| !is_shown(label)) {
            let label = shown(label, 60);
            let message = format!("{label} may pay by now as well, and was not shown.");
            return Err(Error::new(Code::WrongPayer, message).hint("Nothing was sent."));
        }
        let auto = prepared.auto.as_ref();
        match auto.and_then(|auto| auto.begins_with) {
            // One of the fallbacks above, which was shown.
            Some(_) => Ok(()),
            None => prepared.expect(Some(&self.first)),
        }
    }
}

/// Returns who may pay by the fallbacks that the user has allowed.
fn allowed(prepared: &Prepared) -> impl Iterator<Item = &str> {
    let fallbacks = prepared.auto.iter().flat_map(|auto| &auto.fallbacks);
    let allowed = fallbacks.filter(|one| one.allowed_at.is_some());
    allowed.map(|one| one.payer_label.as_str())
}
