//! The revisions a client may speak, and what its requests carry in each.

/// A revision, by its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) struct Era(pub(crate) &'static str);

/// The first revision whose requests carry their own metadata.
pub(crate) const MODERN: Era = Era("2026-07-28");
/// The newest revision with a handshake.
pub(crate) const NEWEST_LEGACY: Era = Era("2025-11-25");
/// The one revision that has batches.
pub(crate) const BATCHING: Era = Era("2025-03-26");
/// The revision whose transport is HTTP+SSE.
pub(crate) const OLDEST: Era = Era("2024-11-05");
/// Every revision.
pub(crate) const EVERY: [Era; 5] = [OLDEST, BATCHING, Era("2025-06-18"), NEWEST_LEGACY, MODERN];

impl Era {
    pub(crate) fn is_modern(self) -> bool {
        self == MODERN
    }

    /// Whether a client of this revision names it in a header. The header came with 2025-06-18.
    pub(crate) fn names_itself_in_a_header(self) -> bool {
        self >= Era("2025-06-18")
    }

    /// The `_meta` member of a request's params: everything that the revision asks for.
    pub(crate) fn meta(self) -> String {
        if self.is_modern() { format!("\"_meta\":{}", self.metadata("{}")) } else { "\"_meta\":{}".into() }
    }

    /// The metadata of a request whose client declares those capabilities.
    pub(crate) fn metadata(self, capabilities: &str) -> String {
        format!(
            r#"{{"io.modelcontextprotocol/protocolVersion":"{}","io.modelcontextprotocol/clientInfo":{{"name":"decisions","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{capabilities}}}"#,
            self.0
        )
    }

    /// A handshake that asks for this revision.
    pub(crate) fn initialize(self) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{{"protocolVersion":"{}","capabilities":{{}},"clientInfo":{{"name":"decisions","version":"1"}}}}}}"#,
            self.0
        )
    }
}

/// What a client says when it has understood the answer to its handshake.
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Whether a revision is the newest of its kind: enough for what no revision could change.
pub(crate) fn is_newest(era: Era) -> bool {
    era == NEWEST_LEGACY || era == MODERN
}
