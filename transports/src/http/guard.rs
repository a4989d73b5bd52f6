//! Whose site is this? Host and Origin are checked on every route before anything else.
//!
//! A page on the web can make a browser send requests to a server on the same machine. The browser then names
//! the page's host (after DNS rebinding) or its origin, and that is what is refused here
//! (2026-07-28, basic/transports/streamable-http, "Security & Endpoint").

use http::StatusCode;
use http::uri::Authority;

use super::HttpConfig;
use super::head::{BadField, Head};

/// Why a request is not looked at any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not say clearly which host it is for.
    Malformed(&'static str),
    /// It is for, or from, somebody else's site.
    Forbidden(&'static str),
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Malformed(text) | Self::Forbidden(text) => text,
        }
    }
}

/// Lets a request through that is for one of our names, and from nowhere or from a site that may call.
pub(super) fn check(config: &HttpConfig, head: &Head<'_>) -> Result<(), Refusal> {
    let host = host_of(head)?;
    if !is_ours(config, &host) {
        return Err(Refusal::Forbidden("this host is not served here; allow it with --allow-host"));
    }
    match head.origin.text() {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if may_call(config, &host, origin) => Ok(()),
        Err(BadField::Repeated) => Err(Refusal::Malformed("more than one Origin header")),
        Ok(Some(_)) | Err(BadField::NotText) => {
            Err(Refusal::Forbidden("this origin may not call here; allow it with --allow-origin"))
        }
    }
}

/// Whether a page of that origin may call: our own, or one that was allowed.
fn may_call(config: &HttpConfig, host: &Authority, origin: &str) -> bool {
    let allowed = config
        .allowed_origins
        .iter()
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin));
    let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    allowed || own.is_some_and(|own| own.eq_ignore_ascii_case(host.as_str()))
}

/// The one host that a request names, in its URI (HTTP/2, absolute form) or its header.
fn host_of(head: &Head<'_>) -> Result<Authority, Refusal> {
    let header = head.host.text().map_err(|bad| match bad {
        BadField::Repeated => Refusal::Malformed("more than one Host header"),
        BadField::NotText => Refusal::Malformed("bad Host header"),
    })?;
    let header =
        header.map(|host| host.parse::<Authority>().map_err(|_| Refusal::Malformed("bad Host header")));
    let host = match (head.uri.authority(), header.transpose()?) {
        (Some(uri), Some(header)) if *uri != header => {
            return Err(Refusal::Malformed("the Host header and the request's URI disagree"));
        }
        (Some(host), _) => host.clone(),
        (None, Some(host)) => host,
        (None, None) => return Err(Refusal::Malformed("no Host header")),
    };
    if host.as_str().contains('@') {
        return Err(Refusal::Malformed("bad Host header"));
    }
    Ok(host)
}

fn is_ours(config: &HttpConfig, host: &Authority) -> bool {
    let name = host.host();
    let is_loopback = ["localhost", "127.0.0.1", "[::1]"].iter().any(|own| own.eq_ignore_ascii_case(name));
    let bound = config.address.ip();
    let is_bound = !bound.is_unspecified() && name.trim_matches(['[', ']']).parse() == Ok(bound);
    let is_allowed =
        |allowed: &String| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host.as_str());
    is_loopback || is_bound || config.allowed_hosts.iter().any(is_allowed)
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, ORIGIN};
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn checked(hosts: &[&str], origin: Option<&str>, uri: &str) -> u16 {
        let config = HttpConfig {
            allowed_hosts: vec!["mcp.example.com".into(), "other.example.com:8443".into()],
            allowed_origins: vec!["https://app.example.com".into()],
            ..HttpConfig::default()
        };
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        check(&config, &Head::of(&uri.parse().unwrap(), &headers))
            .map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
    }

    #[test]
    fn only_our_own_names_are_served() {
        for (host, status) in [
            ("127.0.0.1:8000", 200),
            ("localhost:9", 200),
            ("LocalHost", 200),
            ("[::1]:8000", 200),
            ("mcp.example.com", 200),
            ("mcp.example.com:443", 200),
            ("other.example.com:8443", 200),
            ("other.example.com:8444", 403),
            ("evil.com", 403),
            ("evil.com:8000", 403),
            ("127.0.0.1.evil.com", 403),
            ("localhost.evil.com", 403),
            ("localhost.", 403),
            ("2130706433", 403),
            ("", 400),
            ("a@127.0.0.1", 400),
            ("127.0.0.1:8000:9000", 400),
        ] {
            assert_eq!(checked(&[host], None, "/mcp"), status, "{host}");
        }
        assert_eq!(checked(&[], None, "/mcp"), 400);
        assert_eq!(checked(&["localhost", "localhost"], None, "/mcp"), 400);
        assert_eq!(checked(&["localhost"], None, "http://evil.com/mcp"), 400);
        assert_eq!(checked(&[], None, "http://evil.com/mcp"), 403);
        assert_eq!(checked(&["localhost"], None, "http://localhost/mcp"), 200);
    }

    #[test]
    fn only_our_own_origin_and_allowed_ones_may_call() {
        for (origin, status) in [
            ("http://localhost:8000", 200),
            ("https://localhost:8000", 200),
            ("https://app.example.com", 200),
            ("http://localhost:8001", 403),
            ("http://localhost", 403),
            ("http://evil.com", 403),
            ("http://localhost.evil.com", 403),
            ("http://app.example.com", 403),
            ("null", 403),
            ("", 403),
        ] {
            assert_eq!(checked(&["localhost:8000"], Some(origin), "/mcp"), status, "{origin}");
        }
    }
}
