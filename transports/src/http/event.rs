//! Messages as server-sent events.

use bytes::Bytes;
use impresario_codec::sse;

/// A message as an event.
pub(super) fn event(message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(message.len() + 32);
    sse::write_event(&mut out, None, message);
    Bytes::from(out)
}

/// A message as an event that a client can name when it comes back, and when that should be. Without a message it is the
/// beginning of a stream.
pub(super) fn resumable_event(id: &str, retry_ms: Option<u64>, message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(message.len() + 96);
    match retry_ms {
        Some(retry_ms) => sse::write_event_with_retry(&mut out, id, retry_ms, message),
        None => sse::write_event(&mut out, Some(id), message),
    }
    Bytes::from(out)
}
