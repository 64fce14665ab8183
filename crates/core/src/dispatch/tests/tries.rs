//! What runs are booked with that were tried more than once.

use std::time::Instant;

use super::*;
use crate::claude::Turn;
use crate::dispatch::booking::Booking;
use crate::dispatch::route::estimate;
use crate::dispatch::tier::Seen;
use crate::dispatch::told;
use crate::usage::{Conditions, CountedBy, Tokens, Used, catalogue};

const MODEL: &str = "claude-haiku-5-5";
/// Above it every token of a request costs five times as much.
const EDGE: u64 = 100_000;

/// Books what was seen of a run with a prompt of so many tokens.
async fn booked(home: &Home, prompt: u64, seen: Seen) -> Amount {
    let mut ask = home.ask("Hi");
    ask.request.model = MODEL.to_owned();
    let prepared = home.prepare(ask).await;
    let mut booking = Booking {
        db: home.dispatch.db.clone(),
        run: RunId(1),
        conversation: crate::id::ConversationId(1),
        route: prepared.route,
        instead_of: None,
        input_estimate: prompt,
        keeper: None,
        start: Instant::now(),
        seen,
        is_closed: false,
    };
    let (receipt, _) = booking.close(None).await;
    receipt.booked.unwrap()
}

/// The end of a turn of `claude` whose answer had this prompt; in all it asked so often.
fn turn(prompt: u64, times: u64) -> Turn {
    let tokens = |times| Tokens {
        input: prompt * times,
        output: 100 * times,
        ..Tokens::default()
    };
    Turn {
        model: Some(MODEL.to_owned()),
        used: Used {
            tokens: tokens(1),
            is_reported: true,
            is_final: true,
            ..Used::default()
        },
        by_model: vec![(MODEL.to_owned(), tokens(times))],
        ..Turn::default()
    }
}

fn answered(seen: &mut Seen, prompt: u64, times: u64) {
    seen.begin_anew();
    seen.may_have_run = true;
    told::end(turn(prompt, times), seen).unwrap();
}

/// What one request with this prompt costs, with 100 tokens of an answer.
fn once(prompt: u64) -> Nano {
    let tokens = turn(prompt, 1).used.tokens;
    let priced = catalogue().price(MODEL, &tokens, &Conditions::default());
    priced.unwrap().cost
}

#[tokio::test]
async fn each_try_is_priced_by_its_own_prompt_and_all_of_them_within_what_was_said() {
    let home = Home::new(Script::new()).await;
    let mut ask = home.ask("Hi");
    ask.request.model = MODEL.to_owned();
    ask.request.max_tokens = Some(100);
    let route = home.prepare(ask).await.route;
    for prompt in [10_000, 50_001, 60_000, 90_000, EDGE, EDGE + 1, 150_000] {
        let most = estimate(&route, (prompt, CountedBy::Local))
            .at_most
            .unwrap();
        for tries in 1..=3_u32 {
            let mut seen = Seen::default();
            for _ in 1..tries {
                // A host that had the prompt, and of which nothing more was heard.
                seen.begin_anew();
                seen.may_have_run = true;
            }
            answered(&mut seen, prompt, 1);
            let booked = booked(&home, prompt, seen).await;
            assert_eq!(booked.tokens.input, prompt * u64::from(tries));
            let cost = booked.cost.unwrap();
            let most = most.0 * i64::from(tries);
            assert!(cost.0 <= most, "{prompt} × {tries}: {cost:?} of {most}");
        }
    }
}

#[tokio::test]
async fn what_several_hosts_reported_is_the_sum_of_what_each_request_costs() {
    let home = Home::new(Script::new()).await;
    let mut seen = Seen::default();
    answered(&mut seen, 60_000, 1);
    answered(&mut seen, 60_000, 1);
    let booked = booked(&home, 60_000, seen).await;
    assert_eq!(booked.cost, Some(Nano(2 * once(60_000).0)));
    assert_eq!(booked.basis, Basis::Estimated);
}

#[tokio::test]
async fn requests_that_claude_made_again_by_itself_take_the_rates_of_one() {
    let home = Home::new(Script::new()).await;
    for (prompt, times) in [(60_000, 3), (EDGE + 1, 2)] {
        let mut seen = Seen::default();
        answered(&mut seen, prompt, times);
        let booked = booked(&home, prompt, seen).await;
        assert_eq!(booked.tokens.input, prompt * times);
        let all = once(prompt).0 * i64::try_from(times).unwrap();
        assert_eq!(booked.cost, Some(Nano(all)), "{prompt} × {times}");
    }
}
