//! Layer codec: a tool's arguments from the tape into its own type.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use impresario_benches::catalogue;
use impresario_codec::Document;
use serde::Deserialize;
use serde_json::json;

const DEPTH_MAX: usize = 64;

#[derive(Deserialize)]
#[expect(dead_code, reason = "only how long it takes to read them matters")]
struct Borrowed<'a> {
    message: &'a str,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only how long it takes to read them matters")]
struct Addends {
    a: f64,
    b: f64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only how long it takes to read them matters")]
struct Search {
    query: String,
    state: Option<String>,
    limit: Option<u32>,
    since: Option<String>,
    tags: Vec<String>,
    page: Option<Page>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only how long it takes to read them matters")]
struct Page {
    after: String,
    backwards: bool,
}

fn arguments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("arguments");
    let echo = Document::parse(br#"{"message":"hello"}"#, DEPTH_MAX).unwrap();
    group.bench_function("borrowed_text", |bencher| {
        bencher.iter(|| black_box(black_box(&echo).root().deserialize::<Borrowed<'_>>().unwrap()));
    });
    let add = Document::parse(json!({ "a": 2, "b": 3.5 }).to_string().as_bytes(), DEPTH_MAX).unwrap();
    group.bench_function("two_numbers", |bencher| {
        bencher.iter(|| black_box(black_box(&add).root().deserialize::<Addends>().unwrap()));
    });
    let text = catalogue::search_arguments().to_string();
    let search = Document::parse(text.as_bytes(), DEPTH_MAX).unwrap();
    group.bench_function("owned_record", |bencher| {
        bencher.iter(|| black_box(black_box(&search).root().deserialize::<Search>().unwrap()));
    });
    group.bench_function("owned_record_from_text_by_serde_json", |bencher| {
        bencher.iter(|| black_box(serde_json::from_str::<Search>(black_box(&text)).unwrap()));
    });
    group.bench_function("tree", |bencher| {
        bencher.iter(|| black_box(&search).root().to_value());
    });
    group.finish();
}

criterion_group!(benches, arguments);
criterion_main!(benches);
