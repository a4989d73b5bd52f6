//! The server that is asked: every tool that the table needs, each run of them counted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use impresario_engine::{
    Context, Limits, PromptArgument, PromptSpec, ResourceSpec, Runtime, TemplateSpec, ToolSpec, Variables,
    no_arguments,
};
use impresario_protocol::ResourceContents;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// A name besides loopback ones under which the house is reached.
pub(crate) const OTHER_HOST: &str = "mcp.example.com";
/// A site that may call.
pub(crate) const FRIENDLY_ORIGIN: &str = "https://app.example.com";
/// What no client may ever read: it stands in the words of every panic.
pub(crate) const SECRET: &str = "secret-of-the-house";

/// A running server, served over HTTP and mounted in an axum application.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) runtime: Runtime,
    pub(crate) address: SocketAddr,
    pub(crate) router: axum::Router,
    /// How often a tool other than `echo` and `hold` has begun.
    ran: Arc<AtomicU64>,
    pub(crate) held: Arc<Held>,
}

/// The calls of the tool `hold`, which ends when the test says so.
#[derive(Debug)]
pub(crate) struct Held {
    /// One permit for each call that has begun.
    pub(crate) begun: Semaphore,
    /// Each call takes one permit and ends.
    pub(crate) go_on: Semaphore,
    /// One permit for each call that went on to its end.
    pub(crate) finished: Semaphore,
    /// One permit for each call that was dropped before.
    pub(crate) dropped: Semaphore,
}

impl Default for Held {
    fn default() -> Self {
        let none = || Semaphore::new(0);
        Self { begun: none(), go_on: none(), finished: none(), dropped: none() }
    }
}

/// Waits for one permit, and takes it for good.
pub(crate) async fn take(semaphore: &Semaphore) {
    semaphore.acquire().await.expect("the semaphore is never closed").forget();
}

impl House {
    pub(crate) fn open() -> Self {
        Self::with(|_| ())
    }

    /// With other limits.
    pub(crate) fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let (ran, held) = (Arc::<AtomicU64>::default(), Arc::<Held>::default());
        let builder = Runtime::builder().name("decisions").lanes(2).limits(limits);
        let runtime = builder
            .tools(tools(&ran, &held))
            .resource(ResourceSpec::fixed("fixed", ResourceContents::text("test://fixed", "as it is")))
            .resource(note())
            .prompt(greet())
            .start()
            .expect("the house is in order");
        assert!(runtime.remove_tool("gone"));
        Self::serve(runtime, ran, held)
    }

    /// Without resources, prompts and completions.
    pub(crate) fn bare() -> Self {
        let (ran, held) = (Arc::<AtomicU64>::default(), Arc::<Held>::default());
        let runtime =
            Runtime::builder().lanes(2).tools(tools(&ran, &held)).start().expect("the house is in order");
        Self::serve(runtime, ran, held)
    }

    fn serve(runtime: Runtime, ran: Arc<AtomicU64>, held: Arc<Held>) -> Self {
        let config = HttpConfig {
            allowed_hosts: vec![OTHER_HOST.into()],
            allowed_origins: vec![FRIENDLY_ORIGIN.into()],
            http_sse: true,
            ..HttpConfig::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        };
        let address = crate::secure::serve(&runtime, config.clone());
        let service = runtime.http_service(HttpConfig { address, ..config });
        let router = axum::Router::new().fallback_service(service);
        Self { runtime, address, router, ran, held }
    }

    /// How often a counted tool has begun.
    pub(crate) fn ran(&self) -> u64 {
        self.ran.load(Ordering::SeqCst)
    }
}

fn tools(ran: &Arc<AtomicU64>, held: &Arc<Held>) -> Vec<ToolSpec> {
    let object = || json!({ "type": "object" });
    let tool = |name: &str, schema: Value, run: fn(&Context) -> String| {
        let ran = Arc::clone(ran);
        ToolSpec::from_context(name, schema, move |ctx| {
            ran.fetch_add(1, Ordering::SeqCst);
            let text = run(&ctx);
            async move { text }
        })
    };
    let message = json!({ "type": "object", "properties": { "message": { "type": "string" } }, "required": ["message"] });
    let echo = ToolSpec::from_context("echo", message, |ctx| async move {
        ctx.arguments_value()["message"].as_str().unwrap_or_default().to_owned()
    });
    let typed = json!({
        "type": "object",
        "properties": {
            "n": { "type": "integer", "minimum": 1, "maximum": 10 },
            "colour": { "enum": ["red", "blue"] },
            "names": { "type": "array", "items": { "type": "string", "maxLength": 3 } },
        },
        "required": ["n"],
        "additionalProperties": false,
    });
    let mirrored = json!({
        "type": "object",
        "properties": {
            "region": { "type": "string" },
            "level": { "type": "integer" },
            "urgent": { "type": "boolean" },
        },
    });
    let mirrored = tool("mirrored", mirrored, |ctx| ctx.arguments_value().to_string());
    vec![
        echo,
        tool("count", object(), |_| "one more".into()),
        tool("gone", object(), |_| "still here".into()),
        tool("typed", typed, |_| "right".into()),
        mirrored.header("region", "Region").header("level", "Level").header("urgent", "Urgent"),
        tool("needs_sampling", object(), |_| "sampled".into()).requires_capability("sampling"),
        tool("panic_now", object(), |_| panic!("{SECRET}")),
        panic_later(ran),
        panic_blocking(ran),
        hold(held),
    ]
}

/// Panics after it has been pending.
fn panic_later(ran: &Arc<AtomicU64>) -> ToolSpec {
    let ran = Arc::clone(ran);
    ToolSpec::from_context("panic_later", no_arguments(), move |_| {
        ran.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::task::yield_now().await;
            std::panic::panic_any(format!("{SECRET} later")) as String
        }
    })
}

/// Panics on a thread of a blocking pool, with something that is no text.
fn panic_blocking(ran: &Arc<AtomicU64>) -> ToolSpec {
    let ran = Arc::clone(ran);
    ToolSpec::blocking_from_context("panic_blocking", no_arguments(), move |_| {
        ran.fetch_add(1, Ordering::SeqCst);
        std::panic::panic_any(7_u8) as String
    })
}

/// Counts how a call of `hold` came to its end.
struct Ending(Arc<Held>, bool);

impl Drop for Ending {
    fn drop(&mut self) {
        let Self(held, has_finished) = self;
        if *has_finished { held.finished.add_permits(1) } else { held.dropped.add_permits(1) }
    }
}

fn hold(held: &Arc<Held>) -> ToolSpec {
    let held = Arc::clone(held);
    ToolSpec::from_context("hold", json!({ "type": "object" }), move |_| {
        let held = Arc::clone(&held);
        async move {
            let mut ending = Ending(Arc::clone(&held), false);
            held.begun.add_permits(1);
            take(&held.go_on).await;
            ending.1 = true;
            "let go"
        }
    })
}

fn note() -> TemplateSpec {
    let read = |variables: Variables, _ctx: Context| {
        let id = variables.get("id").unwrap_or_default().to_owned();
        async move { format!("note {id}") }
    };
    TemplateSpec::new("note://{id}", "note", read).complete("id", |request| request.among(["one", "two"]))
}

fn greet() -> PromptSpec {
    let fill = |arguments: Variables, _ctx: Context| {
        let name = arguments.get("name").unwrap_or_default().to_owned();
        async move { format!("greet {name}") }
    };
    let name = PromptArgument { name: "name".into(), title: None, description: None, required: Some(true) };
    PromptSpec::new("greet", fill).argument(name).complete("name", |request| request.among(["Ada", "Bob"]))
}
