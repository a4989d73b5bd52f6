//! Parts of a text by lines: the first, the last, or some from the middle, without reading the rest into memory.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::open::{Limit, Stop, read_all};
use super::problem::FileError;

/// Which lines of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    All,
    /// The last so many.
    Last(u64),
    /// So many, or all, behind the first so many.
    From {
        skipped: u64,
        count: Option<u64>,
    },
}

const BLOCK_BYTES: usize = 64 * 1024;

impl Lines {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// When they contradict each other.
    pub(super) fn asked(
        head: Option<u64>,
        tail: Option<u64>,
        offset: Option<u64>,
        limit: Option<u64>,
    ) -> Result<Self, FileError> {
        match (head, tail, offset, limit) {
            (None, None, None, None) => Ok(Self::All),
            (Some(count), None, None, None) => Ok(Self::From { skipped: 0, count: Some(count) }),
            (None, Some(count), None, None) => Ok(Self::Last(count)),
            (None, None, offset, count) => Ok(Self::From { skipped: offset.unwrap_or(0), count }),
            _ => Err(FileError::invalid("pass head, or tail, or offset and limit, not several of them")),
        }
    }

    /// Reads them, as they stand in the file.
    ///
    /// # Errors
    /// When they are more than the limit, or can't be read.
    pub(super) fn read(
        self,
        file: &mut (impl Read + Seek),
        path: &str,
        limit: &Limit,
        stop: Stop<'_>,
    ) -> Result<Vec<u8>, FileError> {
        let wrong = |error: io::Error| FileError::of(&error, "read", path);
        match self {
            Self::All => read_all(file, path, limit, stop),
            Self::Last(count) => {
                let (start, len) = start_of_last(file, count, limit.bytes, stop).map_err(wrong)?;
                if stop() {
                    return Err(FileError::cancelled());
                }
                if len - start > limit.bytes {
                    return Err(limit.exceeded(path));
                }
                file.seek(SeekFrom::Start(start)).map_err(wrong)?;
                read_all(file, path, limit, stop)
            }
            Self::From { skipped, count } => {
                let mut wanted = Wanted { skipped, count, bytes: Vec::new() };
                let mut reader = BufReader::with_capacity(BLOCK_BYTES, file);
                loop {
                    if stop() {
                        return Err(FileError::cancelled());
                    }
                    let block = reader.fill_buf().map_err(wrong)?;
                    let len = block.len();
                    let is_done = len == 0 || wanted.take(block);
                    if wanted.bytes.len() as u64 > limit.bytes {
                        return Err(limit.exceeded(path));
                    }
                    if is_done {
                        return Ok(wanted.bytes);
                    }
                    reader.consume(len);
                }
            }
        }
    }
}

/// The lines that are still to come.
struct Wanted {
    skipped: u64,
    count: Option<u64>,
    bytes: Vec<u8>,
}

impl Wanted {
    /// Takes what is wanted of a block. Says whether nothing more is.
    fn take(&mut self, block: &[u8]) -> bool {
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = line.ends_with(b"\n");
            if self.skipped > 0 {
                self.skipped -= u64::from(is_whole);
                continue;
            }
            if self.count == Some(0) {
                return true;
            }
            self.bytes.extend_from_slice(line);
            if is_whole {
                self.count = self.count.map(|count| count - 1);
            }
        }
        self.count == Some(0)
    }
}

/// Where the last lines begin, and how long the file is. Looks no further back than the limit, plus a block.
fn start_of_last(
    file: &mut (impl Read + Seek),
    count: u64,
    bytes_max: u64,
    stop: Stop<'_>,
) -> io::Result<(u64, u64)> {
    let len = file.seek(SeekFrom::End(0))?;
    let (mut at, mut ends) = (len, 0);
    if count == 0 {
        return Ok((len, len));
    }
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    while at > 0 && len - at <= bytes_max && !stop() {
        let step = at.min(BLOCK_BYTES as u64);
        at -= step;
        file.seek(SeekFrom::Start(at))?;
        block.clear();
        file.take(step).read_to_end(&mut block)?;
        for (place, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let after = at + place as u64 + 1;
            // The end of the last line begins no other.
            ends += u64::from(after < len);
            if after < len && ends == count {
                return Ok((after, len));
            }
        }
    }
    Ok((at, len))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const LIMIT: Limit = Limit { bytes: 1 << 20, setting: "read_bytes_max", instead: "ask for less" };

    fn check(text: &str, lines: Lines, expected: &str) {
        let read = lines.read(&mut Cursor::new(text), "a", &LIMIT, &|| false).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), expected, "{lines:?} of {text:?}");
    }

    #[test]
    fn lines_are_the_ones_that_were_asked_for() {
        let from = |skipped, count| Lines::From { skipped, count };
        for (text, lines, expected) in [
            ("a\nb\nc\n", Lines::All, "a\nb\nc\n"),
            ("a\nb\nc\n", Lines::Last(1), "c\n"),
            ("a\nb\nc", Lines::Last(1), "c"),
            ("a\nb\nc\n", Lines::Last(2), "b\nc\n"),
            ("a\nb\nc\n", Lines::Last(9), "a\nb\nc\n"),
            ("a\n\n", Lines::Last(1), "\n"),
            ("\n", Lines::Last(1), "\n"),
            ("", Lines::Last(1), ""),
            ("a\r\nb\r\n", from(0, Some(1)), "a\r\n"),
            ("a\nb\nc", from(1, Some(1)), "b\n"),
            ("a\nb\nc", from(2, None), "c"),
            ("a\nb\nc", from(3, None), ""),
            ("a\nb\nc", from(0, Some(9)), "a\nb\nc"),
            ("", from(0, Some(1)), ""),
        ] {
            check(text, lines, expected);
        }
    }

    #[test]
    fn lines_are_found_across_blocks() {
        let long = "x".repeat(BLOCK_BYTES - 1);
        let text = format!("{long}\nfirst\n{long}{long}\nlast\n");
        check(&text, Lines::Last(1), "last\n");
        check(&text, Lines::Last(2), &format!("{long}{long}\nlast\n"));
        check(&text, Lines::From { skipped: 1, count: Some(1) }, "first\n");
        check(&text, Lines::From { skipped: 3, count: None }, "last\n");
    }

    #[test]
    fn more_than_the_limit_is_refused_and_a_call_that_was_taken_back_stops() {
        let text = "x".repeat(3 * BLOCK_BYTES);
        let limit = Limit { bytes: 10, ..LIMIT };
        for lines in [Lines::All, Lines::Last(1), Lines::From { skipped: 0, count: Some(1) }] {
            let said = lines.read(&mut Cursor::new(&text), "a", &limit, &|| false).unwrap_err().to_string();
            assert!(said.contains("larger than 10 bytes (read_bytes_max): ask for less"), "{said}");
            let said = lines.read(&mut Cursor::new(&text), "a", &LIMIT, &|| true).unwrap_err().to_string();
            assert!(said.contains("taken back"), "{said}");
        }
        assert!(Lines::asked(Some(1), Some(1), None, None).is_err());
        assert!(Lines::asked(Some(1), None, None, Some(2)).is_err());
    }
}
