//! `tools/list`: written once after a change, and spliced into every answer from then on.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use impresario_benches::lane::{Asker, on_lane, time_requests};
use impresario_benches::{Workload, catalogue};
use impresario_engine::Runtime;

fn list(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("list");
    for tools in [catalogue::TOOLS, 1_000] {
        let runtime = Runtime::builder().tools((0..tools).map(catalogue::entry)).lanes(1).start().unwrap();
        group.bench_function(BenchmarkId::new("again", tools), |bencher| {
            bencher.iter_custom(|rounds| time_requests(&runtime, Workload::List.body(), 10_000, rounds));
        });
        group.bench_function(BenchmarkId::new("after_a_change", tools), |bencher| {
            bencher.iter_custom(|rounds| time_first_lists(&runtime, tools, rounds));
        });
    }
    group.finish();
}

/// How long the first list after each of `rounds` changes takes; the changes are not timed.
fn time_first_lists(runtime: &Runtime, tools: usize, rounds: u64) -> Duration {
    on_lane(runtime, move |stage| {
        let asker = Asker::open(stage);
        let (registry, request) = (&stage.shared.registry, Workload::List.body());
        let mut spent = Duration::ZERO;
        for _ in 0..rounds {
            assert!(registry.remove_tool(&catalogue::entry_name(tools - 1)));
            registry.add_tool(catalogue::entry(tools - 1)).unwrap();
            let started = Instant::now();
            std::hint::black_box(asker.ask(request.as_bytes()));
            spent += started.elapsed();
        }
        spent
    })
}

criterion_group!(benches, list);
criterion_main!(benches);
