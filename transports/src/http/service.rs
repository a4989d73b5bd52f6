//! The endpoint as a `tower` service, to be mounted in an axum, hyper or tower application.
//!
//! The application's threads are not lanes, so each request makes one hop: its body is read here, the request
//! is answered on a lane, and the answer comes back through a bounded channel.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, response::Parts};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use impresario_engine::session::{Connection, ConnectionKind, Stage, error_reply};
use impresario_engine::{Caller, Dialect, McpError, Runtime};
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;

use super::HttpConfig;
use super::head::Head;
use super::response::{self, Answer};
use super::site::{KnownHost, Site};
use super::{body, endpoint};

/// Chunks of a streamed answer that wait for the application to take them.
const CHUNKS_MAX: usize = 16;

/// MCP as a service of an application. Mount it at `/mcp`, with the path unchanged.
#[derive(Clone)]
pub struct HttpService {
    runtime: Runtime,
    site: Site,
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").finish_non_exhaustive()
    }
}

impl HttpService {
    pub(crate) fn new(runtime: Runtime, config: HttpConfig) -> Self {
        let (shared, sessions) = (Arc::clone(runtime.shared()), Arc::clone(runtime.sessions()));
        Self { site: Site::new(Arc::new(config), shared, sessions), runtime }
    }

    async fn answer<B>(self, request: Request<B>) -> Response<ServiceBody>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        // Nothing of a request that is refused by its head is read.
        if let Some(refusal) = self.site.refuse(&Head::of(&head.uri, &head.headers), &KnownHost::default()) {
            return whole(refusal);
        }
        let body = match body::read(body, self.site.limits()).await {
            Ok(body) => body,
            Err(error) => return whole(error.answer(self.site.limits())),
        };
        let (head_tx, head_rx) = oneshot::channel();
        let (chunk_tx, chunk_rx) = mpsc::channel(CHUNKS_MAX);
        let site = self.site.clone();
        let errand = move |stage: &Stage| {
            tokio::task::spawn_local(answer_on_lane(stage.clone(), site, (head, body), head_tx, chunk_tx));
        };
        if let Err(error) = self.runtime.on_lane(self.runtime.next_lane(), errand) {
            return refused(&error.into());
        }
        match head_rx.await {
            Ok(head) => Response::from_parts(head, ServiceBody { chunks: chunk_rx }),
            Err(_lane_ended) => refused(&McpError::shutting_down()),
        }
    }
}

/// Answers a request on a lane and passes the answer on, until it ends or nobody takes it any more.
async fn answer_on_lane(
    stage: Stage,
    site: Site,
    (head, body): (http::request::Parts, Bytes),
    head_tx: oneshot::Sender<Parts>,
    chunk_tx: mpsc::Sender<Bytes>,
) {
    let caller = Caller::default();
    let connection = Connection::open(stage, caller.clone(), ConnectionKind::Http);
    let answer = async {
        let known = KnownHost::default();
        let answer = endpoint::answer(&site, &connection, &caller, &known, &head, Full::new(body)).await;
        let (head, mut body) = answer.into_response(head.headers).into_parts();
        if head_tx.send(head).is_err() {
            return;
        }
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(chunk) = frame.into_data() else { continue };
            if chunk_tx.send(chunk.into_bytes()).await.is_err() {
                return;
            }
        }
    };
    // A client that leaves drops its end of the channel, and with the answer's future its call is taken back
    // where its era says so.
    tokio::select! {
        () = answer => {}
        () = chunk_tx.closed() => {}
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ServiceBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// The body of an answer that comes from a lane.
#[derive(Debug)]
pub struct ServiceBody {
    chunks: mpsc::Receiver<Bytes>,
}

impl Body for ServiceBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().chunks.poll_recv(task).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

fn refused(error: &McpError) -> Response<ServiceBody> {
    whole(response::json(error_reply(None, error, Dialect::default())))
}

/// An answer that did not come from a lane; its body is whole.
fn whole(answer: Answer) -> Response<ServiceBody> {
    let (chunk_tx, chunks) = mpsc::channel(1);
    let (head, body) = answer.into_response(HeaderMap::new()).into_parts();
    if let Some(bytes) = body.into_bytes()
        && chunk_tx.try_send(bytes).is_err()
    {
        tracing::error!("a new channel took no chunk");
    }
    Response::from_parts(head, ServiceBody { chunks })
}
