//! How much is kept of answers, and for how long.

use std::sync::Arc;
use std::time::Duration;

use impresario_engine::cache::ENTRY_BYTES;
use impresario_engine::{CachePolicy, CacheScope, Context, Limits, ToolSpec};
use serde_json::json;

use crate::house::{House, Probe, any, house_with, number};
use crate::messages::text_of;
use crate::pipe::Pipe;

/// What a block of content counts beside its text.
const BLOCK: usize = 64;
/// What an answer takes beside itself.
const ENTRY: usize = ENTRY_BYTES as usize;

fn kept(name: &str, probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    let policy = CachePolicy::ttl(Duration::from_secs(3_600)).scope(CacheScope::Public);
    let tool = ToolSpec::from_context(name, any(), move |ctx: Context| {
        let probe = Arc::clone(&probe);
        async move {
            probe.begun.add();
            "k".repeat(number(&ctx, "size"))
        }
    });
    tool.cache(policy)
}

fn open(change: impl FnOnce(&mut Limits)) -> (House, Pipe) {
    let house = house_with(change, |builder, probe| builder.tool(kept("kept", probe)));
    let pipe = Pipe::open(&house.runtime);
    (house, pipe)
}

/// Asks for an answer that counts so many bytes.
async fn ask(pipe: &mut Pipe, bytes: usize) {
    let answer = pipe.modern(1, "kept", json!({ "size": bytes - BLOCK })).await;
    assert_eq!(text_of(&answer).len(), bytes - BLOCK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_entry_bytes_max_is_the_largest_answer_that_is_kept() {
    const MAX: usize = 500;
    let (house, mut pipe) = open(|limits| limits.cache_entry_bytes_max = MAX as u64);
    for (bytes, runs) in [(MAX - 1, 1), (MAX, 1), (MAX + 1, 5)] {
        let before = house.probe.begun.get();
        for _ in 0..5 {
            ask(&mut pipe, bytes).await;
        }
        assert_eq!(house.probe.begun.get() - before, runs, "{bytes} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_bytes_max_is_how_much_is_kept_in_all() {
    const MAX: usize = ENTRY + 500;
    for (bytes, runs) in [(499, 1), (500, 1), (501, 5)] {
        let (house, mut pipe) = open(|limits| limits.cache_bytes_max = MAX as u64);
        for _ in 0..5 {
            ask(&mut pipe, bytes).await;
        }
        assert_eq!(house.probe.begun.get(), runs, "{bytes} bytes");
    }
    // One bound for all tools: the second one's answer drives out the first one's.
    let house = house_with(
        |limits| limits.cache_bytes_max = MAX as u64,
        |builder, probe| builder.tool(kept("kept", probe)).tool(kept("also_kept", probe)),
    );
    let mut pipe = Pipe::open(&house.runtime);
    for (tool, runs) in [("kept", 1), ("also_kept", 2), ("also_kept", 2), ("kept", 3)] {
        pipe.modern(1, tool, json!({ "size": 400 - BLOCK })).await;
        assert_eq!(house.probe.begun.get(), runs);
        let stats = house.runtime.cache().stats();
        assert_eq!((stats.total.entries, stats.total.bytes), (1, ENTRY_BYTES + 400), "{stats:?}");
    }
    let (house, mut pipe) = open(|limits| limits.cache_bytes_max = 0);
    for _ in 0..5 {
        ask(&mut pipe, 100).await;
    }
    assert_eq!(house.probe.begun.get(), 5, "nothing fits into nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_ttl_max_ms_is_the_longest_that_anything_is_kept() {
    let (house, mut pipe) = open(|limits| limits.cache_ttl_max_ms = 60_000);
    for _ in 0..5 {
        ask(&mut pipe, 100).await;
    }
    assert_eq!(house.probe.begun.get(), 1);
    // The tool asks for an hour and gets a moment.
    let (house, mut pipe) = open(|limits| limits.cache_ttl_max_ms = 100);
    let begun = std::time::Instant::now();
    while house.probe.begun.get() < 2 {
        ask(&mut pipe, 100).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "it is kept for longer than it may");
    }
    assert!(begun.elapsed() >= Duration::from_millis(90), "it was kept for {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_warm_calls_max_is_how_many_calls_at_once_warm_caches_up() {
    const MAX: usize = 3;
    for calls in [MAX - 1, MAX, MAX + 1, 3 * MAX] {
        let house = house_with(
            |limits| limits.cache_warm_calls_max = MAX as u64,
            |builder, probe| {
                let gate = Arc::clone(probe);
                let tool = ToolSpec::from_context("warmed", any(), move |_ctx| {
                    let gate = Arc::clone(&gate);
                    async move {
                        gate.begun.add();
                        gate.release.acquire().await.expect("it is never closed").forget();
                        "warm"
                    }
                });
                let arguments = (0..calls).map(|number| json!({ "number": number }));
                let policy = CachePolicy::ttl(Duration::from_secs(3_600)).scope(CacheScope::Public);
                builder.tool(tool.cache(policy.warm(arguments)))
            },
        );
        house.probe.begun.reaches(calls.min(MAX)).await;
        house.calls_are(calls.min(MAX)).await;
        house.probe.release.add_permits(1);
        house.probe.begun.reaches(calls.min(MAX + 1)).await;
        house.probe.release.add_permits(calls);
        house.probe.begun.reaches(calls).await;
        house.calls_are(0).await;
        let mut pipe = Pipe::open(&house.runtime);
        let answer = pipe.modern(1, "warmed", json!({ "number": calls - 1 })).await;
        assert_eq!((text_of(&answer), house.probe.begun.get()), ("warm", calls));
    }
}
