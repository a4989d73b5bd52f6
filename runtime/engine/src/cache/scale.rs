//! How answers are weighed: the store knows one capacity, and a tool may bound both the bytes and the number of answers.

use super::policy::CachePolicy;

/// How answers are weighed, so that the store's one capacity bounds both their bytes and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    /// Bytes in one unit of weight, because the store counts in 32 bits.
    unit_bytes: u64,
    /// What every answer weighs at the least: its share of the capacity.
    share: u64,
    pub(super) capacity: u64,
}

impl Scale {
    pub(super) fn of(policy: &CachePolicy, house_bytes_max: u64) -> Self {
        let bytes_max = policy.bytes_max.unwrap_or(u64::MAX).min(house_bytes_max);
        let unit_bytes = bytes_max.div_ceil(u64::from(u32::MAX)).max(1);
        let capacity = bytes_max / unit_bytes;
        match policy.entries_max {
            None => Self { unit_bytes, share: 1, capacity },
            Some(entries) => {
                let share = capacity.checked_div(entries).unwrap_or(1).max(1);
                Self { unit_bytes, share, capacity: share.saturating_mul(entries).min(capacity) }
            }
        }
    }

    pub(super) fn weight(self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(self.unit_bytes).max(self.share)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn bytes_and_numbers_share_one_capacity_whatever_their_size() {
        const GIB: u64 = 1 << 30;
        let policy = CachePolicy::ttl(Duration::from_secs(1));
        let fit = |policy: &CachePolicy, house_max: u64, bytes: u64| {
            let scale = Scale::of(policy, house_max);
            scale.capacity / u64::from(scale.weight(bytes))
        };
        for entries in [1, 2, 3, 10, 999, 100_000, 1_000_000] {
            assert_eq!(fit(&policy.clone().entries_max(entries), GIB / 4, 1), entries, "exactly so many");
            assert_eq!(
                fit(&policy.clone().entries_max(entries), 1_000 * GIB, 1),
                entries,
                "in units above a byte"
            );
        }
        assert_eq!(fit(&policy.clone().bytes_max(10_000), GIB, 1_000), 10);
        assert_eq!(fit(&policy.clone().bytes_max(2 * GIB), GIB, GIB / 8), 8, "no more than the house has");
        assert_eq!(fit(&policy, 100 * GIB, GIB), 99, "what is rounded is rounded up: never more than fits");
        assert_eq!(fit(&policy.clone().entries_max(5).bytes_max(3_000), GIB, 1_000), 3);
        assert_eq!(fit(&policy.clone().entries_max(5).bytes_max(3_000), GIB, 10), 5);
        for none in [policy.clone().entries_max(0), policy.clone().bytes_max(0)] {
            assert_eq!(fit(&none, GIB, 1), 0);
        }
    }
}
