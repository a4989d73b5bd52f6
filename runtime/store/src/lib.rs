//! Keeps tasks in one file, so that they survive the process: the engine's [`TaskStore`] on redb.
//!
//! A commit is on the disk when it returns (redb's own durability, one fsync for a batch). The file belongs to
//! one process at a time; a second one is told so instead of waiting. After an error of the disk the file is closed,
//! and opened again for the next commit: what was not committed is not there, and what was is.
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

use std::fmt;
use std::path::{Path, PathBuf};

use impresario_engine::{StoreChange, StoreError, TaskStore};
use parking_lot::Mutex;
use redb::{
    Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError, TableDefinition,
};

/// The records of tasks, by their ids.
const TASKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tasks-v1");

/// A file of tasks.
pub struct FileStore {
    /// Nothing after an error: what was open then can't be written any more.
    database: Mutex<Option<Database>>,
    /// Opens the file that there is, and makes none.
    open_again: Opener,
    path: PathBuf,
}

type Opener = Box<dyn Fn(&Path) -> Result<Database, DatabaseError> + Send + Sync>;

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.path).finish_non_exhaustive()
    }
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
        // The table is made now, so that a file of something else is found out now.
        let made = write(&database, &[]).map_err(|why| why.to_string());
        made.map_err(|why| OpenError::Unreadable { path: path.clone(), why })?;
        let open_again = Box::new(|path: &Path| Database::open(path));
        Ok(Self { database: Mutex::new(Some(database)), open_again, path })
    }

    /// Does something with the file. After an error it is closed, and opened again the next time.
    fn with<T>(
        &self,
        what: &str,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let failed = |error: redb::Error| StoreError::new(format!("{what} {}: {error}", self.path.display()));
        let mut open = self.database.lock();
        let database = match open.take() {
            Some(database) => database,
            None => (self.open_again)(&self.path).map_err(|error| failed(error.into()))?,
        };
        let done = work(&database).map_err(failed)?;
        *open = Some(database);
        Ok(done)
    }
}

fn write(database: &Database, changes: &[StoreChange]) -> Result<(), redb::Error> {
    let writing = database.begin_write()?;
    {
        let mut tasks = writing.open_table(TASKS)?;
        for change in changes {
            match change {
                StoreChange::Put { id, record } => tasks.insert(&**id, &**record).map(drop)?,
                StoreChange::Remove { id } => tasks.remove(&**id).map(drop)?,
            }
        }
    }
    Ok(writing.commit()?)
}

fn read(database: &Database, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), redb::Error> {
    let reading = database.begin_read()?;
    for entry in reading.open_table(TASKS)?.iter()? {
        let (id, record) = entry?;
        visit(id.value(), record.value());
    }
    Ok(())
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
        self.with("write", |database| write(database, changes))
    }

    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        self.with("read", |database| read(database, visit))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use redb::StorageBackend;

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

    /// A file on a disk that takes nothing now and then.
    #[derive(Debug)]
    struct Failing(File, Arc<AtomicBool>);

    impl Failing {
        fn open(path: &Path, is_broken: &Arc<AtomicBool>) -> Result<Database, DatabaseError> {
            let file = File::options().read(true).write(true).open(path)?;
            Database::builder().create_with_backend(Self(file, Arc::clone(is_broken)))
        }

        fn check(&self) -> io::Result<()> {
            match self.1.load(Ordering::SeqCst) {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            }
        }
    }

    impl StorageBackend for Failing {
        fn len(&self) -> Result<u64, io::Error> {
            Ok(self.0.metadata()?.len())
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
            self.0.read_exact_at(out, offset)
        }

        fn set_len(&self, length: u64) -> Result<(), io::Error> {
            self.check()?;
            self.0.set_len(length)
        }

        fn sync_data(&self) -> Result<(), io::Error> {
            self.check()?;
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
            self.check()?;
            self.0.write_all_at(data, offset)
        }
    }

    #[test]
    fn after_an_error_of_the_disk_it_goes_on_with_what_was_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks");
        drop(FileStore::open(&path).unwrap());
        let is_broken = Arc::<AtomicBool>::default();
        let broken = Arc::clone(&is_broken);
        let open_again = Box::new(move |path: &Path| Failing::open(path, &broken));
        let store = FileStore { database: Mutex::new(None), open_again, path: path.clone() };
        store.commit(&[put("a", "1")]).unwrap();
        for round in 0..3 {
            is_broken.store(true, Ordering::SeqCst);
            for _ in 0..2 {
                let error = store.commit(&[put("b", "lost")]).unwrap_err().to_string();
                assert!(error.contains("write ") && error.contains("tasks"), "{error}");
            }
            is_broken.store(false, Ordering::SeqCst);
            assert_eq!(records(&store).get("b"), None, "round {round}");
            store.commit(&[put("a", "2")]).unwrap();
        }
        drop(store);
        let again = FileStore::open(&path).unwrap();
        assert_eq!(records(&again), BTreeMap::from([("a".into(), "2".into())]));
    }

    #[test]
    fn a_file_that_is_gone_after_an_error_is_not_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks");
        let store = FileStore::open(&path).unwrap();
        store.commit(&[put("a", "1")]).unwrap();
        *store.database.lock() = None;
        std::fs::remove_file(&path).unwrap();
        let error = store.commit(&[put("b", "2")]).unwrap_err().to_string();
        assert!(error.contains("write ") && !path.exists(), "{error}");
    }
}
