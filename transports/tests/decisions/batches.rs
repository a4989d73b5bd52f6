//! Row 13: batches, in the one revision that has them and in all others.

use serde_json::{Value, json};

use crate::support::ask::{Seat, call, post, request};
use crate::support::era::{BATCHING, Era, NEWEST_LEGACY};
use crate::support::expect::{accepted, answered, error};
use crate::support::house::House;
use crate::support::http1::Http1;
use crate::support::http2::{Http2, exchange_mounted};
use crate::support::lines::Lines;
use crate::support::table::{HTTP, bodies, hold, row};

/// A member of the answer: an id, or null where there is none, and an error's code, or null for a result.
type Part = (Value, Option<i64>);

struct Batch {
    what: &'static str,
    text: String,
    /// In any order.
    parts: Vec<Part>,
    ran: u64,
}

fn batch(what: &'static str, messages: &[&str], parts: &[(i64, Option<i64>)], ran: u64) -> Batch {
    // Number 0 stands for an answer without an id.
    let parts =
        parts.iter().map(|(id, code)| (if *id == 0 { Value::Null } else { json!(id) }, *code)).collect();
    Batch { what, text: format!("[{}]", messages.join(",")), parts, ran }
}

fn with_id(template: &str, id: i64) -> String {
    template.replace("$id", &id.to_string()).replace("$meta", "\"_meta\":{}")
}

/// A call whose arguments hold that many arrays inside each other; around them the message has three levels.
fn deep(levels: usize) -> String {
    with_id(&call("count", &format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))), 6)
}

fn batches() -> Vec<Batch> {
    let count = |id| with_id(&call("count", "{}"), id);
    let (one, two) = (count(1), count(2));
    let (note, unknown) =
        (r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, with_id(&request("no/such", ""), 3));
    let panics = with_id(&call("panic_now", "{}"), 4);
    let wrong = with_id(&call("no_such_tool", "{}"), 5);
    let hello = NEWEST_LEGACY.initialize().replace("\"hello\"", "7");
    let without_id = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"count"}}"#;
    let many: Vec<_> = (1..=100).map(count).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let all: Vec<_> = (1..=100).map(|id| (id, None)).collect();
    vec![
        batch("two calls", &[&one, &two], &[(1, None), (2, None)], 2),
        batch("one call", &[&one], &[(1, None)], 1),
        batch("blanks", &[&format!(" {one}\t")], &[(1, None)], 1),
        batch("a call and notifications", &[note, &one, note], &[(1, None)], 1),
        batch(
            "an unknown method among calls",
            &[&one, &unknown, &two],
            &[(1, None), (3, Some(-32601)), (2, None)],
            2,
        ),
        batch("a panic among calls", &[&one, &panics, &two], &[(1, None), (4, Some(-32603)), (2, None)], 3),
        batch("an unknown tool among calls", &[&wrong, &one], &[(5, Some(-32602)), (1, None)], 1),
        batch(
            "a scalar among calls",
            &["1", &one, "null"],
            &[(0, Some(-32600)), (1, None), (0, Some(-32600))],
            1,
        ),
        batch(
            "an object that is no message",
            &[r#"{"foo":"boo"}"#, &one],
            &[(0, Some(-32600)), (1, None)],
            1,
        ),
        batch("a batch in a batch", &[&format!("[{two}]"), &one], &[(0, Some(-32600)), (1, None)], 1),
        batch("nothing but scalars", &["1", "2"], &[(0, Some(-32600)), (0, Some(-32600))], 0),
        batch(
            "a null id",
            &[&one.replace("\"id\":1", "\"id\":null"), &two],
            &[(0, Some(-32600)), (2, None)],
            1,
        ),
        batch(
            "a member twice",
            &[&one.replacen('{', r#"{"method":"ping","#, 1), &two],
            &[(1, Some(-32600)), (2, None)],
            1,
        ),
        batch("as deep a message as there may be", &[&deep(61), &two], &[(6, None), (2, None)], 2),
        batch("too deep a message", &[&deep(62), &two], &[(0, Some(-32700)), (2, None)], 1),
        batch("a handshake", &[&hello, &one], &[(7, Some(-32600)), (1, None)], 1),
        batch("an answer to nothing", &[r#"{"jsonrpc":"2.0","id":9,"result":{}}"#, &one], &[(1, None)], 1),
        batch("a request without an id", &[without_id, &one], &[(0, Some(-32600)), (1, None)], 1),
        batch("as many as there may be", &many, &all, 100),
    ]
}

/// What a whole batch is refused with, and nothing of it runs.
fn refused() -> Vec<(String, i64)> {
    let count = |id| with_id(&call("count", "{}"), id);
    let too_many: Vec<_> = (1..=101).map(count).collect();
    vec![
        ("[]".into(), -32600),
        (" [ ] ".into(), -32600),
        (format!("[{}", count(1)), -32700),
        (format!("[{},]", count(1)), -32700),
        (format!("[{},{{\"jsonrpc\"]", count(1)), -32700),
        (format!("[{}]]", count(1)), -32700),
        (format!("[{},NaN]", count(1)), -32700),
        (format!("[{}] []", count(1)), -32700),
        (format!("[{}]", too_many.join(",")), -32600),
        ("[".repeat(100_000), -32700),
    ]
}

fn parts(answer: &Value) -> Vec<String> {
    let answers = answer.as_array().expect("an array");
    let mut parts: Vec<_> =
        answers.iter().map(|one| format!("{} {}", one["id"], one["error"]["code"])).collect();
    parts.sort();
    parts
}

fn expected(batch: &Batch) -> Vec<String> {
    let mut parts: Vec<_> = batch.parts.iter().map(|(id, code)| format!("{id} {}", json!(code))).collect();
    parts.sort();
    parts
}

async fn seat(house: &House) -> Seat {
    let mut seat = Seat { era: BATCHING, session: None, host: house.address.to_string() };
    let mut client = Http1::connect(house.address).await;
    let opened = client.exchange(&post(BATCHING.initialize()).prepare(&seat, "")).await.expect("an answer");
    seat.session = Some(opened.header("mcp-session-id").expect("a session").to_owned());
    seat
}

#[tokio::test]
async fn over_http_a_batch_is_answered_with_one() {
    let house = House::open();
    let seat = seat(&house).await;
    let mut first = Http1::connect(house.address).await;
    let mut second = Http2::connect(house.address).await;
    for batch in batches() {
        let prepared = post(&batch.text).prepare(&seat, "");
        for carrier in 0..3 {
            let before = house.ran();
            let answer = match carrier {
                0 => first.exchange(&prepared).await,
                1 => second.exchange(&prepared).await,
                _ => exchange_mounted(&house.router, &prepared).await,
            };
            let answer = answer.expect("an answer");
            assert_eq!(answer.status, Some(200), "row 13, {}: {}", batch.what, answer.shown());
            assert_eq!(parts(&answer.message().expect("JSON")), expected(&batch), "row 13, {}", batch.what);
            assert_eq!(house.ran() - before, batch.ran, "row 13, {}", batch.what);
        }
    }
    let silent =
        r#"[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","method":"notifications/y"}]"#;
    let answer = first.exchange(&post(silent).prepare(&seat, "")).await.expect("an answer");
    accepted().check(&answer, "").expect("row 13: nothing is said to notifications");
    let before = house.ran();
    for (text, code) in refused() {
        let answer = first.exchange(&post(&text).prepare(&seat, "")).await.expect("an answer");
        let checked = error(400, code).without_id().check(&answer, "");
        assert!(checked.is_ok(), "row 13, {text:.100}: {checked:?}: {}", answer.shown());
    }
    assert_eq!(house.ran(), before);
}

#[tokio::test]
async fn on_lines_a_batch_is_answered_with_one() {
    let house = House::open();
    for batch in batches() {
        let mut lines = Lines::enter(&house.runtime, BATCHING).await;
        let before = house.ran();
        lines.send(format!("{}\n", batch.text)).await;
        assert_eq!(parts(&lines.next_message().await), expected(&batch), "row 13, {}", batch.what);
        assert_eq!(house.ran() - before, batch.ran, "row 13, {}", batch.what);
    }
    for (text, code) in refused() {
        let mut lines = Lines::enter(&house.runtime, BATCHING).await;
        let before = house.ran();
        lines.send(format!("{text}\n")).await;
        let answer = lines.next_message().await;
        assert_eq!((answer.get("id"), &answer["error"]["code"]), (None, &json!(code)), "row 13, {text:.100}");
        lines.send(format!("{}\n", with_id(&call("echo", r#"{"message":"hi"}"#), 1))).await;
        assert_eq!(lines.next_message().await["result"]["content"][0]["text"], "hi");
        assert_eq!(house.ran(), before);
    }
}

#[tokio::test]
async fn everywhere_else_there_are_none() {
    // As one text these are deeper than a text may be.
    let texts = batches().into_iter().filter(|batch| !batch.text.contains(&"[".repeat(61)));
    let texts: Vec<_> = texts.map(|batch| batch.text).collect();
    let modern = [
        format!("[{}]", call("count", "{}")),
        format!("[{},{}]", request("tools/list", ""), call("count", "{}")),
    ];
    let strangers = bodies(&texts).into_iter().map(|ask| ask.without("Mcp-Session-Id"));
    hold(
        &House::open(),
        &[
            row(13, "a batch", bodies(&texts))
                .in_eras(|era| era != BATCHING)
                // One of them holds a message that is too deep, and JSON comes first.
                .both(error(400, -32600).or_code(-32700).without_id()),
            row(13, "a batch of this era's messages", bodies(modern)).modern(error(400, -32600).without_id()),
            row(13, "a batch without a session", strangers)
                .over(HTTP)
                .in_eras(|era| !Era::is_modern(era))
                .legacy(error(400, -32600).or_code(-32700).without_id()),
            row(
                13,
                "a batch in a session that there is not",
                bodies(&texts[..2]).into_iter().map(|ask| ask.set("Mcp-Session-Id", "unknown")),
            )
            .over(HTTP)
            .in_eras(|era| era == BATCHING)
            .legacy(answered(&[404]).ran(0)),
        ],
    )
    .await;
    let house = House::open();
    let mut lines = Lines::enter(&house.runtime, BATCHING).await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let stowaways = [
        call("count", "{}").replace("$id", "1").replace("$meta", meta),
        format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{{"notifications":{{}},{meta}}}}}"#
        ),
    ];
    lines.send(format!("[{}]\n", stowaways.join(","))).await;
    let answers = lines.next_message().await;
    let codes: Vec<_> =
        answers.as_array().unwrap().iter().map(|answer| answer["error"]["code"].clone()).collect();
    assert_eq!(codes, [-32600, -32600], "row 13: what carries its own metadata knows no batches");
    assert_eq!(house.ran(), 0);
    let mut lines = Lines::open(&house.runtime);
    lines.send(format!("[{}]\n", BATCHING.initialize())).await;
    assert_eq!(lines.next_message().await["error"]["code"], -32600, "row 13: no handshake in a batch");
}
