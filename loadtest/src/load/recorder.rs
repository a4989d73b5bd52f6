//! What one thread saw since it last reported: latencies and errors of each series.

use std::collections::BTreeMap;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::client::Moved;
use crate::result::ErrorCount;
use crate::trouble::Trouble;

/// The longest latency that is told apart, in nanoseconds: an hour.
const LATENCY_NS_MAX: u64 = 3_600_000_000_000;
/// The most kinds of errors that are told apart; all others are `other`.
pub const ERROR_KINDS_MAX: usize = 64;

/// An empty distribution of nanoseconds, exact to three digits.
///
/// # Panics
/// Never: its bounds are in order.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("the bounds are in order")
}

/// One series since the last report, or all of it.
#[derive(Debug, Clone)]
pub struct Portion {
    /// Latencies of right answers, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// What went wrong, by kind.
    pub errors: BTreeMap<String, ErrorCount>,
    /// Bytes of requests that were answered right.
    pub sent: u64,
    /// Bytes of right answers.
    pub received: u64,
    /// When the last right answer came.
    pub last_at: Option<Instant>,
}

impl Default for Portion {
    fn default() -> Self {
        Self { latencies: histogram(), errors: BTreeMap::new(), sent: 0, received: 0, last_at: None }
    }
}

impl Portion {
    /// Right answers.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.latencies.len()
    }

    /// Errors of every kind.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.errors.values().map(|count| count.count).sum()
    }

    /// Adds another portion of the same series.
    ///
    /// # Panics
    /// Never: all distributions have the same bounds.
    pub fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("all have the same bounds");
        for (kind, count) in &other.errors {
            self.fail(kind, count.count, || count.example.clone());
        }
        self.sent += other.sent;
        self.received += other.received;
        self.last_at = self.last_at.max(other.last_at);
    }

    fn fail(&mut self, kind: &str, count: u64, example: impl FnOnce() -> String) {
        if let Some(known) = self.errors.get_mut(kind) {
            known.count += count;
        } else if self.errors.len() < ERROR_KINDS_MAX || kind == "other" {
            self.errors.insert(kind.to_owned(), ErrorCount { count, example: example() });
        } else {
            self.fail("other", count, example);
        }
    }
}

/// Records what a thread sees.
#[derive(Debug)]
pub struct Recorder {
    portions: Vec<Portion>,
}

impl Recorder {
    /// A recorder for so many series.
    #[must_use]
    pub fn new(series: usize) -> Self {
        Self { portions: vec![Portion::default(); series] }
    }

    /// A right answer that came at `at`, to what was asked, or should have been, at `begun`.
    pub fn answered(&mut self, series: usize, begun: Instant, at: Instant, moved: Moved) {
        let latency = at.saturating_duration_since(begun);
        let portion = &mut self.portions[series];
        portion.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
        portion.sent += moved.sent as u64;
        portion.received += moved.received as u64;
        portion.last_at = Some(at);
    }

    /// An error.
    pub fn failed(&mut self, series: usize, trouble: &Trouble) {
        self.portions[series].fail(&trouble.kind(), 1, || trouble.to_string());
    }

    /// Everything since the last time.
    pub fn take(&mut self) -> Vec<Portion> {
        let fresh = vec![Portion::default(); self.portions.len()];
        std::mem::replace(&mut self.portions, fresh)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn answers_and_errors_are_kept_apart() {
        let mut recorder = Recorder::new(2);
        let moved = Moved { sent: 10, received: 20 };
        let begun = Instant::now();
        recorder.answered(0, begun, begun + Duration::from_micros(100), moved);
        recorder.answered(0, begun, begun, moved);
        recorder.failed(0, &Trouble::Status(500, "first".to_owned()));
        recorder.failed(0, &Trouble::Status(500, "second".to_owned()));
        recorder.failed(1, &Trouble::Timeout);
        let taken = recorder.take();
        assert_eq!(
            (taken[0].answers(), taken[0].error_count(), taken[0].sent, taken[0].received),
            (2, 2, 20, 40)
        );
        let count = &taken[0].errors["http 500"];
        assert_eq!((count.count, count.example.as_str()), (2, "status 500: first"));
        assert_eq!((taken[1].answers(), taken[1].error_count()), (0, 1));
        assert_eq!(recorder.take()[0].error_count(), 0);
    }

    #[test]
    fn portions_add_up() {
        let (mut whole, mut recorder) = (Portion::default(), Recorder::new(1));
        let begun = Instant::now();
        for micros in [1, 1000] {
            let at = begun + Duration::from_micros(micros);
            recorder.answered(0, begun, at, Moved::default());
            recorder.failed(0, &Trouble::Timeout);
            whole.add(&recorder.take()[0]);
        }
        assert_eq!((whole.answers(), whole.errors["timeout"].count), (2, 2));
        assert_eq!(whole.last_at, Some(begun + Duration::from_millis(1)));
        assert!(whole.latencies.max() >= 1_000_000 && whole.latencies.min() <= 1_000);
    }

    #[test]
    fn kinds_of_errors_are_bounded_and_none_is_lost() {
        let mut recorder = Recorder::new(1);
        (0..200).for_each(|code| recorder.failed(0, &Trouble::Rpc(code, String::new())));
        let taken = recorder.take();
        assert_eq!((taken[0].errors.len(), taken[0].error_count()), (ERROR_KINDS_MAX + 1, 200));
    }
}
