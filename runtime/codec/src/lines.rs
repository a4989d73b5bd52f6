//! The framing of stdio: one message per line, whatever chunks the bytes come in.
//!
//! No I/O here: the transport reads, hands over what it read, and takes lines out.

/// Cuts a stream of bytes into lines. Blank lines are skipped, and a carriage return before the line feed is
/// left out.
///
/// It holds at most the beginning of one line: `line_bytes_max` bytes, and one carriage return. A line that
/// is complete within one chunk is not copied at all. A last line that no line feed ends is never returned.
///
/// ```
/// use impresario_codec::{Line, LineDecoder};
///
/// let mut lines = LineDecoder::new(1_024);
/// let mut texts = Vec::new();
/// for chunk in [&b"{\"id\":1}\n{\"i"[..], b"d\":2}\r\n"] {
///     let mut unread = chunk;
///     while let Some(line) = lines.next_line(&mut unread) {
///         if let Line::Text(text) = line {
///             texts.push(text.to_vec());
///         }
///     }
/// }
/// assert_eq!(texts, [b"{\"id\":1}", b"{\"id\":2}"]);
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    line_bytes_max: usize,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    /// Whether the line in `begun` was returned already and is to be forgotten.
    returned: bool,
    /// Whether everything up to the next line feed belongs to a line that was refused.
    skipping: bool,
}

/// One line, as [`LineDecoder::next_line`] finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line that is not blank, without its line break.
    Text(&'a [u8]),
    /// A line of more than `line_bytes_max` bytes; told once, then it is skipped up to its end.
    TooLong,
}

impl LineDecoder {
    /// A decoder that refuses lines of more than `line_bytes_max` bytes, the line break not counted.
    #[must_use]
    pub fn new(line_bytes_max: usize) -> Self {
        Self { line_bytes_max, begun: Vec::new(), returned: false, skipping: false }
    }

    /// The next line that ends in `unread`, which is advanced past it.
    ///
    /// `None` when all of `unread` is taken in: read more, and call it with that. The line borrows from the
    /// chunk where it can, and from the decoder where it began in an earlier chunk.
    pub fn next_line<'l, 'c: 'l>(&'l mut self, unread: &mut &'c [u8]) -> Option<Line<'l>> {
        if self.returned {
            self.begun.clear();
            self.returned = false;
        }
        while !unread.is_empty() {
            let Some(end) = memchr::memchr(b'\n', unread) else {
                return self.begin(std::mem::take(unread));
            };
            let (piece, rest) = (&unread[..end], &unread[end + 1..]);
            *unread = rest;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if self.is_too_long(piece) {
                self.begun.clear();
                return Some(Line::TooLong);
            }
            if self.begun.is_empty() {
                if !is_blank(piece) {
                    return Some(Line::Text(without_return(piece)));
                }
                continue;
            }
            self.begun.extend_from_slice(piece);
            if is_blank(&self.begun) {
                self.begun.clear();
                continue;
            }
            self.returned = true;
            return Some(Line::Text(without_return(&self.begun)));
        }
        None
    }

    /// Keeps the piece of a line that has no end yet.
    fn begin(&mut self, piece: &[u8]) -> Option<Line<'static>> {
        if self.skipping {
            return None;
        }
        if self.is_too_long(piece) {
            self.begun.clear();
            self.skipping = true;
            return Some(Line::TooLong);
        }
        self.begun.extend_from_slice(piece);
        None
    }

    /// Whether the line, with that piece after what has begun, is longer than a line may be.
    fn is_too_long(&self, piece: &[u8]) -> bool {
        let last = piece.last().or(self.begun.last());
        let return_bytes = usize::from(last == Some(&b'\r'));
        self.begun.len() + piece.len() - return_bytes > self.line_bytes_max
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of these chunks, `…` for one that is too long.
    fn lines(line_bytes_max: usize, chunks: &[&str]) -> Vec<String> {
        let mut decoder = LineDecoder::new(line_bytes_max);
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut unread = chunk.as_bytes();
            while let Some(line) = decoder.next_line(&mut unread) {
                lines.push(match line {
                    Line::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    Line::TooLong => "…".to_owned(),
                });
            }
            assert!(unread.is_empty());
            assert!(decoder.begun.len() <= line_bytes_max + 1);
        }
        lines
    }

    #[test]
    fn lines_are_found_whole_and_in_pieces() {
        let check = |chunks: &[&str], expected: &[&str]| {
            assert_eq!(lines(5, chunks), expected, "{chunks:?}");
            let whole = chunks.concat();
            assert_eq!(lines(5, &[&whole]), expected, "{whole:?}");
            let bytes: Vec<_> = whole.split("").filter(|byte| !byte.is_empty()).collect();
            assert_eq!(lines(5, &bytes), expected, "{bytes:?}");
        };
        check(&[], &[]);
        check(&[""], &[]);
        check(&["a\n"], &["a"]);
        check(&["a\nb\n", "c\n"], &["a", "b", "c"]);
        check(&["a", "b", "\n", "c\nd", "e\n"], &["ab", "c", "de"]);
        check(&["a\r\nb\r", "\nc\r\r\n"], &["a", "b", "c\r"]);
        check(&["\n\r\n \t\n  \r\na\n", "\n", " ", "\n"], &["a"]);
        check(&[" a \n"], &[" a "]);
        check(&["a\nunfinished"], &["a", "…"]);
        check(&["a\nlast"], &["a"]);
        check(&["12345\n12345\r\n"], &["12345", "12345"]);
        check(&["123456\n12345\n"], &["…", "12345"]);
        check(&["12345\r6\na\n"], &["…", "a"]);
        check(&["12345\r\r\na\n"], &["…", "a"]);
        check(&["123", "456", "7890\n", "a\n"], &["…", "a"]);
        check(&["123456", "\n", "\n", "1234567", "\n"], &["…", "…"]);
        check(&["      \na\n"], &["…", "a"]);
    }

    #[test]
    fn a_line_within_one_chunk_is_not_copied() {
        let mut decoder = LineDecoder::new(100);
        let chunk = b"one\ntwo\n";
        let mut unread = &chunk[..];
        let Some(Line::Text(line)) = decoder.next_line(&mut unread) else { panic!("there is a line") };
        assert_eq!(line.as_ptr(), chunk.as_ptr());
        assert_eq!(unread, b"two\n");
    }
}
