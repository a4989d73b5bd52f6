//! A client that takes nothing on trust: it sends JSON and shows whatever comes back to the judge.

use std::collections::HashMap;

use impresario_protocol::{Era, Revision};
use serde_json::{Value, json};

use super::http_wire::Http;
use super::judge::Judge;
use super::pipe_wire::Pipe;

/// What carries the messages.
pub(crate) enum Wire {
    Pipe(Pipe),
    Http(Box<Http>),
}

/// What is put on the wire for one request.
#[derive(Clone)]
pub(crate) struct Request {
    /// The id as JSON text, by which the answer is known.
    pub(crate) key: String,
    pub(crate) method: String,
    pub(crate) body: Value,
    /// What HTTP says beside the body.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// One session of one revision.
pub(crate) struct Client {
    pub(crate) wire: Wire,
    pub(crate) judge: Judge,
    next_id: i64,
    /// The methods of all requests, by their ids.
    asked: HashMap<String, String>,
}

impl Client {
    pub(crate) fn new(wire: Wire, judge: Judge) -> Self {
        Self { wire, judge, next_id: 0, asked: HashMap::new() }
    }

    pub(crate) fn revision(&self) -> Revision {
        self.judge.revision
    }

    pub(crate) fn is_modern(&self) -> bool {
        self.revision().era() == Era::Modern
    }

    /// A request that carries what its revision wants it to carry. Ids are numbers and texts in turn.
    pub(crate) fn request(&mut self, method: &str, mut params: Value) -> Request {
        self.next_id += 1;
        let id =
            if self.next_id % 2 == 0 { json!(self.next_id) } else { json!(format!("id-{}", self.next_id)) };
        let key = id.to_string();
        let mut meta = json!({ "progressToken": format!("token of {method}") });
        let mut headers = vec![("MCP-Protocol-Version", self.revision().as_str().to_owned())];
        if self.is_modern() {
            meta["io.modelcontextprotocol/protocolVersion"] = json!(self.revision().as_str());
            meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "judge", "version": "1" });
            meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
            meta["io.modelcontextprotocol/logLevel"] = json!("debug");
            headers.push(("Mcp-Method", method.to_owned()));
            let named = ["name", "uri", "taskId"].iter().find_map(|name| params[*name].as_str());
            headers.extend(named.map(|name| ("Mcp-Name", name.to_owned())));
            let tenant = params["arguments"]["tenant"].as_str();
            headers.extend(tenant.map(|tenant| ("Mcp-Param-Tenant", tenant.to_owned())));
        }
        params["_meta"] = meta;
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        Request { key, method: method.to_owned(), body, headers }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = self.request(method, params);
        self.send(request).await
    }

    /// Sends a request as it is, and waits for its answer.
    pub(crate) async fn send(&mut self, request: Request) -> Value {
        let key = self.start(request).await;
        loop {
            let message = self.next_about(&key).await;
            let answered = message["id"].to_string();
            if message.is_null() || answered == key {
                return message;
            }
        }
    }

    /// Asks without waiting for the answer. Says under which key the request is known.
    pub(crate) async fn start(&mut self, request: Request) -> String {
        let key = request.key.clone();
        self.asked.insert(key.clone(), request.method.clone());
        match &mut self.wire {
            Wire::Pipe(pipe) => pipe.write(&request.body).await,
            Wire::Http(http) => http.start(request).await,
        }
        key
    }

    /// The next message about a request that was started. On a pipe it may be about any.
    pub(crate) async fn next_about(&mut self, key: &str) -> Value {
        let message = match &mut self.wire {
            Wire::Pipe(pipe) => pipe.read().await,
            Wire::Http(http) => http.next_about(key).await,
        };
        self.show(&message);
        message
    }

    /// The next message that the server sends to a session unasked.
    pub(crate) async fn next_unasked(&mut self) -> Value {
        let message = match &mut self.wire {
            Wire::Pipe(pipe) => pipe.read().await,
            Wire::Http(http) => http.next_unasked().await,
        };
        self.show(&message);
        message
    }

    /// Sends what may be no message at all, and waits for the one that comes back.
    pub(crate) async fn send_text(&mut self, text: &str) -> Value {
        let message = match &mut self.wire {
            Wire::Pipe(pipe) => {
                pipe.write_text(text).await;
                pipe.read().await
            }
            Wire::Http(http) => http.post(text.to_owned(), &[]).await,
        };
        self.show(&message);
        message
    }

    /// Says something that has no answer.
    pub(crate) async fn say(&mut self, method: &str, params: Value) {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        match &mut self.wire {
            Wire::Pipe(pipe) => pipe.write(&body).await,
            Wire::Http(http) => http.say(&body, self.judge.revision).await,
        }
    }

    /// Takes a request back that was started.
    pub(crate) async fn cancel(&mut self, key: &str) {
        let leaves = self.is_modern();
        if let Wire::Http(http) = &mut self.wire
            && leaves
        {
            return http.leave(key);
        }
        let id: Value = serde_json::from_str(key).unwrap();
        self.say("notifications/cancelled", json!({ "requestId": id, "reason": "no longer needed" })).await;
    }

    /// Opens the stream on which a session is told of changes, where there is one apart.
    pub(crate) async fn open_stream(&mut self) {
        let revision = self.revision();
        if let Wire::Http(http) = &mut self.wire {
            http.open_stream(revision).await;
        }
    }

    /// Notes an answer that is not the one that was provoked.
    pub(crate) fn expect(&mut self, holds: bool, what: &str, answer: &Value) {
        if !holds {
            self.judge.faults.push(format!("expected {what}: {answer}"));
        }
    }

    /// Shows a message to the judge.
    fn show(&mut self, message: &Value) {
        let asked = &self.asked;
        let method_of = |id: &Value| asked.get(&id.to_string()).cloned();
        if message.is_array() {
            return self.judge.hear_batch(message, method_of);
        }
        self.judge.hear(method_of(&message["id"]).as_deref(), message);
    }

    /// Remembers requests that are sent as text.
    pub(crate) fn will_ask(&mut self, id: &Value, method: &str) {
        self.asked.insert(id.to_string(), method.to_owned());
    }
}
