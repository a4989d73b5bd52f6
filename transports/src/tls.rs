//! TLS in front of HTTP, by rustls: certificates that can be exchanged while connections are served, and clients that
//! show certificates of their own.
//!
//! TLS 1.2 and 1.3, without early data (what may be replayed must not call tools) and, as rustls has none, without
//! renegotiation. Sessions are resumed by tickets whose keys change every six hours and with every reload.

mod credentials;
mod handshakes;
mod peer;
mod reload;

use std::path::PathBuf;

pub(crate) use handshakes::{Handshakes, Secured};
pub(crate) use reload::Tls;
pub use reload::TlsReloader;

/// With which certificate a server is served, and whose certificates it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate chain as PEM, the server's own certificate first.
    pub certificates: PathBuf,
    /// The private key of the first certificate as PEM: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
    /// The authorities, as PEM, whose certificates clients show (mutual TLS). Without them clients are asked for none.
    pub client_ca: Option<PathBuf>,
    /// Whether clients must show a certificate, where there are authorities for them.
    pub client_auth: ClientAuth,
}

impl TlsConfig {
    /// With that certificate and key, for clients without certificates.
    #[must_use]
    pub fn new(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificates: certificates.into(),
            key: key.into(),
            client_ca: None,
            client_auth: ClientAuth::Required,
        }
    }
}

/// Whether clients must show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Without a certificate of the authorities the handshake fails.
    #[default]
    Required,
    /// A client may come without one. One that is shown must be good all the same.
    Optional,
}

/// Why a certificate can't be served with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// A file holds nothing of what it should.
    #[error("{} has no {wanted} as PEM", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A file holds something that can't be used.
    #[error("can't use {}: {reason}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The key is another certificate's.
    #[error("the key in {} does not belong to the first certificate in {}", key.display(), certificates.display())]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificates: PathBuf,
    },
    /// No client would take the certificate any more.
    #[error("the certificate in {} expired on {not_after}; renew it", path.display())]
    Expired {
        /// The file of the certificate.
        path: PathBuf,
        /// When it expired.
        not_after: String,
    },
}

impl From<TlsError> for std::io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}
