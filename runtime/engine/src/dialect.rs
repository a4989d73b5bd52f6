//! How an answer is to be written, as a token that only the session can read.
//!
//! A call carries its dialect from the session that accepted it back to the session that writes its
//! answer. In between nobody looks inside: what differs between revisions is decided in `session` alone.

/// The way a client wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect(pub(crate) impresario_protocol::Revision);

impl Default for Dialect {
    fn default() -> Self {
        Self(impresario_protocol::Revision::LATEST)
    }
}
