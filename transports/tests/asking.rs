//! Tools, resources and prompts that ask their client: the same stories in every revision, over every carrier.
//!
//! A story is told once: what is called, how the client answers, what comes of it. What only one era has
//! (sessions, sealed states) has stories of its own.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]
#![allow(clippy::needless_pass_by_value, reason = "the tests write their values where they are passed")]

#[allow(dead_code, reason = "each test binary uses a part of the clients")]
#[path = "common"]
mod common {
    pub(crate) mod http;
    pub(crate) mod messages;
    pub(crate) mod pipe;
    pub(crate) mod secure;
    pub(crate) mod wait;
}

#[path = "asking"]
mod asking {
    pub(crate) mod client;
    pub(crate) mod house;
    mod sessions;
    mod states;
    mod stories;
}

use asking::{client, house};
use common::{http, messages, pipe, secure, wait};

/// Whether its clients and servers speak TLS; `tls.rs` has the tests that are run over it too.
const IS_TLS: bool = false;
