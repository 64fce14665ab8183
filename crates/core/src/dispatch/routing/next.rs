//! Which fallback a run takes, and what all that may happen costs at most: pure decisions.

use super::Cause;
use crate::usage::Nano;

/// A fallback as the decision sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) struct Candidate {
    pub(in crate::dispatch) cause: Cause,
    /// The user allowed it beforehand.
    pub(in crate::dispatch) is_allowed: bool,
    /// It can be taken, as far as that was known beforehand.
    pub(in crate::dispatch) is_usable: bool,
    /// It was taken, or tried in vain, in this run.
    pub(in crate::dispatch) is_spent: bool,
}

/// What comes after a way that ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Next {
    /// The fallback in this place.
    Take(usize),
    /// Nothing.
    Stop(Stop),
}

/// Why nothing follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Stop {
    /// A part of the answer has been shown: another would begin anew, and be paid for twice.
    Shown,
    /// No fallback is meant for this, or each has been taken.
    NoneLeft,
    /// This one would be next, but the user has not allowed it.
    NotAllowed(usize),
    /// This one is allowed, but can't be taken.
    NotUsable(usize),
}

/// Decides what follows on a way that ended early, where nothing else follows than what `candidates` has,
/// in this order. Each is taken at most once, so a run ends after at most as many as there are.
pub(in crate::dispatch) fn next(
    candidates: &[Candidate],
    cause: Option<Cause>,
    has_shown: bool,
) -> Next {
    if has_shown {
        return Next::Stop(Stop::Shown);
    }
    let meant = |one: &&(usize, &Candidate)| Some(one.1.cause) == cause && !one.1.is_spent;
    let all: Vec<_> = candidates.iter().enumerate().collect();
    let first = |fits: fn(&Candidate) -> bool| {
        let found = all.iter().filter(meant).find(|(_, one)| fits(one));
        found.map(|(at, _)| *at)
    };
    if let Some(at) = first(|one| one.is_allowed && one.is_usable) {
        return Next::Take(at);
    }
    let refused = first(|one| one.is_allowed).map(Stop::NotUsable);
    let refused = refused.or_else(|| first(|one| !one.is_allowed).map(Stop::NotAllowed));
    Next::Stop(refused.unwrap_or(Stop::NoneLeft))
}

/// Returns the most that a run can cost with every fallback that may be taken: `first` is what the way
/// that it begins with costs at most, `fallbacks` the same of each that is allowed and usable, with its
/// cause. `None` where a price is unknown.
///
/// A way that is left because the server was busy may have been billed for what it did until then, so
/// its whole amount counts besides the one that ends the run. One that is left before the server had
/// the prompt costs nothing; of those, the dearest alone counts.
pub(in crate::dispatch) fn at_most(
    first: Option<Nano>,
    fallbacks: &[(Cause, Option<Nano>)],
) -> Option<Nano> {
    let busy = fallbacks
        .iter()
        .filter(|(cause, _)| cause.may_be_billed())
        .count();
    let mut sum = Vec::new();
    let mut dearest = Nano(0);
    // What leads to a way does not lead away from it: each is taken once.
    let is_left_billed = |own: Option<Cause>| match own {
        Some(cause) if cause.may_be_billed() => busy > 1,
        _ => busy > 0,
    };
    let ways = std::iter::once((None, first)).chain(
        fallbacks
            .iter()
            .map(|(cause, amount)| (Some(*cause), *amount)),
    );
    for (own, amount) in ways {
        match is_left_billed(own) {
            true => sum.push(amount?),
            false => dearest = dearest.max(amount?),
        }
    }
    sum.push(dearest);
    Nano::checked_sum(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(cause: Cause, is_allowed: bool, is_usable: bool) -> Candidate {
        Candidate {
            cause,
            is_allowed,
            is_usable,
            is_spent: false,
        }
    }

    #[test]
    fn the_first_that_is_meant_allowed_and_usable_is_taken() {
        use Cause::{Overloaded, PlanLimit};
        let table = [
            candidate(Overloaded, true, true),
            candidate(PlanLimit, false, true),
            candidate(PlanLimit, true, false),
            candidate(PlanLimit, true, true),
            candidate(PlanLimit, true, true),
        ];
        assert_eq!(next(&table, Some(PlanLimit), false), Next::Take(3));
        assert_eq!(next(&table, Some(Overloaded), false), Next::Take(0));
    }

    #[test]
    fn what_stops_a_run_is_told_apart() {
        use Cause::{HostDown, Overloaded, PlanLimit, RateLimited};
        let mut table = [
            candidate(PlanLimit, false, true),
            candidate(Overloaded, true, false),
            candidate(Overloaded, false, true),
            candidate(RateLimited, true, true),
        ];
        for (cause, has_shown, stop) in [
            (Some(PlanLimit), false, Stop::NotAllowed(0)),
            (Some(Overloaded), false, Stop::NotUsable(1)),
            (Some(HostDown), false, Stop::NoneLeft),
            (None, false, Stop::NoneLeft),
            (Some(RateLimited), true, Stop::Shown),
        ] {
            assert_eq!(
                next(&table, cause, has_shown),
                Next::Stop(stop),
                "{cause:?}"
            );
        }
        table[3].is_spent = true;
        let again = next(&table, Some(RateLimited), false);
        assert_eq!(again, Next::Stop(Stop::NoneLeft), "once is enough");
    }

    #[test]
    fn the_dearest_way_counts_and_the_sum_where_two_can_be_billed() {
        use Cause::{Overloaded, PlanLimit, RateLimited, Unavailable};
        let nano = |amount| Some(Nano(amount));
        for (first, fallbacks, most, why) in [
            (7, &[][..], 7, "nothing follows"),
            (0, &[(PlanLimit, nano(5))], 5, "a plan, then a key"),
            (
                7,
                &[(Unavailable, nano(5))],
                7,
                "only one of them got the prompt",
            ),
            (7, &[(Overloaded, nano(5))], 12, "both may have begun"),
            (
                0,
                &[(PlanLimit, nano(5)), (Overloaded, nano(3))],
                8,
                "the key that stands in may be busy, too",
            ),
            (
                7,
                &[(RateLimited, nano(5)), (Overloaded, nano(3))],
                15,
                "one after the other",
            ),
        ] {
            assert_eq!(at_most(nano(first), fallbacks), nano(most), "{why}");
        }
        assert_eq!(at_most(None, &[]), None);
        assert_eq!(at_most(nano(1), &[(PlanLimit, None)]), None);
        assert_eq!(
            at_most(nano(i64::MAX), &[(Overloaded, nano(1))]),
            None,
            "no sum wraps around"
        );
    }

    fn any_candidate() -> impl Strategy<Value = Candidate> {
        (0..Cause::ALL.len(), any::<bool>(), any::<bool>())
            .prop_map(|(cause, allowed, usable)| candidate(Cause::ALL[cause], allowed, usable))
    }

    proptest! {
        /// Whatever goes wrong, and however often: a run takes only what is allowed, each at most once,
        /// each for its own cause, and it ends.
        #[test]
        fn a_run_takes_each_allowed_fallback_at_most_once_and_ends(
            mut table in prop::collection::vec(any_candidate(), 0..=8),
            troubles in prop::collection::vec((0..Cause::ALL.len(), any::<bool>()), 20),
        ) {
            let mut taken = Vec::new();
            for (cause, has_shown) in troubles {
                let cause = Cause::ALL[cause];
                match next(&table, Some(cause), has_shown) {
                    Next::Take(at) => {
                        prop_assert!(!has_shown);
                        prop_assert!(table[at].is_allowed && table[at].is_usable);
                        prop_assert_eq!(table[at].cause, cause);
                        prop_assert!(!taken.contains(&at));
                        taken.push(at);
                        table[at].is_spent = true;
                    }
                    Next::Stop(Stop::NotAllowed(at)) => prop_assert!(!table[at].is_allowed),
                    Next::Stop(Stop::NotUsable(at)) => prop_assert!(!table[at].is_usable),
                    Next::Stop(_) => {}
                }
            }
            prop_assert!(taken.len() <= table.len());
        }

        /// The amount holds for whatever course a run takes.
        #[test]
        fn no_course_costs_more_than_was_said(
            first in 0..1_000_i64,
            fallbacks in prop::collection::vec((0..Cause::ALL.len(), 0..1_000_i64), 0..=8),
            troubles in prop::collection::vec(0..Cause::ALL.len(), 12),
        ) {
            let ways: Vec<_> = fallbacks.iter().map(|(cause, cost)| (Cause::ALL[*cause], *cost)).collect();
            let amounts: Vec<_> = ways.iter().map(|(cause, cost)| (*cause, Some(Nano(*cost)))).collect();
            let mut table: Vec<_> = ways.iter().map(|(cause, _)| candidate(*cause, true, true)).collect();
            let (mut spent, mut current) = (0, first);
            for cause in troubles {
                let cause = Cause::ALL[cause];
                let Next::Take(at) = next(&table, Some(cause), false) else { break };
                if cause.may_be_billed() {
                    spent += current;
                }
                table[at].is_spent = true;
                current = ways[at].1;
            }
            prop_assert!(Some(Nano(spent + current)) <= at_most(Some(Nano(first)), &amounts));
        }
    }
}
