//! Recording real clients and playing them again: against Impresario in this process, over real sockets and pipes.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]
#![allow(clippy::disallowed_methods, reason = "a test may spawn: it looks at what becomes of it")]

#[path = "traffic/http.rs"]
mod http_traffic;
#[path = "traffic/scripted.rs"]
mod scripted;
#[cfg(unix)]
#[path = "traffic/stdio.rs"]
mod stdio;
