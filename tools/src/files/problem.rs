//! Why something can't be done with a file, in words that a model can act on.
//!
//! No text names a path that the roots don't hold: what the operating system says is told by its kind alone.

use std::io;

use impresario_engine::{McpError, ToolError};

/// Why something can't be done with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FileError {
    kind: FileErrorKind,
    text: String,
}

/// What kind of reason that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileErrorKind {
    /// The path or another argument can't be meant so.
    Invalid,
    /// The path leads out of the roots.
    Outside,
    /// Nothing stands there.
    NotFound,
    /// It is something else than was asked for: a folder, a pipe, no text.
    WrongKind,
    /// It is there, but this may not be done with it.
    Forbidden,
    /// It is larger than a limit.
    TooLarge,
    /// It is not as the call supposes.
    Conflict,
    /// The disk has no room.
    Full,
    /// The call was taken back.
    Cancelled,
    /// The operating system failed.
    Failed,
}

impl FileError {
    pub(super) fn new(kind: FileErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(FileErrorKind::Invalid, text)
    }

    pub(super) fn cancelled() -> Self {
        Self::new(FileErrorKind::Cancelled, "stopped: the call was taken back")
    }

    /// What kind of reason it is.
    #[must_use]
    pub fn kind(&self) -> FileErrorKind {
        self.kind
    }

    /// What the operating system's error means for what was to be done (`read`, `write`, …) with that path, which is
    /// one below a root or one as the caller wrote it.
    pub(super) fn of(error: &io::Error, verb: &str, path: &str) -> Self {
        use FileErrorKind::{Conflict, Failed, Forbidden, Full, Invalid, NotFound, Outside, WrongKind};
        use io::ErrorKind as Kind;
        let path = shown(path);
        let (kind, text) = match error.kind() {
            Kind::NotFound => {
                (NotFound, format!("nothing stands at {path}: list its folder with list_directory"))
            }
            // What leads out of a root is no errno of the system, but an error of the sandbox.
            Kind::PermissionDenied if error.raw_os_error().is_none() => (
                Outside,
                format!("{path} leads out of its root through a symbolic link: name the file itself"),
            ),
            Kind::PermissionDenied => (
                Forbidden,
                format!(
                    "the server may not {verb} {path}: change the file's permissions or pass another path"
                ),
            ),
            Kind::AlreadyExists => {
                (Conflict, format!("something stands at {path} already: pass another path"))
            }
            Kind::DirectoryNotEmpty => {
                (Conflict, format!("the folder at {path} is not empty: pass another path"))
            }
            Kind::NotADirectory => {
                (WrongKind, format!("a part of {path} is no folder: list it with list_directory"))
            }
            Kind::IsADirectory => (WrongKind, format!("{path} is a folder: pass the path of a file")),
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => (
                Full,
                format!(
                    "there is no room on the disk to {verb} {path}; nothing was changed: make room, then try again"
                ),
            ),
            Kind::ReadOnlyFilesystem => {
                (Forbidden, format!("the disk of {path} is read-only: pass a path on another one"))
            }
            Kind::InvalidFilename => {
                (Invalid, format!("a name in {path} is too long for the disk: shorten it"))
            }
            Kind::CrossesDevices => {
                (Forbidden, format!("can't {verb} {path} to another disk: write it there and remove it here"))
            }
            _ => Self::unusual(error, verb, &path)
                .unwrap_or((Failed, format!("can't {verb} {path}: {}", error.kind()))),
        };
        Self { kind, text }
    }

    /// What the standard library has no stable kind for.
    fn unusual(error: &io::Error, verb: &str, path: &str) -> Option<(FileErrorKind, String)> {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(error)?;
        let said = if errno == Errno::LOOP {
            (
                FileErrorKind::Outside,
                format!("{path} is a symbolic link that leads nowhere: name the file itself"),
            )
        } else if errno == Errno::NXIO {
            (FileErrorKind::WrongKind, format!("{path} is no regular file: pass another path"))
        } else {
            tracing::warn!(%error, verb, path, "the operating system refuses something with a file");
            return None;
        };
        Some(said)
    }

    /// As the answer to a resource's reading.
    pub(super) fn into_mcp_error(self, uri: &str) -> McpError {
        match self.kind {
            FileErrorKind::Invalid
            | FileErrorKind::Outside
            | FileErrorKind::NotFound
            | FileErrorKind::WrongKind
            | FileErrorKind::Forbidden => McpError::resource_not_found(uri),
            FileErrorKind::TooLarge | FileErrorKind::Conflict => McpError::invalid_params(self.text),
            FileErrorKind::Full | FileErrorKind::Cancelled | FileErrorKind::Failed => McpError::internal(),
        }
    }
}

impl From<FileError> for ToolError {
    fn from(error: FileError) -> Self {
        Self::new(error.text)
    }
}

/// A text of the caller's, quoted, without anything that a terminal or a reader would take for something else.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    let mut shown: String = text.chars().take(CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
