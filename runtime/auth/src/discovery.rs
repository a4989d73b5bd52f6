//! Where an issuer keeps its keys: said in the settings, or found by its metadata (RFC 8414, OpenID Connect Discovery).
//!
//! What a document says is believed only if it was found where the issuer's name says, and names that issuer.

use std::net::IpAddr;

use impresario_outbound::{Outbound, OutboundError, Request, StatusCode, Url};
use serde::Deserialize;

/// Why keys could not be fetched. None of the texts holds what came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("{host} answers with status {status}")]
    Status { host: String, status: u16 },
    #[error("what {host} serves is no metadata of an authorization server")]
    NotMetadata { host: String },
    #[error("the metadata at {host} names another issuer")]
    OtherIssuer { host: String },
    #[error("the metadata at {host} names a `jwks_uri` that is not https")]
    KeysNotSecure { host: String },
    #[error("{host}: {problem}")]
    Keys { host: String, problem: crate::keys::KeySetError },
    #[error("there was no answer within {after_ms} ms")]
    TooSlow { after_ms: u128 },
}

/// What of an issuer's metadata is used.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    /// Where it was found.
    pub(crate) url: Url,
    pub(crate) jwks_uri: Url,
}

/// Where the metadata of an issuer may be, in the order in which clients of MCP look too.
pub(crate) fn candidates(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    let mut all = vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        all.push(at(format!("{path}/.well-known/openid-configuration")));
    }
    all
}

/// Finds and reads the metadata of an issuer.
pub(crate) async fn discover(outbound: &Outbound, issuer: &str, at: &[Url]) -> Result<Metadata, FetchError> {
    let mut last = None;
    for url in at {
        match get(outbound, url).await {
            Ok(body) => return read(issuer, url, &body),
            // A server that has not this form of the document may have the next one. What failed otherwise would
            // fail once more.
            Err(error @ FetchError::Status { status: 400..500, .. }) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| FetchError::NotMetadata { host: issuer.to_owned() }))
}

fn read(issuer: &str, url: &Url, body: &[u8]) -> Result<Metadata, FetchError> {
    #[derive(Deserialize)]
    struct Document {
        issuer: String,
        jwks_uri: String,
    }
    let host = || url.host_str().unwrap_or_default().to_owned();
    let document: Document =
        serde_json::from_slice(body).map_err(|_| FetchError::NotMetadata { host: host() })?;
    if document.issuer != issuer {
        return Err(FetchError::OtherIssuer { host: host() });
    }
    let jwks_uri = Url::parse(&document.jwks_uri).map_err(|_| FetchError::NotMetadata { host: host() })?;
    // An issuer that is reached by https may not send us to keys that anybody on the way could have changed.
    if !(is_secure(&jwks_uri) && (jwks_uri.scheme() == "https" || url.scheme() == "http")) {
        return Err(FetchError::KeysNotSecure { host: host() });
    }
    Ok(Metadata { url: url.clone(), jwks_uri })
}

/// Reads a document.
pub(crate) async fn get(outbound: &Outbound, url: &Url) -> Result<Vec<u8>, FetchError> {
    let answer = outbound.send(Request::get(url.clone())).await?;
    if answer.status != StatusCode::OK {
        let host = url.host_str().unwrap_or_default().to_owned();
        return Err(FetchError::Status { host, status: answer.status.as_u16() });
    }
    Ok(answer.body.to_vec())
}

/// Whether nobody on the way can change what is fetched: https, or this machine itself.
pub(crate) fn is_secure(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_clients_look_too() {
        let at = |issuer: &str| -> Vec<String> {
            candidates(&Url::parse(issuer).unwrap()).into_iter().map(String::from).collect()
        };
        let with_path = [
            "https://auth.example.com/.well-known/oauth-authorization-server/t1",
            "https://auth.example.com/.well-known/openid-configuration/t1",
            "https://auth.example.com/t1/.well-known/openid-configuration",
        ];
        assert_eq!(at("https://auth.example.com/t1"), with_path);
        assert_eq!(at("https://auth.example.com/t1/"), with_path);
        let without = [
            "https://auth.example.com/.well-known/oauth-authorization-server",
            "https://auth.example.com/.well-known/openid-configuration",
        ];
        assert_eq!(at("https://auth.example.com"), without);
        assert_eq!(at("https://auth.example.com/"), without);
    }

    #[test]
    fn a_document_of_another_issuer_is_not_believed() {
        let url = Url::parse("https://attacker.example/.well-known/oauth-authorization-server").unwrap();
        let document = |issuer: &str, keys: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}"}}"#);
        let honest = document("https://honest.example", "https://honest.example/jwks");
        assert!(matches!(
            read("https://attacker.example", &url, honest.as_bytes()),
            Err(FetchError::OtherIssuer { .. })
        ));
        assert!(read("https://honest.example", &url, honest.as_bytes()).is_ok());
        for issuer in ["https://honest.example/", "https://HONEST.example", "https://honest.example:443"] {
            assert!(read(issuer, &url, honest.as_bytes()).is_err(), "{issuer}");
        }
        for keys in ["http://honest.example/jwks", "http://127.0.0.1/jwks", "file:///etc/passwd", "jwks"] {
            let document = document("https://honest.example", keys);
            assert!(read("https://honest.example", &url, document.as_bytes()).is_err(), "{keys}");
        }
        assert!(read("https://honest.example", &url, b"<html>").is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for (url, secure) in [
            ("https://a.example/", true),
            ("http://127.0.0.1:8080/", true),
            ("http://127.8.9.1/", true),
            ("http://[::1]:9/", true),
            ("http://localhost:1/", true),
            ("http://a.example/", false),
            ("http://localhost.evil.example/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://10.0.0.1/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(is_secure(&Url::parse(url).unwrap()), secure, "{url}");
        }
    }
}
