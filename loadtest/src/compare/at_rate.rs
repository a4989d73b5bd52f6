//! The rate at which servers are compared beside the closed loop.
//!
//! In a closed loop the slower server lets its clients sleep between answers, and to wake them costs it time in the
//! kernel, above all on virtual machines. At the same rate all servers meet the same load.

use crate::comparison::{Metric, Part};
use crate::units;

/// Of what the slowest server reached in the closed loop: far enough from its limit to be kept up with.
const AUTO_SHARE: f64 = 0.5;

/// Which rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AtRate {
    /// This one, for every work.
    Given(f64),
    /// A share of what the slowest server reached, for each work.
    Auto,
}

impl AtRate {
    /// Reads it as it is written on the command line.
    ///
    /// # Errors
    /// If it is neither a rate nor `auto`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        units::rate(text).map(Self::Given).map_err(|reason| format!("{reason}, or auto"))
    }

    /// The rate after the closed loop of `part`; none if nobody was measured in it.
    #[must_use]
    pub(super) fn after(self, part: &Part) -> Option<f64> {
        let slowest = || {
            let rates = part.servers.iter().filter_map(|server| server.mean(Metric::Rate));
            rates.map(|rate| rate.mean).reduce(f64::min)
        };
        match self {
            Self::Given(rate) => Some(rate),
            Self::Auto => slowest().map(|rate| rounded(rate * AUTO_SHARE)),
        }
    }
}

/// To two digits, downwards, and never to nothing.
fn rounded(rate: f64) -> f64 {
    let unit = 10_f64.powf(rate.max(1.0).log10().floor() - 1.0);
    ((rate / unit).floor() * unit).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn rates_are_read() {
        assert_eq!(AtRate::parse("5k"), Ok(AtRate::Given(5000.0)));
        assert_eq!(AtRate::parse("auto"), Ok(AtRate::Auto));
        assert!(AtRate::parse("often").unwrap_err().contains("auto"));
    }

    #[test]
    fn auto_is_half_of_the_slowest() {
        let results = vec![invented::result("one", 1.0), invented::result("two", 4.0)];
        let slowest = results[1].series[0].rate_per_s;
        let part = Part::from_results(results).remove(0);
        let rate = AtRate::Auto.after(&part).unwrap();
        assert!(rate <= slowest / 2.0 && rate > slowest * 0.4, "{rate} of {slowest}");
        assert_eq!(AtRate::Given(7.0).after(&part), Some(7.0));
        let nobody = Part { servers: Vec::new(), ..part };
        assert_eq!(AtRate::Auto.after(&nobody), None);
    }

    #[test]
    fn rates_are_rounded_downwards() {
        for (rate, expected) in [(12_999.0, 12_000.0), (995.0, 990.0), (7.99, 7.9), (0.2, 1.0)] {
            assert!((rounded(rate) - expected).abs() < 1e-6, "{rate}: {}", rounded(rate));
        }
    }
}
