//! Requests to the HTTP endpoint, without a socket: answers are one JSON text or a stream of events.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt as _, Full};
use impresario_protocol::Revision;
use impresario_transports::http::{HttpService, ServiceBody};
use serde_json::Value;
use tower::ServiceExt as _;

use super::client::Request;

const SESSION: &str = "Mcp-Session-Id";

/// One client's requests, and the answers that are still under way.
pub(crate) struct Http {
    service: HttpService,
    session: Option<HeaderValue>,
    /// Where a session is told of changes.
    unasked: Option<Answer>,
    started: HashMap<String, Started>,
}

enum Started {
    /// Nothing has come back yet.
    Waiting(Pin<Box<dyn Future<Output = Response<ServiceBody>>>>),
    Answered(Answer),
}

impl Http {
    pub(crate) fn new(service: HttpService) -> Self {
        Self { service, session: None, unasked: None, started: HashMap::new() }
    }

    pub(crate) async fn start(&mut self, request: Request) {
        let mut response = self.send("POST", request.body.to_string(), &request.headers);
        // One look is enough for the request to be on its way.
        let at_once = poll_fn(|task| Poll::Ready(response.as_mut().poll(task))).await;
        let started = match at_once {
            Poll::Ready(response) => Started::Answered(self.opened(response)),
            Poll::Pending => Started::Waiting(response),
        };
        self.started.insert(request.key, started);
    }

    /// The next message; null once nothing more comes.
    pub(crate) async fn next_about(&mut self, key: &str) -> Value {
        let mut answer = match self.started.remove(key).expect("it was started") {
            Started::Waiting(response) => {
                let response = response.await;
                self.opened(response)
            }
            Started::Answered(answer) => answer,
        };
        let message = answer.next().await.unwrap_or_default();
        self.started.insert(key.to_owned(), Started::Answered(answer));
        message
    }

    /// The messages of a response, which may have opened a session.
    fn opened(&mut self, response: Response<ServiceBody>) -> Answer {
        if let Some(session) = response.headers().get(SESSION) {
            self.session = Some(session.clone());
        }
        Answer::of(response)
    }

    /// Goes away from a request before its answer is there.
    pub(crate) fn leave(&mut self, key: &str) {
        self.started.remove(key);
    }

    /// One text, and the first message that comes back.
    pub(crate) async fn post(&mut self, text: String, headers: &[(&'static str, String)]) -> Value {
        let response = self.send("POST", text, headers).await;
        Answer::of(response).next().await.unwrap_or_default()
    }

    pub(crate) async fn say(&mut self, body: &Value, revision: Revision) {
        let response = self.send("POST", body.to_string(), &version(revision)).await;
        assert_eq!(response.status(), 202, "{body}");
    }

    pub(crate) async fn open_stream(&mut self, revision: Revision) {
        let response = self.send("GET", String::new(), &version(revision)).await;
        assert_eq!(response.status(), 200);
        self.unasked = Some(Answer::of(response));
    }

    pub(crate) async fn next_unasked(&mut self) -> Value {
        self.unasked.as_mut().expect("the stream is open").next().await.unwrap_or_default()
    }

    /// Forgets the session, or pretends to one that there is not.
    pub(crate) fn pretend(&mut self, session: Option<&'static str>) -> Option<HeaderValue> {
        std::mem::replace(&mut self.session, session.map(HeaderValue::from_static))
    }

    pub(crate) fn resume(&mut self, session: Option<HeaderValue>) {
        self.session = session;
    }

    fn send(
        &self,
        method: &str,
        body: String,
        headers: &[(&'static str, String)],
    ) -> Pin<Box<dyn Future<Output = Response<ServiceBody>>>> {
        let mut request =
            http::Request::builder().method(method).uri("/mcp").header("Host", "127.0.0.1:8000");
        request = request.header("Accept", "application/json, text/event-stream");
        if method == "POST" {
            request = request.header("Content-Type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(session) = &self.session {
            request = request.header(SESSION, session);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let service = self.service.clone();
        Box::pin(async move { service.oneshot(request).await.unwrap() })
    }
}

fn version(revision: Revision) -> [(&'static str, String); 1] {
    [("MCP-Protocol-Version", revision.as_str().to_owned())]
}

/// The messages of one response, as they come.
struct Answer {
    body: ServiceBody,
    is_stream: bool,
    unread: Vec<u8>,
}

impl Answer {
    fn of(response: Response<ServiceBody>) -> Self {
        let is_stream =
            response.headers().get("Content-Type").is_some_and(|media| media == "text/event-stream");
        Self { body: response.into_body(), is_stream, unread: Vec::new() }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if self.is_stream
                && let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n")
            {
                let event: Vec<u8> = self.unread.drain(..end + 2).collect();
                match data_of(&event) {
                    Some(message) => return Some(message),
                    None => continue,
                }
            }
            match self.body.frame().await {
                Some(frame) => self.unread.extend_from_slice(&frame.unwrap().into_data().unwrap()),
                None if self.is_stream || self.unread.is_empty() => return None,
                None => return Some(read(&std::mem::take(&mut self.unread))),
            }
        }
    }
}

/// The message of an event; a comment has none.
fn data_of(event: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(event).unwrap();
    let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    // The beginning of a stream that can be resumed carries nothing yet.
    let data = data.join("\n");
    (!data.is_empty()).then(|| read(data.as_bytes()))
}

fn read(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(json)))
}
