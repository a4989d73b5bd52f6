//! Notices what others change below the roots, and tells whoever subscribed to it.
//!
//! What the operating system reports is a hint and no more: every path is looked at again through its root's handle,
//! so nothing outside of the roots is ever told of. A root with more folders than may be watched, or than the system
//! watches for us, is looked at now and then instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use impresario_engine::{Runtime, Shared};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};

use super::eye::Eye;
use super::ground::Ground;

/// What the operating system reports.
pub(super) enum Hint {
    /// Something is different at that path.
    Changed {
        path: PathBuf,
        /// Whether what a file holds was written.
        is_data: bool,
    },
    /// The watch has ended.
    End,
}

/// Where hints are put. What does not fit is not lost: it makes the watcher look at everything.
#[derive(Clone)]
pub(super) struct Hints {
    hints_tx: SyncSender<Hint>,
    missed: Arc<AtomicBool>,
}

/// A watch that goes on until this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    hints_tx: SyncSender<Hint>,
    has_ended: Arc<AtomicBool>,
}

/// What has been reported since the last look.
#[derive(Debug, Default)]
struct Batch {
    /// Paths, and whether what they hold was written.
    paths: BTreeMap<PathBuf, bool>,
    missed: bool,
}

/// Hints that wait, and paths that are gathered before all is looked at instead.
const HINTS_MAX: usize = 8_192;

/// How often a quiet watch looks whether its server still runs.
const RUNTIME_LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Watch {
    /// Begins to watch every root.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn begin(ground: &Arc<Ground>, runtime: &Runtime) -> std::io::Result<Self> {
        let (hints, hints_rx) = Hints::new();
        let hints_tx = hints.hints_tx.clone();
        let has_ended = Arc::new(AtomicBool::new(false));
        let (ground, shared, ended) =
            (Arc::clone(ground), Arc::downgrade(runtime.shared()), Arc::clone(&has_ended));
        std::thread::Builder::new().name("files".into()).spawn(move || {
            Watcher::new(&ground, hints, hints_rx).run(&shared, &ended);
        })?;
        Ok(Self { hints_tx, has_ended })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Release);
        // Wakes the watcher; one whose queue is full is awake.
        let _ = self.hints_tx.try_send(Hint::End);
    }
}

impl Hints {
    pub(super) fn new() -> (Self, Receiver<Hint>) {
        let (hints_tx, hints_rx) = sync_channel(HINTS_MAX);
        (Self { hints_tx, missed: Arc::default() }, hints_rx)
    }

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

/// The watcher of every root.
pub(super) struct Watcher<'g> {
    ground: &'g Ground,
    hints: Hints,
    hints_rx: Receiver<Hint>,
    eyes: Vec<Eye<'g>>,
}

impl<'g> Watcher<'g> {
    /// Begins with everything as it is now.
    pub(super) fn new(ground: &'g Ground, hints: Hints, hints_rx: Receiver<Hint>) -> Self {
        let eyes = ground.roots.iter().map(|root| Eye::open(ground, root, &hints)).collect();
        Self { ground, hints, hints_rx, eyes }
    }

    fn run(mut self, shared: &Weak<Shared>, has_ended: &AtomicBool) {
        loop {
            let changed = self.step(RUNTIME_LOOK_INTERVAL);
            let Some(shared) = shared.upgrade().filter(|shared| !shared.closing.has_begun()) else { return };
            if has_ended.load(Ordering::Acquire) {
                return;
            }
            changed.iter().for_each(|uri| shared.hub.resource_updated(uri));
        }
    }

    /// Waits at most so long for something to change, and returns the URIs of all that has.
    pub(super) fn step(&mut self, wait: Duration) -> BTreeSet<String> {
        let now = Instant::now();
        let next_look = self.eyes.iter().filter_map(Eye::next_look).min();
        let wait = next_look.map_or(wait, |at| at.saturating_duration_since(now).min(wait));
        let batch = self.gather(wait);
        let mut changed = BTreeSet::new();
        for eye in &mut self.eyes {
            if batch.missed || eye.next_look().is_some_and(|at| at <= Instant::now()) {
                eye.look_at_all(self.ground, &mut changed);
            } else {
                let hinted = batch.paths.iter().map(|(path, is_data)| (Path::new(path), *is_data));
                eye.look_at(self.ground, hinted, &mut changed);
            }
        }
        changed
    }

    /// Waits for the first hint, and then as long as changes are gathered for those that come with it.
    fn gather(&self, wait: Duration) -> Batch {
        let mut batch = Batch::default();
        let mut until = Instant::now() + wait;
        loop {
            match self.hints_rx.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Hint::Changed { path, is_data }) => {
                    if batch.paths.is_empty() && !batch.missed {
                        until = Instant::now() + self.ground.watch.debounce.0;
                    }
                    if batch.paths.len() >= HINTS_MAX {
                        batch.missed = true;
                        batch.paths.clear();
                    }
                    *batch.paths.entry(path).or_default() |= is_data;
                }
                Ok(Hint::End) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        batch.missed |= self.hints.missed.swap(false, Ordering::AcqRel);
        batch
    }
}
