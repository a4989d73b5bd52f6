//! Moves files and creates folders. Neither ever replaces anything.

use std::io;
use std::path::Path;

use cap_std::fs::MetadataExt;
use rustix::fs::RenameFlags;
use rustix::io::Errno;

use super::ground::{Ground, Stamp};
use super::problem::{FileError, FileErrorKind};
use super::roots::Place;
use super::write::{no_folder, open_parent, sync_folder};

/// Moves a file, a link itself, or a folder with all that is in it, to a place where nothing stands.
///
/// # Errors
/// When it can't be moved; then nothing has changed.
pub(super) fn move_file(ground: &Ground, from: &Place<'_>, to: &Place<'_>) -> Result<(), FileError> {
    from.check_writable()?;
    to.check_writable()?;
    for place in [from, to] {
        if place.relative.is_empty() {
            let text =
                format!("{:?} is a root and stays where it is: name something below it", place.shown());
            return Err(FileError::new(FileErrorKind::Forbidden, text));
        }
    }
    let wrong = |error: io::Error| FileError::of(&error, "move", &from.shown());
    let old = open_parent(&from.root.dir, from.path()).map_err(wrong)?;
    let new = open_parent(&to.root.dir, to.path()).map_err(|error| no_folder(&error, &to.shown()))?;
    let (old_name, new_name) = (Path::new(from.name()), Path::new(to.name()));
    let folder = old.dir_metadata().map_err(wrong)?;
    let _held = ground.writing((folder.dev(), folder.ino(), from.name()));
    let stamp = old.symlink_metadata(old_name).map(|metadata| Stamp::of(&metadata)).map_err(wrong)?;
    let moved = match rustix::fs::renameat_with(&old, old_name, &new, new_name, RenameFlags::NOREPLACE) {
        // Not every file system can promise that nothing is replaced: there a look has to do. It stays below the roots.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if new.symlink_metadata(new_name).is_err() => {
            old.rename(old_name, &new, new_name)
        }
        moved => moved.map_err(io::Error::from),
    };
    moved.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::INVAL) => {
            let text = format!("{:?} can't be moved into itself: pass another destination", from.shown());
            FileError::new(FileErrorKind::Conflict, text)
        }
        Some(Errno::EXIST) => {
            let text = format!(
                "something stands at {:?} already: pass a destination where nothing stands",
                to.shown()
            );
            FileError::new(FileErrorKind::Conflict, text)
        }
        _ => wrong(error),
    })?;
    ground.wrote(to.root, &to.relative, stamp);
    sync_folder(&new);
    sync_folder(&old);
    Ok(())
}

/// Creates a folder, and those it stands in. Says whether there was none.
///
/// # Errors
/// When it can't be created. Folders above it may have been.
pub(super) fn create_directory(ground: &Ground, place: &Place<'_>) -> Result<bool, FileError> {
    place.check_writable()?;
    let depth_max = ground.limits.depth_max;
    if place.relative.split('/').count() > depth_max {
        let text = format!("the path goes deeper than {depth_max} folders (depth_max): pass a shorter one");
        return Err(FileError::invalid(text));
    }
    let wrong = |error: io::Error| FileError::of(&error, "create", &place.shown());
    let dir = &place.root.dir;
    match dir.metadata(place.path()) {
        Ok(metadata) if metadata.is_dir() => return Ok(false),
        Ok(_) => {
            let text =
                format!("something else than a folder stands at {:?}: pass another path", place.shown());
            return Err(FileError::new(FileErrorKind::Conflict, text));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(wrong(error)),
    }
    dir.create_dir_all(place.path()).map_err(wrong)?;
    Ok(true)
}
