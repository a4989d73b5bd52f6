//! What is asked, and what comes back.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// What is asked. Its URL is checked when it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// With what.
    pub url: Url,
    /// Values that are marked as sensitive never go to another host than the URL's.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// The time it has, where that is less than the client's own.
    pub timeout: Option<Duration>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether it went well.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Where it came from, after all redirects.
    pub url: Url,
}

impl Request {
    /// A request of that method.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), timeout: None }
    }

    /// A request for what stands there.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }
}
