//! Notices what others change below the roots, and tells whoever subscribed to it.
//!
//! What the operating system reports is a hint and no more: every path is looked at again through its root's handle,
//! so nothing outside of the roots is ever told of. A root with more folders than may be watched, or than the system
//! watches for us, is looked at now and then instead.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use impresario_engine::{Runtime, Shared};

use super::eye::Eye;
use super::ground::Ground;
use super::hints::{Hints, Waker};

/// A watch that goes on until this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    waker: Waker,
    has_ended: Arc<AtomicBool>,
}

/// How often a quiet watch looks whether its server still runs.
const RUNTIME_LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Watch {
    /// Begins to watch every root.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn begin(ground: &Arc<Ground>, runtime: &Runtime) -> std::io::Result<Self> {
        let hints = Hints::new();
        let waker = hints.waker();
        let has_ended = Arc::new(AtomicBool::new(false));
        let (ground, shared, ended) =
            (Arc::clone(ground), Arc::downgrade(runtime.shared()), Arc::clone(&has_ended));
        std::thread::Builder::new().name("files".into()).spawn(move || {
            Watcher::new(&ground, hints).run(&shared, &ended);
        })?;
        Ok(Self { waker, has_ended })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// The watcher of every root.
pub(super) struct Watcher<'g> {
    ground: &'g Ground,
    hints: Hints,
    eyes: Vec<Eye<'g>>,
}

impl<'g> Watcher<'g> {
    /// Begins with everything as it is now.
    pub(super) fn new(ground: &'g Ground, hints: Hints) -> Self {
        let eyes = ground.roots.iter().map(|root| Eye::open(ground, root, &hints.reporter())).collect();
        Self { ground, hints, eyes }
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

    /// Whether every root is looked at now and then.
    #[cfg(test)]
    pub(super) fn is_looking(&self) -> bool {
        self.eyes.iter().all(|eye| eye.next_look().is_some())
    }

    /// Waits at most so long for something to change, and returns the URIs of all that has.
    pub(super) fn step(&mut self, wait: Duration) -> BTreeSet<String> {
        let now = Instant::now();
        let next_look = self.eyes.iter().filter_map(Eye::next_look).min();
        let wait = next_look.map_or(wait, |at| at.saturating_duration_since(now).min(wait));
        let batch = self.hints.gather(wait, self.ground.watch.debounce.0);
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
}
