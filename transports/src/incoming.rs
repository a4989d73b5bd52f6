//! Bytes as a message that a client may send, for every transport that carries JSON.

use impresario_codec::{
    DecodeError, DecodeLimits, Document, Gathered, Message, MessageKind, is_batch, split_batch,
};
use impresario_engine::session::names_revision;
use impresario_protocol::{Id, Limits, McpError};

/// Why bytes reach no session actor.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The request's id, when it could be read.
    pub(crate) id: Option<Id>,
    pub(crate) error: McpError,
}

impl From<McpError> for Refused {
    fn from(error: McpError) -> Self {
        Self { id: None, error }
    }
}

/// One message, or several in a batch.
pub(crate) enum Incoming<'b> {
    Message(Message),
    /// The parts of a batch, each to be read by [`message`].
    Batch(Vec<&'b [u8]>),
}

/// Reads bytes; a batch only where `allows_batches` says so.
pub(crate) fn read<'b>(
    bytes: &'b [u8],
    limits: &Limits,
    allows_batches: impl FnOnce() -> Result<bool, McpError>,
) -> Result<Incoming<'b>, Refused> {
    if !is_batch(bytes) {
        return message(bytes, limits).map(Incoming::Message);
    }
    if !allows_batches()? {
        // What is no JSON is told so before it is told that it may not be a batch.
        Document::parse(bytes, Limits::size(limits.json_depth_max))?;
        return Err(
            McpError::invalid_request("batches are not allowed here; send one message at a time").into()
        );
    }
    Ok(Incoming::Batch(split_batch(bytes, Limits::size(limits.batch_messages_max))?))
}

/// Reads one message of a batch. What carries its own metadata knows no batches, and would be served here
/// without the headers that must go with it.
pub(crate) fn part(bytes: &[u8], limits: &Limits) -> Result<Message, Refused> {
    let message = message(bytes, limits)?;
    if message.kind() == MessageKind::Request
        && (names_revision(&message) || message.method() == "initialize")
    {
        let error = McpError::invalid_request("this request may not be part of a batch; send it alone");
        return Err(Refused { id: message.id().cloned(), error });
    }
    Ok(message)
}

/// Reads one message. Only notifications go without an id: a request without one is not executed.
pub(crate) fn message(bytes: &[u8], limits: &Limits) -> Result<Message, Refused> {
    checked(Message::parse(bytes, &DecodeLimits::from(limits)))
}

/// Reads one message where it was gathered.
pub(crate) fn message_in_place(gathered: Gathered, limits: &Limits) -> Result<Message, Refused> {
    checked(Message::parse_in_place(gathered, &DecodeLimits::from(limits)))
}

fn checked(decoded: Result<Message, DecodeError>) -> Result<Message, Refused> {
    let message = decoded.map_err(|refused| Refused { id: refused.id, error: refused.error })?;
    if message.kind() == MessageKind::Notification && !message.method().starts_with("notifications/") {
        return Err(McpError::invalid_request("a request needs an id; nothing was executed").into());
    }
    Ok(message)
}
