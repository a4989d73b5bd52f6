//! TLS: what is its own, and over it once more the tests in which bytes matter, of how the house lives and of requests
//! whose end could be seen in two places.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]

#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common"]
mod common {
    pub(crate) mod frames;
    pub(crate) mod house;
    pub(crate) mod http;
    pub(crate) mod http2;
    pub(crate) mod messages;
    pub(crate) mod pipe;
    pub(crate) mod secure;
    pub(crate) mod wait;
}

#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "support"]
mod support {
    pub(crate) mod answer;
    pub(crate) mod ask;
    pub(crate) mod era;
    pub(crate) mod expect;
    pub(crate) mod house;
    pub(crate) mod http1;
    pub(crate) mod http2;
    pub(crate) mod http_sse;
    pub(crate) mod lines;
    pub(crate) mod table;
}

#[path = "tls"]
mod tls {
    mod clients;
    mod reload;
    mod versions;
}

#[path = "life"]
mod life {
    mod cancellation;
    mod drain;
    mod http_sse;
    mod http_wire;
    mod leaks;
    mod long_texts;
    mod resume;
    mod streams;
}

#[path = "decisions"]
mod decisions {
    mod disconnects;
    mod framing;
    mod smuggling;
}

use common::{frames, house, http, http2, messages, pipe, secure, wait};

/// Its clients and servers speak TLS.
const IS_TLS: bool = true;
