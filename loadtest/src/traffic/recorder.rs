//! Writes the file while the traffic passes: in order, bounded, and with an end even when it is stopped.
//!
//! A recorder never stands in the way of the traffic. When the file is full or can't be written, what follows passes
//! unrecorded, and whoever stops the recording is told.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use crate::calendar;
use crate::fault::Fault;
use crate::traffic::recording::{Entry, FORMAT, Line, Opening, Reason, Transport};
use crate::traffic::redaction::SessionNames;

/// Kept free for the closing line.
const CLOSING_BYTES: u64 = 256;

/// How large a recording may become.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The file; what comes when it is full is not recorded.
    pub file_bytes_max: u64,
    /// One body or event; a longer one is cut.
    pub body_bytes_max: usize,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Lines between the opening and the closing one.
    pub lines: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Whether the file was full before the end.
    pub is_full: bool,
}

/// Writes one recording. Shared by everything that sees traffic.
#[derive(Debug)]
pub struct Recorder {
    started: Instant,
    bounds: Bounds,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: BufWriter<Box<dyn Sink>>,
    bytes: u64,
    lines: u64,
    at_us: u64,
    sessions: SessionNames,
    connections: u64,
    exchanges: u64,
    is_full: bool,
    is_closed: bool,
    /// The first error of the disk, kept until the end.
    error: Option<io::Error>,
}

/// Where a recording goes.
trait Sink: Write + Send + std::fmt::Debug {}
impl<T: Write + Send + std::fmt::Debug> Sink for T {}

impl Recorder {
    /// Begins a recording in a new file that its owner alone may read: bodies are private, whatever is redacted.
    ///
    /// # Errors
    /// When there is such a file already and it is not to be replaced, or it can't be made.
    pub fn create(
        path: &Path,
        replace: bool,
        transport: Transport,
        target: String,
        bounds: Bounds,
    ) -> Result<Self, Fault> {
        let mut options = OpenOptions::new();
        options.write(true);
        if replace {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Fault::plan(format!("{} exists: pass --force to replace it", path.display()))
            }
            _ => Fault::plan(format!("{}: {error}", path.display())),
        })?;
        Self::begin(Box::new(file), transport, target, bounds).map_err(Fault::machine("write the recording"))
    }

    fn begin(sink: Box<dyn Sink>, transport: Transport, target: String, bounds: Bounds) -> io::Result<Self> {
        let generator = format!("impresario-loadtest {}", env!("CARGO_PKG_VERSION"));
        let started_at = calendar::rfc3339(SystemTime::now());
        let opening = Opening { recording: FORMAT, started_at, generator, transport, target };
        let mut file = BufWriter::new(sink);
        let mut text = serde_json::to_vec(&opening)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.flush()?;
        let inner = Inner {
            file,
            bytes: text.len() as u64,
            lines: 0,
            at_us: 0,
            sessions: SessionNames::default(),
            connections: 0,
            exchanges: 0,
            is_full: false,
            is_closed: false,
            error: None,
        };
        Ok(Self { started: Instant::now(), bounds, inner: Mutex::new(inner) })
    }

    /// The bounds it was made with.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The number of one more connection.
    pub fn connection(&self) -> u64 {
        self.with(|inner| {
            inner.connections += 1;
            inner.connections
        })
    }

    /// The number of one more exchange.
    pub fn exchange(&self) -> u64 {
        self.with(|inner| {
            inner.exchanges += 1;
            inner.exchanges
        })
    }

    /// Writes that something happened just now.
    pub fn write(&self, connection: u64, entry: impl FnOnce(&mut SessionNames) -> Entry) {
        let now = self.started.elapsed();
        self.with(|inner| {
            if inner.is_closed || inner.is_full || inner.error.is_some() {
                return;
            }
            // Two that came together may have asked for the time in the other order.
            inner.at_us = inner.at_us.max(u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
            let line = Line { at_us: inner.at_us, connection, entry: entry(&mut inner.sessions) };
            inner.put(&line, self.bounds.file_bytes_max.saturating_sub(CLOSING_BYTES));
        });
    }

    /// Writes the closing line and everything that is not on the disk yet. What comes later is not recorded.
    ///
    /// # Errors
    /// When the disk refused something, now or before: the recording then ends there.
    pub fn close(&self, reason: Reason) -> io::Result<Summary> {
        self.with(|inner| {
            if !std::mem::replace(&mut inner.is_closed, true) {
                let reason = if inner.is_full { Reason::Full } else { reason };
                let lines = inner.lines;
                let line = Line { at_us: inner.at_us, connection: 0, entry: Entry::Closed { reason, lines } };
                if inner.error.is_none() {
                    inner.put(&line, u64::MAX);
                    inner.lines = lines;
                }
            }
            match inner.error.take().map_or_else(|| inner.file.flush(), Err) {
                Ok(()) => Ok(Summary { lines: inner.lines, bytes: inner.bytes, is_full: inner.is_full }),
                Err(error) => Err(error),
            }
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic of another thread leaves at worst half a line behind, which `lines` then tells.
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn put(&mut self, line: &Line, bytes_max: u64) {
        let mut text = serde_json::to_vec(line).expect("a line has text keys only");
        text.push(b'\n');
        if self.bytes + text.len() as u64 > bytes_max {
            self.is_full = true;
            return;
        }
        // An end is written through, so that a recorder that is killed loses little.
        let is_end = matches!(line.entry, Entry::End { .. } | Entry::Said { .. });
        let written =
            self.file.write_all(&text).and_then(|()| if is_end { self.file.flush() } else { Ok(()) });
        match written {
            Ok(()) => {
                self.bytes += text.len() as u64;
                self.lines += 1;
            }
            Err(error) => self.error = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::traffic::recording::{Body, Side, parse};

    #[derive(Debug, Clone, Default)]
    struct Disk {
        text: Arc<Mutex<Vec<u8>>>,
        is_broken_after: Option<usize>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut text = self.text.lock().unwrap();
            if self.is_broken_after.is_some_and(|length| text.len() + bytes.len() > length) {
                return Err(io::Error::other("the disk is full"));
            }
            text.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn recorder(disk: &Disk, file_bytes_max: u64) -> Recorder {
        let bounds = Bounds { file_bytes_max, body_bytes_max: 100 };
        Recorder::begin(Box::new(disk.clone()), Transport::Stdio, "server".into(), bounds).unwrap()
    }

    fn say(recorder: &Recorder, text: &str) {
        let body = Body::whole(text.as_bytes().to_vec());
        recorder.write(1, |_| Entry::Said { by: Side::Client, body });
    }

    #[test]
    fn a_full_file_is_closed_and_readable() {
        let disk = Disk::default();
        let recorder = recorder(&disk, 2_000);
        (0..100).for_each(|number| say(&recorder, &format!("message {number}")));
        let summary = recorder.close(Reason::Stopped).unwrap();
        let text = disk.text.lock().unwrap().clone();
        let recording = parse(&text, false).unwrap();
        assert!(summary.is_full && text.len() <= 2_000 && summary.bytes == text.len() as u64, "{summary:?}");
        assert!(summary.lines == recording.lines.len() as u64 && summary.lines > 5, "{summary:?}");
        assert!(text.ends_with(format!("\"reason\":\"full\",\"lines\":{}}}\n", summary.lines).as_bytes()));
    }

    #[test]
    fn nothing_is_written_behind_the_end() {
        let disk = Disk::default();
        let recorder = recorder(&disk, 10_000);
        say(&recorder, "one");
        let summary = recorder.close(Reason::Ended).unwrap();
        say(&recorder, "late");
        assert_eq!(recorder.close(Reason::Ended).unwrap(), summary);
        assert_eq!(parse(&disk.text.lock().unwrap(), false).unwrap().lines.len(), 1);
    }

    #[test]
    fn a_disk_that_refuses_is_told_at_the_end() {
        let disk = Disk { is_broken_after: Some(400), ..Disk::default() };
        let recorder = recorder(&disk, 10_000);
        (0..100).for_each(|number| say(&recorder, &format!("message {number}")));
        assert_eq!(recorder.close(Reason::Stopped).unwrap_err().to_string(), "the disk is full");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_owners_alone_and_not_replaced_by_accident() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("recorder-{}.jsonl", std::process::id()));
        let create = |replace| {
            let bounds = Bounds { file_bytes_max: 1_000, body_bytes_max: 10 };
            Recorder::create(&path, replace, Transport::Http, "http://h/mcp".into(), bounds)
        };
        create(true).unwrap().close(Reason::Stopped).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(create(false).unwrap_err().to_string().contains("--force"));
        std::fs::remove_file(&path).unwrap();
    }
}
