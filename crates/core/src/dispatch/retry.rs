//! Whether to try again, and when: a pure decision. Waiting is somebody else's.

use std::time::Duration;

use crate::http::{Kind, Verdict};

/// How often the same request is sent again. The official SDKs do the same.
pub const RETRIES: u32 = 2;

/// The longest wait that is taken upon us; a longer one is told to the user instead.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

const FIRST_WAIT: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// The part of a wait that chance takes off, so that many clients don't come back together.
const JITTER: f64 = 0.25;

/// A decision to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How long to wait first.
    pub duration: Duration,
    /// What is waited for, for the user.
    pub why: &'static str,
}

/// How far the attempts at one request have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryState {
    made: u32,
}

impl RetryState {
    /// Returns the state after one more retry.
    #[must_use]
    pub fn after_retry(self) -> Self {
        Self {
            made: self.made.saturating_add(1),
        }
    }

    /// Decides on a failed attempt. `left` is what remains of the total time; `chance` is a random
    /// number from 0 to 1. Not to be asked once a byte of the answer has been shown.
    #[must_use]
    pub fn should_retry(&self, verdict: &Verdict, left: Duration, chance: f64) -> Option<Wait> {
        let retry = verdict.retry?;
        if self.made >= RETRIES {
            return None;
        }
        let duration = match retry.after {
            Some(asked) => asked,
            None => backoff(self.made, chance),
        };
        (duration <= WAIT_MAX && duration < left).then_some(Wait {
            duration,
            why: why(verdict.kind),
        })
    }
}

fn backoff(made: u32, chance: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(made));
    let chance = if chance.is_finite() {
        chance.clamp(0.0, 1.0)
    } else {
        0.0
    };
    doubled.min(BACKOFF_MAX).mul_f64(1.0 - JITTER * chance)
}

fn why(kind: Kind) -> &'static str {
    match kind {
        Kind::RateLimited => "the key's rate limit",
        Kind::Overloaded => "the server is overloaded",
        Kind::Unreachable => "the server can't be reached",
        Kind::ServerTimeout => "the server ran out of time",
        Kind::Conflict => "a conflict with another request",
        _ => "the server failed",
    }
}

#[cfg(test)]
mod tests;
