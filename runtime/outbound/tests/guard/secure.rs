//! TLS: only who can prove its name is spoken to, and the operator may name authorities of its own.

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use impresario_outbound::{Fault, Outbound, OutboundConfig, OutboundError, Rules};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::get;
use crate::stage::{ALLOWED, ByLetter, read_request, respond};

/// A server with a certificate of its own making for `name.a`: its port, and the certificate in PEM.
fn start() -> (u16, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["name.a".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((ALLOWED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = BufReader::new(StreamOwned::new(connection, stream));
            if let Ok(Some(_request)) = read_request(&mut tls) {
                respond(tls.get_mut(), "200 OK", "connection: close\r\n", "proved");
                tls.get_mut().conn.send_close_notify();
                let _gone = tls.get_mut().flush();
            }
        }
    });
    (port, cert.pem())
}

#[tokio::test]
async fn only_a_server_that_proves_its_name_is_spoken_to() {
    let (port, pem) = start();
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let client = |ca_file| {
        let rules = Rules::default().ports([port]).private([ALLOWED.to_string()]).unwrap();
        let config = OutboundConfig { rules, ca_file, ..OutboundConfig::default() };
        Outbound::with_resolver(&config, Arc::new(ByLetter)).unwrap()
    };
    let url = format!("https://name.a:{port}/");

    let stranger = get(&client(None), &url).await.unwrap_err();
    assert!(matches!(stranger, OutboundError::Insecure { .. }), "{stranger:?}");
    assert_eq!((stranger.fault(), stranger.is_transient()), (Fault::Upstream, false));

    let known = client(Some(ca_file));
    assert_eq!(get(&known, &url).await.unwrap(), "proved");
    let other_name = get(&known, &format!("https://other.a:{port}/")).await.unwrap_err();
    assert!(matches!(other_name, OutboundError::Insecure { .. }), "{other_name:?}");
}

#[test]
fn a_file_without_certificates_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("empty.pem");
    std::fs::write(&ca_file, "nothing").unwrap();
    let error =
        Outbound::new(&OutboundConfig { ca_file: Some(ca_file), ..OutboundConfig::default() }).unwrap_err();
    assert!(error.to_string().contains("no certificate"), "{error}");
}
