//! Heap allocations of a warm request have a bound: hyper's, tokio's and ours together.
//!
//! One test alone, because the allocator counts for the whole process. Where a figure has risen,
//! `cargo run -p impresario-benches --bin allocations -- w1-echo` says from where. Lower a bound when you have
//! earned it.

use std::io::Write as _;

use impresario_benches::{Workload, allocations};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const CALLS: usize = 200;

/// What a request may allocate, with room for a table that grows once in a while and not for one more
/// allocation. Those of 100 KB have more room: in how many pieces the kernel hands them over is not ours to say.
const BOUNDS: [(Workload, f64); 7] = [
    (Workload::Echo, 8.9),
    (Workload::Add, 8.9),
    (Workload::List, 4.9),
    (Workload::LargeEcho, 19.0),
    (Workload::EscapedEcho, 19.0),
    (Workload::LegacyEcho, 7.9),
    (Workload::CachedEcho, 9.4),
];

#[test]
fn a_warm_request_allocates_no_more_than_it_may() {
    let counted =
        BOUNDS.map(|(workload, bound)| (workload, bound, allocations::count(workload, CALLS).unwrap()));
    let mut out = std::io::stdout().lock();
    for (workload, bound, per_call) in &counted {
        let (blocks, bytes) = (per_call.blocks, per_call.bytes);
        writeln!(out, "{:<14} {blocks:>7.2} of {bound} allocations, {bytes:.0} bytes", workload.name())
            .unwrap();
    }
    let over: Vec<_> = counted.iter().filter(|(_, bound, per_call)| per_call.blocks > *bound).collect();
    assert!(over.is_empty(), "more allocations than there may be: {over:?}");
}
