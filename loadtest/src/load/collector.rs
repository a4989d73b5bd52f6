//! Starts the threads, says when the run begins and ends, and puts together what they saw.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::gate::Gate;
use super::group::Group;
use super::lane::{self, Go, Lane, Report};
use super::recorder::Portion;
use super::schedule::Share;
use super::slices::{Slices, micros, percentile_us};
use super::usage::Usages;
use crate::fault::Fault;
use crate::interruption::asked_to_end;
use crate::plan::{Plan, Rate, Stop};
use crate::progress::{Phase, Progress, ProgressSender};
use crate::result::{ProcessUse, Slice};

/// How many reports of each thread may wait to be collected.
const REPORTS_PER_LANE: usize = 8;
/// Between the moment all are connected and the first request, so that all threads have heard of it.
const START_DELAY: Duration = Duration::from_millis(20);
/// How often progress is told, and the shortest and the longest tick of a thread.
const TICK_MIN: Duration = Duration::from_millis(50);
const TICK_MAX: Duration = Duration::from_millis(250);
/// A result has about so many slices.
const SLICES_WANTED: u32 = 100;

/// One measurement: who does what, for how long.
#[derive(Debug)]
pub struct Run<'a> {
    /// Threads, cores, seed, the server's process.
    pub plan: &'a Plan,
    /// The clients.
    pub groups: Vec<Group>,
    /// The names of the series that the groups record into.
    pub series: Vec<String>,
    /// How long nothing is measured.
    pub warm_up: Duration,
    /// When the measured part ends.
    pub stop: Stop,
    /// The rate to tell beside what is reached, in an open loop.
    pub asked: Option<Rate>,
    /// What to call this measurement among several of a scenario.
    pub part: String,
}

/// What a measurement found.
#[derive(Debug)]
pub struct Measured {
    /// When the measured part began.
    pub started_at: SystemTime,
    /// How long it took, up to the last answer.
    pub length: Duration,
    /// When it began by the clock that answers are timed with.
    pub begun: Instant,
    /// For how long requests left that count, where that was asked for and not cut short.
    pub window: Option<Duration>,
    /// The series, with their names.
    pub series: Vec<(String, Portion)>,
    /// The time in slices.
    pub slices: Vec<Slice>,
    /// What the server used.
    pub server: Option<ProcessUse>,
    /// What we used.
    pub generator: ProcessUse,
    /// Whether it was ended early.
    pub is_interrupted: bool,
}

impl Measured {
    /// All series together.
    #[must_use]
    pub fn all(&self) -> Portion {
        let mut all = Portion::default();
        self.series.iter().for_each(|(_, portion)| all.add(portion));
        all
    }

    /// How many of a portion's answers came in a second: of the time in which requests left, or until its own last
    /// answer if that was later. What others waited for at the end makes nobody slower.
    #[must_use]
    pub fn rate_per_s(&self, portion: &Portion) -> f64 {
        let last = portion.last_at.map(|at| at.saturating_duration_since(self.begun)).unwrap_or_default();
        let time = self.window.unwrap_or_default().max(last);
        if time.is_zero() { 0.0 } else { portion.answers() as f64 / time.as_secs_f64() }
    }
}

/// Makes load and measures it.
///
/// # Errors
/// When no client can connect, or the machine refuses threads, files or cores.
pub async fn measure(run: Run<'_>, progress: &ProgressSender) -> Result<Measured, Fault> {
    let threads = run.plan.threads;
    let (reports_tx, reports) = mpsc::channel(threads * REPORTS_PER_LANE);
    let (go_tx, go) = watch::channel(None);
    let (interrupted_tx, interrupted) = watch::channel(false);
    let connected = Arc::new(AtomicUsize::new(0));
    for index in 0..threads {
        let lane = Lane {
            index,
            groups: parts(&run.groups, index, threads),
            series: run.series.len(),
            seed: run.plan.seed,
            warm_up: run.warm_up,
            stop: run.stop,
            core: (!run.plan.pin.is_empty()).then(|| run.plan.pin[index % run.plan.pin.len()]),
            connected: Arc::clone(&connected),
            go: go.clone(),
            interrupted: interrupted.clone(),
            reports: reports_tx.clone(),
        };
        std::thread::Builder::new()
            .name(format!("load-{index}"))
            .spawn(move || lane.main())
            .map_err(Fault::machine("start a thread"))?;
    }
    drop(reports_tx);
    let collector = Collector {
        portions: vec![Portion::default(); run.series.len()],
        pending: vec![VecDeque::new(); threads],
        is_done: vec![false; threads],
        newest: Portion::default(),
        run,
        progress,
        reports,
        interrupted: interrupted_tx,
    };
    collector.collect(go_tx, &connected).await
}

/// A thread's part of each group.
fn parts(groups: &[Group], index: usize, threads: usize) -> Vec<(Group, Share)> {
    let part = |group: &Group| {
        let clients = group.clients / threads + usize::from(index < group.clients % threads);
        let share = Share { index, of: threads.min(group.clients) };
        (clients > 0).then(|| (Group { clients, ..group.clone() }, share))
    };
    groups.iter().filter_map(part).collect()
}

struct Collector<'a> {
    run: Run<'a>,
    progress: &'a ProgressSender,
    reports: mpsc::Receiver<Report>,
    interrupted: watch::Sender<bool>,
    /// The series so far.
    portions: Vec<Portion>,
    /// Ticks of each thread that others have not reached; no more than the run has ticks.
    pending: Vec<VecDeque<Vec<Portion>>>,
    is_done: Vec<bool>,
    /// The newest tick of all threads.
    newest: Portion,
}

impl Collector<'_> {
    async fn collect(
        mut self,
        go: watch::Sender<Option<Go>>,
        connected: &AtomicUsize,
    ) -> Result<Measured, Fault> {
        let pids = self.wait_until_connected(connected).await?;
        let tick = tick(self.run.stop);
        let start = Instant::now() + START_DELAY;
        let gate = Arc::new(Gate::new(start, self.run.warm_up, self.run.stop));
        go.send_replace(Some(Go { gate: Arc::clone(&gate), tick }));
        let mut usages = Usages::new(self.run.plan.server_pid, pids);
        let mut slices = Slices::new(ticks_per_slice(self.run.stop, tick));
        let is_early = self.warm_up(&gate).await;
        let started_at = SystemTime::now();
        usages.begin();
        let mut ends = Vec::new();
        let mut ticks = 0_u32;
        let mut telling = interval(tick);
        telling.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut is_interrupted = is_early;
        while !self.is_done.iter().all(|done| *done) {
            tokio::select! {
                report = self.reports.recv() => match report {
                    Some(Report::Tick { lane, portions }) => self.pending[lane].push_back(portions),
                    Some(Report::Done { lane, portions, at }) => {
                        self.pending[lane].push_back(portions);
                        self.is_done[lane] = true;
                        ends.push(at);
                    }
                    Some(Report::Failed(fault)) => return Err(fault),
                    Some(Report::Ready { .. }) => {}
                    None => return Err(Fault::failed("a thread of the generator ended early")),
                },
                _ = telling.tick() => {
                    usages.sample();
                    self.tell(&gate, &slices, &usages);
                }
                () = asked_to_end(), if !is_interrupted => {
                    is_interrupted = true;
                    self.interrupt(&gate);
                }
            }
            while self.merge_tick() {
                ticks += 1;
                let at_s = (tick * ticks).as_secs_f64();
                slices.add(&self.newest, at_s, |at_s| self.asked(at_s));
            }
        }
        let end = ends.into_iter().max().unwrap_or(gate.measured);
        let length = end.saturating_duration_since(gate.measured);
        self.newest = Portion::default();
        self.merge_rest();
        slices.finish_with(&self.newest, length.as_secs_f64(), |at_s| self.asked(at_s));
        let answers = self.portions.iter().map(Portion::answers).sum();
        let used = usages.end(length, answers);
        drop(go);
        self.wait_until_closed().await;
        Ok(self.measured((started_at, gate.measured), length, &slices, used, is_interrupted))
    }

    /// Lets the threads end sessions and connections, which they do within a bounded time.
    async fn wait_until_closed(&mut self) {
        self.progress.send_modify(|progress| progress.phase = Phase::Closing);
        while self.reports.recv().await.is_some() {}
    }

    fn measured(
        self,
        (started_at, begun): (SystemTime, Instant),
        length: Duration,
        slices: &Slices,
        (server, generator): (Option<ProcessUse>, ProcessUse),
        is_interrupted: bool,
    ) -> Measured {
        let window = match self.run.stop {
            Stop::After(duration) if !is_interrupted => Some(duration),
            Stop::After(_) | Stop::Count(_) => None,
        };
        Measured {
            started_at,
            length,
            begun,
            window,
            series: self.run.series.iter().cloned().zip(self.portions).collect(),
            slices: slices.all().to_vec(),
            server,
            generator,
            is_interrupted,
        }
    }

    /// Waits for every thread; gives the processes of the servers among their clients.
    async fn wait_until_connected(&mut self, connected: &AtomicUsize) -> Result<Vec<u32>, Fault> {
        let of = self.run.groups.iter().map(|group| group.clients).sum();
        let begin = Instant::now();
        let mut telling = interval(TICK_MAX);
        let (mut ready, mut pids, mut count, mut first) = (0, Vec::new(), 0, None);
        while ready < self.run.plan.threads {
            tokio::select! {
                report = self.reports.recv() => match report {
                    Some(Report::Ready { pids: more, connected, refusal }) => {
                        ready += 1;
                        pids.extend(more);
                        count += connected;
                        first = first.or(refusal);
                    }
                    Some(Report::Failed(fault)) => return Err(fault),
                    Some(Report::Tick { .. } | Report::Done { .. }) => {}
                    None => return Err(Fault::failed("a thread of the generator ended early")),
                },
                _ = telling.tick() => {
                    let done = connected.load(Ordering::Relaxed);
                    self.progress.send_replace(Progress {
                        phase: Phase::Connecting { done, of },
                        part: self.run.part.clone(),
                        elapsed: begin.elapsed(),
                        done_share: done as f64 / of.max(1) as f64,
                        ..Progress::default()
                    });
                }
            }
        }
        match first {
            Some(trouble) if count == 0 => Err(Fault::failed(format!("no client could connect: {trouble}"))),
            _ => Ok(pids),
        }
    }

    /// Waits for the measured part; true if the run was interrupted before it.
    async fn warm_up(&mut self, gate: &Gate) -> bool {
        let mut telling = interval(TICK_MAX);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(gate.measured.into()) => return false,
                _ = telling.tick() => {
                    let elapsed = gate.start.elapsed();
                    self.progress.send_replace(Progress {
                        phase: Phase::WarmUp,
                        part: self.run.part.clone(),
                        elapsed,
                        total: Some(self.run.warm_up),
                        done_share: share(elapsed, self.run.warm_up),
                        ..Progress::default()
                    });
                }
                () = asked_to_end() => {
                    self.interrupt(gate);
                    return true;
                }
            }
        }
    }

    fn interrupt(&self, gate: &Gate) {
        gate.stop();
        self.interrupted.send_replace(true);
    }

    /// Puts one tick of every thread together, once all have one.
    fn merge_tick(&mut self) -> bool {
        let is_there = |(pending, done): (&VecDeque<_>, &bool)| {
            if *done { pending.len() > 1 } else { !pending.is_empty() }
        };
        let mut lanes = self.pending.iter().zip(&self.is_done);
        // A thread that is done has its last, shorter tick left, which waits for the end.
        if !lanes.clone().all(|(pending, done)| *done || !pending.is_empty()) || !lanes.any(is_there) {
            return false;
        }
        self.newest = Portion::default();
        for lane in 0..self.pending.len() {
            if self.is_done[lane] && self.pending[lane].len() == 1 {
                continue;
            }
            let portions = self.pending[lane].pop_front().unwrap_or_default();
            self.merge(&portions);
        }
        true
    }

    fn merge_rest(&mut self) {
        for portions in std::mem::take(&mut self.pending).into_iter().flatten() {
            self.merge(&portions);
        }
    }

    fn merge(&mut self, portions: &[Portion]) {
        for (whole, portion) in self.portions.iter_mut().zip(portions) {
            whole.add(portion);
            self.newest.add(portion);
        }
    }

    fn asked(&self, at_s: f64) -> Option<f64> {
        let rate = self.run.asked.as_ref()?;
        let share = match self.run.stop {
            Stop::After(duration) => at_s / duration.as_secs_f64(),
            Stop::Count(_) => 0.0,
        };
        Some(rate.after(share))
    }

    fn tell(&self, gate: &Gate, slices: &Slices, usages: &Usages) {
        let elapsed = gate.measured.elapsed();
        let (total, done_share) = match self.run.stop {
            Stop::After(duration) => (Some(duration), share(elapsed, duration)),
            Stop::Count(count) => (None, 1.0 - gate.left().unwrap_or(0) as f64 / count as f64),
        };
        let mut errors_by_kind = BTreeMap::new();
        for (kind, count) in self.portions.iter().flat_map(|portion| &portion.errors) {
            *errors_by_kind.entry(kind.clone()).or_default() += count.count;
        }
        let latencies = &self.newest.latencies;
        let is_over = gate.end.is_some_and(|end| Instant::now() > end);
        self.progress.send_replace(Progress {
            phase: if is_over { Phase::Closing } else { Phase::Measuring },
            part: self.run.part.clone(),
            elapsed,
            total,
            done_share,
            answers: self.portions.iter().map(Portion::answers).sum(),
            errors: self.portions.iter().map(Portion::error_count).sum(),
            errors_by_kind,
            rate_per_s: self.newest.answers() as f64 / tick(self.run.stop).as_secs_f64(),
            asked_rate_per_s: self.asked(elapsed.as_secs_f64()),
            p50_us: percentile_us(latencies, 0.5),
            p90_us: percentile_us(latencies, 0.9),
            p99_us: percentile_us(latencies, 0.99),
            max_us: micros(latencies.max()),
            last_slice: slices.all().last().cloned(),
            server: usages.server_now(),
            generator_cpu_share: usages.generator_now(),
        });
    }
}

fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 1.0 } else { (part.as_secs_f64() / whole.as_secs_f64()).min(1.0) }
}

fn tick(stop: Stop) -> Duration {
    match stop {
        Stop::After(duration) => (duration / 20).clamp(TICK_MIN, TICK_MAX),
        Stop::Count(_) => TICK_MAX,
    }
}

fn ticks_per_slice(stop: Stop, tick: Duration) -> usize {
    match stop {
        Stop::After(duration) => {
            let wanted = (duration / SLICES_WANTED).as_nanos().div_ceil(tick.as_nanos());
            usize::try_from(wanted).unwrap_or(usize::MAX)
        }
        Stop::Count(_) => 1,
    }
}

/// Binds the collecting thread to the cores of the others.
///
/// # Errors
/// When there are no such cores.
pub fn bind(core: usize) -> Result<(), Fault> {
    // Counted while all of them are there.
    let _ = crate::machine::cores();
    lane::bind(core)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Moved;
    use crate::load::recorder::Recorder;

    fn measured(begun: Instant, window_s: Option<u64>) -> Measured {
        Measured {
            started_at: SystemTime::UNIX_EPOCH,
            length: Duration::from_secs(100),
            begun,
            window: window_s.map(Duration::from_secs),
            series: Vec::new(),
            slices: Vec::new(),
            server: None,
            generator: Usages::new(None, Vec::new()).end(Duration::ZERO, 0).1,
            is_interrupted: false,
        }
    }

    #[test]
    fn a_rate_does_not_suffer_from_what_others_waited_for() {
        let begun = Instant::now();
        let portion = |last_s| {
            let mut recorder = Recorder::new(1);
            for at_s in [1, last_s] {
                recorder.answered(0, begun, begun + Duration::from_secs(at_s), Moved::default());
            }
            recorder.take().remove(0)
        };
        let rows = [(Some(4), 2, 0.5), (Some(4), 8, 0.25), (None, 2, 1.0)];
        for (window_s, last_s, rate_per_s) in rows {
            assert_eq!(measured(begun, window_s).rate_per_s(&portion(last_s)), rate_per_s);
        }
        assert_eq!(measured(begun, None).rate_per_s(&Portion::default()), 0.0);
    }
}
