//! The dated table of models and prices that is shipped with the program: `data/prices.json`.
//!
//! Rates are decimal strings there and pico-dollars for each token here, so that no figure ever
//! passes through a float.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Tokens;
use super::money;
use crate::error::{Error, Result};

/// Decimal places of "dollars for a million tokens" that are whole pico-dollars for one token.
const RATE_PLACES: usize = 6;
/// Decimal places kept of a multiplier.
const MULTIPLIER_PLACES: usize = 6;

static SHIPPED: LazyLock<Catalogue> = LazyLock::new(|| {
    // A table that can't be read leaves every price unknown, which is said wherever a price is
    // shown; a test makes sure that the shipped one can.
    Catalogue::parse(include_str!("../../data/prices.json")).unwrap_or_default()
});

/// Returns the table that is shipped with the program.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    &SHIPPED
}

/// The models that are known, with their prices as of one date.
#[derive(Debug, Default)]
pub struct Catalogue {
    as_of: String,
    sources: Vec<String>,
    models: Vec<Model>,
    pub(super) batch: Multiplier,
    pub(super) pico_per_search: i128,
}

/// Where a model is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be used.
    Active,
    /// It can be used until the date in [`Model::retires`].
    Deprecated,
    /// Calls are refused; the price is kept for old rows.
    Retired,
}

/// How a model cuts text into tokens; counts of one kind don't compare with those of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokenizer {
    /// Before Opus 4.7.
    Classic,
    /// Since Opus 4.7: about 30 % more tokens for the same text, and larger images. Source: the
    /// pages on models and on vision at platform.claude.com.
    Dense,
}

/// One model of the table.
#[derive(Clone, Debug)]
pub struct Model {
    /// The id as the API takes it.
    pub id: String,
    /// The name as people write it.
    pub name: String,
    /// The one word by which the `claude` CLI knows it, as in `sonnet`.
    pub word: Option<String>,
    /// Other ids of the same model.
    pub aliases: Vec<String>,
    /// Where it is in its life.
    pub status: Status,
    /// When calls are refused from, where that is known.
    pub retires: Option<Date>,
    /// The most tokens of prompt and answer together, where it is known.
    pub context_window: Option<u64>,
    /// The most tokens of an answer, where it is known.
    pub max_output: Option<u64>,
    /// How it cuts text into tokens.
    pub tokenizer: Tokenizer,
    pub(super) rates: Option<Rates>,
    pub(super) long_context: Option<LongContext>,
    pub(super) us: Option<Multiplier>,
    pub(super) fast: Option<Multiplier>,
}

impl Model {
    /// Tells whether the table has its price.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        self.rates.is_some()
    }
}

/// Pico-dollars for one token of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) input: i128,
    pub(super) output: i128,
    pub(super) cache_write_5m: i128,
    pub(super) cache_write_1h: i128,
    pub(super) cache_read: i128,
}

impl Rates {
    /// Returns what `tokens` cost in pico-dollars, without multipliers and searches.
    pub(super) fn pico(&self, tokens: &Tokens) -> Option<i128> {
        [
            (tokens.input, self.input),
            (tokens.output, self.output),
            (tokens.cache_write_5m, self.cache_write_5m),
            (tokens.cache_write_1h, self.cache_write_1h),
            (tokens.cache_read, self.cache_read),
        ]
        .into_iter()
        .try_fold(0_i128, |sum, (count, rate)| {
            sum.checked_add(i128::from(count).checked_mul(rate)?)
        })
    }
}

/// The rates of a whole request whose prompt is longer than a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongContext {
    pub(super) above_prompt_tokens: u64,
    pub(super) rates: Rates,
}

/// An exact factor: a numerator over a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Multiplier(i128);

impl Multiplier {
    /// What every numerator is divided by.
    pub(super) const DIVISOR: i128 = 10_i128.pow(6);

    pub(super) fn numerator(self) -> i128 {
        self.0
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Self(Self::DIVISOR)
    }
}

impl Catalogue {
    /// Reads a table.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) that says what in it can't be read.
    pub fn parse(json: &str) -> Result<Self> {
        let file: wire::File = serde_json::from_str(json).map_err(|e| {
            Error::bad_input("The price table can't be read: it is not in the expected form.")
                .because(e)
        })?;
        file.read()
    }

    /// Returns the date of the figures, as in `2026-11-22`.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// Returns where the figures are from.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Returns all models, the retired ones last.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Returns the models that can be used on `day`: the list that stands in where the API's own
    /// can't be fetched.
    pub fn usable(&self, day: Date) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |model| {
            model.status != Status::Retired && model.retires.is_none_or(|retires| day < retires)
        })
    }

    /// Finds a model by an id that the API or a log names, with or without the date at its end.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Model> {
        self.named(id).or_else(|| self.named(without_date(id)?))
    }

    /// Finds the model that a person means: an id, or one of the words `sonnet`, `opus`, `haiku`
    /// and `fable`, which stand for the newest of their kind as they do for the `claude` CLI.
    #[must_use]
    pub fn resolve(&self, text: &str) -> Option<&Model> {
        self.models
            .iter()
            .find(|model| model.word.as_deref() == Some(text))
            .or_else(|| self.find(text))
    }

    fn named(&self, id: &str) -> Option<&Model> {
        self.models
            .iter()
            .find(|model| model.id == id || model.aliases.iter().any(|alias| alias == id))
    }
}

/// Returns `id` without its trailing `-YYYYMMDD`, or `None` where it has none.
fn without_date(id: &str) -> Option<&str> {
    let (model, date) = id.rsplit_once('-')?;
    (date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit())).then_some(model)
}

/// The file's form.
mod wire {
    use super::*;

    #[derive(Deserialize)]
    pub(super) struct File {
        as_of: Date,
        sources: Vec<String>,
        batch_multiplier: String,
        web_search_per_1000: String,
        models: Vec<Row>,
    }

    #[derive(Deserialize)]
    struct Row {
        id: String,
        name: String,
        word: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
        status: Status,
        retires: Option<Date>,
        context_window: Option<u64>,
        max_output: Option<u64>,
        tokenizer: Tokenizer,
        rates: Option<RateTexts>,
        long_context: Option<LongContextTexts>,
        us_multiplier: Option<String>,
        fast_multiplier: Option<String>,
    }

    #[derive(Deserialize)]
    struct RateTexts {
        input: String,
        output: String,
        cache_write_5m: String,
        cache_write_1h: String,
        cache_read: String,
    }

    #[derive(Deserialize)]
    struct LongContextTexts {
        above_prompt_tokens: u64,
        rates: RateTexts,
    }

    impl File {
        pub(super) fn read(self) -> Result<Catalogue> {
            // "For a thousand searches" to pico-dollars for one: the decimal point moves nine places.
            let pico_per_search = number(&self.web_search_per_1000, 9)?;
            Ok(Catalogue {
                as_of: self.as_of.to_string(),
                sources: self.sources,
                batch: multiplier(&self.batch_multiplier)?,
                pico_per_search,
                models: self
                    .models
                    .into_iter()
                    .map(Row::read)
                    .collect::<Result<_>>()?,
            })
        }
    }

    impl Row {
        fn read(self) -> Result<Model> {
            Ok(Model {
                rates: self.rates.as_ref().map(RateTexts::read).transpose()?,
                long_context: self
                    .long_context
                    .as_ref()
                    .map(LongContextTexts::read)
                    .transpose()?,
                us: self.us_multiplier.as_deref().map(multiplier).transpose()?,
                fast: self
                    .fast_multiplier
                    .as_deref()
                    .map(multiplier)
                    .transpose()?,
                id: self.id,
                name: self.name,
                word: self.word,
                aliases: self.aliases,
                status: self.status,
                retires: self.retires,
                context_window: self.context_window,
                max_output: self.max_output,
                tokenizer: self.tokenizer,
            })
        }
    }

    impl RateTexts {
        fn read(&self) -> Result<Rates> {
            let rate = |text: &str| number(text, RATE_PLACES);
            Ok(Rates {
                input: rate(&self.input)?,
                output: rate(&self.output)?,
                cache_write_5m: rate(&self.cache_write_5m)?,
                cache_write_1h: rate(&self.cache_write_1h)?,
                cache_read: rate(&self.cache_read)?,
            })
        }
    }

    impl LongContextTexts {
        fn read(&self) -> Result<LongContext> {
            Ok(LongContext {
                above_prompt_tokens: self.above_prompt_tokens,
                rates: self.rates.read()?,
            })
        }
    }

    fn multiplier(text: &str) -> Result<Multiplier> {
        number(text, MULTIPLIER_PLACES).map(Multiplier)
    }

    fn number(text: &str, places: usize) -> Result<i128> {
        money::parse(text, places)
            .filter(|amount| *amount >= 0)
            .ok_or_else(|| {
                Error::bad_input(format!(
                    "The price table can't be read: {text:?} is not a plain decimal."
                ))
            })
    }
}
