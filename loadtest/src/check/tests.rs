//! The tables of right and wrong answers.

use super::*;

const ID: Id = Id(*b"100000007");

fn kind(expectation: Expectation, status: u16, content: &Content, body: &str) -> String {
    let answer = Answer { status, content, session: None, body: body.as_bytes(), raw: body.as_bytes() };
    match Checker::new(expectation).check(&answer, ID, None) {
        Ok(()) => "right".to_owned(),
        Err(trouble) => trouble.kind().into_owned(),
    }
}

#[test]
fn answers_are_told_apart() {
    let text = || Expectation::ToolText("hi".to_owned());
    let tools = || Expectation::List("tools");
    let rows = [
        (
            text(),
            r#"{"jsonrpc":"2.0","id":100000007,"result":{"content":[{"type":"text","text":"hi"}]}}"#,
            "right",
        ),
        (
            text(),
            r#"{"result":{"resultType":"complete","content":[{"text":"hi"}],"isError":false},"id":100000007,"jsonrpc":"2.0"}"#,
            "right",
        ),
        (
            text(),
            r#"{"jsonrpc":"2.0","id":100000007,"result":{"content":[{"type":"text","text":"ho"}]}}"#,
            "wrong content",
        ),
        (text(), r#"{"jsonrpc":"2.0","id":100000007,"result":{"content":[]}}"#, "wrong content"),
        (text(), r#"{"jsonrpc":"2.0","id":100000007,"result":{}}"#, "bad message"),
        (text(), r#"{"jsonrpc":"2.0","id":100000008,"result":{"content":[{"text":"hi"}]}}"#, "wrong id"),
        (text(), r#"{"jsonrpc":"2.0","id":"100000007","result":{"content":[{"text":"hi"}]}}"#, "wrong id"),
        (text(), r#"{"jsonrpc":"2.0","result":{"content":[{"text":"hi"}]}}"#, "wrong id"),
        (text(), r#"{"id":100000007,"result":{"content":[{"text":"hi"}]}}"#, "bad message"),
        (
            text(),
            r#"{"jsonrpc":"2.0","id":100000007,"result":{"content":[{"text":"hi"}],"isError":true}}"#,
            "tool error",
        ),
        (text(), r#"{"jsonrpc":"2.0","id":100000007,"error":{"code":-32602,"message":"no"}}"#, "rpc -32602"),
        (text(), r#"{"jsonrpc":"2.0","id":100000007}"#, "bad message"),
        (text(), r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, "no answer"),
        (text(), "", "bad message"),
        (text(), "{", "bad message"),
        (
            Expectation::ToolResult,
            r#"{"jsonrpc":"2.0","id":100000007,"result":{"resultType":"input_required","content":[]}}"#,
            "unfinished",
        ),
        (Expectation::ToolResult, r#"{"jsonrpc":"2.0","id":100000007,"result":{"content":[]}}"#, "right"),
        (Expectation::Result, r#"{"jsonrpc":"2.0","id":100000007,"result":{}}"#, "right"),
        (tools(), r#"{"jsonrpc":"2.0","id":100000007,"result":{"tools":[{"name":"a"}]}}"#, "right"),
        (tools(), r#"{"jsonrpc":"2.0","id":100000007,"result":{"tools":[]}}"#, "wrong content"),
        (tools(), r#"{"jsonrpc":"2.0","id":100000007,"result":{}}"#, "bad message"),
    ];
    for (expectation, body, expected) in rows {
        assert_eq!(kind(expectation, 200, &Content::Json, body), expected, "{body}");
    }
}

#[test]
fn status_and_content_type_come_first() {
    let body = r#"{"jsonrpc":"2.0","id":100000007,"result":{}}"#;
    assert_eq!(kind(Expectation::Result, 429, &Content::Json, body), "http 429");
    assert_eq!(kind(Expectation::Result, 202, &Content::Json, body), "http 202");
    assert_eq!(kind(Expectation::Result, 200, &Content::Other("text/html".into()), body), "content type");
}

#[test]
fn an_answer_is_found_among_events() {
    let note = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":100000007,"result":{}}"#;
    let rows = [
        (format!(": hi\n\nid: 1\ndata:\n\ndata: {note}\n\nevent: message\ndata: {answer}\n\n"), "right"),
        (format!("data: {note}\n\n"), "no answer"),
        (format!("data: {answer}\n"), "no answer"),
        ("data: nonsense\n\n".to_owned(), "bad message"),
    ];
    for (body, expected) in rows {
        assert_eq!(kind(Expectation::Result, 200, &Content::Events, &body), expected, "{body}");
    }
}

fn raw(date: &str, session: &str, id: &str, text: &str) -> Vec<u8> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"text":"{text}"}}]}}}}"#);
    let head = format!(
        "HTTP/1.1 200 OK\r\ndate: {date}\r\nMcp-Session-Id: {session}\r\ncontent-length: {}",
        body.len()
    );
    format!("{head}\r\n\r\n{body}").into_bytes()
}

#[test]
fn what_was_checked_is_known_again_but_for_id_date_and_session() {
    const NOON: &str = "Sun, 22 Nov 2026 12:00:00 GMT";
    const LATER: &str = "Sun, 22 Nov 2026 12:00:01 GMT";
    let checker = Checker::new(Expectation::ToolText("hello".to_owned()));
    let first = raw(NOON, "abc", "100000007", "hello");
    assert_eq!(checker.knows(&first, ID, Some(b"abc")), None);
    let body = &first[memchr::memmem::find(&first, b"{").unwrap()..];
    let answer = Answer { status: 200, content: &Content::Json, session: None, body, raw: &first };
    checker.check(&answer, ID, Some(b"abc")).unwrap();
    let next = Id(*b"100000008");
    let rows = [
        (raw(NOON, "abc", "100000007", "hello"), ID, "abc", true),
        (raw(LATER, "xyz", "100000008", "hello"), next, "xyz", true),
        (raw(LATER, "xyz", "100000008", "hello"), next, "abc", false),
        (raw(NOON, "abc", "100000007", "hello"), next, "abc", false),
        (raw(NOON, "abc", "100000007", "hellO"), ID, "abc", false),
        (raw(NOON, "abc", "100000007", "hello!"), ID, "abc", false),
        (raw("Sun, 22 Nov 2026 12:00:00 UTC!", "ab", "100000007", "hello"), ID, "ab", false),
    ];
    for (raw, id, session, expected) in rows {
        let known = checker.knows(&raw, id, Some(session.as_bytes()));
        assert_eq!(known, expected.then_some(body.len()), "{}", String::from_utf8_lossy(&raw));
    }
}

#[test]
fn an_id_that_stands_in_the_content_too_is_not_learned() {
    let checker = Checker::new(Expectation::ToolResult);
    let bytes = raw("x", "y", "100000007", "100000007");
    let body = &bytes[memchr::memmem::find(&bytes, b"{").unwrap()..];
    let answer = Answer { status: 200, content: &Content::Json, session: None, body, raw: &bytes };
    checker.check(&answer, ID, None).unwrap();
    assert_eq!(checker.knows(&bytes, ID, None), None);
}

#[test]
fn notifications_and_requests_are_no_answers() {
    assert!(is_answer(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
    assert!(is_answer(b"garbage is for the check to refuse"));
    assert!(!is_answer(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#));
}
