//! Layer cache: what an answer is kept under, a hit, a miss, and many that wait for one run.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::cell::Cell;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use impresario_benches::catalogue;
use impresario_codec::Document;
use impresario_engine::cache::{CacheKey, Ran, ResultCache};
use impresario_engine::call::Ending;
use impresario_engine::{CachePolicy, CacheScope, Caller, Eviction, Limits, Runtime, ToolResult};
use impresario_protocol::Outcome;
use serde_json::json;
use std::time::Duration;

const DEPTH_MAX: usize = 64;

fn cache(criterion: &mut Criterion) {
    let runtime = Runtime::builder().lanes(1).tool(catalogue::kept_echo()).start().unwrap();
    let snapshot = runtime.shared().registry.snapshot();
    let tool = snapshot.tool("kept_echo").unwrap();
    let cache = ResultCache::new(&Limits::default(), Eviction::default());
    let policy = CachePolicy::ttl(Duration::from_secs(3_600)).scope(CacheScope::Public);
    let key_of = |document: &Document| cache.key(tool, &policy, &Caller::default(), Some(document.root()));
    let document = |message: u64| {
        Document::parse(json!({ "message": message.to_string() }).to_string().as_bytes(), DEPTH_MAX).unwrap()
    };
    let last = Cell::new(0);
    let fresh_key = || {
        last.set(last.get() + 1);
        key_of(&document(last.get()))
    };
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ask = |key: CacheKey| cache.get_or_run(key, &policy, answer);

    let mut group = criterion.benchmark_group("cache");
    let small = document(0);
    group.bench_function("key", |bencher| bencher.iter(|| key_of(black_box(&small))));
    let kept = key_of(&small);
    executor.block_on(ask(kept));
    group.bench_function("hit", |bencher| bencher.iter(|| cache.get(black_box(kept)).unwrap()));
    group.bench_function("miss", |bencher| {
        bencher.iter_batched(fresh_key, |key| executor.block_on(ask(key)), BatchSize::SmallInput);
    });
    for callers in [2, 64] {
        group.throughput(Throughput::Elements(callers));
        group.bench_function(BenchmarkId::new("single_flight", callers), |bencher| {
            let together = |key| executor.block_on(join_all((0..callers).map(|_| ask(key))));
            bencher.iter_batched(fresh_key, together, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// A tool that waits once, so that others can arrive meanwhile.
async fn answer() -> Ran {
    tokio::task::yield_now().await;
    Ran { ending: Ending::Answered(Outcome::Tool(ToolResult::text("hello"))), was_noisy: false }
}

criterion_group!(benches, cache);
criterion_main!(benches);
