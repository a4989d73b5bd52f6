//! Buffers, tapes and the parser's scratch space, kept per thread so that a warm parse allocates almost nothing.
//!
//! The pool is bounded in count, and what one hostile document made large is dropped rather than kept.

use std::cell::RefCell;

use simd_json::{Buffers, Tape};

/// How many buffers, each with its tape, one thread keeps.
const SPARE_PARTS_MAX: usize = 32;
/// A buffer above this, or scratch space used for a document above this, is not kept.
const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// A tape with room for more nodes than this is not kept; a node is 24 bytes.
const KEPT_NODES_MAX: usize = 64 * 1024;

/// What one document is made of: the bytes it is parsed in, and the tape that will point into them.
pub(crate) struct Parts {
    pub(crate) buffer: Vec<u8>,
    pub(crate) tape: Tape<'static>,
}

impl Parts {
    pub(crate) const EMPTY: Self = Self { buffer: Vec::new(), tape: Tape(Vec::new()) };
}

/// The parser's working space. Its depth is fixed when it is made, so it is kept together with it.
struct Scratch {
    buffers: Buffers,
    depth_max: usize,
}

struct Pool {
    spare: Vec<Parts>,
    scratch: Option<Scratch>,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { spare: Vec::new(), scratch: None }) };
}

/// Runs `with` on this thread's pool; `None` when the thread is ending and its pool is gone.
fn pooled<T>(with: impl FnOnce(&mut Pool) -> T) -> Option<T> {
    POOL.try_with(|pool| with(&mut pool.borrow_mut())).ok()
}

/// The parts of an earlier document of this thread, or empty ones.
pub(crate) fn take() -> Parts {
    pooled(|pool| pool.spare.pop()).flatten().unwrap_or(Parts::EMPTY)
}

/// Keeps the parts for a later document of this thread.
pub(crate) fn put(mut parts: Parts) {
    if parts.buffer.capacity() > KEPT_BYTES_MAX {
        parts.buffer = Vec::new();
    }
    if parts.tape.0.capacity() > KEPT_NODES_MAX {
        parts.tape = Tape(Vec::new());
    }
    pooled(|pool| {
        if pool.spare.len() < SPARE_PARTS_MAX {
            pool.spare.push(parts);
        }
    });
}

/// Runs `parse` with scratch space for a document of `len` bytes and that depth.
pub(crate) fn with_scratch<T>(len: usize, depth_max: usize, parse: impl FnOnce(&mut Buffers) -> T) -> T {
    // Taken out of the pool meanwhile, so that no borrow of the pool is held while the parser runs.
    let kept = pooled(|pool| pool.scratch.take()).flatten().filter(|scratch| scratch.depth_max == depth_max);
    let mut scratch = kept.unwrap_or_else(|| Scratch {
        buffers: Buffers::with_max_depth(len.min(KEPT_BYTES_MAX), depth_max),
        depth_max,
    });
    let parsed = parse(&mut scratch.buffers);
    // simd-json's buffers never shrink.
    if len <= KEPT_BYTES_MAX {
        pooled(|pool| pool.scratch = Some(scratch));
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_large_document_needed_is_not_kept() {
        put(Parts {
            buffer: Vec::with_capacity(KEPT_BYTES_MAX + 1),
            tape: Tape(Vec::with_capacity(KEPT_NODES_MAX + 1)),
        });
        let parts = take();
        assert_eq!((parts.buffer.capacity(), parts.tape.0.capacity()), (0, 0));

        put(Parts { buffer: Vec::with_capacity(4096), tape: Tape(Vec::with_capacity(64)) });
        let parts = take();
        assert!(parts.buffer.capacity() >= 4096 && parts.tape.0.capacity() >= 64);
    }

    #[test]
    fn the_pool_is_bounded() {
        for _ in 0..SPARE_PARTS_MAX * 2 {
            put(Parts { buffer: Vec::with_capacity(16), tape: Tape(Vec::new()) });
        }
        assert_eq!(pooled(|pool| pool.spare.len()), Some(SPARE_PARTS_MAX));
    }

    #[test]
    fn scratch_space_is_kept_for_small_documents_of_the_same_depth_only() {
        let kept = || pooled(|pool| pool.scratch.as_ref().map(|scratch| scratch.depth_max)).flatten();
        with_scratch(10, 64, |_| ());
        assert_eq!(kept(), Some(64));
        with_scratch(10, 32, |_| ());
        assert_eq!(kept(), Some(32));
        with_scratch(KEPT_BYTES_MAX + 1, 32, |_| ());
        assert_eq!(kept(), None);
    }
}
