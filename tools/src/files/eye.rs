//! One root that is watched: what is known to stand below it, and how changes to that are found.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Instant;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::ground::{Ground, Known, Stamp};
use super::hints::Reporter;
use super::resources::touched;
use super::roots::{Root, joined};
use super::walk::{self, EntryKind};
use super::write::is_temporary;

/// One root that is watched.
pub(super) struct Eye<'g> {
    root: &'g Root,
    sight: Sight,
    /// Whether it was told that there is more below the root than is watched.
    is_full: bool,
}

/// How changes are found.
enum Sight {
    /// The operating system tells of them.
    Told { watcher: RecommendedWatcher, folders: usize },
    /// By looking at everything, the next time then.
    Looking { next: Instant },
}

/// A root has more folders than can be watched.
struct TooMany(String);

impl<'g> Eye<'g> {
    /// Begins to watch a root, as it is now.
    pub(super) fn open(ground: &Ground, root: &'g Root, reporter: &Reporter) -> Self {
        let reporter = reporter.clone();
        let config = notify::Config::default().with_follow_symlinks(false);
        let sight = match RecommendedWatcher::new(move |event| reporter.take(event), config) {
            Ok(watcher) => Sight::Told { watcher, folders: 0 },
            Err(error) => {
                tracing::warn!(%error, root = root.path, "the operating system watches no files; they are looked at now and then");
                Sight::Looking { next: Instant::now() }
            }
        };
        let mut eye = Self { root, sight, is_full: false };
        let known = eye.survey_all(ground);
        ground.with_known(root, |before| *before = known);
        eye
    }

    /// When everything is to be looked at next, unless the operating system tells of changes.
    pub(super) fn next_look(&self) -> Option<Instant> {
        match self.sight {
            Sight::Told { .. } => None,
            Sight::Looking { next } => Some(next),
        }
    }

    /// Finds what is different anywhere below the root.
    pub(super) fn look_at_all(&mut self, ground: &Ground, changed: &mut BTreeSet<String>) {
        let now = self.survey_all(ground);
        let before = ground.with_known(self.root, |known| std::mem::replace(known, now.clone()));
        for relative in before.keys().filter(|relative| !now.contains_key(*relative)) {
            changed.extend(touched(self.root, relative, true));
        }
        for (relative, stamp) in &now {
            self.compare(ground, relative, before.get(relative).copied(), *stamp, false, changed);
        }
    }

    /// Finds what is different at those paths, which the operating system named.
    pub(super) fn look_at<'p>(
        &mut self,
        ground: &Ground,
        hinted: impl Iterator<Item = (&'p Path, bool)>,
        changed: &mut BTreeSet<String>,
    ) {
        let root = self.root;
        let relative = |path: &'p Path| {
            path.strip_prefix(&root.real_path).ok()?.to_str().filter(|path| !path.is_empty())
        };
        let hinted: Vec<_> = hinted
            .filter_map(|(path, is_data)| Some((relative(path)?, is_data)))
            .filter(|(relative, _)| is_watched(ground, relative))
            .map(|(relative, is_data)| (relative, is_data, root.dir.symlink_metadata(relative).ok()))
            .collect();
        // What is gone goes first: a folder that was renamed is unwatched under its old name, then watched under its new.
        for (relative, ..) in hinted.iter().filter(|(.., metadata)| metadata.is_none()) {
            self.forget(ground, relative, changed);
        }
        for (relative, is_data, metadata) in hinted {
            let Some(stamp) = metadata.map(|metadata| Stamp::of(&metadata)) else { continue };
            let before = self.remember(ground, relative, stamp);
            if before.is_some_and(|before| before.is_folder && before != stamp) {
                // Another folder, or something else: what stood below is gone.
                self.forget(ground, relative, changed);
                self.remember(ground, relative, stamp);
            }
            self.compare(ground, relative, before, stamp, is_data, changed);
            if stamp.is_folder && before != Some(stamp) {
                self.take_in(ground, relative, changed);
            }
        }
    }

    /// Remembers what stands there, as long as there is room, and returns what was known to.
    fn remember(&self, ground: &Ground, relative: &str, stamp: Stamp) -> Option<Stamp> {
        ground.with_known(self.root, |known| {
            let has_room = known.len() < ground.watch.entries_max || known.contains_key(relative);
            has_room.then(|| known.insert(relative.to_owned(), stamp)).flatten()
        })
    }

    /// Tells of a path if it is different from before, and not because a tool has made and told it so.
    fn compare(
        &self,
        ground: &Ground,
        relative: &str,
        before: Option<Stamp>,
        now: Stamp,
        is_data: bool,
        changed: &mut BTreeSet<String>,
    ) {
        let is_written = is_data && !now.is_folder;
        if !is_written && (before == Some(now) || ground.is_own(self.root, relative, now)) {
            return;
        }
        changed.extend(touched(
            self.root,
            relative,
            before.is_none_or(|before| before.is_folder != now.is_folder),
        ));
    }

    /// What stood there is gone, and all that stood below it.
    fn forget(&mut self, ground: &Ground, relative: &str, changed: &mut BTreeSet<String>) {
        let below = format!("{relative}/");
        let gone = ground.with_known(self.root, |known| {
            let mut gone: Known = known.remove_entry(relative).into_iter().collect();
            let children: Vec<_> = known
                .range(below.clone()..)
                .take_while(|(path, _)| path.starts_with(&below))
                .map(|(path, _)| path.clone())
                .collect();
            gone.extend(children.into_iter().filter_map(|path| known.remove_entry(&path)));
            gone
        });
        for (relative, stamp) in gone {
            changed.extend(touched(self.root, &relative, true));
            if let (true, Sight::Told { watcher, folders }) = (stamp.is_folder, &mut self.sight) {
                // It fails where the folder took its watch with it.
                let _ = watcher.unwatch(Path::new(&joined(&self.root.real_path, &relative)));
                *folders = folders.saturating_sub(1);
            }
        }
    }

    /// Takes in a folder that has come.
    fn take_in(&mut self, ground: &Ground, relative: &str, changed: &mut BTreeSet<String>) {
        let Ok(found) = self.survey(ground, relative) else { return self.look_from_now_on(ground, changed) };
        for (path, stamp) in found {
            let before = self.remember(ground, &path, stamp);
            self.compare(ground, &path, before, stamp, false, changed);
        }
    }

    fn look_from_now_on(&mut self, ground: &Ground, changed: &mut BTreeSet<String>) {
        self.sight = Sight::Looking { next: Instant::now() };
        self.look_at_all(ground, changed);
    }

    /// Everything below the root. When it can't all be watched, it is looked at from now on.
    fn survey_all(&mut self, ground: &Ground) -> Known {
        let begun = Instant::now();
        if let Sight::Told { folders, .. } = &mut self.sight {
            // Every folder that is still there is counted again; watching it twice is watching it once.
            *folders = 0;
        }
        let found = self.survey(ground, "").or_else(|TooMany(why)| {
            tracing::warn!(
                root = self.root.path,
                why,
                "not every folder can be watched; the root is looked at now and then"
            );
            self.sight = Sight::Looking { next: begun };
            self.survey(ground, "")
        });
        if let Sight::Looking { next } = &mut self.sight {
            // A large tree is looked at less often, so that looking takes a tenth of the time at most.
            *next = begun + ground.watch.poll_interval.0.max(begun.elapsed() * 10);
        }
        found.unwrap_or_default()
    }

    /// Everything below a folder of the root, each folder watched before it is read, so that nothing is missed.
    fn survey(&mut self, ground: &Ground, relative: &str) -> Result<Known, TooMany> {
        let mut found = Known::new();
        let mut folders = vec![relative.to_owned()];
        while let Some(folder) = folders.pop() {
            self.watch(ground, &folder)?;
            let left = ground.watch.entries_max.saturating_sub(found.len());
            let read = self.read(&folder, left);
            let children = read.unwrap_or_default();
            if children.is_cut && !std::mem::replace(&mut self.is_full, true) {
                let max = ground.watch.entries_max;
                tracing::warn!(
                    root = self.root.path,
                    max,
                    "there is more than watch.entries_max; changes to the rest are not noticed"
                );
            }
            for entry in children.entries {
                let path = joined(&folder, &entry.name);
                let Ok(metadata) = entry.metadata() else { continue };
                if is_temporary(&entry.name) {
                    continue;
                }
                let is_deep = path.split('/').count() >= ground.limits.depth_max;
                if entry.kind == EntryKind::Directory && !is_deep && !ground.quiet.is_match(&path) {
                    folders.push(path.clone());
                }
                found.insert(path, Stamp::of(&metadata));
            }
        }
        Ok(found)
    }

    fn read(&self, folder: &str, entries_max: usize) -> io::Result<walk::Children> {
        let place = self.root.at(folder.to_owned());
        walk::children(&walk::open_folder(&self.root.dir, place.path())?, entries_max)
    }

    fn watch(&mut self, ground: &Ground, relative: &str) -> Result<(), TooMany> {
        let Sight::Told { watcher, folders } = &mut self.sight else { return Ok(()) };
        let max = ground.watch.directories_max;
        if *folders >= max {
            return Err(TooMany(format!("there are more than {max} folders (watch.directories_max)")));
        }
        let path = joined(&self.root.real_path, relative);
        match watcher.watch(Path::new(&path), RecursiveMode::NonRecursive) {
            Ok(()) => *folders += 1,
            // Gone already, or not ours to read: there is nothing to be told of.
            Err(notify::Error { kind: notify::ErrorKind::PathNotFound, .. }) => {}
            Err(notify::Error { kind: notify::ErrorKind::Io(error), .. })
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
            Err(error) => return Err(TooMany(error.to_string())),
        }
        Ok(())
    }
}

/// Whether changes to that path are told of: not to what is not whole yet, nor to what stands in a quiet folder.
fn is_watched(ground: &Ground, relative: &str) -> bool {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let mut folders = relative.match_indices('/').map(|(end, _)| &relative[..end]);
    super::path::can_be_written(name)
        && !is_temporary(name)
        && !folders.any(|folder| ground.quiet.is_match(folder))
}
