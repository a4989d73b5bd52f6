//! Traffic of real clients: written down by a proxy (`record`), and played again to any server (`replay`).
//!
//! A recording is a text file, a JSON object on each line; `docs/loadtest-record.md` describes it. It never holds a
//! credential, a cookie, a session's id or the values of a query.

// The file.
pub mod recording;
pub mod redaction;

// Writing it.
pub mod pipe;
pub mod proxy;
pub mod record;
pub mod recorder;

// Playing it.
pub mod child;
pub mod client;
pub mod kind;
pub mod player;
pub mod replay;
pub mod script;
pub mod speed;
pub mod tally;
