//! Prints where each heap allocation of a request comes from.
//!
//! `cargo run -p impresario-benches --bin allocations -- w1-echo`; without a name, every workload's figures.
#![forbid(unsafe_code)]

use std::io::{Write as _, stdout};

use anyhow::Context as _;
use impresario_benches::{Workload, allocations};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const CALLS: usize = 200;
/// How many frames of a site are printed, the innermost first, and how much of each: the types of generic
/// functions are long.
const FRAMES: usize = 6;
const FRAME_CHARS: usize = 60;
/// Rarer sites are the occasional growth of a table.
const LEAST_BLOCKS: f64 = 0.05;

fn main() -> anyhow::Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let mut out = stdout().lock();
    if names.is_empty() {
        for workload in Workload::ALL {
            let per_call = allocations::count(workload, CALLS)?;
            let (blocks, bytes) = (per_call.blocks, per_call.bytes);
            writeln!(out, "{:<14} {blocks:>7.2} allocations {bytes:>10.0} bytes", workload.name())?;
        }
    }
    for name in names {
        let workload = Workload::named(&name).with_context(|| format!("no workload is named {name}"))?;
        let scratch = std::env::temp_dir().join(format!("dhat-{name}-{}.json", std::process::id()));
        for site in allocations::sites(workload, CALLS, &scratch)? {
            if site.per_call.blocks >= LEAST_BLOCKS {
                writeln!(out, "{:6.2} × {:.0} bytes in all", site.per_call.blocks, site.per_call.bytes)?;
                for frame in site.frames.iter().take(FRAMES) {
                    let (function, place) = frame.rsplit_once(" (").unwrap_or((frame, ""));
                    let function: String = function.chars().take(FRAME_CHARS).collect();
                    writeln!(out, "         {function:<FRAME_CHARS$} {}", place.trim_end_matches(')'))?;
                }
            }
        }
        writeln!(out, "the whole profile, for dhat's viewer: {}", scratch.display())?;
    }
    Ok(())
}
