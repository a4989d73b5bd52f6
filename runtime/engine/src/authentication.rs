//! What transports know of authentication: what they hand over, what they are told, and what they answer.
//!
//! A transport decides nothing here. It shows what came with a request; the [`Authenticator`] says who it is, or why
//! nobody can tell, and what a client should do about it. Nobody gets further than the endpoint without its verdict.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use crate::principal::Principal;

/// Says who is calling. Transports call it for every request, on every route that is not public:
/// [`Authenticator::known`] first, and where that has no answer [`Authenticator::verify`].
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// The verdict, where it can be given at once: from what was verified before, or because there is nothing to
    /// verify. This is the warm path: it neither waits nor allocates.
    fn known(&self, shown: &Shown<'_>) -> Option<Verdict>;

    /// The verdict, which may take a signature or a question to an authorization server.
    ///
    /// # Cancel safety
    /// Dropping the future forgets nothing that others wait for.
    fn verify<'a>(&'a self, shown: &'a Shown<'a>) -> Verifying<'a>;

    /// The values of `WWW-Authenticate`, one header each, for a client that is turned away. None where a challenge
    /// would be of no use to it.
    fn challenge(&self, place: &Place<'_>, why: &Denied<'_>) -> Vec<String>;

    /// The public document of that path below `/.well-known/`, if there is one.
    fn document(&self, place: &Place<'_>) -> Option<Document>;
}

/// Who is calling, or why nobody can tell.
pub type Verdict = Result<Arc<Principal>, AuthRefusal>;

/// A verdict, later.
pub type Verifying<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// What came with a request that may tell who made it.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The request's headers.
    pub fields: &'a (dyn Fields + Sync),
    /// The address at the other end of the connection; none for a Unix socket. Never what a header claims.
    pub peer: Option<IpAddr>,
    /// The certificate that the connection's TLS handshake proved.
    pub certificate: Option<&'a PeerCertificate>,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers hold the credentials.
        f.debug_struct("Shown")
            .field("peer", &self.peer)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// A request's headers, as far as authentication needs them.
pub trait Fields {
    /// The header of that name, which is given in lower case.
    fn field(&self, name: &str) -> Field<'_>;
}

/// A header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The request has none of that name.
    Absent,
    /// It has one.
    One(&'a [u8]),
    /// It has several. Whoever reads one of them reads another than the next in the chain.
    Repeated,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a credential.
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::One(_) => "One(…)",
            Self::Repeated => "Repeated",
        })
    }
}

/// A client's certificate, once TLS has verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The host names of its subject alternative names.
    pub dns: Vec<String>,
    /// The URIs of its subject alternative names.
    pub uris: Vec<String>,
    /// The mail addresses of its subject alternative names.
    pub emails: Vec<String>,
    /// SHA-256 of the whole certificate.
    pub fingerprint: [u8; 32],
    /// Until when it is valid.
    pub not_after: SystemTime,
}

/// Why nobody can tell who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefusal {
    /// There is nothing that tells who it is. HTTP 401.
    #[error("this needs authentication")]
    Missing,
    /// What is there can't be understood in one way only. HTTP 400.
    #[error("{0}")]
    Malformed(&'static str),
    /// The credential is too long to be looked at. HTTP 431.
    #[error("the credential has more than {bytes_max} bytes")]
    TooLarge {
        /// What it may have.
        bytes_max: usize,
    },
    /// The credential is not accepted. HTTP 401.
    #[error("{0}")]
    Invalid(&'static str),
    /// Too many credentials from that address were not accepted. HTTP 429.
    #[error("too many failed attempts from this address")]
    TooOften {
        /// When one more is looked at.
        retry_after_ms: u64,
    },
    /// Whoever could tell does not answer. HTTP 503.
    #[error("the authorization server's keys are not available")]
    Unavailable {
        /// When it is asked again.
        retry_after_ms: u64,
    },
}

impl AuthRefusal {
    /// The HTTP status that says so.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing | Self::Invalid(_) => 401,
            Self::Malformed(_) => 400,
            Self::TooLarge { .. } => 431,
            Self::TooOften { .. } => 429,
            Self::Unavailable { .. } => 503,
        }
    }

    /// When it is worth another try.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::TooOften { retry_after_ms } | Self::Unavailable { retry_after_ms } => Some(*retry_after_ms),
            Self::Missing | Self::Malformed(_) | Self::TooLarge { .. } | Self::Invalid(_) => None,
        }
    }
}

/// What a client is turned away for.
#[derive(Debug, Clone, Copy)]
pub enum Denied<'a> {
    /// Nobody can tell who it is.
    Refused(AuthRefusal),
    /// It is known, but lacks scopes. HTTP 403.
    Scopes {
        /// Every scope that what it asked for needs: all in one challenge.
        needed: &'a [&'a str],
    },
}

/// Where a request went: a server may be known by several names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The host and port that it named, if any.
    pub host: Option<&'a str>,
    /// The path, without a query.
    pub path: &'a str,
}

/// A document that anybody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Served from here, as `application/json`.
    Json(Arc<str>),
    /// Found elsewhere. HTTP 302.
    Elsewhere(Arc<str>),
}
