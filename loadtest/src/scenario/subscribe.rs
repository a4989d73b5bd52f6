//! Many listeners hear of one change: how soon does each, and do all of them?
//!
//! One client calls a tool that makes the server send a notification; latency runs from that call to the notification's
//! arrival at each listener. A listener that hears nothing in time is the error `not heard`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Stage;
use crate::check::Expectation;
use crate::client::{Client, Item, Moved, Opening, Setup};
use crate::dialect::Ask;
use crate::fault::Fault;
use crate::interruption::asked_to_end;
use crate::items::call_of;
use crate::load::Measured;
use crate::load::recorder::Recorder;
use crate::load::solo::{needs_open_files, on_own_thread};
use crate::load::usage::Usages;
use crate::plan::Stop;
use crate::progress::{Phase, Progress};
use crate::result::RunResult;
use crate::summary::figure;
use crate::trouble::Trouble;
use crate::wire::event_stream::EventStream;
use crate::work::{Subscribe, Work};

/// A listener waits so long for the next event before it looks again whether the run is over.
const LISTEN_STEP: Duration = Duration::from_secs(3600);

/// Opens the listeners, triggers, and waits until all have heard, again and again.
///
/// # Errors
/// When the server offers no such notifications, or the first trigger is heard by nobody.
pub async fn run(mut stage: Stage<'_>, subscribe: &Subscribe) -> Result<RunResult, Fault> {
    stage.needs_streams("subscribe")?;
    offers(&stage.found.capabilities, subscribe.resource.is_some())?;
    let listeners = usize::try_from(subscribe.listeners).unwrap_or(usize::MAX);
    needs_open_files(listeners)?;
    let Work::Call(call) = Work::parse(&format!("call {}", subscribe.trigger))? else {
        return Err(Fault::plan("--trigger is a tool and its arguments"));
    };
    let ask = call_of(&call, stage.found.tools().await?.as_deref())?;
    let item = Item { name: "trigger".to_owned(), ask, expectation: Expectation::ToolResult, weight: 1.0 };
    let told = Arc::new(Told::default());
    let job = Job {
        setup: stage.setup(vec![item]),
        listeners,
        resource: subscribe.resource.clone(),
        every: subscribe.every,
        stop: stage.plan.stop,
        server_pid: stage.plan.server_pid,
        told: Arc::clone(&told),
    };
    let core = stage.plan.pin.first().copied();
    let mut work = std::pin::pin!(on_own_thread(core, move || job.run()));
    let begin = Instant::now();
    let mut telling = tokio::time::interval(Duration::from_millis(250));
    let (measured, triggers) = loop {
        tokio::select! {
            done = &mut work => break done?,
            _ = telling.tick() => {
                let answers = told.heard.load(Ordering::Relaxed);
                let total = match stage.plan.stop {
                    Stop::After(duration) => Some(duration),
                    Stop::Count(_) => None,
                };
                let elapsed = begin.elapsed();
                let done_share = total.map_or(0.0, |total| (elapsed.as_secs_f64() / total.as_secs_f64()).min(1.0));
                stage.progress.send_replace(Progress { phase: Phase::Measuring, elapsed, total, done_share, answers, ..Progress::default() });
            }
            () = asked_to_end() => told.is_interrupted.store(true, Ordering::Relaxed),
        }
    };
    let figures = vec![figure("listeners", listeners as f64, ""), figure("triggers", triggers as f64, "")];
    Ok(stage.result(measured, figures))
}

/// Refuses a server that does not say that it sends such notifications.
fn offers(capabilities: &Value, resource: bool) -> Result<(), Fault> {
    let has = |kind: &str, name: &str| {
        capabilities.get(kind).and_then(|kind| kind.get(name)).and_then(Value::as_bool).unwrap_or(false)
    };
    if resource && !has("resources", "subscribe") {
        return Err(Fault::plan(
            "the server does not offer subscriptions to resources; leave --resource away",
        ));
    }
    if !resource && !["tools", "prompts", "resources"].iter().any(|kind| has(kind, "listChanged")) {
        return Err(Fault::plan(
            "the server does not tell of changes to its lists; name a --resource if it has any",
        ));
    }
    Ok(())
}

#[derive(Default)]
struct Told {
    heard: AtomicU64,
    is_interrupted: AtomicBool,
}

struct Job {
    setup: Arc<Setup>,
    listeners: usize,
    resource: Option<String>,
    every: Duration,
    stop: Stop,
    server_pid: Option<u32>,
    told: Arc<Told>,
}

/// One trigger, as listeners see it.
#[derive(Default)]
struct Bell {
    /// Which trigger, counted from one; listeners remember the last that they heard.
    number: Cell<u64>,
    /// When it was pulled.
    at: Cell<Option<Instant>>,
    /// How many have heard it.
    heard: Cell<usize>,
    all_heard: Notify,
    recorder: RefCell<Option<Recorder>>,
}

impl Job {
    async fn run(self) -> Result<(Measured, u64), Fault> {
        let bell = Rc::new(Bell::default());
        let mut usages = Usages::new(self.server_pid, Vec::new());
        let mut listening = JoinSet::new();
        for stream in self.open().await? {
            listening.spawn_local(listen(stream, Rc::clone(&bell), self.listeners, Arc::clone(&self.told)));
        }
        let mut trigger = Client::new(Arc::clone(&self.setup), Client::checkers(&self.setup));
        // The first is not measured: it shows that the trigger does what it should.
        let heard = self.pull(&mut trigger, &bell).await?;
        if heard == 0 {
            if self.told.is_interrupted.load(Ordering::Relaxed) {
                return Err(Fault::Interrupted("a listener heard of the trigger"));
            }
            return Err(Fault::failed(
                "no listener heard of the trigger; does the tool change what is subscribed to?",
            ));
        }
        *bell.recorder.borrow_mut() = Some(Recorder::new(1));
        usages.begin();
        let (started_at, begin) = (SystemTime::now(), Instant::now());
        let mut triggers = 0;
        while !self.is_over(begin, triggers) {
            tokio::time::sleep(self.every).await;
            triggers += 1;
            let heard = self.pull(&mut trigger, &bell).await?;
            for _ in heard..self.listeners {
                if let Some(recorder) = bell.recorder.borrow_mut().as_mut() {
                    recorder.failed(0, &Trouble::NotHeard);
                }
            }
        }
        let length = begin.elapsed();
        let portion =
            bell.recorder.borrow_mut().as_mut().map(|recorder| recorder.take().remove(0)).unwrap_or_default();
        let (server, generator) = usages.end(length, portion.answers());
        let measured = Measured {
            started_at,
            length,
            begun: begin,
            window: Some(length),
            series: vec![("notifications".to_owned(), portion)],
            slices: Vec::new(),
            server,
            generator,
            is_interrupted: self.told.is_interrupted.load(Ordering::Relaxed),
        };
        Ok((measured, triggers))
    }

    fn is_over(&self, begin: Instant, triggers: u64) -> bool {
        let is_done = match self.stop {
            Stop::After(duration) => begin.elapsed() >= duration,
            Stop::Count(count) => triggers >= count,
        };
        is_done || self.told.is_interrupted.load(Ordering::Relaxed)
    }

    /// Pulls the trigger and waits until all have heard, or the time is up; says how many did.
    async fn pull(&self, trigger: &mut Client, bell: &Bell) -> Result<usize, Fault> {
        let now = Instant::now();
        bell.heard.set(0);
        bell.at.set(Some(now));
        bell.number.set(bell.number.get() + 1);
        let pulled = trigger.ask(0, now).await;
        pulled.map_err(|trouble| Fault::failed(format!("the trigger does not work: {trouble}")))?;
        let all = async {
            while bell.heard.get() < self.listeners {
                bell.all_heard.notified().await;
            }
        };
        // Whoever has not heard by then is counted.
        let _ = tokio::time::timeout(self.setup.timeout, all).await;
        Ok(bell.heard.get())
    }

    async fn open(&self) -> Result<Vec<EventStream>, Fault> {
        let checkers = Client::checkers(&self.setup);
        let mut streams = Vec::with_capacity(self.listeners);
        for _ in 0..self.listeners {
            let client = Client::new(Arc::clone(&self.setup), Rc::clone(&checkers));
            let stream = self.open_one(client).await;
            streams
                .push(stream.map_err(|trouble| Fault::failed(format!("can't open a listener: {trouble}")))?);
        }
        Ok(streams)
    }

    async fn open_one(&self, mut client: Client) -> Result<EventStream, Trouble> {
        if self.setup.dialect.revision.is_modern() {
            let wanted = match &self.resource {
                Some(uri) => json!({ "resourceSubscriptions": [uri] }),
                None => {
                    json!({ "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true })
                }
            };
            let opening = Ask::new("subscriptions/listen", json!({ "notifications": wanted }));
            let mut stream = client.listen(&Opening::Ask(opening)).await?;
            // The acknowledgement: before it there are no notifications.
            stream.next(Instant::now() + self.setup.timeout).await?.ok_or(Trouble::NoAnswer)?;
            return Ok(stream);
        }
        client.connect().await?;
        if let Some(uri) = &self.resource {
            client.converse(&Ask::new("resources/subscribe", json!({ "uri": uri }))).await?;
        }
        client.listen(&Opening::Get).await
    }
}

/// Listens until the stream ends. Each trigger counts once, however many notifications it causes.
async fn listen(mut stream: EventStream, bell: Rc<Bell>, listeners: usize, told: Arc<Told>) {
    let mut heard = 0;
    while let Ok(Some(event)) = stream.next(Instant::now() + LISTEN_STEP).await {
        let is_change = [&b"list_changed"[..], b"resources/updated"]
            .iter()
            .any(|method| memchr::memmem::find(&event.data, method).is_some());
        let (number, at) = (bell.number.get(), bell.at.get());
        let Some(at) = at.filter(|_| is_change && heard < number) else { continue };
        heard = number;
        bell.heard.set(bell.heard.get() + 1);
        if let Some(recorder) = bell.recorder.borrow_mut().as_mut() {
            recorder.answered(0, at, Instant::now(), Moved { sent: 0, received: event.data.len() });
            told.heard.fetch_add(1, Ordering::Relaxed);
        }
        if bell.heard.get() == listeners {
            bell.all_heard.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_can_not_tell_is_refused() {
        let rows = [
            (json!({}), false, false),
            (json!({ "tools": { "listChanged": true } }), false, true),
            (json!({ "tools": { "listChanged": true } }), true, false),
            (json!({ "resources": { "subscribe": true } }), true, true),
            (json!({ "resources": { "subscribe": true } }), false, false),
        ];
        for (capabilities, resource, expected) in rows {
            assert_eq!(offers(&capabilities, resource).is_ok(), expected, "{capabilities} {resource}");
        }
    }
}
