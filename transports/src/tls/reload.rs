//! The certificate of the moment: new connections get the newest one that could be read, and a bad one changes nothing.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use super::{TlsConfig, TlsError, credentials};

/// Between two looks at the files. They are few, and who renews a certificate does it days ahead.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Reads a server's certificate, key and authorities again.
///
/// A server looks at its files every few seconds by itself; this is for those who know better when, as on a signal.
#[derive(Debug, Clone)]
pub struct TlsReloader(Arc<Tls>);

impl TlsReloader {
    pub(crate) fn new(tls: Arc<Tls>) -> Self {
        Self(tls)
    }

    /// Reads the files now. Connections from then on get what is in them; those that are open keep what they have.
    ///
    /// # Errors
    /// When what is in the files can't be served with. Then what was read before is used further on.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.files.read()
    }
}

/// What the connections of a server are secured with. Its files are watched as long as it lives.
pub(crate) struct Tls {
    files: Arc<Files>,
    /// Nothing is sent: the thread that watches ends when this is dropped.
    _watch: Sender<()>,
}

impl Tls {
    pub(crate) fn open(config: TlsConfig) -> Result<Self, TlsError> {
        let seen = Stamps::of(&config);
        let current = ArcSwap::from_pointee(credentials::read(&config)?);
        let files = Arc::new(Files { config, current, seen: Mutex::new(seen) });
        let (watch, ended) = channel();
        let watched = Arc::clone(&files);
        let thread = std::thread::Builder::new().name("tls-files".into());
        thread
            .spawn(move || watched.watch(&ended))
            .map_err(|error| TlsError::Unreadable { path: files.config.certificates.clone(), error })?;
        Ok(Self { files, _watch: watch })
    }

    /// What a connection that begins now is secured with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.files.current.load_full()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").field("config", &self.files.config).finish_non_exhaustive()
    }
}

struct Files {
    config: TlsConfig,
    current: ArcSwap<ServerConfig>,
    /// What was read last, good or bad. Held while the files are read, so that two readers do so one after the other.
    seen: Mutex<Stamps>,
}

impl Files {
    fn watch(&self, ended: &Receiver<()>) {
        while ended.recv_timeout(LOOK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let is_new =
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != Stamps::of(&self.config);
            if !is_new {
                continue;
            }
            let path = self.config.certificates.display();
            match self.read() {
                Ok(()) => tracing::info!(%path, "the server's certificate was read anew"),
                Err(error) => {
                    tracing::error!(%error, "the new certificate is no good; the one before is used further on");
                }
            }
        }
    }

    fn read(&self) -> Result<(), TlsError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: what changes meanwhile is seen with the next look.
        *seen = Stamps::of(&self.config);
        self.current.store(Arc::new(credentials::read(&self.config)?));
        Ok(())
    }
}

/// What tells files from what they were; nothing for one that is not there.
#[derive(Debug, PartialEq, Eq)]
struct Stamps(Vec<Option<[i128; 6]>>);

impl Stamps {
    fn of(config: &TlsConfig) -> Self {
        let paths = [&config.certificates, &config.key].into_iter().chain(&config.client_ca);
        Self(paths.map(|path| stamp(path)).collect())
    }
}

/// Links are followed: where certificates come as mounted secrets, it is a link that changes.
fn stamp(path: &Path) -> Option<[i128; 6]> {
    let found = std::fs::metadata(path).ok()?;
    let (changed, changed_nsec) = (found.ctime().into(), found.ctime_nsec().into());
    Some([
        found.dev().into(),
        found.ino().into(),
        found.size().into(),
        found.mtime().into(),
        changed,
        changed_nsec,
    ])
}
