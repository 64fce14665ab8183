//! Wall and monotonic time, in one place so that a test can set them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// A moment in wall time: milliseconds since 1970-01-01 UTC, as the store keeps it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Millis(pub i64);

impl Millis {
    /// Returns the same moment as a `jiff` timestamp; out of range becomes the nearest one.
    #[must_use]
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// Returns the moment `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl rusqlite::ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl rusqlite::types::FromSql for Millis {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

/// Where the core asks for the time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// Returns the system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that stands at `start` until [`Clock::set`] moves it.
    #[must_use]
    pub fn fixed(start: Millis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.0))))
    }

    /// Moves a fixed clock, and with it all its clones; the system's clock stays as it is.
    pub fn set(&self, now: Millis) {
        if let Some(fixed) = &self.0 {
            fixed.store(now.0, Ordering::SeqCst);
        }
    }

    /// Returns the wall time.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    pub fn now(&self) -> Millis {
        self.0.as_ref().map_or_else(
            || Millis(jiff::Timestamp::now().as_millisecond()),
            |fixed| Millis(fixed.load(Ordering::SeqCst)),
        )
    }

    /// Returns a moment for measuring how long something takes; never goes back.
    #[must_use]
    pub fn monotonic(&self) -> Instant {
        Instant::now()
    }
}
