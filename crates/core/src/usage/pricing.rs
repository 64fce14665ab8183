//! What tokens cost: exact, in pico-dollars, and rounded once for each row.

use super::catalogue::{Catalogue, Model, Multiplier, Rates};
use super::money::divide_half_even;
use super::{Nano, Tokens};

/// Pico-dollars in a nano-dollar.
const PICO: i128 = 1_000;

/// By how much a prompt may turn out larger than it was counted or estimated before sending; a
/// worst case is reckoned with it. Source: `count_tokens` calls its answer an estimate.
const PROMPT_MARGIN_PERCENT: u64 = 10;

/// What changes the price of a request besides its model and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conditions {
    /// It went through Message Batches.
    pub batch: bool,
    /// It was kept to the United States (`inference_geo: "us"`).
    pub us_geo: bool,
    /// It asked for fast answers (`speed: "fast"`).
    pub fast: bool,
    /// The server named a condition that the table has no price for; the price is unknown then.
    pub unlisted: bool,
}

impl Conditions {
    /// Reads what a response's `usage` says of its service tier, place and speed. A word that the
    /// table has no price for makes the price unknown, never too low.
    #[must_use]
    pub fn reported(service_tier: Option<&str>, geo: Option<&str>, speed: Option<&str>) -> Self {
        let mut conditions = Self::default();
        match service_tier {
            None | Some("" | "standard") => {}
            Some("batch") => conditions.batch = true,
            Some(_) => conditions.unlisted = true,
        }
        match geo {
            None | Some("" | "global" | "not_available") => {}
            Some("us") => conditions.us_geo = true,
            Some(_) => conditions.unlisted = true,
        }
        match speed {
            None | Some("" | "standard") => {}
            Some("fast") => conditions.fast = true,
            Some(_) => conditions.unlisted = true,
        }
        conditions
    }
}

/// Whether a request asks for its prompt to be written to the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheWrites {
    /// It does not.
    #[default]
    None,
    /// For five minutes.
    FiveMinutes,
    /// For one hour.
    OneHour,
}

/// A figure with the date of the table that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// What it costs.
    pub cost: Nano,
    /// The date of the price table, as in `2026-11-22`.
    pub as_of: String,
}

impl Catalogue {
    /// Returns what `tokens` of `model` cost, or `None` where the price is unknown: an unknown
    /// model, a condition without a price, or an amount that can't be kept.
    ///
    /// Rounded once, half to even, to a nano-dollar.
    #[must_use]
    pub fn price(&self, model: &str, tokens: &Tokens, conditions: &Conditions) -> Option<Priced> {
        self.price_several(model, tokens, tokens.prompt(), conditions)
    }

    /// Returns what `tokens` cost that are those of several requests, each with a prompt of `prompt` tokens:
    /// which rates apply is decided by that, and not by what they come to together. As [`price`](Self::price)
    /// else.
    #[must_use]
    pub fn price_several(
        &self,
        model: &str,
        tokens: &Tokens,
        prompt: u64,
        conditions: &Conditions,
    ) -> Option<Priced> {
        let model = self.find(model)?;
        let tokens_part = model.rates_for(prompt)?.pico(tokens)?;
        let (numerator, divisor) =
            self.exactly(model, tokens_part, tokens.web_searches, conditions)?;
        Some(Priced {
            cost: Nano(i64::try_from(divide_half_even(numerator, divisor)).ok()?),
            as_of: self.as_of().to_owned(),
        })
    }

    /// Returns the most that a request can cost whose prompt was counted or estimated at
    /// `prompt_tokens` and whose answer has at most `max_tokens`, or `None` where the price is
    /// unknown.
    ///
    /// The prompt is taken with a margin of 10 %, which also decides about long-context rates;
    /// each of its tokens at the dearest rate that can apply; rounded up. Tools that the server
    /// runs, such as web search, are not in it.
    #[must_use]
    pub fn worst_case(
        &self,
        model: &str,
        prompt_tokens: u64,
        max_tokens: u64,
        cache: CacheWrites,
        conditions: &Conditions,
    ) -> Option<Nano> {
        let model = self.find(model)?;
        let prompt = with_margin(prompt_tokens);
        let rates = model.rates_for(prompt)?;
        let written = match cache {
            CacheWrites::None => rates.input,
            CacheWrites::FiveMinutes => rates.cache_write_5m,
            CacheWrites::OneHour => rates.cache_write_1h,
        };
        let dearest = written.max(rates.input).max(rates.cache_read);
        let answer = i128::from(max_tokens).checked_mul(rates.output)?;
        let tokens_part = i128::from(prompt)
            .checked_mul(dearest)?
            .checked_add(answer)?;
        let (numerator, divisor) = self.exactly(model, tokens_part, 0, conditions)?;
        let up = numerator.checked_add(divisor - 1)?.div_euclid(divisor);
        Some(Nano(i64::try_from(up).ok()?))
    }

    /// Applies multipliers and searches; returns nano-dollars as a fraction, not yet rounded.
    fn exactly(
        &self,
        model: &Model,
        tokens_part: i128,
        searches: u64,
        conditions: &Conditions,
    ) -> Option<(i128, i128)> {
        if conditions.unlisted {
            return None;
        }
        let mut numerator = tokens_part;
        let mut divisor = PICO;
        let mut times = |factor: Multiplier| {
            numerator = numerator.checked_mul(factor.numerator())?;
            divisor = divisor.checked_mul(Multiplier::DIVISOR)?;
            Some(())
        };
        if conditions.batch {
            times(self.batch)?;
        }
        // Models before 4.6 have no regional price: the multiplier does not apply to them.
        if let (true, Some(us)) = (conditions.us_geo, model.us) {
            times(us)?;
        }
        if conditions.fast {
            times(model.fast?)?;
        }
        // Searches have one price, whatever the tokens' conditions: divisor / PICO undoes what the
        // multipliers will divide by.
        let searched = i128::from(searches)
            .checked_mul(self.pico_per_search)?
            .checked_mul(divisor / PICO)?;
        Some((numerator.checked_add(searched)?, divisor))
    }
}

impl Model {
    /// Returns the rates for a request with a prompt of `prompt` tokens: all of its tokens take
    /// the long-context rates where the prompt is longer than the limit.
    fn rates_for(&self, prompt: u64) -> Option<&Rates> {
        match &self.long_context {
            Some(long) if prompt > long.above_prompt_tokens => Some(&long.rates),
            _ => self.rates.as_ref(),
        }
    }
}

fn with_margin(tokens: u64) -> u64 {
    tokens.saturating_add(tokens.saturating_mul(PROMPT_MARGIN_PERCENT).div_ceil(100))
}

#[cfg(test)]
mod tests;
