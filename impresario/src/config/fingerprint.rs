//! Whether the files of a configuration are still what they were.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use super::{Config, Source};

/// What the files were: a hash of each, and of what their texts were made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    hash: u64,
    /// Files that texts are made of.
    pub(crate) secret_files: Vec<PathBuf>,
}

impl Fingerprint {
    /// That of the files from which a configuration was read.
    pub(crate) fn of(config: &Config) -> Self {
        let mut hasher = DefaultHasher::new();
        config.files.iter().for_each(|file| (&file.path, &file.text).hash(&mut hasher));
        Self::with_secrets(hasher, config.secret_files.clone())
    }

    /// That of the same files as they are now.
    pub(crate) fn now(&self, source: &Source) -> Self {
        let mut hasher = DefaultHasher::new();
        match source.files() {
            Ok(files) => files.iter().for_each(|file| (&file.path, &file.text).hash(&mut hasher)),
            Err(problems) => problems.to_string().hash(&mut hasher),
        }
        Self::with_secrets(hasher, self.secret_files.clone())
    }

    fn with_secrets(mut hasher: DefaultHasher, secret_files: Vec<PathBuf>) -> Self {
        for path in &secret_files {
            std::fs::read(path).ok().hash(&mut hasher);
        }
        Self { hash: hasher.finish(), secret_files }
    }
}
