//! Opens many sessions, or streams of events, leaves them alone for a while, and says what each costs the server.
//!
//! Sessions share a few connections, so that it is they that are weighed; a stream has a connection of its own, which
//! is weighed with it.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::Stage;
use crate::client::{Client, Moved, Opening, Route, Setup};
use crate::dialect::Ask;
use crate::fault::Fault;
use crate::interruption::asked_to_end;
use crate::load::Measured;
use crate::load::recorder::Recorder;
use crate::load::solo::{needs_open_files, on_own_thread};
use crate::load::usage::Usages;
use crate::plan::Stop;
use crate::process;
use crate::progress::{Phase, Progress};
use crate::result::{Figure, RunResult};
use crate::summary::figure;
use crate::trouble::Trouble;
use crate::wire::event_stream::EventStream;
use crate::work::Idle;

/// How many open at the same time.
const OPENING_MAX: usize = 64;
/// From one address of this machine, at most so many connections: ports run out.
const CONNECTIONS_PER_ADDRESS: usize = 20_000;
/// How many of the sessions are asked, in the end, whether they are still there.
const ASKED_MAX: usize = 1_000;
/// The memory of a server is looked at when it has had so long to settle.
const SETTLE: Duration = Duration::from_millis(500);

/// Opens, waits, asks, closes.
///
/// # Errors
/// When the server has no sessions or streams, or the first can't be opened.
pub async fn run(stage: Stage<'_>, idle: &Idle) -> Result<RunResult, Fault> {
    let count = usize::try_from(idle.count).unwrap_or(usize::MAX);
    if idle.streams {
        stage.needs_streams("idle --streams")?;
        needs_open_files(count)?;
    } else {
        stage.needs_streamable_http("idle")?;
        stage.needs_sessions("idle")?;
    }
    let hold = match stage.plan.stop {
        Stop::After(duration) => duration,
        Stop::Count(_) => Duration::ZERO,
    };
    let shared = Arc::new(Shared::default());
    let job = Job {
        setup: stage.setup(vec![stage.cheapest()]),
        count,
        streams: idle.streams,
        connections: stage.plan.load.connections.min(count),
        hold,
        server_pid: stage.plan.server_pid,
        shared: Arc::clone(&shared),
    };
    let core = stage.plan.pin.first().copied();
    let mut work = std::pin::pin!(on_own_thread(core, move || job.run()));
    let begin = Instant::now();
    let mut telling = tokio::time::interval(Duration::from_millis(250));
    let (measured, figures) = loop {
        tokio::select! {
            done = &mut work => break done?,
            _ = telling.tick() => drop(stage.progress.send_replace(shared.progress(begin, count, hold))),
            () = asked_to_end() => shared.interrupt(),
        }
    };
    Ok(stage.result(measured, figures))
}

/// What the thread that holds everything open shares with the one that tells.
#[derive(Default)]
struct Shared {
    opened: AtomicUsize,
    /// When everything was open, and when it was closed again.
    left_alone: OnceLock<Instant>,
    closing: OnceLock<Instant>,
    interrupted: Notify,
    is_interrupted: AtomicBool,
}

impl Shared {
    fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::Relaxed);
        self.interrupted.notify_one();
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }

    fn progress(&self, begin: Instant, count: usize, hold: Duration) -> Progress {
        let done = self.opened.load(Ordering::Relaxed);
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
        let (phase, elapsed, total, done_share) = match (self.left_alone.get(), self.closing.get()) {
            (_, Some(at)) => (Phase::Closing, at.elapsed(), None, 1.0),
            (Some(at), None) => {
                let share = share(at.elapsed().as_secs_f64(), hold.as_secs_f64());
                (Phase::LeftAlone, at.elapsed(), Some(hold), share)
            }
            (None, None) => {
                let phase = Phase::Connecting { done, of: count };
                let (elapsed, done) = (begin.elapsed(), share(done as f64, count as f64));
                // At the pace so far; a server may well get slower the more it holds.
                let total = (done > 0.0).then(|| elapsed.div_f64(done));
                (phase, elapsed, total, done)
            }
        };
        Progress { phase, elapsed, total, done_share, ..Progress::default() }
    }
}

/// What the thread is to do.
struct Job {
    setup: Arc<Setup>,
    count: usize,
    streams: bool,
    connections: usize,
    hold: Duration,
    server_pid: Option<u32>,
    shared: Arc<Shared>,
}

/// What is held open.
enum Held {
    Sessions(Box<Client>),
    Stream(Box<EventStream>),
}

impl Job {
    async fn run(self) -> Result<(Measured, Vec<Figure>), Fault> {
        let recorder = Rc::new(RefCell::new(Recorder::new(1)));
        let mut usages = Usages::new(self.server_pid, Vec::new());
        let mut clients = if self.streams { Vec::new() } else { self.connect().await? };
        let connected = clients.len();
        let rss_before = self.rss().await;
        usages.begin();
        let (started_at, begin) = (SystemTime::now(), Instant::now());
        let held = if self.streams {
            self.open_streams(&recorder).await
        } else {
            self.open_sessions(clients.split_off(0), &recorder).await
        };
        let opening_time = begin.elapsed();
        let portion = recorder.borrow_mut().take().remove(0);
        let (server, generator) = usages.end(opening_time, portion.answers());
        let rss_after = self.rss().await;
        let noun = if self.streams { "stream" } else { "session" };
        let opened = portion.answers().max(1) as f64;
        let mut figures = vec![
            figure(&format!("idle {noun}s opened"), connected as f64 + portion.answers() as f64, ""),
            figure("opened each second", portion.answers() as f64 / opening_time.as_secs_f64(), "1/s"),
        ];
        if let (Some(before), Some(after)) = (rss_before, rss_after) {
            let grown = after.saturating_sub(before) as f64;
            figures.push(figure(&format!("server memory for each idle {noun}"), grown / opened, "bytes"));
        }
        if let Some(server) = &server {
            let cpu_us = (server.user_cpu_s + server.system_cpu_s) * 1e6 / opened;
            figures.push(figure(&format!("server CPU to open each {noun}"), cpu_us, "us"));
        }
        let mut series = portion;
        // What is interrupted while it opens shows what was opened until then.
        let is_early = self.shared.is_interrupted();
        let _ = self.shared.left_alone.set(Instant::now());
        let is_interrupted = is_early || self.hold_open(&mut figures).await;
        let _ = self.shared.closing.set(Instant::now());
        self.ask(held, &recorder).await;
        series.add(&recorder.borrow_mut().take()[0]);
        // The rate is that of opening, however long they were left alone then.
        series.last_at = None;
        if let Some(rss) = self.rss().await {
            figures.push(figure("server memory after closing", rss as f64, "bytes"));
        }
        let measured = Measured {
            started_at,
            length: opening_time,
            begun: begin,
            window: Some(opening_time),
            series: vec![("opening".to_owned(), series)],
            slices: Vec::new(),
            server,
            generator,
            is_interrupted,
        };
        Ok((measured, figures))
    }

    /// Opens the connections that sessions share, each with its first session.
    async fn connect(&self) -> Result<Vec<Client>, Fault> {
        let checkers = Client::checkers(&self.setup);
        let mut clients = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            if self.shared.is_interrupted() {
                break;
            }
            let mut client = Client::new(Arc::clone(&self.setup), Rc::clone(&checkers));
            let connected = client.connect().await;
            connected.map_err(|trouble| Fault::failed(format!("can't open a session: {trouble}")))?;
            self.shared.opened.fetch_add(1, Ordering::Relaxed);
            clients.push(client);
        }
        if clients.is_empty() {
            return Err(Fault::Interrupted("a session was open"));
        }
        Ok(clients)
    }

    /// Opens the sessions that are still missing, each connection its part.
    async fn open_sessions(&self, clients: Vec<Client>, recorder: &Rc<RefCell<Recorder>>) -> Vec<Held> {
        let (connections, left) = (clients.len(), self.count.saturating_sub(clients.len()));
        let mut opening = JoinSet::new();
        for (index, mut client) in clients.into_iter().enumerate() {
            let part = left / connections + usize::from(index < left % connections);
            let (shared, recorder) = (Arc::clone(&self.shared), Rc::clone(recorder));
            opening.spawn_local(async move {
                for _ in 0..part {
                    if shared.is_interrupted() {
                        break;
                    }
                    let begin = Instant::now();
                    let opened = client.add_session().await;
                    record(&recorder, begin, &opened);
                    shared.opened.fetch_add(1, Ordering::Relaxed);
                    if opened.is_err_and(|trouble| !trouble.leaves_connection_usable()) {
                        break;
                    }
                }
                Held::Sessions(Box::new(client))
            });
        }
        opening.join_all().await
    }

    /// Opens the streams, a bounded number at a time.
    async fn open_streams(&self, recorder: &Rc<RefCell<Recorder>>) -> Vec<Held> {
        let checkers = Client::checkers(&self.setup);
        let permits = Arc::new(Semaphore::new(OPENING_MAX));
        let mut opening = JoinSet::new();
        for index in 0..self.count {
            let client = Client::new(Arc::clone(&self.setup), Rc::clone(&checkers)).from(self.source(index));
            let (shared, recorder, permits) =
                (Arc::clone(&self.shared), Rc::clone(recorder), Arc::clone(&permits));
            let opening_message = opening_of(&self.setup);
            let due = self.setup.timeout;
            opening.spawn_local(async move {
                let _permit = permits.acquire().await;
                if shared.is_interrupted() {
                    return None;
                }
                let begin = Instant::now();
                let opened = open_stream(client, &opening_message, due).await;
                record(&recorder, begin, &opened);
                shared.opened.fetch_add(1, Ordering::Relaxed);
                opened.ok().map(|stream| Held::Stream(Box::new(stream)))
            });
        }
        opening.join_all().await.into_iter().flatten().collect()
    }

    /// The address to connect from: on loopback there are many, and each has ports of its own.
    fn source(&self, index: usize) -> Option<IpAddr> {
        let (Route::Http(endpoint) | Route::HttpSse(endpoint)) = &self.setup.route else { return None };
        let is_loopback = matches!(endpoint.address.ip(), IpAddr::V4(address) if address.is_loopback());
        let last = u8::try_from(1 + index / CONNECTIONS_PER_ADDRESS).ok()?;
        (is_loopback && self.count > CONNECTIONS_PER_ADDRESS).then(|| Ipv4Addr::new(127, 0, 0, last).into())
    }

    /// Leaves everything alone, and says what that costs. True when it was interrupted.
    async fn hold_open(&self, figures: &mut Vec<Figure>) -> bool {
        let usage = || self.server_pid.and_then(|pid| process::sample_tree(pid).ok());
        let (before, begin) = (usage(), Instant::now());
        let is_interrupted = tokio::select! {
            () = tokio::time::sleep(self.hold) => false,
            () = self.shared.interrupted.notified() => true,
        };
        if let (Some(before), Some(after)) = (before, usage()) {
            let share = after.since(&before).cpu().as_secs_f64() / begin.elapsed().as_secs_f64().max(1e-3);
            figures.push(figure("server CPU while idle, of one core", share * 100.0, "%"));
        }
        is_interrupted
    }

    /// Asks some of what was held whether it is still there, and closes everything.
    async fn ask(&self, held: Vec<Held>, recorder: &Rc<RefCell<Recorder>>) {
        let each = (ASKED_MAX / held.len().max(1)).max(1);
        let mut asking = JoinSet::new();
        for one in held {
            let recorder = Rc::clone(recorder);
            asking.spawn_local(async move {
                match one {
                    Held::Sessions(mut client) => {
                        for _ in 0..each.min(client.sessions().len()) {
                            if let Err(trouble) = client.ask(0, Instant::now()).await {
                                recorder.borrow_mut().failed(0, &trouble);
                            }
                        }
                        if let Err(trouble) = client.close().await {
                            recorder.borrow_mut().failed(0, &trouble);
                        }
                    }
                    Held::Stream(mut stream) => loop {
                        match stream.next(Instant::now()).await {
                            Ok(Some(_)) => {}
                            Err(Trouble::Timeout) => break,
                            Ok(None) => {
                                let trouble = Trouble::Closed("the server ended an idle stream".to_owned());
                                recorder.borrow_mut().failed(0, &trouble);
                                break;
                            }
                            Err(trouble) => {
                                recorder.borrow_mut().failed(0, &trouble);
                                break;
                            }
                        }
                    },
                }
            });
        }
        asking.join_all().await;
    }

    async fn rss(&self) -> Option<u64> {
        let pid = self.server_pid?;
        tokio::time::sleep(SETTLE).await;
        process::sample_tree(pid).ok().map(|usage| usage.rss_bytes)
    }
}

fn record<T>(recorder: &RefCell<Recorder>, begin: Instant, outcome: &Result<T, Trouble>) {
    let mut recorder = recorder.borrow_mut();
    match outcome {
        Ok(_) => recorder.answered(0, begin, Instant::now(), Moved::default()),
        Err(trouble) => recorder.failed(0, trouble),
    }
}

/// How a stream that hears of changes is opened.
fn opening_of(setup: &Setup) -> Opening {
    if setup.dialect.revision.is_modern() {
        let all =
            json!({ "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true });
        Opening::Ask(Ask::new("subscriptions/listen", json!({ "notifications": all })))
    } else {
        Opening::Get
    }
}

/// Opens a stream; in the modern era it is open when the server has acknowledged it.
async fn open_stream(
    mut client: Client,
    opening: &Opening,
    timeout: Duration,
) -> Result<EventStream, Trouble> {
    client.connect().await?;
    let mut stream = client.listen(opening).await?;
    if let Opening::Ask(_) = opening {
        let first = stream.next(Instant::now() + timeout).await?;
        let is_acknowledged =
            first.is_some_and(|event| memchr::memmem::find(&event.data, b"acknowledged").is_some());
        if !is_acknowledged {
            return Err(Trouble::BadMessage("the stream does not begin with an acknowledgement".to_owned()));
        }
    }
    Ok(stream)
}
