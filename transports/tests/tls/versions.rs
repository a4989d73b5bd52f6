//! What is agreed upon in a handshake, what is spoken after it, and how a connection ends.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::house;
use crate::http::{Http, modern_bytes};
use crate::http2::{Http2, json_of};
use crate::messages::{modern, text_of, tool};
use crate::secure::{Files, OURS, client, shake};
use crate::wait::{until, within};

const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

async fn connect(config: ClientConfig, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    shake(config, TcpStream::connect(address).await?).await
}

fn health(address: SocketAddr, end: &str) -> Vec<u8> {
    format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: {end}\r\n\r\n").into_bytes()
}

/// Everything until the other side says goodbye. Without a goodbye it is an error.
async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut text = String::new();
    within("the end", stream.read_to_string(&mut text)).await?;
    Ok(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_are_spoken_and_the_newer_one_is_agreed_upon() {
    let house = house(|_| ());
    let address = house.serve();
    let rows: [(&[_], _); 3] = [
        (&[&TLS12], ProtocolVersion::TLSv1_2),
        (&[&TLS13], ProtocolVersion::TLSv1_3),
        (&[&TLS12, &TLS13], ProtocolVersion::TLSv1_3),
    ];
    for (versions, agreed) in rows {
        let mut stream = connect(client(&OURS, versions, None, &[]), address).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(agreed));
        stream.write_all(&health(address, "close")).await.unwrap();
        // The end is told, so nobody can cut an answer short unseen.
        let answer = to_the_end(&mut stream).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_is_agreed_upon_by_those_who_know_it() {
    let house = house(|_| ());
    let address = house.serve();
    type Names = &'static [&'static [u8]];
    let rows: [(Names, Option<&[u8]>); 5] = [
        (BOTH, Some(b"h2")),
        (&[b"http/1.1", b"h2"], Some(b"h2")),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[b"http/1.0", b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ];
    for (names, agreed) in rows {
        let stream = connect(client(&OURS, rustls::ALL_VERSIONS, None, names), address).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed);
    }
    let stranger = connect(client(&OURS, rustls::ALL_VERSIONS, None, &[b"spdy/1"]), address).await;
    assert!(stranger.unwrap_err().to_string().contains("NoApplicationProtocol"));
    let mut http2 = Http2::connect(address).await;
    let answer = http2.modern(&modern(1, "tools/call", tool("echo", json!({})))).await.unwrap();
    assert_eq!(text_of(&json_of(answer).await), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_another_http_than_was_agreed_upon_gets_no_answer() {
    let house = house(|_| ());
    let address = house.serve();
    let preface = crate::frames::preface();
    let health = health(address, "close");
    for (name, bytes) in [(b"h2".as_slice(), &health), (b"http/1.1".as_slice(), &preface)] {
        let config = client(&OURS, rustls::ALL_VERSIONS, None, &[name]);
        let mut stream = connect(config, address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        assert_eq!(to_the_end(&mut stream).await.unwrap(), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_no_tls_is_sent_away_and_others_are_served() {
    let house = house(|_| ());
    let address = house.serve();
    for bytes in [health(address, "close"), crate::frames::preface(), vec![0; 300], vec![0x80, 0x2e, 1, 3, 0]]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        match within("the end", stream.read_to_end(&mut answer)).await {
            // An alert at the most.
            Ok(_) => assert!(answer.first().is_none_or(|kind| *kind == 0x15), "{answer:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        let mut http = Http::connect(address).await;
        assert_eq!(http.get("/healthz", &[]).await.head.status, 200);
    }
    until("all are gone", || house.runtime.shared().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_resumed_without_early_data() {
    let house = house(|_| ());
    let address = house.serve();
    for version in [&TLS12, &TLS13] {
        let mut config = client(&OURS, &[version], None, &[]);
        config.enable_early_data = true;
        let connector = TlsConnector::from(Arc::new(config));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
            let stream = TcpStream::connect(address).await.unwrap();
            let mut stream = connector.connect(name, stream).await.unwrap();
            stream.write_all(&health(address, "close")).await.unwrap();
            assert!(to_the_end(&mut stream).await.unwrap().ends_with("ok\n"));
            let session = stream.get_mut().1;
            assert_eq!(session.handshake_kind(), Some(kind), "{version:?}");
            assert!(session.early_data().is_none(), "{version:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_is_told() {
    // An idle connection, one that begins and stops, one that says nothing at all, and those that a shutdown ends.
    let house = house(|limits| {
        limits.keep_alive_timeout_ms = 300;
        limits.header_timeout_ms = 300;
    });
    let address = house.serve();
    for bytes in [health(address, "keep-alive"), b"GET /he".to_vec(), Vec::new()] {
        let mut stream = connect(client(&OURS, rustls::ALL_VERSIONS, None, HTTP1), address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let answer = to_the_end(&mut stream).await.unwrap();
        assert_eq!(answer.is_empty(), bytes.len() < 10, "{answer}");
    }
    let house = crate::house::house(|_| ());
    let address = house.serve();
    let mut idle = connect(client(&OURS, rustls::ALL_VERSIONS, None, HTTP1), address).await.unwrap();
    idle.write_all(&health(address, "keep-alive")).await.unwrap();
    // In this version the server has the last word of a handshake, so it knows of the connection now.
    let mut silent = connect(client(&OURS, &[&TLS12], None, HTTP1), address).await.unwrap();
    let mut head = [0; 12];
    idle.read_exact(&mut head).await.unwrap();
    house.runtime.shutdown().await;
    assert!(to_the_end(&mut idle).await.unwrap().ends_with("ok\n"));
    assert_eq!(to_the_end(&mut silent).await.unwrap(), "");
}

const HTTP1: &[&[u8]] = &[b"http/1.1"];

/// A connection whose sending half is closed under TLS alone.
#[derive(Debug)]
struct StaysOpen(TcpStream);

impl AsyncRead for StaysOpen {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(task, buffer)
    }
}

impl AsyncWrite for StaysOpen {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_only_said_that_nothing_more_comes_is_still_answered() {
    let house = house(|_| ());
    let address = house.serve();
    let connector = TlsConnector::from(Arc::new(client(&OURS, rustls::ALL_VERSIONS, None, HTTP1)));
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    let stream = StaysOpen(TcpStream::connect(address).await.unwrap());
    let mut stream = connector.connect(name, stream).await.unwrap();
    let call = modern_bytes(address, &modern(1, "tools/call", tool("hold", json!({}))));
    stream.write_all(&call).await.unwrap();
    stream.shutdown().await.unwrap();
    house.probe.begun.reaches(1).await;
    house.probe.release.add_permits(1);
    let answer = to_the_end(&mut stream).await.unwrap();
    assert!(answer.contains("held"), "{answer}");
    // Who has closed the connection has left, and takes the call back, as in the clear.
    let mut stream = connect(client(&OURS, rustls::ALL_VERSIONS, None, HTTP1), address).await.unwrap();
    stream.write_all(&call).await.unwrap();
    house.probe.begun.reaches(2).await;
    stream.shutdown().await.unwrap();
    house.probe.gone.reaches(2).await;
    assert_eq!(house.probe.done.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_says_what_it_speaks() {
    let (house, files) = (house(|_| ()), Files::good());
    let plain = HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = house.runtime.serve_http(plain.clone()).unwrap();
    assert!(server.url().starts_with("http://127.0.0.1:") && server.reloader().is_none());
    let tls = Some(files.config.clone());
    let server = house.runtime.serve_http(HttpConfig { tls, ..plain }).unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:") && server.reloader().is_some());
}
