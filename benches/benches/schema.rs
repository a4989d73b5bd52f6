//! Layer codec: arguments held against a schema, on the tape.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use impresario_benches::catalogue;
use impresario_codec::{Document, Schema, SchemaLimits};
use impresario_protocol::Limits;
use serde_json::{Value, json};

const DEPTH_MAX: usize = 64;

fn schema(criterion: &mut Criterion) {
    let limits = SchemaLimits::from(&Limits::default());
    let document = |value: &Value| Document::parse(value.to_string().as_bytes(), DEPTH_MAX).unwrap();
    let small = json!({
        "type": "object",
        "properties": { "message": { "type": "string" } },
        "required": ["message"],
        "additionalProperties": false
    });
    let large = catalogue::search_schema("orders");
    let mut group = criterion.benchmark_group("schema");

    let (on_small, hello) =
        (Schema::compile(&small, &limits).unwrap(), document(&json!({ "message": "hello" })));
    group.bench_function("small", |bencher| {
        bencher.iter(|| on_small.check(black_box(&hello).root()).unwrap());
    });
    let on_large = Schema::compile(&large, &limits).unwrap();
    let arguments = catalogue::search_arguments();
    let valid = document(&arguments);
    group.bench_function("large", |bencher| {
        bencher.iter(|| on_large.check(black_box(&valid).root()).unwrap());
    });
    group.bench_function("large_on_a_tree", |bencher| {
        bencher.iter(|| on_large.check_value(black_box(&arguments)).unwrap());
    });
    let mut wrong = arguments.clone();
    wrong["limit"] = json!(1_000);
    let wrong = document(&wrong);
    group.bench_function("large_refused_and_explained", |bencher| {
        bencher.iter(|| on_large.check(black_box(&wrong).root()).unwrap_err());
    });
    let open = Schema::compile(&json!({ "type": "object" }), &limits).unwrap();
    group.bench_function("any_object", |bencher| {
        bencher.iter(|| open.check(black_box(&valid).root()).unwrap());
    });
    group.bench_function("compile_large", |bencher| {
        bencher.iter(|| Schema::compile(black_box(&large), &limits).unwrap());
    });
    group.finish();
}

criterion_group!(benches, schema);
criterion_main!(benches);
