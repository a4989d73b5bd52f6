//! Writes whole files, so that whoever reads one sees the old or the new, and a disk without room leaves the old.
//!
//! A file is written beside its place under another name, brought to the disk, and renamed. What stands at the place is
//! never opened for writing: a link or a second name that is put there leads nowhere.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::sync::MutexGuard;

use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::ground::{Ground, Stamp};
use super::open::{Limit, check_regular};
use super::problem::{FileError, FileErrorKind};
use super::roots::Place;

/// What the names of files begin and end with that are not whole yet.
const TEMPORARY: (&str, &str) = (".impresario-", ".tmp");

/// Whether a file of that name is not whole yet. One that is left behind by a crash may be removed.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// Where a file is to be written: in an open folder, under a name that is no link.
pub(super) struct Target {
    parent: Dir,
    name: String,
    /// What stands there now.
    pub(super) before: Option<Metadata>,
}

/// Writes a file, in place of the one that stands there. Says whether there was none.
///
/// # Errors
/// When it can't be written; then nothing has changed.
pub(super) fn write(ground: &Ground, place: &Place<'_>, contents: &str) -> Result<bool, FileError> {
    place.check_writable()?;
    check_size(ground, place, contents)?;
    let target = Target::find(ground, place)?;
    let _held = target.hold(ground, place)?;
    target.replace(ground, place, contents.as_bytes())?;
    Ok(target.before.is_none())
}

/// # Errors
/// When the contents are larger than may be written.
pub(super) fn check_size(ground: &Ground, place: &Place<'_>, contents: &str) -> Result<(), FileError> {
    let limit = write_limit(ground);
    if contents.len() as u64 > limit.bytes { Err(limit.exceeded(&place.shown())) } else { Ok(()) }
}

pub(super) fn write_limit(ground: &Ground) -> Limit {
    Limit {
        bytes: ground.limits.write_bytes_max.0,
        setting: "write_bytes_max",
        instead: "keep it smaller, or spread it over several files",
    }
}

impl Target {
    /// Finds where to write: links inside of the root are followed to the file itself.
    ///
    /// # Errors
    /// When nothing may be written there.
    pub(super) fn find(ground: &Ground, place: &Place<'_>) -> Result<Self, FileError> {
        const LINKS_MAX: usize = 16;
        let path = place.shown();
        let wrong = |error: io::Error| FileError::of(&error, "write", &path);
        let mut relative = place.path().to_owned();
        for _ in 0..LINKS_MAX {
            let Some(name) = relative.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned)
            else {
                let text = format!("{path:?} is a folder: pass the path of a file");
                return Err(FileError::new(FileErrorKind::WrongKind, text));
            };
            let parent = open_parent(&place.root.dir, &relative).map_err(|error| no_folder(&error, &path))?;
            let before = match parent.symlink_metadata(&name) {
                Ok(metadata) => Some(metadata),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(wrong(error)),
            };
            if before.as_ref().is_some_and(Metadata::is_symlink) {
                // Opened from the root again, whose handle refuses what leads out of it.
                relative.pop();
                relative.push(parent.read_link_contents(&name).map_err(wrong)?);
                continue;
            }
            if let Some(metadata) = &before {
                check_regular(metadata, &path, ground.hard_links)?;
            } else if relative != place.path() {
                break;
            }
            return Ok(Self { parent, name, before });
        }
        let text = format!("{path:?} is a symbolic link that leads nowhere: name the file itself");
        Err(FileError::new(FileErrorKind::Outside, text))
    }

    /// Held while the file is read, changed and written back. Whatever path leads to a file, its lock is the same.
    ///
    /// # Errors
    /// When its folder can't be looked at any more.
    pub(super) fn hold<'g>(
        &self,
        ground: &'g Ground,
        place: &Place<'_>,
    ) -> Result<MutexGuard<'g, ()>, FileError> {
        let folder =
            self.parent.dir_metadata().map_err(|error| FileError::of(&error, "write", &place.shown()))?;
        Ok(ground.writing((folder.dev(), folder.ino(), self.name.as_str())))
    }

    /// Puts a file with those contents in place of what stands there.
    ///
    /// # Errors
    /// When it can't be written; then nothing has changed.
    pub(super) fn replace(
        &self,
        ground: &Ground,
        place: &Place<'_>,
        contents: &[u8],
    ) -> Result<(), FileError> {
        let wrong = |error: io::Error| FileError::of(&error, "write", &place.shown());
        let (mut file, temporary) = Temporary::create(&self.parent, self.before.is_some()).map_err(wrong)?;
        file.write_all(contents).map_err(wrong)?;
        if let Some(before) = &self.before {
            keep_owner_and_mode(&file, before).map_err(wrong)?;
        }
        file.sync_all().map_err(wrong)?;
        let stamp = Stamp::of(&file.metadata().map_err(wrong)?);
        // Before it stands there, so that the watcher never meets it as somebody else's.
        ground.wrote(place.root, &place.relative, stamp);
        temporary.rename_to(&self.name).map_err(wrong)?;
        sync_folder(&self.parent);
        Ok(())
    }
}

/// A file under a name of its own, which is removed unless it is renamed.
struct Temporary<'d> {
    dir: &'d Dir,
    name: String,
    is_kept: bool,
}

impl<'d> Temporary<'d> {
    /// Creates one. What replaces another file is nobody else's to read before it has that file's mode.
    fn create(dir: &'d Dir, replaces: bool) -> io::Result<(File, Self)> {
        const TRIES: u32 = 8;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(if replaces { 0o600 } else { 0o666 });
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let mut tries = 0;
        loop {
            let (start, end) = TEMPORARY;
            let name = format!("{start}{:016x}{end}", RandomState::new().hash_one(tries));
            match dir.open_with(&name, &options) {
                Ok(file) => return Ok((file, Self { dir, name, is_kept: false })),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn rename_to(mut self, name: &str) -> io::Result<()> {
        self.dir.rename(&self.name, self.dir, name)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = self.dir.remove_file(&self.name)
        {
            tracing::warn!(%error, name = self.name, "a file that could not be finished can't be removed");
        }
    }
}

/// Opens the folder that a path's last name stands in.
pub(super) fn open_parent(root: &Dir, relative: &Path) -> io::Result<Dir> {
    match relative.parent() {
        Some(parent) if parent != Path::new("") => root.open_dir(parent),
        _ => root.try_clone(),
    }
}

/// What it means that the folder of a path can't be opened.
pub(super) fn no_folder(error: &io::Error, path: &str) -> FileError {
    if error.kind() == io::ErrorKind::NotFound {
        let text = format!("the folder of {path:?} does not exist: create it with create_directory");
        return FileError::new(FileErrorKind::NotFound, text);
    }
    FileError::of(error, "write", path)
}

/// Gives a new file the mode of the one it replaces, and its owner where that is allowed. Where it is not, the group's
/// rights shrink to everybody's: they were meant for another group.
fn keep_owner_and_mode(file: &File, before: &Metadata) -> io::Result<()> {
    let mut mode = before.mode() & 0o777;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        let owner = (Uid::from_raw(before.uid()), Gid::from_raw(before.gid()));
        if rustix::fs::fchown(file, Some(owner.0), Some(owner.1)).is_err()
            && now.gid() != before.gid()
            && rustix::fs::fchown(file, None, Some(owner.1)).is_err()
        {
            mode = (mode & 0o707) | ((mode & 0o007) << 3);
        }
    }
    Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?)
}

/// Brings a folder's names to the disk. Not every file system can; the file itself is there already.
pub(super) fn sync_folder(dir: &Dir) {
    if let Err(error) = dir.open(".").and_then(|folder| folder.sync_all()) {
        tracing::debug!(%error, "a folder can't be synced");
    }
}
