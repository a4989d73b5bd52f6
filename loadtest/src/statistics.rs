//! The mathematics of comparing: means of ratios, and how sure one may be of them.
//!
//! Ratios are averaged as logarithms, so that twice as fast and half as fast cancel out, and their interval is
//! Student's: it is honest about few rounds, where a normal distribution would promise too much.

use serde::{Deserialize, Serialize};

/// A mean with the interval that holds the truth in 95 of 100 such experiments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The geometric mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The geometric mean of what was measured several times, with its 95 % interval. Nothing from no values, and
    /// from values that are not above zero. A single value says nothing of its spread: its interval is endless.
    #[must_use]
    pub fn geometric(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite() || *value <= 0.0) {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().map(|value| value.ln()).sum::<f64>() / count;
        if values.len() == 1 {
            return Some(Self { mean: mean.exp(), low: 0.0, high: f64::MAX });
        }
        let squares: f64 = values.iter().map(|value| (value.ln() - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        let reach = student_t_95(values.len() - 1) * deviation / count.sqrt();
        Some(Self { mean: mean.exp(), low: (mean - reach).exp(), high: (mean + reach).exp() })
    }

    /// Whether the interval leaves it open which of two is more.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Whether there is a spread to speak of: a single value has none.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.high < f64::MAX
    }
}

/// How many standard errors on each side hold 95 of 100, with so many degrees of freedom.
fn student_t_95(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
        2.045, 2.042,
    ];
    const NORMAL: f64 = 1.959_964;
    match freedom {
        0 => f64::INFINITY,
        1..=30 => TABLE[freedom - 1],
        // The first terms of the expansion around the normal distribution are exact to four digits here.
        _ => {
            let (z, n) = (NORMAL, freedom as f64);
            let first = (z.powi(3) + z) / (4.0 * n);
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n);
            z + first + second
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.0005 * right.abs().max(1.0)
    }

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (freedom, expected) in
            [(1, 12.706), (2, 4.303), (9, 2.262), (30, 2.042), (31, 2.0395), (60, 2.0003), (1_000, 1.9623)]
        {
            assert!(close(student_t_95(freedom), expected), "{freedom}: {}", student_t_95(freedom));
        }
    }

    #[test]
    fn opposite_ratios_cancel_out() {
        let interval = Interval::geometric(&[2.0, 0.5]).unwrap();
        assert!(close(interval.mean, 1.0));
        assert!(interval.holds(1.0) && interval.is_bounded());
    }

    #[test]
    fn an_interval_is_that_of_the_logarithms() {
        // ln: 0.095310, 0.182322, 0.262364, 0.336472; mean 0.219117, deviation 0.103802, t(3) = 3.182.
        let interval = Interval::geometric(&[1.1, 1.2, 1.3, 1.4]).unwrap();
        assert!(close(interval.mean, 1.24498), "{interval:?}");
        assert!(close(interval.low, 1.05545), "{interval:?}");
        assert!(close(interval.high, 1.46854), "{interval:?}");
        assert!(!interval.holds(1.0));
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        let interval = Interval::geometric(&[1.5; 5]).unwrap();
        assert!(close(interval.low, 1.5) && close(interval.high, 1.5));
    }

    #[test]
    fn what_says_nothing_is_said_to_say_nothing() {
        assert_eq!(Interval::geometric(&[]), None);
        assert_eq!(Interval::geometric(&[1.0, 0.0]), None);
        assert_eq!(Interval::geometric(&[1.0, f64::NAN]), None);
        let single = Interval::geometric(&[3.0]).unwrap();
        assert!(close(single.mean, 3.0) && single.holds(1.0) && !single.is_bounded());
    }
}
