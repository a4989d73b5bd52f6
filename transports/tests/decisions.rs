//! The table of decisions, as data: what each bad input gets, on every carrier and in every era, and that
//! afterwards everything still works.
//!
//! A module holds the rows of one part of the table. Where a rule is about more than one request (two calls of
//! one id, streams, pipes that end) it is told as a small story instead of a row.

#[allow(dead_code, reason = "only TLS needs most of it")]
#[path = "common/secure.rs"]
mod secure;

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

#[path = "decisions"]
mod decisions {
    mod batches;
    mod disconnects;
    mod features;
    mod framing;
    mod headers;
    mod http_edge;
    mod in_flight;
    mod in_process;
    mod json;
    mod json_rpc;
    mod metadata;
    mod mutations;
    mod sessions;
    mod sizes;
    mod smuggling;
    mod streams;
}

/// Whether its clients and servers speak TLS; `tls.rs` has the tests that are run over it too.
const IS_TLS: bool = false;
