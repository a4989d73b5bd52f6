//! A text that arrives in pieces, gathered in the place where it will be parsed.
//!
//! simd-json parses in place, in a buffer with room behind the text. A large text that is gathered elsewhere is copied
//! once more, and two buffers of its size push each other out of the processor's cache.

use std::fmt;
use std::ops::Deref;

use simd_json::INPUT_PADDING;

use crate::pool::{self, Parts};

/// Bytes that are to be parsed. They are gathered in a buffer of this thread's pool, and go back there.
pub struct Gathered(Parts);

impl Gathered {
    /// No bytes yet, with room for so many of them.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        let mut parts = pool::take();
        parts.buffer.clear();
        parts.buffer.reserve(bytes + INPUT_PADDING);
        Self(parts)
    }

    /// Adds the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.0.buffer.extend_from_slice(piece);
    }

    /// The bytes, for somebody who keeps them.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0.buffer)
    }

    /// What a document is made of: the buffer ends with the padding that the parser wants.
    pub(crate) fn into_parts(mut self) -> Parts {
        self.0.buffer.extend_from_slice(&[b' '; INPUT_PADDING]);
        std::mem::replace(&mut self.0, Parts::EMPTY)
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        if self.0.buffer.capacity() > 0 {
            pool::put(std::mem::replace(&mut self.0, Parts::EMPTY));
        }
    }
}

impl Deref for Gathered {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.buffer
    }
}

impl fmt::Debug for Gathered {
    /// No contents: what clients send does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_used_again_and_begins_empty() {
        let mut first = Gathered::with_room(4_000);
        first.push(b"sec");
        first.push(b"ret");
        assert_eq!(&*first, b"secret");
        let place = first.as_ptr();
        drop(first);
        let second = Gathered::with_room(10);
        assert!(second.is_empty());
        assert_eq!(second.as_ptr(), place);
    }
}
