//! Servers that answer wrongly are found out, each by its own kind of error; one that stalls is seen to stall.

use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::support::{Seen, all, ask, errors, misbehaving, one_at_a_time, raw, reply, result, right};

const COUNT: u64 = 40;

/// Half of the calls are answered rightly, the other half by the misbehaviour: the errors by kind.
async fn kinds(
    wrong: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> (u64, Vec<(String, u64)>) {
    let address = misbehaving(move |seen, stream| {
        if seen.call.is_some_and(|call| call % 2 == 0) {
            reply(stream, 200, &right(&seen.id))
        } else {
            wrong(seen, stream)
        }
    });
    let flags = format!("--connections 1 --warm-up 0s --count {COUNT} --timeout 200ms");
    let result = ask(&format!("http://{address}"), "call act", &flags).await.unwrap();
    let kinds = errors(&result).into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
    (all(&result).answers, kinds)
}

async fn check(kind: &str, wrong: impl Fn(&Seen, &mut TcpStream) -> bool + Send + Sync + 'static) {
    assert_eq!(kinds(wrong).await, (COUNT / 2, vec![(kind.to_owned(), COUNT / 2)]));
}

#[tokio::test]
async fn another_id_is_wrong() {
    check("wrong id", |seen, stream| reply(stream, 200, &right(&seen.id.replace('1', "2")))).await;
}

#[tokio::test]
async fn a_tool_that_failed_is_an_error() {
    let body = r#"{"content":[{"type":"text","text":"no"}],"isError":true}"#;
    check("tool error", move |seen, stream| reply(stream, 200, &result(&seen.id, body))).await;
}

#[tokio::test]
async fn a_json_rpc_error_is_told_by_its_code() {
    check("rpc -32603", |seen, stream| {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32603,"message":"no"}}}}"#, seen.id);
        reply(stream, 200, &body)
    })
    .await;
}

#[tokio::test]
async fn a_wrong_status_is_told_by_its_number() {
    check("http 500", |seen, stream| reply(stream, 500, &right(&seen.id))).await;
}

#[tokio::test]
async fn a_connection_that_ends_in_the_body_is_an_error() {
    check("closed", |_, stream| {
        raw(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"json");
        false
    })
    .await;
}

#[tokio::test]
async fn another_content_type_is_an_error() {
    check("content type", |_, stream| {
        raw(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi")
    })
    .await;
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    check("bad http", |_, stream| raw(stream, "NONSENSE\r\n\r\n")).await;
}

#[tokio::test]
async fn no_answer_in_time_is_an_error() {
    let (answers, kinds) = kinds(|seen, stream| {
        // The third call hangs; the server reads on, so the connection stays open.
        if seen.call == Some(3) { true } else { reply(stream, 200, &right(&seen.id)) }
    })
    .await;
    assert_eq!((answers, kinds), (COUNT - 1, vec![("timeout".to_owned(), 1)]));
}

#[tokio::test]
async fn an_answer_as_events_in_chunks_is_right() {
    let (answers, kinds) = kinds(|seen, stream| {
        let events = format!(": hi\n\nevent: message\ndata: {}\n\n", right(&seen.id));
        let (first, rest) = events.split_at(20);
        let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", first.len(), rest.len());
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        raw(stream, head) && raw(stream, &chunks)
    })
    .await;
    assert_eq!((answers, kinds), (COUNT, Vec::new()));
}

#[tokio::test]
async fn a_connection_that_the_server_closes_each_time_is_opened_anew() {
    let (answers, kinds) = kinds(|seen, stream| {
        let body = right(&seen.id);
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n";
        raw(stream, &format!("{head}{body}"));
        false
    })
    .await;
    assert_eq!((answers, kinds), (COUNT, Vec::new()));
}

/// A server that answers at once, but for one stall of 400 ms in which nobody is answered.
fn stalling() -> std::net::SocketAddr {
    let stall = Mutex::new(());
    misbehaving(move |seen, stream| {
        let held = stall.lock().unwrap();
        if seen.call == Some(50) {
            // A stall takes time, so this has to let some pass.
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(400) {
                std::thread::park_timeout(Duration::from_millis(400));
            }
        }
        drop(held);
        reply(stream, 200, &right(&seen.id))
    })
}

#[tokio::test]
async fn an_open_loop_sees_a_stall_in_every_request_that_it_kept_waiting() {
    let url = format!("http://{}", stalling());
    let result =
        ask(&url, "call act", "--connections 2 --warm-up 0s --duration 1s --rate 200").await.unwrap();
    let latency = &all(&result).latency;
    assert_eq!((all(&result).answers, errors(&result)), (200, Vec::new()));
    // 80 requests should have left within the stall. A tenth of all waited longer than 300 ms, as of those evenly spread.
    assert!(latency.max_us >= 395_000.0, "{latency:?}");
    assert!(latency.p90_us >= 200_000.0, "{latency:?}");
}

#[tokio::test]
async fn a_closed_loop_sees_a_stall_only_once_for_each_connection() {
    let url = format!("http://{}", stalling());
    let result = ask(&url, "call act", "--connections 2 --warm-up 0s --count 1000").await.unwrap();
    let latency = &all(&result).latency;
    assert!(latency.max_us >= 395_000.0 && latency.p99_us < 200_000.0, "{latency:?}");
}

#[tokio::test]
async fn a_full_backlog_is_told_and_not_measured() {
    let url = format!("http://{}", stalling());
    let flags = "--connections 1 --warm-up 0s --duration 1s --rate 200 --backlog-max 10";
    let result = ask(&url, "call act", flags).await.unwrap();
    let [("not sent", lost)] = errors(&result)[..] else { panic!("{:?}", errors(&result)) };
    assert!(lost >= 50, "{lost}");
    assert_eq!(all(&result).answers + lost, 200);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_fault() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = ask(&format!("http://{address}"), "list", "").await.unwrap_err().to_string();
    assert!(fault.contains("can't connect"), "{fault}");
}

#[tokio::test]
async fn a_server_without_an_echo_is_told_what_to_do() {
    let address = misbehaving(|_, _| false);
    let fault = ask(&format!("http://{address}"), "echo", "").await.unwrap_err().to_string();
    assert_eq!(fault, "the server has no tool echo; use call TOOL");
}

#[tokio::test]
async fn a_server_of_one_connection_at_a_time_is_measured_and_not_kept_waiting() {
    let address = one_at_a_time(|seen, stream| reply(stream, 200, &right(&seen.id)));
    let flags = format!("--connections 1 --warm-up 0s --count {COUNT} --timeout 5s");
    let result = ask(&format!("http://{address}"), "call act", &flags).await.unwrap();
    assert_eq!((all(&result).answers, errors(&result)), (COUNT, Vec::new()));
}
