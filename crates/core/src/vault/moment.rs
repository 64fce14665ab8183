//! How long something lasts, also on a machine that sleeps meanwhile or whose clock is set.

use std::time::{Duration, Instant};

use crate::clock::{Clock, Millis};

/// A moment on both clocks: the monotonic one stands still while the machine sleeps, and the wall
/// clock can be set back, so what has passed is the larger of the two.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    monotonic: Instant,
    wall: Millis,
}

impl Moment {
    pub(super) fn now(clock: &Clock) -> Self {
        Self {
            monotonic: clock.monotonic(),
            wall: clock.now(),
        }
    }

    pub(super) fn passed(self, clock: &Clock) -> Duration {
        let wall = u64::try_from(clock.now().0.saturating_sub(self.wall.0)).unwrap_or(0);
        clock
            .monotonic()
            .saturating_duration_since(self.monotonic)
            .max(Duration::from_millis(wall))
    }
}
