//! The whole call without a socket: bytes in, bytes out, on the lane; and through the in-process client.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use impresario_benches::lane::time_requests;
use impresario_benches::{Workload, catalogue};
use impresario_engine::{Runtime, ToolSpec, no_arguments};
use impresario_transports::Serve as _;
use serde_json::{Value, json};

/// A modern request for a tool.
fn request(tool: &str, arguments: &Value, meta: &[(&str, Value)]) -> String {
    let mut metadata = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "benches", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {}
    });
    for (name, value) in meta {
        metadata[name] = value.clone();
    }
    let params = json!({ "name": tool, "arguments": arguments, "_meta": metadata });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

fn house() -> Runtime {
    let open = ToolSpec::from_context("open", json!({ "type": "object" }), |_ctx| async { "hello" });
    let nothing = ToolSpec::from_context("nothing", no_arguments(), |_ctx| async { "hello" });
    catalogue::standard(Runtime::builder()).tool(open).tool(nothing).lanes(1).start().unwrap()
}

fn on_the_lane(criterion: &mut Criterion) {
    let runtime = house();
    let search = catalogue::entry_name(0);
    let requests = [
        ("plain", request("open", &json!({}), &[]), 100),
        ("validated_echo", Workload::Echo.body(), 100),
        ("validated_large_schema", request(&search, &catalogue::search_arguments(), &[]), 100),
        ("echo_100KB", Workload::LargeEcho.body(), 100_000),
        ("echo_100KB_escaped", Workload::EscapedEcho.body(), 100_000),
        ("streamed_10_steps", request("told", &json!({ "steps": 10 }), &[("progressToken", json!(7))]), 400),
        ("unknown_tool", request("nobody", &json!({}), &[]), 60),
    ];
    let mut group = criterion.benchmark_group("call_on_the_lane");
    for (name, request, expected_bytes) in requests {
        group.throughput(Throughput::Bytes(request.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| time_requests(&runtime, request.clone(), expected_bytes, rounds));
        });
    }
    // The first answer of a kept tool comes from a task of its own, so the client asks for it before.
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let client = executor.block_on(runtime.connect()).unwrap();
    executor.block_on(client.call_tool("kept_echo", json!({ "message": "hello" }))).unwrap();
    group.bench_function("cached_hit", |bencher| {
        bencher.iter_custom(|rounds| time_requests(&runtime, Workload::CachedEcho.body(), 100, rounds));
    });
    group.finish();
}

fn in_process(criterion: &mut Criterion) {
    let runtime = house();
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let client = executor.block_on(runtime.connect()).unwrap();
    let mut group = criterion.benchmark_group("call_in_process");
    group.bench_function("echo", |bencher| {
        bencher.iter(|| {
            let result = executor.block_on(client.call_tool("echo", json!({ "message": "hello" })));
            assert!(!result.unwrap().is_error);
        });
    });
    group.finish();
}

criterion_group!(benches, on_the_lane, in_process);
criterion_main!(benches);
