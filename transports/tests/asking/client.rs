//! A client that calls, answers what it is asked by a script, and tells what came of it: in a session it
//! answers while the call waits, without one it sends the call again.

use std::net::{Ipv4Addr, SocketAddr};

use impresario_engine::ClientCapabilities;
use impresario_protocol::client::InputRequest;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use serde_json::{Value, json};

use crate::house::House;
use crate::http::{Http, LegacySession};
use crate::messages::{MODERN, legacy, modern, notification};
use crate::pipe::Pipe;

/// Every revision.
pub(crate) const EVERY: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN];
/// Those in which a person can be given a form.
pub(crate) const WITH_FORMS: [&str; 3] = ["2025-06-18", "2025-11-25", MODERN];

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    InProcess,
    Lines,
    Http,
}

pub(crate) const CARRIERS: [Carrier; 3] = [Carrier::InProcess, Carrier::Lines, Carrier::Http];

/// Says that a client can be asked everything.
pub(crate) fn able() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": { "tools": {} }, "roots": {} })
}

/// How a client answers a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Result(Value),
    Error(i64, &'static str),
}

/// What a client is asked: the method, and the message, which is the key in this house.
pub(crate) type Script = fn(&str, &Value) -> Reply;

pub(crate) fn accept(name: &str) -> Reply {
    Reply::Result(json!({ "action": "accept", "content": { "name": name } }))
}

/// Answers everything that can be asked, with the message as the name.
pub(crate) fn agreeable(method: &str, params: &Value) -> Reply {
    match method {
        "sampling/createMessage" => Reply::Result(json!({
            "role": "assistant", "content": { "type": "text", "text": "words" }, "model": "m", "stopReason": "endTurn",
        })),
        "roots/list" => {
            Reply::Result(json!({ "roots": [{ "uri": "file:///a" }, { "uri": "file:///b", "name": "b" }] }))
        }
        _ if params["mode"] == "url" => Reply::Result(json!({ "action": "accept" })),
        _ => {
            let name = params["message"].as_str().unwrap_or_default();
            let content = json!({ "name": name, "text": "t", "colours": ["Red", "Blue"] });
            Reply::Result(json!({ "action": "accept", "content": content }))
        }
    }
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The response, or what in-process stands for it.
    pub(crate) answer: Value,
    /// What was asked: method and params.
    pub(crate) asked: Vec<(String, Value)>,
    /// Notifications on the way.
    pub(crate) told: Vec<Value>,
    /// How often the call was sent.
    pub(crate) sent: usize,
}

impl Ran {
    /// The text of the result, whatever kind of result it is.
    pub(crate) fn text(&self) -> &str {
        let result = &self.answer["result"];
        let text = ["/content/0/text", "/contents/0/text", "/messages/0/content/text"];
        let text = text.iter().find_map(|path| result.pointer(path)?.as_str());
        text.unwrap_or_else(|| panic!("no text in {}", self.answer))
    }

    /// The text of a result that is a failure.
    pub(crate) fn failure(&self) -> &str {
        assert_eq!(self.answer["result"]["isError"], json!(true), "{}", self.answer);
        self.text()
    }
}

/// Serves the house over HTTP.
pub(crate) fn serve(house: &House) -> SocketAddr {
    let config = HttpConfig::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    house.runtime.serve_http(config).unwrap().address()
}

/// Whether that carrier has clients of that revision.
pub(crate) fn goes(carrier: Carrier, era: &str) -> bool {
    carrier != Carrier::InProcess || era == MODERN
}

/// Calls and answers until the call has ended.
pub(crate) async fn run(
    house: &House,
    (carrier, era): (Carrier, &str),
    capabilities: &Value,
    (method, params): (&'static str, Value),
    script: Script,
) -> Ran {
    match carrier {
        Carrier::InProcess => in_process(house, capabilities, (method, params), script).await,
        Carrier::Lines if era == MODERN => {
            let mut pipe = Pipe::open(&house.runtime);
            by_retry(async |message| pipe.ask(&message).await, capabilities, (method, params), script).await
        }
        Carrier::Http if era == MODERN => {
            let mut http = Http::connect(serve(house)).await;
            let ask = async |message| http.modern(&message).await.message();
            by_retry(ask, capabilities, (method, params), script).await
        }
        Carrier::Lines => {
            let mut pipe = open_lines(house, era, capabilities).await;
            pipe.send(&legacy(1, method, params)).await;
            let mut ran = Ran { answer: Value::Null, asked: Vec::new(), told: Vec::new(), sent: 1 };
            loop {
                let message = pipe.next().await.unwrap();
                if let Some(reply) = ran.take(message, script) {
                    pipe.send(&reply).await;
                } else if !ran.answer.is_null() {
                    return ran;
                }
            }
        }
        Carrier::Http => {
            let address = serve(house);
            let mut http = Http::connect(address).await;
            let session = open_session(&mut http, era, capabilities).await;
            let mut calling = Http::connect(address).await;
            calling.send(&session.bytes(address, &legacy(1, method, params))).await;
            let mut ran = Ran { answer: Value::Null, asked: Vec::new(), told: Vec::new(), sent: 1 };
            let head = calling.head().await;
            if !head.is_stream() {
                ran.answer = serde_json::from_str(&calling.body(&head).await).unwrap();
                return ran;
            }
            loop {
                let message = calling.event().await.unwrap();
                if let Some(reply) = ran.take(message, script) {
                    assert_eq!(session.post(&mut http, &reply).await.head.status, 202);
                } else if !ran.answer.is_null() {
                    return ran;
                }
            }
        }
    }
}

impl Ran {
    /// Takes a message of a session: the reply to a question, if it is one.
    fn take(&mut self, message: Value, script: Script) -> Option<Value> {
        let Some(method) = message["method"].as_str() else {
            self.answer = message;
            return None;
        };
        if message.get("id").is_none() {
            self.told.push(message);
            return None;
        }
        let reply = script(method, &message["params"]);
        self.asked.push((method.to_owned(), message["params"].clone()));
        Some(response(&message["id"], reply))
    }
}

/// The answer to a question of that id.
pub(crate) fn response(id: &Value, reply: Reply) -> Value {
    match reply {
        Reply::Result(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Reply::Error(code, message) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    }
}

/// The handshake of a client that can be asked what it says.
pub(crate) fn initialize(era: &str, capabilities: &Value) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    legacy(
        0,
        "initialize",
        json!({ "protocolVersion": era, "clientInfo": client, "capabilities": capabilities }),
    )
}

pub(crate) async fn open_lines(house: &House, era: &str, capabilities: &Value) -> Pipe {
    let mut pipe = Pipe::open(&house.runtime);
    let answer = pipe.ask(&initialize(era, capabilities)).await;
    assert_eq!(answer["result"]["protocolVersion"], era, "{answer}");
    pipe.send(&notification("notifications/initialized", json!({}))).await;
    pipe
}

pub(crate) async fn open_session(http: &mut Http, era: &str, capabilities: &Value) -> LegacySession {
    let answer = http.post(&initialize(era, capabilities), &[]).await;
    let id = answer.head.header("mcp-session-id").expect("a session has an id").to_owned();
    LegacySession { id, revision: era.to_owned() }
}

/// Metadata of a modern client that can be asked what it says.
pub(crate) fn with_capabilities(mut params: Value, capabilities: &Value) -> Value {
    params["_meta"] = json!({ "io.modelcontextprotocol/clientCapabilities": capabilities });
    params
}

/// Answers of a script to the questions of a result; none for those that it answers with an error.
pub(crate) fn responses(required: &Value, script: Script) -> (Value, Vec<(String, Value)>) {
    let (mut responses, mut asked) = (json!({}), Vec::new());
    for (key, request) in required["inputRequests"].as_object().expect("questions") {
        let method = request["method"].as_str().expect("a method");
        asked.push((method.to_owned(), request["params"].clone()));
        if let Reply::Result(result) = script(method, &request["params"]) {
            responses[key] = result;
        }
    }
    (responses, asked)
}

async fn by_retry(
    mut ask: impl AsyncFnMut(Value) -> Value,
    capabilities: &Value,
    (method, params): (&'static str, Value),
    script: Script,
) -> Ran {
    let mut ran = Ran { answer: Value::Null, asked: Vec::new(), told: Vec::new(), sent: 0 };
    let mut params = with_capabilities(params, capabilities);
    loop {
        ran.sent += 1;
        ran.answer = ask(modern(ran.sent, method, params.clone())).await;
        let result = &ran.answer["result"];
        if result["resultType"] != "input_required" {
            return ran;
        }
        let (answers, asked) = responses(result, script);
        ran.asked.extend(asked);
        params["inputResponses"] = answers;
        params["requestState"] = result["requestState"].clone();
    }
}

async fn in_process(
    house: &House,
    capabilities: &Value,
    (method, params): (&'static str, Value),
    script: Script,
) -> Ran {
    let declared: ClientCapabilities = serde_json::from_value(capabilities.clone()).unwrap();
    let (asked_tx, asked_rx) = std::sync::mpsc::channel();
    let answer = move |_key: String, question: InputRequest| {
        let question = serde_json::to_value(&question).unwrap();
        let method = question["method"].as_str().unwrap().to_owned();
        let Reply::Result(result) = script(&method, &question["params"]) else {
            panic!("a client in this process answers with results");
        };
        asked_tx.send((method, question["params"].clone())).unwrap();
        async move { serde_json::from_value(result).unwrap() }
    };
    let client = house.runtime.connect().await.unwrap().answering(&declared, answer);
    let name = params["name"].as_str().unwrap_or_default();
    let arguments = params.get("arguments").cloned().unwrap_or_else(|| json!({}));
    let outcome = match method {
        "tools/call" => client.call_tool(name, arguments).await.map(|result| json!(result)),
        "prompts/get" => client.get_prompt(name, arguments).await.map(|result| json!(result)),
        _ => {
            let read = client.read_resource(params["uri"].as_str().unwrap()).await;
            read.map(|result| json!({ "contents": result.contents }))
        }
    };
    let answer = match outcome {
        Ok(result) => json!({ "result": result }),
        Err(error) => json!({ "error": { "message": error.message, "data": error.data } }),
    };
    Ran { answer, asked: asked_rx.try_iter().collect(), told: Vec::new(), sent: 1 }
}
