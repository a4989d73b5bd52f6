//! What the server and the generator use while a run is measured.

use std::time::{Duration, Instant};

use crate::process::{self, Usage};
use crate::result::ProcessUse;

/// Samples of both.
#[derive(Debug)]
pub struct Usages {
    server: Option<Watched>,
    generator: Watched,
}

/// Processes that are looked at together: one server, or one for each connection over stdio.
#[derive(Debug)]
struct Watched {
    pids: Vec<u32>,
    first: Usage,
    last: Usage,
    last_at: Instant,
    /// The share of one core between the two newest samples.
    share: f64,
    rss_peak_bytes: u64,
    /// Whether it could not be looked at the last time.
    has_ended: bool,
}

impl Usages {
    /// Watches that process, or else those children.
    #[must_use]
    pub fn new(server_pid: Option<u32>, children: Vec<u32>) -> Self {
        let servers = server_pid.map_or(children, |pid| vec![pid]);
        Self { server: Watched::new(servers), generator: Watched::own() }
    }

    /// The measured part begins.
    pub fn begin(&mut self) {
        self.each(Watched::begin);
    }

    /// Looks at both.
    pub fn sample(&mut self) {
        self.each(Watched::sample);
    }

    /// The measured part has ended: what both used.
    pub fn end(&mut self, length: Duration, answers: u64) -> (Option<ProcessUse>, ProcessUse) {
        self.sample();
        let server = self.server.as_ref().map(|server| server.used(length, answers));
        (server, self.generator.used(length, answers))
    }

    /// The server's share of one core, and its resident bytes.
    #[must_use]
    pub fn server_now(&self) -> Option<(f64, u64)> {
        self.server.as_ref().map(|server| (server.share, server.last.rss_bytes))
    }

    /// Our share of one core.
    #[must_use]
    pub fn generator_now(&self) -> f64 {
        self.generator.share
    }

    fn each(&mut self, mut of: impl FnMut(&mut Watched)) {
        self.server.iter_mut().chain([&mut self.generator]).for_each(&mut of);
    }
}

impl Watched {
    /// None if the processes can't be looked at.
    fn new(pids: Vec<u32>) -> Option<Self> {
        if pids.is_empty() {
            return None;
        }
        let mut watched = Self { pids, ..Self::own() };
        let usage = watched.usage()?;
        (watched.first, watched.last) = (usage, usage);
        Some(watched)
    }

    fn own() -> Self {
        Self {
            pids: Vec::new(),
            first: Usage::default(),
            last: Usage::default(),
            last_at: Instant::now(),
            share: 0.0,
            rss_peak_bytes: 0,
            has_ended: false,
        }
    }

    /// The sum over the processes with their children; over ourselves alone if none are named, because a server that we
    /// started is a child of ours and not part of the generator.
    fn usage(&self) -> Option<Usage> {
        if self.pids.is_empty() {
            return process::sample_own().ok();
        }
        let mut sum = Usage::default();
        for pid in &self.pids {
            let usage = process::sample_tree(*pid).ok()?;
            sum.user_cpu += usage.user_cpu;
            sum.system_cpu += usage.system_cpu;
            sum.rss_bytes += usage.rss_bytes;
        }
        Some(sum)
    }

    fn begin(&mut self) {
        self.sample();
        self.first = self.last;
        self.rss_peak_bytes = self.last.rss_bytes;
    }

    fn sample(&mut self) {
        let usage = self.usage();
        self.has_ended = usage.is_none();
        let Some(usage) = usage else { return };
        let (now, spent) = (Instant::now(), usage.since(&self.last).cpu());
        let passed = now - self.last_at;
        if passed > Duration::from_millis(1) {
            self.share = spent.as_secs_f64() / passed.as_secs_f64();
        }
        (self.last, self.last_at) = (usage, now);
        self.rss_peak_bytes = self.rss_peak_bytes.max(usage.rss_bytes);
    }

    fn used(&self, length: Duration, answers: u64) -> ProcessUse {
        let used = self.last.since(&self.first);
        let cpu_s = used.cpu().as_secs_f64();
        let per = |whole: f64, part: f64| if part > 0.0 { whole / part } else { 0.0 };
        ProcessUse {
            pid: self.pids.first().copied().unwrap_or_else(std::process::id),
            user_cpu_s: used.user_cpu.as_secs_f64(),
            system_cpu_s: used.system_cpu.as_secs_f64(),
            cpu_us_per_answer: per(cpu_s * 1e6, answers as f64),
            cpu_share: per(cpu_s, length.as_secs_f64()),
            rss_bytes: self.last.rss_bytes,
            rss_peak_bytes: self.rss_peak_bytes,
            ended: self.has_ended,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn our_own_time_is_seen_and_divided() {
        let mut usages = Usages::new(Some(std::process::id()), Vec::new());
        usages.begin();
        // By the processor's time and not by the clock: on a busy machine a test may hardly run for a while.
        let before = process::sample_own().unwrap();
        while process::sample_own().unwrap().since(&before).cpu() < Duration::from_millis(60) {
            std::hint::black_box(0);
        }
        let (server, generator) = usages.end(Duration::from_secs(2), 10);
        let server = server.unwrap();
        assert!(server.user_cpu_s + server.system_cpu_s >= 0.02 && server.rss_bytes > 0);
        let cpu_s = generator.user_cpu_s + generator.system_cpu_s;
        assert!((generator.cpu_us_per_answer - cpu_s * 1e5).abs() < 1e-6);
        assert!((generator.cpu_share - cpu_s / 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_process_that_is_not_there_is_not_watched() {
        assert!(Usages::new(Some(u32::MAX - 1), Vec::new()).server_now().is_none());
    }
}
