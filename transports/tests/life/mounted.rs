//! The endpoint as a service inside an axum application, whose threads are not lanes.

use std::net::SocketAddr;
use std::time::Duration;

use impresario_engine::Runtime;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::house::{House, house, house_with};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, legacy, modern, text_of, tool, with_progress};
use crate::wait::{stays, within};

/// An application with a route of its own, and ours mounted beside it. It lives as long as what is returned.
async fn application(runtime: &Runtime) -> (SocketAddr, JoinSet<()>) {
    let service = runtime.http_service(HttpConfig::default());
    let routes = axum::Router::new()
        .route("/own", axum::routing::get(async || "its own"))
        .route_service("/mcp", service.clone())
        .route_service("/readyz", service);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut served = JoinSet::new();
    served.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (address, served)
}

fn two_lanes() -> House {
    house_with(|limits| limits.sse_keep_alive_ms = 100, |builder, _| builder.lanes(2))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_eras_are_served_beside_the_applications_own_routes() {
    let house = two_lanes();
    let (address, _application) = application(&house.runtime).await;
    let mut http = Http::connect(address).await;
    assert_eq!(http.get("/own", &[]).await.body, "its own");
    for id in 0..20 {
        let answer = http.modern(&modern(id, "tools/call", tool("echo", json!({ "id": id })))).await;
        assert_eq!(
            (&answer.json()["id"], text_of(&answer.json())),
            (&json!(id), &*format!(r#"{{"id":{id}}}"#))
        );
    }
    let session = LegacySession::open(&mut http, LEGACY).await;
    let answer = session.post(&mut http, &legacy(1, "tools/call", tool("echo", json!({})))).await;
    assert_eq!(text_of(&answer.json()), "{}");
    assert_eq!(session.close(&mut http).await, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stream_and_sessions_hear_of_changes() {
    let house = two_lanes();
    let (address, _application) = application(&house.runtime).await;
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let call = legacy(1, "tools/call", with_progress(tool("say", json!({ "progress": 2 })), "p"));
    let answer = session.post(&mut http, &call).await;
    assert!(answer.head.is_stream());
    assert_eq!(answer.head.header("x-accel-buffering"), Some("no"));
    assert_eq!(answer.events().len(), 3);
    assert_eq!(text_of(&answer.message()), "said");
    let mut stream = Http::connect(address).await;
    assert_eq!(session.stream(&mut stream).await.status, 200);
    house.runtime.list_changed(impresario_protocol::ListKind::Tools);
    assert_eq!(stream.event().await.unwrap()["method"], json!("notifications/tools/list_changed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_modern_client_that_leaves_takes_its_call_back_and_a_legacy_one_does_not() {
    let house = two_lanes();
    let (address, _application) = application(&house.runtime).await;
    let mut http = Http::connect(address).await;
    for (round, streams) in [(1, false), (2, true)] {
        http.send(&modern_bytes(address, &modern(1, "tools/call", tool("hold", json!({}))))).await;
        house.probe.begun.reaches(round).await;
        if streams {
            assert!(http.head().await.is_stream());
        }
        let left = std::time::Instant::now();
        http = Http::connect(address).await;
        house.probe.gone.reaches(round).await;
        assert!(left.elapsed() < Duration::from_millis(500), "{:?}", left.elapsed());
    }
    house.calls_are(0).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    http.send(&session.bytes(address, &legacy(1, "tools/call", tool("hold", json!({}))))).await;
    house.probe.begun.reaches(3).await;
    drop(http);
    stays("the call runs on", Duration::from_millis(200), || house.calls() == 1).await;
    house.probe.release.add_permits(1);
    house.probe.done.reaches(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_end_it_is_no_longer_ready_and_refuses_calls() {
    let house = two_lanes();
    let (address, _application) = application(&house.runtime).await;
    let (mut held, mut http) = (Http::connect(address).await, Http::connect(address).await);
    assert_eq!(http.get("/readyz", &[]).await.head.status, 200);
    held.send(&modern_bytes(address, &modern(1, "tools/call", tool("hold", json!({}))))).await;
    house.probe.begun.reaches(1).await;
    let mut closing = JoinSet::new();
    let runtime = house.runtime.clone();
    closing.spawn(async move { runtime.shutdown().await });
    crate::wait::until("the closing has begun", || !house.runtime.is_ready()).await;
    assert_eq!(http.get("/readyz", &[]).await.head.status, 503);
    let answer = http.modern(&modern(2, "tools/call", tool("echo", json!({})))).await;
    assert_eq!(answer.head.status, 503);
    assert_eq!(crate::messages::error_of(&answer.json()).0, 50300);
    house.probe.release.add_permits(1);
    assert_eq!(text_of(&held.answer().await.message()), "held");
    within("the shutdown returns", closing.join_next()).await.unwrap().unwrap();
    assert_eq!(http.modern(&modern(3, "tools/list", json!({}))).await.head.status, 503);
    assert_eq!(http.get("/own", &[]).await.body, "its own", "the application lives on");
    assert_eq!(house.probe.begun.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_page_is_refused_before_its_body_is_read() {
    /// A body that never comes.
    struct Never;
    impl http_body::Body for Never {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }
    let house = house(|_| ());
    let service = house.runtime.http_service(HttpConfig::default());
    for (host, origin) in [("evil.example.com", None), ("localhost", Some("https://evil.example.com"))] {
        let mut request =
            ::http::Request::post("/mcp").header("host", host).header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let request = request.body(Never).unwrap();
        let answered = within("it is refused", service.clone().oneshot(request)).await.unwrap();
        assert_eq!(answered.status(), 403, "{host} {origin:?}");
    }
}
