//! An API for the tests, and a runtime that is asked about it over the protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::call::CancelReason;
use impresario_engine::session::{Connection, ConnectionKind, Frame, Via};
use impresario_engine::{Caller, Limits, Runtime};
use impresario_tools::http::{Http, Settings};
use impresario_tools::part::{Opening, PartError};
use serde_json::{Value, json};

/// What an API was asked: the whole text of each request.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Method and path of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |request: &String| request.split(" HTTP/").next().unwrap().to_owned();
        self.0.lock().unwrap().iter().map(line).collect()
    }

    pub(crate) fn last(&self) -> String {
        self.0.lock().unwrap().last().unwrap().clone()
    }
}

/// An API that answers request number `n` (from 0) with what `answer` writes. Its address, and what it is asked.
pub(crate) fn api(answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let (log, count, answer) = (asked.clone(), Arc::new(AtomicUsize::new(0)), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (log, count, answer) = (log.clone(), Arc::clone(&count), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                while let Some(request) = read_request(&mut reader) {
                    log.0.lock().unwrap().push(request.clone());
                    answer(count.fetch_add(1, Ordering::SeqCst), &request, &mut stream);
                }
            });
        }
    });
    (address, asked)
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
    }
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(request + &String::from_utf8(body).unwrap())
}

/// Writes an answer. A client that has gone is no failure of the stage.
pub(crate) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let _gone = write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
}

pub(crate) fn respond_json(stream: &mut TcpStream, body: &Value) {
    respond(stream, "200 OK", "content-type: application/json\r\n", &body.to_string());
}

/// An API that says yes to everything.
pub(crate) fn agreeable() -> (String, Asked) {
    api(|_, _, stream| respond_json(stream, &json!({ "ok": true })))
}

/// Settings as a file has them, for an API on this machine.
pub(crate) fn settings(address: &str, toml: &str) -> Settings {
    let toml = format!("base_url = \"{address}\"\nallow_private = \"127.0.0.0/8\"\n{toml}");
    toml::from_str(&toml).unwrap()
}

pub(crate) async fn open(settings: &Settings) -> Result<Http, PartError> {
    let opening = Opening { key: "packs.http.api".into(), directory: env!("CARGO_MANIFEST_DIR").into() };
    Http::open(settings, &opening).await
}

/// A runtime with the tools and resources of these settings.
pub(crate) async fn runtime(address: &str, toml: &str) -> Runtime {
    let http = open(&settings(address, toml)).await.unwrap();
    Runtime::builder().offer(http.offer()).lanes(1).start().unwrap()
}

/// The result or the error that a request is answered with; nothing if it was taken back.
pub(crate) fn ask(
    runtime: &Runtime,
    method: &str,
    params: &Value,
    cancel_when: Option<Arc<tokio::sync::Notify>>,
) -> Option<Value> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap();
    let (reply_tx, reply_rx) = sync_channel(1);
    let errand = move |stage: &std::rc::Rc<impresario_engine::session::Stage>| {
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        let mut exchange = connection.request(message, Via::InProcess);
        tokio::task::spawn_local(async move {
            if let Some(cancel_when) = cancel_when {
                cancel_when.notified().await;
                exchange.call().cancel(CancelReason::Asked);
            }
            let reply = loop {
                match exchange.next_frame().await {
                    Frame::Message(_) => {}
                    Frame::Reply(reply) => break Some(reply.into_bytes().to_vec()),
                    Frame::Nothing => break None,
                }
            };
            connection.close();
            reply_tx.send(reply).unwrap();
        });
    };
    runtime.on_lane(0, errand).unwrap();
    let reply = reply_rx.recv_timeout(Duration::from_secs(60)).unwrap()?;
    let mut reply: Value = serde_json::from_slice(&reply).unwrap();
    let member = if reply.get("error").is_some() { "error" } else { "result" };
    Some(reply[member].take())
}

/// What the 2026-07-28 revision asks of every request.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A tool's text, and whether it failed.
pub(crate) fn call(runtime: &Runtime, name: &str, arguments: &Value) -> (String, bool) {
    let params = json!({ "name": name, "arguments": arguments, "_meta": meta() });
    let result = ask(runtime, "tools/call", &params, None).unwrap();
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned();
    (text, result["isError"] == true)
}

/// A call that is taken back when it is said.
pub(crate) fn call_until(
    runtime: &Runtime,
    name: &str,
    cancel_when: Arc<tokio::sync::Notify>,
) -> Option<Value> {
    ask(runtime, "tools/call", &json!({ "name": name, "_meta": meta() }), Some(cancel_when))
}

/// What a request is answered with.
pub(crate) fn request(runtime: &Runtime, method: &str, mut params: Value) -> Value {
    params["_meta"] = meta();
    ask(runtime, method, &params, None).unwrap()
}
