//! A client of HTTP/2 with prior knowledge: many requests at once on one connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::http::mirrored;
use crate::wait::within;

/// One connection. Closed when dropped.
pub(crate) struct Http2 {
    requests: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    /// Drives the connection.
    _driver: JoinSet<()>,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = within("connect", TcpStream::connect(address)).await.expect("the server listens");
        let stream = crate::secure::over(stream, &[b"h2"]).await;
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (requests, connection) = within("a handshake", shaken).await.expect("it speaks HTTP/2");
        let mut driver = JoinSet::new();
        driver.spawn(async move { drop(connection.await) });
        Self { requests, address, _driver: driver }
    }

    /// Posts a modern message; what is returned resolves with the head of the answer. Dropping it, or the
    /// answer's body, resets the stream.
    pub(crate) fn modern(
        &mut self,
        message: &Value,
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + Send + use<> {
        let mut request = Request::post(format!("http://{}/mcp", self.address))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in mirrored(message) {
            request = request.header(name, value);
        }
        let request =
            request.body(Full::new(Bytes::from(message.to_string()))).expect("the request is whole");
        self.requests.send_request(request)
    }

    /// Asks for a path; what is returned resolves with the head of the answer.
    pub(crate) fn get(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> impl Future<Output = hyper::Result<Response<Incoming>>> + Send + use<> {
        let mut request = Request::get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.requests.send_request(request.body(Full::default()).expect("the request is whole"))
    }

    pub(crate) async fn closed(&self) {
        crate::wait::until("the connection is closed", || self.requests.is_closed()).await;
    }
}

/// The text that an answer carries whole.
pub(crate) async fn text_of(answer: Response<Incoming>) -> String {
    let body = within("a body", answer.into_body().collect()).await.expect("the answer is whole").to_bytes();
    String::from_utf8(body.to_vec()).expect("the answer is text")
}

/// The message that an answer carries whole.
pub(crate) async fn json_of(answer: Response<Incoming>) -> Value {
    serde_json::from_str(&text_of(answer).await).expect("the answer is JSON")
}
