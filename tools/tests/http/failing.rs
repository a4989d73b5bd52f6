//! APIs that fail: what is tried again, what is held back, what the model is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::stage::{api, call, request, respond, respond_json, runtime};

const TOOLS: &str = r#"
timeout = "60s"
retries = { max = 2, pause = "1ms" }
breaker = { failures = 0 }
[tools.get]
description = "Get."
path = "/get"
[tools.post]
description = "Post."
path = "/post"
method = "POST"
[tools.repeatable]
description = "Post what may be posted twice."
path = "/post"
method = "POST"
idempotent = true
"#;

#[tokio::test]
async fn what_may_be_sent_twice_is_tried_again() {
    let (address, asked) = api(|n, _, stream| match n {
        0 => respond(stream, "503 Busy", "retry-after: 0\r\n", ""),
        1 => respond(stream, "429 Slow Down", "", ""),
        _ => respond_json(stream, &json!("done")),
    });
    let runtime = runtime(&address, TOOLS).await;
    assert_eq!(call(&runtime, "get", &json!({})), ("done".into(), false));
    assert_eq!(asked.all().len(), 3);
}

#[tokio::test]
async fn what_may_not_or_would_not_help_is_sent_once() {
    for (status, tool, times, text) in [
        ("503 Busy", "post", 1, "503"),
        ("503 Busy", "repeatable", 3, "503"),
        ("503 Busy", "get", 3, "503"),
        ("500 Oh", "get", 1, "500"),
        ("404 Gone", "get", 1, "404"),
        ("400 Bad", "get", 1, "400"),
    ] {
        let (address, asked) = api(move |_, _, stream| respond(stream, status, "", ""));
        let runtime = runtime(&address, TOOLS).await;
        let (said, is_error) = call(&runtime, tool, &json!({}));
        assert!(is_error && said.contains(text), "{said}");
        assert_eq!(asked.all().len(), times, "{status} {tool}");
    }
    // It asks for more patience than we have.
    let (address, asked) = api(|_, _, stream| respond(stream, "503 Busy", "retry-after: 3600\r\n", ""));
    assert!(call(&runtime(&address, TOOLS).await, "get", &json!({})).1);
    assert_eq!(asked.all().len(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_and_a_post_is_not() {
    let hang_up = |n: usize, _: &str, stream: &mut std::net::TcpStream| match n {
        0 => drop(stream.shutdown(std::net::Shutdown::Both)),
        _ => respond_json(stream, &json!("done")),
    };
    let (address, _asked) = api(hang_up);
    assert_eq!(call(&runtime(&address, TOOLS).await, "get", &json!({})), ("done".into(), false));
    let (address, asked) = api(hang_up);
    let (text, is_error) = call(&runtime(&address, TOOLS).await, "post", &json!({}));
    assert!(is_error && text.contains("broke off"), "{text}");
    assert_eq!(asked.all().len(), 1);
}

#[tokio::test]
async fn an_api_that_fails_again_and_again_is_left_alone_for_all_of_its_tools() {
    let (address, asked) = api(|_, _, stream| respond(stream, "500 Oh", "", ""));
    let toml = TOOLS.replace("failures = 0", "failures = 2, open_for = \"1h\"");
    let runtime = runtime(&address, &toml).await;
    for tool in ["get", "post"] {
        assert!(call(&runtime, tool, &json!({})).0.contains("500"));
    }
    for tool in ["get", "post", "repeatable"] {
        let (text, is_error) = call(&runtime, tool, &json!({}));
        assert!(
            is_error && text.contains("failed 2 times in a row") && text.contains("for 3600 s"),
            "{text}"
        );
    }
    assert_eq!(asked.all().len(), 2);
}

#[tokio::test]
async fn a_breaker_lets_one_call_find_out_and_closes() {
    let broken = Arc::new(AtomicUsize::new(2));
    let left = Arc::clone(&broken);
    let (address, asked) = api(move |_, _, stream| {
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => respond(stream, "500 Oh", "", ""),
            Err(_) => respond_json(stream, &json!("well")),
        }
    });
    // Open for no time: the next call is the one that finds out.
    let toml = TOOLS.replace("failures = 0", "failures = 1, open_for = \"0s\"");
    let runtime = runtime(&address, &toml).await;
    let answers: Vec<bool> = (0..4).map(|_| call(&runtime, "get", &json!({})).1).collect();
    assert_eq!((answers, asked.all().len()), (vec![true, true, false, false], 4));
}

#[tokio::test]
async fn mistakes_of_the_caller_do_not_open_the_breaker() {
    let (address, asked) = api(|_, _, stream| respond(stream, "404 Not Found", "", ""));
    let toml = TOOLS.replace("failures = 0", "failures = 1");
    let runtime = runtime(&address, &toml).await;
    for _ in 0..3 {
        assert!(call(&runtime, "get", &json!({})).0.contains("404"));
    }
    assert_eq!(asked.all().len(), 3);
}

#[tokio::test]
async fn a_secret_that_the_api_repeats_goes_no_further() {
    let (address, asked) = api(|_, request, stream| {
        let body = json!({ "detail": format!("bad request: {request}") });
        respond(stream, "400 Bad Request", "content-type: application/json\r\n", &body.to_string());
    });
    let toml = format!(
        "auth = {{ basic = {{ user = \"ada\", password = \"hunter2-password\" }} }}\n\
         query = {{ key = \"hunter2-query\" }}\nheaders = {{ X-Key = \"hunter2-header\" }}\n{TOOLS}"
    );
    let runtime = runtime(&address, &toml).await;
    let (text, is_error) = call(&runtime, "get", &json!({}));
    assert!(
        is_error && text.contains("400") && text.contains("[secret]") && !text.contains("hunter2"),
        "{text}"
    );
    let sent = asked.last();
    assert!(
        sent.starts_with("GET /get?key=hunter2-query HTTP") && sent.contains("x-key: hunter2-header"),
        "{sent}"
    );
    assert!(sent.contains("authorization: Basic YWRhOmh1bnRlcjItcGFzc3dvcmQ="), "{sent}");
}

#[tokio::test]
async fn answers_that_are_too_large_or_too_late_are_failures_that_say_so() {
    let (address, _asked) = api(|_, _, stream| respond(stream, "200 OK", "", &"x".repeat(2_000)));
    let large = runtime(&address, &format!("answer_bytes_max = \"1KiB\"\n{TOOLS}")).await;
    let (text, is_error) = call(&large, "get", &json!({}));
    assert!(is_error && text.contains("larger than 1024 bytes"), "{text}");

    let (address, _asked) = api(|_, _, stream| drop(std::io::Read::read_to_end(stream, &mut Vec::new())));
    let late = runtime(&address, &TOOLS.replace("60s", "100ms")).await;
    let (text, is_error) = call(&late, "get", &json!({}));
    assert!(is_error && text.contains("within 100 ms"), "{text}");
}

#[tokio::test]
async fn own_words_stand_in_for_the_apis() {
    let (address, _asked) = api(|_, _, stream| respond(stream, "404 Not Found", "", "internal gibberish"));
    let runtime = runtime(
        &address,
        r#"
[tools.user]
description = "A user."
path = "/users/{id}"
arguments.id = { type = "integer" }
errors = { 404 = "there is no user {id}; list_users has them all" }
"#,
    )
    .await;
    let (text, is_error) = call(&runtime, "user", &json!({ "id": 7 }));
    assert_eq!((text.as_str(), is_error), ("there is no user 7; list_users has them all", true));
    let tools = request(&runtime, "tools/list", json!({}));
    assert_eq!(tools["tools"].as_array().map(Vec::len), Some(1), "{}", Value::Null);
}
