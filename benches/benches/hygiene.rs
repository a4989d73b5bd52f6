//! Layer hygiene: what it costs to find that nothing in a text is to be cleaned, and to clean one.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use impresario_engine::{OutputRule, TextRule};

const SIZE: usize = 100_000;

fn texts() -> Vec<(&'static str, String)> {
    let filled = |part: &str| part.repeat(SIZE / part.len());
    vec![
        ("small", "hello".to_owned()),
        ("ascii", filled("a line of plain text, and then another one;\n")),
        ("german", filled("Größe und Maß, über alles süß. ")),
        ("chinese", filled("这是一段没有标点的中文文字")),
        ("japanese", filled("これは日本語の文章です。")),
        ("coloured", filled("\u{1b}[32mok\u{1b}[0m the test has passed\n")),
    ]
}

fn hygiene(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hygiene");
    let rule = OutputRule::clean();
    for (name, text) in texts() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("output", name), &text, |bencher, text| {
            bencher.iter(|| black_box(rule.clean_text(black_box(text))));
        });
    }
    let check = TextRule::strict().max_chars(200).pattern("[a-z ]+").compile().unwrap();
    group.throughput(Throughput::Elements(1));
    group.bench_function("argument", |bencher| {
        bencher.iter(|| black_box(check.apply(black_box("a plain search for something"))));
    });
    group.finish();
}

criterion_group!(benches, hygiene);
criterion_main!(benches);
