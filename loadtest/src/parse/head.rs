//! The head of an HTTP/1.1 response: a pure function over bytes.
//!
//! Only what a client of MCP acts on is kept. Two readers must not see two lengths, so a head that could be read in two
//! ways is an error, not a guess.

use std::ops::Range;

/// The longest head that is read.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers that are read.
pub const HEADERS_MAX: usize = 100;

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After the last chunk.
    Chunked,
    /// Where the connection does.
    UntilClose,
}

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One JSON message.
    Json,
    /// Server-sent events.
    Events,
    /// Something else, by its name; empty where the head does not say.
    Other(String),
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The status, never one of 1xx: those are skipped.
    pub status: u16,
    /// Where the body ends.
    pub framing: Framing,
    /// What the body is.
    pub content: Content,
    /// Whether the connection may be used again.
    pub is_kept: bool,
    /// Where the value of `Mcp-Session-Id` stands.
    pub session: Option<Range<usize>>,
    /// How many bytes the head takes, those of heads skipped before it included.
    pub length: usize,
}

/// Why bytes are no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// Not HTTP/1.
    #[error("not HTTP/1")]
    Grammar,
    /// Above [`HEAD_BYTES_MAX`] or [`HEADERS_MAX`].
    #[error("the head is too long")]
    TooLong,
    /// Its length can be read in two ways, or not at all.
    #[error("the body's length is not clear")]
    Length,
    /// The protocol was switched without having been asked.
    #[error("the server switched protocols")]
    Switched,
}

/// Reads the head at the start of the bytes; none if it is not all there yet.
///
/// # Errors
/// When no further bytes could make it one.
pub fn parse(bytes: &[u8]) -> Result<Option<Head>, BadHead> {
    let mut skipped = 0;
    loop {
        match parse_one(&bytes[skipped..])? {
            Some(head) if head.status == 101 => return Err(BadHead::Switched),
            Some(head) if head.status < 200 => skipped += head.length,
            Some(mut head) => {
                head.length += skipped;
                head.session = head.session.map(|at| at.start + skipped..at.end + skipped);
                return Ok(Some(head));
            }
            None if bytes.len() - skipped > HEAD_BYTES_MAX => return Err(BadHead::TooLong),
            None => return Ok(None),
        }
    }
}

fn parse_one(bytes: &[u8]) -> Result<Option<Head>, BadHead> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(BadHead::TooLong),
        Err(_) => return Err(BadHead::Grammar),
    };
    if length > HEAD_BYTES_MAX {
        return Err(BadHead::TooLong);
    }
    let status = response.code.ok_or(BadHead::Grammar)?;
    let mut head = Head {
        status,
        framing: Framing::UntilClose,
        content: Content::Other(String::new()),
        is_kept: response.version == Some(1),
        session: None,
        length,
    };
    let (mut content_length, mut is_chunked) = (None, false);
    for header in response.headers.iter() {
        let (name, value) = (header.name, header.value.trim_ascii());
        if name.eq_ignore_ascii_case("content-length") {
            let number = decimal(value).ok_or(BadHead::Length)?;
            if content_length.replace(number).is_some_and(|other| other != number) {
                return Err(BadHead::Length);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") || is_chunked {
                return Err(BadHead::Length);
            }
            is_chunked = true;
        } else if name.eq_ignore_ascii_case("content-type") {
            head.content = content(value);
        } else if name.eq_ignore_ascii_case("connection") {
            head.is_kept = kept(value, head.is_kept);
        } else if name.eq_ignore_ascii_case("mcp-session-id") {
            // The value is a slice of these very bytes, so its distance from their start is its place.
            let start = header.value.as_ptr() as usize - bytes.as_ptr() as usize;
            head.session = Some(start..start + header.value.len());
        }
    }
    head.framing = match (content_length, is_chunked) {
        _ if status < 200 || matches!(status, 204 | 304) => Framing::Length(0),
        (Some(_), true) => return Err(BadHead::Length),
        (None, true) => Framing::Chunked,
        (Some(length), false) => Framing::Length(length),
        (None, false) => Framing::UntilClose,
    };
    head.is_kept &= head.framing != Framing::UntilClose;
    Ok(Some(head))
}

fn decimal(value: &[u8]) -> Option<usize> {
    let is_number = !value.is_empty() && value.len() <= 15 && value.iter().all(u8::is_ascii_digit);
    is_number.then(|| value.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

fn content(value: &[u8]) -> Content {
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if kind.eq_ignore_ascii_case(b"application/json") {
        Content::Json
    } else if kind.eq_ignore_ascii_case(b"text/event-stream") {
        Content::Events
    } else {
        Content::Other(String::from_utf8_lossy(kind).into_owned())
    }
}

fn kept(value: &[u8], usually: bool) -> bool {
    let has = |word: &[u8]| {
        value.split(|byte| *byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(word))
    };
    if has(b"close") { false } else { usually || has(b"keep-alive") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Result<Option<Head>, BadHead> {
        parse(text.as_bytes())
    }

    #[test]
    fn framing_follows_the_headers() {
        let rows = [
            ("content-length: 5\r\n", Ok(Framing::Length(5))),
            ("Content-Length: 5\r\ncontent-length: 5\r\n", Ok(Framing::Length(5))),
            ("Content-Length: 5\r\ncontent-length: 6\r\n", Err(BadHead::Length)),
            ("Content-Length: -5\r\n", Err(BadHead::Length)),
            ("Content-Length: \r\n", Err(BadHead::Length)),
            ("Content-Length: 99999999999999999999\r\n", Err(BadHead::Length)),
            ("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(BadHead::Length)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Err(BadHead::Length)),
            ("", Ok(Framing::UntilClose)),
        ];
        for (headers, expected) in rows {
            let read = head(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n"));
            assert_eq!(read.map(|head| head.unwrap().framing), expected, "{headers}");
        }
    }

    #[test]
    fn a_connection_is_kept_unless_something_ends_it() {
        let rows = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: x, Close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
        ];
        for (text, expected) in rows {
            assert_eq!(head(text).unwrap().unwrap().is_kept, expected, "{text}");
        }
    }

    #[test]
    fn the_content_and_the_session_are_found() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
                    mcp-session-id: abc-1\r\ncontent-length: 0\r\n\r\nrest";
        let read = head(text).unwrap().unwrap();
        assert_eq!((read.status, read.content), (200, Content::Events));
        assert_eq!(&text[read.session.unwrap()], "abc-1");
        assert_eq!(&text[read.length..], "rest");
    }

    #[test]
    fn what_is_no_head_is_refused() {
        assert_eq!(head("SSH-2.0-x\r\n"), Err(BadHead::Grammar));
        assert_eq!(head("HTTP/1.1 101 Switching\r\n\r\n"), Err(BadHead::Switched));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        assert_eq!(head(&many), Err(BadHead::TooLong));
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(HEAD_BYTES_MAX));
        assert_eq!(head(&long), Err(BadHead::TooLong));
    }

    proptest! {
        #[test]
        fn a_head_is_read_only_when_it_is_whole(status in 200_u16..600, length in 0_usize..1000, other in "[a-z]{1,9}: [ -~]{0,40}") {
            let text = format!("HTTP/1.1 {status} Some Reason\r\nx-{other}\r\nContent-Length: {length}\r\n\r\n");
            for end in 0..text.len() {
                prop_assert_eq!(parse(&text.as_bytes()[..end]), Ok(None));
            }
            let read = parse(text.as_bytes()).unwrap().unwrap();
            prop_assert_eq!(read.length, text.len());
            prop_assert_eq!(read.status, status);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"HTTP/1.1 200 OK\r\n", bytes.as_slice()].concat());
        }
    }
}
