//! The pack `files`: files below chosen folders, as tools and as resources.
//!
//! The tools have the names of the reference server for file systems, so that prompts move over. Everything is opened
//! through a handle on a root that can't lead out of it, whatever links stand there and however fast they change: there
//! is no check that a later opening could betray. `docs/packs/files.md` says what each tool and setting does.
//!
//! ```no_run
//! use impresario_engine::Runtime;
//! use impresario_tools::files::{Files, RootSettings, Settings};
//! use impresario_tools::part::Part as _;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let roots = [RootSettings::read_only("./docs"), RootSettings::read_write("./drafts")];
//! let files = Files::open(Settings::new(roots), ".")?;
//! let runtime = Runtime::builder().offer(files.offer()).start()?;
//! // Tells subscribers of changes that others make, as long as `files` is kept.
//! files.follow(&runtime)?;
//! # Ok(())
//! # }
//! ```

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use impresario_engine::{Offer, Runtime};

use crate::part::{Opening, Part, PartError, SharedPart};
use ground::Ground;
use open::{Limit, open_file, read_all};
use watch::Watch;

pub use problem::{FileError, FileErrorKind};
pub use settings::{Access, FileLimits, HardLinks, RootSettings, Settings, WatchSettings};

mod arguments;
mod arrange;
mod edit;
mod eye;
mod ground;
mod hints;
mod info;
mod kind;
mod lines;
mod list;
mod open;
mod path;
mod patterns;
mod problem;
mod read;
mod resources;
mod roots;
mod search;
mod settings;
mod tools;
mod uri;
mod walk;
mod watch;
mod write;

/// Opens what a section of a config file describes.
///
/// # Errors
/// Which setting is wrong, and what to change.
pub async fn open(settings: Settings, opening: &Opening) -> Result<SharedPart, PartError> {
    let directory = opening.directory.clone();
    let opened = tokio::task::spawn_blocking(move || Files::open(settings, directory)).await;
    let files =
        opened.map_err(|_panicked| PartError::new("opening the roots has panicked; this is a defect"))??;
    Ok(Arc::new(files))
}

/// Files below chosen folders.
#[derive(Debug)]
pub struct Files {
    ground: Arc<Ground>,
    /// What watches for changes, once it was begun; it ends when this is dropped.
    watch: Mutex<Option<Watch>>,
}

impl Files {
    /// Opens the roots. Relative paths of the settings are relative to `directory`.
    ///
    /// # Errors
    /// Which setting is wrong, and what to change.
    pub fn open(settings: Settings, directory: impl AsRef<Path>) -> Result<Self, PartError> {
        let ground = Arc::new(Ground::open(settings, directory.as_ref())?);
        Ok(Self { ground, watch: Mutex::default() })
    }

    /// The absolute path that a client's path stands for, which lies below a root. Looks at no disk.
    ///
    /// # Errors
    /// When it stands for none.
    pub fn locate(&self, path: &str) -> Result<String, FileError> {
        self.ground.locate(path).map(|place| place.shown())
    }

    /// What a file holds, opened as the tools open it. Blocks.
    ///
    /// # Errors
    /// When it can't be read, or is larger than `media_bytes_max`.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let place = self.ground.locate(path)?;
        let (file, _) = open_file(&place, self.ground.hard_links)?;
        let bytes = self.ground.limits.media_bytes_max.0;
        let limit = Limit { bytes, setting: "media_bytes_max", instead: "use a smaller file" };
        read_all(file, &place.shown(), &limit, &|| false)
    }

    /// Writes a file, as `write_file` does. Says whether there was none. Blocks.
    ///
    /// # Errors
    /// When it can't be written; then nothing has changed.
    pub fn write(&self, path: &str, contents: &str) -> Result<bool, FileError> {
        write::write(&self.ground, &self.ground.locate_writable(path)?, contents)
    }
}

impl Part for Files {
    fn offer(&self) -> Offer {
        tools::tools(&self.ground).and(resources::resources(&self.ground))
    }

    fn follow(&self, runtime: &Runtime) -> Result<(), PartError> {
        if !self.ground.watch.enabled {
            return Ok(());
        }
        let watch = Watch::begin(&self.ground, runtime)
            .map_err(|error| PartError::at("watch", format!("can't be begun: {error}")))?;
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
