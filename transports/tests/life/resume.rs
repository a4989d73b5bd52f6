//! Streams of a legacy session that are resumed: a call's and a session's own, whoever closed them.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use impresario_engine::{Context, ToolSpec};
use impresario_protocol::ListKind;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::house::{House, any, house, house_with};
use crate::http::{Head, Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, initialize, legacy, modern, text_of, tool, with_progress};

/// An event of a stream as it was written.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<String>,
    retry_ms: Option<u64>,
    message: Option<Value>,
}

/// The next event that is no comment; nothing at the end.
async fn event(http: &mut Http) -> Option<Event> {
    while let Some(chunk) = http.chunk().await.expect("the stream is whole") {
        let text = String::from_utf8(chunk).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        if text.starts_with(':') {
            continue;
        }
        return Some(Event {
            id: field("id").map(ToOwned::to_owned),
            retry_ms: field("retry").map(|retry| retry.parse().unwrap()),
            message: field("data")
                .filter(|data| !data.is_empty())
                .map(|data| serde_json::from_str(data).unwrap()),
        });
    }
    None
}

async fn resume(session: &LegacySession, http: &mut Http, last: &str) -> Head {
    let [id, version] = session.headers();
    http.bare("GET", "/mcp", &[id, version, ("accept", "text/event-stream"), ("last-event-id", last)]).await
}

/// Everything that is still sent on a stream that is resumed after that event.
async fn rest(session: &LegacySession, address: SocketAddr, last: &str) -> Vec<Value> {
    let mut http = Http::connect(address).await;
    assert_eq!(resume(session, &mut http, last).await.status, 200, "{last}");
    let mut rest = Vec::new();
    while let Some(event) = event(&mut http).await {
        rest.extend(event.message);
    }
    rest
}

async fn send(session: &LegacySession, http: &mut Http, message: &Value) {
    let bytes = session.bytes(http.address(), message);
    http.send(&bytes).await;
    let head = http.head().await;
    assert!(head.is_stream(), "{head:?}");
}

fn hold(id: usize) -> Value {
    legacy(id, "tools/call", tool("hold", json!({})))
}

/// With a tool that closes its stream and then waits to be released.
fn polling_house() -> House {
    house_with(
        |limits| limits.sse_begin_ms = 60_000,
        |builder, probe| {
            let probe = Arc::clone(probe);
            builder.tool(ToolSpec::from_context("poll", any(), move |ctx: Context| {
                let probe = Arc::clone(&probe);
                async move {
                    ctx.progress(1.0, None, None);
                    ctx.close_stream();
                    probe.begun.add();
                    probe.release.acquire().await.unwrap().forget();
                    "polled"
                }
            }))
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_whose_clients_vanish_are_each_answered_exactly_once() {
    const SESSIONS: usize = 10;
    const CALLS: usize = 100;
    let house = house_with(|limits| limits.sse_begin_ms = 0, |builder, _| builder.lanes(2));
    let address = house.serve();
    let mut clients = JoinSet::new();
    for _ in 0..SESSIONS {
        clients.spawn(async move {
            let session = LegacySession::open(&mut Http::connect(address).await, LEGACY).await;
            let mut left = Vec::new();
            for id in 0..CALLS {
                let mut http = Http::connect(address).await;
                send(&session, &mut http, &hold(id)).await;
                let first = event(&mut http).await.unwrap();
                assert_eq!(first.message, None);
                left.push((id, first.id.unwrap()));
            }
            (session, left)
        });
    }
    let mut cut_off = Vec::new();
    while let Some(client) = clients.join_next().await {
        cut_off.push(client.unwrap());
    }
    house.probe.begun.reaches(SESSIONS * CALLS).await;
    house.probe.release.add_permits(SESSIONS * CALLS);
    house.probe.done.reaches(SESSIONS * CALLS).await;
    house.calls_are(0).await;
    let mut names = HashSet::new();
    for (session, left) in &cut_off {
        for (id, last) in left {
            assert!(names.insert(last.clone()), "ids are unique");
            let answers = rest(session, address, last).await;
            assert_eq!(answers.len(), 1, "{answers:?}");
            assert_eq!((&answers[0]["id"], text_of(&answers[0])), (&json!(id), "held"));
        }
    }
    // Nothing is left of a session that has ended.
    assert!(house.runtime.sessions().replay_bytes() > 0);
    for (session, _) in &cut_off {
        assert_eq!(session.close(&mut Http::connect(address).await).await, 204);
    }
    assert_eq!(house.runtime.sessions().replay_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_after_the_last_event_that_was_received_and_on_no_other() {
    let house = house(|_| ());
    let address = house.serve();
    for revision in ["2025-03-26", "2025-06-18", LEGACY] {
        let session = LegacySession::open(&mut Http::connect(address).await, revision).await;
        let (mut one, mut two) = (Http::connect(address).await, Http::connect(address).await);
        let say =
            |id: usize| legacy(id, "tools/call", with_progress(tool("say", json!({ "progress": 3 })), id));
        send(&session, &mut one, &say(1)).await;
        send(&session, &mut two, &say(2)).await;
        let mut ids = Vec::new();
        let mut first = event(&mut one).await.unwrap();
        assert!(first.retry_ms.is_some_and(|ms| (3_000..3_750).contains(&ms)), "{first:?}");
        assert_eq!(
            first.message.is_none(),
            revision == LEGACY,
            "older clients take an empty event for a broken one"
        );
        if first.message.is_none() {
            ids.push((first.id.unwrap(), 4));
            first = event(&mut one).await.unwrap();
        }
        ids.push((first.id.unwrap(), 3));
        for left in [2, 1, 0] {
            let next = event(&mut one).await.unwrap();
            assert_eq!(next.retry_ms, None);
            ids.push((next.id.unwrap(), left));
        }
        assert_eq!(event(&mut one).await, None);
        for (id, left) in &ids {
            let rest = rest(&session, address, id).await;
            assert_eq!(rest.len(), *left, "{revision} {id}");
            assert!(rest.last().is_none_or(|answer| answer["id"] == json!(1)));
            assert!(rest.iter().rev().skip(1).all(|told| told["params"]["progressToken"] == json!(1)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_nobodys_or_of_another_sessions_stream_is_refused_and_replays_nothing() {
    let house = house(|_| ());
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let (ours, theirs) =
        (LegacySession::open(&mut http, LEGACY).await, LegacySession::open(&mut http, LEGACY).await);
    let say = legacy(1, "tools/call", with_progress(tool("say", json!({ "progress": 1 })), "p"));
    send(&theirs, &mut http, &say).await;
    let first = event(&mut http).await.unwrap().id.unwrap();
    while event(&mut http).await.is_some() {}
    let ahead = first.replace(".0", ".9");
    for (session, last) in
        [(&ours, &*first), (&ours, "x"), (&ours, "1"), (&ours, ".0"), (&theirs, &ahead), (&theirs, "x.0")]
    {
        let head = resume(session, &mut http, last).await;
        assert_eq!(head.status, 400, "{last}");
        let body = http.body(&head).await;
        assert!(body.contains("Last-Event-ID") && !body.contains("said"), "{body}");
    }
    // The oldest revision knows no such thing.
    let oldest = LegacySession::open(&mut http, "2024-11-05").await;
    let head = resume(&oldest, &mut http, &first).await;
    assert_eq!(head.status, 400);
    http.body(&head).await;
    let bytes = oldest.bytes(address, &say);
    http.send(&bytes).await;
    assert!(!http.answer().await.body.contains("id: "), "and its events have no ids");
    // Nor has the modern era.
    let say = modern(1, "tools/call", with_progress(tool("say", json!({ "progress": 1 })), "p"));
    http.send(&modern_bytes(address, &say)).await;
    let answer = http.answer().await;
    assert!(answer.head.is_stream() && !answer.body.contains("id: ") && !answer.body.contains("retry: "));
    assert_eq!(rest(&theirs, address, &first).await.len(), 2, "whose stream it is can go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_closes_its_stream_and_the_client_comes_back_for_the_answer() {
    let house = polling_house();
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    send(&session, &mut http, &legacy(1, "tools/call", with_progress(tool("poll", json!({})), "p"))).await;
    let first = event(&mut http).await.unwrap();
    assert!(first.message.is_none() && first.retry_ms.is_some(), "{first:?}");
    let told = event(&mut http).await.unwrap();
    assert_eq!(told.message.unwrap()["method"], json!("notifications/progress"));
    assert_eq!(event(&mut http).await, None, "the stream ends before the answer");
    house.probe.release.add_permits(1);
    let answers = rest(&session, address, &told.id.unwrap()).await;
    assert_eq!((answers.len(), text_of(&answers[0])), (1, "polled"));
    // Without anything said before, it is the id alone that the client gets.
    send(&session, &mut http, &legacy(2, "tools/call", tool("poll", json!({})))).await;
    let first = event(&mut http).await.unwrap();
    assert_eq!((event(&mut http).await, first.message.is_none()), (None, true));
    house.probe.release.add_permits(1);
    assert_eq!(rest(&session, address, &first.id.unwrap()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_a_stream_does_nothing_where_no_client_comes_back() {
    let house = polling_house();
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let params = || with_progress(tool("poll", json!({})), "p");
    let mut begun = 0;
    for revision in ["2024-11-05", "2025-06-18", "modern"] {
        if revision == "modern" {
            http.send(&modern_bytes(address, &modern(1, "tools/call", params()))).await;
        } else {
            let session = LegacySession::open(&mut http, revision).await;
            let bytes = session.bytes(address, &legacy(1, "tools/call", params()));
            http.send(&bytes).await;
        }
        begun += 1;
        house.probe.begun.reaches(begun).await;
        assert!(http.head().await.is_stream());
        assert!(http.event().await.is_some());
        house.probe.release.add_permits(1);
        assert_eq!(text_of(&http.event().await.unwrap()), "polled", "{revision}");
        assert_eq!(http.event().await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sessions_own_stream_is_resumed_with_what_was_lost_and_goes_on() {
    let house = house(|limits| limits.streams_per_session_max = 1);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let mut stream = Http::connect(address).await;
    assert_eq!(session.stream(&mut stream).await.status, 200);
    let first = event(&mut stream).await.unwrap();
    assert!(first.message.is_none() && first.retry_ms.is_some());
    house.runtime.list_changed(ListKind::Tools);
    let lost = event(&mut stream).await.unwrap();
    // As long as its place is taken by the stream that breaks, the new one must wait.
    assert_eq!(resume(&session, &mut http, first.id.as_ref().unwrap()).await.status, 409);
    drop(stream);
    let state = house.runtime.sessions().find(&session.id, &impresario_engine::Caller::default()).unwrap();
    crate::wait::until("its place is free", || state.is_idle()).await;
    let mut stream = Http::connect(address).await;
    assert_eq!(resume(&session, &mut stream, first.id.as_ref().unwrap()).await.status, 200);
    let replayed = event(&mut stream).await.unwrap();
    assert_eq!((&replayed.id, &replayed.message), (&lost.id, &lost.message));
    house.runtime.list_changed(ListKind::Prompts);
    let next = event(&mut stream).await.unwrap();
    assert_eq!(next.message.unwrap()["method"], json!("notifications/prompts/list_changed"));
    assert_ne!(next.id, lost.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_says_something_before_its_answers_streams_all_of_it() {
    let house = house(|_| ());
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let session = LegacySession::open(&mut http, "2025-03-26").await;
    let say = |id: usize, steps: usize| {
        legacy(id, "tools/call", with_progress(tool("say", json!({ "progress": steps })), id))
    };
    let quiet = json!([legacy(1, "ping", json!({})), legacy(2, "tools/call", tool("echo", json!({})))]);
    let answer = session.post(&mut http, &quiet).await;
    assert_eq!(answer.json().as_array().map(Vec::len), Some(2), "one array, as ever");
    let batch = json!([legacy(1, "ping", json!({})), say(2, 2), hold(3), say(4, 1), initialize(5, LEGACY)]);
    send(&session, &mut http, &batch).await;
    let (mut answered, mut told, mut ids) = (HashSet::new(), Vec::new(), Vec::new());
    for _ in 0..7 {
        let Event { id, message: Some(message), .. } = event(&mut http).await.unwrap() else {
            panic!("an empty event")
        };
        ids.push(id.unwrap());
        match message.get("method") {
            Some(_) => told.push(message["params"]["progressToken"].as_u64().unwrap()),
            None => assert!(answered.insert(message["id"].as_u64().unwrap()), "twice: {message}"),
        }
    }
    told.sort_unstable();
    assert_eq!((told, answered), (vec![2, 2, 4], HashSet::from([1, 2, 4, 5])));
    // Cut off before the last answer, the client gets it all the same.
    drop(http);
    house.probe.release.add_permits(1);
    let rest = rest(&session, address, ids.last().unwrap()).await;
    assert_eq!((rest.len(), &rest[0]["id"], text_of(&rest[0])), (1, &json!(3), "held"));
}
