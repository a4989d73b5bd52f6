//! Layer codec: a message's bytes to views, beside the parsers that people know.
//!
//! `impresario` is the whole of what a request needs: envelope checked, params ready to be read. The others
//! only parse: `raw_value` finds the members of the envelope, the two trees build everything.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use impresario_benches::{Workload, json};
use impresario_codec::{DecodeLimits, Message};
use impresario_protocol::Limits;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What another server would read a message into, if it wanted to look at the params later.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only how long it takes to read them matters")]
struct Envelope<'a> {
    jsonrpc: &'a str,
    id: u64,
    method: &'a str,
    #[serde(borrow)]
    params: &'a RawValue,
}

fn parse(criterion: &mut Criterion) {
    let inputs = [
        ("small", Workload::Echo.body()),
        ("10KB", json::call_of_bytes(10_000)),
        ("100KB", json::call_of_bytes(100_000)),
        ("1MB", json::call_of_bytes(1_000_000)),
        ("text_100KB", Workload::LargeEcho.body()),
        ("deep", json::deep_call(60)),
        ("wide", json::wide_call(1_000)),
    ];
    let limits = DecodeLimits::from(&Limits::default());
    let mut group = criterion.benchmark_group("parse");
    for (name, text) in &inputs {
        let bytes = text.as_bytes();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(BenchmarkId::new("impresario", name), bytes, |bencher, bytes| {
            bencher.iter(|| Message::parse(black_box(bytes), &limits).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("serde_json_raw_value", name), bytes, |bencher, bytes| {
            bencher.iter(|| black_box(serde_json::from_slice::<Envelope<'_>>(black_box(bytes)).unwrap()));
        });
        group.bench_with_input(BenchmarkId::new("serde_json_tree", name), bytes, |bencher, bytes| {
            bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(bytes)).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("sonic_rs_tree", name), bytes, |bencher, bytes| {
            bencher.iter(|| sonic_rs::from_slice::<sonic_rs::Value>(black_box(bytes)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
