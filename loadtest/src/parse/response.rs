//! One HTTP response out of bytes that arrive in pieces: a pure state over the bytes received so far.

use super::chunked::Chunked;
use super::head::{self, Content, Framing, Head};

/// The largest response that is read.
pub const RESPONSE_BYTES_MAX: usize = 1 << 30;

/// Why bytes are no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// The head is none.
    #[error(transparent)]
    Head(#[from] head::BadHead),
    /// The chunks are none.
    #[error(transparent)]
    Chunk(#[from] super::chunked::BadChunk),
    /// Above [`RESPONSE_BYTES_MAX`].
    #[error("the answer is too long")]
    TooLong,
}

/// What is known of the response so far.
#[derive(Debug, Default)]
pub struct Response {
    head: Option<Head>,
    chunked: Chunked,
    /// The body without its chunks; unused where the body stands in the bytes as it is.
    unchunked: Vec<u8>,
    /// How many bytes were looked at.
    seen: usize,
    /// Where the response ends, once that is known.
    end: Option<usize>,
}

impl Response {
    /// Looks at all the bytes received since the response's start, and says whether they hold all of it.
    ///
    /// # Errors
    /// When they are no response.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<bool, BadResponse> {
        if self.head.is_none() {
            let Some(head) = head::parse(bytes)? else { return Ok(false) };
            self.seen = head.length;
            if let Framing::Length(length) = head.framing {
                self.end = Some(head.length + length);
                if length > RESPONSE_BYTES_MAX {
                    return Err(BadResponse::TooLong);
                }
            }
            self.head = Some(head);
        }
        if bytes.len() > RESPONSE_BYTES_MAX {
            return Err(BadResponse::TooLong);
        }
        if self.framing() == Some(Framing::Chunked) && self.end.is_none() {
            self.seen += self.chunked.take(&bytes[self.seen..], &mut self.unchunked)?;
            self.end = self.chunked.is_done().then_some(self.seen);
        }
        Ok(self.end.is_some_and(|end| end <= bytes.len()))
    }

    /// The connection ended behind these bytes: is the response whole?
    pub fn end_of_stream(&mut self, bytes: &[u8]) -> bool {
        if self.framing() == Some(Framing::UntilClose) {
            self.end = Some(bytes.len());
        }
        self.end.is_some_and(|end| end <= bytes.len())
    }

    /// The head, once it is there.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Where the response ends, once that is known.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        self.end
    }

    /// The body received so far, without its chunks.
    #[must_use]
    pub fn body<'a>(&'a self, bytes: &'a [u8]) -> &'a [u8] {
        match &self.head {
            None => &[],
            Some(head) if head.framing == Framing::Chunked => &self.unchunked,
            Some(head) => {
                let end = self.end.unwrap_or(usize::MAX).min(bytes.len());
                &bytes[head.length.min(end)..end]
            }
        }
    }

    /// What the body is.
    #[must_use]
    pub fn content(&self) -> &Content {
        const UNKNOWN: &Content = &Content::Other(String::new());
        self.head.as_ref().map_or(UNKNOWN, |head| &head.content)
    }

    /// Ready for the next response.
    pub fn reset(&mut self) {
        self.head = None;
        self.chunked = Chunked::default();
        self.unchunked.clear();
        self.seen = 0;
        self.end = None;
    }

    fn framing(&self) -> Option<Framing> {
        self.head.as_ref().map(|head| head.framing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds the bytes up to a cut, then all; the body and where the response ended.
    fn read(text: &[u8], cut: usize) -> Result<(Vec<u8>, Option<usize>), BadResponse> {
        let mut response = Response::default();
        let is_whole =
            response.advance(&text[..cut])? || response.advance(text)? || response.end_of_stream(text);
        Ok((response.body(text).to_vec(), is_whole.then(|| response.end().unwrap())))
    }

    #[test]
    fn a_response_is_read_wherever_it_is_cut() {
        let rows = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloNEXT", "hello", 4),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nNEXT",
                "hello",
                4,
            ),
            ("HTTP/1.1 102 Wait\r\n\r\nHTTP/1.0 200 OK\r\n\r\nhello", "hello", 0),
            ("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nNEXT", "", 4),
            ("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", "", 0),
        ];
        for (text, body, left) in rows {
            for cut in 0..text.len() - left {
                let expected = (body.as_bytes().to_vec(), Some(text.len() - left));
                assert_eq!(read(text.as_bytes(), cut), Ok(expected), "{text} at {cut}");
            }
        }
    }

    #[test]
    fn a_response_that_is_cut_off_is_not_whole() {
        let rows = [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n",
        ];
        for text in rows {
            assert_eq!(read(text.as_bytes(), 0).unwrap().1, None, "{text}");
        }
        let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", RESPONSE_BYTES_MAX + 1);
        assert_eq!(read(huge.as_bytes(), 0), Err(BadResponse::TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            for head in ["", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
                let text = [head.as_bytes(), &bytes].concat();
                let _ = read(&text, cut.min(text.len()));
            }
        }
    }
}
