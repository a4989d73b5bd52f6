//! One connection: its session actor, and hyper to read and write HTTP/1.1 or HTTP/2 on it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, Version, body::Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use impresario_engine::gate::Entry;
use impresario_engine::session::{Connection, ConnectionKind, Stage};
use impresario_engine::{Caller, Closing, PeerCertificate};
use impresario_protocol::Limits;

use super::endpoint;
use super::pulse::Pulse;
use super::reply_body::ReplyBody;
use super::response;
use super::site::{KnownHost, Site};
use super::socket::Socket;
use super::stream::Stream;
use super::wire::{Line, Raw, Wire};
use crate::tls::{Handshakes, Secured};

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What every connection of a lane is served with.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) stage: Rc<Stage>,
    pub(super) site: Site,
    /// Where TLS is spoken.
    pub(super) handshakes: Option<Handshakes>,
}

/// Serves a connection until one side closes it. Its place among the open ones is given back at the end.
pub(super) async fn serve(stream: Stream, caller: Caller, reception: Rc<Reception>, _place: Entry) {
    if let Err(error) = stream.set_nodelay() {
        tracing::debug!(%error, "a connection closed before it was served");
        return;
    }
    let raw = Raw::new(stream);
    let arrival = match &reception.handshakes {
        None => Arrival { wire: Wire::new(Line::Plain(raw)), certificate: None, is_http2: None },
        // Boxed, because a handshake is large, and over before anything else begins.
        Some(handshakes) => match Box::pin(shake(handshakes, raw, &reception.stage)).await {
            Some(arrival) => arrival,
            None => return,
        },
    };
    let wire = arrival.wire.clone();
    serve_http(arrival, caller, &reception).await;
    wire.close().await;
}

/// A connection over which HTTP can be spoken.
struct Arrival {
    wire: Wire,
    /// What the client showed in its handshake.
    certificate: Option<Arc<PeerCertificate>>,
    /// Which HTTP was agreed upon, if that was asked.
    is_http2: Option<bool>,
}

async fn shake(handshakes: &Handshakes, raw: Raw, stage: &Stage) -> Option<Arrival> {
    let shaken = tokio::select! {
        shaken = handshakes.shake(raw, Raw::begins) => shaken,
        () = stage.shared.closing.begun() => return None,
    };
    match shaken {
        Ok(Secured { stream, certificate, is_http2 }) => {
            Some(Arrival { wire: Wire::new(Line::Tls(stream)), certificate, is_http2 })
        }
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
}

async fn serve_http(arrival: Arrival, caller: Caller, reception: &Reception) {
    let Arrival { wire, certificate, is_http2: agreed } = arrival;
    let stage = &reception.stage;
    let (shared, limits) = (stage.shared.clone(), stage.shared.limits.clone());
    let actor = Connection::open(Rc::clone(stage), caller.clone(), ConnectionKind::Http);
    let pulse = Pulse::new(&limits, head_bytes_max(&limits));
    let stall_timeout = Duration::from_millis(limits.sse_send_stall_ms);
    let mut socket = Socket::new(wire.clone(), Rc::clone(&pulse), stall_timeout);
    let desk = Desk {
        actor: actor.clone(),
        caller,
        certificate,
        site: reception.site.clone(),
        known_host: KnownHost::default(),
        pulse: Rc::clone(&pulse),
        stall_timeout,
    };
    let desk = Rc::new(desk);
    let service = service_fn(move |request| answer(Rc::clone(&desk), request));
    let is_http2 = tokio::select! {
        is_http2 = socket.begins_as_http2() => is_http2,
        // Who has said nothing yet has nothing to be answered.
        () = shared.closing.begun() => return actor.close(),
    };
    let served = match is_http2 {
        Ok(is_http2) if agreed.is_some_and(|agreed| agreed != is_http2) => {
            Err("the client speaks another HTTP than it agreed upon in its handshake".into())
        }
        Ok(true) => {
            // Boxed, because it is large, and rarely what a connection is.
            let connection = http2_builder(&limits).serve_connection(TokioIo::new(socket), service);
            until_ended(Box::pin(connection).as_mut(), &shared.closing, |task| pulse.is_cut(task)).await
        }
        Ok(false) => {
            let connection = http1_builder(&limits).serve_connection(TokioIo::new(socket), service);
            // hyper would look for the peer's departure by reading on, into 8 KiB that it allocates for that with
            // each request. Here it is looked for only while an answer takes its time.
            let has_left = |task: &mut Context<'_>| pulse.is_busy() && wire.is_closed(task);
            until_ended(pin!(connection), &shared.closing, |task| pulse.is_cut(task) || has_left(task)).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
    actor.close();
}

/// Drives a connection to its end. When the house closes it finishes what it has begun.
/// `is_cut` tells when it ends before.
async fn until_ended<C>(
    mut connection: Pin<&mut C>,
    closing: &Closing,
    is_cut: impl Fn(&mut Context<'_>) -> bool,
) -> Ended
where
    C: GracefulConnection,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut begun = pin!(closing.begun());
    let (mut is_closing, mut listens) = (false, Listens::default());
    poll_fn(|task| {
        // This runs several times for each request, and both can be told without registering again.
        let is_news = listens.anew(task) || closing.has_begun();
        if !is_closing && is_news && begun.as_mut().poll(task).is_ready() {
            is_closing = true;
            connection.as_mut().graceful_shutdown();
        }
        let served = connection.as_mut().poll(task);
        if served.is_pending() && is_cut(task) {
            return Poll::Ready(Err("the peer has left, or takes nothing (sse_send_stall_ms)".into()));
        }
        served.map_err(Into::into)
    })
    .await
}

/// Who is woken.
#[derive(Default)]
struct Listens(Option<Waker>);

impl Listens {
    /// Whether somebody else than before is to be woken from now on.
    fn anew(&mut self, task: &Context<'_>) -> bool {
        let is_same = self.0.as_ref().is_some_and(|waker| waker.will_wake(task.waker()));
        if !is_same {
            self.0 = Some(task.waker().clone());
        }
        !is_same
    }
}

/// What every request of a connection is answered with.
struct Desk {
    actor: Connection,
    caller: Caller,
    #[expect(dead_code, reason = "authentication, which comes next, is who reads it")]
    certificate: Option<Arc<PeerCertificate>>,
    site: Site,
    known_host: KnownHost,
    pulse: Rc<Pulse>,
    stall_timeout: Duration,
}

async fn answer(desk: Rc<Desk>, request: Request<Incoming>) -> Result<Response<ReplyBody>, Infallible> {
    let answering = desk.pulse.begin();
    let (parts, body) = request.into_parts();
    if desk.pulse.is_ambiguous() {
        return Ok(response::ambiguous().into_response(parts.headers));
    }
    let Desk { site, actor, caller, known_host, .. } = &*desk;
    let mut answer = endpoint::answer(site, actor, caller, known_host, &parts, body).await;
    answer.body.keep(answering);
    if parts.version == Version::HTTP_2
        && let Some(progress) = answer.body.progress()
    {
        let (pulse, progress) = (Rc::clone(&desk.pulse), Rc::downgrade(progress));
        tokio::task::spawn_local(pulse.watch(progress, desk.stall_timeout));
    }
    Ok(answer.into_response(parts.headers))
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The socket looks after the time that a head may take.
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(head_bytes_max(limits));
    // Beyond its default hyper allocates twice for each request.
    let headers_max = Limits::size(limits.header_count_max);
    if headers_max >= HEADERS_DEFAULT {
        builder.max_headers(headers_max.saturating_mul(2).saturating_add(1));
    }
    builder
}

/// How many headers hyper reads if it is told nothing.
const HEADERS_DEFAULT: usize = 100;

fn http2_builder(limits: &Limits) -> http2::Builder<LaneExecutor> {
    let mut builder = http2::Builder::new(LaneExecutor);
    let streams_max = u32::try_from(limits.in_flight_per_session_max).unwrap_or(u32::MAX);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(streams_max)
        .max_header_list_size(header_list_max(limits))
        .max_pending_accept_reset_streams(Limits::size(limits.http2_client_resets_max))
        .max_local_error_reset_streams(Limits::size(limits.http2_fault_resets_max))
        .keep_alive_interval(Duration::from_millis(limits.sse_keep_alive_ms))
        .keep_alive_timeout(Duration::from_millis(limits.sse_send_stall_ms));
    builder
}

/// What a head may take before hyper refuses it, without a text; ours comes first.
fn head_bytes_max(limits: &Limits) -> usize {
    /// hyper's own default, which bodies are read with too.
    const BUFFER_BYTES: usize = 8_192 + 4_096 * 100;
    const REQUEST_LINE_BYTES: usize = 1_024;
    // Each header also has a separator and a line break.
    let separators = 4 * Limits::size(limits.header_count_max);
    let head = Limits::size(limits.header_bytes_max) + separators + 2 * Limits::size(limits.uri_bytes_max);
    BUFFER_BYTES.max(2 * (head + REQUEST_LINE_BYTES))
}

/// The same for HTTP/2, which counts 32 bytes more for each header (RFC 9113, 6.5.2).
fn header_list_max(limits: &Limits) -> u32 {
    let overheads = 32 * (limits.header_count_max + 8);
    let list = 2 * (limits.header_bytes_max + limits.uri_bytes_max + overheads);
    u32::try_from(list).unwrap_or(u32::MAX)
}

/// Runs hyper's tasks on the lane.
#[derive(Debug, Clone, Copy)]
struct LaneExecutor;

impl<F> hyper::rt::Executor<F> for LaneExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}
