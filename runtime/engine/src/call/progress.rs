//! Which progress messages of a call are sent: those that grow, at a limited rate.

use impresario_protocol::Notification;
use tokio::time::Instant;

/// What a call has said of how far it is.
#[derive(Default)]
pub(super) struct Progress {
    bucket: Bucket,
    /// Progress must only grow (basic/patterns/progress).
    last: Option<f64>,
}

impl Progress {
    /// Progress must grow, and comes at a limited rate; everything else is always taken.
    pub(super) fn admits(&mut self, notification: &Notification, per_second_max: u32) -> bool {
        let Notification::Progress { progress, .. } = notification else { return true };
        if self.last.is_some_and(|last| *progress <= last) || !progress.is_finite() {
            return false;
        }
        if !self.bucket.take(per_second_max) {
            return false;
        }
        self.last = Some(*progress);
        true
    }
}

/// A token bucket: a burst, then so many a second.
#[derive(Default)]
struct Bucket {
    spent: f64,
    since: Option<Instant>,
}

impl Bucket {
    const BURST: f64 = 100.0;

    fn take(&mut self, per_second_max: u32) -> bool {
        let now = Instant::now();
        let since = self.since.replace(now).unwrap_or(now);
        let refill = now.duration_since(since).as_secs_f64() * f64::from(per_second_max);
        self.spent = (self.spent - refill).max(0.0);
        let admitted = self.spent + 1.0 <= Self::BURST;
        if admitted {
            self.spent += 1.0;
        }
        admitted
    }
}
