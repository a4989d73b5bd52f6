//! How much is kept of answers, and for how long.

use std::sync::Arc;
use std::time::Duration;

use impresario_engine::{CachePolicy, CacheScope, Context, Limits, ToolSpec};
use serde_json::json;

use crate::house::{House, Probe, any, house_with, number};
use crate::messages::text_of;
use crate::pipe::Pipe;

/// What a block of content counts beside its text.
const BLOCK: usize = 64;

fn kept(probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    let policy = CachePolicy::ttl(Duration::from_secs(3_600)).scope(CacheScope::Public);
    let tool = ToolSpec::from_context("kept", any(), move |ctx: Context| {
        let probe = Arc::clone(&probe);
        async move {
            probe.begun.add();
            "k".repeat(number(&ctx, "size"))
        }
    });
    tool.cache(policy)
}

fn open(change: impl FnOnce(&mut Limits)) -> (House, Pipe) {
    let house = house_with(change, |builder, probe| builder.tool(kept(probe)));
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
    const MAX: usize = 500;
    for (bytes, is_kept) in [(MAX - 1, true), (MAX, true), (MAX + 1, false)] {
        let (house, mut pipe) = open(|limits| limits.cache_bytes_max = MAX as u64);
        // What does not fit may stay until the cache next tidies up.
        const ROUNDS: usize = 400;
        for _ in 0..ROUNDS {
            ask(&mut pipe, bytes).await;
        }
        let runs = house.probe.begun.get();
        assert_eq!(runs == 1, is_kept, "{bytes} bytes: the tool ran {runs} times");
    }
    let (house, mut pipe) = open(|limits| limits.cache_bytes_max = 0);
    for _ in 0..400 {
        ask(&mut pipe, 100).await;
    }
    assert!(house.probe.begun.get() > 1, "nothing fits into nothing");
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
