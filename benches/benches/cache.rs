//! Layer cache: what an answer is kept under, a hit, a miss, and many that wait for one run.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use impresario_benches::catalogue;
use impresario_codec::{DecodeLimits, Document, Message};
use impresario_engine::cache::{CacheKey, Found, Joined, Ran, ToolCache};
use impresario_engine::call::{Call, Ending};
use impresario_engine::{Caller, Limits, Runtime, ToolResult};
use impresario_protocol::Outcome;
use serde_json::json;

const DEPTH_MAX: usize = 64;

fn cache(criterion: &mut Criterion) {
    let runtime = Runtime::builder().lanes(1).tool(catalogue::kept_echo()).start().unwrap();
    let snapshot = runtime.shared().registry.snapshot();
    let cache = snapshot.tool("kept_echo").unwrap().cache().unwrap();
    let key_of = |document: &Document| cache.key(&Caller::default(), Some(document.root()));
    let document = |message: u64| {
        Document::parse(json!({ "message": message.to_string() }).to_string().as_bytes(), DEPTH_MAX).unwrap()
    };
    let last = Cell::new(0);
    let fresh_key = || {
        last.set(last.get() + 1);
        key_of(&document(last.get()))
    };
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = {
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
        let (limits, call_limits) = (DecodeLimits::from(&Limits::default()), runtime.shared().call_limits());
        move || Arc::new(Call::new(Message::parse(body, &limits).unwrap(), call_limits))
    };

    let mut group = criterion.benchmark_group("cache");
    let small = document(0);
    group.bench_function("key", |bencher| bencher.iter(|| key_of(black_box(&small))));
    let kept = key_of(&small);
    executor.block_on(ask_together(cache, kept, vec![call()]));
    group.bench_function("hit", |bencher| {
        bencher.iter(|| {
            let Found::Fresh(kept) = cache.look_up(black_box(kept)) else { panic!("it is kept") };
            kept
        });
    });
    for callers in [1, 2, 64] {
        group.throughput(Throughput::Elements(callers));
        group.bench_function(BenchmarkId::new("single_flight", callers), |bencher| {
            let calls = || (fresh_key(), (0..callers).map(|_| call()).collect());
            let together = |(key, calls)| executor.block_on(ask_together(cache, key, calls));
            bencher.iter_batched(calls, together, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// Calls for the same that arrive together: the first leads, the others wait.
async fn ask_together(cache: &Arc<ToolCache>, key: CacheKey, calls: Vec<Arc<Call>>) {
    let flights: Vec<_> = calls.iter().map(|call| (cache.join(key, call), call)).collect();
    for (joined, call) in flights {
        if let Joined::Leads(flight) = joined {
            flight.fly(Arc::clone(call), |_leader| answer()).await;
        }
    }
}

/// A tool that waits once, so that others could arrive meanwhile.
async fn answer() -> Ran {
    tokio::task::yield_now().await;
    Ran { ending: Ending::Answered(Outcome::Tool(ToolResult::text("hello"))), was_noisy: false }
}

criterion_group!(benches, cache);
criterion_main!(benches);
