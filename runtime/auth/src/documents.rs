//! What anybody may read: which authorization servers vouch for this server's callers (RFC 9728).
//!
//! Clients of 2025-03-26 look for the authorization server here itself. They are sent to where its own document is:
//! this server is none, has no endpoints of one, and repeats nobody's metadata.

use std::sync::Arc;

use impresario_engine::{Document, Place};
use impresario_outbound::Url;
use serde_json::{Map, Value, json};

use crate::canonical::{METADATA, Resource};
use crate::challenge::is_asked_for;
use crate::discovery;
use crate::issuer::{Issuer, Keys};

const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

/// The documents of every URI of this server.
#[derive(Debug, Default)]
pub(crate) struct Documents(Vec<(Resource, Arc<str>)>);

impl Documents {
    /// Writes them; none if nobody is to be named.
    pub(crate) fn write(
        resources: &[Resource],
        issuers: &[Issuer],
        scopes: &[String],
        name: Option<&str>,
    ) -> Self {
        let servers: Vec<&str> = advertised(issuers).map(|issuer| issuer.name.as_str()).collect();
        if servers.is_empty() {
            return Self::default();
        }
        let scopes: Vec<&String> = scopes.iter().filter(|scope| is_asked_for(scope)).collect();
        let write = |resource: &Resource| {
            let mut document = Map::new();
            document.insert("resource".into(), json!(resource.uri));
            document.insert("authorization_servers".into(), json!(servers));
            if !scopes.is_empty() {
                document.insert("scopes_supported".into(), json!(scopes));
            }
            document.insert("bearer_methods_supported".into(), json!(["header"]));
            if let Some(name) = name {
                document.insert("resource_name".into(), json!(name));
            }
            (resource.clone(), Value::Object(document).to_string().into())
        };
        Self(resources.iter().map(write).collect())
    }

    /// The document at that place.
    pub(crate) fn at(&self, place: &Place<'_>, issuers: &[Issuer]) -> Option<Document> {
        if place.path == AUTHORIZATION_SERVER {
            return advertised(issuers).next().and_then(metadata_url).map(Document::Elsewhere);
        }
        let rest = place.path.strip_prefix(METADATA)?;
        let here = |(resource, _): &&(Resource, Arc<str>)| is_host(resource, place.host);
        // Without a path of its own it is about whatever this server is; with one, about that alone.
        let found = if rest.is_empty() || rest == "/" {
            self.0.iter().find(here).or_else(|| self.0.first())
        } else {
            let mut same = self.0.iter().filter(|(resource, _)| resource.path == rest);
            same.clone().find(here).or_else(|| same.next())
        };
        found.map(|(_, document)| Document::Json(Arc::clone(document)))
    }

    /// Where the document is that a client at that place should read.
    pub(crate) fn url(&self, place: &Place<'_>) -> Option<String> {
        let fits = |(resource, _): &&(Resource, Arc<str>)| is_host(resource, place.host);
        let on_path = |(resource, _): &&(Resource, Arc<str>)| resource.path == place.path;
        let mut here = self.0.iter().filter(fits);
        let (resource, _) = here.clone().find(on_path).or_else(|| here.next()).or_else(|| self.0.first())?;
        Some(format!("{}{}", resource.origin, resource.metadata_path()))
    }
}

/// The issuers that clients are told of. One that shares a secret with us may be no server that a client could ask.
fn advertised(issuers: &[Issuer]) -> impl Iterator<Item = &Issuer> {
    issuers.iter().filter(|issuer| !matches!(issuer.keys, Keys::Shared(_)))
}

/// Where an issuer's own metadata is: where it was found, or where it is looked for first.
fn metadata_url(issuer: &Issuer) -> Option<Arc<str>> {
    let found = match &issuer.keys {
        Keys::Remote(remote) => remote.metadata_url(),
        Keys::Shared(_) | Keys::Fixed(_) => None,
    };
    let url = found.or_else(|| discovery::candidates(&Url::parse(&issuer.name).ok()?).into_iter().next())?;
    Some(url.as_str().into())
}

fn is_host(resource: &Resource, host: Option<&str>) -> bool {
    host.is_some_and(|host| host.eq_ignore_ascii_case(&resource.host))
}
