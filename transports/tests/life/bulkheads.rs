//! Pools as bulkheads: what is slow, full or broken in one pool is noticed nowhere else.

use std::time::{Duration, Instant};

use impresario_engine::{Limits, PoolConfig, PromptSpec, ResourceSpec, ToolSpec};
use impresario_transports::Serve as _;
use serde_json::{Value, json};

use crate::house::{House, any, breaks_when_dropped, hold, house, house_with};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, assert_refused, error_of, legacy, modern, notification, text_of, tool};
use crate::pipe::Pipe;

/// A house with a pool of one worker and one place to wait, in which `small` holds.
fn with_small_pool() -> House {
    let small = PoolConfig {
        workers: 1,
        queue_max: 1,
        blocking_threads: 1,
        ..PoolConfig::new("small", &Limits::default())
    };
    house_with(|_| (), |builder, probe| builder.pool(small).tool(hold("small", probe).pool("small")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pool_refuses_at_once_and_another_one_answers() {
    let house = with_small_pool();
    let address = house.serve();
    let call = |id: usize| modern(id, "tools/call", tool("small", json!({})));
    let mut lines = Pipe::open(&house.runtime);
    lines.send(&call(0)).await;
    lines.send(&call(1)).await;
    house.calls_are(2).await;
    assert_refused(&lines.ask(&call(2)).await, 42900, "pool_queue_max");
    let mut http = Http::connect(address).await;
    let answer = http.modern(&call(3)).await;
    assert_eq!(answer.head.status, 429);
    let retry_after: u64 = answer.head.header("retry-after").expect("it says when").parse().unwrap();
    assert!((1..60).contains(&retry_after));
    assert_refused(&answer.json(), 42900, "pool_queue_max");
    let session = LegacySession::open(&mut http, LEGACY).await;
    let answer = session.post(&mut http, &legacy(4, "tools/call", tool("small", json!({})))).await;
    assert_eq!(answer.head.status, 429);
    assert_refused(&answer.json(), 42900, "`small`");
    let client = house.runtime.connect().await.unwrap();
    let refusal = client.call_tool("small", json!({})).await.unwrap_err();
    assert!(refusal.is_retryable() && refusal.retry_after_ms.is_some(), "{refusal}");
    assert_eq!(house.probe.begun.get(), 1);
    for _ in 0..50 {
        assert_eq!(
            text_of(&http.modern(&modern(5, "tools/call", tool("echo", json!({})))).await.json()),
            "{}"
        );
    }
    house.probe.release.add_permits(2);
    for id in 0..2 {
        assert_eq!(lines.next().await.unwrap()["id"], json!(id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_computes_does_not_delay_its_lane() {
    const SPIN_MS: u64 = 400;
    let house = house(|_| ());
    let address = house.serve();
    let mut spinning = Http::connect(address).await;
    let spun = Instant::now();
    spinning
        .send(&modern_bytes(address, &modern(1, "tools/call", tool("spin", json!({ "ms": SPIN_MS })))))
        .await;
    house.calls_are(1).await;
    let mut http = Http::connect(address).await;
    let mut slowest = Duration::ZERO;
    for id in 0..100 {
        let begun = Instant::now();
        assert_eq!(
            text_of(&http.modern(&modern(id, "tools/call", tool("echo", json!({})))).await.json()),
            "{}"
        );
        slowest = slowest.max(begun.elapsed());
    }
    let echoed = spun.elapsed();
    assert_eq!(text_of(&spinning.answer().await.json()), "spun");
    assert!(spun.elapsed() >= Duration::from_millis(SPIN_MS));
    assert!(slowest < Duration::from_millis(SPIN_MS / 2), "an echo took {slowest:?}, all of them {echoed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stuck_threads_are_replaced_and_come_back() {
    let house = house(|limits| {
        limits.blocking_threads = 2;
        limits.call_timeout_ms = 200;
    });
    let mut http = Http::connect(house.serve()).await;
    let threads = || house.runtime.shared().blocking_pool("default").unwrap().threads();
    for stuck in 1..=4 {
        let answer = http.modern(&modern(1, "tools/call", tool("hold_thread", json!({})))).await.json();
        assert_eq!(answer["result"]["isError"], json!(true), "it ran out of time: {answer}");
        crate::wait::until("its thread is given up", || threads().1 == stuck).await;
        let answer = http.modern(&modern(1, "tools/call", tool("spin", json!({ "ms": 1 })))).await;
        assert_eq!(text_of(&answer.json()), "spun");
    }
    house.probe.open();
    crate::wait::until("the stuck ones are gone", || threads().1 == 0 && threads().0 <= 2).await;
}

/// Asserts an internal error that says nothing of the inside.
fn assert_internal(answer: &Value) {
    assert_eq!(error_of(answer), (-32603, "internal error"));
    let text = answer.to_string();
    assert!(!text.contains("secret") && !text.contains("panic") && !text.contains(".rs"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_costs_one_call() {
    let house = house(|limits| {
        limits.pool_workers = 1;
        limits.blocking_threads = 1;
    });
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let mut lines = Pipe::open(&house.runtime);
    let client = house.runtime.connect().await.unwrap();
    for _ in 0..3 {
        for name in ["panic", "panic_later", "panic_thread"] {
            let params = tool(name, json!({}));
            let answer = http.modern(&modern(1, "tools/call", params.clone())).await;
            assert_eq!(answer.head.status, 200);
            assert_internal(&answer.json());
            let answer = session.post(&mut http, &legacy(1, "tools/call", params.clone())).await;
            assert_eq!(answer.head.status, 200);
            assert_internal(&answer.json());
            assert_internal(&lines.ask(&modern(1, "tools/call", params)).await);
            let error = client.call_tool(name, json!({})).await.unwrap_err();
            assert_eq!(error.message, "internal error");
            assert_eq!(text_of(&lines.modern(2, "echo", json!({})).await), "{}");
            assert_eq!(text_of(&lines.modern(3, "spin", json!({ "ms": 1 })).await), "spun");
        }
    }
    assert_eq!(house.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_that_panics_before_it_gives_its_future_costs_one_call() {
    let tool_spec = ToolSpec::from_context("closure", any(), |_ctx| {
        let nothing: Vec<String> = Vec::new();
        let first = nothing[0].clone();
        async move { first }
    });
    let resource = ResourceSpec::new("a:closure", "closure", |_ctx| {
        assert!(std::hint::black_box(false), "a secret of the inside");
        async { "read" }
    });
    let prompt = PromptSpec::new("closure", |_arguments, _ctx| {
        assert!(std::hint::black_box(false), "a secret of the inside");
        async { "filled" }
    });
    let house = house_with(|_| (), |builder, _| builder.tool(tool_spec).resource(resource).prompt(prompt));
    let mut lines = Pipe::open(&house.runtime);
    let client = house.runtime.connect().await.unwrap();
    let mut http = Http::connect(house.serve()).await;
    for (method, params) in [
        ("tools/call", tool("closure", json!({}))),
        ("resources/read", json!({ "uri": "a:closure" })),
        ("prompts/get", json!({ "name": "closure" })),
    ] {
        assert_internal(&lines.ask(&modern(1, method, params.clone())).await);
        assert_internal(&http.modern(&modern(1, method, params)).await.json());
        assert_eq!(text_of(&lines.modern(2, "echo", json!({})).await), "{}");
    }
    assert_eq!(client.call_tool("closure", json!({})).await.unwrap_err().message, "internal error");
    assert!(!client.call_tool("echo", json!({})).await.unwrap().is_error);
    assert_eq!(house.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_future_that_panics_when_it_is_dropped_costs_no_worker() {
    let change = |limits: &mut Limits| {
        limits.pool_workers = 1;
        limits.call_timeout_ms = 100;
    };
    let house = house_with(change, |builder, probe| builder.tool(breaks_when_dropped(probe)));
    let mut lines = Pipe::open(&house.runtime);
    for round in 0..10 {
        lines.send(&modern(1, "tools/call", tool("breaks_when_dropped", json!({})))).await;
        house.calls_are(1).await;
        if round % 2 == 0 {
            lines.send(&notification("notifications/cancelled", json!({ "requestId": 1 }))).await;
        } else {
            let answer = lines.next().await.unwrap();
            assert_eq!(answer["result"]["isError"], json!(true), "it ran out of time: {answer}");
        }
        // The only worker there is does the next call.
        assert_eq!(text_of(&lines.modern(2, "echo", json!({})).await), "{}", "round {round}");
    }
}
