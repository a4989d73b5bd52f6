//! How many handshakes of TLS there are at once, and how long one may take.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use impresario_engine::Limits;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::house::{House, house};
use crate::secure::{Files, OURS, client, shake};
use crate::wait::{stays, until, within};

fn served(change: impl FnOnce(&mut Limits)) -> (House, SocketAddr, Files) {
    let (house, files) = (house(change), Files::good());
    let tls = Some(files.config.clone());
    let config = HttpConfig { tls, ..HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0))) };
    let address = house.runtime.serve_http(config).unwrap().address();
    (house, address, files)
}

/// Asks for the health over TLS, and reads to the end.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let mut stream = shake(client(&OURS, rustls::ALL_VERSIONS, None, &[b"http/1.1"]), stream).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn is_served(address: SocketAddr) {
    let answer = within("an answer over TLS", ask(address)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// The head of a handshake record, and nothing of what it announces.
const BEGUN: &[u8] = &[0x16, 3, 1, 2, 0];

async fn begun(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(BEGUN).await.unwrap();
    stream
}

/// Until the other side has closed, in whichever way.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    drop(within("it is cut", stream.read_to_end(&mut rest)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_handshakes_max_is_how_many_run_at_once() {
    const MAX: usize = 3;
    let (house, address, _files) = served(|limits| {
        limits.tls_handshakes_max = MAX as u64;
        limits.tls_handshake_timeout_ms = 60_000;
    });
    // Who says nothing takes no place.
    let mut silent = Vec::new();
    for _ in 0..2 * MAX {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let mut running = Vec::new();
    for _ in 0..MAX - 1 {
        running.push(begun(address).await);
    }
    let connections = || house.runtime.shared().connections.get();
    until("all are connected", || connections() == 3 * MAX - 1).await;
    is_served(address).await;
    running.push(begun(address).await);
    until("one more is connected", || connections() >= 3 * MAX).await;
    let mut waits = tokio::task::JoinSet::new();
    waits.spawn(async move { is_served(address).await });
    stays("one more than tls_handshakes_max waits", Duration::from_millis(300), || waits.len() == 1).await;
    assert!(waits.try_join_next().is_none(), "one more than tls_handshakes_max was served");
    drop(running.pop());
    within("it has its turn", waits.join_next()).await.unwrap().unwrap();
    drop((silent, running));
    until("all are gone", || connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_handshake_timeout_ms_cuts_one_that_is_slow() {
    const TIMEOUT_MS: u64 = 400;
    let (house, address, _files) = served(|limits| limits.tls_handshake_timeout_ms = TIMEOUT_MS);
    let since = Instant::now();
    let silent = TcpStream::connect(address).await.unwrap();
    let half = begun(address).await;
    let mut dribbling = begun(address).await;
    is_served(address).await;
    // One byte now and then does not put the end off.
    while dribbling.write_all(&[1]).await.is_ok() {
        assert!(since.elapsed() < Duration::from_secs(10), "a dribbling handshake is never cut");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    closed(silent).await;
    closed(half).await;
    assert!(since.elapsed() >= Duration::from_millis(TIMEOUT_MS - 10), "it was cut before its time");
    until("all are gone", || house.runtime.shared().connections.get() == 0).await;
    is_served(address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_handshakes_max_keeps_a_flood_from_those_who_come_in_earnest() {
    const FLOOD: usize = 200;
    let (house, address, _files) = served(|limits| {
        limits.tls_handshakes_max = 8;
        limits.tls_handshake_timeout_ms = 700;
    });
    let mut flood = Vec::new();
    for _ in 0..FLOOD {
        flood.push(begun(address).await);
    }
    // They wait behind the flood, whose time is over before theirs; one who does not make it comes again.
    let served = async {
        while ask(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    within("a client in earnest is served", served).await;
    for stream in flood {
        closed(stream).await;
    }
    until("all are gone", || house.runtime.shared().connections.get() == 0).await;
}
