//! Whether the house is closing. Told once, heard by everybody, however late they ask.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether the house is closing: first it takes nothing new and finishes what runs, then it is over.
#[derive(Debug, Default)]
pub struct Closing {
    begun: Latch,
    over: Latch,
}

impl Closing {
    /// Takes nothing new from now on.
    pub fn begin(&self) {
        self.begun.set();
    }

    /// What still runs is to end now.
    pub fn end(&self) {
        self.over.set();
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_set()
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.is_set()
    }

    /// Resolves when it has begun.
    pub async fn begun(&self) {
        self.begun.wait().await;
    }

    /// Resolves when it is over.
    pub async fn over(&self) {
        self.over.wait().await;
    }
}

/// Something that happens once.
#[derive(Debug, Default)]
struct Latch {
    is_set: AtomicBool,
    changed: Notify,
}

impl Latch {
    fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    async fn wait(&self) {
        let mut changed = std::pin::pin!(self.changed.notified());
        // Listening first: what is set between the two lines is not missed.
        changed.as_mut().enable();
        if !self.is_set() {
            changed.await;
        }
    }
}
