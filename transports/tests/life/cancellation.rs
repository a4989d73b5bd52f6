//! What takes a call back, and what does not, in each era.

use std::time::{Duration, Instant};

use impresario_transports::Serve as _;
use serde_json::{Value, json};

use crate::house::{House, house};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::http2::Http2;
use crate::messages::{LEGACY, legacy, modern, notification, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::{stays, within};

fn cancelled(id: impl Into<Value>) -> Value {
    notification("notifications/cancelled", json!({ "requestId": id.into(), "reason": "no longer wanted" }))
}

fn hold(id: usize) -> Value {
    tool("hold", json!({ "id": id }))
}

/// Asserts that calls ended without coming to their end.
fn assert_taken_back(house: &House, count: usize) {
    assert_eq!((house.probe.gone.get(), house.probe.done.get()), (count, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_call_on_lines_ends_and_nothing_is_answered() {
    let house = house(|_| ());
    for is_legacy in [true, false] {
        let (before, done) = (house.probe.gone.get(), house.probe.done.get());
        let asked = if is_legacy { legacy::<i32> } else { modern::<i32> };
        let mut pipe =
            if is_legacy { Pipe::open_legacy(&house.runtime).await } else { Pipe::open(&house.runtime) };
        pipe.send(&asked(1, "tools/call", hold(1))).await;
        house.calls_are(1).await;
        for stranger in [json!(2), json!("1"), json!(null), json!({}), json!(1.5)] {
            pipe.send(&cancelled(stranger)).await;
        }
        pipe.send(&notification("notifications/cancelled", json!({}))).await;
        pipe.send(&notification("notifications/unheard-of", json!({}))).await;
        // What was sent is handled in order, so all of those were ignored once this is answered.
        pipe.send(&asked(2, "tools/call", tool("say", json!({})))).await;
        assert_eq!(text_of(&pipe.next().await.unwrap()), "said");
        assert_eq!((house.probe.gone.get(), house.calls()), (before, 1));
        pipe.send(&cancelled(1)).await;
        house.probe.gone.reaches(before + 1).await;
        house.calls_are(0).await;
        assert_eq!(house.probe.done.get(), done, "only what was answered is done");
        // The id is free again, and the next answer is the next request's.
        let answer = pipe.ask(&asked(1, "tools/call", tool("echo", json!({ "after": true })))).await;
        assert_eq!((&answer["id"], text_of(&answer)), (&json!(1), r#"{"after":true}"#));
        pipe.send(&cancelled(1)).await;
        pipe.end().await;
        assert_eq!(pipe.next().await, None, "an answered call can't be taken back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_both_eras_on_one_conversation_takes_back_what_it_names() {
    let house = house(|_| ());
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    pipe.send(&legacy(1, "tools/call", hold(1))).await;
    pipe.send(&modern(2, "tools/call", hold(2))).await;
    house.calls_are(2).await;
    pipe.send(&cancelled(2)).await;
    house.calls_are(1).await;
    pipe.send(&cancelled(1)).await;
    house.calls_are(0).await;
    house.probe.gone.reaches(2).await;
    assert_taken_back(&house, 2);
    assert_eq!(pipe.modern(3, "echo", json!({})).await["id"], json!(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_session_takes_a_call_back_from_another_connection() {
    let house = house(|_| ());
    let address = house.serve();
    let (mut caller, mut other) = (Http::connect(address).await, Http::connect(address).await);
    let session = LegacySession::open(&mut caller, LEGACY).await;
    let stranger = LegacySession::open(&mut other, LEGACY).await;
    caller.send(&session.bytes(address, &legacy(1, "tools/call", hold(1)))).await;
    house.probe.begun.reaches(1).await;
    // The same id in another session, and another id in this one.
    assert_eq!(stranger.post(&mut other, &cancelled(1)).await.head.status, 202);
    assert_eq!(session.post(&mut other, &cancelled(2)).await.head.status, 202);
    assert_eq!((house.probe.gone.get(), house.calls()), (0, 1));
    assert_eq!(session.post(&mut other, &cancelled(1)).await.head.status, 202);
    house.probe.gone.reaches(1).await;
    let answer = caller.answer().await;
    assert!(answer.events_or_none().is_empty(), "nothing is answered: {answer:?}");
    assert_taken_back(&house, 1);
    let call = legacy(1, "tools/call", tool("echo", json!({})));
    assert_eq!(text_of(&session.post(&mut caller, &call).await.json()), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_modern_client_that_leaves_takes_its_call_back() {
    let house = house(|limits| limits.sse_keep_alive_ms = 100);
    let address = house.serve();
    // Before anything was answered, and when the answer streams already.
    for (round, streams) in [(1, false), (2, true)] {
        let mut http = Http::connect(address).await;
        http.send(&modern_bytes(address, &modern(1, "tools/call", hold(1)))).await;
        house.probe.begun.reaches(round).await;
        if streams {
            assert!(http.head().await.is_stream());
        }
        let left = Instant::now();
        drop(http);
        house.probe.gone.reaches(round).await;
        assert!(left.elapsed() < Duration::from_millis(100), "{:?} after the client left", left.elapsed());
        house.calls_are(0).await;
    }
    assert_taken_back(&house, 2);
    assert_eq!(
        text_of(
            &Http::connect(address)
                .await
                .modern(&modern(1, "tools/call", tool("echo", json!({}))))
                .await
                .json()
        ),
        "{}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_stream_of_http2_takes_its_call_back_and_no_other() {
    let house = house(|_| ());
    let mut http2 = Http2::connect(house.serve()).await;
    let mut answers = Vec::new();
    for id in 0..2 {
        let mut answer = Box::pin(http2.modern(&modern(id, "tools/call", hold(id))));
        // Polled once, so that it is sent.
        assert!(futures_util::poll!(answer.as_mut()).is_pending());
        house.probe.begun.reaches(id + 1).await;
        answers.push(answer);
    }
    drop(answers.remove(0));
    house.probe.gone.reaches(1).await;
    house.calls_are(1).await;
    house.probe.release.add_permits(1);
    let answer = within("the other is answered", answers.remove(0)).await.unwrap();
    assert_eq!(text_of(&crate::http2::json_of(answer).await), "held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legacy_client_that_leaves_does_not_take_its_call_back() {
    let house = house(|limits| limits.sse_keep_alive_ms = 100);
    let address = house.serve();
    for (round, streams) in [(1, false), (2, true)] {
        let mut http = Http::connect(address).await;
        let session = LegacySession::open(&mut http, LEGACY).await;
        http.send(&session.bytes(address, &legacy(1, "tools/call", hold(1)))).await;
        house.probe.begun.reaches(round).await;
        if streams {
            assert!(http.head().await.is_stream());
        }
        drop(http);
        stays("the call runs on", Duration::from_millis(200), || house.calls() == 1).await;
        house.probe.release.add_permits(1);
        house.probe.done.reaches(round).await;
        house.calls_are(0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_deleted_takes_its_calls_back() {
    let house = house(|_| ());
    let address = house.serve();
    let (mut caller, mut other) = (Http::connect(address).await, Http::connect(address).await);
    let session = LegacySession::open(&mut caller, LEGACY).await;
    caller.send(&session.bytes(address, &legacy(1, "tools/call", hold(1)))).await;
    house.probe.begun.reaches(1).await;
    assert_eq!(session.close(&mut other).await, 204);
    house.probe.gone.reaches(1).await;
    assert_taken_back(&house, 1);
    assert!(caller.answer().await.events_or_none().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_whose_client_has_gone_takes_its_calls_back() {
    let house = house(|_| ());
    for (round, is_legacy) in [(1, false), (2, true)] {
        let mut pipe =
            if is_legacy { Pipe::open_legacy(&house.runtime).await } else { Pipe::open(&house.runtime) };
        let asked = if is_legacy { legacy::<i32> } else { modern::<i32> };
        pipe.send(&asked(1, "tools/call", hold(1))).await;
        house.probe.begun.reaches(round).await;
        // Both directions are gone: nobody can take the answer any more.
        drop(pipe);
        house.probe.gone.reaches(round).await;
        house.calls_are(0).await;
    }
    assert_taken_back(&house, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_watches_for_its_cancellation_cleans_up() {
    let house = house(|_| ());
    let watch = |ms: u64| tool("watch", json!({ "ms": ms }));
    let mut pipe = Pipe::open(&house.runtime);
    pipe.send(&modern(1, "tools/call", watch(50))).await;
    house.probe.begun.reaches(1).await;
    pipe.send(&cancelled(1)).await;
    house.probe.cleaned.reaches(1).await;
    // What it came to is told to nobody.
    assert_eq!(pipe.modern(2, "echo", json!({})).await["id"], json!(2));
    let mut http = Http::connect(house.serve()).await;
    http.send(&modern_bytes(http.address(), &modern(1, "tools/call", watch(50)))).await;
    house.probe.begun.reaches(3).await;
    drop(http);
    house.probe.cleaned.reaches(2).await;
    let client = house.runtime.connect().await.unwrap();
    let running = client.start_tool("watch", json!({ "ms": 50 })).unwrap();
    house.probe.begun.reaches(4).await;
    running.cancel();
    assert!(running.result().await.unwrap_err().message.contains("cancelled"));
    house.probe.cleaned.reaches(3).await;
    drop(client.start_tool("watch", json!({ "ms": 50 })).unwrap());
    house.calls_are(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_for_a_worker_can_be_taken_back_and_never_begins() {
    let house = house(|limits| limits.pool_workers = 1);
    let mut pipe = Pipe::open(&house.runtime);
    pipe.send(&modern(1, "tools/call", hold(1))).await;
    house.probe.begun.reaches(1).await;
    pipe.send(&modern(2, "tools/call", hold(2))).await;
    house.calls_are(2).await;
    pipe.send(&cancelled(2)).await;
    house.calls_are(1).await;
    house.probe.release.add_permits(2);
    assert_eq!(pipe.next().await.unwrap()["id"], json!(1));
    assert_eq!(pipe.modern(3, "say", json!({})).await["id"], json!(3));
    assert_eq!(house.probe.begun.get(), 1);
}
