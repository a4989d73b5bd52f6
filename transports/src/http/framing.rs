//! Requests of HTTP/1 whose length two readers could understand differently.
//!
//! hyper serves a request with both a length and a chunked body by the chunks, folds two equal lengths into
//! one, and ends a line at a line feed alone. That is safe for us alone, but somebody in front of us may have
//! read the same bytes another way (request smuggling), so such a request is refused (RFC 9112, 2.2, 6.1 and
//! 6.3), and so is any transfer coding but `chunked` alone. hyper does not tell, so the bytes are followed
//! here as they come from the socket, from head to head; bodies are only skipped.

use std::ops::Range;

use memchr::memchr;

/// The longest line of a chunked body that is followed: a chunk's size with its extensions, a trailer.
const CHUNK_LINE_BYTES_MAX: usize = 8 * 1024;

/// Follows the requests of one connection.
#[derive(Debug)]
pub(super) struct HeadWatch {
    place: Place,
    /// The beginning of a head, or of a line of a chunked body, whose end has not come yet.
    begun: Vec<u8>,
    head_bytes_max: usize,
    known: Known,
    /// How many heads have come.
    heads: u64,
    /// The first of them that is ambiguous, counted from 1.
    ambiguous: Option<u64>,
}

/// Where in a request the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the first bytes of the connection, which say whether it is HTTP/2.
    Start,
    Head,
    /// In a body, with so many bytes of it to come.
    Body(u64),
    /// At the line that says how large the next chunk is.
    ChunkSize,
    /// In a chunk, with so many bytes to come, its line break among them.
    Chunk(u64),
    /// Behind the last chunk, before an empty line.
    Trailers,
    /// HTTP/2, whose frames have clear lengths.
    Http2,
    /// Nowhere that could be followed. Nothing more is looked at, and no further request is served.
    Lost,
}

/// What a head says of the body behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    Ambiguous,
}

impl HeadWatch {
    /// Follows a connection from its first byte. A head of more than `head_bytes_max` is not kept: it is
    /// refused anyhow.
    pub(super) fn new(head_bytes_max: usize) -> Self {
        Self {
            place: Place::Start,
            begun: Vec::new(),
            head_bytes_max,
            known: Known::default(),
            heads: 0,
            ambiguous: None,
        }
    }

    /// The next bytes of the connection.
    pub(super) fn on_bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !matches!(self.place, Place::Http2 | Place::Lost) {
            bytes = match self.place {
                Place::Start => self.at_start(bytes),
                Place::Head => self.in_head(bytes),
                Place::Body(left) => self.skip(bytes, left, Place::Head, Place::Body),
                Place::Chunk(left) => self.skip(bytes, left, Place::ChunkSize, Place::Chunk),
                Place::ChunkSize | Place::Trailers => self.in_chunk_line(bytes),
                Place::Http2 | Place::Lost => &[],
            };
        }
    }

    /// Whether the connection speaks HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        self.place == Place::Http2
    }

    /// Whether the request of that number, counted from 1, could be understood in two ways, or could not be
    /// followed.
    pub(super) fn is_ambiguous(&self, number: u64) -> bool {
        self.ambiguous == Some(number) || self.place == Place::Lost && number > self.heads
    }

    fn at_start<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        /// How every HTTP/2 connection begins (RFC 9113, 3.4).
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let seen = self.begun.len();
        let expected = &PREFACE[seen..PREFACE.len().min(seen + bytes.len())];
        if !bytes.starts_with(expected) {
            // What was kept belongs to the first head.
            self.place = Place::Head;
        } else if seen + expected.len() == PREFACE.len() {
            self.place = Place::Http2;
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(bytes);
            return &[];
        }
        bytes
    }

    fn in_head<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        if self.begun.is_empty() {
            // Empty lines before a request are skipped (RFC 9112, 2.2).
            let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            bytes = &bytes[blank..];
            if bytes.is_empty() {
                return bytes;
            }
        }
        if self.begun.is_empty()
            && let Some((framing, end)) = self.known.read(bytes).or_else(|| self.known.learn(bytes))
        {
            self.judge(framing);
            return &bytes[end..];
        }
        let before = self.begun.len();
        self.begun.extend_from_slice(&bytes[..bytes.len().min(self.head_bytes_max.saturating_sub(before))]);
        let Some(Read { framing, end, .. }) = read_head(&self.begun) else {
            if self.begun.len() >= self.head_bytes_max {
                self.place = Place::Lost;
            }
            return &[];
        };
        self.begun.clear();
        self.judge(framing);
        &bytes[end - before..]
    }

    fn judge(&mut self, framing: Framing) {
        self.heads += 1;
        self.place = match framing {
            Framing::Length(0) => Place::Head,
            Framing::Length(length) => Place::Body(length),
            Framing::Chunked => Place::ChunkSize,
            Framing::Ambiguous => {
                self.ambiguous = Some(self.heads);
                Place::Lost
            }
        };
    }

    fn skip<'b>(&mut self, bytes: &'b [u8], left: u64, then: Place, still: fn(u64) -> Place) -> &'b [u8] {
        let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - skipped as u64;
        self.place = if left == 0 { then } else { still(left) };
        &bytes[skipped..]
    }

    fn in_chunk_line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            self.begun.extend_from_slice(bytes);
            if self.begun.len() > CHUNK_LINE_BYTES_MAX {
                self.place = Place::Lost;
            }
            return &[];
        };
        self.begun.extend_from_slice(&bytes[..end]);
        let line = self.begun.trim_ascii();
        self.place = match (self.place, chunk_size(line)) {
            (Place::Trailers, _) if line.is_empty() => Place::Head,
            (Place::Trailers, _) | (_, Some(0)) => Place::Trailers,
            (_, Some(size)) => Place::Chunk(size.saturating_add(2)),
            (_, None) => Place::Lost,
        };
        self.begun.clear();
        &bytes[end + 1..]
    }
}

/// The last head with a clear length. A client's next one is often the same, but for that length.
#[derive(Debug, Default)]
struct Known {
    head: Vec<u8>,
    /// Where in it the length stands.
    digits: Range<usize>,
}

impl Known {
    /// What a head that repeats the last one says of its body, and where what follows it begins.
    fn read(&self, bytes: &[u8]) -> Option<(Framing, usize)> {
        let (before, after) = (&self.head[..self.digits.start], &self.head[self.digits.end..]);
        let rest = bytes.strip_prefix(before).filter(|_| !before.is_empty())?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at(digits);
        let end = bytes.len() - rest.strip_prefix(after)?.len();
        Some((Framing::Length(decimal(digits)?), end))
    }

    /// What the first head says, once it has come whole; it is remembered if its length is clear.
    fn learn(&mut self, bytes: &[u8]) -> Option<(Framing, usize)> {
        /// A longer head is read anew each time.
        const HEAD_BYTES_MAX: usize = 2 * 1024;
        let Read { framing, end, digits } = read_head(bytes)?;
        if let (Framing::Length(_), Some(digits)) = (framing, digits)
            && end <= HEAD_BYTES_MAX
        {
            self.head.clear();
            self.head.extend_from_slice(&bytes[..end]);
            self.digits = digits;
        }
        Some((framing, end))
    }
}

/// A head that has come whole.
struct Read {
    framing: Framing,
    /// Where what follows it begins.
    end: usize,
    /// Where the length stands, if it says one.
    digits: Option<Range<usize>>,
}

/// Reads the first head in the bytes. Nothing before its empty line has come.
fn read_head(bytes: &[u8]) -> Option<Read> {
    let mut digits = None;
    let (mut lengths, mut codings, mut length, mut is_unclear) = (0, 0, 0, false);
    let mut start = 0;
    loop {
        let end = start + memchr(b'\n', &bytes[start..])?;
        // Some readers end a line at a line feed alone, and some do not.
        let line = match bytes[start..end].strip_suffix(b"\r") {
            Some(line) => line,
            None => {
                is_unclear = true;
                &bytes[start..end]
            }
        };
        let line_end = start + line.len();
        start = end + 1;
        // Nearly every line is dismissed by its first letter.
        match line.first() {
            None => break,
            Some(b'C' | b'c') => {
                if let Some(value) = value_of(line, b"content-length") {
                    lengths += 1;
                    match decimal(value) {
                        Some(number) => {
                            length = number;
                            let line_end = line_end - (line.len() - line.trim_ascii_end().len());
                            digits = Some(line_end - value.len()..line_end);
                        }
                        None => is_unclear = true,
                    }
                }
            }
            Some(b'T' | b't') => {
                if let Some(value) = value_of(line, b"transfer-encoding") {
                    codings += 1;
                    is_unclear |= !value.eq_ignore_ascii_case(b"chunked");
                }
            }
            _ => {}
        }
    }
    let framing = match (lengths + codings, codings) {
        _ if is_unclear => Framing::Ambiguous,
        (0 | 1, 0) => Framing::Length(length),
        (1, 1) => Framing::Chunked,
        _ => Framing::Ambiguous,
    };
    Some(Read { framing, end: start, digits })
}

/// Digits and nothing else, at least one; Rust would take a sign too.
fn decimal(value: &[u8]) -> Option<u64> {
    let add = |number: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    value.iter().try_fold(0, add).filter(|_| !value.is_empty())
}

fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next()?.trim_ascii();
    u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the ambiguous request among those in the bytes.
    fn ambiguous(bytes: &str, piece: usize) -> Option<u64> {
        let mut watch = HeadWatch::new(1_000);
        bytes.as_bytes().chunks(piece).for_each(|piece| watch.on_bytes(piece));
        watch.ambiguous
    }

    #[test]
    fn a_length_must_be_clear_however_the_bytes_are_cut_and_whatever_came_before() {
        let sound = [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\n\r\n\r\na\r\n0\r\nA: b\r\n\r\n",
            "GET / HTTP/1.1\r\nX: content-length: 3\r\nContent-Length-X: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ];
        let ambiguous_ones = [
            "POST / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nA: b\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTRANSFER-ENCODING: x\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\n\n",
        ];
        for piece in [1, 2, 7, 1_000] {
            for first in sound {
                for second in sound {
                    assert_eq!(ambiguous(&format!("{first}{second}"), piece), None, "{first}{second}");
                }
                for second in &ambiguous_ones[..] {
                    assert_eq!(ambiguous(&format!("{first}{second}"), piece), Some(2), "{first}{second}");
                }
            }
        }
    }

    #[test]
    fn a_head_that_repeats_the_last_one_is_read_as_if_it_were_the_first() {
        let head = |length: &str| format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\nHost: a\r\n\r\n");
        let mut known = Known::default();
        let learnt = known.learn(head("12").as_bytes());
        assert_eq!(learnt, Some((Framing::Length(12), head("12").len())));
        for (length, is_repeated) in [("12", true), ("0", true), ("123456", true), ("", false), ("+1", false)]
        {
            let bytes = format!("{}what follows", head(length));
            let read = known.read(bytes.as_bytes());
            assert_eq!(read.is_some(), is_repeated, "{length}");
            let anew = read_head(bytes.as_bytes()).map(|head| (head.framing, head.end));
            assert_eq!(read.or(anew), anew, "{length}");
        }
        assert_eq!(known.read(&head("12").as_bytes()[..30]), None, "one that has not come whole");
        assert_eq!(Known::default().read(head("12").as_bytes()), None);
    }

    #[test]
    fn a_long_head_is_read_and_not_remembered() {
        let long = format!("POST / HTTP/1.1\r\nA: {}\r\nContent-Length: 1\r\n\r\n", "x".repeat(4_000));
        let mut known = Known::default();
        assert_eq!(known.learn(long.as_bytes()), Some((Framing::Length(1), long.len())));
        assert!(known.head.is_empty());
    }

    #[test]
    fn what_stands_before_a_request_hides_nothing() {
        let sound = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let bad = "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (before, number) in [
            ("\r\n\r\n".to_owned(), 1),
            ("\n".to_owned(), 1),
            (format!("{sound}\r\n\r\n"), 2),
            ("PRI / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 2),
            (format!("{sound}PRI / HTTP/1.1\r\nHost: a\r\n\r\n"), 3),
            ("PRI * HTTP/2.0\r\n\r\n".to_owned(), 2),
        ] {
            for piece in [1, 3, 1_000] {
                assert_eq!(ambiguous(&format!("{before}{bad}"), piece), Some(number), "{before:?} {piece}");
            }
        }
    }

    #[test]
    fn http2_is_told_by_its_whole_preface_and_never_looked_at() {
        for piece in [1, 2, 5, 1_000] {
            let bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\nContent-Length: 1\n\n";
            let mut watch = HeadWatch::new(1_000);
            bytes.as_bytes().chunks(piece).for_each(|piece| watch.on_bytes(piece));
            assert!(watch.is_http2() && !watch.is_ambiguous(1), "{piece}");
        }
    }

    #[test]
    fn what_could_not_be_followed_is_not_served() {
        let mut watch = HeadWatch::new(100);
        watch.on_bytes(b"GET / HTTP/1.1\r\n\r\n");
        watch.on_bytes(&[b'a'; 200]);
        assert!(!watch.is_ambiguous(1) && watch.is_ambiguous(2) && watch.is_ambiguous(3));
    }

    #[test]
    fn of_a_head_or_a_line_that_never_ends_no_more_is_kept_than_may_come() {
        let mut watch = HeadWatch::new(1_000);
        (0..100).for_each(|_| watch.on_bytes(&[b'a'; 100]));
        assert!(watch.begun.len() <= 1_000);
        let mut watch = HeadWatch::new(1_000);
        watch.on_bytes(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        (0..1_000).for_each(|_| watch.on_bytes(&[b'0'; 100]));
        assert!(watch.begun.len() <= CHUNK_LINE_BYTES_MAX + 100);
    }
}
