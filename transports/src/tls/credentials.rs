//! From files to what rustls serves with: read, held against each other, and refused with a reason.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{ClientAuth, TlsConfig, TlsError};

/// What can be agreed upon, the best first.
pub(super) const ALPN_HTTP2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Reads what the configuration names.
pub(super) fn read(config: &TlsConfig) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certified = certified(config, &provider)?;
    let verifier = verifier(config, &provider)?;
    let unusable = |error: Error| unusable(&config.certificates, error.to_string());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    server.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
    // Its keys are made anew here: with other authorities, no session that the old ones let in is resumed.
    server.ticketer = ring::Ticketer::new().map_err(unusable)?;
    // A request that somebody else can send once more is none to run a tool for.
    server.max_early_data_size = 0;
    Ok(server)
}

fn certified(config: &TlsConfig, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&config.certificates)?;
    let key = key(&config.key)?;
    check_dates(&config.certificates, &chain)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { key: config.key.clone(), certificates: config.certificates.clone() }
        }
        Error::InvalidCertificate(_) => unusable(&config.certificates, error.to_string()),
        other => unusable(&config.key, other.to_string()),
    })
}

fn verifier(
    config: &TlsConfig,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(path) = &config.client_ca else { return Ok(Arc::new(NoClientAuth)) };
    let mut roots = RootCertStore::empty();
    for authority in certificates(path)? {
        roots.add(authority).map_err(|error| unusable(path, error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = match config.client_auth {
        ClientAuth::Required => builder,
        ClientAuth::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| unusable(path, error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = bytes(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| unusable(path, error.to_string()))?;
    if found.is_empty() {
        return Err(TlsError::Empty { path: path.into(), wanted: "certificate" });
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = zeroize::Zeroizing::new(bytes(path)?);
    warn_of_readers(path);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::Empty { path: path.into(), wanted: "private key" },
        other => unusable(path, other.to_string()),
    })
}

/// A key that others can read is no secret any more; whoever runs the server should know.
fn warn_of_readers(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
    if mode & 0o077 != 0 {
        let (path, mode) = (path.display(), format!("{:o}", mode & 0o777));
        tracing::warn!(%path, %mode, "others can read the key of the server's certificate; chmod 600 it");
    }
}

/// Refuses a certificate that has expired. One of tomorrow is served: clocks differ.
fn check_dates(path: &Path, chain: &[CertificateDer<'_>]) -> Result<(), TlsError> {
    let Some(own) = chain.first() else { return Ok(()) };
    let (_, own) = X509Certificate::from_der(own).map_err(|error| unusable(path, error.to_string()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let validity = own.validity();
    if validity.not_after.timestamp() < now {
        return Err(TlsError::Expired { path: path.into(), not_after: validity.not_after.to_string() });
    }
    if validity.not_before.timestamp() > now {
        let (path, not_before) = (path.display(), validity.not_before.to_string());
        tracing::warn!(%path, %not_before, "the server's certificate is not valid yet");
    }
    Ok(())
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.into(), error })
}

fn unusable(path: &Path, reason: String) -> TlsError {
    TlsError::Unusable { path: path.into(), reason }
}
