//! The URL of a server, as far as a client of HTTP/1.1 needs one.

use std::fmt;
use std::str::FromStr;

/// Where an HTTP server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether TLS is spoken.
    pub is_tls: bool,
    /// Name or address, an IPv6 address without its brackets.
    pub host: String,
    /// The port, given or the scheme's own.
    pub port: u16,
    /// Path and query, beginning with a slash.
    pub path: String,
}

impl Url {
    /// Host and port as the `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> String {
        let usual = if self.is_tls { 443 } else { 80 };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// The same server at another path: what the `endpoint` event of HTTP+SSE names, absolute or not.
    ///
    /// # Errors
    /// When it names another server, which a client must not follow.
    pub fn join(&self, reference: &str) -> Result<Self, String> {
        if reference.contains("://") {
            let other: Self = reference.parse()?;
            let is_same = (other.is_tls, &other.host, other.port) == (self.is_tls, &self.host, self.port);
            return is_same.then_some(other).ok_or_else(|| format!("`{reference}` is at another server"));
        }
        let path = match reference.strip_prefix('/') {
            Some(_) => reference.to_owned(),
            None => {
                let folder = self.path.split('?').next().and_then(|path| path.rsplit_once('/'));
                format!("{}/{reference}", folder.map_or("", |(folder, _)| folder))
            }
        };
        Ok(Self { path, ..self.clone() })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(out, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl FromStr for Url {
    type Err = String;

    /// Reads a URL as people write one: the scheme and the usual path `/mcp` may be missing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            |what: &str| format!("`{text}` is no URL: {what}; write one like http://127.0.0.1:8000/mcp");
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(wrong("it has spaces or control characters"));
        }
        let (is_tls, rest) = match text.split_once("://") {
            None => (false, text),
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(wrong("servers are reached by http:// or https://")),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = match path {
            "" => "/mcp".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        if authority.contains('@') {
            return Err(wrong("give credentials with --header"));
        }
        let (host, port) = host_and_port(authority).ok_or_else(|| wrong("host or port can't be read"))?;
        Ok(Self { is_tls, host, port: port.unwrap_or(if is_tls { 443 } else { 80 }), path })
    }
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.map(str::parse).transpose().ok()?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_people_write_one() {
        let rows = [
            ("http://127.0.0.1:8000/mcp", "http://127.0.0.1:8000/mcp"),
            ("127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
            ("localhost:8000/tools?key=1#x", "http://localhost:8000/tools?key=1"),
            ("https://example.com/", "https://example.com/"),
            ("https://example.com:443?key=1", "https://example.com/?key=1"),
            ("[::1]:8000", "http://[::1]:8000/mcp"),
            ("http://[::1]/x", "http://[::1]/x"),
        ];
        for (text, url) in rows {
            assert_eq!(text.parse::<Url>().map(|url| url.to_string()).as_deref(), Ok(url), "{text}");
        }
        for text in ["", "http://", "ftp://example.com", "a b", "http://u@h/", "h:99999", "[::1", "[::1]x"] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_stays_at_its_server() {
        let url: Url = "http://h:1/a/sse?x=1".parse().unwrap();
        let rows = [("/messages/?s=1", "/messages/?s=1"), ("post", "/a/post"), ("http://h:1/p", "/p")];
        for (reference, path) in rows {
            assert_eq!(url.join(reference).unwrap().path, path, "{reference}");
        }
        assert!(url.join("http://evil:1/p").is_err());
    }
}
