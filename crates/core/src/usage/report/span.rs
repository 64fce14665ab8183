//! Stretches of local days, as people name them.

use std::str::FromStr;

use jiff::Span;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Local days, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub struct Days {
    /// The first day.
    #[cfg_attr(feature = "wire", ts(type = "string"))]
    pub first: Date,
    /// The last day.
    #[cfg_attr(feature = "wire", ts(type = "string"))]
    pub last: Date,
}

/// What a report is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
pub enum Range {
    /// Today.
    Today,
    /// So many days, of which today is the last; at least one.
    Last(u16),
    /// The calendar month that today is in, to its end.
    Month,
    /// The calendar month before that.
    LastMonth,
    /// Days that were named.
    Between(Days),
}

impl Range {
    /// Returns the days that it means on `today`.
    #[must_use]
    pub fn days(self, today: Date) -> Days {
        match self {
            Self::Today => Days::ending(today, 1),
            Self::Last(count) => Days::ending(today, count),
            Self::Month => month_of(today),
            Self::LastMonth => month_of(before(today.first_of_month(), 1)),
            Self::Between(days) => days,
        }
    }

    /// Returns the days that it is fair to compare with: as many, just before; for this month the
    /// same days of last month as have begun in this one.
    #[must_use]
    pub fn previous(self, today: Date) -> Days {
        let days = self.days(today);
        match self {
            Self::Month => {
                let whole = month_of(before(days.first, 1));
                let day = today.day().min(whole.last.day());
                Days {
                    first: whole.first,
                    last: after(whole.first, i64::from(day) - 1),
                }
            }
            Self::LastMonth => month_of(before(days.first, 1)),
            Self::Today | Self::Last(_) | Self::Between(_) => Days {
                first: before(days.first, days.count()),
                last: before(days.first, 1),
            },
        }
    }
}

impl FromStr for Range {
    type Err = Error;

    /// Reads `today`, `7d`, `month`, `last-month`, `2026-11-01` or `2026-11-01..2026-11-15`.
    fn from_str(text: &str) -> Result<Self> {
        read(text).ok_or_else(|| {
            Error::bad_input("The range of days can't be read.").hint(
                "Write today, 7d, 30d, month, last-month, or days as in 2026-11-01..2026-11-15.",
            )
        })
    }
}

fn read(text: &str) -> Option<Range> {
    match text.trim() {
        "today" => Some(Range::Today),
        "month" => Some(Range::Month),
        "last-month" => Some(Range::LastMonth),
        other => match other.strip_suffix('d') {
            Some(count) => count.parse().ok().filter(|n| *n > 0).map(Range::Last),
            None => {
                let (first, last) = other.split_once("..").unwrap_or((other, other));
                let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
                (first <= last).then_some(Range::Between(Days { first, last }))
            }
        },
    }
}

impl Days {
    fn ending(today: Date, count: u16) -> Self {
        Self {
            first: before(today, i64::from(count.max(1)) - 1),
            last: today,
        }
    }

    /// Returns how many they are.
    #[must_use]
    pub fn count(self) -> i64 {
        number(self.last) - number(self.first) + 1
    }

    /// Returns the first and the last as the store numbers them: days since 1970-01-01.
    pub(super) fn numbers(self) -> (i64, i64) {
        (number(self.first), number(self.last))
    }
}

fn month_of(day: Date) -> Days {
    Days {
        first: day.first_of_month(),
        last: day.last_of_month(),
    }
}

/// Returns the number of a day: days since 1970-01-01.
pub(super) fn number(day: Date) -> i64 {
    i64::from((day - date(1970, 1, 1)).get_days())
}

/// Returns the day of a number; beyond the calendar the nearest day in it.
pub(super) fn day(number: i64) -> Date {
    after(date(1970, 1, 1), number)
}

fn before(day: Date, count: i64) -> Date {
    after(day, count.saturating_neg())
}

fn after(day: Date, count: i64) -> Date {
    let beyond = if count < 0 { Date::MIN } else { Date::MAX };
    Span::new()
        .try_days(count)
        .map_or(beyond, |span| day.saturating_add(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: &str, last: &str) -> Days {
        Days {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        }
    }

    #[test]
    fn each_range_has_its_days_and_the_days_before_to_compare_with() {
        let today: Date = "2026-03-31".parse().unwrap();
        for (text, now, previous) in [
            (
                "today",
                ("2026-03-31", "2026-03-31"),
                ("2026-03-30", "2026-03-30"),
            ),
            (
                "7d",
                ("2026-03-25", "2026-03-31"),
                ("2026-03-18", "2026-03-24"),
            ),
            (
                "month",
                ("2026-03-01", "2026-03-31"),
                ("2026-02-01", "2026-02-28"),
            ),
            (
                "last-month",
                ("2026-02-01", "2026-02-28"),
                ("2026-01-01", "2026-01-31"),
            ),
            (
                "2026-01-05",
                ("2026-01-05", "2026-01-05"),
                ("2026-01-04", "2026-01-04"),
            ),
            (
                "2026-01-05..2026-01-06",
                ("2026-01-05", "2026-01-06"),
                ("2026-01-03", "2026-01-04"),
            ),
        ] {
            let range: Range = text.parse().unwrap();
            assert_eq!(range.days(today), days(now.0, now.1), "{text}");
            assert_eq!(
                range.previous(today),
                days(previous.0, previous.1),
                "{text}"
            );
        }
        let early = Range::Month.previous("2026-03-10".parse().unwrap());
        assert_eq!(early, days("2026-02-01", "2026-02-10"));
    }

    #[test]
    fn a_range_that_is_no_range_is_refused() {
        for text in [
            "",
            "0d",
            "-7d",
            "99999999d",
            "yesterday",
            "2026-02-30",
            "2026-02-02..2026-02-01",
            "..",
            "2026-01-01..",
        ] {
            assert!(text.parse::<Range>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_no_trap() {
        assert_eq!(
            day(number("1969-12-31".parse().unwrap())).to_string(),
            "1969-12-31"
        );
        assert_eq!(day(i64::MAX), Date::MAX);
        assert_eq!(day(i64::MIN), Date::MIN);
        let all = Range::Between(Days {
            first: Date::MIN,
            last: Date::MAX,
        });
        assert_eq!(all.previous(Date::MAX).first, Date::MIN);
    }
}
