//! Notices that the files of a configuration have changed.
//!
//! The operating system tells of changes in the directories that hold them: editors put another file in a file's
//! place, and Kubernetes another directory in a directory's. What it does not tell is found by looking now and then.
//! Only what the files hold counts: a file that is written anew with the same text is no change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::fingerprint::Fingerprint;
use super::reload::{Keeper, Why};

/// After a change it must have been quiet for so long, because files are written in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// However busy it is, nobody waits longer.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// Between two looks at files that nobody tells of.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// A configuration that was refused is tried again, first after one look, in the end no sooner than after so many.
const LOOKS_BETWEEN_TRIES_MAX: u32 = 64;

/// Reloads when a file has changed, and on SIGHUP. Runs until it is dropped.
pub(crate) async fn follow(keeper: Arc<Keeper>) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let (told_tx, mut told) = mpsc::channel(1);
    let mut watching = Watching::new(told_tx);
    let mut seen = keeper.fingerprint();
    watching.watch(&keeper, &seen);
    let mut refused = Refused::default();
    loop {
        let why = tokio::select! {
            _ = hangup.recv() => Why::Hangup,
            Some(()) = told.recv() => {
                quiet(&mut told).await;
                Why::Changed
            }
            () = tokio::time::sleep(LOOK_INTERVAL) => Why::Changed,
        };
        let now = look(&keeper, &seen).await;
        let why = match why {
            Why::Changed if now == seen && refused.is_tried_again() => Why::Again,
            Why::Changed if now == seen => continue,
            why => why,
        };
        let reloaded = keeper.reload(why).await;
        refused.note(reloaded.is_err());
        // What was read last is known, unless nothing could be read.
        seen = if reloaded.is_ok() { keeper.fingerprint() } else { now };
        watching.watch(&keeper, &seen);
    }
}

/// Waits until nothing more is told for a while.
async fn quiet(told: &mut mpsc::Receiver<()>) {
    let begun = Instant::now();
    while begun.elapsed() < QUIET_MAX && matches!(timeout(QUIET, told.recv()).await, Ok(Some(()))) {}
}

/// Looks at the files, on a thread that may block.
async fn look(keeper: &Arc<Keeper>, seen: &Fingerprint) -> Fingerprint {
    let (keeper, before) = (Arc::clone(keeper), seen.clone());
    let looked = tokio::task::spawn_blocking(move || before.now(keeper.source())).await;
    looked.unwrap_or_else(|_panicked| seen.clone())
}

/// How often a refused configuration is tried again: something outside of the files may have been wrong.
#[derive(Default)]
struct Refused {
    looks_between: Option<u32>,
    looks: u32,
}

impl Refused {
    fn note(&mut self, is_refused: bool) {
        let next = self.looks_between.map_or(1, |looks| (looks * 2).min(LOOKS_BETWEEN_TRIES_MAX));
        *self = Self { looks_between: is_refused.then_some(next), looks: 0 };
    }

    fn is_tried_again(&mut self) -> bool {
        self.looks += 1;
        self.looks_between.is_some_and(|between| self.looks >= between)
    }
}

/// The directories that the operating system tells of.
struct Watching {
    watcher: Option<RecommendedWatcher>,
    directories: BTreeSet<PathBuf>,
}

impl Watching {
    fn new(told: mpsc::Sender<()>) -> Self {
        let tell = move |event: notify::Result<notify::Event>| {
            // Reading is no change, and we read ourselves. One that waits already says it all.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = told.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(tell);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "changes of the config files are noticed late");
        }
        Self { watcher: watcher.ok(), directories: BTreeSet::new() }
    }

    /// Watches the directories that hold the files.
    fn watch(&mut self, keeper: &Keeper, seen: &Fingerprint) {
        let Some(watcher) = &mut self.watcher else { return };
        let config = keeper.source().path.as_deref();
        let directory = config.map(|path| if path.is_dir() { path } else { above(path) });
        let wanted: BTreeSet<PathBuf> = directory
            .into_iter()
            .chain(seen.secret_files.iter().map(|path| above(path)))
            .map(Path::to_owned)
            .collect();
        for gone in self.directories.difference(&wanted) {
            // It may have gone by itself.
            let _ = watcher.unwatch(gone);
        }
        for new in wanted.difference(&self.directories) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, directory = %new.display(), "changes there are noticed late");
            }
        }
        self.directories = wanted;
    }
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
