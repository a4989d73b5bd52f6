//! Which lane a thread is, so that whoever waits on it is woken by it.

use std::cell::Cell;

thread_local! {
    static SEAT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// This thread is that lane: whoever waits for a change on it is woken by its teller.
pub(crate) fn seat_on(lane: usize) {
    SEAT.set(Some(lane));
}

/// The lane that this thread is, if it is one.
pub(crate) fn seat() -> Option<usize> {
    SEAT.get()
}
