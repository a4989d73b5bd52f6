//! What the operating system reports of changes, gathered for whoever looks at them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};

/// One report.
enum Hint {
    /// Something is different at that path.
    Changed {
        path: PathBuf,
        /// Whether what a file holds was written.
        is_data: bool,
    },
    /// Whoever waits is to look whether there is still reason to.
    Wake,
}

/// Where reports are gathered.
pub(super) struct Hints {
    reporter: Reporter,
    hints_rx: Receiver<Hint>,
}

/// Where reports are put. What does not fit is not lost: all is looked at then.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    hints_tx: SyncSender<Hint>,
    missed: Arc<AtomicBool>,
}

/// Wakes whoever waits for reports.
#[derive(Debug)]
pub(super) struct Waker(SyncSender<Hint>);

/// What has been reported since the last look.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Paths, and whether what they hold was written.
    pub(super) paths: BTreeMap<PathBuf, bool>,
    pub(super) missed: bool,
}

/// Hints that wait, and paths that are gathered before all is looked at instead.
const HINTS_MAX: usize = 8_192;

impl Waker {
    pub(super) fn wake(&self) {
        // One whose queue is full is awake.
        let _ = self.0.try_send(Hint::Wake);
    }
}

impl Hints {
    pub(super) fn new() -> Self {
        let (hints_tx, hints_rx) = sync_channel(HINTS_MAX);
        Self { reporter: Reporter { hints_tx, missed: Arc::default() }, hints_rx }
    }

    pub(super) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(self.reporter.hints_tx.clone())
    }

    /// Waits for the first report, and then so long for those that come with it.
    pub(super) fn gather(&self, wait: Duration, debounce: Duration) -> Batch {
        let mut batch = Batch::default();
        let mut until = Instant::now() + wait;
        while let Ok(Hint::Changed { path, is_data }) =
            self.hints_rx.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if batch.paths.is_empty() && !batch.missed {
                until = Instant::now() + debounce;
            }
            if batch.paths.len() >= HINTS_MAX {
                batch.missed = true;
                batch.paths.clear();
            }
            *batch.paths.entry(path).or_default() |= is_data;
        }
        batch.missed |= self.reporter.missed.swap(false, Ordering::AcqRel);
        batch
    }
}

impl Reporter {
    /// Takes what the operating system reports.
    pub(super) fn take(&self, event: notify::Result<notify::Event>) {
        let Ok(event) = event else { return self.miss() };
        if event.need_rescan() {
            self.miss();
        }
        let is_data = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Data(_)) => true,
            // Whoever reads changes nothing, and our own looks are such reads.
            EventKind::Access(_) => return,
            _ => false,
        };
        for path in event.paths {
            if self.hints_tx.try_send(Hint::Changed { path, is_data }).is_err() {
                self.miss();
            }
        }
    }

    fn miss(&self) {
        self.missed.store(true, Ordering::Release);
    }
}
