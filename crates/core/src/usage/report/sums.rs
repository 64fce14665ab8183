//! Sums that never mix money that leaves with money that does not, nor hide a row without a price.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::usage::{Basis, Nano, Tokens};

/// A sum of money with the number of runs behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Figure {
    /// The sum of the known costs.
    pub cost: Nano,
    /// How many runs it is of, those without a price included.
    pub runs: u64,
    /// How many of them have no price, so that the sum is too low by theirs.
    pub unpriced: u64,
}

/// The sums of some part of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Sums {
    /// Money that leaves: metered, estimated, billed, and extra usage beyond a plan.
    pub leaving: Figure,
    /// What runs on a plan would have cost without it; never part of `leaving`.
    pub plan: Figure,
    /// Both, by what the figures rest on.
    pub by_basis: BTreeMap<Basis, Figure>,
    /// The tokens of all runs.
    pub tokens: Tokens,
}

impl Figure {
    fn add(&mut self, other: &Self) -> Option<()> {
        self.cost = self.cost.checked_add(other.cost)?;
        self.runs = self.runs.checked_add(other.runs)?;
        self.unpriced = self.unpriced.checked_add(other.unpriced)?;
        Some(())
    }
}

impl Sums {
    /// Adds what rests on `basis`.
    ///
    /// # Errors
    /// [`Code::Failed`](crate::error::Code::Failed) where a sum is too large to be kept.
    pub(super) fn add(&mut self, basis: Basis, figure: &Figure, tokens: &Tokens) -> Result<()> {
        self.try_add(basis, figure, tokens)
            .ok_or_else(|| Error::failed("The sums are too large to be added up."))
    }

    fn try_add(&mut self, basis: Basis, figure: &Figure, tokens: &Tokens) -> Option<()> {
        let class = match basis {
            Basis::Plan => &mut self.plan,
            Basis::Metered | Basis::Estimated | Basis::Billed | Basis::Extra => &mut self.leaving,
        };
        class.add(figure)?;
        self.by_basis.entry(basis).or_default().add(figure)?;
        self.tokens = self.tokens.checked_add(tokens)?;
        Some(())
    }

    /// Returns how many runs there are, on a plan or not.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.leaving.runs.saturating_add(self.plan.runs)
    }

    /// Returns how much of the prompts came from the cache, in thousandths rounded down; `None`
    /// where there was no prompt.
    #[must_use]
    pub fn cached_permille(&self) -> Option<u16> {
        let prompt = u128::from(self.tokens.prompt());
        let read = u128::from(self.tokens.cache_read);
        u16::try_from((read * 1_000).checked_div(prompt)?).ok()
    }
}
