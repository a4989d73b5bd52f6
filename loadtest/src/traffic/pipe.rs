//! Between a client and a process on stdio: passes bytes on as they come, and writes the lines down.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::traffic::recorder::Recorder;
use crate::traffic::recording::{Body, Entry, Side};

/// Read from one side at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Passes everything from one side on to the other until the first ends; then the other's input is closed.
///
/// # Errors
/// When a side can't be read or written.
pub async fn pass(
    recorder: Arc<Recorder>,
    by: Side,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut lines = Lines { recorder, by, line: Body::default() };
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            break;
        }
        // First written down: an answer must not stand above its question.
        lines.see(&chunk[..length]);
        to.write_all(&chunk[..length]).await?;
        to.flush().await?;
    }
    lines.end();
    to.shutdown().await
}

/// Cuts bytes into lines and writes those down.
struct Lines {
    recorder: Arc<Recorder>,
    by: Side,
    line: Body,
}

impl Lines {
    fn see(&mut self, bytes: &[u8]) {
        let bytes_max = self.recorder.bounds().body_bytes_max;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            let room = bytes_max.saturating_sub(self.line.data.len());
            self.line.data.extend_from_slice(&text[..text.len().min(room)]);
            self.line.bytes += text.len() as u64;
            if text.len() < piece.len() {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let mut body = std::mem::take(&mut self.line);
        if !body.is_cut() && body.data.last() == Some(&b'\r') {
            body.data.pop();
            body.bytes -= 1;
        }
        let by = self.by;
        if body.bytes > 0 {
            self.recorder.write(1, |_| Entry::Said { by, body });
        }
    }
}
