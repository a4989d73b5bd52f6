//! The last lines that a server wrote, for when it does not start.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::show::print;

/// Lines that are kept.
const LINES_MAX: usize = 12;
/// Bytes of a line that are kept.
const LINE_BYTES_MAX: u64 = 400;

/// Reads what a server writes until it ends, and keeps the last of it.
#[derive(Debug)]
pub(super) struct Tail {
    /// Shared with the thread that reads; held for a push or a copy only.
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl Tail {
    /// A tail, and what to write into for it.
    ///
    /// # Errors
    /// If the system gives no pipe or no thread.
    pub(super) fn new() -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::Builder::new()
            .name("server's words".to_owned())
            .spawn(move || read(reader, &kept))?;
        Ok((Self { lines, reader }, writer))
    }

    /// The last lines of a server that has ended, each on a line of its own. What it started may still hold the pipe
    /// open; its own words are then read already, or soon.
    pub(super) async fn last_words(&self) -> String {
        let mut looks = 0;
        while !self.reader.is_finished() && looks < 100 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            looks += 1;
        }
        self.words_so_far()
    }

    /// The last lines until now.
    pub(super) fn words_so_far(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return "; it wrote nothing".to_owned();
        }
        let lines = lines.iter().map(|line| format!("\n    {line}"));
        format!("; its last lines:{}", lines.collect::<String>())
    }
}

fn read(pipe: PipeReader, kept: &Mutex<VecDeque<String>>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match pipe.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = print::one_line(&String::from_utf8_lossy(&line));
        if text.is_empty() {
            continue;
        }
        let mut lines = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_no_more() {
        let (tail, mut writer) = Tail::new().unwrap();
        for number in 0..100 {
            writeln!(writer, "line {number}\u{1b}[2J").unwrap();
        }
        writer.write_all(&[b'x'; 2_000]).unwrap();
        drop(writer);
        let Tail { lines, reader } = tail;
        reader.join().unwrap();
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), LINES_MAX);
        assert_eq!(lines[0], "line 93\u{fffd}[2J");
        assert!(lines.iter().all(|line| line.len() <= 403));
    }
}
