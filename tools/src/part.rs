//! A part of a server that a config file describes: opened from its settings, offered, followed, and dropped when the
//! file no longer has it.
//!
//! A pack that can be configured has a `Settings` type (what its section of the file may hold) and a function
//! `open` that makes a [`Part`] of it. Whoever reads the file knows nothing else of any pack.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use impresario_engine::{Offer, Runtime};

/// What was opened: it holds its files, connections and watchers for as long as it is kept.
pub trait Part: Send + Sync {
    /// What it offers. Calls that run keep what they need of it alive.
    fn offer(&self) -> Offer;

    /// Begins to watch for changes outside, and tells the runtime of them until the part is dropped.
    ///
    /// # Errors
    /// When what it serves can't be watched.
    fn follow(&self, _runtime: &Runtime) -> Result<(), PartError> {
        Ok(())
    }
}

/// A part that is shared by what uses it.
pub type SharedPart = Arc<dyn Part>;

/// What a part is opened with besides its own settings.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The key of its section, such as `packs.http.weather`.
    pub key: String,
    /// The directory that relative paths of its settings are relative to: that of the config file.
    pub directory: PathBuf,
}

impl Opening {
    /// The path that a setting means.
    #[must_use]
    pub fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        self.directory.join(written)
    }
}

/// Why a part can't be opened: which of its keys is wrong, and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartError {
    /// The key below the part's section, such as `roots[1].path`; empty when it is the section itself.
    pub key: String,
    /// What is wrong and what to change. It may name paths and hosts of the file, but never a secret.
    pub message: String,
}

impl PartError {
    /// What is wrong with the setting of that key.
    pub fn at(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }

    /// What is wrong with the section as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self::at("", message)
    }
}

impl fmt::Display for PartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => f.write_str(&self.message),
            key => write!(f, "{key}: {}", self.message),
        }
    }
}

impl std::error::Error for PartError {}
