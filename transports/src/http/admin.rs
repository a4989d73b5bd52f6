//! The admin endpoint: small requests at a Unix domain socket that belongs to its owner alone, answered by a handler.
//!
//! It serves nothing of MCP and stands beside the lanes: its connections are few, and wait for nobody's calls. The
//! limits of requests hold here too.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use impresario_protocol::Limits;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::body::{self, BodyError};
use crate::unix::{SocketFile, UnixSocket};

/// Connections at once; who comes later waits in the backlog.
const CONNECTIONS_MAX: usize = 16;
/// Between two attempts to accept where the operating system gives no file descriptor.
const PAUSE: Duration = Duration::from_millis(50);

/// A socket at which administration is served.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    limits: Arc<Limits>,
    /// Removes the socket's file when this is dropped.
    _file: SocketFile,
}

impl AdminSocket {
    /// Listens there, for the owner of the process alone. Must run in a tokio runtime.
    ///
    /// # Errors
    /// When the socket can't be bound, or somebody listens there.
    pub fn bind(path: impl Into<std::path::PathBuf>, limits: Arc<Limits>) -> io::Result<Self> {
        let (listener, file) = UnixSocket::at(path).listen(limits.backlog_connections_max)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, limits, _file: file })
    }

    /// Answers requests by that handler, which gets bodies whole. Ends when it is dropped, and its connections with it.
    pub async fn serve<H, F>(self, handler: H)
    where
        H: Fn(Request<Vec<u8>>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Vec<u8>>> + Send + 'static,
    {
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= CONNECTIONS_MAX {
                connections.join_next().await;
            }
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    connections.spawn(serve_one(stream, Arc::clone(&self.limits), handler.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }
}

async fn serve_one<H, F>(stream: UnixStream, limits: Arc<Limits>, handler: H)
where
    H: Fn(Request<Vec<u8>>) -> F + Send + Sync,
    F: Future<Output = Response<Vec<u8>>> + Send,
{
    let (limits, handler) = (&limits, &handler);
    let service = service_fn(move |request| async move {
        Ok::<_, Infallible>(answer(request, limits, handler).await.map(|body| Full::new(Bytes::from(body))))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_millis(limits.header_timeout_ms));
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "an admin connection ended early");
    }
}

async fn answer<H, F>(request: Request<Incoming>, limits: &Limits, handler: &H) -> Response<Vec<u8>>
where
    H: Fn(Request<Vec<u8>>) -> F,
    F: Future<Output = Response<Vec<u8>>>,
{
    let (head, incoming) = request.into_parts();
    match body::read(incoming, limits).await {
        Ok(text) => handler(Request::from_parts(head, text.to_vec())).await,
        Err(error) => {
            let mut refusal = Response::new(Vec::new());
            *refusal.status_mut() = match error {
                BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
                BodyError::Broken => StatusCode::BAD_REQUEST,
            };
            refusal
        }
    }
}
