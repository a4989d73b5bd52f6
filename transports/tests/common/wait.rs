//! Waiting for conditions, never for time: everything here gives up after a while and says what was missing.

use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a condition that tells nobody when it changes.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// What the future comes to, in bounded time.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("{what}: nothing came within {PATIENCE:?}"))
}

/// Waits until the condition holds, in bounded time.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Waits until a number is what it is to be, in bounded time.
pub(crate) async fn until_equal(what: &str, expected: usize, mut number: impl FnMut() -> usize) {
    let begun = Instant::now();
    while number() != expected {
        assert!(begun.elapsed() < PATIENCE, "{what}: {} and not {expected} after {PATIENCE:?}", number());
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Watches for a while that a condition goes on to hold: for what must not happen.
pub(crate) async fn stays(what: &str, a_while: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < a_while {
        assert!(holds(), "{what}: no longer so after {:?}", begun.elapsed());
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
