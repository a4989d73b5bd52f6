//! Certificates that are exchanged while connections are served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use impresario_transports::Serve as _;
use impresario_transports::http::{HttpConfig, HttpServer};
use impresario_transports::tls::TlsConfig;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::{House, house, house_with};
use crate::http::Http;
use crate::secure::{Authority, Files, OURS, client};
use crate::wait::within;

fn serve(house: &House, tls: TlsConfig) -> HttpServer {
    let config = HttpConfig { tls: Some(tls), ..HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0))) };
    house.runtime.serve_http(config).unwrap()
}

fn trusting() -> Arc<ClientConfig> {
    Arc::new(client(&OURS, rustls::ALL_VERSIONS, None, &[b"http/1.1"]))
}

/// Asks for the health and reads to the end; what is returned is over.
async fn ask(config: &Arc<ClientConfig>, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    let stream = TcpStream::connect(address).await?;
    let mut stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await?;
    assert!(answer.ends_with("ok\n"), "{answer}");
    Ok(stream)
}

/// The certificate that a new connection gets.
async fn shown(address: SocketAddr) -> CertificateDer<'static> {
    let stream = ask(&trusting(), address).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_exchanged_under_traffic() {
    const CLIENTS: usize = 4;
    const EXCHANGES: usize = 20;
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    let files = Files::good();
    let server = serve(&house, files.config.clone());
    let (address, reloader) = (server.address(), server.reloader().unwrap());
    let mut kept = Http::connect(address).await;
    assert_eq!(kept.get("/healthz", &[]).await.head.status, 200);
    let (is_over, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (config, is_over, asked) = (trusting(), Arc::clone(&is_over), Arc::clone(&asked));
        clients.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                ask(&config, address).await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    for _ in 0..EXCHANGES {
        let next = OURS.sign(|_| ());
        files.put(&next);
        reloader.reload().unwrap();
        assert_eq!(shown(address).await, *next.certificate.der());
    }
    let before = asked.load(Ordering::SeqCst);
    crate::wait::until("the clients go on", || asked.load(Ordering::SeqCst) >= before + CLIENTS).await;
    is_over.store(true, Ordering::SeqCst);
    while let Some(done) = within("the clients end", clients.join_next()).await {
        done.unwrap();
    }
    // Who was there before has kept its connection.
    assert_eq!(kept.get("/healthz", &[]).await.head.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_changes_nothing_and_says_why() {
    let (house, first) = (house(|_| ()), OURS.sign(|_| ()));
    let files = Files::of(&first);
    let server = serve(&house, files.config.clone());
    let reloader = server.reloader().unwrap();
    let next = OURS.sign(|_| ());
    let expired = OURS.sign(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let bad = [
        ("chain.pem", "no certificate".to_owned(), "chain.pem has no certificate"),
        ("chain.pem", next.certificate.pem(), "key.pem does not belong to the first certificate"),
        ("key.pem", "no key".to_owned(), "key.pem has no private key"),
        ("chain.pem", expired.certificate.pem(), "expired on"),
    ];
    for (name, text, reason) in bad {
        files.put(&first);
        files.write(name, &text);
        let error = reloader.reload().unwrap_err().to_string();
        assert!(error.contains(reason), "{error} should say {reason}");
        assert_eq!(shown(server.address()).await, *first.certificate.der());
    }
    files.put(&next);
    reloader.reload().unwrap();
    assert_eq!(shown(server.address()).await, *next.certificate.der());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_change_are_noticed_also_when_they_are_wrong_for_a_while() {
    let (house, files) = (house(|_| ()), Files::good());
    let server = serve(&house, files.config.clone());
    for _ in 0..2 {
        let next = OURS.sign(|_| ());
        files.write("chain.pem", &next.certificate.pem());
        // It answers all along.
        shown(server.address()).await;
        files.write("key.pem", &next.key.serialize_pem());
        let is_served = async {
            while shown(server.address()).await != *next.certificate.der() {
                tokio::task::yield_now().await;
            }
        };
        within("what was put there is served", is_served).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorities_that_are_exchanged_let_nobody_in_by_an_old_session() {
    let (house, files) = (house(|_| ()), Files::good());
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let client_ca = Some(files.write("clients.pem", &before.pem()));
    let server = serve(&house, TlsConfig { client_ca, ..files.config.clone() });
    for versions in [[&rustls::version::TLS12], [&rustls::version::TLS13]] {
        files.write("clients.pem", &before.pem());
        server.reloader().unwrap().reload().unwrap();
        let with = |authority: &Authority| {
            let signed = authority.sign(|_| ());
            Arc::new(client(&OURS, &versions, Some(&signed), &[b"http/1.1"]))
        };
        let (old, new) = (with(&before), with(&after));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let stream = ask(&old, server.address()).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
        }
        assert!(ask(&new, server.address()).await.is_err());
        files.write("clients.pem", &after.pem());
        server.reloader().unwrap().reload().unwrap();
        assert!(ask(&old, server.address()).await.is_err());
        ask(&new, server.address()).await.unwrap();
    }
}
