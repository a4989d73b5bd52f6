//! With what HTTP is served under TLS: the flags, and what a config file says where they say nothing.

use std::path::PathBuf;

use anyhow::bail;
use clap::builder::BoolishValueParser;
use impresario_transports::tls::{ClientAuth, TlsConfig};

use crate::config::settings::Tls;

/// With which certificate HTTP is served, and whose certificates clients show.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct TlsOptions {
    /// Serve HTTPS with the certificate chain in that file: PEM, the server's own certificate first. Certificates that
    /// are renewed there are noticed while the server runs.
    #[arg(long = "tls-cert", value_name = "PATH", env = "IMPRESARIO_TLS_CERT")]
    pub cert: Option<PathBuf>,
    /// The private key of the certificate: PEM, and for its owner alone.
    #[arg(long = "tls-key", value_name = "PATH", env = "IMPRESARIO_TLS_KEY")]
    pub key: Option<PathBuf>,
    /// Ask clients for a certificate of the authorities in that file (mutual TLS).
    #[arg(long = "tls-client-ca", value_name = "PATH", env = "IMPRESARIO_TLS_CLIENT_CA")]
    pub client_ca: Option<PathBuf>,
    /// Let clients in that show no certificate.
    #[arg(long = "tls-client-optional", env = "IMPRESARIO_TLS_CLIENT_OPTIONAL", value_name = "BOOL",
        value_parser = BoolishValueParser::new(), num_args = 0..=1, require_equals = true,
        default_missing_value = "true", hide_possible_values = true)]
    pub client_optional: Option<bool>,
}

impl TlsOptions {
    /// These flags, and where they say nothing, the file.
    pub(super) fn over(self, file: &Tls) -> Self {
        Self {
            cert: self.cert.or_else(|| file.cert.clone()),
            key: self.key.or_else(|| file.key.clone()),
            client_ca: self.client_ca.or_else(|| file.client_ca.clone()),
            client_optional: self.client_optional.or(file.client_optional),
        }
    }

    /// What is asked for; nothing without a certificate.
    pub(super) fn read(&self) -> anyhow::Result<Option<TlsConfig>> {
        let is_optional = self.client_optional.unwrap_or(false);
        let (certificates, key) = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => (cert.clone(), key.clone()),
            (None, None) if self.client_ca.is_none() && !is_optional => return Ok(None),
            _ => bail!("TLS needs a certificate and its key: both --tls-cert PATH and --tls-key PATH"),
        };
        if is_optional && self.client_ca.is_none() {
            bail!(
                "certificates of clients are optional only where they are asked for, with --tls-client-ca PATH"
            );
        }
        let client_auth = if is_optional { ClientAuth::Optional } else { ClientAuth::Required };
        Ok(Some(TlsConfig { certificates, key, client_ca: self.client_ca.clone(), client_auth }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_needs_its_key_and_authorities_need_both() {
        type Expected = Result<Option<ClientAuth>, &'static str>;
        let rows: [(&[&str], Expected); 7] = [
            (&[], Ok(None)),
            (&["cert", "key"], Ok(Some(ClientAuth::Required))),
            (&["cert", "key", "ca", "optional"], Ok(Some(ClientAuth::Optional))),
            (&["cert"], Err("--tls-key")),
            (&["optional"], Err("--tls-cert")),
            (&["ca"], Err("--tls-cert")),
            (&["cert", "key", "optional"], Err("--tls-client-ca")),
        ];
        for (given, expected) in rows {
            let path = |name: &str| given.contains(&name).then(|| PathBuf::from(name));
            let options = TlsOptions {
                cert: path("cert"),
                key: path("key"),
                client_ca: path("ca"),
                client_optional: given.contains(&"optional").then_some(true),
            };
            match (options.read(), expected) {
                (Ok(read), Ok(auth)) => assert_eq!(read.map(|read| read.client_auth), auth, "{given:?}"),
                (Err(error), Err(word)) => assert!(error.to_string().contains(word), "{error}"),
                (read, _) => panic!("{given:?}: {read:?}"),
            }
        }
    }
}
