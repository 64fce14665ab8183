//! What a prompt will cost, said before it is sent.

use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Tokenizer};
use super::pricing::{CacheWrites, Conditions};
use super::{Nano, Tokens};

/// Tokens of an answer of usual length, for the likely figure; a shorter limit holds instead.
pub const USUAL_ANSWER: u64 = 800;

/// What a message costs in tokens besides its content: roles and separators.
const FRAME: u64 = 16;

/// The longest run of letters that is still taken for a word of a language.
const WORD_MAX: usize = 16;

/// The side of the square, in pixels, that an image is cut into; each square is one token.
/// Source: the vision page at platform.claude.com.
const PATCH: u32 = 28;

/// Who counted the tokens of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum CountedBy {
    /// The server, by `count_tokens`.
    Server,
    /// This program, by [`Catalogue::local_prompt_tokens`].
    Local,
}

/// What a prompt will cost, as far as it can be known before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Estimate {
    /// The prompt's size in tokens.
    pub prompt_tokens: u64,
    /// Who counted them.
    pub counted_by: CountedBy,
    /// The cost with an answer of usual length; `None` where the price is unknown.
    pub likely: Option<Nano>,
    /// The most that it can cost, by [`Catalogue::worst_case`]; `None` where the price is unknown.
    pub at_most: Option<Nano>,
}

/// A part of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The text of one message, of the system prompt, or of a file.
    Text(&'a str),
    /// An image, with its width and height in pixels where they are known: see
    /// [`image_size`](super::image_size).
    Image(Option<(u32, u32)>),
}

impl Catalogue {
    /// Estimates a request to `model` whose prompt has `prompt_tokens` and whose answer has at
    /// most `max_tokens`.
    #[must_use]
    pub fn estimate(
        &self,
        model: &str,
        (prompt_tokens, counted_by): (u64, CountedBy),
        max_tokens: u64,
        cache: CacheWrites,
        conditions: &Conditions,
    ) -> Estimate {
        let mut tokens = Tokens {
            output: USUAL_ANSWER.min(max_tokens),
            ..Tokens::default()
        };
        match cache {
            CacheWrites::None => tokens.input = prompt_tokens,
            CacheWrites::FiveMinutes => tokens.cache_write_5m = prompt_tokens,
            CacheWrites::OneHour => tokens.cache_write_1h = prompt_tokens,
        }
        Estimate {
            prompt_tokens,
            counted_by,
            likely: self
                .price(model, &tokens, conditions)
                .map(|priced| priced.cost),
            at_most: self.worst_case(model, prompt_tokens, max_tokens, cache, conditions),
        }
    }

    /// Estimates the size of a prompt without asking a server: a heuristic that errs upwards.
    ///
    /// A word of up to four letters is one token and every further four letters are one more;
    /// letters without a gap (base64, hashes) are two to the token; each digit, sign and line
    /// break is one; a gap of several spaces is one; other scripts have one for every two bytes of UTF-8. Models since Opus 4.7 get 30 % more.
    /// An image has one for each square of 28 × 28 pixels, up to the most that the model takes,
    /// which is also assumed where the size is unknown. An unknown model counts as the newest.
    #[must_use]
    pub fn local_prompt_tokens<'a>(
        &self,
        model: &str,
        pieces: impl IntoIterator<Item = Piece<'a>>,
    ) -> u64 {
        let tokenizer = self
            .find(model)
            .map_or(Tokenizer::Dense, |model| model.tokenizer);
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => of_text(text, tokenizer).saturating_add(FRAME),
                Piece::Image(size) => of_image(size, tokenizer),
            })
            .fold(0, u64::saturating_add)
    }
}

fn of_text(text: &str, tokenizer: Tokenizer) -> u64 {
    let mut tokens = 0_u64;
    let mut letters = 0_usize;
    let mut gap = 0_usize;
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            letters += 1;
            gap = 0;
            continue;
        }
        tokens = tokens.saturating_add(of_word(std::mem::take(&mut letters)));
        if matches!(c, ' ' | '\t' | '\r') {
            // One space belongs to the word that follows; more of them are one token together.
            gap += 1;
            tokens = tokens.saturating_add(u64::from(gap == 2));
            continue;
        }
        gap = 0;
        let of_char = if c.is_ascii() {
            1
        } else {
            c.len_utf8().div_ceil(2)
        };
        tokens = tokens.saturating_add(of_char as u64);
    }
    tokens = tokens.saturating_add(of_word(letters));
    match tokenizer {
        Tokenizer::Classic => tokens,
        Tokenizer::Dense => tokens.saturating_mul(13).div_ceil(10),
    }
}

fn of_word(letters: usize) -> u64 {
    let per_token = if letters <= WORD_MAX { 4 } else { 2 };
    letters.div_ceil(per_token) as u64
}

fn of_image(size: Option<(u32, u32)>, tokenizer: Tokenizer) -> u64 {
    // The largest image that is not scaled down first. Source: the vision page, which gives 1,568
    // pixels and tokens for models before Opus 4.7, and 2,576 pixels and 4,784 tokens since.
    let most = match tokenizer {
        Tokenizer::Classic => 1_568,
        Tokenizer::Dense => 4_784,
    };
    size.map_or(most, |(width, height)| {
        let squares = u64::from(width.div_ceil(PATCH)) * u64::from(height.div_ceil(PATCH));
        squares.clamp(1, most)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::usage::catalogue;

    const CLASSIC: &str = "claude-haiku-4-5";
    const DENSE: &str = "claude-sonnet-5-5";

    fn text(model: &str, text: &str) -> u64 {
        catalogue().local_prompt_tokens(model, [Piece::Text(text)]) - FRAME
    }

    #[test]
    fn plain_english_is_estimated_a_little_above_what_tokenizers_make_of_it() {
        // Common tokenizers make 1.2 to 1.4 tokens of an English word; these are 16 words.
        let words = "The quick brown fox jumps over the lazy dog while seven other animals quietly look on.";
        let tokens = text(CLASSIC, words);
        assert!((16 * 12 / 10..=16 * 2).contains(&tokens), "{tokens}");
        assert_eq!(text(DENSE, words), (tokens * 13).div_ceil(10));
    }

    #[test]
    fn letters_without_a_gap_digits_and_other_scripts_weigh_more() {
        assert_eq!(text(CLASSIC, &"x".repeat(1_000)), 500);
        assert_eq!(text(CLASSIC, "1234567890"), 10);
        assert_eq!(text(CLASSIC, "漢字"), 4);
        assert_eq!(text(CLASSIC, "🔑"), 2);
        assert_eq!(text(CLASSIC, "a    b"), 3);
        assert_eq!(text(CLASSIC, ""), 0);
    }

    #[test]
    fn an_image_has_a_token_for_each_square_up_to_what_the_model_takes() {
        let image = |model, size| catalogue().local_prompt_tokens(model, [Piece::Image(size)]);
        assert_eq!(image(CLASSIC, Some((1_000, 1_000))), 36 * 36);
        assert_eq!(image(CLASSIC, Some((4_000, 4_000))), 1_568);
        assert_eq!(image(DENSE, Some((4_000, 4_000))), 4_784);
        assert_eq!(image(CLASSIC, None), 1_568);
        assert_eq!(image("claude-unheard-of", None), 4_784);
        assert_eq!(image(DENSE, Some((u32::MAX, u32::MAX))), 4_784);
        assert_eq!(image(DENSE, Some((0, 0))), 1);
    }

    #[test]
    fn an_estimate_says_who_counted_and_is_unknown_without_a_price() {
        let of = |model| {
            catalogue().estimate(
                model,
                (1_000, CountedBy::Server),
                4_000,
                CacheWrites::None,
                &Conditions::default(),
            )
        };
        let known = of(DENSE);
        // 1,000 × $2 + 800 × $10, and 1,100 × $2 + 4,000 × $10, for a million tokens each.
        assert_eq!(known.likely, Some(Nano(10_000_000)));
        assert_eq!(known.at_most, Some(Nano(42_200_000)));
        assert_eq!(known.counted_by, CountedBy::Server);
        let unknown = of("claude-unheard-of");
        assert_eq!((unknown.likely, unknown.at_most), (None, None));
    }

    proptest! {
        #[test]
        fn what_is_likely_is_never_above_what_is_at_most(prompt in 0_u64..900_000, answer in 0_u64..128_000, which in 0_usize..3) {
            let cache = [CacheWrites::None, CacheWrites::FiveMinutes, CacheWrites::OneHour][which];
            for model in ["claude-haiku-5-5", DENSE, CLASSIC] {
                let estimate = catalogue().estimate(model, (prompt, CountedBy::Local), answer, cache, &Conditions::default());
                prop_assert!(estimate.likely.unwrap() <= estimate.at_most.unwrap());
            }
        }

        #[test]
        fn more_text_is_never_fewer_tokens(one in ".{0,80}", two in ".{0,80}") {
            let joined = format!("{one} {two}");
            prop_assert!(text(CLASSIC, &joined) >= text(CLASSIC, &one).max(text(CLASSIC, &two)));
        }
    }
}
