//! The cache: keys, single flight, and what is never kept.

use std::cell::Cell;
use std::rc::Rc;

use impresario_codec::Document;
use impresario_protocol::McpError;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use super::*;
use crate::hub::Hub;
use crate::registry::Registry;
use crate::tool::ToolSpec;

fn tool(policy: CachePolicy) -> (Registry, CachePolicy) {
    let registry =
        Registry::new(Arc::new(Hub::default()), Arc::new(Limits::default()), vec!["default".into()]);
    let spec =
        ToolSpec::from_context("t", json!({"type": "object"}), |_ctx| async { "x" }).cache(policy.clone());
    registry.add_tool(spec).unwrap();
    (registry, policy)
}

fn key(
    cache: &ResultCache,
    (registry, policy): &(Registry, CachePolicy),
    who: Option<&str>,
    json: &str,
) -> CacheKey {
    let document = Document::parse(json.as_bytes(), 64).unwrap();
    let caller = Caller { principal: who.map(Arc::from), address: None };
    let snapshot = registry.snapshot();
    cache.key(snapshot.tool("t").unwrap(), policy, &caller, Some(document.root()))
}

fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(60))
}

#[test]
fn a_key_holds_everything_that_decides_the_answer_and_nothing_else() {
    let cache = ResultCache::new(&Limits::default(), Eviction::default());
    let private = tool(policy());
    let key_of = |who, json| key(&cache, &private, who, json);
    let base = key_of(Some("ada"), r#"{"a":1,"b":[2,"3"]}"#);
    assert_eq!(base, key_of(Some("ada"), r#"{ "b" : [2, "3"], "a" : 1 }"#));
    for (who, json) in [
        (Some("bob"), r#"{"a":1,"b":[2,"3"]}"#),
        (None, r#"{"a":1,"b":[2,"3"]}"#),
        (Some("ada"), r#"{"a":1,"b":["3",2]}"#),
        (Some("ada"), r#"{"a":1,"b":[2,3]}"#),
        (Some("ada"), r#"{"a":1.0,"b":[2,"3"]}"#),
        (Some("ada"), r#"{"a":1,"b":[2],"c":"3"}"#),
        (Some("ada"), r#"{"a":null,"b":[2,"3"]}"#),
    ] {
        assert_ne!(base, key_of(who, json), "{who:?} {json}");
    }
    let at = |address: [u8; 4]| {
        let snapshot = private.0.snapshot();
        cache.key(snapshot.tool("t").unwrap(), &private.1, &Caller::from_address(address.into()), None)
    };
    assert_eq!(at([10, 0, 0, 1]), at([10, 0, 0, 1]));
    assert_ne!(
        at([10, 0, 0, 1]),
        at([10, 0, 0, 2]),
        "while nobody is authenticated, addresses are told apart"
    );
    let public = tool(policy().scope(CacheScope::Public));
    assert_eq!(key(&cache, &public, Some("ada"), "{}"), key(&cache, &public, Some("bob"), "{}"));
    private.0.remove_tool("t");
    private.0.add_tool(ToolSpec::from_context("t", json!({"type": "object"}), |_| async { "y" })).unwrap();
    assert_ne!(base, key(&cache, &private, Some("ada"), r#"{"a":1,"b":[2,"3"]}"#), "another registration");
}

fn answer(text: &str) -> Ran {
    Ran { ending: Ending::Answered(Outcome::Tool(ToolResult::text(text))), was_noisy: false }
}

#[tokio::test]
async fn equal_calls_run_the_tool_once_even_when_the_first_caller_leaves() {
    LocalSet::new()
        .run_until(async {
            let cache = Rc::new(ResultCache::new(&Limits::default(), Eviction::default()));
            let (runs, gate) = (Rc::new(Cell::new(0)), Rc::new(Semaphore::new(0)));
            let key = CacheKey(1);
            let tasks: Vec<_> = (0..50)
                .map(|_| {
                    let (cache, runs, gate) = (Rc::clone(&cache), Rc::clone(&runs), Rc::clone(&gate));
                    tokio::task::spawn_local(async move {
                        let run = || async {
                            runs.set(runs.get() + 1);
                            gate.acquire().await.unwrap().forget();
                            answer("once")
                        };
                        cache.get_or_run(key, &policy(), run).await
                    })
                })
                .collect();
            tokio::task::yield_now().await;
            gate.add_permits(1);
            for task in tasks {
                assert!(matches!(task.await.unwrap(), Ending::Answered(_)));
            }
            assert_eq!(runs.get(), 1);
            assert!(cache.get(key).is_some());
        })
        .await;
}

#[tokio::test]
async fn after_a_panic_the_next_in_line_tries() {
    LocalSet::new()
        .run_until(async {
            let cache = Rc::new(ResultCache::new(&Limits::default(), Eviction::default()));
            let runs = Rc::new(Cell::new(0));
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let (cache, runs) = (Rc::clone(&cache), Rc::clone(&runs));
                    tokio::task::spawn_local(async move {
                        let run = || async {
                            runs.set(runs.get() + 1);
                            tokio::task::yield_now().await;
                            match runs.get() {
                                1 => Ran { ending: Ending::Failed(McpError::internal()), was_noisy: false },
                                _ => answer("second"),
                            }
                        };
                        cache.get_or_run(CacheKey(2), &policy(), run).await
                    })
                })
                .collect();
            let mut answered = 0;
            for task in tasks {
                answered += usize::from(matches!(task.await.unwrap(), Ending::Answered(_)));
            }
            assert_eq!((answered, runs.get()), (2, 2));
        })
        .await;
}

#[tokio::test]
async fn failures_noisy_calls_and_large_answers_are_never_kept() {
    let cache =
        ResultCache::new(&Limits { cache_entry_bytes_max: 200, ..Limits::default() }, Eviction::LeastRecent);
    let failed = Ran { ending: Ending::Answered(Outcome::Tool(ToolResult::error("no"))), was_noisy: false };
    let noisy = Ran { was_noisy: true, ..answer("x") };
    let large = answer(&"x".repeat(200));
    let timed_out = Ran { ending: Ending::TimedOut { after: Duration::ZERO }, was_noisy: false };
    for (number, ran) in [failed, noisy, large, timed_out].into_iter().enumerate() {
        let key = CacheKey(number as u128 + 10);
        let ran = Cell::new(Some(ran));
        cache.get_or_run(key, &policy(), || std::future::ready(ran.take().unwrap())).await;
        assert!(cache.get(key).is_none(), "{number}");
    }
    let small = policy().max_bytes(10);
    cache.get_or_run(CacheKey(20), &small, || std::future::ready(answer("x"))).await;
    assert!(cache.get(CacheKey(20)).is_none(), "its own bound");
    cache.get_or_run(CacheKey(21), &policy(), || std::future::ready(answer("x"))).await;
    assert!(cache.get(CacheKey(21)).is_some());
}

/// Which of ten answers stay when there is room for four, after the first was asked for again and again.
async fn stay(eviction: Eviction) -> Vec<u128> {
    let one = size_of_result(&ToolResult::text("x")) as u64;
    let cache = ResultCache::new(&Limits { cache_bytes_max: 4 * one, ..Limits::default() }, eviction);
    for number in 0..10 {
        cache.get_or_run(CacheKey(number), &policy(), || std::future::ready(answer("x"))).await;
        cache.store.run_pending_tasks().await;
        for _ in 0..20 {
            assert!(cache.get(CacheKey(0)).is_some(), "{eviction:?}: what is asked for all the time stays");
        }
        cache.store.run_pending_tasks().await;
    }
    (0..10).filter(|number| cache.get(CacheKey(*number)).is_some()).collect()
}

#[tokio::test]
async fn without_room_the_least_recently_or_the_least_frequently_asked_for_go() {
    assert_eq!(stay(Eviction::LeastRecent).await, [0, 7, 8, 9]);
    // A newcomer that nobody has asked for again does not drive out one that was there.
    let frequent = stay(Eviction::LeastFrequent).await;
    assert!(frequent.len() <= 4 && frequent[0] == 0, "{frequent:?}");
}
