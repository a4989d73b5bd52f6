//! Servers that mean no good: bodies without end, bodies that drip, answers that never come.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use impresario_outbound::{Fault, Outbound, OutboundConfig, OutboundError, Request};

use crate::stage::{ALLOWED, ByLetter, Silent, Stage, pour, respond, wait_for_end};
use crate::{config, get};

/// What a client with these settings gets of a server that plays this.
async fn play(
    change: impl Fn(&mut OutboundConfig),
    answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static,
) -> OutboundError {
    let stage = Stage::start(ALLOWED, answer);
    let mut config = config(&stage);
    change(&mut config);
    let outbound = Outbound::with_resolver(&config, Arc::new(ByLetter)).unwrap();
    get(&outbound, &stage.url("/?key=hunter2")).await.unwrap_err()
}

fn kib(config: &mut OutboundConfig) {
    config.bytes_max = 1024;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    const TEN_GIB: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const NO_LENGTH: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let told = play(|_| (), |_, stream| pour(stream, TEN_GIB, b"aaaa")).await;
    let chunked = play(kib, |_, stream| pour(stream, CHUNKED, b"4\r\naaaa\r\n")).await;
    let no_length = play(kib, |_, stream| pour(stream, NO_LENGTH, b"aaaa")).await;
    for error in [told, chunked, no_length] {
        assert!(matches!(error, OutboundError::TooLarge { .. }), "{error}");
        assert_eq!((error.fault(), error.is_transient()), (Fault::Request, false));
    }
}

#[tokio::test]
async fn a_body_that_stops_is_ended_before_its_time_is_over() {
    let measured = |config: &mut OutboundConfig| {
        config.measured_for = Duration::from_millis(50);
        config.timeout = Duration::from_secs(600);
    };
    let error = play(measured, |_, stream| {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na");
        wait_for_end(stream);
    })
    .await;
    assert!(matches!(error, OutboundError::TooSlow { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let short = |config: &mut OutboundConfig| config.timeout = Duration::from_millis(100);
    let error = play(short, |_, stream| wait_for_end(stream)).await;
    assert!(matches!(error, OutboundError::TimedOut { .. }), "{error}");
    assert_eq!((error.fault(), error.is_transient()), (Fault::Upstream, true));
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_costs_the_time_to_connect() {
    let stage = Stage::start(ALLOWED, |_, stream| wait_for_end(stream));
    let config = OutboundConfig { connect_timeout: Duration::from_millis(100), ..config(&stage) };
    let outbound = Outbound::with_resolver(&config, Arc::new(Silent)).unwrap();
    let error = get(&outbound, &format!("http://name.a:{}/", stage.address.port())).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut { after, .. } if after.as_millis() == 100), "{error}");
}

#[tokio::test]
async fn what_is_no_http_breaks_the_answer_and_nothing_else() {
    const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    let noise = play(|_| (), |_, stream| pour(stream, "SSH-2.0-OpenSSH_9\r\n", b"")).await;
    let headers =
        play(|_| (), |_, stream| pour(stream, "HTTP/1.1 200 OK\r\n", b"a: aaaaaaaaaaaaaaaa\r\n")).await;
    let half = play(
        |_| (),
        |_, stream| {
            let _gone = stream.write_all(HALF.as_bytes());
            let _gone = stream.shutdown(std::net::Shutdown::Both);
        },
    )
    .await;
    for error in [noise, headers, half] {
        assert!(matches!(error, OutboundError::Broken { .. }), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn nobody_at_the_port_is_said_without_the_query() {
    // Bound and dropped: nobody listens there.
    let stage = Stage::start(ALLOWED, |_, _| ());
    let free = std::net::TcpListener::bind((ALLOWED, 0)).unwrap().local_addr().unwrap();
    let mut config = config(&stage);
    config.rules = config.rules.ports([free.port()]);
    let outbound = Outbound::with_resolver(&config, Arc::new(ByLetter)).unwrap();
    let error = get(&outbound, &format!("http://{free}/?key=hunter2")).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn more_requests_than_allowed_wait_within_their_own_time() {
    let (arrived_tx, arrived_rx) = mpsc::channel();
    let stage = Stage::start(ALLOWED, move |_, stream| {
        arrived_tx.send(()).unwrap();
        wait_for_end(stream);
    });
    let config = OutboundConfig { in_flight_max: 1, ..config(&stage) };
    let outbound = Outbound::with_resolver(&config, Arc::new(ByLetter)).unwrap();
    let url = outbound.check(&stage.url("/")).unwrap();
    let mut first = Box::pin(outbound.send(Request::get(url.clone())));
    let second = Request { timeout: Some(Duration::from_millis(50)), ..Request::get(url) };
    tokio::select! {
        biased;
        _ended = &mut first => panic!("the first one waits for ever"),
        refused = outbound.send(second) => {
            assert!(matches!(refused, Err(OutboundError::Busy { in_flight_max: 1 })), "{refused:?}");
        }
    }
    tokio::task::spawn_blocking(move || arrived_rx.recv()).await.unwrap().unwrap();
    assert_eq!(stage.connections(), 1);
}

#[tokio::test]
async fn a_request_that_is_dropped_closes_its_connection() {
    let (arrived_tx, arrived_rx) = tokio::sync::oneshot::channel();
    let (gone_tx, gone_rx) = mpsc::channel();
    let arrived_tx = std::sync::Mutex::new(Some(arrived_tx));
    let stage = Stage::start(ALLOWED, move |_, stream| {
        let arrived = arrived_tx.lock().unwrap().take();
        arrived.unwrap().send(()).unwrap();
        wait_for_end(stream);
        gone_tx.send(()).unwrap();
    });
    let outbound = Outbound::with_resolver(&config(&stage), Arc::new(ByLetter)).unwrap();
    let url = outbound.check(&stage.url("/")).unwrap();
    tokio::select! {
        _ended = outbound.send(Request::get(url)) => panic!("it is never answered"),
        arrived = arrived_rx => arrived.unwrap(),
    }
    tokio::task::spawn_blocking(move || gone_rx.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_is_read_whole_whatever_its_status() {
    let stage = Stage::start(ALLOWED, |_, stream| respond(stream, "503 Busy", "retry-after: 7\r\n", "later"));
    let outbound = Outbound::with_resolver(&config(&stage), Arc::new(ByLetter)).unwrap();
    let answer = outbound.send(Request::get(outbound.check(&stage.url("/")).unwrap())).await.unwrap();
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, &b"later"[..]));
    assert_eq!(answer.headers["retry-after"], "7");
}
