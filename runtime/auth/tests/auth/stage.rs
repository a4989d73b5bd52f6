//! What the tests stand on: requests, a clock that they move, and settings.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use impresario_auth::{Auth, AuthSettings, ManualClock};
use impresario_engine::{Authenticator, Field, Fields, PeerCertificate, Shown, Verdict};
use serde_json::{Value, json};

/// When the tests' clock begins, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

/// What the server of the tests is called.
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";

/// A request's headers.
#[derive(Default, Clone)]
pub(crate) struct Headers(pub(crate) Vec<(String, Vec<u8>)>);

impl Headers {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
    }

    pub(crate) fn bearer(token: &str) -> Self {
        Self::of(&[("authorization", &format!("Bearer {token}"))])
    }
}

impl Fields for Headers {
    fn field(&self, name: &str) -> Field<'_> {
        let mut found = self.0.iter().filter(|(other, _)| other == name);
        match (found.next(), found.next()) {
            (None, _) => Field::Absent,
            (Some((_, value)), None) => Field::One(value),
            (Some(_), Some(_)) => Field::Repeated,
        }
    }
}

/// Authentication with a clock that the test moves.
pub(crate) struct Stage {
    pub(crate) auth: Arc<Auth>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Stage {
    pub(crate) fn open(settings: Value) -> Self {
        let settings: AuthSettings = serde_json::from_value(settings).unwrap();
        let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(NOW)));
        let auth = Auth::open_with_clock(&settings, Path::new("."), Arc::clone(&clock) as _).unwrap();
        Self { auth: Arc::new(auth), clock }
    }

    /// What a transport does: asks what is known, and has it verified otherwise.
    pub(crate) async fn ask(&self, headers: &Headers, peer: &str) -> Verdict {
        self.ask_with(headers, peer, None).await
    }

    pub(crate) async fn ask_with(
        &self,
        headers: &Headers,
        peer: &str,
        certificate: Option<&PeerCertificate>,
    ) -> Verdict {
        let peer: IpAddr = peer.parse().unwrap();
        let shown = Shown { fields: headers, peer: Some(peer), certificate };
        match self.auth.known(&shown) {
            Some(verdict) => verdict,
            None => self.auth.verify(&shown).await,
        }
    }

    /// The same with a bearer token, from an address of the test's choice.
    pub(crate) async fn bearer(&self, token: &str, peer: &str) -> Verdict {
        self.ask(&Headers::bearer(token), peer).await
    }

    /// Whether the verdict is given without being verified.
    pub(crate) fn knows(&self, token: &str) -> bool {
        let headers = Headers::bearer(token);
        let shown = Shown { fields: &headers, peer: None, certificate: None };
        matches!(self.auth.known(&shown), Some(Ok(_)))
    }
}

/// Claims that are accepted.
pub(crate) fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer,
        "sub": "ada",
        "aud": RESOURCE,
        "exp": NOW + 600,
        "iat": NOW - 100,
        "scope": "read write",
    })
}

/// Settings with one issuer whose keys are given.
pub(crate) fn with_keys(keys: &Value) -> Value {
    json!({ "resources": [RESOURCE], "issuers": [{ "issuer": "https://auth.example.com", "jwks": keys }] })
}

/// Settings with one issuer that is found by its metadata.
pub(crate) fn discovered(url: &str) -> Value {
    json!({
        "resources": [RESOURCE],
        "failures_per_minute": 1_000_000,
        "issuers": [{ "issuer": url }],
        "fetch": { "allow_private": ["127.0.0.1/32"] },
    })
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// An address of its own for each row of a table, so that no row is held up by the failures of others.
pub(crate) fn peer(row: usize) -> String {
    format!("198.51.{}.{}", row / 256, row % 256)
}
