//! When a call becomes a stream that can be resumed, and what its client is told of when to come back.

use std::time::Duration;

use serde_json::json;

use crate::house::house;
use crate::http::{Http, LegacySession};
use crate::messages::{LEGACY, legacy, text_of, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_begin_ms_is_how_long_a_call_may_take_before_its_client_gets_an_id() {
    for (begin_ms, revision, is_stream) in
        [(0, LEGACY, true), (60_000, LEGACY, false), (0, "2025-06-18", false)]
    {
        let house = house(|limits| limits.sse_begin_ms = begin_ms);
        let mut http = Http::connect(house.serve()).await;
        let session = LegacySession::open(&mut http, revision).await;
        let bytes = session.bytes(http.address(), &legacy(1, "tools/call", tool("hold", json!({}))));
        http.send(&bytes).await;
        house.probe.begun.reaches(1).await;
        if !is_stream {
            let early = tokio::time::timeout(Duration::from_millis(200), http.head()).await;
            assert!(early.is_err(), "{early:?}");
            house.probe.release.add_permits(1);
            let answer = http.answer().await;
            assert!(!answer.head.is_stream(), "{begin_ms} {revision}");
            continue;
        }
        assert!(http.head().await.is_stream());
        let first = String::from_utf8(http.chunk().await.unwrap().unwrap()).unwrap();
        assert!(first.contains("\nid: ") && first.ends_with("data: \n\n"), "{first}");
        house.probe.release.add_permits(1);
        assert_eq!(text_of(&http.event().await.unwrap()), "held");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sse_retry_ms_is_told_with_the_first_event_and_spread_by_a_quarter() {
    for retry_ms in [0, 1_000] {
        let house = house(|limits| limits.sse_retry_ms = retry_ms);
        let mut http = Http::connect(house.serve()).await;
        let session = LegacySession::open(&mut http, LEGACY).await;
        assert_eq!(session.stream(&mut http).await.status, 200);
        let first = String::from_utf8(http.chunk().await.unwrap().unwrap()).unwrap();
        let told: u64 = first.lines().find_map(|line| line.strip_prefix("retry: ")).unwrap().parse().unwrap();
        assert!((retry_ms..=retry_ms * 5 / 4).contains(&told), "{told}");
    }
}
