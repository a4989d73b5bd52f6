//! A buffer for what is written, which goes back to its thread's pool when it was sent.
//!
//! A fresh buffer for each answer costs an allocation, and for a large answer the page faults of new memory too.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// How many buffers one thread keeps.
const SPARE_MAX: usize = 64;
/// A buffer above this is not kept.
const KEPT_BYTES_MAX: usize = 256 * 1024;
/// What a new buffer has room for at least: most answers fit.
const ROOM_BYTES_MIN: usize = 512;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that are being written or sent. Used as the `Vec<u8>` that it holds.
#[derive(Default, PartialEq, Eq)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer with room for `bytes`; one that was used before, if there is one.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        let mut buffer = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten().unwrap_or_default();
        buffer.reserve(bytes.max(ROOM_BYTES_MIN));
        Self(buffer)
    }

    /// The bytes, for somebody who keeps them.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.0.capacity() == 0 || self.0.capacity() > KEPT_BYTES_MAX {
            return;
        }
        let mut buffer = std::mem::take(&mut self.0);
        buffer.clear();
        let keep = |spare: &RefCell<Vec<_>>| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_MAX {
                spare.push(buffer);
            }
        };
        // A thread that ends has no pool any more, and the buffer goes with it.
        SPARE.try_with(keep).unwrap_or_default();
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl fmt::Debug for Buffer {
    /// No contents: what is answered does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spare() -> usize {
        SPARE.with(|spare| spare.borrow().len())
    }

    #[test]
    fn a_buffer_is_used_again_and_begins_empty() {
        let mut first = Buffer::with_room(4_000);
        first.extend_from_slice(b"secret");
        let place = first.as_ptr();
        drop(first);
        let second = Buffer::with_room(10);
        assert!(second.is_empty() && second.capacity() >= 4_000);
        assert_eq!(second.as_ptr(), place);
    }

    #[test]
    fn what_is_kept_is_bounded_in_size_and_number() {
        drop(Buffer::with_room(KEPT_BYTES_MAX + 1));
        assert_eq!(spare(), 0);
        let many: Vec<_> = (0..SPARE_MAX + 10).map(|_| Buffer::with_room(1)).collect();
        drop(many);
        assert_eq!(spare(), SPARE_MAX);
        drop(Buffer::with_room(1).into_vec());
        assert_eq!(spare(), SPARE_MAX - 1, "who keeps the bytes takes them out of the pool");
    }
}
