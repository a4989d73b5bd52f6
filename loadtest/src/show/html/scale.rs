//! From values to places on an axis, and where its marks stand.

/// An axis: the values at its two ends, and whether it is a logarithmic one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Where [`Self::low`] and [`Self::high`] are drawn.
    from_px: f64,
    to_px: f64,
}

impl Scale {
    /// From zero to a round number above `largest`.
    pub(super) fn from_zero(largest: f64, from_px: f64, to_px: f64) -> Self {
        let high = if largest.is_finite() && largest > 0.0 { round_up(largest) } else { 1.0 };
        Self { low: 0.0, high, logarithmic: false, from_px, to_px }
    }

    /// From one value to another as they are.
    pub(super) fn linear(low: f64, high: f64, from_px: f64, to_px: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, logarithmic: false, from_px, to_px }
    }

    /// Logarithmic, with a little room on both sides.
    pub(super) fn logarithmic(smallest: f64, largest: f64, from_px: f64, to_px: f64) -> Self {
        let smallest = if smallest.is_finite() && smallest > 0.0 { smallest } else { 1.0 };
        let largest = if largest.is_finite() && largest > smallest { largest } else { smallest * 10.0 };
        Self { low: smallest * 0.85, high: largest * 1.15, logarithmic: true, from_px, to_px }
    }

    /// Where `value` is drawn; never outside of the axis.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from_px + share.clamp(0.0, 1.0) * (self.to_px - self.from_px)
    }

    /// The value that is drawn at a share of the axis' length.
    pub(super) fn value_at(&self, share: f64) -> f64 {
        if self.logarithmic {
            self.low * (self.high / self.low).powf(share)
        } else {
            self.low + share * (self.high - self.low)
        }
    }

    /// The values that deserve a mark: round ones, about `wanted` of them.
    pub(super) fn marks(&self, wanted: usize) -> Vec<f64> {
        if self.logarithmic { self.logarithmic_marks(wanted) } else { self.linear_marks(wanted) }
    }

    fn linear_marks(&self, wanted: usize) -> Vec<f64> {
        let step = round_step((self.high - self.low) / wanted.max(1) as f64);
        let first = (self.low / step - 1e-9).ceil();
        let last = (self.high / step + 1e-9).floor();
        (0..=(last - first).clamp(0.0, 100.0) as usize).map(|at| (first + at as f64) * step).collect()
    }

    fn logarithmic_marks(&self, wanted: usize) -> Vec<f64> {
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let marks = |steps: &[f64]| -> Vec<f64> {
            let all =
                decades.clone().flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
            all.filter(|value| (self.low..=self.high).contains(value)).collect()
        };
        let choices: [&[f64]; 4] =
            [&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0], &[1.0, 2.0, 3.0, 5.0], &[1.0, 3.0], &[1.0]];
        // Marks that stand too close would be written over each other.
        let apart = 0.6 * (self.to_px - self.from_px).abs() / wanted.max(1) as f64;
        let fits = |marks: &Vec<f64>| {
            marks.windows(2).all(|pair| (self.place(pair[1]) - self.place(pair[0])).abs() >= apart)
        };
        choices.into_iter().map(marks).find(fits).unwrap_or_default()
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= step * 0.999_999);
    factor.unwrap_or(10.0) * power
}

fn round_up(value: f64) -> f64 {
    let step = round_step(value / 5.0);
    // A line that touches the upper edge looks cut off.
    (value * 1.02 / step).ceil() * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_from_zero_ends_at_a_round_number() {
        for (largest, end) in [(0.9, 1.0), (7.3, 8.0), (118_000.0, 125_000.0), (0.0, 1.0), (f64::NAN, 1.0)] {
            let scale = Scale::from_zero(largest, 0.0, 100.0);
            assert!((scale.value_at(1.0) - end).abs() < 1e-9 * end, "{largest}: {}", scale.value_at(1.0));
        }
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(Scale::from_zero(7.3, 0.0, 100.0).marks(5), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(Scale::linear(0.0, 10.0, 0.0, 100.0).marks(5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let marks = Scale::logarithmic(300.0, 17_000.0, 0.0, 100.0).marks(5);
        assert_eq!(
            marks.iter().map(|mark| mark.round()).collect::<Vec<_>>(),
            [300.0, 1_000.0, 3_000.0, 10_000.0]
        );
    }

    #[test]
    fn places_stay_on_the_axis() {
        let scale = Scale::logarithmic(10.0, 1_000.0, 100.0, 0.0);
        assert!(scale.place(10.0) > scale.place(100.0));
        assert!((scale.place(100.0) - 50.0).abs() < 0.5);
        for value in [0.0, -1.0, 1e9, f64::INFINITY] {
            assert!((0.0..=100.0).contains(&scale.place(value)), "{value}");
        }
    }
}
