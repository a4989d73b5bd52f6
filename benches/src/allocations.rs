//! How often a warm server allocates for one request.
//!
//! dhat counts every block of the process between two moments. Client and server share the process, so the
//! client allocates nothing, and what is counted is the server's: hyper's, tokio's and ours. It counts only in
//! a program whose global allocator is [`dhat::Alloc`].

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;
use serde::Deserialize;

use crate::{Client, House, Workload};

/// Calls before anything is counted: pools, caches and buffers fill.
const WARM_UP_CALLS: usize = 300;

/// What one request costs the heap, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerCall {
    /// Blocks, with those that grew counted again.
    pub blocks: f64,
    /// Bytes that were asked for.
    pub bytes: f64,
}

/// Counts the blocks of `calls` requests over one connection to a warm house.
///
/// # Errors
/// When the server gives a wrong answer, or nothing is counted at all.
pub fn count(workload: Workload, calls: usize) -> anyhow::Result<PerCall> {
    with_warm_house(workload, |ask| {
        let _profiler = dhat::Profiler::builder().testing().build();
        for _ in 0..calls {
            ask()?;
        }
        let stats = dhat::HeapStats::get();
        ensure!(stats.total_blocks > 0, "nothing was counted: the program's allocator must be dhat's");
        let average = |total: u64| total as f64 / calls as f64;
        Ok(PerCall { blocks: average(stats.total_blocks), bytes: average(stats.total_bytes) })
    })
}

/// A place in the code that allocates.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// What it costs the heap.
    pub per_call: PerCall,
    /// Who called whom, the innermost first.
    pub frames: Vec<String>,
}

/// Where those blocks come from, the most frequent first. `scratch` is a file that dhat may write; its own
/// viewer can show it afterwards.
///
/// # Errors
/// As [`count`], and when the file can't be written.
pub fn sites(workload: Workload, calls: usize, scratch: &Path) -> anyhow::Result<Vec<Site>> {
    with_warm_house(workload, |ask| {
        let profiler = dhat::Profiler::builder().trim_backtraces(None).file_name(scratch).build();
        for _ in 0..calls {
            ask()?;
        }
        drop(profiler);
        Ok(())
    })?;
    let profile: Profile = serde_json::from_slice(&std::fs::read(scratch)?)?;
    Ok(profile.sites(calls))
}

/// Runs `measure` with a way to ask once, after the warm-up.
fn with_warm_house<T>(
    workload: Workload,
    measure: impl FnOnce(&mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let house = House::open()?;
    let request = workload.request(house.address())?;
    let mut client = Client::connect(house.address())?;
    let first = client.ask(&request)?;
    ensure!(first.holds(workload.expected()), "{} got a wrong answer", workload.name());
    let answer_len = first.body.len();
    // Looking for a text in 100 KB takes an unoptimized build longer than the call.
    let mut ask = || {
        let answer = client.ask(&request)?;
        ensure!(answer.body.len() == answer_len, "{} got another answer than at first", workload.name());
        Ok(())
    };
    for _ in 0..WARM_UP_CALLS {
        ask()?;
    }
    measure(&mut ask)
}

/// The file that dhat writes, as far as it is read here.
#[derive(Deserialize)]
struct Profile {
    /// Places in the program.
    pps: Vec<Point>,
    /// The table of frames.
    ftbl: Vec<String>,
}

#[derive(Deserialize)]
struct Point {
    /// Blocks in total.
    tbk: u64,
    /// Bytes in total.
    tb: u64,
    /// Frames, as places in the table.
    fs: Vec<usize>,
}

impl Profile {
    /// Points whose telling frames are the same are one site.
    fn sites(&self, calls: usize) -> Vec<Site> {
        let mut totals: BTreeMap<Vec<String>, (u64, u64)> = BTreeMap::new();
        for point in &self.pps {
            let frames =
                point.fs.iter().filter_map(|frame| self.ftbl.get(*frame)).filter_map(|it| telling(it));
            let total = totals.entry(frames.collect()).or_default();
            *total = (total.0 + point.tbk, total.1 + point.tb);
        }
        let average = |total: u64| total as f64 / calls as f64;
        let site = |(frames, (blocks, bytes))| Site {
            per_call: PerCall { blocks: average(blocks), bytes: average(bytes) },
            frames,
        };
        let mut sites: Vec<_> = totals.into_iter().map(site).collect();
        sites.sort_by(|a, b| b.per_call.blocks.total_cmp(&a.per_call.blocks));
        sites
    }
}

/// A frame without its address, unless it is plumbing: the allocator's, the standard library's, or of the
/// loop that drives every connection.
fn telling(frame: &str) -> Option<String> {
    // dhat keeps the last three parts of a path, so a few folders of the standard library are named here.
    const PLUMBING: [&str; 14] = [
        "(alloc/",
        "(core/",
        "(std/",
        "(dhat-",
        "(src/backtrace/",
        "(src/collections/",
        "(src/future/",
        "(src/iter/",
        "(src/ops/",
        "(src/panic/",
        "(src/raw_vec/",
        "(src/slice/",
        "(src/vec/",
        "(proto/h1/dispatch.rs",
    ];
    let (_address, name) = frame.split_once(": ")?;
    let place = &name[name.rfind(" (")? + 1..];
    let is_plumbing = name.starts_with("__rust") || PLUMBING.iter().any(|prefix| place.starts_with(prefix));
    (!is_plumbing && place.contains('/')).then(|| name.to_owned())
}
