//! The end of the house: what runs may finish within the window, the rest is told, and nothing new begins.

use std::time::{Duration, Instant};

use impresario_engine::Runtime;
use impresario_protocol::{ErrorKind, ListenFilter};
use impresario_transports::Serve as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::house::{House, house, house_with};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::http2::Http2;
use crate::messages::{LEGACY, error_of, legacy, modern, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::{until, within};

/// Begins to shut down; what is returned tells how long it took.
async fn close(runtime: &Runtime) -> JoinSet<Duration> {
    let mut closing = JoinSet::new();
    let runtime = runtime.clone();
    let handle = runtime.clone();
    closing.spawn(async move {
        let begun = Instant::now();
        runtime.shutdown().await;
        begun.elapsed()
    });
    until("the closing has begun", || !handle.is_ready()).await;
    closing
}

async fn took(mut closing: JoinSet<Duration>) -> Duration {
    within("the shutdown returns", closing.join_next()).await.unwrap().unwrap()
}

fn hold(id: &str) -> Value {
    modern(id, "tools/call", tool("hold", json!({})))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_fit_the_window_are_answered_on_every_transport() {
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let mut legacy_http = Http::connect(address).await;
    let session = LegacySession::open(&mut legacy_http, LEGACY).await;
    let (mut lines, mut legacy_lines) = (Pipe::open(&house.runtime), Pipe::open_legacy(&house.runtime).await);
    let client = house.runtime.connect().await.unwrap();
    let mut http2 = Http2::connect(address).await;
    let call = legacy("a", "tools/call", tool("hold", json!({})));
    http.send(&modern_bytes(address, &hold("a"))).await;
    legacy_http.send(&session.bytes(address, &call)).await;
    lines.send(&hold("a")).await;
    legacy_lines.send(&call).await;
    let running = client.start_tool("hold", json!({})).unwrap();
    let mut over_http2 = JoinSet::new();
    over_http2.spawn(http2.modern(&hold("a")));
    const CALLS: usize = 6;
    house.probe.begun.reaches(CALLS).await;
    let closing = close(&house.runtime).await;
    house.probe.release.add_permits(CALLS);
    assert_eq!(text_of(&http.answer().await.json()), "held");
    assert_eq!(text_of(&legacy_http.answer().await.json()), "held");
    assert_eq!(text_of(&lines.next().await.unwrap()), "held");
    assert_eq!(text_of(&legacy_lines.next().await.unwrap()), "held");
    assert!(!running.result().await.unwrap().is_error);
    let answer = over_http2.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(text_of(&crate::http2::json_of(answer).await), "held");
    let took = took(closing).await;
    assert!(took < Duration::from_secs(10), "it waits for nothing that is there no more: {took:?}");
    assert_eq!(http.closed().await, b"");
    assert_eq!(lines.next().await, None);
    lines.ended().await;
    legacy_lines.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_do_not_fit_are_told_so_and_the_shutdown_returns_in_time() {
    let house = house_with(|limits| limits.drain_timeout_ms = 200, |builder, _| builder.lanes(2));
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let mut threads = Http::connect(address).await;
    let mut lines = Pipe::open(&house.runtime);
    let client = house.runtime.connect().await.unwrap();
    http.send(&modern_bytes(address, &hold("a"))).await;
    threads.send(&modern_bytes(address, &modern(1, "tools/call", tool("hold_thread", json!({}))))).await;
    lines.send(&hold("a")).await;
    let running = client.start_tool("watch", json!({ "ms": 0 })).unwrap();
    house.probe.begun.reaches(4).await;
    let closing = close(&house.runtime).await;
    for http in [&mut http, &mut threads] {
        let answer = http.answer().await;
        assert_eq!(answer.head.status, 503);
        assert_eq!(error_of(&answer.json()).0, 50300);
    }
    assert_eq!(error_of(&lines.next().await.unwrap()).0, 50300);
    assert_eq!(running.result().await.unwrap_err().kind, ErrorKind::ShuttingDown);
    let took = took(closing).await;
    assert!((200..5_000).contains(&took.as_millis()), "{took:?}");
    lines.ended().await;
    house.probe.open();
    // The thread itself can't be ended; it comes back by itself.
    house.probe.gone.reaches(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_still_wait_for_a_worker_are_told_so_too() {
    let house = house(|limits| {
        limits.drain_timeout_ms = 100;
        limits.pool_workers = 1;
        limits.cancel_grace_ms = 20_000;
    });
    let mut lines = Pipe::open(&house.runtime);
    // It takes its grace to the full, so the one behind it never gets the worker.
    lines.send(&modern("first", "tools/call", tool("watch", json!({ "ms": 15_000 })))).await;
    lines.send(&hold("waits")).await;
    house.calls_are(2).await;
    let closing = close(&house.runtime).await;
    for _ in 0..2 {
        assert_eq!(error_of(&lines.next().await.expect("each call is answered")).0, 50300);
    }
    assert!(took(closing).await < Duration::from_secs(5));
    assert_eq!(house.probe.begun.get(), 1, "nothing begins at the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_listen_get_their_completion_result() {
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    let address = house.serve();
    let listen =
        modern("l", "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let mut http = Http::connect(address).await;
    http.send(&modern_bytes(address, &listen)).await;
    assert!(http.head().await.is_stream());
    let acknowledged = "notifications/subscriptions/acknowledged";
    assert_eq!(http.event().await.unwrap()["method"], json!(acknowledged));
    let mut lines = Pipe::open(&house.runtime);
    assert_eq!(lines.ask(&listen).await["method"], json!(acknowledged));
    let client = house.runtime.connect().await.unwrap();
    let heard = client.listen(ListenFilter { tools: true, ..ListenFilter::default() });
    let mut get = Http::connect(address).await;
    let session = LegacySession::open(&mut get, LEGACY).await;
    assert_eq!(session.stream(&mut get).await.status, 200);

    let closing = close(&house.runtime).await;
    for answer in [http.event().await.unwrap(), lines.next().await.unwrap()] {
        assert_eq!(answer["id"], json!("l"), "{answer}");
        assert_eq!(answer["result"]["resultType"], json!("complete"));
        assert_eq!(answer["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], json!("l"));
    }
    assert_eq!(http.event().await, None);
    assert_eq!(get.event().await, None, "a session's stream ends without an answer");
    assert_eq!(within("it is told", heard.next_change()).await, impresario_engine::hub::Change::Closed);
    assert!(took(closing).await < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_is_taken_once_it_closes() {
    let house = house(|_| ());
    let address = house.serve();
    let mut lines = Pipe::open(&house.runtime);
    let client = house.runtime.connect().await.unwrap();
    let mut idle = Http::connect(address).await;
    assert_eq!(idle.get("/readyz", &[]).await.head.status, 200);
    lines.send(&hold("a")).await;
    house.probe.begun.reaches(1).await;
    let closing = close(&house.runtime).await;
    assert_eq!(idle.closed().await, b"", "an idle connection is closed");
    until_refused(address).await;
    let refusal = client.call_tool("echo", json!({})).await.unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::ShuttingDown);
    lines.send(&modern("b", "tools/call", tool("echo", json!({})))).await;
    house.probe.release.add_permits(1);
    let mut answers = Vec::new();
    while let Some(answer) = lines.next().await {
        answers.push(answer);
    }
    let held = answers.iter().find(|answer| answer["id"] == json!("a")).unwrap();
    assert_eq!(text_of(held), "held");
    for refused in answers.iter().filter(|answer| answer["id"] == json!("b")) {
        assert_eq!(error_of(refused).0, 50300);
    }
    assert!(took(closing).await < Duration::from_secs(5));
    assert_eq!(house.probe.begun.get(), 1, "nothing new was executed");
    assert_eq!(client.call_tool("echo", json!({})).await.unwrap_err().kind, ErrorKind::ShuttingDown);
    assert_eq!(house.runtime.connect().await.unwrap_err().kind, ErrorKind::ShuttingDown);
    let config = impresario_transports::http::HttpConfig::on(([127, 0, 0, 1], 0).into());
    assert!(house.runtime.serve_http(config).is_err());
}

async fn until_refused(address: std::net::SocketAddr) {
    within("the listener is gone", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_silent_clients_do_not_hold_the_shutdown_up() {
    let house: House = house(|limits| limits.drain_timeout_ms = 300);
    let address = house.serve();
    let silent = Http::connect(address).await;
    let mut half = Http::connect(address).await;
    half.send(b"POST /mcp HTTP/1.1\r\nhost: ").await;
    let mut unread = Http::connect_narrow(address).await;
    unread
        .send(&modern_bytes(address, &modern(1, "tools/call", tool("blob", json!({ "size": 12 << 20 })))))
        .await;
    until("all are connected", || house.runtime.shared().connections.get() == 3).await;
    let closing = close(&house.runtime).await;
    let took = took(closing).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop((silent, half, unread));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_twice_is_harmless() {
    let house = house(|_| ());
    tokio::join!(house.runtime.shutdown(), house.runtime.shutdown());
    house.runtime.shutdown().await;
    assert!(!house.runtime.is_ready());
}
