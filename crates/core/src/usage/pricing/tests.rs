use proptest::prelude::*;

use super::*;
use crate::usage::{Status, Tokenizer, catalogue};

fn cost(model: &str, tokens: &Tokens, conditions: &Conditions) -> Option<i64> {
    catalogue()
        .price(model, tokens, conditions)
        .map(|priced| priced.cost.0)
}

fn plain(model: &str, tokens: &Tokens) -> Option<i64> {
    cost(model, tokens, &Conditions::default())
}

const BATCH: Conditions = Conditions {
    batch: true,
    us_geo: false,
    fast: false,
    unlisted: false,
};
const US: Conditions = Conditions {
    batch: false,
    us_geo: true,
    ..BATCH
};
const US_BATCH: Conditions = Conditions {
    us_geo: true,
    ..BATCH
};
const FAST: Conditions = Conditions {
    batch: false,
    fast: true,
    ..BATCH
};

fn input(count: u64) -> Tokens {
    Tokens {
        input: count,
        ..Tokens::default()
    }
}

fn cache_read(count: u64) -> Tokens {
    Tokens {
        cache_read: count,
        ..Tokens::default()
    }
}

#[test]
fn the_shipped_table_is_read_and_dated() {
    let table = catalogue();
    assert_eq!(table.as_of(), "2026-11-22");
    assert!(!table.sources().is_empty());
    assert_eq!(table.models().len(), 28);
}

#[test]
fn the_examples_of_the_table_come_out_to_the_digit() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../../data/prices.json")).unwrap();
    let mut checked = 0;
    for example in file["examples"].as_array().unwrap() {
        let mut tokens = Tokens::default();
        for (field, count) in example["tokens"].as_object().unwrap() {
            let count = count.as_u64().unwrap();
            match field.as_str() {
                "input" => tokens.input = count,
                "output" => tokens.output = count,
                "cache_write_5m" => tokens.cache_write_5m = count,
                "cache_write_1h" => tokens.cache_write_1h = count,
                "cache_read" => tokens.cache_read = count,
                other => panic!("{other}"),
            }
        }
        for (model, dollars) in example["cost"].as_object().unwrap() {
            let expected: Nano = dollars.as_str().unwrap().parse().unwrap();
            assert_eq!(plain(model, &tokens), Some(expected.0), "{model}");
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}

#[test]
fn a_prompt_above_the_limit_takes_the_higher_rates_for_the_whole_request() {
    let at = |prompt: u64| Tokens {
        input: prompt - 20_000,
        cache_read: 15_000,
        cache_write_5m: 5_000,
        output: 1_000,
        ..Tokens::default()
    };
    // 80,000 × $0.1 + 15,000 × $0.01 + 5,000 × $0.125 + 1,000 × $0.5, for a million tokens each.
    assert_eq!(plain("claude-haiku-5-5", &at(100_000)), Some(9_275_000));
    // 80,001 × $0.5 + 15,000 × $0.05 + 5,000 × $0.625 + 1,000 × $2.5.
    assert_eq!(plain("claude-haiku-5-5", &at(100_001)), Some(46_375_500));
    assert_eq!(
        cost("claude-haiku-5-5", &at(100_001), &BATCH),
        Some(23_187_750),
        "batch and long context combine"
    );
    assert_eq!(
        plain("claude-sonnet-5-5", &input(500_000)),
        Some(1_000_000_000),
        "no other model has such a limit"
    );
}

#[test]
fn half_a_nano_dollar_goes_to_the_even_side() {
    // One cache read of Haiku in a US batch: 10 × 0.5 × 1.1 = 5.5 nano-dollars.
    assert_eq!(cost("claude-haiku-5-5", &cache_read(1), &US_BATCH), Some(6));
    assert_eq!(
        cost("claude-haiku-5-5", &cache_read(2), &US_BATCH),
        Some(11)
    );
    assert_eq!(
        cost("claude-haiku-5-5", &cache_read(3), &US_BATCH),
        Some(16)
    );
    assert_eq!(
        cost("claude-haiku-5-5", &cache_read(5), &US_BATCH),
        Some(28)
    );
}

#[test]
fn each_condition_has_its_multiplier() {
    let tokens = input(1_000_000);
    assert_eq!(
        cost("claude-opus-5-5", &tokens, &BATCH),
        Some(2_000_000_000)
    );
    assert_eq!(cost("claude-opus-5-5", &tokens, &US), Some(4_400_000_000));
    assert_eq!(cost("claude-opus-5-5", &tokens, &FAST), Some(8_000_000_000));
    assert_eq!(
        cost("claude-opus-4-5", &tokens, &US),
        Some(5_000_000_000),
        "no regional price before 4.6"
    );
}

#[test]
fn web_searches_cost_a_cent_whatever_the_tokens_cost() {
    let tokens = Tokens {
        web_searches: 3,
        ..input(1_000_000)
    };
    assert_eq!(plain("claude-sonnet-5-5", &tokens), Some(2_030_000_000));
    assert_eq!(
        cost("claude-sonnet-5-5", &tokens, &US_BATCH),
        Some(1_130_000_000)
    );
}

#[test]
fn what_the_table_does_not_know_is_unknown_and_never_nothing() {
    let tokens = input(10);
    for model in ["claude-opus-9", "", "gpt", "claude-3-opus-20240229"] {
        assert_eq!(plain(model, &tokens), None, "{model}");
        assert_eq!(plain(model, &Tokens::default()), None, "{model}");
    }
    assert_eq!(cost("claude-sonnet-5-5", &tokens, &FAST), None);
    let priority = Conditions::reported(Some("priority"), None, None);
    assert_eq!(cost("claude-sonnet-5-5", &tokens, &priority), None);
    assert_eq!(
        plain("claude-opus-5-5", &input(u64::MAX)),
        None,
        "too much to keep"
    );
}

#[test]
fn what_the_server_reports_of_a_request_is_understood() {
    assert_eq!(
        Conditions::reported(Some("standard"), Some("global"), Some("standard")),
        Conditions::default()
    );
    assert_eq!(
        Conditions::reported(None, None, None),
        Conditions::default()
    );
    assert_eq!(
        Conditions::reported(Some("batch"), Some("us"), None),
        US_BATCH
    );
    assert!(Conditions::reported(None, Some("eu"), None).unlisted);
}

#[test]
fn a_model_is_found_by_its_aliases_its_date_and_its_word() {
    let table = catalogue();
    let id = |text: &str| table.resolve(text).map(|model| model.id.as_str());
    assert_eq!(id("claude-haiku-4-5"), Some("claude-haiku-4-5-20251001"));
    assert_eq!(id("claude-sonnet-5-5-20261231"), Some("claude-sonnet-5-5"));
    assert_eq!(id("claude-sonnet-5-5-2026123x"), None);
    assert_eq!(id("opus"), Some("claude-opus-5-5"));
    assert_eq!(id("sonnet"), Some("claude-sonnet-5-5"));
    assert_eq!(id("haiku"), Some("claude-haiku-5-5"));
    assert_eq!(id("fable"), Some("claude-fable-5-2"));
    assert!(
        table.find("opus").is_none(),
        "no server answers with a word"
    );
    assert_eq!(table.resolve("opus").unwrap().name, "Claude Opus 5.5");
    assert_eq!(
        table.find("claude-opus-4-6").unwrap().tokenizer,
        Tokenizer::Classic
    );
    assert_eq!(
        table.find("claude-opus-4-7").unwrap().tokenizer,
        Tokenizer::Dense
    );
}

#[test]
fn a_model_leaves_the_usable_ones_on_the_day_that_it_retires() {
    let table = catalogue();
    let usable = |day: &str| {
        table
            .usable(day.parse().unwrap())
            .any(|model| model.id == "claude-sonnet-4-5-20250929")
    };
    assert!(usable("2026-11-29"));
    assert!(!usable("2026-11-30"));
    assert!(
        table
            .usable("2020-01-01".parse().unwrap())
            .all(|model| model.status != Status::Retired)
    );
}

#[test]
fn a_worst_case_takes_the_dearest_rate_that_can_apply() {
    let table = catalogue();
    let worst = |model: &str, prompt, cache| {
        table
            .worst_case(model, prompt, 1_000, cache, &Conditions::default())
            .map(|cost| cost.0)
    };
    // 1,100 × $2 + 1,000 × $10, for a million tokens each.
    assert_eq!(
        worst("claude-sonnet-5-5", 1_000, CacheWrites::None),
        Some(12_200_000)
    );
    assert_eq!(
        worst("claude-sonnet-5-5", 1_000, CacheWrites::FiveMinutes),
        Some(12_750_000)
    );
    assert_eq!(
        worst("claude-sonnet-5-5", 1_000, CacheWrites::OneHour),
        Some(14_400_000)
    );
    let below = worst("claude-haiku-5-5", 90_000, CacheWrites::None).unwrap();
    let near = worst("claude-haiku-5-5", 95_000, CacheWrites::None).unwrap();
    assert!(
        near > 5 * below,
        "an estimate near the limit may be above it"
    );
    assert_eq!(worst("claude-opus-9", 1, CacheWrites::None), None);
    assert_eq!(
        table.worst_case("claude-sonnet-5-5", 1, 1, CacheWrites::None, &FAST),
        None
    );
}

#[test]
fn a_table_with_a_price_that_is_not_a_plain_decimal_is_refused() {
    let sound = include_str!("../../../data/prices.json");
    assert!(Catalogue::parse(sound).is_ok());
    for (from, to) in [
        ("\"input\": \"8\"", "\"input\": \"1e1\""),
        ("\"input\": \"8\"", "\"input\": \"-8\""),
        ("\"input\": \"8\"", "\"input\": 8"),
        ("\"input\": \"8\"", "\"input\": \"0.0000001\""),
        ("2026-11-22\"", "yesterday\""),
    ] {
        let damaged = sound.replacen(from, to, 1);
        assert_ne!(damaged, sound);
        assert!(Catalogue::parse(&damaged).is_err(), "{to} was taken");
    }
}

fn any_model() -> impl Strategy<Value = String> {
    let models: Vec<String> = catalogue()
        .models()
        .iter()
        .filter(|model| model.is_priced())
        .map(|model| model.id.clone())
        .collect();
    prop::sample::select(models)
}

fn any_tokens() -> impl Strategy<Value = Tokens> {
    let count = || prop_oneof![0_u64..300, 0_u64..2_000_000];
    (count(), count(), count(), count(), count(), 0_u64..5).prop_map(
        |(input, output, cache_write_5m, cache_write_1h, cache_read, web_searches)| Tokens {
            input,
            output,
            cache_write_5m,
            cache_write_1h,
            cache_read,
            thinking: 0,
            web_searches,
        },
    )
}

fn any_conditions() -> impl Strategy<Value = Conditions> {
    (any::<bool>(), any::<bool>()).prop_map(|(batch, us_geo)| Conditions {
        batch,
        us_geo,
        ..Conditions::default()
    })
}

proptest! {
    #[test]
    fn more_of_anything_never_costs_less(model in any_model(), tokens in any_tokens(), conditions in any_conditions(), which in 0..6, more in 1_u64..100_000) {
        let mut larger = tokens;
        match which {
            0 => larger.input += more,
            1 => larger.output += more,
            2 => larger.cache_write_5m += more,
            3 => larger.cache_write_1h += more,
            4 => larger.cache_read += more,
            _ => larger.web_searches += more,
        }
        let less = cost(&model, &tokens, &conditions).unwrap();
        prop_assert!(less >= 0);
        prop_assert!(cost(&model, &larger, &conditions).unwrap() >= less);
    }

    #[test]
    fn a_whole_is_the_sum_of_its_parts_but_for_rounding(model in any_model(), tokens in any_tokens(), conditions in any_conditions()) {
        // Haiku's parts would take other rates than the whole.
        prop_assume!(tokens.prompt() <= 100_000 || model != "claude-haiku-5-5");
        let parts = [
            Tokens { input: tokens.input, ..Tokens::default() },
            Tokens { output: tokens.output, ..Tokens::default() },
            Tokens { cache_write_5m: tokens.cache_write_5m, ..Tokens::default() },
            Tokens { cache_write_1h: tokens.cache_write_1h, ..Tokens::default() },
            Tokens { cache_read: tokens.cache_read, ..Tokens::default() },
            Tokens { web_searches: tokens.web_searches, ..Tokens::default() },
        ];
        let sum: i64 = parts.iter().map(|part| cost(&model, part, &conditions).unwrap()).sum();
        let whole = cost(&model, &tokens, &conditions).unwrap();
        prop_assert!((sum - whole).abs() <= 3, "{sum} and {whole}");
    }

    #[test]
    fn a_run_never_costs_more_than_its_worst_case(model in any_model(), tokens in any_tokens(), conditions in any_conditions()) {
        let tokens = Tokens { web_searches: 0, ..tokens };
        let worst = catalogue()
            .worst_case(&model, tokens.prompt(), tokens.output, CacheWrites::OneHour, &conditions)
            .unwrap();
        prop_assert!(cost(&model, &tokens, &conditions).unwrap() <= worst.0);
    }
}
