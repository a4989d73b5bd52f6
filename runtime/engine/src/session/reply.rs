//! An answer on its way to a transport: its bytes, and what a transport needs to know of them.

use bytes::Bytes;
use impresario_codec::Buffer;
use impresario_protocol::{Era, ErrorKind, Revision};

use super::object::Apart;

/// An answer, ready to be sent, and what a transport needs to know of it.
#[derive(Debug)]
pub struct Reply {
    /// The JSON-RPC response, as far as it was written for this answer.
    written: Buffer,
    /// What stands within it and was not copied: what is the same in many answers, or a long text.
    inset: Bytes,
    /// Where it stands.
    inset_at: usize,
    /// What it says.
    pub verdict: Verdict,
    /// The era that it is written in.
    pub era: Era,
}

impl Reply {
    /// An answer that was written whole.
    pub(super) fn whole(written: Buffer, verdict: Verdict, revision: Revision) -> Self {
        let inset_at = written.len();
        Self { written, inset: Bytes::new(), inset_at, verdict, era: revision.era() }
    }

    /// The same answer with what is the same in many behind it.
    pub(super) fn followed_by(self, inset: Bytes) -> Self {
        Self { inset, ..self }
    }

    /// The same answer with a text in it that was not copied.
    pub(super) fn with(self, apart: Option<Apart>) -> Self {
        match apart {
            Some((inset_at, text)) => Self { inset: Bytes::from(text), inset_at, ..self },
            None => self,
        }
    }

    /// The JSON-RPC response in its parts: what was written for this answer, what stands within it, and where.
    #[must_use]
    pub fn into_parts(self) -> (Buffer, Bytes, usize) {
        (self.written, self.inset, self.inset_at)
    }

    /// The JSON-RPC response in one piece.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        let after = self.written.split_off(self.inset_at);
        self.written.extend_from_slice(&self.inset);
        self.written.extend_from_slice(&after);
        self.written.into_vec()
    }
}

/// What an answer says, for transports that have a word of their own for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A result.
    Result,
    /// An error of that kind.
    Error {
        /// Which kind.
        kind: ErrorKind,
        /// When the caller may try again, if that makes sense.
        retry_after_ms: Option<u64>,
    },
}
