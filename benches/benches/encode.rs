//! Layer codec and session: text to JSON, and a whole answer to bytes.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use impresario_benches::workload::{plain_text, quoted_text};
use impresario_benches::{catalogue, json};
use impresario_codec::{Document, write_serialized, write_str};
use impresario_protocol::{Content, ToolResult};

const DEPTH_MAX: usize = 64;

fn strings(criterion: &mut Criterion) {
    let inputs = [
        ("short_clean", "hello".to_owned()),
        ("line_clean", plain_text(200)),
        ("line_escaped", quoted_text(200)),
        ("100KB_clean", plain_text(100_000)),
        ("100KB_escaped", quoted_text(100_000)),
        ("100KB_all_escaped", "\n".repeat(100_000)),
    ];
    let mut group = criterion.benchmark_group("encode_string");
    for (name, text) in &inputs {
        let mut out = Vec::with_capacity(1_000_000);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("impresario", name), text, |bencher, text| {
            bencher.iter(|| {
                out.clear();
                write_str(&mut out, black_box(text));
                black_box(out.len())
            });
        });
        group.bench_with_input(BenchmarkId::new("serde_json", name), text, |bencher, text| {
            bencher.iter(|| {
                out.clear();
                serde_json::to_writer(&mut out, black_box(text)).unwrap();
                black_box(out.len())
            });
        });
        group.bench_with_input(BenchmarkId::new("sonic_rs", name), text, |bencher, text| {
            bencher.iter(|| {
                out.clear();
                sonic_rs::to_writer(&mut out, black_box(text)).unwrap();
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn values(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode_value");
    let mut out = Vec::with_capacity(1_000_000);
    for (name, text) in [
        ("arguments", catalogue::search_arguments().to_string()),
        ("100KB_of_records", json::call_of_bytes(100_000)),
    ] {
        let document = Document::parse(text.as_bytes(), DEPTH_MAX).unwrap();
        let tree = document.root().to_value();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("from_the_tape", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                black_box(&document).root().write_json(&mut out);
                black_box(out.len())
            });
        });
        group.bench_function(BenchmarkId::new("from_a_tree_by_serde_json", name), |bencher| {
            bencher.iter(|| {
                out.clear();
                serde_json::to_writer(&mut out, black_box(&tree)).unwrap();
                black_box(out.len())
            });
        });
    }
    let result = ToolResult { content: vec![Content::text("hello")], ..ToolResult::default() };
    group.bench_function("tool_result_by_serde", |bencher| {
        bencher.iter(|| {
            out.clear();
            write_serialized(&mut out, black_box(&result)).unwrap();
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(benches, strings, values);
criterion_main!(benches);
