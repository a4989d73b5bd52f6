//! Rows 15 to 17, 108 and 114: what is too large, at its limit and just above.

use crate::support::ask::{Ask, ask, call, count, post};
use crate::support::era::{Era, MODERN, NEWEST_LEGACY, is_newest};
use crate::support::expect::{answered, error, refused, served};
use crate::support::house::House;
use crate::support::table::{HTTP, HTTP1, LINES, OUR_HTTP, hold, hold_with_id, row};

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A call of exactly that many bytes: the arguments are filled up with one long text.
fn call_of(bytes: usize, era: Era) -> Ask {
    let empty = call("count", r#"{"text":""}"#).replace("$meta", &era.meta()).replace("$id", "4242");
    post(empty.replace(r#""text":"""#, &format!(r#""text":"{}""#, "x".repeat(bytes - empty.len()))))
}

#[tokio::test]
async fn bodies_have_a_limit() {
    bodies_have_a_limit_in(NEWEST_LEGACY, |era| era == NEWEST_LEGACY).await;
    bodies_have_a_limit_in(MODERN, Era::is_modern).await;
}

async fn bodies_have_a_limit_in(era: Era, only: fn(Era) -> bool) {
    let of = |bytes| call_of(bytes, era);
    let (whole, more, far_more) = (of(BODY_BYTES_MAX), of(BODY_BYTES_MAX + 1), of(3 * BODY_BYTES_MAX));
    let other_type = far_more.clone().set("Content-Type", "text/plain");
    let rows = [
        row(15, "as large as it may be", [whole.clone()]).over(HTTP).both(served()),
        row(15, "as large as it may be, in chunks", [whole.clone().chunked()]).over(HTTP1).both(served()),
        row(15, "a byte more", [more.clone()]).over(HTTP).both(refused(&[413])),
        row(15, "a byte more, in chunks", [more.clone().chunked()]).over(HTTP1).both(refused(&[413])),
        row(15, "far more", [far_more.clone(), other_type]).over(HTTP).both(refused(&[413])),
        row(15, "far more, in chunks", [far_more.clone().chunked()]).over(HTTP1).both(refused(&[413])),
        row(114, "a line as long as it may be", [whole]).over(LINES).both(served()),
        row(114, "a longer line", [more, far_more]).over(LINES).both(error(400, -32600).without_id()),
    ];
    hold_with_id(&House::open(), "4242", &rows.map(|row| row.in_eras(only))).await;
}

#[tokio::test]
async fn encoded_bodies_are_not_read() {
    let encodings = [
        "gzip",
        "GZIP",
        "x-gzip",
        "br",
        "deflate",
        "zstd",
        "compress",
        "gzip, gzip",
        "identity, gzip",
        "unheard-of",
        "gzip;q=0",
    ];
    let encoded = encodings.map(|encoding| count().set("Content-Encoding", encoding));
    let twice = [count().set("Content-Encoding", "identity").add("Content-Encoding", "gzip")];
    let compressed = [post(b"\x1f\x8b\x08\0\0\0\0\0\0\x03").set("Content-Encoding", "gzip")];
    let plain =
        ["identity", "Identity", "IDENTITY"].map(|encoding| count().set("Content-Encoding", encoding));
    hold(
        &House::open(),
        &[
            row(16, "an encoding", encoded).over(HTTP).both(refused(&[415])),
            row(16, "an encoding in a second header", twice).over(HTTP).both(refused(&[415])),
            row(16, "a compressed body", compressed).over(HTTP).both(refused(&[415])),
            row(16, "no encoding", plain).over(HTTP).both(served()),
        ],
    )
    .await;
}

#[tokio::test]
async fn many_members_are_no_trouble() {
    let members =
        |member: fn(usize) -> String, count: usize| (0..count).map(member).collect::<Vec<_>>().join(",");
    let arguments = call("count", "{@}").replace('@', &members(|n| format!(r#""k{n}":0"#), 300_000));
    let same = call("count", "{@}").replace('@', &members(|_| r#""":0"#.into(), 800_000));
    let beside = call("count", "{}").replacen(
        '{',
        &format!("{{{},", members(|n| format!(r#""k{n}":[]"#), 250_000)),
        1,
    );
    let elements = call("count", r#"{"all":[@]}"#).replace('@', &members(|_| "0".into(), 1_900_000));
    let posts = [arguments, beside, elements].map(post);
    hold(
        &House::open(),
        &[
            row(17, "as many members as fit", posts)
                .over(HTTP1)
                .in_eras(is_newest)
                .both(answered(&[200, 400])),
            row(17, "as many members of one name", [post(same)])
                .over(HTTP1)
                .in_eras(is_newest)
                .both(answered(&[200, 400])),
        ],
    )
    .await;
}

/// A sound call with so many further headers, each with a value of so many bytes.
fn with_headers(count_of_headers: usize, bytes: usize) -> Ask {
    (0..count_of_headers)
        .fold(count(), |ask, n| ask.add(format!("X-{n}"), "x".repeat(bytes)))
        .labelled("many headers")
}

#[tokio::test]
async fn headers_and_uris_have_limits() {
    let within = [with_headers(80, 1), with_headers(4, 7_900), with_headers(1, 8_192)];
    let too_many = [with_headers(97, 0), with_headers(100, 1)];
    let too_large =
        [with_headers(1, 8_193), with_headers(5, 8_000), with_headers(40, 1_000), with_headers(10, 8_000)];
    let huge = [with_headers(1, 100_000), with_headers(90, 8_000)];
    let with_query = |bytes: usize| format!("/mcp?{}", "x".repeat(bytes));
    let to = |target: String| Ask { target, ..count() };
    let with_uri = |target: String| [to(target.clone()), ask("GET", target.clone()), ask("PUT", target)];
    hold(
        &House::open(),
        &[
            row(108, "headers within their limits", within).over(HTTP).both(served()),
            row(108, "too many headers", too_many).over(HTTP).both(refused(&[431])),
            row(108, "too large headers", too_large).over(HTTP).both(refused(&[431])),
            // Beyond what a parser of HTTP/2 takes in, the connection may end instead; a socket is always told.
            row(108, "headers that are far too large", huge).over(HTTP1).both(refused(&[431])),
            row(108, "a URI within its limit", [to(with_query(8_000))]).over(HTTP).both(served()),
            row(
                108,
                "a URI that is too long",
                [with_uri(with_query(8_193)), with_uri(with_query(20_000))].concat(),
            )
            .over(HTTP)
            .both(refused(&[414])),
            row(
                108,
                "a URI that is far too long",
                [with_uri(with_query(60_000)), with_uri(with_query(70_000))].concat(),
            )
            .over(HTTP1)
            .both(refused(&[414])),
            row(108, "a session's id counts too", [count().set("Mcp-Session-Id", "x".repeat(40_000))])
                .over(OUR_HTTP)
                .both(refused(&[431])),
        ],
    )
    .await;
}
