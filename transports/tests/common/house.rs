//! A runtime with tools that a test holds in its hand: it sees when they begin, and decides when they end.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use impresario_engine::{Builder, Context, Limits, LogLevel, Runtime, ToolResult, ToolSpec};
use impresario_transports::http::HttpConfig;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::wait::{until, until_equal};

/// What the tools of a test have done, and what they wait for.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Calls that have begun.
    pub(crate) begun: Counted,
    /// Calls whose future or closure is gone, done or not.
    pub(crate) gone: Counted,
    /// Calls that came to their end.
    pub(crate) done: Counted,
    /// Calls that cleaned up after a cancellation.
    pub(crate) cleaned: Counted,
    /// Each permit lets one call of `hold` end.
    pub(crate) release: Semaphore,
    /// Whether calls of `hold_thread` and `jam` may end.
    open: Mutex<bool>,
    opened: Condvar,
}

/// A number that goes up.
#[derive(Debug, Default)]
pub(crate) struct Counted(AtomicUsize);

impl Counted {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until it has come to `count`.
    pub(crate) async fn reaches(&self, count: usize) {
        until(&format!("a count comes to {count}"), || self.get() >= count).await;
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            begun: Counted::default(),
            gone: Counted::default(),
            done: Counted::default(),
            cleaned: Counted::default(),
            release: Semaphore::new(0),
            open: Mutex::new(false),
            opened: Condvar::new(),
        }
    }
}

impl Probe {
    /// Lets every thread that is held go on, now and later.
    pub(crate) fn open(&self) {
        *self.open.lock().expect("nobody panics with it") = true;
        self.opened.notify_all();
    }

    fn wait_open(&self) {
        let open = self.open.lock().expect("nobody panics with it");
        let wait = self.opened.wait_timeout_while(open, Duration::from_secs(30), |open| !*open);
        drop(wait.expect("nobody panics with it"));
    }

    fn enter(self: &Arc<Self>) -> Guard {
        self.begun.add();
        Guard(Arc::clone(self))
    }
}

/// Tells when what it stands in is gone.
struct Guard(Arc<Probe>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.gone.add();
    }
}

/// Any arguments.
pub(crate) fn any() -> Value {
    json!({ "type": "object" })
}

/// The tools of [`stage`].
pub(crate) fn tools(probe: &Arc<Probe>) -> Vec<ToolSpec> {
    let mut tools = vec![
        ToolSpec::from_context("say", any(), say),
        ToolSpec::from_context("blob", any(), |ctx: Context| async move { "x".repeat(number(&ctx, "size")) }),
        ToolSpec::from_context("panic", any(), |_ctx| async { fail_loudly() }),
        ToolSpec::from_context("panic_later", any(), |_ctx| async {
            tokio::task::yield_now().await;
            fail_loudly()
        }),
        ToolSpec::blocking_from_context("panic_thread", any(), |_ctx| fail_loudly()),
        ToolSpec::blocking_from_context("spin", any(), |ctx: Context| {
            let (begun, span) = (std::time::Instant::now(), Duration::from_millis(number(&ctx, "ms") as u64));
            while begun.elapsed() < span {
                std::hint::spin_loop();
            }
            "spun"
        }),
    ];
    tools.extend([echo(probe), hold("hold", probe), watch(probe), jam(probe), hold_thread(probe)]);
    tools
}

fn fail_loudly() -> &'static str {
    panic!("a secret of the inside")
}

/// Gives its arguments back, and counts.
fn echo(probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    ToolSpec::from_context("echo", any(), move |ctx: Context| {
        let _guard = probe.enter();
        probe.done.add();
        std::future::ready(ctx.arguments_value().to_string())
    })
}

/// Begins, and waits to be released.
pub(crate) fn hold(name: &str, probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    ToolSpec::from_context(name, any(), move |_ctx| {
        let probe = Arc::clone(&probe);
        async move {
            let _guard = probe.enter();
            probe.release.acquire().await.expect("it is never closed").forget();
            probe.done.add();
            "held"
        }
    })
}

/// Waits for its cancellation and then cleans up for `ms`.
fn watch(probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    ToolSpec::from_context("watch", any(), move |ctx: Context| {
        let probe = Arc::clone(&probe);
        async move {
            let _guard = probe.enter();
            ctx.cancelled().await;
            // The work of cleaning up takes time; nothing waits for it by this.
            tokio::time::sleep(Duration::from_millis(number(&ctx, "ms") as u64)).await;
            probe.cleaned.add();
            "cleaned up"
        }
    })
}

/// Keeps its whole lane from doing anything.
fn jam(probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    ToolSpec::from_context("jam", any(), move |_ctx| {
        let probe = Arc::clone(&probe);
        async move {
            let _guard = probe.enter();
            probe.wait_open();
            "jammed"
        }
    })
}

/// Keeps a thread of its pool.
fn hold_thread(probe: &Arc<Probe>) -> ToolSpec {
    let probe = Arc::clone(probe);
    ToolSpec::blocking_from_context("hold_thread", any(), move |_ctx| {
        let _guard = probe.enter();
        probe.wait_open();
        probe.done.add();
        "held a thread"
    })
}

/// Sends `progress` progress messages and `logs` log messages of `bytes` bytes at once, and then ends.
async fn say(ctx: Context) -> &'static str {
    for step in 1..=number(&ctx, "progress") {
        ctx.progress(step as f64, None, None);
    }
    let text = "y".repeat(number(&ctx, "bytes"));
    for count in 1..=number(&ctx, "logs") {
        ctx.log(LogLevel::Info, json!({ "count": count, "text": text }));
    }
    "said"
}

/// A tool whose future panics when it is dropped before its end.
pub(crate) fn breaks_when_dropped(probe: &Arc<Probe>) -> ToolSpec {
    struct Breaks(Arc<Probe>);
    impl Future for Breaks {
        type Output = &'static str;
        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<&'static str> {
            Poll::Pending
        }
    }
    impl Drop for Breaks {
        fn drop(&mut self) {
            self.0.gone.add();
            panic!("dropped");
        }
    }
    let probe = Arc::clone(probe);
    ToolSpec::from_context("breaks_when_dropped", any(), move |_ctx| {
        probe.begun.add();
        Breaks(Arc::clone(&probe))
    })
}

/// An argument that is a number, or nothing.
pub(crate) fn number(ctx: &Context, name: &str) -> usize {
    let value = ctx.arguments_value();
    value[name].as_u64().unwrap_or(0) as usize
}

/// A house under test.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) probe: Arc<Probe>,
}

/// A builder with the test's tools, on one lane, with those limits changed.
pub(crate) fn builder(probe: &Arc<Probe>, change: impl FnOnce(&mut Limits)) -> Builder {
    let mut limits = Limits::default();
    change(&mut limits);
    Runtime::builder().name("under-test").lanes(1).limits(limits).tools(tools(probe))
}

/// A house on one lane, with those limits changed.
pub(crate) fn house(change: impl FnOnce(&mut Limits)) -> House {
    house_with(change, |builder, _| builder)
}

/// A house with more to offer.
pub(crate) fn house_with(
    change: impl FnOnce(&mut Limits),
    more: impl FnOnce(Builder, &Arc<Probe>) -> Builder,
) -> House {
    let probe = Arc::<Probe>::default();
    let runtime = more(builder(&probe, change), &probe).start().expect("the house opens");
    House { runtime, probe }
}

impl House {
    /// Serves HTTP on any free port.
    pub(crate) fn serve(&self) -> SocketAddr {
        let config = HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0)));
        crate::secure::serve(&self.runtime, config)
    }

    /// Calls in flight.
    pub(crate) fn calls(&self) -> usize {
        self.runtime.shared().gate.calls()
    }

    /// Waits until so many calls are in flight.
    pub(crate) async fn calls_are(&self, calls: usize) {
        until_equal("calls in flight", calls, || self.calls()).await;
    }
}

/// The text of a result that a client in this process got.
pub(crate) fn result_text(result: &ToolResult) -> &str {
    result.content[0].as_text().expect("the result is text")
}
