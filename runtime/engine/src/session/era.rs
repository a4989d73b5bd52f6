//! Which revision a message is spoken in. From here on a message goes either to `legacy` or to `modern`.

use std::sync::Arc;

use impresario_codec::{Message, Node, NodeKind};
use impresario_protocol::{Era, Id, McpError, ProgressToken, Revision};

use super::{Session, SessionState, Via};

/// Member of a request's `_meta` that names its revision (2026-07-28, basic, "Per-request protocol fields").
pub(super) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(super) const META_CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The members of a request's metadata that we know, found in one pass. Of one that is written twice the first
/// counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meta<'m> {
    pub(super) version: Option<Node<'m>>,
    pub(super) client_info: Option<Node<'m>>,
    pub(super) client_capabilities: Option<Node<'m>>,
    pub(super) log_level: Option<Node<'m>>,
    pub(super) progress_token: Option<Node<'m>>,
}

impl<'m> Meta<'m> {
    pub(super) fn of(meta: Node<'m>) -> Self {
        let mut found = Self::default();
        for (name, value) in meta.members() {
            let member = match name {
                META_VERSION => &mut found.version,
                META_CLIENT_INFO => &mut found.client_info,
                META_CLIENT_CAPABILITIES => &mut found.client_capabilities,
                META_LOG_LEVEL => &mut found.log_level,
                "progressToken" => &mut found.progress_token,
                _ => continue,
            };
            member.get_or_insert(value);
        }
        found
    }
}

/// What a message is spoken in.
#[derive(Debug)]
pub(super) enum Speaks {
    /// The handshake era, in this session; without one, only a handshake or a ping may come.
    Legacy(Option<Arc<SessionState>>),
    /// The era of metadata on each request.
    Modern,
}

impl Speaks {
    /// The revision in which an answer is written.
    pub(super) fn revision(&self) -> Revision {
        match self {
            Self::Legacy(state) => state.as_ref().map_or(Revision::LATEST_LEGACY, |state| state.revision()),
            Self::Modern => Revision::LATEST,
        }
    }
}

impl Session {
    /// A request that names its revision, in its metadata or its header, is modern; any other belongs to
    /// the session it comes with (basic/versioning, "Backward Compatibility").
    pub(super) fn speaks(&self, message: &Message, via: &Via) -> Speaks {
        match via {
            Via::InProcess => Speaks::Modern,
            Via::Http { header: Some(header), .. } if header.era() == Era::Modern => Speaks::Modern,
            _ if names_revision(message) => Speaks::Modern,
            // Only this era has it; a session that has agreed on the other knows no such method.
            Via::Pipe if message.method() == "server/discover" && self.state.get().is_none() => {
                Speaks::Modern
            }
            Via::Pipe => Speaks::Legacy(self.state.get().cloned()),
            Via::Http { session, .. } => Speaks::Legacy(session.clone()),
        }
    }
}

/// Whether a message carries a revision in its metadata.
#[must_use]
pub fn names_revision(message: &Message) -> bool {
    meta_version(message).is_some()
}

/// The revision that a message's metadata names, whatever it is.
#[must_use]
pub fn meta_version(message: &Message) -> Option<Node<'_>> {
    message.param("_meta")?.get(META_VERSION)
}

/// A value as an id, when it may be one: a string or an integer.
pub(super) fn id_of(value: Node<'_>) -> Option<Id> {
    match value.kind() {
        NodeKind::String => value.as_str().map(Id::from_text),
        NodeKind::Integer => value.as_i64().map(Id::from).or_else(|| value.as_u64().map(Id::from)),
        NodeKind::Null | NodeKind::Bool | NodeKind::Float | NodeKind::Array | NodeKind::Object => None,
    }
}

/// What the client wants its progress messages to carry (basic/utilities/progress).
pub(super) fn progress_token(message: &Message) -> Result<Option<ProgressToken>, McpError> {
    let token = message.param("_meta").and_then(|meta| meta.get("progressToken"));
    token.map_or(Ok(None), token_of)
}

/// A progress token, when it may be one.
pub(super) fn token_of(token: Node<'_>) -> Result<Option<ProgressToken>, McpError> {
    match (id_of(token), token.kind()) {
        (Some(id), _) => Ok(Some(ProgressToken(id))),
        (None, NodeKind::Null) => Ok(None),
        (None, _) => Err(McpError::invalid_params("_meta.progressToken must be a string or an integer")),
    }
}
