//! How the house lives: isolation, cancellation, bulkheads, streams, changes while it runs, and its end.
//!
//! What these tests assert is what a client or an embedder can see from outside; counters of the runtime are
//! read only to tell that nothing is left behind.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]

#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common"]
mod common {
    pub(crate) mod house;
    pub(crate) mod http;
    pub(crate) mod http2;
    pub(crate) mod messages;
    pub(crate) mod pipe;
    pub(crate) mod secure;
    pub(crate) mod wait;
}

#[path = "life"]
mod life {
    mod admin;
    mod bulkheads;
    mod cache;
    mod cancellation;
    mod changes;
    mod drain;
    mod embedding;
    mod http_sse;
    mod http_wire;
    mod isolation;
    mod leaks;
    mod long_texts;
    mod misuse;
    mod mounted;
    mod resume;
    mod streams;
    mod tasks;
    mod unix;
}

use common::{house, http, http2, messages, pipe, secure, wait};

/// Whether its clients and servers speak TLS; `tls.rs` has the tests that are run over it too.
const IS_TLS: bool = false;
