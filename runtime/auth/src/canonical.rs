//! The URIs that a server is known by, written in one way: RFC 8707's resource identifiers.

use impresario_outbound::Url;

use crate::discovery::is_secure;

/// Where the metadata of a protected resource is (RFC 9728).
pub(crate) const METADATA: &str = "/.well-known/oauth-protected-resource";

/// A URI of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// As it is told to clients: scheme and host in lower case, no slash at the end.
    pub(crate) uri: String,
    /// Scheme and authority.
    pub(crate) origin: String,
    /// Host, and port if it is not the scheme's own: what a `Host` header holds.
    pub(crate) host: String,
    /// Empty, or with a slash at the start and none at the end.
    pub(crate) path: String,
}

impl Resource {
    /// Reads a URI from the settings.
    pub(crate) fn read(written: &str) -> Result<Self, String> {
        let wanted =
            || format!("write an absolute URI such as `https://mcp.example.com/mcp`, not `{written}`");
        let url = Url::parse(written).map_err(|_| wanted())?;
        if url.fragment().is_some() || url.query().is_some() || !url.username().is_empty() {
            return Err("a URI of this server has no user, query or fragment".to_owned());
        }
        if !is_secure(&url) {
            return Err(format!("`{written}` must be https: only loopback addresses go without"));
        }
        let uri = normalise(written);
        let (origin, path) = split(&uri).ok_or_else(wanted)?;
        let host = host_of(&url).ok_or_else(wanted)?;
        Ok(Self { origin: origin.to_owned(), host, path: path.to_owned(), uri })
    }

    /// Where the metadata of this resource is by its own path.
    pub(crate) fn metadata_path(&self) -> String {
        format!("{}{}", METADATA, self.path)
    }
}

fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Scheme and host in lower case, no slash at the end. Everything else is left as it is: what reads two URIs as one too
/// freely accepts tokens that were issued for somebody else.
pub(crate) fn normalise(uri: &str) -> String {
    let uri = uri.strip_suffix('/').unwrap_or(uri);
    match split(uri) {
        Some((origin, path)) => format!("{}{path}", origin.to_ascii_lowercase()),
        None => uri.to_owned(),
    }
}

/// Scheme with authority, and path.
fn split(uri: &str) -> Option<(&str, &str)> {
    let begin = uri.find("://")? + 3;
    let end = uri[begin..].find('/').map_or(uri.len(), |at| begin + at);
    Some(uri.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_uri_are_one_and_others_are_others() {
        let ours = normalise("https://mcp.example.com/Mcp");
        for same in ["https://MCP.example.COM/Mcp", "HTTPS://mcp.example.com/Mcp/"] {
            assert_eq!(normalise(same), ours, "{same}");
        }
        for other in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com/Mcp//",
            "https://mcp.example.com/x/../Mcp",
            "https://mcp.example.com/%4dcp",
            "https://mcp.example.com:443/Mcp",
            "http://mcp.example.com/Mcp",
            "https://mcp.example.com",
            "https://mcp.example.com.evil.org/Mcp",
            "https://mcp.example.com/Mcp#a",
            "mcp.example.com/Mcp",
            "",
        ] {
            assert_ne!(normalise(other), ours, "{other}");
        }
        assert_eq!(normalise("https://mcp.example.com/"), "https://mcp.example.com");
    }

    #[test]
    fn a_uri_of_the_settings_is_taken_apart_or_refused() {
        let resource = Resource::read("https://MCP.example.com:8443/server/mcp/").unwrap();
        assert_eq!(resource.uri, "https://mcp.example.com:8443/server/mcp");
        assert_eq!(resource.origin, "https://mcp.example.com:8443");
        assert_eq!(resource.host, "mcp.example.com:8443");
        assert_eq!(resource.metadata_path(), "/.well-known/oauth-protected-resource/server/mcp");
        let root = Resource::read("https://mcp.example.com/").unwrap();
        assert_eq!((root.path.as_str(), root.host.as_str()), ("", "mcp.example.com"));
        assert!(Resource::read("http://127.0.0.1:3000/mcp").is_ok());
        for wrong in [
            "",
            "mcp.example.com",
            "https://a#b",
            "https://a?b",
            "https://u@a/",
            "http://mcp.example.com/mcp",
        ] {
            assert!(Resource::read(wrong).is_err(), "{wrong}");
        }
    }
}
