//! The one way out: an HTTP client that checks every address it connects to.
#![forbid(unsafe_code)]
