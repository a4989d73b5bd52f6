//! What a client's certificate says of it, once a handshake has verified the certificate.
//!
//! A transport reads it; who its holder is, authentication decides. Nothing of it is known before the chain was held
//! against the configured authorities and the client has proved that it has the key.

use std::fmt::Write as _;
use std::time::SystemTime;

/// A verified certificate of the peer. Names that hold anything but visible ASCII are left out of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerCertificate {
    /// The DNS names among its subject alternative names, as they were written.
    pub dns_names: Vec<String>,
    /// The URIs among them, such as a SPIFFE id.
    pub uris: Vec<String>,
    /// The e-mail addresses among them.
    pub emails: Vec<String>,
    /// The subject's common name; none where the subject has several.
    pub common_name: Option<String>,
    /// SHA-256 over the whole certificate.
    pub fingerprint_sha256: [u8; 32],
    /// It is worth nothing after that. A connection, and a session that was resumed, may outlive it.
    pub not_after: SystemTime,
}

impl PeerCertificate {
    /// The fingerprint as people write it: 64 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.fingerprint_sha256.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_as_openssl_does_without_colons() {
        let mut fingerprint_sha256 = [0; 32];
        fingerprint_sha256[0] = 0x0a;
        fingerprint_sha256[31] = 0xff;
        let certificate = PeerCertificate {
            dns_names: Vec::new(),
            uris: Vec::new(),
            emails: Vec::new(),
            common_name: None,
            fingerprint_sha256,
            not_after: SystemTime::UNIX_EPOCH,
        };
        assert_eq!(certificate.fingerprint(), format!("0a{}ff", "00".repeat(30)));
    }
}
