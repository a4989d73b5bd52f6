//! Keeps tasks in one file, so that they survive the process: the engine's [`TaskStore`] on redb.
//!
//! A commit is on the disk when it returns (redb's own durability, one fsync for a batch). The file belongs to
//! one process at a time; a second one is told so instead of waiting.
//!
//! ```
//! use impresario_store::FileStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("tasks.redb");
//! let store = FileStore::open(&path)?;
//! let runtime = impresario_engine::Runtime::builder().task_store(store).lanes(1).start()?;
//! # drop(runtime);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use impresario_engine::{StoreChange, StoreError, TaskStore};
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError, TableDefinition,
};

/// The records of tasks, by their ids.
const TASKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tasks-v1");

/// A file of tasks.
#[derive(Debug)]
pub struct FileStore {
    database: Database,
    path: PathBuf,
}

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is used by another process: stop that one, or name another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is no file of tasks, or not a sound one.
    #[error("{} can't be read as a task store ({why}): move it away, or restore it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system does not let us.
    #[error("{} can't be opened: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: std::io::Error,
    },
}

impl FileStore {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// When another process has it, it holds something else, or it can't be written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let database = Database::create(&path).map_err(|error| refused(&path, error))?;
        let store = Self { database, path };
        // The table is made now, so that a file of something else is found out now.
        store.make_table().map_err(|why| OpenError::Unreadable { path: store.path.clone(), why })?;
        Ok(store)
    }

    fn make_table(&self) -> Result<(), String> {
        let writing = self.database.begin_write().map_err(|error| error.to_string())?;
        writing.open_table(TASKS).map_err(|error| error.to_string())?;
        writing.commit().map_err(|error| error.to_string())
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError::new(format!("{what} {}: {error}", self.path.display()))
    }
}

fn refused(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path },
        DatabaseError::Storage(StorageError::Io(why)) if why.kind() != std::io::ErrorKind::InvalidData => {
            OpenError::Io { path, why }
        }
        other => OpenError::Unreadable { path, why: other.to_string() },
    }
}

impl TaskStore for FileStore {
    fn commit(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let writing = self.database.begin_write().map_err(|error| self.failed("write", error))?;
        {
            let mut tasks = writing.open_table(TASKS).map_err(|error| self.failed("write", error))?;
            for change in changes {
                let made = match change {
                    StoreChange::Put { id, record } => tasks.insert(&**id, &**record).map(drop),
                    StoreChange::Remove { id } => tasks.remove(&**id).map(drop),
                };
                made.map_err(|error| self.failed("write", error))?;
            }
        }
        writing.commit().map_err(|error| self.failed("write", error))
    }

    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        let reading = self.database.begin_read().map_err(|error| self.failed("read", error))?;
        let tasks = reading.open_table(TASKS).map_err(|error| self.failed("read", error))?;
        for entry in tasks.iter().map_err(|error| self.failed("read", error))? {
            let (id, record) = entry.map_err(|error| self.failed("read", error))?;
            visit(id.value(), record.value());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn put(id: &str, record: &'static str) -> StoreChange {
        StoreChange::Put { id: id.into(), record: record.as_bytes().into() }
    }

    fn records(store: &FileStore) -> BTreeMap<String, String> {
        let mut records = BTreeMap::new();
        let mut visit = |id: &str, record: &[u8]| {
            records.insert(id.to_owned(), String::from_utf8(record.to_vec()).unwrap());
        };
        store.scan(&mut visit).unwrap();
        records
    }

    #[test]
    fn what_was_committed_is_there_when_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks");
        let store = FileStore::open(&path).unwrap();
        assert!(records(&store).is_empty());
        store.commit(&[put("a", "1"), put("b", "2"), put("a", "3")]).unwrap();
        store
            .commit(&[StoreChange::Remove { id: "b".into() }, StoreChange::Remove { id: "c".into() }])
            .unwrap();
        drop(store);
        let again = FileStore::open(&path).unwrap();
        assert_eq!(records(&again), BTreeMap::from([("a".into(), "3".into())]));
    }

    #[test]
    fn a_file_that_is_in_use_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks");
        let store = FileStore::open(&path).unwrap();
        let error = FileStore::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
        assert!(error.to_string().contains("another process"), "{error}");
        drop(store);
        FileStore::open(&path).unwrap();
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks");
        let other = "no store at all, but a text that somebody may want to keep ".repeat(200);
        std::fs::write(&path, &other).unwrap();
        let error = FileStore::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Unreadable { .. }), "{error:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        let error = FileStore::open(folder.path().join("no/such/folder")).unwrap_err();
        assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    }
}
