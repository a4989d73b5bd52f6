//! What a browser must be told before a page of an allowed origin may call.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::response::{self, Answer};

/// The answer, with what tells the browser that the page may read it. The origin was checked before.
pub(super) fn allow(answer: Answer, origin: &HeaderValue) -> Answer {
    let exposed =
        HeaderValue::from_static("mcp-session-id, mcp-protocol-version, retry-after, www-authenticate");
    answer
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
        .with(VARY, HeaderValue::from_name(ORIGIN))
        .with(ACCESS_CONTROL_EXPOSE_HEADERS, exposed)
}

/// Answers a browser's question whether a page may send what it wants to send.
pub(super) fn preflight(asked: &HeaderMap) -> Answer {
    // Tools may ask for headers of their own (`Mcp-Param-…`), so what is asked for is allowed.
    let asked = asked.get(http::header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let usual = HeaderValue::from_static(
        "content-type, accept, authorization, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name",
    );
    response::bare(StatusCode::NO_CONTENT)
        .with(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"))
        .with(ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(usual))
        .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"))
}
