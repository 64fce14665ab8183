//! Money: an exact number of nano-dollars, and how it is written.

use std::fmt;
use std::iter;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// Nano-dollars in a dollar.
const DOLLAR: u64 = 1_000_000_000;
/// Nano-dollars in a cent, the unit that amounts of a dollar and more are shown in.
const CENT: u64 = DOLLAR / 100;
/// Nano-dollars in $0.0001, the unit that amounts under a dollar are shown in.
const SMALL: u64 = DOLLAR / 10_000;
/// Decimal places of a dollar that a nano-dollar reaches.
const PLACES: usize = 9;

/// An amount of money: nano-dollars, exact. Written as a decimal string of dollars on every wire,
/// and rounded only where it is shown to a person.
///
/// `Display` gives `$0`, `<$0.0001`, `$0.0123`, `$12.40` or `$1,234.56`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS), ts(type = "string"))]
pub struct Nano(pub i64);

impl Nano {
    /// No money at all; never stands for an unknown amount.
    pub const ZERO: Self = Self(0);

    /// Adds, or returns `None` where the sum can't be kept.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Subtracts, or returns `None` where the difference can't be kept.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Adds all of `amounts`, or returns `None` where the sum can't be kept.
    #[must_use]
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Returns the amount rounded up to what is shown of it, for a figure that must not be
    /// exceeded: "at most $0.0042" is never said of $0.00424.
    #[must_use]
    pub fn rounded_up(self) -> Self {
        let unit = if self.0.unsigned_abs() < DOLLAR {
            SMALL
        } else {
            CENT
        };
        let unit = i64::try_from(unit).unwrap_or(1);
        match self.0.rem_euclid(unit) {
            0 => self,
            rest => Self(self.0.saturating_add(unit - rest)),
        }
    }

    /// Returns the exact amount as a decimal string of dollars, as in `0.000515`: what every wire
    /// and every file carries.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let (whole, rest) = split(self.0.unsigned_abs(), DOLLAR);
        let sign = if self.0 < 0 { "-" } else { "" };
        if rest == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{rest:0PLACES$}");
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Returns a cost as it is shown: the amount, or `unknown` where there is no price. Never `$0` for
/// an unknown one.
#[must_use]
pub fn shown(cost: Option<Nano>) -> String {
    cost.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
}

/// Divides, rounding half to even.
#[must_use]
pub(super) fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

fn split(amount: u64, unit: u64) -> (u64, u64) {
    (amount / unit, amount % unit)
}

fn rounded(amount: u64, unit: u64) -> u64 {
    let (whole, rest) = split(amount, unit);
    match (rest * 2).cmp(&unit) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole % 2,
    }
}

fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Nano {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let small = rounded(amount, SMALL);
        let text = if amount == 0 {
            "$0".to_owned()
        } else if amount < SMALL {
            format!("{sign}<$0.0001")
        } else if small < DOLLAR / SMALL {
            format!("{sign}$0.{small:04}")
        } else {
            let (dollars, cents) = split(rounded(amount, CENT), 100);
            format!("{sign}${}.{cents:02}", with_thousands(dollars))
        };
        f.pad(&text)
    }
}

impl FromStr for Nano {
    type Err = Error;

    /// Reads dollars as a person or a wire writes them: `12`, `0.000515`, `$5.50`.
    fn from_str(text: &str) -> Result<Self> {
        parse(text, PLACES)
            .and_then(|amount| i64::try_from(amount).ok())
            .map(Self)
            .ok_or_else(|| {
                Error::bad_input("The amount of money can't be read.")
                    .hint("Write dollars with a point and at most nine decimals, as in 12.50.")
            })
    }
}

/// Reads a decimal number as an integer of units of 10^-`places`, or `None` where it is not a plain
/// decimal or would lose a digit.
pub(super) fn parse(text: &str, places: usize) -> Option<i128> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.strip_prefix('$').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    // An amount without a digit before or, where there is a point, after it is a slip of the hand.
    if whole.is_empty() || (fraction.is_empty() && text.contains('.')) || fraction.len() > places {
        return None;
    }
    let padding = iter::repeat_n('0', places - fraction.len());
    let mut amount = 0_i128;
    for digit in whole.chars().chain(fraction.chars()).chain(padding) {
        amount = amount
            .checked_mul(10)?
            .checked_add(i128::from(digit.to_digit(10)?))?;
    }
    Some(if negative { -amount } else { amount })
}

impl Serialize for Nano {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_decimal())
    }
}

impl<'de> Deserialize<'de> for Nano {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl ToSql for Nano {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Nano {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_shown_with_four_places_under_a_dollar_and_two_above() {
        for (nano, text) in [
            (0, "$0"),
            (1, "<$0.0001"),
            (99_999, "<$0.0001"),
            (100_000, "$0.0001"),
            (12_300_000, "$0.0123"),
            (500_000_000, "$0.5000"),
            (999_949_999, "$0.9999"),
            (999_960_000, "$1.00"),
            (12_400_000_000, "$12.40"),
            (1_234_565_000_000, "$1,234.56"),
            (1_000_000_000_000_000, "$1,000,000.00"),
            (i64::MAX, "$9,223,372,036.85"),
            (-12_300_000, "-$0.0123"),
            (-1, "-<$0.0001"),
        ] {
            assert_eq!(Nano(nano).to_string(), text, "{nano}");
        }
        assert_eq!(format!("{:>8}", Nano(0)), "      $0");
    }

    #[test]
    fn an_unknown_cost_is_never_shown_as_nothing() {
        assert_eq!(shown(None), "unknown");
        assert_eq!(shown(Some(Nano::ZERO)), "$0");
    }

    #[test]
    fn a_bound_is_never_shown_below_the_amount() {
        assert_eq!(Nano(4_240_000).rounded_up().to_string(), "$0.0043");
        assert_eq!(Nano(4_200_000).rounded_up().to_string(), "$0.0042");
        assert_eq!(Nano(1).rounded_up().to_string(), "$0.0001");
        assert_eq!(Nano(12_401_000_000).rounded_up().to_string(), "$12.41");
        assert_eq!(Nano(0).rounded_up(), Nano(0));
    }

    #[test]
    fn the_wire_carries_every_digit() {
        assert_eq!(Nano(515_000).to_decimal(), "0.000515");
        assert_eq!(Nano(-1).to_decimal(), "-0.000000001");
        assert_eq!(
            serde_json::to_string(&Nano(5_500_000_000)).unwrap(),
            "\"5.5\""
        );
        assert_eq!("$5.50".parse::<Nano>().unwrap(), Nano(5_500_000_000));
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for text in [
            "",
            "$",
            ".5",
            "5.",
            "1e3",
            "1,000",
            "0.0000000001",
            "--1",
            "+1",
            "9223372037",
            "٣",
            "1.2.3",
            "NaN",
        ] {
            assert!(text.parse::<Nano>().is_err(), "{text:?} was taken");
        }
        assert!(serde_json::from_str::<Nano>("0.1").is_err(), "a float");
    }

    #[test]
    fn a_sum_that_does_not_fit_is_no_sum() {
        assert_eq!(Nano::checked_sum([Nano(1), Nano(2)]), Some(Nano(3)));
        assert_eq!(Nano::checked_sum([Nano(i64::MAX), Nano(1)]), None);
    }

    proptest! {
        #[test]
        fn an_amount_survives_the_wire(nano: i64) {
            let text = Nano(nano).to_decimal();
            prop_assert_eq!(text.parse::<Nano>().unwrap(), Nano(nano));
        }

        #[test]
        fn division_rounds_to_the_nearest_and_halves_to_even(dividend in -1_000_000_i128..1_000_000, divisor in 1_i128..40) {
            let quotient = divide_half_even(dividend, divisor);
            let off = (dividend - quotient * divisor).abs() * 2;
            prop_assert!(off <= divisor);
            prop_assert!(off < divisor || quotient % 2 == 0);
        }
    }
}
