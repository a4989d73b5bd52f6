//! What was verified before, for a while: so that a request with a known token costs a hash and a look-up.
//!
//! A credential is kept only as a keyed hash of 128 bits, whose key nobody outside of this process knows. Both tables
//! have a bound, and refusals have one of their own, so that no flood of bad credentials drives out a good one.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use impresario_engine::Principal;
use parking_lot::RwLock;
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::clock::Clock;

/// How many refusals are remembered, and how long.
const REFUSALS_MAX: usize = 1_024;
const REFUSAL_TTL: Duration = Duration::from_secs(10);

const SHARDS: usize = 16;

/// Of how many entries the one that ends first makes room for a new one.
const LOOKED_AT: usize = 8;

/// Verdicts by credential.
pub(crate) struct Verdicts {
    hash_key: [u8; 16],
    clock: Arc<dyn Clock>,
    /// The longest that one is believed.
    ttl: Duration,
    /// How often everything was forgotten. What was verified before that is not remembered after it.
    epoch: AtomicU64,
    accepted: Table<Arc<Principal>>,
    refused: Table<&'static str>,
}

/// A credential, unrecognisable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u128);

/// What is remembered of a credential.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    Accepted(Arc<Principal>),
    Refused(&'static str),
}

impl Verdicts {
    pub(crate) fn new(clock: Arc<dyn Clock>, ttl: Duration, accepted_max: usize) -> Self {
        let mut hash_key = [0; 16];
        getrandom::fill(&mut hash_key).expect("the operating system gives random bytes");
        Self {
            hash_key,
            clock,
            ttl,
            epoch: AtomicU64::new(0),
            accepted: Table::new(accepted_max),
            refused: Table::new(REFUSALS_MAX),
        }
    }

    /// What a credential of that kind is remembered by. Each part is preceded by its length, so that no two
    /// credentials are the same bytes.
    pub(crate) fn fingerprint(&self, kind: u8, parts: &[&[u8]]) -> Fingerprint {
        let mut hasher = SipHasher24::new_with_key(&self.hash_key);
        hasher.write_u8(kind);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        Fingerprint(hasher.finish128().into())
    }

    /// What is known of it.
    pub(crate) fn get(&self, of: Fingerprint) -> Option<Known> {
        let now = self.clock.uptime();
        self.accepted
            .get(of, now)
            .map(Known::Accepted)
            .or_else(|| self.refused.get(of, now).map(Known::Refused))
    }

    /// What is told to [`Verdicts::accept`], asked for before the credential is verified.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Remembers that it was accepted, for at most so long; unless everything was forgotten since that epoch.
    pub(crate) fn accept(
        &self,
        of: Fingerprint,
        principal: Arc<Principal>,
        at_most: Option<Duration>,
        epoch: u64,
    ) {
        let ttl = at_most.map_or(self.ttl, |at_most| at_most.min(self.ttl));
        if !ttl.is_zero() {
            let now = self.clock.uptime();
            self.accepted.put(of, principal, now + ttl, || self.epoch() == epoch);
        }
    }

    /// Remembers that it was refused.
    pub(crate) fn refuse(&self, of: Fingerprint, why: &'static str) {
        let now = self.clock.uptime();
        self.refused.put(of, why, now + REFUSAL_TTL.min(self.ttl), || true);
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.accepted.clear();
        self.refused.clear();
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.accepted.len(), self.refused.len())
    }
}

impl fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (accepted, refused) = self.len();
        f.debug_struct("Verdicts")
            .field("accepted", &accepted)
            .field("refused", &refused)
            .finish_non_exhaustive()
    }
}

type Shard<V> = RwLock<HashMap<u128, (V, Duration), BuildHasherDefault<Passed>>>;

/// Values that end, in shards: a lock is held for a look-up and nothing else.
struct Table<V> {
    shards: [Shard<V>; SHARDS],
    shard_max: usize,
}

impl<V: Clone> Table<V> {
    fn new(max: usize) -> Self {
        Self { shards: Default::default(), shard_max: max.div_ceil(SHARDS) }
    }

    fn shard(&self, of: Fingerprint) -> &Shard<V> {
        &self.shards[(of.0 >> 64) as usize % SHARDS]
    }

    fn get(&self, of: Fingerprint, now: Duration) -> Option<V> {
        let shard = self.shard(of).read();
        shard.get(&of.0).filter(|(_, until)| now < *until).map(|(value, _)| value.clone())
    }

    /// Keeps a value, unless it is out of date. That is asked with the lock held, so that what clears the table either
    /// is seen, or comes after it.
    fn put(&self, of: Fingerprint, value: V, until: Duration, is_current: impl FnOnce() -> bool) {
        let mut shard = self.shard(of).write();
        if !is_current() {
            return;
        }
        if shard.len() >= self.shard_max && !shard.contains_key(&of.0) {
            // Not all of them are looked at: under a flood that would cost more than it is worth.
            let ends_first = shard.iter().take(LOOKED_AT).min_by_key(|(_, (_, until))| *until);
            if let Some(key) = ends_first.map(|(key, _)| *key) {
                shard.remove(&key);
            }
        }
        if shard.len() < self.shard_max {
            shard.insert(of.0, (value, until));
        }
    }

    fn clear(&self) {
        for shard in &self.shards {
            shard.write().clear();
        }
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}

/// Takes half of a fingerprint as its hash: it is random already.
#[derive(Default)]
struct Passed(u64);

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use impresario_engine::AuthMethod;

    use super::*;
    use crate::clock::ManualClock;

    fn verdicts(max: usize) -> (Verdicts, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        (Verdicts::new(Arc::clone(&clock) as Arc<dyn Clock>, Duration::from_secs(300), max), clock)
    }

    fn somebody() -> Arc<Principal> {
        Arc::new(Principal::new(None, "test", "alice", AuthMethod::Token).unwrap())
    }

    #[test]
    fn a_verdict_ends_with_its_token_and_after_five_minutes_at_the_latest() {
        let (verdicts, clock) = verdicts(64);
        let (short, long) = (verdicts.fingerprint(1, &[b"a"]), verdicts.fingerprint(1, &[b"b"]));
        verdicts.accept(short, somebody(), Some(Duration::from_secs(7)), 0);
        verdicts.accept(long, somebody(), None, 0);
        verdicts.accept(verdicts.fingerprint(1, &[b"c"]), somebody(), Some(Duration::ZERO), 0);
        assert_eq!(verdicts.len().0, 2);
        clock.advance(Duration::from_millis(6_999));
        assert!(verdicts.get(short).is_some());
        clock.advance(Duration::from_millis(1));
        assert!(verdicts.get(short).is_none());
        clock.advance(Duration::from_millis(292_999));
        assert!(verdicts.get(long).is_some());
        clock.advance(Duration::from_millis(1));
        assert!(verdicts.get(long).is_none());
    }

    #[test]
    fn a_refusal_is_remembered_briefly() {
        let (verdicts, clock) = verdicts(64);
        let bad = verdicts.fingerprint(1, &[b"bad"]);
        verdicts.refuse(bad, "no");
        assert!(matches!(verdicts.get(bad), Some(Known::Refused("no"))));
        clock.advance(REFUSAL_TTL);
        assert!(verdicts.get(bad).is_none());
    }

    #[test]
    fn however_many_come_the_tables_keep_their_size_and_refusals_drive_out_nobody() {
        let (verdicts, _) = verdicts(64);
        let alice = verdicts.fingerprint(1, &[b"alice"]);
        verdicts.accept(alice, somebody(), None, 0);
        for number in 0..100_000_u32 {
            verdicts.refuse(verdicts.fingerprint(1, &[&number.to_le_bytes()]), "no");
        }
        assert!(verdicts.len().1 <= REFUSALS_MAX);
        assert!(matches!(verdicts.get(alice), Some(Known::Accepted(_))));
        for number in 0..10_000_u32 {
            verdicts.accept(verdicts.fingerprint(2, &[&number.to_le_bytes()]), somebody(), None, 0);
        }
        assert!(verdicts.len().0 <= 64);
        verdicts.forget_all();
        assert_eq!(verdicts.len(), (0, 0));
        // It was verified by a key that is gone now.
        verdicts.accept(alice, somebody(), None, 0);
        assert_eq!(verdicts.len(), (0, 0));
        verdicts.accept(alice, somebody(), None, verdicts.epoch());
        assert_eq!(verdicts.len(), (1, 0));
    }

    #[test]
    fn credentials_of_different_kinds_or_parts_are_never_the_same() {
        let (verdicts, _) = verdicts(64);
        let all = [
            verdicts.fingerprint(1, &[b"ab"]),
            verdicts.fingerprint(2, &[b"ab"]),
            verdicts.fingerprint(1, &[b"a", b"b"]),
            verdicts.fingerprint(1, &[b"", b"ab"]),
            verdicts.fingerprint(1, &[b"ab", b""]),
            self::verdicts(64).0.fingerprint(1, &[b"ab"]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != one), "{at}");
        }
    }
}
