//! Whom a connection over https trusts.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::fault::Fault;
use crate::plan::Trust;

/// A configuration that speaks HTTP/1.1 with whoever is trusted.
pub(super) fn config(trust: &Trust) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::plan(format!("TLS can't be set up: {error}")))?;
    let mut config = match trust {
        Trust::Native => builder.with_root_certificates(native()?).with_no_client_auth(),
        Trust::File(file) => builder.with_root_certificates(from_file(file)?).with_no_client_auth(),
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn native() -> Result<RootCertStore, Fault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Fault::plan("this machine trusts no certificate authority; name one with --cacert"));
    }
    Ok(roots)
}

fn from_file(file: &Path) -> Result<RootCertStore, Fault> {
    let fault = |reason: String| Fault::plan(format!("--cacert {}: {reason}", file.display()));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        roots.add(certificate).map_err(|error| fault(error.to_string()))?;
    }
    if roots.is_empty() { Err(fault("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

/// Takes any certificate, as `--insecure` asks for. Signatures of the handshake are still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What the system says about a handshake that failed, with advice where there is some.
pub(crate) fn advice(error: &io::Error) -> String {
    let text = error.to_string();
    if text.contains("CaUsedAsEndEntity") {
        return "the certificate is that of an authority: give the server one with basicConstraints=CA:FALSE, or trust \
                anybody with --insecure"
            .to_owned();
    }
    if text.contains("InvalidContentType") {
        return "the server does not speak TLS there; does it serve http://?".to_owned();
    }
    if text.contains("invalid peer certificate") {
        return format!("{text}; trust it with --cacert, or anybody with --insecure");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_fits_what_went_wrong() {
        let rows = [
            ("invalid peer certificate: UnknownIssuer", "--cacert"),
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "CA:FALSE"),
            ("received corrupt message of type InvalidContentType", "http://"),
            ("Connection refused", "Connection refused"),
        ];
        for (said, words) in rows {
            let advice = advice(&io::Error::other(said));
            assert!(advice.contains(words), "{said}: {advice}");
        }
    }
}
