//! The flags with which HTTP is served under TLS.

use std::path::PathBuf;

use anyhow::bail;
use clap::builder::BoolishValueParser;
use impresario_transports::tls::{ClientAuth, TlsConfig};

/// With which certificate HTTP is served, and whose certificates clients show.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct TlsOptions {
    /// Serve HTTPS with the certificate chain in that file: PEM, the server's own certificate first. Certificates that
    /// are renewed there are noticed while the server runs.
    #[arg(long = "tls-cert", value_name = "PATH", env = "IMPRESARIO_TLS_CERT", requires = "key")]
    pub cert: Option<PathBuf>,
    /// The private key of the certificate: PEM, and for its owner alone.
    #[arg(long = "tls-key", value_name = "PATH", env = "IMPRESARIO_TLS_KEY", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Ask clients for a certificate of the authorities in that file (mutual TLS).
    #[arg(long = "tls-client-ca", value_name = "PATH", env = "IMPRESARIO_TLS_CLIENT_CA", requires = "cert")]
    pub client_ca: Option<PathBuf>,
    /// Let clients in that show no certificate.
    #[arg(
        long = "tls-client-optional",
        env = "IMPRESARIO_TLS_CLIENT_OPTIONAL",
        value_parser = BoolishValueParser::new()
    )]
    pub client_optional: bool,
}

impl TlsOptions {
    /// What the flags ask for; nothing without a certificate.
    pub(super) fn read(&self) -> anyhow::Result<Option<TlsConfig>> {
        let (certificates, key) = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => (cert.clone(), key.clone()),
            (None, None) if self.client_ca.is_none() => return Ok(None),
            _ => bail!("TLS needs both --tls-cert PATH and --tls-key PATH"),
        };
        if self.client_optional && self.client_ca.is_none() {
            bail!("--tls-client-optional says nothing without --tls-client-ca PATH");
        }
        let client_auth = if self.client_optional { ClientAuth::Optional } else { ClientAuth::Required };
        Ok(Some(TlsConfig { certificates, key, client_ca: self.client_ca.clone(), client_auth }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_needs_its_key_and_authorities_need_both() {
        type Expected = Result<Option<ClientAuth>, &'static str>;
        let rows: [(&[&str], Expected); 6] = [
            (&[], Ok(None)),
            (&["cert", "key"], Ok(Some(ClientAuth::Required))),
            (&["cert", "key", "ca", "optional"], Ok(Some(ClientAuth::Optional))),
            (&["cert"], Err("--tls-key")),
            (&["ca"], Err("--tls-cert")),
            (&["cert", "key", "optional"], Err("--tls-client-ca")),
        ];
        for (given, expected) in rows {
            let path = |name: &str| given.contains(&name).then(|| PathBuf::from(name));
            let options = TlsOptions {
                cert: path("cert"),
                key: path("key"),
                client_ca: path("ca"),
                client_optional: given.contains(&"optional"),
            };
            match (options.read(), expected) {
                (Ok(read), Ok(auth)) => assert_eq!(read.map(|read| read.client_auth), auth, "{given:?}"),
                (Err(error), Err(word)) => assert!(error.to_string().contains(word), "{error}"),
                (read, _) => panic!("{given:?}: {read:?}"),
            }
        }
    }
}
