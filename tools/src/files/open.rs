//! Opens regular files, and nothing else, without ever waiting for one.
//!
//! What counts is what was opened: the look before it only keeps us from touching pipes and devices.

use std::io::{self, Read};

use cap_std::fs::{File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::problem::{FileError, FileErrorKind};
use super::roots::Place;
use super::settings::HardLinks;

/// Whether the caller wants the work to stop.
pub(super) type Stop<'s> = &'s dyn Fn() -> bool;

/// Opens a regular file to be read.
///
/// # Errors
/// When none stands there, or when it has another name that might be a file's outside of the root.
pub(super) fn open_file(place: &Place<'_>, hard_links: HardLinks) -> Result<(File, Metadata), FileError> {
    let wrong = |error: io::Error| FileError::of(&error, "read", &place.shown());
    let before = place.root.dir.metadata(place.path()).map_err(wrong)?;
    check_regular(&before, &place.shown(), hard_links)?;
    let mut options = OpenOptions::new();
    // A pipe that comes to stand there meanwhile must not keep the thread.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = place.root.dir.open_with(place.path(), &options).map_err(wrong)?;
    let metadata = file.metadata().map_err(wrong)?;
    check_regular(&metadata, &place.shown(), hard_links)?;
    Ok((file, metadata))
}

/// # Errors
/// When it is no regular file, or one with another name.
pub(super) fn check_regular(metadata: &Metadata, path: &str, hard_links: HardLinks) -> Result<(), FileError> {
    let refused = |kind, text: &str| Err(FileError::new(kind, format!("{path:?} {text}")));
    if metadata.is_dir() {
        return refused(FileErrorKind::WrongKind, "is a folder: list it with list_directory");
    }
    if !metadata.is_file() {
        return refused(
            FileErrorKind::WrongKind,
            "is no regular file (a pipe, socket or device): pass another path",
        );
    }
    if metadata.nlink() > 1 && hard_links == HardLinks::Refuse {
        let text = "has another name (a hard link), which may stand outside of the roots: copy it to a file of its own, \
                    or have the server's owner set hard_links = \"allow\"";
        return refused(FileErrorKind::Forbidden, text);
    }
    Ok(())
}

/// All bytes of a file, unless they are more than so many.
///
/// # Errors
/// When there are more, or they can't be read.
pub(super) fn read_all(
    mut file: impl Read,
    path: &str,
    limit: &Limit,
    stop: Stop<'_>,
) -> Result<Vec<u8>, FileError> {
    const BLOCK_BYTES: u64 = 256 * 1024;
    let mut bytes = Vec::new();
    loop {
        if stop() {
            return Err(FileError::cancelled());
        }
        let read = (&mut file).take(BLOCK_BYTES).read_to_end(&mut bytes);
        if read.map_err(|error| FileError::of(&error, "read", path))? == 0 {
            return Ok(bytes);
        }
        if bytes.len() as u64 > limit.bytes {
            return Err(limit.exceeded(path));
        }
    }
}

/// A bound on bytes, and what to say when it is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) bytes: u64,
    /// The setting's name.
    pub(super) setting: &'static str,
    /// What to do instead.
    pub(super) instead: &'static str,
}

impl Limit {
    pub(super) fn exceeded(&self, path: &str) -> FileError {
        let Self { bytes, setting, instead } = self;
        let text = format!("{path:?} is larger than {bytes} bytes ({setting}): {instead}");
        FileError::new(FileErrorKind::TooLarge, text)
    }
}
