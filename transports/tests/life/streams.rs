//! Streams of events: a call's own, and a session's.

use std::collections::HashMap;
use std::time::Duration;

use impresario_protocol::ListKind;
use serde_json::json;

use crate::house::house;
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, legacy, meta, modern, text_of, tool, with_progress};
use crate::wait::within;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_tells_anything_becomes_a_stream_with_the_answer_at_its_end() {
    let house = house(|_| ());
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let params = || with_progress(tool("say", json!({ "progress": 3 })), "token");
    http.send(&session.bytes(address, &legacy(1, "tools/call", params()))).await;
    let old =
        (http.head().await, [http.event().await, http.event().await, http.event().await], http.event().await);
    assert_eq!(http.event().await, None);
    http.send(&modern_bytes(address, &modern(1, "tools/call", params()))).await;
    let new =
        (http.head().await, [http.event().await, http.event().await, http.event().await], http.event().await);
    assert_eq!(http.event().await, None);
    for (head, told, answer) in [old, new] {
        assert_eq!(head.status, 200);
        assert!(head.is_stream(), "{head:?}");
        assert_eq!(head.header("x-accel-buffering"), Some("no"));
        assert!(head.header("cache-control").is_some_and(|value| value.contains("no-cache")));
        for (step, told) in told.into_iter().enumerate() {
            let told = told.unwrap();
            assert_eq!(told["method"], json!("notifications/progress"));
            assert_eq!(told["params"]["progressToken"], json!("token"));
            assert_eq!(told["params"]["progress"].as_f64(), Some(step as f64 + 1.0));
        }
        assert_eq!(text_of(&answer.unwrap()), "said");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_not_ask_is_told_nothing_on_the_way() {
    let house = house(|_| ());
    let mut http = Http::connect(house.serve()).await;
    let call = modern(1, "tools/call", tool("say", json!({ "progress": 3, "logs": 3 })));
    let answer = http.modern(&call).await;
    assert!(!answer.head.is_stream());
    assert_eq!(text_of(&answer.json()), "said");
    // Only messages from the level on that it named.
    for (level, count) in [("info", 2), ("warning", 0)] {
        let mut params = tool("say", json!({ "logs": 2 }));
        params["_meta"] = meta();
        params["_meta"]["io.modelcontextprotocol/logLevel"] = json!(level);
        let answer = http.modern(&modern(1, "tools/call", params)).await;
        let told = answer.events_or_none().len() - 1;
        assert_eq!(told, count, "{level}");
        assert_eq!(text_of(&answer.message()), "said");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_stream_is_kept_alive_with_comments() {
    let house = house(|limits| limits.sse_keep_alive_ms = 50);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let head = session.stream(&mut http).await;
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    let first = http.chunk().await.unwrap().unwrap();
    assert!(first.ends_with(b"\ndata: \n\n"), "the id with which it can be resumed");
    for _ in 0..4 {
        assert!(http.chunk().await.unwrap().unwrap().starts_with(b":"));
    }
    house.runtime.list_changed(ListKind::Tools);
    assert_eq!(http.event().await.unwrap()["method"], json!("notifications/tools/list_changed"));
    assert!(http.chunk().await.unwrap().unwrap().starts_with(b":"), "and after an event again");
    let listen =
        modern("l", "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let mut http = Http::connect(address).await;
    http.send(&modern_bytes(address, &listen)).await;
    assert!(http.head().await.is_stream());
    assert!(http.event().await.is_some());
    for _ in 0..2 {
        assert!(http.chunk().await.unwrap().unwrap().starts_with(b":"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_has_four_streams_and_a_fifth_is_refused_and_replaces_none() {
    let house = house(|_| ());
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = Http::connect(address).await;
        let head = session.stream(&mut stream).await;
        assert_eq!((head.status, head.is_stream()), (200, true));
        streams.push(stream);
    }
    for _ in 0..3 {
        let head = session.stream(&mut http).await;
        assert_eq!(head.status, 409);
        http.body(&head).await;
    }
    // Each change is told on exactly one of them, so that the client hears of it once.
    let subscribe =
        |number: usize| legacy(number, "resources/subscribe", json!({ "uri": format!("a:{number}") }));
    let template = impresario_engine::TemplateSpec::new("a:{x}", "a", |_, _| async { "text" });
    house.runtime.add_resource(template).unwrap();
    const CHANGES: usize = 40;
    for number in 0..CHANGES {
        assert_eq!(session.post(&mut http, &subscribe(number)).await.head.status, 200);
    }
    let mut told: HashMap<String, usize> = HashMap::new();
    let mut readers = tokio::task::JoinSet::new();
    let (told_tx, mut told_rx) = tokio::sync::mpsc::channel(64);
    for mut stream in streams {
        let told_tx = told_tx.clone();
        readers.spawn(async move {
            while let Some(event) = stream.event().await {
                let name = event["params"]["uri"].as_str().or(event["method"].as_str()).unwrap().to_owned();
                drop(told_tx.send(name).await);
            }
        });
    }
    drop(told_tx);
    for number in 0..CHANGES {
        house.runtime.resource_updated(&format!("a:{number}"));
        tokio::task::yield_now().await;
    }
    // One for the template that was added.
    while told.len() < CHANGES + 1 {
        let name = within("every change is told", told_rx.recv()).await.unwrap();
        *told.entry(name).or_default() += 1;
    }
    assert_eq!(session.close(&mut http).await, 204);
    while let Some(name) = within("the streams end with the session", told_rx.recv()).await {
        *told.entry(name).or_default() += 1;
    }
    assert!(told.values().all(|times| *times == 1), "{told:?}");
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_a_client_leaves_loses_no_change_for_the_others() {
    let house = house(|_| ());
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    for round in 0..10 {
        let (mut leaves, mut stays) = (Http::connect(address).await, Http::connect(address).await);
        assert_eq!(session.stream(&mut leaves).await.status, 200, "round {round}");
        assert_eq!(session.stream(&mut stays).await.status, 200, "round {round}");
        drop(leaves);
        // Its connection is gone before anything changes.
        crate::wait::until("it has gone", || house.runtime.shared().connections.get() == 2).await;
        house.runtime.list_changed(ListKind::Tools);
        let told = tokio::time::timeout(Duration::from_secs(5), stays.event()).await;
        let told = told.unwrap_or_else(|_| panic!("round {round}: the change went to a stream that is gone"));
        assert_eq!(told.unwrap()["method"], json!("notifications/tools/list_changed"));
        drop(stays);
        crate::wait::until("it has gone", || house.runtime.shared().connections.get() == 1).await;
    }
}
