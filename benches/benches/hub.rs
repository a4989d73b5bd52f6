//! Layer hub: what a change costs whoever reports it, by how many subscribe to what.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use impresario_engine::ListenFilter;
use impresario_engine::hub::{Hub, Subscriber};

fn hub(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub");
    for subscribers in [1_usize, 100, 10_000] {
        // Each watches something else: an update must cost the same however many there are.
        let (hub, all) = audience(subscribers, |number| format!("a:{number}"));
        group.bench_function(BenchmarkId::new("one_watcher_among", subscribers), |bencher| {
            bencher.iter(|| {
                hub.resource_updated(black_box("a:0"));
                assert!(hears(all.first().unwrap()));
            });
        });
        // All watch the same, and the caller marks each of them: what lanes do in slices.
        let (hub, all) = audience(subscribers, |_number| "a:0".to_owned());
        group.throughput(Throughput::Elements(subscribers as u64));
        group.bench_function(BenchmarkId::new("marked", subscribers), |bencher| {
            bencher.iter(|| {
                hub.resource_updated(black_box("a:0"));
                assert!(all.iter().all(|subscriber| hears(subscriber)));
            });
        });
    }
    group.finish();
}

/// Subscribers that wait, each for one resource.
fn audience(count: usize, uri: impl Fn(usize) -> String) -> (Arc<Hub>, Vec<Arc<Subscriber>>) {
    let hub = Arc::new(Hub::default());
    let subscribe = |number| {
        let subscriber = hub.subscribe(ListenFilter { uris: vec![uri(number)], ..ListenFilter::default() });
        assert!(!hears(&subscriber));
        subscriber
    };
    let all = (0..count).map(subscribe).collect();
    (hub, all)
}

/// Takes what a subscriber was not told of yet, and has it wait again. Says whether there was something.
fn hears(subscriber: &Subscriber) -> bool {
    let mut task = Context::from_waker(Waker::noop());
    let mut has_heard = false;
    while let Poll::Ready(change) = subscriber.poll_change(&mut task) {
        black_box(change);
        has_heard = true;
    }
    has_heard
}

criterion_group!(benches, hub);
criterion_main!(benches);
