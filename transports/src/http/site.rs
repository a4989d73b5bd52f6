//! What is served at an endpoint: the same on every lane. Finds sessions, and refuses what is refused by its
//! head alone.

use std::cell::RefCell;
use std::sync::Arc;

use http::StatusCode;
use impresario_engine::session::{SessionState, SessionTable};
use impresario_engine::{Caller, Shared};
use impresario_protocol::{Limits, McpError};

use super::head::{Field, Head};
use super::http_sse_sessions::HttpSseSessions;
use super::request_headers;
use super::response::{self, Answer};
use super::{HttpConfig, guard};

/// What is served at an endpoint.
#[derive(Debug, Clone)]
pub(super) struct Site {
    config: Arc<HttpConfig>,
    shared: Arc<Shared>,
    sessions: Arc<SessionTable>,
    http_sse: Arc<HttpSseSessions>,
}

impl Site {
    pub(super) fn new(config: Arc<HttpConfig>, shared: Arc<Shared>, sessions: Arc<SessionTable>) -> Self {
        Self { config, shared, sessions, http_sse: Arc::default() }
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

    /// Whether HTTP+SSE is served too.
    pub(super) fn serves_http_sse(&self) -> bool {
        self.config.http_sse
    }

    /// The sessions of HTTP+SSE.
    pub(super) fn http_sse(&self) -> &HttpSseSessions {
        &self.http_sse
    }

    /// The session of that id.
    pub(super) fn session(&self, id: &str, caller: &Caller) -> Result<Arc<SessionState>, McpError> {
        self.sessions.find(id, caller)
    }

    /// The session that the headers must name.
    pub(super) fn named_session(
        &self,
        caller: &Caller,
        head: &Head<'_>,
    ) -> Result<Arc<SessionState>, McpError> {
        let id = request_headers::session_id(head)?;
        self.session(id.ok_or_else(|| McpError::invalid_request("no Mcp-Session-Id header"))?, caller)
    }

    /// What is refused by its head alone, before anything else is looked at: requests for or from other
    /// sites, and heads beyond their limits. `known` spares looking at what was let through before.
    pub(super) fn refuse(&self, head: &Head<'_>, known: &KnownHost) -> Option<Answer> {
        if !known.is_that_of(head) {
            if let Err(refusal) = guard::check(&self.config, head) {
                return Some(response::text(refusal.status(), refusal.text()));
            }
            known.remember(head);
        }
        self.refuse_size(head)
    }

    /// Headers and URIs beyond their limits.
    fn refuse_size(&self, head: &Head<'_>) -> Option<Answer> {
        let limits = self.limits();
        let uri_bytes = head.uri.path_and_query().map_or(0, |path| path.as_str().len());
        if uri_bytes > Limits::size(limits.uri_bytes_max) {
            return Some(response::text(StatusCode::URI_TOO_LONG, "the URI is too long (uri_bytes_max)"));
        }
        let too_large = head.bytes > Limits::size(limits.header_bytes_max)
            || head.value_bytes_max > Limits::size(limits.header_value_bytes_max)
            || head.all.len() > Limits::size(limits.header_count_max);
        too_large.then(|| {
            let text =
                "the headers are too large (header_bytes_max, header_value_bytes_max, header_count_max)";
            response::text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        })
    }
}

/// The `Host` header that was let through last on a connection: nearly always that of its next request too.
#[derive(Debug, Default)]
pub(super) struct KnownHost(RefCell<Vec<u8>>);

impl KnownHost {
    /// Whether that head names the same host, names it nowhere else, and comes from no page.
    fn is_that_of(&self, head: &Head<'_>) -> bool {
        let Field::Once(host) = head.host else { return false };
        let known = self.0.borrow();
        !known.is_empty()
            && known[..] == *host.as_bytes()
            && head.origin.is_absent()
            && head.uri.authority().is_none()
    }

    fn remember(&self, head: &Head<'_>) {
        /// A longer name than DNS has, with its port, is looked at each time.
        const HOST_BYTES_MAX: usize = 300;
        if let Field::Once(host) = head.host
            && host.len() <= HOST_BYTES_MAX
            && head.uri.authority().is_none()
        {
            let mut known = self.0.borrow_mut();
            known.clear();
            known.extend_from_slice(host.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, ORIGIN};
    use http::{HeaderMap, HeaderValue, Uri};

    use super::*;

    #[test]
    fn a_host_is_known_only_where_nothing_else_could_decide() {
        let known = KnownHost::default();
        let is_known = |host: &str, origin: Option<&str>, uri: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
            }
            let uri: Uri = uri.parse().unwrap();
            let head = Head::of(&uri, &headers);
            let is_known = known.is_that_of(&head);
            known.remember(&head);
            is_known
        };
        assert!(!is_known("a", None, "/mcp"), "nothing is known at first");
        assert!(is_known("a", None, "/mcp"));
        assert!(!is_known("a", Some("http://evil.com"), "/mcp"));
        assert!(!is_known("a", None, "http://evil.com/mcp"));
        assert!(!is_known("b", None, "/mcp"));
        let long = "x".repeat(301);
        assert!(!is_known(&long, None, "/mcp"));
        assert!(!is_known(&long, None, "/mcp"), "too long to be kept");
    }
}
