//! How often credentials of one address were not accepted: after ten in a minute, no more of them are looked at.
//!
//! What is known to be good is not held up by it, so a network whose members share an address keeps working while one
//! of them guesses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Clock;

/// How many addresses are remembered.
const ADDRESSES_MAX: usize = 16_384;

/// Of how many addresses the one that has failed least makes room for a new one.
const LOOKED_AT: usize = 8;

const MINUTE: Duration = Duration::from_secs(60);

/// Failures by address.
#[derive(Debug)]
pub(crate) struct Failures {
    /// Of one address, in a minute. A place comes back after its share of the minute.
    per_minute: u32,
    clock: Arc<dyn Clock>,
    /// When all places of an address will have come back. What lies in the past is forgotten.
    full_again_at: Mutex<HashMap<IpAddr, Duration, ahash::RandomState>>,
}

impl Failures {
    pub(crate) fn new(clock: Arc<dyn Clock>, per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), clock, full_again_at: Mutex::default() }
    }

    fn share(&self) -> Duration {
        MINUTE / self.per_minute
    }

    /// When a credential from there is looked at again, if too many have failed.
    pub(crate) fn refused_too_often(&self, address: IpAddr) -> Option<Duration> {
        let now = self.clock.uptime();
        let full_again_at = *self.full_again_at.lock().get(&network(address))?;
        let wait = (full_again_at + self.share()).saturating_sub(now + MINUTE);
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts one more.
    pub(crate) fn note(&self, address: IpAddr) {
        let now = self.clock.uptime();
        let mut addresses = self.full_again_at.lock();
        let network = network(address);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&network) {
            let least = addresses.iter().take(LOOKED_AT).min_by_key(|(_, full_again_at)| **full_again_at);
            if let Some(address) = least.map(|(address, _)| *address) {
                addresses.remove(&address);
            }
        }
        let full_again_at = addresses.entry(network).or_default();
        // What was refused because of the rate is no failure of its own: a flood must not lengthen its own ban.
        *full_again_at = ((*full_again_at).max(now) + self.share()).min(now + MINUTE);
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.full_again_at.lock().len()
    }
}

/// Whoever has one address of IPv6 has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::clock::ManualClock;

    fn failures() -> (Failures, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        (Failures::new(Arc::clone(&clock) as Arc<dyn Clock>, 10), clock)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_eleventh_in_a_minute_is_refused_and_a_place_comes_back_every_six_seconds() {
        let (failures, clock) = failures();
        let guesser = address("192.0.2.1");
        for _ in 0..10 {
            assert_eq!(failures.refused_too_often(guesser), None);
            failures.note(guesser);
        }
        assert_eq!(failures.refused_too_often(guesser), Some(Duration::from_secs(6)));
        assert_eq!(failures.refused_too_often(address("192.0.2.2")), None);
        clock.advance(Duration::from_secs(6));
        assert_eq!(failures.refused_too_often(guesser), None);
        failures.note(guesser);
        assert!(failures.refused_too_often(guesser).is_some());
        clock.advance(MINUTE);
        for _ in 0..10 {
            assert_eq!(failures.refused_too_often(guesser), None);
            failures.note(guesser);
        }
        assert!(failures.refused_too_often(guesser).is_some());
    }

    #[test]
    fn a_flood_does_not_lengthen_its_own_ban() {
        let (failures, _) = failures();
        for _ in 0..1_000 {
            failures.note(address("192.0.2.1"));
        }
        assert_eq!(failures.refused_too_often(address("192.0.2.1")), Some(Duration::from_secs(6)));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_a_mapped_one_as_that_of_ipv4() {
        let (failures, _) = failures();
        for host in 0..10 {
            failures.note(address(&format!("2001:db8::{host:x}")));
        }
        assert!(failures.refused_too_often(address("2001:db8::ffff:1")).is_some());
        assert!(failures.refused_too_often(address("2001:db8:0:1::1")).is_none());
        for _ in 0..10 {
            failures.note(address("::ffff:192.0.2.1"));
        }
        assert!(failures.refused_too_often(address("192.0.2.1")).is_some());
    }

    #[test]
    fn however_many_addresses_fail_the_table_keeps_its_size() {
        let (failures, _) = failures();
        for bits in 0..50_000 {
            failures.note(IpAddr::V4(std::net::Ipv4Addr::from_bits(bits)));
        }
        assert!(failures.len() <= ADDRESSES_MAX);
    }
}
