//! One thread of the generator: its own runtime, its clients, its recorder. Threads share nothing but the gate.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::clock::Clock;
use super::gate::{Admission, Gate};
use super::group::{Actor, Group, Pace};
use super::random::Random;
use super::recorder::{Portion, Recorder};
use super::schedule::{Schedule, Share};
use crate::client::Client;
use crate::fault::Fault;
use crate::plan::{Arrivals, Stop};
use crate::trouble::Trouble;

/// How many clients of a thread connect at the same time.
const CONNECTING_MAX: usize = 64;
/// How many clients of a thread close at the same time.
const CLOSING_MAX: usize = 64;
/// The pause of a client that could not connect, before it tries again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// How long a run that was interrupted waits for answers.
const INTERRUPTED_GRACE: Duration = Duration::from_millis(500);
/// How long closing sessions may take, altogether.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(10);

/// What a thread tells the one that collects.
#[derive(Debug)]
pub(super) enum Report {
    /// All its clients tried to connect; the processes of those that are children, and the first refusal.
    Ready { pids: Vec<u32>, connected: usize, refusal: Option<Trouble> },
    /// What was seen since the last tick.
    Tick { lane: usize, portions: Vec<Portion> },
    /// The last answer has come, or was given up.
    Done { lane: usize, portions: Vec<Portion>, at: Instant },
    /// The thread can't go on.
    Failed(Fault),
}

/// When the run begins, once everybody is connected.
#[derive(Debug, Clone)]
pub(super) struct Go {
    pub(super) gate: Arc<Gate>,
    /// How often to report.
    pub(super) tick: Duration,
}

/// What a thread is given.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) index: usize,
    /// The groups, each with this thread's part of its clients and its place among the threads that have any.
    pub(super) groups: Vec<(Group, Share)>,
    pub(super) series: usize,
    pub(super) seed: u64,
    pub(super) warm_up: Duration,
    pub(super) stop: Stop,
    pub(super) core: Option<usize>,
    pub(super) connected: Arc<AtomicUsize>,
    pub(super) go: watch::Receiver<Option<Go>>,
    /// True once the run was interrupted.
    pub(super) interrupted: watch::Receiver<bool>,
    pub(super) reports: mpsc::Sender<Report>,
}

/// What the clients of a thread share.
struct Shared {
    gate: Arc<Gate>,
    recorder: RefCell<Recorder>,
}

impl Lane {
    /// The thread's life, from its first line to its last.
    pub(super) fn main(self) {
        let reports = self.reports.clone();
        if let Err(fault) = self.start() {
            // If nobody collects any more, nobody wants to know.
            let _ = reports.blocking_send(Report::Failed(fault));
        }
    }

    fn start(self) -> Result<(), Fault> {
        if let Some(core) = self.core {
            bind(core)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .map_err(Fault::machine("start a runtime"))?;
        runtime.block_on(self.run())
    }

    async fn run(mut self) -> Result<(), Fault> {
        let actors = self.connect().await?;
        let Ok(Some(go)) = self.go.wait_for(Option::is_some).await.map(|go| go.clone()) else {
            return Ok(());
        };
        let shared = Rc::new(Shared {
            gate: Arc::clone(&go.gate),
            recorder: RefCell::new(Recorder::new(self.series)),
        });
        tokio::time::sleep_until(go.gate.start.into()).await;
        let mut finished = JoinSet::new();
        let mut clocks = Vec::new();
        for ((group, share), actors) in self.groups.iter().zip(actors) {
            match &group.pace {
                Pace::Closed { think_time } => {
                    for actor in actors {
                        finished.spawn_local(closed(actor, Rc::clone(&shared), *think_time));
                    }
                }
                Pace::Open(arrivals) => {
                    let clock = Rc::new(Clock::new(arrivals.backlog_max));
                    for actor in actors {
                        finished.spawn_local(open(actor, Rc::clone(&shared), Rc::clone(&clock)));
                    }
                    let schedule = self.schedule(arrivals, *share);
                    tokio::task::spawn_local(tick_clock(
                        Rc::clone(&clock),
                        schedule,
                        Rc::clone(&shared),
                        group.first_series,
                    ));
                    clocks.push((Rc::clone(&clock), group.first_series));
                }
            }
        }
        let actors = self.drive(finished, &shared, &clocks, go.tick).await;
        // Only when the collector has looked at the servers for the last time may they be left: it drops its end then.
        let _ = self.go.changed().await;
        close(actors).await;
        Ok(())
    }

    /// Connects every client, a bounded number at a time.
    async fn connect(&self) -> Result<Vec<Vec<Actor>>, Fault> {
        let permits = Arc::new(Semaphore::new(CONNECTING_MAX));
        let mut all = Vec::new();
        let (mut count, mut refusal) = (0, None);
        let mut pids = Vec::new();
        for (group, _) in &self.groups {
            let checkers = Client::checkers(&group.setup);
            let mut connecting = JoinSet::new();
            for index in 0..group.clients {
                let client = Client::new(Arc::clone(&group.setup), Rc::clone(&checkers));
                let seed =
                    self.seed ^ ((self.index as u64) << 32) ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9);
                let mut actor = Actor::new(client, group, seed);
                let (permits, connected) = (Arc::clone(&permits), Arc::clone(&self.connected));
                connecting.spawn_local(async move {
                    let permit = permits.acquire().await;
                    let outcome = actor.prepare().await;
                    connected.fetch_add(1, Ordering::Relaxed);
                    drop(permit);
                    (actor, outcome)
                });
            }
            let mut actors = Vec::with_capacity(group.clients);
            while let Some(joined) = connecting.join_next().await {
                let Ok((mut actor, outcome)) = joined else { continue };
                match outcome {
                    Ok(()) => count += 1,
                    Err(trouble) => refusal = refusal.or(Some(trouble)),
                }
                pids.extend(actor.client().pid());
                actors.push(actor);
            }
            all.push(actors);
        }
        let ready = Report::Ready { pids, connected: count, refusal };
        self.reports.send(ready).await.map_err(|_| Fault::failed("the run was given up"))?;
        Ok(all)
    }

    fn schedule(&self, arrivals: &Arrivals, share: Share) -> Schedule {
        let measured = match self.stop {
            Stop::After(duration) => Some(duration),
            Stop::Count(_) => None,
        };
        let draw = arrivals.poisson.then(|| Random::new(self.seed.wrapping_add(share.index as u64)));
        Schedule::new(&arrivals.rate, self.warm_up, measured, share, draw)
    }

    /// Reports while the clients work, until all are done; gives those that can be closed.
    async fn drive(
        &mut self,
        mut working: JoinSet<Actor>,
        shared: &Rc<Shared>,
        clocks: &[(Rc<Clock>, usize)],
        tick: Duration,
    ) -> Vec<Actor> {
        let mut ticks = tokio::time::interval_at((shared.gate.measured + tick).into(), tick);
        let mut actors = Vec::new();
        let mut give_up = std::pin::pin!(given_up(self.interrupted.clone(), self.give_up_at(&shared.gate)));
        loop {
            tokio::select! {
                joined = working.join_next() => match joined {
                    Some(joined) => actors.extend(joined.ok()),
                    None => break,
                },
                _ = ticks.tick() => {
                    let portions = shared.recorder.borrow_mut().take();
                    if self.reports.send(Report::Tick { lane: self.index, portions }).await.is_err() {
                        break;
                    }
                }
                () = &mut give_up => break,
            }
        }
        // What still waits for a connection will not be sent: at the latest a timeout after the end.
        for (clock, series) in clocks {
            let left = clock.clear().into_iter().filter(|departure| departure.is_measured);
            left.for_each(|_| shared.recorder.borrow_mut().failed(*series, &Trouble::NotSent));
        }
        let portions = shared.recorder.borrow_mut().take();
        let done = Report::Done { lane: self.index, portions, at: Instant::now() };
        let _ = self.reports.send(done).await;
        actors
    }

    /// The moment after which nobody waits for answers any more.
    fn give_up_at(&self, gate: &Gate) -> Option<Instant> {
        let timeout = self.groups.iter().map(|(group, _)| group.setup.timeout).max().unwrap_or_default();
        gate.end.map(|end| end + timeout + INTERRUPTED_GRACE)
    }
}

async fn given_up(mut interrupted: watch::Receiver<bool>, at: Option<Instant>) {
    let late = async {
        match at {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    };
    let interrupted = async {
        if interrupted.wait_for(|interrupted| *interrupted).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(INTERRUPTED_GRACE).await;
    };
    tokio::select! {
        () = late => {}
        () = interrupted => {}
    }
}

/// A client of a closed loop. The moment of an answer is that of the next request, so time is read once for both.
async fn closed(mut actor: Actor, shared: Rc<Shared>, think_time: Duration) -> Actor {
    let mut now = Instant::now();
    loop {
        let is_measured = match shared.gate.admit(now) {
            Admission::Over => return actor,
            admission => admission == Admission::Measured,
        };
        let (series, outcome) = actor.perform(now).await;
        let then = Instant::now();
        if is_measured {
            let mut recorder = shared.recorder.borrow_mut();
            match &outcome {
                Ok(moved) => recorder.answered(series, now, then, *moved),
                Err(trouble) => recorder.failed(series, trouble),
            }
        }
        now = then;
        if matches!(outcome, Err(Trouble::Connect(_))) {
            tokio::time::sleep(RECONNECT_PAUSE).await;
            now = Instant::now();
        }
        if !think_time.is_zero() {
            tokio::time::sleep(think_time).await;
            now = Instant::now();
        }
    }
}

/// A client of an open loop: takes the next departure when it is free, and counts from when that should have left.
async fn open(mut actor: Actor, shared: Rc<Shared>, clock: Rc<Clock>) -> Actor {
    while let Some(departure) = clock.next().await {
        if shared.gate.is_stopped() {
            break;
        }
        let (series, outcome) = actor.perform(Instant::now()).await;
        if departure.is_measured {
            let mut recorder = shared.recorder.borrow_mut();
            match &outcome {
                Ok(moved) => recorder.answered(series, departure.at, Instant::now(), *moved),
                Err(trouble) => recorder.failed(series, trouble),
            }
        }
    }
    actor
}

async fn tick_clock(clock: Rc<Clock>, schedule: Schedule, shared: Rc<Shared>, series: usize) {
    let not_sent = || shared.recorder.borrow_mut().failed(series, &Trouble::NotSent);
    if clock.run(schedule, &shared.gate, not_sent).await.is_err() {
        clock.end();
    }
}

/// Ends sessions and connections, a bounded number at a time.
async fn close(actors: Vec<Actor>) {
    let permits = Arc::new(Semaphore::new(CLOSING_MAX));
    let mut closing = JoinSet::new();
    for mut actor in actors {
        let permits = Arc::clone(&permits);
        closing.spawn_local(async move {
            let _permit = permits.acquire().await;
            // The measured part is over: a server that can't end sessions costs nobody anything.
            let _ = actor.client().close().await;
        });
    }
    let all = async { while closing.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(CLOSING_TIME_MAX, all).await;
}

/// Binds this thread to a core.
#[cfg(target_os = "linux")]
pub(super) fn bind(core: usize) -> Result<(), Fault> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if core >= CpuSet::MAX_CPU {
        return Err(Fault::plan(format!("--pin {core}: there is no such core")));
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores)
        .map_err(|error| Fault::plan(format!("--pin {core}: {error}; name cores that this process may use")))
}

/// Binds this thread to a core.
#[cfg(not(target_os = "linux"))]
pub(super) fn bind(_core: usize) -> Result<(), Fault> {
    Err(Fault::plan("--pin works on Linux alone"))
}
