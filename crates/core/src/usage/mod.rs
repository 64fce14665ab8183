//! What runs cost: prices, the ledger, its sums, and the report.

mod catalogue;
mod cells;
mod estimate;
mod image;
mod ledger;
mod money;
mod payer;
mod pricing;
pub mod report;
mod reported;
pub mod retention;
pub mod zone;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::id::{HostId, KeyId, RunId};
use crate::words::words;

pub use catalogue::{Catalogue, Model, Status, Tokenizer, catalogue};
pub use estimate::{CountedBy, Estimate, Piece, USUAL_ANSWER};
pub use image::image_size;
pub use ledger::{Booked, book, take_out};
pub use money::{Nano, shown};
pub use payer::Payer;
pub use pricing::{CacheWrites, Conditions, Priced};
pub use reported::{Usage, Used};

/// The tokens of one run, as the server counted them.
///
/// `input` leaves cached tokens out; `output` includes `thinking`. Source: Messages API, `usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Tokens {
    /// Tokens of the prompt that were neither read from nor written to the cache.
    pub input: u64,
    /// Tokens of the answer, thinking included.
    pub output: u64,
    /// Tokens written to the five-minute cache.
    pub cache_write_5m: u64,
    /// Tokens written to the one-hour cache.
    pub cache_write_1h: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// The part of `output` that was thinking.
    pub thinking: u64,
    /// Web searches, which are billed one by one.
    pub web_searches: u64,
}

impl Tokens {
    /// Returns the size of the prompt: input, cache reads and cache writes.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        [
            self.input,
            self.cache_write_5m,
            self.cache_write_1h,
            self.cache_read,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Adds each count, or returns `None` where one can't be kept.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        Some(Self {
            input: self.input.checked_add(other.input)?,
            output: self.output.checked_add(other.output)?,
            cache_write_5m: self.cache_write_5m.checked_add(other.cache_write_5m)?,
            cache_write_1h: self.cache_write_1h.checked_add(other.cache_write_1h)?,
            cache_read: self.cache_read.checked_add(other.cache_read)?,
            thinking: self.thinking.checked_add(other.thinking)?,
            web_searches: self.web_searches.checked_add(other.web_searches)?,
        })
    }

    /// Returns all tokens, prompt and answer.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}

words! {
    /// A way for a prompt to reach a model.
    Tier {
        /// The user's own plan, through the `claude` CLI.
        Subscription = "subscription",
        /// The Messages API with a chosen key.
        Metered = "metered",
        /// Remote boxes over SSH.
        Farm = "farm",
    }
}

words! {
    /// What a ledger figure rests on.
    Basis {
        /// The server reported the usage; the price is the list's.
        Metered = "metered",
        /// The run was cut off or reported nothing; the figure is our reckoning.
        Estimated = "estimated",
        /// Taken over from a bill.
        Billed = "billed",
        /// What it would have cost outside of a plan; never added to dollars.
        Plan = "plan",
        /// Paid usage beyond a plan.
        Extra = "extra",
    }
}

/// One row for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The run that it books; a run is booked at most once.
    pub run: Option<RunId>,
    /// When the run ended.
    pub at: Millis,
    /// Who is billed.
    pub payer: Payer,
    /// The stored key, where one paid.
    pub key: Option<KeyId>,
    /// The tier that it went through.
    pub tier: Tier,
    /// The model that answered, or the one asked for where the answer named none.
    pub model: String,
    /// The host, where it ran on one.
    pub host: Option<HostId>,
    /// The key's environment label at the time of the run.
    pub environment: String,
    /// What the figure rests on.
    pub basis: Basis,
    /// The tokens.
    pub tokens: Tokens,
    /// What it cost; `None` where the price is unknown, which is never the same as nothing.
    pub cost: Option<Nano>,
    /// The date of the price table that made the figure.
    pub priced_as_of: Option<String>,
}

#[cfg(test)]
mod tests;
