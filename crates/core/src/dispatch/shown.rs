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
