//! Heads of HTTP/1 requests whose length two readers could understand differently.
//!
//! hyper serves a request with both a length and a chunked body by the chunks, and folds two equal lengths
//! into one. That is safe for us alone, but somebody in front of us may have read the same bytes another way
//! (request smuggling), so such a request is refused (RFC 9112, 6.1 and 6.3), and so is any transfer coding
//! but `chunked` alone, and a line that a line feed alone ends. hyper does not tell, so the
//! bytes are looked at as they come from the socket.

use memchr::memmem;

/// Looks at the heads of one connection's requests, each from its first byte.
#[derive(Debug, Default)]
pub(super) struct HeadWatch {
    /// The beginning of a head that came in several pieces.
    begun: Vec<u8>,
}

/// What a piece of a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// It goes on.
    Unfinished,
    /// Its length is clear.
    Clear,
    /// Its length could be understood in two ways.
    Ambiguous,
}

impl HeadWatch {
    /// Looks at the next bytes. `head_bytes_max` is what a head may take; of a longer one no more is kept,
    /// because it is refused anyhow.
    pub(super) fn on_bytes(&mut self, bytes: &[u8], head_bytes_max: usize) -> Head {
        if self.begun.is_empty()
            && let Some(end) = end_of_head(bytes)
        {
            return judge(&bytes[..end]);
        }
        self.begun
            .extend_from_slice(&bytes[..bytes.len().min(head_bytes_max.saturating_sub(self.begun.len()))]);
        match end_of_head(&self.begun) {
            Some(end) => {
                let head = judge(&self.begun[..end]);
                self.begun = Vec::new();
                head
            }
            None => Head::Unfinished,
        }
    }
}

/// Where a head ends: at its first empty line, with or without carriage returns.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\n\r\n").or_else(|| memmem::find(bytes, b"\n\n"))
}

fn judge(head: &[u8]) -> Head {
    let (mut lengths, mut codings, mut is_unclear) = (0, 0, false);
    for line in head.split(|byte| *byte == b'\n') {
        // Some readers end a line at a line feed alone, and some do not.
        is_unclear |= line.last() != Some(&b'\r');
        // Nearly every line is dismissed by its first letter.
        match line.first() {
            Some(b'C' | b'c') if is_named(line, b"content-length") => lengths += 1,
            Some(b'T' | b't') if is_named(line, b"transfer-encoding") => {
                codings += 1;
                let value = &line[b"transfer-encoding:".len()..];
                is_unclear |= !value.trim_ascii().eq_ignore_ascii_case(b"chunked");
            }
            _ => {}
        }
    }
    if lengths + codings > 1 || is_unclear { Head::Ambiguous } else { Head::Clear }
}

fn is_named(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        && line.get(name.len()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1_000;

    #[test]
    fn a_length_must_be_clear_however_the_head_is_cut() {
        for (head, expected) in [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", Head::Clear),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Head::Clear),
            ("GET / HTTP/1.1\n\n", Head::Ambiguous),
            ("POST / HTTP/1.1\r\nContent-Length: 3\nHost: a\r\n\r\n", Head::Ambiguous),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n", Head::Ambiguous),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nA: b\r\nContent-Length: 3\r\n\r\n",
                Head::Ambiguous,
            ),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Head::Ambiguous),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTRANSFER-ENCODING: x\r\n\r\n", Head::Ambiguous),
            (
                "POST / HTTP/1.1\r\nX: content-length: 3\r\nContent-Length-X: 1\r\nContent-Length: 3\r\n\r\n",
                Head::Clear,
            ),
        ] {
            assert_eq!(HeadWatch::default().on_bytes(head.as_bytes(), MAX), expected, "{head}");
            let mut watch = HeadWatch::default();
            let pieces = head.as_bytes().chunks(1).map(|piece| watch.on_bytes(piece, MAX));
            assert_eq!(pieces.into_iter().find(|seen| *seen != Head::Unfinished), Some(expected), "{head}");
        }
    }

    #[test]
    fn of_a_head_that_never_ends_no_more_is_kept_than_may_come() {
        let mut watch = HeadWatch::default();
        for _ in 0..100 {
            assert_eq!(watch.on_bytes(&[b'a'; 100], MAX), Head::Unfinished);
        }
        assert_eq!(watch.begun.len(), MAX);
    }
}
