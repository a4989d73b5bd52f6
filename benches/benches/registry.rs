//! Layer registry: finding a tool among many, and adding one to many.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use impresario_benches::catalogue;
use impresario_engine::Runtime;

fn registry(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("registry");
    for tools in [10, 1_000, 10_000] {
        let runtime = Runtime::builder().tools((0..tools).map(catalogue::entry)).lanes(1).start().unwrap();
        let registry = &runtime.shared().registry;
        let middle = registry.snapshot().tools()[tools / 2].definition.name.clone();
        group.bench_function(BenchmarkId::new("lookup", tools), |bencher| {
            bencher.iter(|| registry.snapshot().tool(black_box(&middle)).unwrap().definition.name.len());
        });
        group.bench_function(BenchmarkId::new("lookup_of_nobody", tools), |bencher| {
            bencher.iter(|| assert!(registry.snapshot().tool(black_box("nobody")).is_none()));
        });
        let newcomer = catalogue::entry(tools);
        group.bench_function(BenchmarkId::new("add_and_remove", tools), |bencher| {
            bencher.iter(|| {
                registry.add_tool(newcomer.clone()).unwrap();
                assert!(registry.remove_tool(&catalogue::entry_name(tools)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, registry);
criterion_main!(benches);
