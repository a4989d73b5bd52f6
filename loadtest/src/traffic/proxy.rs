//! An HTTP proxy in front of one server, which writes down what passes.
//!
//! Answers are passed on as they come, so that streams stay streams. What a hop of HTTP has for itself (connection
//! management, transfer coding, compression) is not passed on.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Request, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::parse::events::Events;
use crate::traffic::recorder::Recorder;
use crate::traffic::recording::{Body, Ending, Entry};
use crate::traffic::redaction;
use crate::url::Url;

/// Connections of clients at a time; more wait.
pub const CONNECTIONS_MAX: usize = 1024;
/// A larger request is refused with 413. No server that is worth recording takes more.
pub const REQUEST_BYTES_MAX: usize = 64 << 20;

/// What concerns two neighbours alone (RFC 9110, 7.6.1), and what the proxy sets itself. Without `accept-encoding` the
/// server answers uncompressed, and the recording can be read.
const OF_ONE_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::ACCEPT_ENCODING,
];

/// What the proxy knows of both sides.
#[derive(Debug)]
pub struct Proxy {
    target: Url,
    client: reqwest::Client,
    recorder: Arc<Recorder>,
}

type Answer = Response<Either<Full<Bytes>, Observed>>;

impl Proxy {
    /// A proxy in front of a server.
    #[must_use]
    pub fn new(target: Url, client: reqwest::Client, recorder: Arc<Recorder>) -> Arc<Self> {
        Arc::new(Self { target, client, recorder })
    }

    /// Accepts connections until it is dropped.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<Infallible> {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let proxy = Arc::clone(&self);
            while connections.try_join_next().is_some() {}
            connections.spawn(async move {
                proxy.connection(stream).await;
                drop(place);
            });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let connection = self.recorder.connection();
        let here = stream.local_addr().map(|address| address.ip()).ok();
        let service = service_fn(|request| {
            let proxy = Arc::clone(&self);
            async move { Ok::<_, Infallible>(proxy.answer(request, connection, here).await) }
        });
        // How a client goes away is written with its exchange.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>, connection: u64, here: Option<IpAddr>) -> Answer {
        if !is_for_us(request.headers(), here) {
            // The server's own check of Host sees ours, so this one has to stop a page that had its name point here.
            let text = "this proxy answers on its own address and on localhost";
            return said(StatusCode::FORBIDDEN, text);
        }
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
            return said(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request is cut off, or too large to be recorded",
            );
        };
        let body = body.to_bytes();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut exchange = Exchange::begin(&self.recorder, connection);
        let number = exchange.number;
        exchange.write(|sessions| Entry::Request {
            exchange: number,
            method: head.method.to_string(),
            path: redaction::path(path),
            headers: redaction::headers(&head.headers, sessions),
            body: Body::capped(&body, self.recorder.bounds().body_bytes_max),
        });
        let url = Url { path: path.to_owned(), ..self.target.clone() }.to_string();
        let asking = self.client.request(head.method, url).headers(passed_on(&head.headers)).body(body);
        match asking.send().await {
            Ok(response) => observed(response.into(), exchange),
            Err(error) => {
                let status = StatusCode::BAD_GATEWAY;
                exchange.write(|_| Entry::Response {
                    exchange: number,
                    status: status.as_u16(),
                    headers: std::collections::BTreeMap::new(),
                });
                exchange.end(Ending::ServerLeft);
                said(status, &format!("the recorded server can't be reached: {}", error.without_url()))
            }
        }
    }
}

/// Whether a request names this proxy as its host: by an address of this machine or as `localhost`.
fn is_for_us(headers: &HeaderMap, here: Option<IpAddr>) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback() || Some(address) == here)
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let named = |name: &HeaderName| {
        let mut values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case(name.as_str())))
    };
    let is_passed = |name: &HeaderName| !OF_ONE_HOP.contains(name) && name != "keep-alive" && !named(name);
    let passed = headers.iter().filter(|(name, _)| is_passed(name));
    passed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn said(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Either::Left(Full::from(format!("{text}\n"))));
    *answer.status_mut() = status;
    answer
}

fn observed(response: Response<reqwest::Body>, exchange: Exchange) -> Answer {
    let (head, body) = response.into_parts();
    let number = exchange.number;
    exchange.write(|sessions| Entry::Response {
        exchange: number,
        status: head.status.as_u16(),
        headers: redaction::headers(&head.headers, sessions),
    });
    let bytes_max = exchange.recorder.bounds().body_bytes_max;
    let is_stream = head
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"));
    let seen = if is_stream { Seen::Events(Events::new(bytes_max)) } else { Seen::Whole(Body::default()) };
    let mut observed = Observed { body, seen, exchange };
    // A body that is known to be empty is never asked for.
    if observed.body.is_end_stream() {
        observed.end(Ending::Complete);
    }
    let mut answer = Response::new(Either::Right(observed));
    *answer.status_mut() = head.status;
    *answer.headers_mut() = passed_on(&head.headers);
    answer
}

/// One request and its answer, from the recording's side. One that is dropped before its end was left by the client.
struct Exchange {
    recorder: Arc<Recorder>,
    connection: u64,
    number: u64,
    is_ended: bool,
}

impl Exchange {
    fn begin(recorder: &Arc<Recorder>, connection: u64) -> Self {
        Self { recorder: Arc::clone(recorder), connection, number: recorder.exchange(), is_ended: false }
    }

    fn write(&self, entry: impl FnOnce(&mut redaction::SessionNames) -> Entry) {
        self.recorder.write(self.connection, entry);
    }

    fn end(&mut self, how: Ending) {
        if !std::mem::replace(&mut self.is_ended, true) {
            let exchange = self.number;
            self.write(|_| Entry::End { exchange, how });
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Ending::ClientLeft);
    }
}

/// What was seen of a body so far.
enum Seen {
    Whole(Body),
    Events(Events),
}

/// The server's answer on its way to the client.
struct Observed {
    body: reqwest::Body,
    seen: Seen,
    exchange: Exchange,
}

impl Observed {
    fn see(&mut self, data: &[u8]) {
        let bytes_max = self.exchange.recorder.bounds().body_bytes_max;
        match &mut self.seen {
            Seen::Whole(body) => {
                let room = bytes_max.saturating_sub(body.data.len());
                body.data.extend_from_slice(&data[..data.len().min(room)]);
                body.bytes += data.len() as u64;
            }
            Seen::Events(events) => {
                let (recorder, connection) = (&self.exchange.recorder, self.exchange.connection);
                let exchange = self.exchange.number;
                events.feed(data, |event| {
                    let body = match event.kind.as_str() {
                        // HTTP+SSE tells its session's id here.
                        "endpoint" => {
                            Body::whole(redaction::path(&String::from_utf8_lossy(&event.data)).into_bytes())
                        }
                        _ => Body { data: event.data, bytes: event.data_bytes },
                    };
                    recorder.write(connection, |_| Entry::Message { exchange, event: event.kind, body });
                });
            }
        }
    }

    fn end(&mut self, how: Ending) {
        if let Seen::Whole(body) = &mut self.seen {
            let body = std::mem::take(body);
            let exchange = self.exchange.number;
            if body.bytes > 0 {
                self.exchange.write(|_| Entry::Message { exchange, event: String::new(), body });
            }
        }
        self.exchange.end(how);
    }
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(ctx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.see(data);
                }
                // Nobody asks again for a body whose length was known and is reached.
                if self.body.is_end_stream() {
                    self.end(Ending::Complete);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(Ending::ServerLeft),
            Poll::Ready(None) => self.end(Ending::Complete),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_to_name_this_proxy() {
        let here = "192.0.2.7".parse().ok();
        let rows = [
            ("127.0.0.1:8000", true),
            ("localhost:8000", true),
            ("LOCALHOST", true),
            ("[::1]:8000", true),
            ("192.0.2.7:8000", true),
            ("192.0.2.8:8000", false),
            ("evil.example:8000", false),
            ("localhost.evil.example", false),
            ("", false),
        ];
        for (host, expected) in rows {
            let headers = [(header::HOST, host.parse().unwrap())].into_iter().collect();
            assert_eq!(is_for_us(&headers, here), expected, "{host}");
        }
        assert!(!is_for_us(&HeaderMap::new(), here));
    }

    #[test]
    fn what_belongs_to_one_hop_stays_there() {
        let rows = [
            ("connection", "x-mine, close"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("host", "a"),
            ("authorization", "Bearer x"),
            ("mcp-name", "echo"),
        ];
        let given = rows.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let mut names: Vec<_> =
            passed_on(&given.into_iter().collect()).keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, ["authorization", "mcp-name"]);
    }
}
