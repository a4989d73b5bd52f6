//! How many connections there are, and what becomes of readers that take nothing.

use std::net::SocketAddr;
use std::time::Duration;

use impresario_engine::Runtime;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use serde_json::json;
use tokio::net::TcpStream;

use crate::house::{House, Probe, house, tools};
use crate::http::{Http, modern_bytes};
use crate::messages::{meta, modern, text_of, tool};
use crate::wait::{stays, until, within};

/// Sends a health check on a connection that may have to wait for its place.
async fn ask_health(http: &mut Http) {
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", http.address());
    http.send(request.as_bytes()).await;
}

async fn is_served(http: &mut Http) {
    ask_health(http).await;
    assert_eq!(http.answer().await.head.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_max_is_how_many_are_served_at_once() {
    const MAX: usize = 3;
    let house = house(|limits| limits.connections_max = MAX as u64);
    let address = house.serve();
    let mut open = Vec::new();
    for _ in 0..MAX {
        let mut http = Http::connect(address).await;
        is_served(&mut http).await;
        open.push(http);
    }
    let mut waits = Http::connect(address).await;
    ask_health(&mut waits).await;
    let answered = tokio::time::timeout(Duration::from_millis(200), waits.head()).await;
    assert!(answered.is_err(), "one more than connections_max is served: {answered:?}");
    drop(open.pop());
    let head = waits.head().await;
    assert_eq!(head.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_max_is_shared_by_the_lanes_wherever_connections_land() {
    const MAX: usize = 2;
    let probe = std::sync::Arc::<Probe>::default();
    let limits = impresario_engine::Limits { connections_max: MAX as u64, ..Default::default() };
    let runtime = Runtime::builder().lanes(2).limits(limits).tools(tools(&probe)).start().unwrap();
    let address =
        runtime.serve_http(HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap().address();
    // Which lane a connection comes to is the kernel's choice; one after the other, all are served.
    for round in 0..20 {
        let mut http = Http::connect(address).await;
        within(&format!("connection {round}, the only one, is served"), is_served(&mut http)).await;
        let mut second = Http::connect(address).await;
        within(&format!("connection {round}, the second of two, is served"), is_served(&mut second)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backlog_connections_max_is_how_many_wait_for_a_place() {
    // The kernel lets one more wait than it is told, and the lane holds one that it has accepted.
    const SLACK: usize = 2;
    for backlog in [1_usize, 4] {
        let house = house(|limits| {
            limits.connections_max = 1;
            limits.backlog_connections_max = backlog as u64;
        });
        let address = house.serve();
        let mut served = Http::connect(address).await;
        is_served(&mut served).await;
        let mut waiting = Vec::new();
        for _ in 0..backlog + SLACK + 3 {
            let connected =
                tokio::time::timeout(Duration::from_millis(150), TcpStream::connect(address)).await;
            waiting.extend(connected.ok().and_then(Result::ok));
        }
        assert!((backlog..=backlog + SLACK).contains(&waiting.len()), "{} wait of {backlog}", waiting.len());
        is_served(&mut served).await;
        drop((served, waiting));
        is_served(&mut Http::connect(address).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_keep_alive_ms_is_how_long_a_stream_stays_quiet() {
    let call = modern(1, "tools/call", tool("hold", json!({})));
    let brisk = house(|limits| limits.sse_keep_alive_ms = 50);
    let mut http = Http::connect(brisk.serve()).await;
    http.send(&modern_bytes(http.address(), &call)).await;
    let head = http.head().await;
    assert!(head.is_stream());
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    for _ in 0..3 {
        let comment = http.chunk().await.unwrap().unwrap();
        assert!(comment.starts_with(b":"), "{comment:?}");
    }
    brisk.probe.release.add_permits(1);
    assert_eq!(text_of(&http.event().await.unwrap()), "held");
    assert_eq!(http.event().await, None);
    // Below it nothing is sent, and the answer is no stream.
    let patient = house(|limits| limits.sse_keep_alive_ms = 30_000);
    let mut http = Http::connect(patient.serve()).await;
    http.send(&modern_bytes(http.address(), &call)).await;
    patient.probe.begun.reaches(1).await;
    patient.probe.release.add_permits(1);
    let answer = http.answer().await;
    assert!(!answer.head.is_stream());
    assert_eq!(text_of(&answer.json()), "held");
}

/// More than what the sockets of both sides hold.
const MUCH: usize = 12 << 20;

fn blob(size: usize) -> serde_json::Value {
    modern(1, "tools/call", tool("blob", json!({ "size": size })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_send_stall_ms_cuts_a_reader_that_takes_nothing() {
    let house = house(|limits| limits.sse_send_stall_ms = 300);
    let address = house.serve();
    let connections = || house.runtime.shared().connections.get();
    let mut stalled = Http::connect_narrow(address).await;
    let bytes = modern_bytes(address, &blob(MUCH));
    stalled.send(&bytes).await;
    let mut reading = Http::connect_narrow(address).await;
    reading.send(&bytes).await;
    assert_eq!(text_of(&reading.answer().await.json()).len(), MUCH);
    drop(reading);
    until("the reader that takes nothing is cut", || connections() == 0).await;
    assert!(stalled.closed().await.len() < MUCH);
    is_served(&mut Http::connect(address).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_send_stall_ms_spares_a_reader_that_comes_back_in_time() {
    let house = house(|limits| limits.sse_send_stall_ms = 20_000);
    let address = house.serve();
    let mut late = Http::connect_narrow(address).await;
    late.send(&modern_bytes(address, &blob(MUCH))).await;
    let connections = || house.runtime.shared().connections.get();
    until("it is connected", || connections() == 1).await;
    stays("the reader is not cut", Duration::from_millis(300), || connections() == 1).await;
    assert_eq!(text_of(&late.answer().await.json()).len(), MUCH);
}

/// A call that logs `logs` messages of `bytes` bytes at once.
fn logs(logs: usize, bytes: usize) -> serde_json::Value {
    let mut params = tool("say", json!({ "logs": logs, "bytes": bytes }));
    params["_meta"] = meta();
    params["_meta"]["io.modelcontextprotocol/logLevel"] = json!("info");
    modern(1, "tools/call", params)
}

/// How many log messages come of a call, and whether its answer does.
async fn told(house: &House, call: &serde_json::Value) -> (usize, bool) {
    let mut http = Http::connect(house.serve()).await;
    http.send(&modern_bytes(http.address(), call)).await;
    let head = http.head().await;
    let (mut count, mut answered) = (0, false);
    if !head.is_stream() {
        let body = http.body(&head).await;
        return (0, body.contains("said"));
    }
    while let Ok(Some(chunk)) = http.chunk().await {
        let chunk = String::from_utf8(chunk).unwrap();
        count += chunk.matches("notifications/message").count();
        answered |= chunk.contains("said");
    }
    (count, answered)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_bytes_max_bounds_what_one_stream_has_unsent() {
    const MAX: usize = 64 * 1024;
    /// What a log message is around its text, at the most.
    const AROUND: usize = 512;
    let house = house(|limits| limits.out_bytes_max = MAX as u64);
    const COUNT: usize = 8;
    for bytes in [MAX / COUNT / 2, MAX / COUNT - AROUND] {
        assert_eq!(told(&house, &logs(COUNT, bytes)).await, (COUNT, true), "{bytes} bytes each");
    }
    // All of it was unsent at once: the reader has fallen behind, and is cut or told less.
    let (count, _) = told(&house, &logs(COUNT, 2 * MAX / COUNT)).await;
    assert!(
        count < COUNT,
        "{count} messages of {} bytes were kept, with out_bytes_max at {MAX}",
        2 * MAX / COUNT
    );
    assert_eq!(told(&house, &logs(1, 10)).await, (1, true));
}
