//! Rows 109 and 1a.3 to 1a.5: requests whose end two readers could see in different places, and readers who
//! take their time.
//!
//! After each of them another request follows at once, which must not run: it may be a part of the first one's
//! body to somebody in front of us.

use tokio::time::timeout;

use crate::support::ask::{Seat, call, post};
use crate::support::era::MODERN;
use crate::support::house::{House, take};
use crate::support::http1::{Http1, written};
use crate::support::table::PATIENCE;

const BODY: &str = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;

/// What becomes of a connection on which that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Refused with a 400, then closed.
    Refused,
    /// At most one answer, whatever it is, then closed.
    Closed,
}

use End::{Closed, Refused};

/// A POST with those header lines in place of a sound length, and that body.
fn posted(version: &str, lines: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/{version}\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{lines}\r\n{body}"
    )
    .into_bytes()
}

fn in_one_chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

fn corpus() -> Vec<(&'static str, End, Vec<u8>)> {
    let length = BODY.len();
    let chunked = in_one_chunk(BODY);
    let sized = |lines: &str| posted("1.1", lines, BODY);
    let in_chunks = |lines: &str| posted("1.1", lines, &chunked);
    let chunks = |body: &str| posted("1.1", "Transfer-Encoding: chunked\r\n", body);
    vec![
        ("length, then chunked", Refused, in_chunks(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"))),
        ("chunked, then length", Refused, in_chunks(&format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"))),
        ("a short length and chunked", Refused, in_chunks("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")),
        ("no length and chunked", Refused, in_chunks("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n")),
        ("a senseless length and chunked", Refused, in_chunks("Transfer-Encoding: chunked\r\nContent-Length: x\r\n")),
        ("two lengths", Refused, sized(&format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length - 1))),
        ("two lengths, the first one short", Refused, sized(&format!("Content-Length: 0\r\nContent-Length: {length}\r\n"))),
        ("the same length twice", Refused, sized(&format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"))),
        ("two lengths in one line", Refused, sized(&format!("Content-Length: {length}, {length}\r\n"))),
        ("a signed length", Refused, sized(&format!("Content-Length: +{length}\r\n"))),
        ("a negative length", Refused, sized("Content-Length: -1\r\n")),
        ("a hexadecimal length", Refused, sized(&format!("Content-Length: 0x{length:x}\r\n"))),
        ("a length of two words", Refused, sized("Content-Length: 4 4\r\n")),
        ("an empty length", Refused, sized("Content-Length: \r\n")),
        ("a length with a point", Refused, sized(&format!("Content-Length: {length}.0\r\n"))),
        ("a length past all numbers", Refused, sized("Content-Length: 18446744073709551617\r\n")),
        ("an unknown coding", Refused, in_chunks("Transfer-Encoding: xchunked\r\n")),
        ("chunked is not the last coding", Refused, in_chunks("Transfer-Encoding: chunked, identity\r\n")),
        ("no coding", Refused, in_chunks("Transfer-Encoding: identity\r\n")),
        ("a coding before chunked", Closed, in_chunks("Transfer-Encoding: gzip, chunked\r\n")),
        ("chunked twice", Closed, in_chunks("Transfer-Encoding: chunked, chunked\r\n")),
        ("chunked in two lines", Closed, in_chunks("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        ("chunked, then no coding, in two lines", Refused, in_chunks("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
        ("a coding behind a vertical tab", Refused, in_chunks("Transfer-Encoding: \x0bchunked\r\n")),
        ("an empty coding", Refused, in_chunks("Transfer-Encoding: \r\n")),
        ("HTTP/1.0 and chunked", Refused, posted("1.0", "Transfer-Encoding: chunked\r\n", &chunked)),
        ("HTTP/1.0, chunked and a length", Refused, posted("1.0", &format!("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: {length}\r\n"), &chunked)),
        ("a folded line", Refused, sized(&format!("X-A: 1\r\n Content-Length: {length}\r\n"))),
        ("a folded length", Refused, sized(&format!("Content-Length:\r\n {length}\r\n"))),
        ("a blank before the colon", Refused, sized(&format!("Content-Length : {length}\r\n"))),
        ("a blank before a coding's colon", Refused, in_chunks(&format!("Content-Length: {length}\r\nTransfer-Encoding : chunked\r\n"))),
        ("no colon", Refused, sized(&format!("Content-Length {length}\r\n"))),
        ("a header without a name", Refused, sized(&format!(": x\r\nContent-Length: {length}\r\n"))),
        ("a zero byte in a value", Refused, sized(&format!("X-A: a\0b\r\nContent-Length: {length}\r\n"))),
        ("a carriage return in a value", Refused, sized(&format!("X-A: a\rContent-Length: 0\r\nContent-Length: {length}\r\n"))),
        ("a chunk's size past all numbers", Refused, chunks(&format!("1000000000000000{length:x}\r\n{BODY}\r\n0\r\n\r\n"))),
        ("a negative chunk", Refused, chunks(&format!("-1\r\n{BODY}\r\n0\r\n\r\n"))),
        ("a signed chunk", Refused, chunks(&format!("+{length:x}\r\n{BODY}\r\n0\r\n\r\n"))),
        ("a chunk's size with a prefix", Refused, chunks(&format!("0x{length:x}\r\n{BODY}\r\n0\r\n\r\n"))),
        ("a chunk without a size", Refused, chunks(&format!("\r\n{BODY}\r\n0\r\n\r\n"))),
        ("a chunk longer than its size", Refused, chunks(&format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", length - 1))),
        ("a chunk whose size ends in a line feed", Refused, chunks(&format!("{length:x}\n{BODY}\r\n0\r\n\r\n"))),
        ("line feeds alone", Closed, format!("POST /mcp HTTP/1.1\nHost: localhost\nContent-Type: application/json\nAccept: */*\nContent-Length: {length}\n\n{BODY}").into_bytes()),
        ("a line feed alone before a length", Closed, sized(&format!("X-A: 1\nContent-Length: {length}\r\n"))),
        ("a line feed alone behind a length", Closed, sized(&format!("Content-Length: {length}\nX-A: 1\r\n"))),
        ("a line feed alone before a coding", Closed, in_chunks("X-A: 1\nTransfer-Encoding: chunked\r\n")),
        ("a line feed alone at the end of the head", Closed, sized(&format!("Content-Length: {length}\r\n\n"))),
        ("no version", Closed, b"POST /mcp\r\n\r\n".to_vec()),
        ("another version", Closed, posted("3.0", &format!("Content-Length: {length}\r\n"), BODY)),
        ("two blanks in the first line", Closed, format!("POST  /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{BODY}").into_bytes()),
        ("a tunnel with a body", Closed, format!("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\nContent-Length: {length}\r\n\r\n{BODY}").into_bytes()),
        ("no HTTP", Refused, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n".to_vec()),
    ]
}

/// What must be refused wherever it stands.
fn ambiguous() -> Vec<(&'static str, Vec<u8>)> {
    corpus().into_iter().filter(|(_, end, _)| *end == Refused).map(|(what, _, bytes)| (what, bytes)).collect()
}

fn modern(house: &House) -> Seat {
    Seat { era: MODERN, session: None, host: house.address.to_string() }
}

#[tokio::test]
async fn what_two_readers_could_read_differently_ends_the_connection() {
    let house = House::open();
    let seat = modern(&house);
    let canary = written(&post(call("count", "{}")).prepare(&seat, "666"));
    let mut failures = Vec::new();
    for (what, end, first) in corpus() {
        let ran = house.ran();
        let mut connection = Http1::connect(house.address).await;
        let both = [&first[..], &canary].concat();
        let sent = connection.exchange_bytes(&both, false);
        let answer = timeout(PATIENCE, sent).await.unwrap_or_else(|_| Err("no answer in time".into()));
        let status = answer.as_ref().ok().and_then(|answer| answer.status);
        if end == Refused && status != Some(400) {
            failures.push(format!("{what}: {status:?} instead of 400 ({answer:?})"));
        }
        match timeout(PATIENCE, connection.next_answer()).await {
            Ok(Err(_closed)) => {}
            Ok(Ok(second)) => {
                failures.push(format!("{what}: after {status:?} a second answer: {}", second.shown()))
            }
            Err(_) => failures.push(format!("{what}: after {status:?} the connection stays open")),
        }
        let mut other = Http1::connect(house.address).await;
        let healthy = other.exchange(&post(call("echo", r#"{"message":"hi"}"#)).prepare(&seat, "1")).await;
        assert_eq!(healthy.expect("an answer").status, Some(200), "after {what}");
        if house.ran() > ran {
            failures.push(format!("{what}: the second request ran"));
        }
    }
    assert!(failures.is_empty(), "rows 109 and 1a.3, {}:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test]
async fn behind_a_sound_request_too() {
    let house = House::open();
    let seat = modern(&house);
    let canary = written(&post(call("count", "{}")).prepare(&seat, "666"));
    let sound = written(&post(call("echo", r#"{"message":"hi"}"#)).prepare(&seat, "1"));
    let slow = written(&post(call("hold", "{}")).prepare(&seat, "1"));
    // Where a piece ends: all at once, inside of the sound request, and inside of the bad one's head.
    let cuts = [0, 1, sound.len() - 1, sound.len(), sound.len() + 30];
    let mut failures = Vec::new();
    for ((what, bad), cut) in ambiguous().into_iter().flat_map(|bad| cuts.map(|cut| (bad.clone(), cut))) {
        let mut connection = Http1::connect(house.address).await;
        let all = [&sound[..], &bad, &canary].concat();
        connection.send_bytes(&all[..cut]).await;
        let first = timeout(PATIENCE, connection.exchange_bytes(&all[cut..], false)).await.expect("in time");
        assert_eq!(first.expect("an answer").status, Some(200), "{what}");
        failures.extend(
            refused_and_closed(&mut connection).await.err().map(|why| format!("{what}, cut at {cut}: {why}")),
        );
    }
    for (what, bad) in ambiguous() {
        let mut connection = Http1::connect(house.address).await;
        connection.send_bytes(&slow).await;
        take(&house.held.begun).await;
        connection.send_bytes(&[&bad[..], &canary].concat()).await;
        house.held.go_on.add_permits(1);
        let first = timeout(PATIENCE, connection.next_answer()).await.expect("in time");
        assert_eq!(first.expect("an answer").status, Some(200), "{what}");
        failures.extend(
            refused_and_closed(&mut connection)
                .await
                .err()
                .map(|why| format!("{what}, while another is answered: {why}")),
        );
    }
    if house.ran() > 0 {
        failures.push(format!("{} requests ran that must not", house.ran()));
    }
    assert!(failures.is_empty(), "rows 109 and 1a.3, {}:\n{}", failures.len(), failures.join("\n"));
}

/// Whether the next answer is a refusal, and the last one.
async fn refused_and_closed(connection: &mut Http1) -> Result<(), String> {
    let answer = timeout(PATIENCE, connection.next_answer()).await.map_err(|_| "no answer")?;
    let status = answer.map_err(|failure| format!("no answer: {failure}"))?.status;
    if status != Some(400) {
        return Err(format!("{status:?} instead of 400"));
    }
    match timeout(PATIENCE, connection.next_answer()).await {
        Ok(Err(_closed)) => Ok(()),
        Ok(Ok(more)) => Err(format!("another answer: {}", more.shown())),
        Err(_) => Err("the connection stays open".into()),
    }
}

#[tokio::test]
async fn an_unread_body_is_never_read_as_a_request() {
    let house = House::open();
    let seat = modern(&house);
    let inner = String::from_utf8(written(&post(call("count", "{}")).prepare(&seat, "7"))).expect("text");
    let body = inner.repeat(3 * 1024 * 1024 / inner.len());
    let refusals = [
        ("Host", "evil.com", 403, 1),
        ("Origin", "http://evil.com", 403, 1),
        ("Content-Type", "text/plain", 415, 1),
        ("Accept", "text/html", 406, 1),
        ("Content-Encoding", "gzip", 415, 1),
        ("X-Large", "x", 413, 2),
        ("Mcp-Method", "tools/call", 400, 1),
    ];
    for (name, value, status, times) in refusals {
        let mut connection = Http1::connect(house.address).await;
        let refused = post(body.repeat(times)).set(name, value).prepare(&seat, "1");
        let healthy = written(&post(call("echo", r#"{"message":"hi"}"#)).prepare(&seat, "2"));
        let bytes = [written(&refused), healthy].concat();
        let answer = timeout(PATIENCE, connection.exchange_bytes(&bytes, false)).await.expect("in time");
        assert_eq!(answer.expect("an answer").status, Some(status), "row 1a.4, {name}: {value}");
        // Either the second request has its answer, or the connection is over.
        if let Ok(Ok(answer)) = timeout(PATIENCE, connection.next_answer()).await {
            assert_eq!(answer.status, Some(200), "row 1a.4, {name}: {}", answer.shown());
        }
        assert_eq!(house.ran(), 0, "row 1a.4, {name}: a part of a body ran");
    }
}

#[tokio::test]
async fn slow_senders_are_cut_and_others_do_not_notice() {
    let house = House::with(|limits| {
        limits.header_timeout_ms = 150;
        limits.body_timeout_ms = 150;
    });
    let seat = modern(&house);
    let sound = written(&post(call("count", "{}")).prepare(&seat, "1"));
    let head_length = sound.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let mut slow = Vec::new();
    for length in [1, 10, head_length - 3, head_length, head_length + 5, sound.len() - 1] {
        let mut connection = Http1::connect(house.address).await;
        connection.send_bytes(&sound[..length]).await;
        slow.push((length, connection));
    }
    let mut healthy = Http1::connect(house.address).await;
    for id in 0..50 {
        let answer = healthy
            .exchange(&post(call("echo", r#"{"message":"hi"}"#)).prepare(&seat, &id.to_string()))
            .await;
        assert_eq!(answer.expect("an answer").status, Some(200));
    }
    for (length, mut connection) in slow {
        if length >= head_length {
            let answer =
                timeout(PATIENCE, connection.next_answer()).await.expect("row 1a.5: a slow body is cut");
            assert_eq!(answer.expect("an answer").status, Some(408), "row 1a.5, {length}");
        }
        let rest = timeout(PATIENCE, connection.read_to_end()).await;
        assert!(rest.is_ok(), "row 1a.5: after {length} bytes the connection stays open");
    }
    assert_eq!(house.ran(), 0);
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    let house = House::open();
    let seat = modern(&house);
    let mut request = post("").prepare(&seat, "1");
    request.headers.push(("Transfer-Encoding".into(), b"chunked".to_vec()));
    request.headers.retain(|(name, _)| name != "Mcp-Method" && name != "Mcp-Name");
    let head = String::from_utf8(written(&request)).expect("text").replace("Content-Length: 0\r\n", "");
    let mut connection = Http1::connect(house.address).await;
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    // 16 MiB of a body that never ends.
    let answer = timeout(
        PATIENCE,
        connection.exchange_bytes(format!("{head}{}", chunk.repeat(256)).as_bytes(), false),
    )
    .await;
    assert_eq!(answer.expect("in time").expect("an answer").status, Some(413), "row 1b.16");
    let mut announced = post("").prepare(&seat, "1");
    announced.headers.push(("Expect".into(), b"100-continue".to_vec()));
    let head = String::from_utf8(written(&announced))
        .expect("text")
        .replace("Content-Length: 0", "Content-Length: 5000000");
    let mut connection = Http1::connect(house.address).await;
    let answer = timeout(PATIENCE, connection.exchange_bytes(head.as_bytes(), false)).await;
    assert_eq!(
        answer.expect("in time").expect("an answer").status,
        Some(413),
        "row 15: it is not asked to go on"
    );
}
