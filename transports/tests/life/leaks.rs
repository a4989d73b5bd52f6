//! Nothing is left behind by clients that end their sessions, or by those that just go away.

use std::net::SocketAddr;

use serde_json::json;
use tokio::task::JoinSet;

use crate::house::{House, house_with};
use crate::http::{Http, LegacySession};
use crate::messages::{LEGACY, initialize, legacy, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::until;

const SESSIONS: usize = 5_000;
const CONNECTIONS: usize = 20;

/// Waits until nobody is left of all who came.
async fn is_empty(house: &House) {
    let shared = house.runtime.shared();
    until("the sessions are gone", || house.runtime.sessions().is_empty()).await;
    until("nobody listens", || shared.hub.is_empty()).await;
    until("no call is in flight", || shared.gate.calls() == 0).await;
    until("no connection is open", || shared.connections.get() == 0).await;
    until("every call that began has gone", || house.probe.gone.get() == house.probe.begun.get()).await;
}

/// Opens sessions from several connections at once, and does `then` with each.
async fn many<F, Fut>(address: SocketAddr, then: F)
where
    F: Fn(Http, LegacySession) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Http> + Send,
{
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let then = then.clone();
        clients.spawn(async move {
            let mut http = Http::connect(address).await;
            for _ in 0..SESSIONS / CONNECTIONS {
                let answer = http.post(&initialize(0, LEGACY), &[]).await;
                let id =
                    answer.head.header("mcp-session-id").unwrap_or_else(|| panic!("{answer:?}")).to_owned();
                http = then(http, LegacySession { id, revision: LEGACY.to_owned() }).await;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_closed_leave_nothing_behind() {
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    many(house.serve(), |mut http, session| async move {
        let call = legacy(0, "tools/call", tool("echo", json!({})));
        assert_eq!(text_of(&session.post(&mut http, &call).await.json()), "{}");
        assert_eq!(session.close(&mut http).await, 204);
        http
    })
    .await;
    is_empty(&house).await;
    assert_eq!(house.probe.begun.get(), SESSIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_abandoned_leave_nothing_behind() {
    let change = |limits: &mut impresario_engine::Limits| {
        limits.session_idle_timeout_ms = 50;
        limits.sessions_per_client_max = SESSIONS as u64 + 1;
    };
    let house = house_with(change, |builder, _| builder.lanes(2));
    let address = house.serve();
    many(address, |http, _session| async move { http }).await;
    // And one that goes away with a call and a stream open.
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let mut stream = Http::connect(address).await;
    assert_eq!(session.stream(&mut stream).await.status, 200);
    http.send(&session.bytes(address, &legacy(0, "tools/call", tool("hold", json!({}))))).await;
    house.probe.begun.reaches(1).await;
    drop((http, stream));
    house.probe.release.add_permits(1);
    is_empty(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_that_end_leave_nothing_behind() {
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    for count in 0..200 {
        let mut pipe =
            if count % 2 == 0 { Pipe::open_legacy(&house.runtime).await } else { Pipe::open(&house.runtime) };
        let listen = json!({ "notifications": { "toolsListChanged": true } });
        if count % 2 == 1 {
            pipe.ask(&crate::messages::modern("l", "subscriptions/listen", listen)).await;
        }
        assert_eq!(text_of(&pipe.modern(0, "echo", json!({})).await), "{}");
        if count % 3 == 0 {
            // It hangs up with a call under way.
            pipe.send(&crate::messages::modern(1, "tools/call", tool("hold", json!({})))).await;
            house.calls_are(1).await;
        } else {
            pipe.end().await;
            pipe.ended().await;
        }
    }
    is_empty(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_in_this_process_leave_nothing_behind() {
    use impresario_transports::Serve as _;
    let house = house_with(|_| (), |builder, _| builder.lanes(2));
    for _ in 0..200 {
        let client = house.runtime.connect().await.unwrap();
        let running = client.start_tool("hold", json!({})).unwrap();
        let listener = client.listen(impresario_protocol::ListenFilter { tools: true, ..Default::default() });
        house.calls_are(1).await;
        drop((running, listener, client));
        house.calls_are(0).await;
    }
    is_empty(&house).await;
}
