//! A parsed JSON document: the padded buffer and the tape that points into it, owned together.
//!
//! simd-json unescapes strings in place, so the buffer is exclusively the tape's as long as the tape lives;
//! `self_cell` with `MutBorrow` holds the two together without unsafe code of ours.
#![expect(clippy::mem_forget, reason = "the self_cell macro expands to it")]

use std::fmt;

use impresario_protocol::McpError;
use self_cell::{MutBorrow, self_cell};
use simd_json::{ErrorType, Tape, fill_tape_padded};

use crate::gathered::Gathered;
use crate::node::{Node, NodeIndex};
use crate::pool::{self, Parts};

self_cell! {
    struct Parsed {
        owner: MutBorrow<Vec<u8>>,
        #[covariant]
        dependent: Tape,
    }
}

/// A parsed JSON document. When it is dropped, on whatever thread, its buffer and its tape go to the pool of
/// that thread.
///
/// Parsing on a warm thread allocates once: the box in which `self_cell` keeps the two together.
pub struct Document {
    /// `None` only for no document, and while one is being dropped.
    parsed: Option<Parsed>,
    /// The address of the buffer's first byte, to tell where in the text a string stood.
    start_address: usize,
    /// How many bytes the text has.
    len: usize,
}

impl Document {
    /// Parses one JSON text, with exactly one copy of `bytes`.
    ///
    /// # Errors
    /// With the kind `Parse` when `bytes` are not one JSON text in UTF-8, or when arrays and objects are
    /// nested deeper than `depth_max`.
    pub fn parse(bytes: &[u8], depth_max: usize) -> Result<Self, McpError> {
        let mut gathered = Gathered::with_room(bytes.len());
        gathered.push(bytes);
        Self::parse_in_place(gathered, depth_max)
    }

    /// Parses one JSON text where it was gathered, without a copy.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_in_place(gathered: Gathered, depth_max: usize) -> Result<Self, McpError> {
        let len = gathered.len();
        let Parts { buffer, tape } = gathered.into_parts();
        let start_address = buffer.as_ptr().addr();
        let mut unused_tape = None;
        let parsed = Parsed::try_new_or_recover(MutBorrow::new(buffer), |owner| {
            let buffer = owner.borrow_mut().as_mut_slice();
            let mut tape = tape.reset();
            let filled = pool::with_scratch(len, depth_max, |scratch| {
                fill_tape_padded(buffer, len, scratch, &mut tape)
            });
            match filled {
                Ok(()) => Ok(tape),
                Err(error) => {
                    unused_tape = Some(tape.reset());
                    Err(error)
                }
            }
        });
        match parsed {
            Ok(parsed) => Ok(Self { parsed: Some(parsed), start_address, len }),
            Err((owner, error)) => {
                pool::put(Parts {
                    buffer: owner.into_inner(),
                    tape: unused_tape.unwrap_or(Tape(Vec::new())),
                });
                Err(parse_error(&error, depth_max))
            }
        }
    }

    /// No document at all: a `null` that was written nowhere.
    pub(crate) fn vacant() -> Self {
        Self { parsed: None, start_address: 0, len: 0 }
    }

    /// How many bytes the JSON text has.
    #[must_use]
    pub fn text_len(&self) -> usize {
        self.len
    }

    /// The value that the document is.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.node(NodeIndex::ROOT)
    }

    /// The value at that index, which must come from a node of this document; `null` where there is none.
    #[must_use]
    pub fn node(&self, at: NodeIndex) -> Node<'_> {
        let tape = self.parsed.as_ref().map_or(&[][..], |parsed| parsed.borrow_dependent().0.as_slice());
        Node::new(tape, at)
    }

    /// Where in the bytes that were parsed this document's string began, after its quote.
    ///
    /// simd-json unescapes a string to the very place where it began, so its address tells.
    pub(crate) fn offset_of(&self, text: &str) -> Option<usize> {
        text.as_ptr().addr().checked_sub(self.start_address)
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        let Some(mut parsed) = self.parsed.take() else { return };
        let tape = parsed.with_dependent_mut(|_, tape| std::mem::replace(tape, Tape(Vec::new())).reset());
        pool::put(Parts { buffer: parsed.into_owner().into_inner(), tape });
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.root()).finish()
    }
}

/// simd-json's error in words that a client can act on.
fn parse_error(error: &simd_json::Error, depth_max: usize) -> McpError {
    match error.error() {
        ErrorType::DepthLimitExceeded => McpError::parse(format!(
            "arrays and objects are nested deeper than {depth_max} levels (json_depth_max)"
        )),
        ErrorType::InvalidUtf8 => McpError::parse("the text is not UTF-8"),
        ErrorType::Eof => McpError::parse("the text is empty, a JSON text was expected"),
        ErrorType::TrailingData => McpError::parse("something follows after the end of the JSON text"),
        ErrorType::InvalidEscape => McpError::parse("not valid JSON: a string has an unknown escape"),
        ErrorType::InvalidUnicodeCodepoint | ErrorType::InvalidUnicodeEscape => {
            McpError::parse("not valid JSON: a string has a \\u escape that is no character")
        }
        ErrorType::InvalidNumber if error.character().is_some() => McpError::parse(format!(
            "not valid JSON: a number near byte {} is malformed or out of range",
            error.index()
        )),
        _ if error.character().is_some() => {
            McpError::parse(format!("not valid JSON, the first mistake is near byte {}", error.index()))
        }
        _ => McpError::parse("not valid JSON: a string does not end, or holds a raw control character"),
    }
}
