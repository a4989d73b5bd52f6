//! What time it is: handed in, so that a test can let an hour pass at once.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Tells the time. Tokens speak of the calendar; how old something is must not depend on it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The calendar's time.
    fn wall(&self) -> SystemTime;

    /// The time since some fixed moment, which only grows.
    fn uptime(&self) -> Duration;

    /// The calendar's time in seconds, as tokens count.
    fn unix_seconds(&self) -> u64 {
        self.wall().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn uptime(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug)]
pub struct ManualClock {
    began: SystemTime,
    passed: Mutex<Duration>,
}

impl ManualClock {
    /// A clock that stands at that time.
    #[must_use]
    pub fn at(began: SystemTime) -> Self {
        Self { began, passed: Mutex::default() }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.passed.lock() += by;
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> SystemTime {
        self.began + *self.passed.lock()
    }

    fn uptime(&self) -> Duration {
        *self.passed.lock()
    }
}
