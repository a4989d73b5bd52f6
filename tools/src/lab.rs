//! The pack `lab`: tools that behave in one known way each, for tests and for load.
//!
//! None of them is useful to a model. They are what a test needs to look at a runtime from outside: answers
//! of a known size, calls of a known length, failures, panics and side effects that can be counted.

mod answers;
mod questions;
mod time;

pub use answers::{BLOB_BYTES_MAX, blob, counter, echo, fail, panic, print};
pub use questions::{ask, ask_in_task, ask_page, ask_twice, sample_text, show_roots};
pub use time::{kept_count, long_task, progress, sleep, slow_count, spin};

use impresario_engine::{Builder, Offer};

use crate::Pack;

/// The pack, for the table of packs.
pub const PACK: Pack = Pack {
    name: "lab",
    description: "Tools for tests and load: echoes, sizes, waits, failures, panics, progress, questions.",
    install,
    offer,
};

/// Everything the pack offers.
#[must_use]
pub fn offer() -> Offer {
    Offer::default()
        .tool(echo)
        .tool(blob)
        .tool(sleep)
        .tool(spin)
        .tool(fail)
        .tool(panic)
        .tool(counter)
        .tool(progress)
        .tool(long_task)
        .tool(slow_count)
        .tool(kept_count)
        .tool(print)
        .tool(ask)
        .tool(ask_twice)
        .tool(ask_in_task)
        .tool(ask_page)
        .tool(sample_text)
        .tool(show_roots)
}

/// Adds everything the pack offers.
#[must_use]
pub fn install(builder: Builder) -> Builder {
    builder.offer(offer())
}
