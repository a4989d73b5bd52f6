//! The text of an id exactly as the client wrote it, so that it can be echoed byte for byte.
//!
//! simd-json unescapes strings in place, so an escaped id can't be read from the tape. It does leave every
//! string at the place where it began, though: that place leads back into the client's own bytes.

use std::borrow::Cow;

use crate::document::Document;
use crate::write::write_str;

/// How much of a text is kept at either end while it is parsed in place: an id stands before the params or behind.
const END_BYTES: usize = 1024;

/// The client's own bytes, as far as they are at hand.
#[derive(Clone, Copy)]
pub(crate) struct Original<'b> {
    first: &'b [u8],
    last: &'b [u8],
    /// Where in the text the last ones begin.
    last_at: usize,
}

impl<'b> Original<'b> {
    /// All of them.
    pub(crate) fn whole(bytes: &'b [u8]) -> Self {
        Self { first: bytes, last: &[], last_at: bytes.len() }
    }

    /// The bytes from there on, to the end of what is at hand.
    fn starting(self, at: usize) -> Option<&'b [u8]> {
        let of_last = at.checked_sub(self.last_at).and_then(|at| self.last.get(at..));
        of_last.or_else(|| self.first.get(at..))
    }
}

/// Copies of both ends of a text.
pub(crate) struct Ends {
    first: [u8; END_BYTES],
    last: [u8; END_BYTES],
    /// How long each of them is.
    len: usize,
    last_at: usize,
}

impl Ends {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let len = bytes.len().min(END_BYTES);
        let last_at = bytes.len() - len;
        let mut ends = Self { first: [0; END_BYTES], last: [0; END_BYTES], len, last_at };
        ends.first[..len].copy_from_slice(&bytes[..len]);
        ends.last[..len].copy_from_slice(&bytes[last_at..]);
        ends
    }

    pub(crate) fn original(&self) -> Original<'_> {
        Original { first: &self.first[..self.len], last: &self.last[..self.len], last_at: self.last_at }
    }
}

/// The string as it stands in the text that `document` was parsed from: with quotes and escapes. Where that is not at
/// hand, in the midst of a large text, it is the same string with the escapes that we write.
pub(crate) fn string_as_written<'b>(document: &Document, original: Original<'b>, text: &str) -> Cow<'b, str> {
    document.offset_of(text).and_then(|start| written_at(original, start)).map_or_else(
        || {
            let mut out = Vec::new();
            write_str(&mut out, text);
            String::from_utf8_lossy(&out).into_owned().into()
        },
        Cow::Borrowed,
    )
}

/// The string that begins there, after its quote.
fn written_at(original: Original<'_>, start: usize) -> Option<&str> {
    let bytes = original.starting(start.checked_sub(1)?)?;
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let written = std::str::from_utf8(bytes.get(..=at)?).ok()?;
    written.starts_with('"').then_some(written)
}
