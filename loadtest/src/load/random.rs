//! Draws that can be repeated: SplitMix64, because a mix and Poisson arrivals need no more than evenness.

/// A source of draws.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The draws of a seed are always the same.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly from 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From an exponential distribution with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.share()).ln()
    }

    /// One of the indices, by weight.
    pub fn pick(&mut self, weights: &[f64]) -> usize {
        let mut left = self.share() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_repeatable() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..10_000).map(|_| random.share()).collect::<Vec<f64>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1)[..3], draw(2)[..3]);
        let mean = draw(3).iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(1);
        let mut counts = [0_i32; 3];
        (0..10_000).for_each(|_| counts[random.pick(&[7.0, 2.0, 1.0])] += 1);
        for (count, expected) in counts.iter().zip([7000, 2000, 1000]) {
            assert!((count - expected).abs() < 200, "{counts:?}");
        }
    }
}
