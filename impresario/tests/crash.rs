//! A server that dies between any two steps of its tasks, and what the next process knows of them.
//!
//! The server is this program itself, started again as a child: its store aborts the process before or after
//! the n-th commit. The client keeps what it was told, and holds the next process to it.
#![allow(missing_docs, reason = "a test binary has no reader of its documentation")]
#![allow(clippy::unwrap_used, reason = "clippy knows only functions with #[test] as tests")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use impresario::{
    Context, FileStore, Runtime, Serve as _, StoreChange, StoreError, TaskStore, TaskSupport, ToolError,
    ToolSpec, no_arguments,
};
use serde_json::{Value, json};

const FILE: &str = "IMPRESARIO_TEST_CRASH_FILE";
/// The one test, which a child runs too.
const TEST: &str = "a_crash_between_any_two_steps_loses_no_task_that_a_client_knows_of";
const AT: &str = "IMPRESARIO_TEST_CRASH_AT";
const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// A file that takes the process with it at one of its commits.
#[derive(Debug)]
struct Deadly {
    file: FileStore,
    commits: AtomicUsize,
    /// Which commit, and whether it is made before the end.
    at: Option<(usize, bool)>,
}

impl TaskStore for Deadly {
    fn commit(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        if self.at == Some((number, false)) {
            std::process::abort();
        }
        self.file.commit(changes)?;
        if self.at == Some((number, true)) {
            std::process::abort();
        }
        Ok(())
    }

    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        self.file.scan(visit)
    }
}

async fn asks(ctx: Context) -> Result<String, ToolError> {
    #[derive(serde::Deserialize)]
    struct Name {
        name: String,
    }
    let form = impresario::client::RequestedSchema::new()
        .require("name", impresario::client::StringSchema::default());
    let given = ctx.elicit_form("name", "who?", form).await?.accepted_or("nobody")?;
    let Name { name } = serde_json::from_value(Value::Object(given)).unwrap();
    // Time to die in between.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(name)
}

/// The child's part: serves on its standard streams until it is killed or they end.
fn serve(file: &str) {
    let at = std::env::var(AT).ok().and_then(|at| {
        let (number, when) = at.split_once(':')?;
        Some((number.parse().ok()?, when == "after"))
    });
    let store = Deadly { file: FileStore::open(file).unwrap(), commits: AtomicUsize::new(0), at };
    let quick = ToolSpec::from_context("quick", no_arguments(), |_ctx| async { "quick" });
    let again = ToolSpec::from_context("again", no_arguments(), |_ctx| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        "again"
    });
    let holds = ToolSpec::from_context("holds", no_arguments(), |_ctx| async {
        std::future::pending::<()>().await;
    });
    let asks = ToolSpec::from_context("asks", no_arguments(), asks);
    let runtime = Runtime::builder()
        .tool(quick.task(TaskSupport::Optional))
        .tool(again.task(TaskSupport::Optional).restart(true))
        .tool(holds.task(TaskSupport::Optional))
        .tool(asks.task(TaskSupport::Optional).restart(true))
        .task_store(store)
        .lanes(1)
        .start()
        .unwrap();
    let serving = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    serving.block_on(async { runtime.serve_stdio().await }).unwrap();
}

/// A child, as its client sees it.
struct Server {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// The server has died.
#[derive(Debug)]
struct Died;

impl Server {
    fn start(file: &Path, at: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", TEST, "--nocapture"]).env(FILE, file);
        if let Some(at) = at {
            command.env(AT, at);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output).lines() }
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Result<Value, Died> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "extensions": { EXTENSION: {} }, "elicitation": {} },
        });
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        writeln!(self.input, "{request}").map_err(|_| Died)?;
        loop {
            let line = self.output.next().ok_or(Died)?.map_err(|_| Died)?;
            // The test runner of the child speaks first.
            if let Ok(answer) = serde_json::from_str::<Value>(&line) {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return Ok(answer["result"].clone());
            }
        }
    }

    fn get(&mut self, id: &str) -> Result<Value, Died> {
        self.ask("tasks/get", json!({ "taskId": id }))
    }

    /// Looks until the task has another status than that.
    fn leaves(&mut self, id: &str, status: &str) -> Result<Value, Died> {
        for _ in 0..2_000 {
            let task = self.get(id)?;
            if task["status"] != json!(status) {
                return Ok(task);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the task stays {status}");
    }

    fn end(mut self) {
        drop(self.child.kill());
        self.child.wait().unwrap();
    }
}

/// What the client was told.
#[derive(Debug, Default)]
struct Told {
    /// Tools by the tasks that it was given.
    tasks: BTreeMap<String, &'static str>,
    /// Ends that it has seen.
    ends: BTreeMap<String, Value>,
    cancelled: Option<String>,
    answered: Option<String>,
}

impl Told {
    fn start(&mut self, server: &mut Server, tool: &'static str) -> Result<String, Died> {
        let task = server.ask("tools/call", json!({ "name": tool, "arguments": {} }))?;
        let id = task["taskId"].as_str().unwrap().to_owned();
        self.tasks.insert(id.clone(), tool);
        Ok(id)
    }

    fn see_end(&mut self, server: &mut Server, id: &str) -> Result<(), Died> {
        let end = server.leaves(id, "working")?;
        self.ends.insert(id.to_owned(), end);
        Ok(())
    }

    /// Everything a client does with tasks.
    fn live(&mut self, server: &mut Server) -> Result<(), Died> {
        self.start(server, "holds")?;
        let quick = self.start(server, "quick")?;
        self.see_end(server, &quick)?;
        let again = self.start(server, "again")?;
        let asks = self.start(server, "asks")?;
        assert_eq!(server.leaves(&asks, "working")?["status"], json!("input_required"));
        let answers = json!({ "name": { "action": "accept", "content": { "name": "Ada" } } });
        server.ask("tasks/update", json!({ "taskId": asks, "inputResponses": answers }))?;
        self.answered = Some(asks.clone());
        let cancelled = self.start(server, "holds")?;
        server.ask("tasks/cancel", json!({ "taskId": cancelled }))?;
        self.cancelled = Some(cancelled);
        self.see_end(server, &asks)?;
        self.see_end(server, &again)
    }

    /// Holds the next process to what this one has said.
    fn holds(&self, server: &mut Server, at: &str) {
        for (id, tool) in &self.tasks {
            let task = server.get(id).unwrap();
            if let Some(end) = self.ends.get(id) {
                assert_eq!(
                    (&task["status"], &task["result"]),
                    (&end["status"], &end["result"]),
                    "{at}: {tool}"
                );
                continue;
            }
            if self.cancelled.as_ref() == Some(id) {
                assert_eq!(task["status"], json!("cancelled"), "{at}");
                continue;
            }
            match *tool {
                "again" => {
                    let task = server.leaves(id, "working").unwrap();
                    assert_eq!(task["result"]["content"][0]["text"], json!("again"), "{at}: {task}");
                }
                "asks" => {
                    let task = server.leaves(id, "working").unwrap();
                    // It knows its answer if it has said so; the answer may have come so far unsaid, too.
                    if self.answered.as_ref() == Some(id) || task["status"] == json!("completed") {
                        assert_eq!(task["result"]["content"][0]["text"], json!("Ada"), "{at}: {task}");
                    } else {
                        assert_eq!(task["status"], json!("input_required"), "{at}: {task}");
                    }
                }
                // Done, cancelled, or honestly failed: whatever it is, it is an end.
                _ => match task["status"].as_str() {
                    Some("completed") => {
                        assert_eq!(task["result"]["content"][0]["text"], json!(tool), "{at}")
                    }
                    Some("cancelled") => assert_eq!(*tool, "holds", "{at}"),
                    Some("failed") => {
                        let why = task["statusMessage"].as_str().unwrap();
                        assert!(why.contains("the server stopped while the task ran"), "{at}: {task}");
                    }
                    _ => panic!("{at}: {tool} is said to go on: {task}"),
                },
            }
        }
    }
}

#[test]
fn a_crash_between_any_two_steps_loses_no_task_that_a_client_knows_of() {
    if let Ok(file) = std::env::var(FILE) {
        return serve(&file);
    }
    let folder = tempfile::tempdir().unwrap();
    for when in ["before", "after"] {
        for number in 0.. {
            let file = folder.path().join(format!("{number}-{when}"));
            let at = format!("{number}:{when}");
            let (mut server, mut told) = (Server::start(&file, Some(&at)), Told::default());
            let lived = told.live(&mut server);
            server.end();
            let mut next = Server::start(&file, None);
            told.holds(&mut next, &at);
            next.end();
            if lived.is_ok() {
                // Eight steps for each of which the client waits; others may share a commit.
                assert!(number >= 8, "only {number} commits");
                break;
            }
        }
    }
}
