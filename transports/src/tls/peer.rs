//! What a client's certificate says, read after rustls has verified it.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use impresario_engine::PeerCertificate;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Reads a certificate. One that this reader can't follow is refused, although rustls could: what two readers
/// understand differently identifies nobody.
pub(super) fn read(certificate: &CertificateDer<'_>) -> io::Result<PeerCertificate> {
    let refused = |reason: String| {
        io::Error::new(io::ErrorKind::InvalidData, format!("can't read the client's certificate: {reason}"))
    };
    let (rest, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| refused(error.to_string()))?;
    if !rest.is_empty() {
        return Err(refused("something follows it".to_owned()));
    }
    let mut read = PeerCertificate {
        dns: Vec::new(),
        uris: Vec::new(),
        emails: Vec::new(),
        fingerprint: Sha256::digest(certificate).into(),
        not_after: time(parsed.validity().not_after.timestamp()),
    };
    let names = parsed.subject_alternative_name().map_err(|error| refused(error.to_string()))?;
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        match name {
            GeneralName::DNSName(name) => keep(&mut read.dns, name),
            GeneralName::URI(uri) => keep(&mut read.uris, uri),
            GeneralName::RFC822Name(email) => keep(&mut read.emails, email),
            _ => {}
        }
    }
    Ok(read)
}

/// Keeps a name that everybody reads as the same: a zero byte in it ends it for some.
fn keep(names: &mut Vec<String>, name: &str) {
    if is_visible(name) {
        names.push(name.to_owned());
    }
}

fn is_visible(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.not_after = rcgen::date_time_ymd(2030, 1, 2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn names_are_told_apart_by_their_kind() {
        let names = vec![
            SanType::DnsName("agent.example.com".try_into().unwrap()),
            SanType::URI("spiffe://example.com/agent".try_into().unwrap()),
            SanType::Rfc822Name("agent@example.com".try_into().unwrap()),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ];
        let der = certificate(names);
        let read = read(&der).unwrap();
        assert_eq!(read.dns, ["agent.example.com"]);
        assert_eq!(read.uris, ["spiffe://example.com/agent"]);
        assert_eq!(read.emails, ["agent@example.com"]);
        assert_eq!(read.fingerprint, <[u8; 32]>::from(Sha256::digest(&der)));
        // 2030-01-02T00:00:00Z.
        assert_eq!(read.not_after, UNIX_EPOCH + Duration::from_secs(1_893_542_400));
    }

    #[test]
    fn a_name_that_can_be_read_in_two_ways_is_left_out() {
        let names = vec![
            SanType::DnsName("admin\0.example.com".try_into().unwrap()),
            SanType::DnsName("good.example.com".try_into().unwrap()),
            SanType::URI("spiffe://example.com/a b".try_into().unwrap()),
        ];
        let read = read(&certificate(names)).unwrap();
        assert_eq!(read.dns, ["good.example.com"]);
        assert!(read.uris.is_empty(), "{read:?}");
    }

    #[test]
    fn a_certificate_without_names_has_none_and_one_that_is_cut_is_refused() {
        let der = certificate(Vec::new());
        let read_whole = read(&der).unwrap();
        assert!(read_whole.dns.is_empty() && read_whole.uris.is_empty());
        let cut = CertificateDer::from(der[..der.len() - 1].to_vec());
        assert!(read(&cut).is_err());
        let longer = CertificateDer::from([der.as_ref(), b"x"].concat());
        assert!(read(&longer).is_err());
    }
}
