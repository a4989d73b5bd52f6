//! What one connection of HTTP/2 may make us begin for nothing, and what its headers may be.

use std::net::SocketAddr;

use serde_json::json;

use crate::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, RST_STREAM, frame, get_headers,
    goaway, preface,
};
use crate::house::{House, house};
use crate::http::Http;
use crate::messages::{modern, text_of, tool};
use crate::wait::until;

const CANCEL: [u8; 4] = 8_u32.to_be_bytes();

/// Asks for something under each of those streams and takes it back at once.
fn taken_back(address: SocketAddr, streams: impl Iterator<Item = u32>) -> Vec<u8> {
    let headers = get_headers(&address.to_string());
    let both = |stream| {
        let asked = frame(HEADERS, END_HEADERS | END_STREAM, stream, &headers);
        [asked, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
    };
    streams.flat_map(both).collect()
}

/// Asks under each of those streams for what is no request: a path and no method.
fn faulty(streams: impl Iterator<Item = u32>) -> Vec<u8> {
    streams.flat_map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &[0x84])).collect()
}

fn odd(count: u64) -> impl Iterator<Item = u32> {
    (0..u32::try_from(count).unwrap()).map(|number| 2 * number + 1)
}

/// Whether a connection on which that was sent is ended for it; where it is not, it still answers.
async fn is_ended(house: &House, address: SocketAddr, flood: &[u8], next: u32) -> bool {
    let mut http = Http::connect(address).await;
    let last = frame(HEADERS, END_HEADERS | END_STREAM, next, &get_headers(&address.to_string()));
    http.send(&[preface(), flood.to_vec(), last].concat()).await;
    let sent = http.until_enough(|bytes| goaway(bytes).is_some() || has_headers(bytes, next)).await;
    let served = Http::connect(address).await.modern(&modern(1, "tools/call", tool("echo", json!({})))).await;
    assert_eq!(text_of(&served.json()), "{}", "others are served");
    let code = goaway(&sent);
    if code.is_some() {
        assert_eq!(code, Some(ENHANCE_YOUR_CALM), "{sent:?}");
        http.closed().await;
    }
    drop(http);
    until("its place is free", || house.runtime.shared().connections.get() == 0).await;
    code.is_some()
}

/// Whether the head of an answer on that stream is among the frames.
fn has_headers(mut bytes: &[u8], stream: u32) -> bool {
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        if head[3] == HEADERS && head[5..9] == stream.to_be_bytes() {
            return true;
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_client_resets_max_is_how_much_may_be_taken_back_unseen() {
    const MAX: u64 = 5;
    let house = house(|limits| limits.http2_client_resets_max = MAX);
    let address = house.serve();
    for (count, ends) in [(MAX - 1, false), (MAX, false), (MAX + 1, true), (20_000, true)] {
        let next = 2 * u32::try_from(count).unwrap() + 1;
        let flood = taken_back(address, odd(count));
        assert_eq!(is_ended(&house, address, &flood, next).await, ends, "{count}");
    }
    assert_eq!(house.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_fault_resets_max_is_how_often_a_client_may_be_wrong() {
    const MAX: u64 = 5;
    let house = house(|limits| limits.http2_fault_resets_max = MAX);
    let address = house.serve();
    for (count, ends) in [(MAX - 1, false), (MAX, false), (MAX + 1, true), (1_000, true)] {
        let next = 2 * u32::try_from(count).unwrap() + 1;
        assert_eq!(is_ended(&house, address, &faulty(odd(count)), next).await, ends, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_bytes_max_bounds_endless_continuations() {
    let house = house(|_| ());
    let address = house.serve();
    let mut others = Http::connect(address).await;
    for payload in [vec![0; 0], vec![0; 1], vec![0x84; 16 * 1024]] {
        let mut http = Http::connect(address).await;
        http.send(&[preface(), frame(HEADERS, 0, 1, &[0x82])].concat()).await;
        // Past it nothing is read, and what was written is lost.
        drop(http.try_send(&frame(CONTINUATION, 0, 1, &payload).repeat(1_000)).await);
        http.closed().await;
        assert_eq!(others.get("/healthz", &[]).await.head.status, 200);
    }
    drop(others);
    until("all are gone", || house.runtime.shared().connections.get() == 0).await;
}
