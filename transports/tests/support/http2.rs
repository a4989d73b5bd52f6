//! A client of HTTP/2 with prior knowledge, and the service mounted in axum: both take a request as a value.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::answer::{Answer, is_endless};
use super::ask::Prepared;

/// One HTTP/2 connection; a clone is another way to send on the same one.
#[derive(Debug, Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    /// Reads and writes the connection; ends with the last clone.
    _connection: Arc<JoinSet<()>>,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a fresh socket takes options");
        let stream = crate::secure::over(stream, &[b"h2"]).await;
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("the server speaks HTTP/2");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // How it ends is seen by the requests.
            drop(connection.await);
        });
        Self { sender, _connection: Arc::new(tasks) }
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(crate) async fn exchange(&mut self, request: &Prepared) -> Result<Answer, String> {
        self.sender.ready().await.map_err(|error| format!("the connection is closed: {error}"))?;
        let response = self.sender.send_request(as_value(request)?).await;
        answer(response.map_err(|error| format!("no answer: {error:?}"))?).await
    }
}

/// Asks the service that is mounted in an axum application.
pub(crate) async fn exchange_mounted(router: &axum::Router, request: &Prepared) -> Result<Answer, String> {
    let request = as_value(request)?.map(axum::body::Body::new);
    let response = router.clone().oneshot(request).await.map_err(|error| format!("no answer: {error:?}"))?;
    answer(response).await
}

async fn answer<B>(response: Response<B>) -> Result<Answer, String>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (head, body) = response.into_parts();
    if is_endless(&head.headers) {
        return Ok(Answer::endless(head.status.as_u16(), head.headers));
    }
    let body = body.collect().await.map_err(|error| format!("a body that broke: {error:?}"))?.to_bytes();
    Ok(Answer::over_http(head.status.as_u16(), head.headers, body.to_vec()))
}

fn as_value(request: &Prepared) -> Result<Request<Full<Bytes>>, String> {
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or("", |(_, value)| std::str::from_utf8(value).unwrap_or_default());
    let mut built = Request::builder().method(request.method).uri(format!("http://{host}{}", request.target));
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
        built = built.header(name.as_str(), value.as_slice());
    }
    let body = Full::new(Bytes::copy_from_slice(&request.body));
    built.body(body).map_err(|error| format!("the row asks for what this carrier can't send: {error}"))
}
