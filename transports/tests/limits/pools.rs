//! How many calls a pool runs and lets wait, and what its threads may be kept for.

use std::time::{Duration, Instant};

use impresario_engine::Limits;
use serde_json::json;

use crate::house::{House, house};
use crate::http::{Answer, Http, modern_bytes};
use crate::messages::{assert_refused, modern, text_of, tool};
use crate::wait::{stays, until};

/// Starts so many calls of a tool, each on a connection of its own.
async fn start(house: &House, http: &Http, name: &str, count: usize) -> Vec<Http> {
    let mut callers = Vec::new();
    let in_flight = house.calls();
    for number in 1..=count {
        let mut caller = Http::connect(http.address()).await;
        caller.send(&modern_bytes(http.address(), &modern(0, "tools/call", tool(name, json!({}))))).await;
        house.calls_are(in_flight + number).await;
        callers.push(caller);
    }
    callers
}

async fn call(http: &mut Http, name: &str) -> Answer {
    http.modern(&modern(0, "tools/call", tool(name, json!({})))).await
}

fn assert_busy(answer: &Answer, limit: &str) {
    assert_eq!(answer.head.status, 429, "{answer:?}");
    assert!(answer.head.header("retry-after").is_some());
    assert_refused(&answer.json(), 42900, limit);
}

async fn open(change: impl FnOnce(&mut Limits)) -> (House, Http) {
    let house = house(change);
    let http = Http::connect(house.serve()).await;
    (house, http)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_workers_is_how_many_calls_run_at_once() {
    const WORKERS: usize = 3;
    let (house, mut http) = open(|limits| {
        limits.pool_workers = WORKERS as u64;
        limits.pool_queue_max = 0;
    })
    .await;
    let mut callers = start(&house, &http, "hold", WORKERS).await;
    assert_eq!(house.probe.begun.get(), WORKERS);
    assert_busy(&call(&mut http, "echo").await, "pool_queue_max");
    assert_eq!(house.probe.begun.get(), WORKERS);
    house.probe.release.add_permits(1);
    house.calls_are(WORKERS - 1).await;
    until("the worker is free", || house.probe.gone.get() == 1).await;
    assert_eq!(text_of(&call(&mut http, "echo").await.json()), "{}");
    house.probe.release.add_permits(WORKERS);
    for caller in &mut callers {
        assert_eq!(text_of(&caller.answer().await.json()), "held");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_queue_max_is_how_many_calls_wait() {
    const QUEUE: usize = 2;
    let (house, mut http) = open(|limits| {
        limits.pool_workers = 1;
        limits.pool_queue_max = QUEUE as u64;
        limits.blocking_threads = 1;
    })
    .await;
    let mut callers = start(&house, &http, "hold", 1 + QUEUE).await;
    assert_eq!(house.probe.begun.get(), 1);
    assert_busy(&call(&mut http, "echo").await, "pool_queue_max");
    house.probe.release.add_permits(1 + QUEUE);
    for caller in &mut callers {
        assert_eq!(text_of(&caller.answer().await.json()), "held");
    }
    assert_eq!(text_of(&call(&mut http, "echo").await.json()), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_queue_max_holds_for_threads_too() {
    const QUEUE: usize = 2;
    let (house, mut http) = open(|limits| {
        limits.pool_queue_max = QUEUE as u64;
        limits.blocking_threads = 1;
    })
    .await;
    let mut callers = start(&house, &http, "hold_thread", 1).await;
    house.probe.begun.reaches(1).await;
    callers.extend(start(&house, &http, "hold_thread", QUEUE).await);
    assert_busy(&call(&mut http, "hold_thread").await, "pool_queue_max");
    house.probe.open();
    for caller in &mut callers {
        assert_eq!(text_of(&caller.answer().await.json()), "held a thread");
    }
    assert_eq!(text_of(&call(&mut http, "hold_thread").await.json()), "held a thread");
    assert_eq!(house.probe.begun.get(), 2 + QUEUE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pool_queue_timeout_ms_is_how_long_a_call_waits() {
    const TIMEOUT: Duration = Duration::from_millis(300);
    let (house, mut http) = open(|limits| {
        limits.pool_workers = 1;
        limits.blocking_threads = 1;
        limits.pool_queue_timeout_ms = TIMEOUT.as_millis() as u64;
    })
    .await;
    let mut running = start(&house, &http, "hold", 1).await;
    let begun = Instant::now();
    assert_busy(&call(&mut http, "echo").await, "pool_queue_timeout_ms");
    assert!(begun.elapsed() >= TIMEOUT - Duration::from_millis(10));
    assert_eq!(house.probe.begun.get(), 1);
    // In time it is served.
    let mut waits = start(&house, &http, "hold", 1).await;
    house.probe.release.add_permits(2);
    for caller in running.iter_mut().chain(&mut waits) {
        assert_eq!(text_of(&caller.answer().await.json()), "held");
    }
    // Threads too.
    let mut held = start(&house, &http, "hold_thread", 1).await;
    assert_busy(&call(&mut http, "hold").await, "pool_queue_timeout_ms");
    house.probe.open();
    assert_eq!(text_of(&held[0].answer().await.json()), "held a thread");
    assert_eq!(text_of(&call(&mut http, "spin").await.json()), "spun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_threads_is_how_many_blocking_calls_run_at_once() {
    const THREADS: usize = 2;
    let (house, mut http) = open(|limits| limits.blocking_threads = THREADS as u64).await;
    let mut callers = start(&house, &http, "hold_thread", THREADS + 1).await;
    house.probe.begun.reaches(THREADS).await;
    stays("one more waits", Duration::from_millis(100), || house.probe.begun.get() == THREADS).await;
    assert_eq!(text_of(&call(&mut http, "echo").await.json()), "{}", "async tools go on");
    house.probe.open();
    for caller in &mut callers {
        assert_eq!(text_of(&caller.answer().await.json()), "held a thread");
    }
    assert_eq!(house.probe.begun.get(), THREADS + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_stuck_threads_max_is_how_many_stuck_threads_are_replaced() {
    const STUCK: usize = 2;
    let (house, mut http) = open(|limits| {
        limits.blocking_threads = 1;
        limits.blocking_stuck_threads_max = STUCK as u64;
        limits.call_timeout_ms = 150;
        limits.pool_queue_timeout_ms = 100;
    })
    .await;
    let threads = || house.runtime.shared().blocking_pool("default").unwrap().threads();
    for stuck in 1..=STUCK {
        let answer = call(&mut http, "hold_thread").await.json();
        assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
        until("the thread is given up", || threads().1 == stuck).await;
        assert_eq!(text_of(&call(&mut http, "spin").await.json()), "spun", "it was replaced");
    }
    call(&mut http, "hold_thread").await;
    until("the last thread is stuck", || threads().1 == STUCK + 1).await;
    assert_busy(&call(&mut http, "spin").await, "pool_queue_timeout_ms");
    assert_eq!(text_of(&call(&mut http, "echo").await.json()), "{}");
    house.probe.open();
    until("the stuck ones come back", || threads().1 == 0).await;
    assert_eq!(text_of(&call(&mut http, "spin").await.json()), "spun");
}
