//! The text of an id exactly as the client wrote it, so that it can be echoed byte for byte.
//!
//! simd-json unescapes strings in place, so an escaped id can't be read from the tape. It does leave every
//! string at the place where it began, though: that place leads back into the client's own bytes.

use crate::document::Document;

/// The string as it stands in `bytes`, the text that `document` was parsed from: with quotes and escapes.
pub(crate) fn string_as_written<'b>(document: &Document, bytes: &'b [u8], text: &str) -> Option<&'b str> {
    let start = document.offset_of(text)?;
    let quote = start.checked_sub(1)?;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let written = std::str::from_utf8(bytes.get(quote..=at)?).ok()?;
    written.starts_with('"').then_some(written)
}
