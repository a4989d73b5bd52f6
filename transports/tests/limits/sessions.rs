//! How many sessions, streams and subscriptions there are, and how long a session lives.

use std::time::Duration;

use impresario_engine::{ResourceContents, TemplateSpec};
use impresario_transports::Serve as _;
use serde_json::{Value, json};

use crate::house::{House, house, house_with};
use crate::http::{Answer, Http, LegacySession};
use crate::messages::{LEGACY, assert_refused, initialize, legacy, modern, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::{stays, until};

fn assert_overloaded(answer: &Answer, limit: &str) {
    assert_eq!(answer.head.status, 429, "{answer:?}");
    let retry_after: u64 =
        answer.head.header("retry-after").expect("it says when to try again").parse().unwrap();
    assert!(retry_after >= 1);
    assert_eq!(answer.head.header("mcp-session-id"), None);
    assert_refused(&answer.json(), 42900, limit);
}

async fn echoes(session: &LegacySession, http: &mut Http) -> u16 {
    let answer = session.post(http, &legacy(1, "tools/call", tool("echo", json!({})))).await;
    if answer.head.status == 200 {
        assert_eq!(text_of(&answer.json()), "{}");
    }
    answer.head.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_max_ends_the_longest_idle_one_and_refuses_when_none_is_idle() {
    const MAX: usize = 3;
    let house = house(|limits| limits.sessions_max = MAX as u64);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let mut sessions = Vec::new();
    for count in 1..=MAX {
        sessions.push(LegacySession::open(&mut http, LEGACY).await);
        assert_eq!(house.runtime.sessions().len(), count);
        // Their idle times differ by more than the clock's grain.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(echoes(&sessions[0], &mut http).await, 200);
    let another = LegacySession::open(&mut http, LEGACY).await;
    assert_eq!(house.runtime.sessions().len(), MAX);
    assert_eq!(echoes(&sessions[1], &mut http).await, 404, "the longest idle one has gone");
    sessions[1] = another;
    let mut streams = Vec::new();
    for session in &sessions {
        let mut stream = Http::connect(address).await;
        assert_eq!(session.stream(&mut stream).await.status, 200);
        streams.push(stream);
    }
    assert_overloaded(&http.post(&initialize(0, LEGACY), &[]).await, "sessions_max");
    for session in &sessions {
        assert_eq!(echoes(session, &mut http).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_per_client_max_is_how_many_one_address_has() {
    const MAX: usize = 2;
    let house = house(|limits| limits.sessions_per_client_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    let first = LegacySession::open(&mut http, LEGACY).await;
    let second = LegacySession::open(&mut http, LEGACY).await;
    assert_overloaded(&http.post(&initialize(0, LEGACY), &[]).await, "sessions_per_client_max");
    assert_eq!(house.runtime.sessions().len(), MAX);
    assert_eq!(echoes(&second, &mut http).await, 200);
    assert_eq!(first.close(&mut http).await, 204);
    let third = LegacySession::open(&mut http, LEGACY).await;
    assert_eq!(echoes(&third, &mut http).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_idle_timeout_ms_ends_what_nobody_uses() {
    let house = house(|limits| limits.session_idle_timeout_ms = 300);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let mut stream = Http::connect(address).await;
    let idle = LegacySession::open(&mut http, LEGACY).await;
    let streaming = LegacySession::open(&mut http, LEGACY).await;
    let calling = LegacySession::open(&mut http, LEGACY).await;
    assert_eq!(streaming.stream(&mut stream).await.status, 200);
    let mut caller = Http::connect(address).await;
    caller.send(&calling.bytes(address, &legacy(1, "tools/call", tool("hold", json!({}))))).await;
    house.probe.begun.reaches(1).await;
    assert_eq!(echoes(&idle, &mut http).await, 200, "in time it is there");
    until("the idle one has ended", || house.runtime.sessions().len() == 2).await;
    assert_eq!(echoes(&idle, &mut http).await, 404);
    // An open stream and a running call are no idleness.
    stays("the others live", Duration::from_millis(1_200), || house.runtime.sessions().len() == 2).await;
    house.probe.release.add_permits(1);
    assert_eq!(text_of(&caller.answer().await.message()), "held");
    drop(stream);
    until("they end when they are idle", || house.runtime.sessions().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_lifetime_max_ms_ends_a_session_that_is_used() {
    let house = house(|limits| limits.session_lifetime_max_ms = 700);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let mut stream = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    assert_eq!(session.stream(&mut stream).await.status, 200);
    assert_eq!(echoes(&session, &mut http).await, 200);
    assert_eq!(stream.event().await, None, "its stream ends with it");
    assert_eq!(echoes(&session, &mut http).await, 404);
    assert!(house.runtime.sessions().is_empty());
    let next = LegacySession::open(&mut http, LEGACY).await;
    assert_eq!(echoes(&next, &mut http).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn initialized_timeout_ms_ends_a_handshake_that_nobody_completes() {
    let house = house(|limits| limits.initialized_timeout_ms = 300);
    let mut http = Http::connect(house.serve()).await;
    let half = http.post(&initialize(0, LEGACY), &[]).await;
    let half = LegacySession {
        id: half.head.header("mcp-session-id").unwrap().to_owned(),
        revision: LEGACY.to_owned(),
    };
    let whole = LegacySession::open(&mut http, LEGACY).await;
    until("the half handshake has ended", || house.runtime.sessions().len() == 1).await;
    assert_eq!(echoes(&half, &mut http).await, 404);
    assert_eq!(echoes(&whole, &mut http).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_mailbox_messages_max_is_how_much_waits_for_a_busy_actor() {
    const MAX: usize = 3;
    let house = house(|limits| limits.session_mailbox_messages_max = MAX as u64);
    let client = house.runtime.connect().await.unwrap();
    let jam = client.start_tool("jam", json!({})).unwrap();
    house.probe.begun.reaches(1).await;
    // The lane is busy with the jam, which itself has left the mailbox or is the message being handled.
    let mut waiting = Vec::new();
    let refusal = loop {
        match client.start_tool("echo", json!({})) {
            Ok(running) => waiting.push(running),
            Err(refusal) => break refusal,
        }
        assert!(waiting.len() <= MAX, "more wait than may");
    };
    assert!((MAX - 1..=MAX).contains(&waiting.len()), "{} wait", waiting.len());
    assert!(refusal.is_retryable() && refusal.message.contains("session_mailbox_messages_max"), "{refusal}");
    house.probe.open();
    let count = waiting.len();
    assert!(!jam.result().await.unwrap().is_error);
    for running in waiting {
        assert!(!running.result().await.unwrap().is_error);
    }
    assert!(!client.call_tool("echo", json!({})).await.unwrap().is_error);
    assert_eq!(house.probe.begun.get(), 1 + count + 1, "what was refused was not executed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_per_session_max_is_how_many_get_streams_are_open() {
    const MAX: usize = 2;
    let house = house(|limits| limits.streams_per_session_max = MAX as u64);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let mut streams = Vec::new();
    for _ in 0..MAX {
        let mut stream = Http::connect(address).await;
        assert_eq!(session.stream(&mut stream).await.status, 200);
        streams.push(stream);
    }
    let head = session.stream(&mut http).await;
    assert_eq!(head.status, 409);
    let text = http.body(&head).await;
    assert!(text.contains("streams_per_session_max"), "{text}");
    assert_eq!(echoes(&session, &mut http).await, 200);
    drop(streams.pop());
    let mut next = Http::connect(address).await;
    loop {
        let head = session.stream(&mut next).await;
        if head.status == 200 {
            break;
        }
        next.body(&head).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscription_bytes_per_session_max_bounds_all_uris_that_one_watches() {
    const MAX: usize = 32;
    let template =
        TemplateSpec::new("any:{+rest}", "any", |_, _| async { ResourceContents::text("any:x", "read") });
    let house = house_with(
        |limits| limits.subscription_bytes_per_session_max = MAX as u64,
        |builder, _| builder.resource(template),
    );
    let uri = |length: usize| format!("any:{}", "x".repeat(length - 4));
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    let watch = |id: usize, length: usize| legacy(id, "resources/subscribe", json!({ "uri": uri(length) }));
    assert!(pipe.ask(&watch(1, MAX - 10)).await.get("result").is_some());
    assert_refused(&pipe.ask(&watch(2, 11)).await, -32602, "subscription_bytes_per_session_max");
    assert!(pipe.ask(&watch(3, 10)).await.get("result").is_some());
    assert_refused(&pipe.ask(&watch(4, 5)).await, -32602, "subscription_bytes_per_session_max");

    let mut listener = Pipe::open(&house.runtime);
    let listen = |id: usize, length: usize| {
        let uris = json!([uri(MAX - 10), uri(length)]);
        modern(id, "subscriptions/listen", json!({ "notifications": { "resourceSubscriptions": uris } }))
    };
    for length in [9, 10] {
        let answer = listener.ask(&listen(length, length)).await;
        assert_eq!(answer["method"], json!("notifications/subscriptions/acknowledged"), "{answer}");
    }
    assert_refused(&listener.ask(&listen(11, 11)).await, -32602, "subscription_bytes_per_session_max");
    assert_eq!(text_of(&listener.modern(12, "echo", json!({})).await), "{}");
}

fn watchable(change: u64) -> House {
    let template =
        TemplateSpec::new("any:{+rest}", "any", |_, _| async { ResourceContents::text("any:x", "read") });
    house_with(
        |limits| limits.subscriptions_per_session_max = change,
        |builder, _| builder.resource(template),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_per_session_max_is_how_many_resources_one_watches() {
    const MAX: usize = 2;
    let house = watchable(MAX as u64);
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    let watch =
        |number: usize| legacy(number, "resources/subscribe", json!({ "uri": format!("any:{number}") }));
    for number in 0..MAX {
        assert!(pipe.ask(&watch(number)).await.get("result").is_some());
    }
    assert_refused(&pipe.ask(&watch(MAX)).await, -32602, "subscriptions_per_session_max");
    assert!(pipe.ask(&watch(0)).await.get("result").is_some(), "one that is watched is not one more");
    let unwatch = legacy(9, "resources/unsubscribe", json!({ "uri": "any:0" }));
    assert!(pipe.ask(&unwatch).await.get("result").is_some());
    assert!(pipe.ask(&watch(MAX)).await.get("result").is_some());

    let mut listener = Pipe::open(&house.runtime);
    for count in 0..=MAX {
        let uris = Value::from_iter((0..count).map(|number| format!("any:{number}")));
        let listen = modern(
            count,
            "subscriptions/listen",
            json!({ "notifications": { "resourceSubscriptions": uris } }),
        );
        let answer = listener.ask(&listen).await;
        assert_eq!(answer["method"], json!("notifications/subscriptions/acknowledged"), "{answer}");
    }
    let uris = Value::from_iter((0..=MAX).map(|number| format!("any:{number}")));
    let listen =
        modern(9, "subscriptions/listen", json!({ "notifications": { "resourceSubscriptions": uris } }));
    assert_refused(&listener.ask(&listen).await, -32602, "subscriptions_per_session_max");
    assert_eq!(text_of(&listener.modern(10, "echo", json!({})).await), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_per_connection_max_is_how_many_requests_listen() {
    const MAX: usize = 2;
    let house = house(|limits| limits.listeners_per_connection_max = MAX as u64);
    let mut pipe = Pipe::open(&house.runtime);
    let listen = |id: usize| {
        modern(id, "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }))
    };
    for id in 0..MAX {
        assert_eq!(pipe.ask(&listen(id)).await["method"], json!("notifications/subscriptions/acknowledged"));
    }
    assert_refused(&pipe.ask(&listen(MAX)).await, 42900, "listeners_per_connection_max");
    assert_eq!(text_of(&pipe.modern(10, "echo", json!({})).await), "{}");
    pipe.send(&crate::messages::notification("notifications/cancelled", json!({ "requestId": 0 }))).await;
    // What was sent is handled in order, so the place is free when this comes.
    assert_eq!(pipe.ask(&listen(MAX)).await["method"], json!("notifications/subscriptions/acknowledged"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_max_is_how_many_requests_listen_in_the_process() {
    const MAX: usize = 3;
    let house = house(|limits| limits.listeners_max = MAX as u64);
    let listen =
        modern("l", "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let acknowledged = json!("notifications/subscriptions/acknowledged");
    let mut pipes = Vec::new();
    for _ in 0..MAX {
        let mut pipe = Pipe::open(&house.runtime);
        assert_eq!(pipe.ask(&listen).await["method"], acknowledged);
        pipes.push(pipe);
    }
    let mut http = Http::connect(house.serve()).await;
    let refusal = http.modern(&listen).await;
    assert_overloaded(&refusal, "listeners_max");
    assert_eq!(house.calls(), 0, "who listens takes no place of a call");
    let answer = http.modern(&modern(1, "tools/call", tool("echo", json!({})))).await;
    assert_eq!(text_of(&answer.json()), "{}");
    let first = &mut pipes[0];
    first.send(&crate::messages::notification("notifications/cancelled", json!({ "requestId": "l" }))).await;
    assert_eq!(text_of(&first.modern(10, "echo", json!({})).await), "{}");
    http.send(&crate::http::modern_bytes(http.address(), &listen)).await;
    assert!(http.head().await.is_stream());
    assert_eq!(http.event().await.unwrap()["method"], acknowledged);
}
