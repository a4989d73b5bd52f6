//! HTTP+SSE, the transport of 2024-11-05: a session is its stream, and what is posted to it is answered there.

use std::net::SocketAddr;

use impresario_protocol::ListKind;
use impresario_transports::http::HttpConfig;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::house::{House, house, house_with};
use crate::http::Http;
use crate::messages::{initialize, legacy, notification, text_of, tool, with_progress};
use crate::wait::{until, within};

const OLDEST: &str = "2024-11-05";

/// Serves HTTP+SSE too.
fn serve(house: &House) -> SocketAddr {
    let config = HttpConfig { http_sse: true, ..HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0))) };
    crate::secure::serve(&house.runtime, config)
}

/// A session: its stream, and where to post to.
struct Old {
    stream: Http,
    posts: Http,
    endpoint: String,
}

impl Old {
    async fn open(address: SocketAddr) -> Self {
        let (mut stream, posts) = (Http::connect(address).await, Http::connect(address).await);
        let head = stream.bare("GET", "/sse", &[("accept", "text/event-stream")]).await;
        assert_eq!((head.status, head.is_stream()), (200, true), "{head:?}");
        let first = String::from_utf8(stream.chunk().await.unwrap().unwrap()).unwrap();
        let endpoint =
            first.strip_prefix("event: endpoint\ndata: ").and_then(|rest| rest.strip_suffix("\n\n"));
        let endpoint = endpoint.unwrap_or_else(|| panic!("{first:?}")).to_owned();
        assert!(endpoint.starts_with("/messages?session="), "{endpoint}");
        Self { stream, posts, endpoint }
    }

    async fn enter(address: SocketAddr, revision: &str) -> Self {
        let mut old = Self::open(address).await;
        assert_eq!(old.post(&initialize(0, revision)).await, 202);
        let answer = old.next().await;
        assert_eq!(answer["result"]["protocolVersion"], json!(revision));
        assert_eq!(old.post(&notification("notifications/initialized", json!({}))).await, 202);
        old
    }

    async fn post(&mut self, message: &Value) -> u16 {
        let endpoint = self.endpoint.clone();
        self.posts.post_to(&endpoint, message).await.head.status
    }

    async fn next(&mut self) -> Value {
        self.stream.event().await.expect("the stream goes on")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_reports_and_changes_take_the_one_stream() {
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    let address = serve(&house);
    for revision in [OLDEST, "2025-11-25"] {
        let mut old = Old::enter(address, revision).await;
        let say = with_progress(tool("say", json!({ "progress": 3 })), "token");
        assert_eq!(old.post(&legacy(1, "tools/call", say)).await, 202);
        for step in 1..=3 {
            let told = old.next().await;
            assert_eq!(told["params"]["progress"].as_f64(), Some(f64::from(step)));
        }
        assert_eq!(text_of(&old.next().await), "said");
        house.runtime.list_changed(ListKind::Tools);
        assert_eq!(old.next().await["method"], json!("notifications/tools/list_changed"));
        assert_eq!(old.post(&legacy(2, "no/such", json!({}))).await, 202);
        assert_eq!(old.next().await["error"]["code"], json!(-32601));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_equal_ids_hear_only_their_own_answers() {
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    let address = serve(&house);
    let mut clients = JoinSet::new();
    for client in 0..20 {
        clients.spawn(async move {
            let mut old = Old::enter(address, OLDEST).await;
            for id in 0..25 {
                let call = legacy(id, "tools/call", tool("echo", json!({ "client": client, "id": id })));
                assert_eq!(old.post(&call).await, 202);
            }
            for _ in 0..25 {
                let answer = old.next().await;
                let echoed: Value = serde_json::from_str(text_of(&answer)).unwrap();
                assert_eq!(echoed, json!({ "client": client, "id": answer["id"] }));
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_its_stream_and_so_do_its_calls() {
    let house = house(|limits| limits.sessions_max = 1);
    let address = serve(&house);
    let mut old = Old::enter(address, OLDEST).await;
    let mut other = Http::connect(address).await;
    let refused = other.get("/sse", &[("accept", "text/event-stream")]).await;
    assert_eq!(refused.head.status, 429, "sessions count like all others: {refused:?}");
    assert!(refused.body.contains("sessions_max"), "{refused:?}");
    assert_eq!(old.post(&legacy(1, "tools/call", tool("hold", json!({})))).await, 202);
    house.probe.begun.reaches(1).await;
    let Old { stream, mut posts, endpoint } = old;
    drop(stream);
    house.probe.gone.reaches(1).await;
    house.calls_are(0).await;
    assert_eq!(house.probe.done.get(), 0, "it was taken back");
    let ping = legacy(2, "ping", json!({}));
    assert_eq!(posts.post_to(&endpoint, &ping).await.head.status, 404);
    // Its place is free again.
    Old::enter(address, OLDEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_to_no_session_and_other_methods_are_refused_as_clients_expect() {
    let house = house(|_| ());
    let address = serve(&house);
    let mut http = Http::connect(address).await;
    let old = Old::enter(address, OLDEST).await;
    let ping = legacy(1, "ping", json!({}));
    let own = old.endpoint.replace("/messages?", "/messages/?");
    assert_eq!(http.post_to(&own, &ping).await.head.status, 202, "with a slash too");
    let twice = format!("{}&{}", old.endpoint, old.endpoint.split_once('?').unwrap().1);
    let unknown = ["/messages", "/messages?session=", "/messages?session=x", "/messages?id=x", &twice];
    for target in unknown {
        assert_eq!(http.post_to(target, &ping).await.head.status, 404, "{target}");
    }
    // A client of both transports tries to initialize at the URL that it was given.
    let probe = http.post_to("/sse", &initialize(1, "2025-11-25")).await;
    assert_eq!((probe.head.status, probe.head.header("allow")), (405, Some("GET")));
    let mut http = Http::connect(address).await;
    for (method, target, allow) in
        [("DELETE", "/sse", "GET"), ("GET", "/messages", "POST"), ("PUT", "/messages/", "POST")]
    {
        let head = http.bare(method, target, &[]).await;
        assert_eq!((head.status, head.header("allow")), (405, Some(allow)), "{method} {target}");
        http.body(&head).await;
    }
    assert_eq!(http.get("/sse", &[("accept", "application/json")]).await.head.status, 406);
    // Who does not ask for the transport does not serve it.
    let mut plain = Http::connect(house.serve()).await;
    for target in ["/sse", "/messages"] {
        assert_eq!(plain.get(target, &[("accept", "text/event-stream")]).await.head.status, 404, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_session_is_kept_alive_and_one_that_never_begins_is_ended() {
    let house = house(|limits| {
        limits.sse_keep_alive_ms = 20;
        limits.initialized_timeout_ms = 500;
    });
    let address = serve(&house);
    let mut begun = Old::enter(address, OLDEST).await;
    let mut silent = Old::open(address).await;
    let mut comments = 0;
    while let Some(chunk) = silent.stream.chunk().await.unwrap() {
        assert!(chunk.starts_with(b":"));
        comments += 1;
    }
    assert!(comments > 0);
    assert_eq!(begun.post(&legacy(1, "ping", json!({}))).await, 202);
    assert_eq!(begun.next().await["id"], json!(1), "the other one goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_that_closes_answers_what_was_accepted_and_ends_the_streams() {
    let house = house(|_| ());
    let address = serve(&house);
    let mut old = Old::enter(address, OLDEST).await;
    assert_eq!(old.post(&legacy(1, "tools/call", tool("hold", json!({})))).await, 202);
    house.probe.begun.reaches(1).await;
    let runtime = house.runtime.clone();
    let mut closing = JoinSet::new();
    closing.spawn(async move { runtime.shutdown().await });
    until("it is closing", || !house.runtime.is_ready()).await;
    house.probe.release.add_permits(1);
    assert_eq!(text_of(&old.next().await), "held");
    assert_eq!(old.stream.event().await, None);
    within("the house is closed", closing.join_next()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_holds_back_its_own_session_alone_and_is_cut() {
    let house = house(|limits| {
        limits.sse_out_bytes_max = 64 * 1024;
        limits.sse_send_stall_ms = 500;
        limits.session_mailbox_messages_max = 8;
    });
    let address = serve(&house);
    let mut healthy = Old::enter(address, OLDEST).await;
    let mut slow = Old::enter(address, OLDEST).await;
    let blob = |id: usize| legacy(id, "tools/call", tool("blob", json!({ "size": 256 * 1024 })));
    let mut statuses = Vec::new();
    for id in 0..400 {
        let status = slow.post(&blob(id)).await;
        statuses.push(status);
        if status == 404 {
            break;
        }
        assert!(status == 202 || status == 429, "{status}");
    }
    assert!(statuses.contains(&429), "what it may leave unread has a bound: {statuses:?}");
    assert_eq!(healthy.post(&legacy(1, "ping", json!({}))).await, 202);
    assert_eq!(healthy.next().await["id"], json!(1));
    // It is cut, and then unknown.
    let begun = std::time::Instant::now();
    while slow.post(&legacy(1, "ping", json!({}))).await != 404 {
        assert!(begun.elapsed().as_secs() < 20, "it is not cut");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_asks_for_whom_and_from_where_before_anything_else() {
    let house = house(|_| ());
    let address = serve(&house);
    let old = Old::enter(address, OLDEST).await;
    let routes = [
        ("POST", "/mcp"),
        ("GET", "/mcp"),
        ("DELETE", "/mcp"),
        ("GET", "/sse"),
        ("POST", "/sse"),
        ("POST", &*old.endpoint),
        ("POST", "/messages/"),
        ("GET", "/healthz"),
        ("GET", "/health"),
        ("GET", "/readyz"),
        ("GET", "/nowhere"),
        ("OPTIONS", "/sse"),
        ("OPTIONS", "/messages"),
    ];
    let long = "x".repeat(9_000);
    let port = address.port();
    for (method, target) in routes {
        for (host, origin, other, status) in [
            ("evil.com".to_owned(), None, None, 403),
            (format!("127.0.0.1.evil.com:{port}"), None, None, 403),
            (String::new(), None, None, 400),
            (address.to_string(), Some("http://evil.com"), None, 403),
            (address.to_string(), Some("null"), None, 403),
            (address.to_string(), None, Some(&*long), 431),
        ] {
            let mut http = Http::connect(address).await;
            let mut request = format!(
                "{method} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
                 accept: application/json, text/event-stream\r\ncontent-length: 2\r\n"
            );
            for (name, value) in [("origin", origin), ("x-long", other)] {
                if let Some(value) = value {
                    request.push_str(&format!("{name}: {value}\r\n"));
                }
            }
            http.send(format!("{request}\r\n{{}}").as_bytes()).await;
            assert_eq!(http.head().await.status, status, "{method} {target} host {host:?} origin {origin:?}");
        }
    }
    assert_eq!(house.probe.begun.get(), 0);
}
