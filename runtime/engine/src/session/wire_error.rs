//! Which code an error gets in which era. The only function that maps errors to the wire.

use impresario_protocol::{Era, ErrorKind, Revision};

/// The JSON-RPC code of an error. Codes of our own stay outside of -32768..-32000 (2026-07-28, basic,
/// "Error Codes").
pub(super) fn code(kind: ErrorKind, revision: Revision) -> i32 {
    match kind {
        ErrorKind::Parse => -32700,
        ErrorKind::InvalidRequest | ErrorKind::DuplicateId | ErrorKind::SessionNotFound => -32600,
        ErrorKind::MethodNotFound => -32601,
        ErrorKind::InvalidParams | ErrorKind::MissingMetadata => -32602,
        ErrorKind::ResourceNotFound => match revision.era() {
            Era::Legacy => -32002,
            Era::Modern => -32602,
        },
        ErrorKind::HeaderMismatch => -32020,
        // Where there is no word for it the request is one that this client may not send.
        ErrorKind::MissingCapability => match revision.era() {
            Era::Legacy => -32600,
            Era::Modern => -32021,
        },
        ErrorKind::UnsupportedRevision => -32022,
        ErrorKind::Overloaded => 42900,
        ErrorKind::ShuttingDown => 50300,
        ErrorKind::Internal => -32603,
    }
}
