//! Layer actor: a message and its answer, on one lane and between two threads.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use impresario_benches::lane::on_lane;
use impresario_engine::Runtime;
use impresario_engine::actor::{Actor, Exit, Local, Remote};

const MAILBOX_LEN_MAX: usize = 1_024;

/// Counts what it is told; the sum is its answer.
struct Adder {
    sum: Arc<AtomicU64>,
}

enum AdderMsg {
    Add(u64),
}

impl Actor for Adder {
    type Msg = AdderMsg;

    fn handle(&mut self, msg: AdderMsg, _me: &Local<Self>) -> Result<(), Exit> {
        let AdderMsg::Add(number) = msg;
        self.sum.fetch_add(number, Ordering::Release);
        Ok(())
    }
}

/// Asks another actor, and so on: a stack of actors.
struct Relay {
    next: Local<Adder>,
}

impl Actor for Relay {
    type Msg = AdderMsg;

    fn handle(&mut self, msg: AdderMsg, _me: &Local<Self>) -> Result<(), Exit> {
        self.next.tell(msg).map_err(|_untold| Exit::Finished)
    }
}

fn on_one_lane(criterion: &mut Criterion) {
    let sum = Arc::new(AtomicU64::new(0));
    let adder = Local::start(Adder { sum: Arc::clone(&sum) }, MAILBOX_LEN_MAX);
    let relay = Local::start(Relay { next: adder.clone() }, MAILBOX_LEN_MAX);
    let mut group = criterion.benchmark_group("actor");
    group.bench_function("round_trip_on_the_lane", |bencher| {
        bencher.iter(|| {
            assert!(adder.tell(AdderMsg::Add(black_box(1))).is_ok());
            sum.load(Ordering::Acquire)
        });
    });
    group.bench_function("two_actors_on_the_lane", |bencher| {
        bencher.iter(|| {
            assert!(relay.tell(AdderMsg::Add(black_box(1))).is_ok());
            sum.load(Ordering::Acquire)
        });
    });
    group.finish();
}

fn across_threads(criterion: &mut Criterion) {
    let runtime = Runtime::builder().lanes(1).start().unwrap();
    let sum = Arc::new(AtomicU64::new(0));
    let far = far_adder(&runtime, &sum);
    let mut group = criterion.benchmark_group("actor");
    group.bench_function("round_trip_to_a_sleeping_lane", |bencher| {
        bencher.iter_custom(|rounds| time_round_trips(&far, &sum, rounds));
    });
    let stop = keep_awake(&runtime);
    group.bench_function("round_trip_to_a_lane_awake", |bencher| {
        bencher.iter_custom(|rounds| time_round_trips(&far, &sum, rounds));
    });
    stop.store(true, Ordering::Release);
    group.finish();
}

/// An actor on the runtime's lane. It lives as long as the lane.
fn far_adder(runtime: &Runtime, sum: &Arc<AtomicU64>) -> Remote<Adder> {
    let sum = Arc::clone(sum);
    on_lane(runtime, move |_stage| {
        let adder = Local::start(Adder { sum }, MAILBOX_LEN_MAX);
        let far = adder.remote();
        tokio::task::spawn_local(async move {
            std::future::pending::<()>().await;
            drop(adder);
        });
        far
    })
}

/// Gives the lane something to do, again and again, until told to stop.
fn keep_awake(runtime: &Runtime) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    on_lane(runtime, move |_stage| {
        tokio::task::spawn_local(async move {
            while !stopped.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
        });
    });
    stop
}

fn time_round_trips(far: &Remote<Adder>, sum: &AtomicU64, rounds: u64) -> Duration {
    let started = Instant::now();
    for _ in 0..rounds {
        let before = sum.load(Ordering::Acquire);
        assert!(far.tell(AdderMsg::Add(1)).is_ok());
        // On a machine with fewer free cores than threads, spinning alone would keep the lane from its own.
        while sum.load(Ordering::Acquire) == before {
            std::thread::yield_now();
        }
    }
    started.elapsed()
}

criterion_group!(benches, on_one_lane, across_threads);
criterion_main!(benches);
