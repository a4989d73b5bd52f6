//! A runtime with one tool of the pack `command`, asked over the protocol.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::call::CancelReason;
use impresario_engine::session::{Connection, ConnectionKind, Frame, Via};
use impresario_engine::{Caller, Limits, Runtime, ToolSpec};
use impresario_tools::command::{Command, Settings};
use impresario_tools::part::{Opening, PartError};
use serde_json::{Value, json};

/// More than any test needs, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One of the programs beside the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

pub(crate) fn open(settings: &Value) -> Result<Command, PartError> {
    let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
    let opening = Opening { key: "packs.command.run".into(), directory: "/".into() };
    Command::open(&settings, &opening)
}

/// A runtime that offers the program, and nothing else.
pub(crate) fn house(settings: &Value) -> Runtime {
    house_of(open(settings).unwrap().tool())
}

pub(crate) fn house_of(tool: ToolSpec) -> Runtime {
    Runtime::builder().tool(tool).lanes(1).start().unwrap()
}

/// Starts a call; `taken_back` says when it is taken back.
pub(crate) fn begin(
    runtime: &Runtime,
    arguments: &Value,
    taken_back: impl Future<Output = ()> + Send + 'static,
) -> Receiver<Vec<Value>> {
    let params = json!({"name": "run", "arguments": arguments, "_meta": {"progressToken": "t"}});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap();
    let (frames_tx, frames_rx) = sync_channel(1);
    let errand = move |stage: &std::rc::Rc<impresario_engine::session::Stage>| {
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        let mut exchange = connection.request(message, Via::InProcess);
        let call = exchange.call().clone();
        let ending = async move {
            let mut frames = Vec::new();
            loop {
                match exchange.next_frame().await {
                    Frame::Message(json) => frames.push(serde_json::from_slice(&json).unwrap()),
                    Frame::Reply(reply) => {
                        frames.push(serde_json::from_slice(&reply.into_bytes()).unwrap());
                        return frames;
                    }
                    Frame::Nothing => return frames,
                }
            }
        };
        tokio::task::spawn_local(async move {
            let taking_back = async {
                taken_back.await;
                call.cancel(CancelReason::Asked);
                std::future::pending::<()>().await;
            };
            let frames = tokio::select! {
                frames = ending => frames,
                () = taking_back => Vec::new(),
            };
            connection.close();
            drop(frames_tx.send(frames));
        });
    };
    runtime.on_lane(0, errand).unwrap();
    frames_rx
}

/// Everything that is sent for a call.
pub(crate) fn frames(runtime: &Runtime, arguments: &Value) -> Vec<Value> {
    begin(runtime, arguments, std::future::pending()).recv_timeout(PATIENCE).unwrap()
}

/// What a call is answered with.
pub(crate) fn call(runtime: &Runtime, arguments: &Value) -> Value {
    frames(runtime, arguments).pop().unwrap()["result"].take()
}

/// The text of a refusal.
pub(crate) fn refusal(runtime: &Runtime, arguments: &Value) -> String {
    let answer = call(runtime, arguments);
    assert_eq!(answer["isError"], true, "{answer}");
    answer["content"][0]["text"].as_str().unwrap().to_owned()
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

/// The processes that a program has written down.
pub(crate) fn written_processes(record: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(record).unwrap_or_default();
    if !text.ends_with('\n') {
        return Vec::new();
    }
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// Whether a process runs; one that has ended and was not reaped counts as well.
pub(crate) fn is_there(process: u32) -> bool {
    let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
    rustix::process::test_kill_process(process).is_ok()
}
