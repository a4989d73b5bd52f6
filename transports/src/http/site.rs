//! What is served at an endpoint: the same on every lane. Finds sessions, and refuses what is refused by its
//! head alone.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use impresario_engine::session::{SessionState, SessionTable};
use impresario_engine::{Caller, Shared};
use impresario_protocol::{Limits, McpError};

use super::request_headers::{self, SESSION_ID};
use super::response::{self, ReplyBody};
use super::{HttpConfig, guard};

/// What is served at an endpoint.
#[derive(Debug, Clone)]
pub(super) struct Site {
    config: Arc<HttpConfig>,
    shared: Arc<Shared>,
    sessions: Arc<SessionTable>,
}

impl Site {
    pub(super) fn new(config: Arc<HttpConfig>, shared: Arc<Shared>, sessions: Arc<SessionTable>) -> Self {
        Self { config, shared, sessions }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(super) fn sessions(&self) -> &SessionTable {
        &self.sessions
    }

    /// The session of that id.
    pub(super) fn session(&self, id: &str, caller: &Caller) -> Result<Arc<SessionState>, McpError> {
        self.sessions.find(id, caller)
    }

    /// The session that the headers must name.
    pub(super) fn named_session(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Arc<SessionState>, McpError> {
        let id = request_headers::session_id(headers)?;
        self.session(id.ok_or_else(|| McpError::invalid_request("no Mcp-Session-Id header"))?, caller)
    }

    /// What is refused by its head alone, before anything else is looked at: requests for or from other
    /// sites, and heads beyond their limits.
    pub(super) fn refuse(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response<ReplyBody>> {
        match guard::check(&self.config, uri, headers) {
            Err(refusal) => Some(response::text(refusal.status(), refusal.text())),
            Ok(()) => self.refuse_size(uri, headers),
        }
    }

    /// Headers and URIs beyond their limits.
    fn refuse_size(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response<ReplyBody>> {
        let limits = self.limits();
        let uri_bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
        if uri_bytes > Limits::size(limits.uri_bytes_max) {
            return Some(response::text(StatusCode::URI_TOO_LONG, "the URI is too long (uri_bytes_max)"));
        }
        let size = |(name, value): (&http::HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        let all: usize = headers.iter().map(size).sum();
        // A session's id has a bound of its own, and is told so in a way that clients understand.
        let others = headers.iter().filter(|(name, _)| **name != SESSION_ID);
        let longest = others.map(|(_, value)| value.len()).max().unwrap_or(0);
        let too_large = all > Limits::size(limits.header_bytes_max)
            || longest > Limits::size(limits.header_value_bytes_max)
            || headers.len() > Limits::size(limits.header_count_max);
        too_large.then(|| {
            let text =
                "the headers are too large (header_bytes_max, header_value_bytes_max, header_count_max)";
            response::text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        })
    }
}
