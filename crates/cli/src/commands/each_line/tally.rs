//! What the lines of a call came to, and cost, in all.

use switchyard_core::dispatch::{Amount, Outcome, State};
use switchyard_core::usage::{Nano, shown as money};

/// What is said at the end.
#[derive(Default)]
pub(super) struct Tally {
    answered: u64,
    pub(super) unanswered: u64,
    pub(super) before: u64,
    /// Of earlier calls, with a text that could not be read.
    pub(super) unread: u64,
    pub(super) failures_in_a_row: u32,
    cost: Nano,
    unpriced: u64,
}

impl Tally {
    pub(super) fn take(&mut self, outcome: &Outcome) {
        let is_answered = outcome.receipt.state == State::Finished && outcome.error.is_none();
        match is_answered {
            true => {
                self.answered += 1;
                self.failures_in_a_row = 0;
            }
            false => {
                self.unanswered += 1;
                self.failures_in_a_row += 1;
            }
        }
        if let Some(booked) = &outcome.receipt.booked {
            self.book(booked);
        }
    }

    pub(super) fn book(&mut self, amount: &Amount) {
        match amount.cost {
            Some(cost) => self.cost = Nano::checked_sum([self.cost, cost]).unwrap_or(self.cost),
            None => self.unpriced += 1,
        }
    }

    pub(super) fn summary(&self) -> String {
        let mut parts = vec![format!("{} answered", self.answered)];
        if self.unanswered > 0 {
            parts.push(format!("{} without an answer", self.unanswered));
        }
        if self.before > 0 {
            parts.push(format!("{} answered before", self.before));
        }
        if self.unread > 0 {
            parts.push(format!("{} with a text that can't be read", self.unread));
        }
        parts.push(money(Some(self.cost)));
        if self.unpriced > 0 {
            parts.push(format!("{} without a known price", self.unpriced));
        }
        parts.join(" · ")
    }
}
