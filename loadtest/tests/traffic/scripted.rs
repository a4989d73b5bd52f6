//! A server with a few tools, a client that asks what it is told to, and a place for recordings.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use impresario::{Context, HttpConfig, NoArguments, Runtime, Serve as _, ToolSpec};
use impresario_loadtest::result::RunResult;
use impresario_loadtest::traffic::client;
use impresario_loadtest::traffic::record::RecordOptions;
use impresario_loadtest::traffic::recorder::Summary;
use impresario_loadtest::traffic::recording::{self, Entry, Line};
use impresario_loadtest::traffic::replay::ReplayOptions;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What must never be in a recording.
pub(crate) const CANARY: &str = "canary-4711";
/// The revision with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";
/// The revision without.
pub(crate) const MODERN: &str = "2026-07-28";

#[derive(Parser)]
struct Record {
    #[command(flatten)]
    options: RecordOptions,
}

#[derive(Parser)]
struct Replay {
    #[command(flatten)]
    options: ReplayOptions,
}

/// A server with the tools `echo`, `steps` (which reports progress) and `fail`.
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let schema = json!({ "type": "object", "properties": { "message": { "type": "string" } } });
        let echo = ToolSpec::from_context("echo", schema, |ctx: Context| async move {
            ctx.arguments_value()["message"].as_str().unwrap_or_default().to_owned()
        });
        let steps = ToolSpec::new("steps", |_: NoArguments, ctx| async move {
            (1..=3).for_each(|step| ctx.progress(f64::from(step), Some(3.0), None));
            "done"
        });
        let fail = ToolSpec::new("fail", |_: NoArguments, _ctx| async {
            Err::<String, _>(impresario::ToolError::from("it failed, as it does"))
        });
        let runtime = Runtime::builder().name("scripted").tool(echo).tool(steps).tool(fail).lanes(1).start();
        Self::serve(runtime.unwrap())
    }

    pub(crate) fn without_tools() -> Self {
        Self::serve(Runtime::builder().lanes(1).start().unwrap())
    }

    fn serve(runtime: Runtime) -> Self {
        let url = runtime.serve_http(HttpConfig::on(([127, 0, 0, 1], 0).into())).unwrap().url();
        Self { runtime, url }
    }
}

/// A file that goes away with the test.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("traffic-{}-{number}.jsonl", std::process::id())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        recording::read(&self.0, false).unwrap().lines
    }

    /// How many lines are so.
    pub(crate) fn count(&self, is_so: impl Fn(&Entry) -> bool) -> usize {
        self.lines().iter().filter(|line| is_so(&line.entry)).count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A recorder in front of a server.
pub(crate) struct Recording {
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Summary>,
}

impl Recording {
    pub(crate) async fn start(server: &str, place: &Place, more: &[&str]) -> Self {
        let file = place.path().to_str().unwrap();
        let arguments = ["record", "--to", server, file].into_iter().chain(more.iter().copied());
        let options = Record::try_parse_from(arguments).unwrap().options;
        let proxying = options.proxy(options.to.as_ref().unwrap()).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let url = proxying.url.clone();
        let until = async {
            let _ = stopped.await;
        };
        let running = tokio::spawn(async move { proxying.until(until).await.unwrap() });
        Self { url, stop, running }
    }

    pub(crate) async fn stop(self) -> Summary {
        self.stop.send(()).unwrap();
        self.running.await.unwrap()
    }
}

pub(crate) async fn try_replay(place: &Place, target: &[&str], more: &[&str]) -> Result<RunResult, String> {
    let file = place.path().to_str().unwrap();
    let arguments = ["replay", file].into_iter().chain(target.iter().copied()).chain(more.iter().copied());
    let options = Replay::try_parse_from(arguments).map_err(|error| error.to_string())?.options;
    options.run(&impresario_loadtest::progress::channel().0).await.map_err(|fault| fault.to_string())
}

pub(crate) async fn replay(place: &Place, url: &str, more: &[&str]) -> RunResult {
    try_replay(place, &[url], more).await.unwrap()
}

/// How many answers of each kind, and how many errors of each kind.
pub(crate) fn errors(result: &RunResult) -> Vec<(String, u64)> {
    result.series[0].errors.iter().map(|(kind, error)| (kind.clone(), error.count)).collect()
}

pub(crate) fn answers(result: &RunResult, label: &str) -> u64 {
    result.series.iter().find(|series| series.name == label).map_or(0, |series| series.answers)
}

/// Asks over HTTP as a client of one revision does, and carries secrets while it does.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    revision: &'static str,
    session: Option<String>,
    id: u64,
}

impl Client {
    pub(crate) fn new(url: &str, revision: &'static str) -> Self {
        let http = client::build(None).unwrap();
        Self { http, url: format!("{url}?key={CANARY}"), revision, session: None, id: 0 }
    }

    fn request(&self, method: reqwest::Method) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .request(method, &self.url)
            .header("authorization", format!("Bearer {CANARY}"))
            .header("cookie", format!("id={CANARY}"))
            .header("x-api-key", CANARY)
            .header("accept", "application/json, text/event-stream");
        if self.session.is_some() || self.revision == MODERN {
            request = request.header("mcp-protocol-version", self.revision);
        }
        match &self.session {
            Some(id) => request.header("mcp-session-id", id),
            None => request,
        }
    }

    fn message(&mut self, method: &str, mut params: Value) -> reqwest::RequestBuilder {
        let mut request = self.request(reqwest::Method::POST).header("content-type", "application/json");
        if self.revision == MODERN {
            request = request.header("mcp-method", method);
            if let Some(name) = params.get("name").and_then(Value::as_str) {
                request = request.header("mcp-name", name);
            }
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        if !method.starts_with("notifications/") {
            self.id += 1;
            message["id"] = json!(self.id);
        }
        request.body(message.to_string())
    }

    /// Asks and returns what came, whole.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> String {
        let response = self.message(method, params).send().await.unwrap();
        if let Some(id) = response.headers().get("mcp-session-id") {
            self.session = Some(id.to_str().unwrap().to_owned());
        }
        response.text().await.unwrap()
    }

    pub(crate) async fn call(&mut self, name: &str, arguments: Value) -> String {
        self.ask("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// Asks for a stream, and returns it once its head is there.
    pub(crate) async fn stream(&mut self, method: &str, params: Value) -> reqwest::Response {
        self.message(method, params).send().await.unwrap()
    }

    pub(crate) async fn begin(&mut self) {
        let about = json!({ "name": "scripted", "version": "1" });
        let params = json!({ "protocolVersion": self.revision, "capabilities": {}, "clientInfo": about });
        self.ask("initialize", params).await;
        assert!(self.session.is_some());
        self.ask("notifications/initialized", json!({})).await;
    }

    pub(crate) async fn listen(&self) -> reqwest::Response {
        self.request(reqwest::Method::GET).send().await.unwrap()
    }

    pub(crate) async fn end(&mut self) {
        assert!(self.request(reqwest::Method::DELETE).send().await.unwrap().status().is_success());
    }

    /// At another address, with the same session.
    pub(crate) fn move_to(&mut self, url: &str) {
        self.url = url.to_owned();
    }

    pub(crate) fn session(&self) -> &str {
        self.session.as_deref().unwrap()
    }
}

/// Reads a stream until it holds that text.
pub(crate) async fn read_until(stream: &mut reqwest::Response, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        read.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    read
}
