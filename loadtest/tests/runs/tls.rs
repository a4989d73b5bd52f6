//! Servers behind TLS: asked again and again, because what hangs once in a dozen runs hangs for somebody.
//!
//! The certificate and its key stand in `tls/`; they are for these tests alone and protect nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto::ring};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::support::{all, ask, errors, misbehaving, reply, right};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runs/tls");

/// Speaks TLS in front of a server that does not, for as long as the future is polled.
async fn in_front_of(server: SocketAddr) -> (SocketAddr, impl Future<Output = ()>) {
    let certificates = CertificateDer::pem_file_iter(Path::new(FOLDER).join("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(Path::new(FOLDER).join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates.map(Result::unwrap).collect(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async move {
        let mut served = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            served.spawn(async move {
                // Who leaves before the handshake, or in the middle, is a client like any other.
                let mut from = acceptor.accept(stream).await.ok()?;
                let mut to = TcpStream::connect(server).await.ok()?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await.ok()
            });
        }
    };
    (address, serve)
}

/// Asks while the server serves.
async fn beside(serve: impl Future<Output = ()>, asking: impl Future<Output = ()>) {
    tokio::select! {
        () = serve => panic!("the server ended"),
        () = asking => {}
    }
}

#[tokio::test]
async fn a_server_behind_tls_is_measured_every_time() {
    let plain = misbehaving(|seen, stream| reply(stream, 200, &right(&seen.id)));
    let (address, serve) = in_front_of(plain).await;
    let url = format!("https://localhost:{}", address.port());
    beside(serve, async {
        for connections in (1..=20).map(|run| 1 + run % 7) {
            let trust = format!("--cacert {FOLDER}/certificate.pem");
            let flags = format!("--connections {connections} --warm-up 0s --count 30 {trust}");
            let result = ask(&url, "call act", &flags).await.unwrap();
            assert_eq!((all(&result).answers, errors(&result)), (30, Vec::new()), "{connections}");
        }
        let flags = "--connections 2 --warm-up 0s --count 30 --insecure";
        let result = ask(&url, "call act", flags).await.unwrap();
        assert_eq!(all(&result).answers, 30);
    })
    .await;
}

#[tokio::test]
async fn who_is_not_trusted_is_a_fault_that_says_what_to_do() {
    let plain = misbehaving(|_, _| false);
    let (behind, serve) = in_front_of(plain).await;
    beside(serve, async {
        let trust = format!("--cacert {FOLDER}/other.pem");
        let fault = ask(&format!("https://{behind}"), "call act", &trust).await.unwrap_err().to_string();
        assert!(fault.contains("--cacert") && fault.contains("--insecure"), "{fault}");
        let fault =
            ask(&format!("https://{plain}"), "call act", "--insecure --timeout 5s").await.unwrap_err();
        assert_eq!(fault.exit_code(), 1, "{fault}");
    })
    .await;
}
