//! Results that nobody measured, for tests of what is done with results.

use std::collections::BTreeMap;

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use crate::comparison::{Part, Point};
use crate::result::{
    ErrorCount, FORMAT, Figure, Latency, LoadFacts, Machine, ProcessUse, RunResult, Series, Slice,
    TargetFacts,
};

/// Holds `text` against a file of this package. With `UPDATE_SNAPSHOTS` set, writes it there instead, for a reader of
/// the difference to judge.
pub(crate) fn same_as_file(path: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{} differs; it would be:\n{text}", path.display());
}

/// Ten seconds of a server whose times are `slowness` times those of the fastest one.
pub(crate) fn result(name: &str, slowness: f64) -> RunResult {
    let answers = (1_200_000.0 / slowness) as u64;
    let rate = answers as f64 / 10.0;
    RunResult {
        format: FORMAT,
        started_at: "2026-11-22T11:00:00Z".to_owned(),
        command_line: ["impresario-loadtest", "echo", "http://127.0.0.1:8000/mcp", "--warm-up", "2s"]
            .map(str::to_owned)
            .to_vec(),
        name: name.to_owned(),
        work: "call echo message=hello".to_owned(),
        machine: Machine {
            cpu: "Invented CPU @ 3.00 GHz".to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
            os: "Invented Linux 12, Linux 6.1".to_owned(),
            architecture: "x86_64".to_owned(),
            generator_version: "0.1.0".to_owned(),
            optimized: true,
        },
        target: TargetFacts {
            address: "http://127.0.0.1:8000/mcp".to_owned(),
            transport: "streamable-http".to_owned(),
            revision: "2026-07-28".to_owned(),
            server_name: name.to_owned(),
            server_version: "1.2.3".to_owned(),
        },
        load: LoadFacts {
            shape: "closed".to_owned(),
            connections: 64,
            sessions_per_connection: 1,
            rate_per_s: None,
            rates_per_s: Vec::new(),
            threads: 1,
            warm_up_s: 2.0,
            think_time_ms: 0.0,
        },
        measured_s: 10.0,
        series: vec![Series {
            name: "all".to_owned(),
            answers,
            rate_per_s: rate,
            errors: BTreeMap::new(),
            received_bytes: answers * 117,
            sent_bytes: answers * 312,
            latency: latency(slowness),
        }],
        slices: (0..40).map(|at| slice(at, slowness, rate)).collect(),
        server: Some(process(4_711, 9.8, answers)),
        generator: process(4_712, 6.2, answers),
        figures: vec![Figure {
            name: "memory per idle session".to_owned(),
            value: 1_945.6,
            unit: "bytes".to_owned(),
        }],
        interrupted: false,
    }
}

/// Fifty right answers of which one and a bit in a hundred failed, with words that are not to be trusted.
pub(crate) fn series_with_errors() -> Series {
    let mut series = result("", 1.0).series.remove(0);
    series.answers = 98_508;
    let timeout = ErrorCount { count: 1_990, example: "no answer within 5 s".to_owned() };
    let evil = ErrorCount { count: 10, example: "500 <script>alert('x')</script> & \u{1b}[2J".to_owned() };
    series.errors = BTreeMap::from([("timeout".to_owned(), timeout), ("http-status".to_owned(), evil)]);
    series
}

fn slice(at: u32, slowness: f64, rate: f64) -> Slice {
    let wave = 1.0 + 0.05 * f64::from(at * 7 % 11) / 11.0;
    let stall = if at == 23 { 4.0 } else { 1.0 };
    Slice {
        at_s: f64::from(at) * 0.25,
        length_s: 0.25,
        answers: (rate * 0.25 / wave / stall) as u64,
        errors: 0,
        asked_rate_per_s: None,
        p50_us: 498.0 * slowness * wave,
        p99_us: 1_210.0 * slowness * wave * stall,
        max_us: 3_000.0 * slowness * wave * stall,
    }
}

fn process(pid: u32, cpu_s: f64, answers: u64) -> ProcessUse {
    ProcessUse {
        pid,
        user_cpu_s: cpu_s * 0.4,
        system_cpu_s: cpu_s * 0.6,
        cpu_us_per_answer: cpu_s * 1e6 / answers as f64,
        cpu_share: cpu_s / 10.0,
        rss_bytes: 12_900_000,
        rss_peak_bytes: 13_500_000,
        ended: false,
    }
}

fn latency(slowness: f64) -> Latency {
    let mut histogram = Histogram::<u64>::new_with_bounds(1_000, 60_000_000_000, 3).unwrap();
    // The quantiles of a plausible distribution: a body, and a tail that grows as the share left shrinks.
    for rank in 0..50_000_u32 {
        let left = 1.0 - (f64::from(rank) + 0.5) / 50_000.0;
        let us = 300.0 + 260.0 * (1.0 - left).powi(2) + 90.0 * left.powf(-0.45);
        histogram.record((us * slowness * 1e3) as u64).unwrap();
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&histogram, &mut bytes).unwrap();
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
    Latency {
        min_us: histogram.min() as f64 / 1e3,
        mean_us: histogram.mean() / 1e3,
        p50_us: at(0.5),
        p90_us: at(0.9),
        p99_us: at(0.99),
        p999_us: at(0.999),
        p9999_us: at(0.9999),
        max_us: histogram.max() as f64 / 1e3,
        histogram: base64::engine::general_purpose::STANDARD.encode(bytes),
    }
}

/// How two servers grow with connections.
pub(crate) fn growth() -> Vec<Part> {
    let point = |connections: u32| {
        let slowness = 1.0 + f64::from(connections.ilog10()) / 10.0;
        let results = vec![result("one", slowness), result("other", 3.0 * slowness)];
        let mut part = Part::from_results(results).remove(0);
        part.title = format!("connections {connections}");
        part.point = Some(Point { thing: "connections".to_owned(), value: f64::from(connections) });
        part
    };
    [1, 10, 100, 1000].into_iter().map(point).collect()
}
