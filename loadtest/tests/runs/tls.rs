//! Servers behind TLS: asked again and again, because what hangs once in a dozen runs hangs for somebody.
//!
//! Certificates are made for each test, so that no key stands in the project.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, crypto::ring};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::support::{all, ask, errors, misbehaving, reply, right};

/// A certificate of `localhost` that nobody signed but itself.
fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// A file for `--cacert` that has this certificate alone. It goes with what is returned.
fn file_of(certificate: &CertifiedKey<KeyPair>) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certificate.cert.pem()).unwrap();
    file
}

/// Speaks TLS in front of a server that does not, for as long as the future is polled.
async fn in_front_of(
    server: SocketAddr,
    certificate: &CertifiedKey<KeyPair>,
) -> (SocketAddr, impl Future<Output = ()> + use<>) {
    let key = PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
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
    let certificate = certificate();
    let trusted = file_of(&certificate);
    let (address, serve) = in_front_of(plain, &certificate).await;
    let url = format!("https://localhost:{}", address.port());
    beside(serve, async {
        for connections in (1..=20).map(|run| 1 + run % 7) {
            let trust = format!("--cacert {}", trusted.path().display());
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
    let other = file_of(&certificate());
    let (behind, serve) = in_front_of(plain, &certificate()).await;
    beside(serve, async {
        let trust = format!("--cacert {}", other.path().display());
        let fault = ask(&format!("https://{behind}"), "call act", &trust).await.unwrap_err().to_string();
        assert!(fault.contains("--cacert") && fault.contains("--insecure"), "{fault}");
        let fault =
            ask(&format!("https://{plain}"), "call act", "--insecure --timeout 5s").await.unwrap_err();
        assert_eq!(fault.exit_code(), 1, "{fault}");
    })
    .await;
}
