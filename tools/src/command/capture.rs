//! What a program writes, read to the end so that it never waits for us, and kept as far as it may be.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// How much of one line is told while the program runs.
const LINE_BYTES_MAX: usize = 200;

/// What is kept of a stream.
#[derive(Debug, Default)]
pub(super) struct Capture {
    kept: VecDeque<u8>,
    bytes_max: usize,
    keeps_end: bool,
    /// How much there was.
    pub(super) bytes: u64,
}

impl Capture {
    /// Keeps the first bytes.
    pub(super) fn head(bytes_max: u64) -> Self {
        Self { bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX), ..Self::default() }
    }

    /// Keeps the last bytes.
    pub(super) fn tail(bytes_max: u64) -> Self {
        Self { keeps_end: true, ..Self::head(bytes_max) }
    }

    /// Reads a stream to its end; `tell` hears of each whole line.
    pub(super) async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>, mut tell: impl FnMut(&str)) {
        let Some(mut stream) = stream else { return };
        let mut chunk = vec![0; CHUNK];
        let mut line = Vec::new();
        // A stream that breaks has ended; how the program ended says the rest.
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            self.take(&chunk[..read]);
            for piece in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
                let room = LINE_BYTES_MAX - line.len().min(LINE_BYTES_MAX);
                line.extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.ends_with(b"\n") {
                    tell(String::from_utf8_lossy(&line).trim_end());
                    line.clear();
                }
            }
            // A program that never waits for us must not keep everybody else waiting either.
            tokio::task::consume_budget().await;
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.keeps_end {
            let fresh = &bytes[bytes.len().saturating_sub(self.bytes_max)..];
            let surplus = (self.kept.len() + fresh.len()).saturating_sub(self.bytes_max);
            self.kept.drain(..surplus.min(self.kept.len()));
            self.kept.extend(fresh);
        } else {
            let room = self.bytes_max - self.kept.len();
            self.kept.extend(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Whether something of it was not kept.
    pub(super) fn is_cut(&self) -> bool {
        self.bytes > self.kept.len() as u64
    }

    /// What was kept, as text.
    pub(super) fn into_text(self) -> String {
        match String::from_utf8(self.kept.into()) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_or_the_last_bytes_are_kept_and_all_are_counted() {
        let text = (0..20_000).map(|number| format!("{number}\n")).collect::<String>();
        let (mut head, mut tail, mut lines) = (Capture::head(100), Capture::tail(100), Vec::new());
        head.read(Some(text.as_bytes()), |line| lines.push(line.to_owned())).await;
        tail.read(Some(text.as_bytes()), |_| {}).await;
        assert_eq!((head.bytes, tail.bytes), (text.len() as u64, text.len() as u64));
        assert!(head.is_cut() && tail.is_cut());
        assert_eq!(head.into_text(), text[..100]);
        assert_eq!(tail.into_text(), text[text.len() - 100..]);
        assert_eq!(lines.len(), 20_000);
        assert_eq!(lines[19_999], "19999");

        let mut whole = Capture::head(100);
        let mut lines = Vec::new();
        whole.read(Some(&b"a\xff\r\nlast"[..]), |line| lines.push(line.to_owned())).await;
        assert!(!whole.is_cut());
        assert_eq!((whole.into_text().as_str(), lines), ("a\u{fffd}\r\nlast", vec!["a\u{fffd}".to_owned()]));
    }
}
