//! What bytes of a server mean: pure functions and states over bytes, without sockets, fit to be fuzzed.

pub mod chunked;
pub mod events;
pub mod head;
pub mod response;
