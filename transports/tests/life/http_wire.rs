//! HTTP as it goes over the wire: pipelining, HTTP/2, slow and greedy peers, health, and browsers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use impresario_transports::http::HttpConfig;
use serde_json::json;
use tokio::task::JoinSet;

use crate::house::{house, house_with};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::http2::{Http2, json_of};
use crate::messages::{LEGACY, legacy, modern, text_of, tool};
use crate::wait::{until, within};

fn echo(id: usize) -> serde_json::Value {
    modern(id, "tools/call", tool("echo", json!({ "id": id })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 50;
    let house = house(|_| ());
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    // The first takes longest, and one in the middle streams.
    let mut bytes = modern_bytes(address, &modern("first", "tools/call", tool("hold", json!({}))));
    for id in 0..REQUESTS {
        let say = crate::messages::with_progress(tool("say", json!({ "progress": 1 })), "p");
        bytes.extend(match id {
            20 => session.bytes(address, &legacy(id, "tools/call", say)),
            id if id % 2 == 0 => {
                session.bytes(address, &legacy(id, "tools/call", tool("echo", json!({ "id": id }))))
            }
            id => modern_bytes(address, &echo(id)),
        });
    }
    http.send(&bytes).await;
    house.probe.begun.reaches(1).await;
    house.probe.release.add_permits(1);
    assert_eq!(http.answer().await.message()["id"], json!("first"));
    for id in 0..REQUESTS {
        let answer = http.answer().await;
        assert_eq!(answer.message()["id"], json!(id));
        assert_eq!(answer.head.is_stream(), id == 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams_of_http2_are_answered_at_once() {
    const STREAMS: usize = 100;
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    let mut http2 = Http2::connect(house.serve()).await;
    let mut answers = JoinSet::new();
    for id in 0..STREAMS {
        let answer = http2.modern(&modern(id, "tools/call", tool("hold", json!({}))));
        answers.spawn(async move { (id, json_of(answer.await.unwrap()).await) });
    }
    house.calls_are(STREAMS).await;
    let quick = http2.modern(&echo(1_000));
    assert_eq!(json_of(within("another one", quick).await.unwrap()).await["id"], json!(1_000));
    house.probe.release.add_permits(STREAMS);
    while let Some(answer) = within("all are answered", answers.join_next()).await {
        let (id, answer) = answer.unwrap();
        assert_eq!((&answer["id"], text_of(&answer)), (&json!(id), "held"));
    }
    house.calls_are(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_of_http2_is_closed_and_one_that_works_is_not() {
    let house = house(|limits| limits.keep_alive_timeout_ms = 300);
    let address = house.serve();
    let mut idle = Http2::connect(address).await;
    let mut working = Http2::connect(address).await;
    assert_eq!(json_of(idle.modern(&echo(1)).await.unwrap()).await["id"], json!(1));
    let mut answers = JoinSet::new();
    answers.spawn(working.modern(&modern(2, "tools/call", tool("hold", json!({})))));
    house.calls_are(1).await;
    idle.closed().await;
    assert_eq!(house.calls(), 1);
    house.probe.release.add_permits(1);
    let answer = answers.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(text_of(&json_of(answer).await), "held");
    working.closed().await;
    // Two bytes of the preface and no more.
    let mut silent = Http::connect(address).await;
    silent.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    silent.closed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_http2_that_takes_nothing_is_cut() {
    let house = house(|limits| limits.sse_send_stall_ms = 300);
    let address = house.serve();
    let mut greedy = Http2::connect(address).await;
    // Its window is full long before the end, and it never opens it again.
    let blob = modern(1, "tools/call", tool("blob", json!({ "size": 12 << 20 })));
    let _unread = within("the answer begins", greedy.modern(&blob)).await.unwrap();
    until("it is cut", || house.runtime.shared().connections.get() == 0).await;
    assert_eq!(Http::connect(address).await.modern(&echo(1)).await.head.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_of_http2_that_does_not_end_is_cut() {
    let house = house(|limits| {
        limits.header_timeout_ms = 300;
        limits.keep_alive_timeout_ms = 600;
    });
    let address = house.serve();
    let mut slow = Http::connect(address).await;
    slow.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    // Empty SETTINGS, and HEADERS of stream 1 of which more is to come.
    slow.send(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    slow.send(&[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]).await;
    slow.closed().await;
    until("it is gone", || house.runtime.shared().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_and_bodies_are_cut_while_others_are_served() {
    const SLOW: usize = 60;
    const LIMIT_MS: u64 = 800;
    let house = house_with(
        |limits| {
            limits.header_timeout_ms = LIMIT_MS;
            limits.body_timeout_ms = LIMIT_MS;
        },
        |builder, _| builder.lanes(2),
    );
    let address = house.serve();
    let mut slow = JoinSet::new();
    let whole = modern_bytes(address, &echo(0));
    let body_at = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let begun = Instant::now();
    for number in 0..SLOW {
        let whole = whole.clone();
        slow.spawn(async move {
            let mut http = Http::connect(address).await;
            // Half of them are slow in the head, half in the body.
            let quick = if number % 2 == 0 { 10 } else { body_at };
            http.send(&whole[..quick]).await;
            for byte in &whole[quick..] {
                if http.try_send(&[*byte]).await.is_err() {
                    break;
                }
                // This is the slowness that is tested.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let rest = http.closed().await;
            (number, String::from_utf8_lossy(&rest).into_owned(), begun.elapsed())
        });
    }
    let mut http = Http::connect(address).await;
    let mut slowest = Duration::ZERO;
    while let Some(cut) =
        slow.try_join_next().map_or_else(|| (!slow.is_empty()).then_some(None), |cut| Some(Some(cut)))
    {
        let asked = Instant::now();
        assert_eq!(text_of(&http.modern(&echo(7)).await.json()), r#"{"id":7}"#);
        slowest = slowest.max(asked.elapsed());
        let Some(cut) = cut else { continue };
        let (number, rest, after) = cut.unwrap();
        assert!(after < Duration::from_millis(LIMIT_MS + 3_000), "{number} was cut after {after:?}");
        if number % 2 == 1 {
            assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 408"), "{number}: {rest}");
        }
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let executed = house.probe.begun.get();
    assert_eq!(text_of(&http.modern(&echo(8)).await.json()), r#"{"id":8}"#);
    assert_eq!(house.probe.begun.get(), executed + 1);
    drop(http);
    until("all are gone", || house.runtime.shared().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_of_a_stream_is_cut_and_its_call_taken_back() {
    let flood = |probe: &std::sync::Arc<crate::house::Probe>| {
        let probe = std::sync::Arc::clone(probe);
        impresario_engine::ToolSpec::from_context(
            "flood",
            crate::house::any(),
            move |ctx: impresario_engine::Context| {
                let probe = std::sync::Arc::clone(&probe);
                async move {
                    probe.begun.add();
                    let text = "f".repeat(64 * 1024);
                    while !ctx.is_cancelled() {
                        ctx.log(impresario_engine::LogLevel::Emergency, text.clone());
                        tokio::task::yield_now().await;
                    }
                }
            },
        )
    };
    let house =
        house_with(|limits| limits.sse_send_stall_ms = 300, |builder, probe| builder.tool(flood(probe)));
    let address = house.serve();
    let mut greedy = Http::connect_narrow(address).await;
    let mut params = tool("flood", json!({}));
    params["_meta"] = json!({ "io.modelcontextprotocol/logLevel": "emergency" });
    greedy.send(&modern_bytes(address, &modern(1, "tools/call", params))).await;
    house.probe.begun.reaches(1).await;
    let mut http = Http::connect(address).await;
    while house.calls() > 0 {
        assert_eq!(http.modern(&echo(1)).await.head.status, 200);
    }
    until("it is cut", || house.runtime.shared().connections.get() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_readiness_are_told() {
    let house = house(|_| ());
    let mut http = Http::connect(house.serve()).await;
    for path in ["/healthz", "/readyz"] {
        let answer = http.get(path, &[]).await;
        assert_eq!(answer.head.status, 200, "{path}");
        let head = http.bare("HEAD", path, &[]).await;
        assert_eq!(head.status, 200, "{path}");
        // It may leave the length out, and must not tell another one (RFC 9110, 8.6).
        let length = head.header("content-length");
        assert!(length.is_none() || length == answer.head.header("content-length"), "{head:?}");
        // Nothing follows the head: the next answer is the next request's.
        assert_eq!(http.get(path, &[]).await.body, answer.body);
        let refused = http.bare("DELETE", path, &[]).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
        http.body(&refused).await;
    }
    assert_eq!(http.get("/nowhere", &[]).await.head.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_an_allowed_origin_may_call_and_others_may_not() {
    const ORIGIN: &str = "https://app.example.com";
    let house = house(|_| ());
    let mut config = HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.allowed_origins.push(ORIGIN.into());
    let mut http = Http::connect(crate::secure::serve(&house.runtime, config)).await;
    let asks = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "mcp-method, mcp-param-x"),
    ];
    let head = http.bare("OPTIONS", "/mcp", &[("origin", ORIGIN), asks[0], asks[1]]).await;
    assert_eq!(head.status, 204);
    assert_eq!(head.header("access-control-allow-origin"), Some(ORIGIN));
    assert!(head.header("access-control-allow-methods").unwrap().contains("POST"));
    let allowed = head.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("mcp-method") && allowed.contains("mcp-param-x"), "{allowed}");
    let answer = http.post(&crate::messages::initialize(0, LEGACY), &[("origin", ORIGIN)]).await;
    assert_eq!(answer.head.status, 200);
    assert_eq!(answer.head.header("access-control-allow-origin"), Some(ORIGIN));
    let exposed = answer.head.header("access-control-expose-headers").unwrap();
    assert!(exposed.to_ascii_lowercase().contains("mcp-session-id"), "{exposed}");
    for stranger in ["https://evil.example.com", "http://app.example.com", "null"] {
        let head = http.bare("OPTIONS", "/mcp", &[("origin", stranger), asks[0]]).await;
        assert_eq!((head.status, head.header("access-control-allow-origin")), (403, None), "{stranger}");
        http.body(&head).await;
    }
}
