//! What the head of a request may be, and how long it and its body may take.

use std::time::Duration;

use serde_json::json;

use crate::house::house;
use crate::http::{Http, modern_bytes, post_head};
use crate::messages::{modern, text_of, tool};
use crate::wait::until;

/// Sends `GET /healthz` with those headers and gives the status and the text.
async fn health_with(http: &mut Http, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = http.get("/healthz", headers).await;
    (answer.head.status, answer.body)
}

/// How many bytes the header that every request of this client has counts.
fn own_bytes(http: &Http) -> usize {
    "host".len() + http.address().to_string().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_bytes_max_is_how_much_all_headers_are_together() {
    // The larger one is beyond what the HTTP library holds by itself.
    for max in [2_000_usize, 600_000] {
        let house = house(|limits| {
            limits.header_bytes_max = max as u64;
            limits.header_value_bytes_max = 1 << 20;
        });
        let address = house.serve();
        for (bytes, expected) in [(max - 1, 200), (max, 200), (max + 1, 431)] {
            let mut http = Http::connect(address).await;
            let value = "v".repeat(bytes - own_bytes(&http) - "x-fill".len());
            let (status, text) = health_with(&mut http, &[("x-fill", &value)]).await;
            assert_eq!(status, expected, "{bytes} bytes of {max}");
            assert_eq!(status == 431, text.contains("header_bytes_max"), "{text}");
        }
        let (status, _) = health_with(&mut Http::connect(address).await, &[]).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_bytes_max_counts_the_same_over_http2() {
    const MAX: usize = 2_000;
    let house = house(|limits| limits.header_bytes_max = MAX as u64);
    let address = house.serve();
    for (bytes, expected) in [(MAX - 1, 200), (MAX, 200), (MAX + 1, 431)] {
        let mut http2 = crate::http2::Http2::connect(address).await;
        // The host stands in the request's URI here.
        let value = "v".repeat(bytes - "x-fill".len());
        let answer = http2.get("/healthz", &[("x-fill", &value)]).await.unwrap();
        assert_eq!(answer.status(), expected, "{bytes} bytes");
        let text = crate::http2::text_of(answer).await;
        assert_eq!(expected == 431, text.contains("header_bytes_max"), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_value_bytes_max_is_how_long_one_header_is() {
    const MAX: usize = 100;
    let house = house(|limits| limits.header_value_bytes_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    for (bytes, expected) in [(MAX - 1, 200), (MAX, 200), (MAX + 1, 431)] {
        let (status, text) = health_with(&mut http, &[("x-fill", &"v".repeat(bytes))]).await;
        assert_eq!(status, expected, "{bytes}");
        assert_eq!(status == 431, text.contains("header_value_bytes_max"), "{text}");
    }
    assert_eq!(health_with(&mut http, &[]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_count_max_is_how_many_headers_there_are() {
    const MAX: usize = 16;
    let house = house(|limits| limits.header_count_max = MAX as u64);
    let address = house.serve();
    let names: Vec<String> = (0..=MAX).map(|number| format!("x-{number}")).collect();
    for (count, expected) in [(MAX - 1, 200), (MAX, 200), (MAX + 1, 431)] {
        let mut http = Http::connect(address).await;
        // The host is one of them.
        let headers: Vec<_> = names.iter().take(count - 1).map(|name| (name.as_str(), "v")).collect();
        let (status, text) = health_with(&mut http, &headers).await;
        assert_eq!(status, expected, "{count}");
        assert_eq!(status == 431, text.contains("header_count_max"), "{text:?}");
    }
    assert_eq!(health_with(&mut Http::connect(address).await, &[]).await.0, 200);
}

/// A served house that gives heads `header_ms` and bodies `body_ms`.
fn hasty(header_ms: u64, body_ms: u64) -> (crate::house::House, std::net::SocketAddr) {
    let house = house(|limits| {
        limits.header_timeout_ms = header_ms;
        limits.body_timeout_ms = body_ms;
    });
    let address = house.serve();
    (house, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_timeout_ms_cuts_a_head_that_does_not_come_to_its_end() {
    let (_house, address) = hasty(400, 60_000);
    let mut slow = Http::connect(address).await;
    let mut dribbling = Http::connect(address).await;
    let mut in_time = Http::connect(address).await;
    let begun = std::time::Instant::now();
    slow.send(b"GET /healthz HTTP/1.1\r\nhost: ").await;
    in_time.send(b"GET /healthz HTTP/1.1\r\nhost: ").await;
    in_time.send(format!("{address}\r\n\r\n").as_bytes()).await;
    assert_eq!(in_time.answer().await.head.status, 200);
    // One byte now and then does not put the end off.
    dribbling.send(b"GET /healthz HTTP/1.1\r\nx: ").await;
    let mut others = Http::connect(address).await;
    while dribbling.try_send(b"y").await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "a dribbling head is never cut");
        assert_eq!(health_with(&mut others, &[]).await.0, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    slow.closed().await;
    assert!(begun.elapsed() >= Duration::from_millis(390), "it was cut before its time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_timeout_ms_does_not_run_while_an_answer_streams() {
    const HEADER_MS: u64 = 150;
    let (house, address) = hasty(HEADER_MS, 60_000);
    let mut http = Http::connect(address).await;
    let call = modern(1, "tools/call", crate::messages::with_progress(tool("steps", json!({})), 1));
    let steps = impresario_engine::ToolSpec::from_context(
        "steps",
        crate::house::any(),
        |ctx: impresario_engine::Context| async move {
            ctx.progress(1.0, None, None);
            // Longer than a head may take; the answer is what is waited for.
            tokio::time::sleep(Duration::from_millis(3 * HEADER_MS)).await;
            "stepped"
        },
    );
    house.runtime.add_tool(steps).unwrap();
    http.send(&modern_bytes(address, &call)).await;
    assert!(http.head().await.is_stream());
    assert_eq!(http.event().await.unwrap()["method"], json!("notifications/progress"));
    // The next request comes while this one's answer streams.
    http.send(&modern_bytes(address, &modern(2, "tools/call", tool("echo", json!({}))))).await;
    assert_eq!(text_of(&http.event().await.unwrap()), "stepped");
    assert!(http.event().await.is_none());
    assert_eq!(text_of(&http.answer().await.json()), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn body_timeout_ms_cuts_a_body_that_does_not_come_to_its_end() {
    let (house, address) = hasty(60_000, 300);
    let call = modern(1, "tools/call", tool("echo", json!({})));
    let whole = modern_bytes(address, &call);
    let mut in_time = Http::connect(address).await;
    let (first, rest) = whole.split_at(whole.len() - 5);
    in_time.send(first).await;
    in_time.send(rest).await;
    assert_eq!(text_of(&in_time.answer().await.json()), "{}");
    let mut slow = Http::connect(address).await;
    let begun = std::time::Instant::now();
    slow.send(first).await;
    let answer = slow.answer().await;
    assert!(begun.elapsed() >= Duration::from_millis(290), "it was cut before its time");
    assert_eq!(answer.head.status, 408);
    assert!(answer.body.contains("body_timeout_ms"), "{answer:?}");
    assert_eq!(house.probe.begun.get(), 1);
    assert_eq!(text_of(&Http::connect(address).await.modern(&call).await.json()), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_timeout_ms_closes_a_connection_without_a_request() {
    const TIMEOUT_MS: u64 = 300;
    let house = house(|limits| {
        limits.keep_alive_timeout_ms = TIMEOUT_MS;
        limits.header_timeout_ms = TIMEOUT_MS;
    });
    let address = house.serve();
    let mut http = Http::connect(address).await;
    for _ in 0..3 {
        assert_eq!(health_with(&mut http, &[]).await.0, 200);
    }
    let begun = std::time::Instant::now();
    assert_eq!(http.closed().await, b"");
    assert!(begun.elapsed() >= Duration::from_millis(TIMEOUT_MS - 50), "it was closed before its time");
    // One that never sends anything, and one that begins as HTTP/2 would.
    let mut silent = Http::connect(address).await;
    let mut half = Http::connect(address).await;
    half.send(b"PRI ").await;
    silent.closed().await;
    half.closed().await;
    until("the places are free", || house.runtime.shared().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_timeout_ms_spares_a_connection_whose_call_runs() {
    let house = house(|limits| limits.keep_alive_timeout_ms = 100);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let bytes = modern_bytes(address, &modern(1, "tools/call", tool("hold", json!({}))));
    http.send(&bytes).await;
    house.probe.begun.reaches(1).await;
    crate::wait::stays("the call runs", Duration::from_millis(400), || house.calls() == 1).await;
    house.probe.release.add_permits(1);
    assert_eq!(text_of(&http.answer().await.json()), "held");
}

#[test]
fn a_post_head_counts_its_body() {
    let head = post_head(std::net::SocketAddr::from(([127, 0, 0, 1], 1)), 7, &[("a", "b")]);
    assert!(head.contains("content-length: 7\r\na: b\r\n"));
}
