//! What every file tool stands on: the roots, the bounds, and what is remembered between calls.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cap_std::fs::{Metadata, MetadataExt};
use globset::GlobSet;
use tokio::sync::Semaphore;

use super::patterns;
use super::problem::FileError;
use super::roots::{Place, Root, Roots};
use super::settings::{FileLimits, HardLinks, Settings, WatchSettings};
use super::uri;
use crate::part::PartError;

/// What every file tool stands on.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) roots: Roots,
    pub(super) limits: FileLimits,
    pub(super) hard_links: HardLinks,
    pub(super) watch: WatchSettings,
    /// Folders that are neither watched nor shown in a project's structure.
    pub(super) quiet: GlobSet,
    /// Places for resources that are being read.
    pub(super) reads: Semaphore,
    /// Whoever changes a file holds the lock that it falls on, so that no edit overwrites another.
    writing: [Mutex<()>; 16],
    /// What the tools wrote last, so that the watcher does not tell it again.
    own: Mutex<VecDeque<(String, Stamp)>>,
    /// What the watcher knows to stand below each root, by its path there: also what completion suggests.
    known: Mutex<BTreeMap<String, Known>>,
}

/// What is known to stand below a root, by its path there.
pub(super) type Known = BTreeMap<String, Stamp>;

/// By what something is known not to have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) is_folder: bool,
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let is_folder = metadata.is_dir();
        // A folder's own time and size say what its children say already.
        let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
        Self {
            is_folder,
            len: if is_folder { 0 } else { metadata.len() },
            modified: modified.filter(|_| !is_folder),
            inode: metadata.ino(),
        }
    }
}

impl Ground {
    /// # Errors
    /// Which setting is wrong.
    pub(super) fn open(settings: Settings, directory: &Path) -> Result<Self, PartError> {
        let Settings { roots, hard_links, quiet, limits, watch } = settings;
        if limits.resource_reads_max == 0 {
            return Err(PartError::at("limits.resource_reads_max", "must be 1 or more"));
        }
        Ok(Self {
            roots: Roots::open(&roots, directory, limits.path_bytes_max)?,
            hard_links,
            quiet: patterns::excluded(&quiet, &limits)
                .map_err(|error| PartError::at("quiet", error.to_string()))?,
            reads: Semaphore::new(limits.resource_reads_max.min(Semaphore::MAX_PERMITS)),
            limits,
            watch,
            writing: std::array::from_fn(|_| Mutex::default()),
            own: Mutex::default(),
            known: Mutex::default(),
        })
    }

    /// # Errors
    /// When the path means no place.
    pub(super) fn locate(&self, path: &str) -> Result<Place<'_>, FileError> {
        self.roots.locate(path)
    }

    /// A place that may be written.
    ///
    /// # Errors
    /// When the path means no place, or a read-only one.
    pub(super) fn locate_writable(&self, path: &str) -> Result<Place<'_>, FileError> {
        let place = self.locate(path)?;
        place.check_writable().map(|()| place)
    }

    /// Held while a file is changed that is known by that name in the folder of that device and inode.
    pub(super) fn writing(&self, file: (u64, u64, &str)) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        file.hash(&mut hasher);
        let stripe = hasher.finish() % self.writing.len() as u64;
        locked(&self.writing[usize::try_from(stripe).unwrap_or(0)])
    }

    /// Remembers a change that the tools have told themselves.
    pub(super) fn wrote(&self, root: &Root, relative: &str, stamp: Stamp) {
        const REMEMBERED_MAX: usize = 256;
        let mut own = locked(&self.own);
        own.push_back((root.shown(relative), stamp));
        while own.len() > REMEMBERED_MAX {
            own.pop_front();
        }
    }

    /// Whether what stands there is what a tool wrote there last.
    pub(super) fn is_own(&self, root: &Root, relative: &str, stamp: Stamp) -> bool {
        let path = root.shown(relative);
        locked(&self.own).iter().any(|(own, written)| *own == path && *written == stamp)
    }

    /// What is known to stand below that root, to look into or to bring up to date. Held for moments.
    pub(super) fn with_known<T>(&self, root: &Root, use_known: impl FnOnce(&mut Known) -> T) -> T {
        use_known(locked(&self.known).entry(root.name.clone()).or_default())
    }

    /// The URIs by which clients may have subscribed to what stands at that place.
    pub(super) fn uris(root: &Root, relative: &str) -> Vec<String> {
        let mut uris = uri::spellings(&root.shown(relative));
        if root.real_path != root.path {
            uris.extend(uri::spellings(&super::roots::joined(&root.real_path, relative)));
        }
        uris
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
