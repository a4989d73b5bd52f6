//! Part C: the handshake, and the sessions that it opens.

use crate::support::ask::{Ask, Seat, ask, call, count, post, request};
use crate::support::era::{self, Era, INITIALIZED, NEWEST_LEGACY};
use crate::support::expect::{Expect, answered, error, refused, result, served};
use crate::support::house::House;
use crate::support::http1::Http1;
use crate::support::lines::Lines;
use crate::support::table::{HTTP, HTTP1, hold, row};

const SESSION: &str = "Mcp-Session-Id";

fn handshake(params: &str) -> Ask {
    post(format!(r#"{{"jsonrpc":"2.0","id":$id,"method":"initialize","params":{params}}}"#)).without(SESSION)
}

/// A handshake that asks for that version.
fn asking_for(version: &str) -> Ask {
    handshake(&format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"a","version":"1"}}}}"#
    ))
}

#[tokio::test]
async fn without_a_session_nothing_is_done() {
    let requests = [
        count(),
        post(request("tools/list", "")),
        post(request("resources/read", r#""uri":"test://fixed","#)),
        post(request("prompts/get", r#""name":"greet","arguments":{"name":"Ada"},"#)),
        post(request("completion/complete", "")),
        post(request("no/such", "")),
        post(request("ping", "")),
    ];
    let unnamed = requests.map(|ask| ask.without(SESSION));
    hold(&House::open(), &[row(32, "no session is named", unnamed).over(HTTP).legacy(error(400, -32600))])
        .await;
}

#[tokio::test]
async fn versions_are_negotiated() {
    let unknown =
        ["1900-01-01", "9999-12-31", "2026-07-28", "2025-11-26", "foo", "", "2025-11-25 ", "DRAFT-2026-v1"]
            .map(asking_for);
    let is_newest: Expect = result(|result| result["protocolVersion"] == "2025-11-25");
    let known = |version: &str| [asking_for(version)];
    hold(
        &House::open(),
        &[
            row(34, "a version that there is not", unknown)
                .over(HTTP)
                .in_eras(|era| era == NEWEST_LEGACY)
                .legacy(is_newest.header("mcp-session-id", None)),
            row(34, "2024-11-05", known("2024-11-05"))
                .over(HTTP)
                .legacy(result(|result| result["protocolVersion"] == "2024-11-05")),
            row(34, "2025-03-26", known("2025-03-26"))
                .over(HTTP)
                .legacy(result(|result| result["protocolVersion"] == "2025-03-26")),
            row(34, "2025-06-18", known("2025-06-18"))
                .over(HTTP)
                .legacy(result(|result| result["protocolVersion"] == "2025-06-18")),
            row(34, "2025-11-25", known("2025-11-25"))
                .over(HTTP)
                .legacy(result(|result| result["protocolVersion"] == "2025-11-25")),
        ],
    )
    .await;
}

fn incomplete_handshakes() -> Vec<Ask> {
    let client = r#""clientInfo":{"name":"a","version":"1"}"#;
    let version = r#""protocolVersion":"2025-11-25""#;
    [
        "{}".into(),
        format!("{{{client},{version}}}"),
        format!(r#"{{"capabilities":{{}},{version}}}"#),
        format!(r#"{{"capabilities":{{}},{client}}}"#),
        format!(r#"{{"capabilities":null,{client},{version}}}"#),
        format!(r#"{{"capabilities":[],{client},{version}}}"#),
        format!(r#"{{"capabilities":true,{client},{version}}}"#),
        format!(r#"{{"capabilities":"sampling",{client},{version}}}"#),
        format!(r#"{{"capabilities":{{}},"clientInfo":null,{version}}}"#),
        format!(r#"{{"capabilities":{{}},"clientInfo":"a 1",{version}}}"#),
        format!(r#"{{"capabilities":{{}},"clientInfo":[],{version}}}"#),
        format!(r#"{{"capabilities":{{}},"clientInfo":{{}},{version}}}"#),
        format!(r#"{{"capabilities":{{}},"clientInfo":{{"name":"a"}},{version}}}"#),
        format!(r#"{{"capabilities":{{}},"clientInfo":{{"name":5,"version":"1"}},{version}}}"#),
        format!(r#"{{"capabilities":{{}},"ClientInfo":{{"name":"a","version":"1"}},{version}}}"#),
        format!(r#"{{"capabilities":{{}},{client},"protocolVersion":null}}"#),
        format!(r#"{{"capabilities":{{}},{client},"protocolVersion":20251125}}"#),
        format!(r#"{{"capabilities":{{}},{client},"protocolVersion":["2025-11-25"]}}"#),
    ]
    .iter()
    .map(|params| handshake(params))
    .chain([post(r#"{"jsonrpc":"2.0","id":$id,"method":"initialize"}"#).without(SESSION)])
    .collect()
}

#[tokio::test]
async fn incomplete_handshakes_open_nothing() {
    let house = House::open();
    let sessions = || house.runtime.sessions().len();
    hold(
        &house,
        &[row(35, "something is missing", incomplete_handshakes()).over(HTTP).legacy(error(200, -32602))],
    )
    .await;
    // The table's own clients have opened theirs: one for each era with sessions on each carrier.
    assert_eq!(sessions(), 3 * (era::EVERY.len() - 1));
}

#[tokio::test]
async fn on_lines_the_handshake_comes_first() {
    let house = House::open();
    let early = [
        "tools/list",
        "tools/call",
        "resources/list",
        "prompts/get",
        "logging/setLevel",
        "completion/complete",
        "no/such",
    ];
    for ask in incomplete_handshakes() {
        let mut lines = Lines::open(&house.runtime);
        let exchange = |method: &str, id: u32| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{\"name\":\"count\"}}}}\n"
            )
        };
        for (id, method) in (0..).zip(early) {
            lines.send(exchange(method, id)).await;
            let answer = lines.next_message().await;
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&id.into(), &(-32600).into()),
                "row 33, {method}: {answer}"
            );
        }
        lines.send(exchange("ping", 20)).await;
        assert!(lines.next_message().await["result"].is_object(), "row 33: a ping may come before");
        let body = String::from_utf8(ask.body.clone()).expect("text").replace("$id", "21");
        lines.send(format!("{body}\n")).await;
        let answer = lines.next_message().await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&21.into(), &(-32602).into()),
            "row 35, {body}: {answer}"
        );
        lines.send(format!("{}\n{INITIALIZED}\n", NEWEST_LEGACY.initialize())).await;
        assert_eq!(lines.next_message().await["result"]["protocolVersion"], NEWEST_LEGACY.0);
        lines.send(exchange("tools/list", 22)).await;
        assert!(lines.next_message().await["result"]["tools"].is_array());
    }
    assert_eq!(house.ran(), 0);
}

#[tokio::test]
async fn on_lines_versions_are_negotiated_too() {
    let house = House::open();
    for version in ["1900-01-01", "9999-12-31", "2026-07-28", "foo", ""] {
        let mut lines = Lines::open(&house.runtime);
        let body = String::from_utf8(asking_for(version).body).expect("text").replace("$id", "\"a\"");
        lines.send(format!("{body}\n")).await;
        let answer = lines.next_message().await;
        assert_eq!(
            (&answer["id"], &answer["result"]["protocolVersion"]),
            (&"a".into(), &NEWEST_LEGACY.0.into()),
            "row 34: {answer}"
        );
    }
}

#[tokio::test]
async fn sessions_that_are_not_there_are_not_found() {
    let strangers = [
        "unknown",
        "none",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "null",
        "0",
        "../..",
        "$sessionx",
        "x$session",
        "*",
    ];
    let malformed: [&[u8]; 9] = [
        b"",
        b"a b",
        b"a\tb",
        b"\x80",
        "é".as_bytes(),
        b"$session $session",
        b"$session, $session",
        &[b'x'; 257],
        &[b'x'; 8_000],
    ];
    let ten_kib = [b'x'; 10 * 1024];
    let everywhere =
        |id: &[u8]| [count(), ask("GET", "/mcp"), ask("DELETE", "/mcp")].map(|ask| ask.set(SESSION, id));
    let two = [
        count().add(SESSION, "$session"),
        count().add(SESSION, "other"),
        count().set(SESSION, "other").add(SESSION, "$session"),
    ];
    let posts = |ids: &[&[u8]]| ids.iter().map(|id| count().set(SESSION, id)).collect::<Vec<_>>();
    let notes = [post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).set(SESSION, "unknown")];
    let deletes = [ask("DELETE", "/mcp").without(SESSION), ask("GET", "/mcp").without(SESSION)];
    hold(
        &House::open(),
        &[
            row(37, "an unknown session", strangers.iter().flat_map(|id| everywhere(id.as_bytes())))
                .over(HTTP)
                .legacy(refused(&[404])),
            row(37, "a notification to an unknown session", notes).over(HTTP).legacy(refused(&[404])),
            row(37, "an unknown session is nobody's business", strangers.map(|id| count().set(SESSION, id)))
                .over(HTTP)
                .modern(served()),
            row(38, "an id that can't be one", malformed.iter().flat_map(|id| everywhere(id)))
                .over(HTTP)
                .legacy(refused(&[400])),
            row(38, "an id of 10 KiB", everywhere(&ten_kib)).over(HTTP).legacy(refused(&[400])),
            row(38, "an id with a byte that HTTP has no place for", everywhere(b"a\x7fb"))
                .over(HTTP1)
                .legacy(refused(&[400])),
            row(38, "an id that can't be one is nobody's business", posts(&malformed))
                .over(HTTP)
                .modern(served()),
            row(38, "nor is one of 10 KiB", posts(&[&ten_kib])).over(HTTP).modern(served()),
            row(38, "more than one id", two).over(HTTP).legacy(refused(&[400])),
            row(40, "a session is to be ended or listened to, and none is named", deletes)
                .over(HTTP)
                .legacy(refused(&[400])),
            row(
                41,
                "no stream is wanted",
                [
                    ask("GET", "/mcp").without("Accept"),
                    ask("GET", "/mcp").set("Accept", "application/json"),
                    ask("GET", "/mcp").set("Accept", "text/html"),
                    ask("GET", "/mcp").set("Accept", "text/event-stream;q=0"),
                    ask("GET", "/mcp").set("Accept", ""),
                ],
            )
            .over(HTTP)
            .legacy(refused(&[406])),
            row(43, "an event that was never sent", [ask("GET", "/mcp").add("Last-Event-ID", "forged")])
                .over(HTTP)
                .legacy(refused(&[400])),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_session_ends_when_its_client_says_so() {
    let house = House::open();
    let ends = [
        ask("DELETE", "/mcp"),
        ask("DELETE", "/mcp").set("Accept", "text/html"),
        ask("DELETE", "/mcp").add("Content-Length", "0"),
    ];
    for (end, era) in ends.iter().flat_map(|end| era::EVERY.map(|era| (end, era))) {
        if !era.is_modern() {
            end_session(&house, end, era).await;
        }
    }
    assert!(house.runtime.sessions().is_empty(), "nothing is left behind");
    assert_eq!(house.ran(), 0);
}

/// Opens a session, ends it, and asks it once more in every way.
async fn end_session(house: &House, end: &Ask, era: Era) {
    let mut client = Http1::connect(house.address).await;
    let mut seat = Seat { era, session: None, host: house.address.to_string() };
    let opened = client.exchange(&post(era.initialize()).prepare(&seat, "")).await.expect("an answer");
    let session = opened.header("mcp-session-id").expect("a session").to_owned();
    assert!(session.len() >= 22 && session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{session}");
    seat.session = Some(session);
    let mut check = async |ask: &Ask, expect: Expect| {
        let answer = client.exchange(&ask.prepare(&seat, "1")).await.expect("an answer");
        let checked = expect.check(&answer, "1");
        assert!(checked.is_ok(), "{era:?}, {}: {checked:?}: {}", ask.shown(), answer.shown());
    };
    check(&post(call("echo", r#"{"message":"hi"}"#)), answered(&[200])).await;
    check(end, answered(&[204])).await;
    for again in [count(), ask("GET", "/mcp"), ask("DELETE", "/mcp"), post(INITIALIZED)] {
        check(&again, refused(&[404])).await;
    }
    check(&ask("DELETE", "/mcp").set(SESSION, "never"), refused(&[404])).await;
    check(&ask("DELETE", "/mcp").without(SESSION), refused(&[400])).await;
}
