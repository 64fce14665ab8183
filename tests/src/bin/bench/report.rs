//! What was measured, as medians with their spread, and whether it is what was aimed at.

use std::io::Write;
use std::time::Duration;

/// Repeated measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in milliseconds.
    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1_000.0);
    }

    /// Divides each measurement by the one that was made beside it.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(own, other)| own / other).collect())
    }

    /// Takes `base` off each measurement.
    pub(crate) fn less(&self, base: f64) -> Self {
        Self(self.0.iter().map(|value| value - base).collect())
    }

    /// Returns the value that `part` of 4 of the measurements lie below.
    fn quartile(&self, part: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = last * part / 4;
        // Between two measurements for the median of an even number of them.
        let next = (last * part).div_ceil(4);
        match (sorted.get(at), sorted.get(next)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => f64::NAN,
        }
    }

    pub(crate) fn median(&self) -> f64 {
        self.quartile(2)
    }
}

/// What a figure is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn is_reached(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// Where the figures are printed.
pub(crate) struct Report {
    out: std::io::Stdout,
    reached: usize,
    missed: Vec<String>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            out: std::io::stdout(),
            reached: 0,
            missed: Vec::new(),
        }
    }

    /// Writes a line; nobody reading is no reason to stop measuring.
    pub(crate) fn text(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    /// Begins a group of figures.
    pub(crate) fn title(&mut self, title: &str) {
        self.text(&format!("\n{title}"));
    }

    /// Writes the median of some measurements, the quartiles around it, and how many there are.
    pub(crate) fn figure(&mut self, name: &str, unit: &str, samples: &Samples) {
        self.text(&line(name, unit, samples));
    }

    /// As [`Report::figure`], for one that has a target.
    pub(crate) fn judged(&mut self, name: &str, unit: &str, samples: &Samples, target: Target) {
        let is_reached = target.is_reached(samples.median());
        if is_reached {
            self.reached += 1;
        } else {
            self.missed.push(name.to_owned());
        }
        let aim = match target {
            Target::AtMost(limit) => format!("at most {limit} {unit}"),
            Target::AtLeast(limit) => format!("at least {limit} {unit}"),
        };
        let word = if is_reached { "reached" } else { "missed" };
        self.text(&format!("{}   {aim}: {word}", line(name, unit, samples)));
    }

    /// Says how it went altogether.
    pub(crate) fn close(&mut self) {
        let all = self.reached + self.missed.len();
        let mut text = format!("\n{} of {all} targets reached.", self.reached);
        if !self.missed.is_empty() {
            text.push_str(&format!(" Missed: {}.", self.missed.join("; ")));
        }
        self.text(&text);
    }
}

fn line(name: &str, unit: &str, samples: &Samples) -> String {
    let spread = format!(
        "{} … {}",
        number(samples.quartile(1)),
        number(samples.quartile(3))
    );
    format!(
        "  {name:<46} {:>9} {unit:<6}  {spread:<19} n {}",
        number(samples.median()),
        samples.0.len()
    )
}

/// Writes a number with three digits or more, as it is read at a glance.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        Samples(values.to_vec())
    }

    #[test]
    fn the_median_lies_between_the_two_in_the_middle() {
        assert_eq!(number(samples(&[3.0, 1.0, 2.0]).median()), "2.000");
        assert_eq!(number(samples(&[4.0, 1.0, 2.0, 3.0]).median()), "2.500");
        assert!(samples(&[]).median().is_nan());
    }

    #[test]
    fn a_ratio_is_of_what_was_measured_side_by_side() {
        let ratio = samples(&[2.0, 40.0]).beside(&samples(&[1.0, 10.0]));
        assert_eq!(number(ratio.median()), "3.000");
    }

    #[test]
    fn what_was_not_measured_is_not_reached() {
        assert!(!Target::AtMost(1.0).is_reached(f64::NAN));
        assert!(!Target::AtLeast(1.0).is_reached(f64::NAN));
    }
}
