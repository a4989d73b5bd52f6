//! How the house lives: isolation, cancellation, bulkheads, streams, changes while it runs, and its end.
//!
//! What these tests assert is what a client or an embedder can see from outside; counters of the runtime are
//! read only to tell that nothing is left behind.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]

#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common/house.rs"]
mod house;
#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common/http.rs"]
mod http;
#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common/http2.rs"]
mod http2;
#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common/messages.rs"]
mod messages;
#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common/pipe.rs"]
mod pipe;
#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common/wait.rs"]
mod wait;

#[path = "life/bulkheads.rs"]
mod bulkheads;
#[path = "life/cache.rs"]
mod cache;
#[path = "life/cancellation.rs"]
mod cancellation;
#[path = "life/changes.rs"]
mod changes;
#[path = "life/drain.rs"]
mod drain;
#[path = "life/embedding.rs"]
mod embedding;
#[path = "life/http_wire.rs"]
mod http_wire;
#[path = "life/isolation.rs"]
mod isolation;
#[path = "life/leaks.rs"]
mod leaks;
#[path = "life/misuse.rs"]
mod misuse;
#[path = "life/mounted.rs"]
mod mounted;
#[path = "life/streams.rs"]
mod streams;
