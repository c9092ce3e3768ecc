//! Medians and ranges. Other programs also use the machine, so means are not meaningful.

use std::fmt;

/// The measurements of several rounds, in one unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> f64 {
        percentile(&self.0, 0.5)
    }

    /// The median of the ratios of each round, because the machine affects both values of a
    /// round in the same way.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        let ratios: Vec<f64> = self.0.iter().zip(&other.0).map(|(this, that)| this / that).collect();
        percentile(&ratios, 0.5)
    }

    fn sorted(&self) -> Vec<f64> {
        sorted(&self.0)
    }
}

/// Shows the median, and the range in parentheses.
impl fmt::Display for Samples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        match (sorted.first(), sorted.last()) {
            (Some(first), Some(last)) => {
                write!(formatter, "{} ({} to {})", figure(self.median()), figure(*first), figure(*last))
            }
            _ => formatter.write_str("–"),
        }
    }
}

/// Three significant digits; from a hundred on, a whole number.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        magnitude if magnitude >= 100.0 => format!("{value:.0}"),
        magnitude if magnitude >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The value that this share of all values does not exceed.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let sorted = sorted(values);
    if sorted.is_empty() {
        return f64::NAN;
    }
    let last = sorted.len() - 1;
    let (below, above) = ((last as f64 * share).floor() as usize, (last as f64 * share).ceil() as usize);
    f64::midpoint(sorted[below], sorted[above])
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_between_two_values_is_their_midpoint() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(percentile(&values, 0.0), 1.0);
        assert_eq!(percentile(&values, 0.5), 2.5);
        assert_eq!(percentile(&values, 1.0), 4.0);
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.99), 99.0);
    }

    #[test]
    fn ratio_is_the_median_of_the_ratios_of_each_round() {
        let (mut slow, mut fast) = (Samples::default(), Samples::default());
        for (round, value) in [1.0, 10.0, 2.0].into_iter().enumerate() {
            fast.push(value);
            slow.push(value * (3 + round) as f64);
        }
        assert_eq!((slow.ratio_to(&fast), fast.ratio_to(&slow)), (4.0, 0.25));
    }

    #[test]
    fn samples_print_their_median_and_range() {
        let mut samples = Samples::default();
        for value in [3.0, 120.0, 1.0] {
            samples.push(value);
        }
        assert_eq!(samples.to_string(), "3.00 (1.00 to 120)");
    }
}
