//! What is made of answers.

use std::collections::BTreeMap;

use impresario_outbound::{HeaderMap, HeaderValue, StatusCode, Url};
use serde_json::json;

use super::*;

fn mapping(result: Value) -> Mapping {
    let result: ResultSettings = serde_json::from_value(result).unwrap();
    let errors = BTreeMap::from([("404".to_owned(), "there is no user {id}".to_owned())]);
    let (query, headers) = Default::default();
    Mapping::read(RequestSettings {
        method: "GET",
        path: "/",
        query: &query,
        headers: &headers,
        body: None,
        follow: None,
        result: &result,
        accept: &[409],
        errors: &errors,
    })
    .unwrap()
}

fn answer(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]),
        body: body.into().into(),
        url: Url::parse("https://api.example.com/a?key=hunter2").unwrap(),
    }
}

fn arguments() -> JsonObject {
    serde_json::from_value(json!({ "id": 7, "city": "Bonn" })).unwrap()
}

fn output(result: Value, body: &Value) -> Result<Output, String> {
    let answer = answer(200, "application/geo+json; charset=utf-8", body.to_string());
    mapping(result).output(&answer, &arguments()).map_err(|failure| failure.text)
}

#[test]
fn a_result_is_as_much_of_the_answer_as_was_asked_for() {
    let body = json!({
        "list": [
            { "name": "a", "deep": { "value": 1 }, "extra": true },
            { "name": "b", "deep": {}, "extra": false },
        ],
        "none": [], "null": null, "scalar": 5,
    });
    let json = |value| Ok(Output::Json(value));
    let text = |text: &str| Ok(Output::Text(text.into()));
    for (result, expected) in [
        (json!({}), json(body.clone())),
        (json!({"pointer": "/scalar"}), json(json!(5))),
        (json!({"pointer": "/list/1/name"}), json(json!("b"))),
        (
            json!({"pointer": "/list", "fields": {"n": "/name", "v": "/deep/value"}}),
            json(json!([{"n": "a", "v": 1}, {"n": "b"}])),
        ),
        (json!({"pointer": "/list", "items_max": 1, "fields": {"n": "/name"}}), json(json!([{"n": "a"}]))),
        (json!({"pointer": "/list", "text": "{/name}: {/deep/value}"}), text("a: 1\nb: unknown")),
        (json!({"pointer": "/list", "text": "{/name}", "separator": "--"}), text("a--b")),
        (json!({"fields": {"s": "/scalar"}, "text": "{city}: {/s} {{{.}}}"}), text("Bonn: 5 {{\"s\":5}}")),
        (json!({"pointer": "/none"}), json(json!([]))),
        (json!({"pointer": "/none", "empty": "nothing in {city}"}), text("nothing in Bonn")),
        (json!({"pointer": "/missing", "empty": "nothing"}), text("nothing")),
        (json!({"pointer": "/null"}), Err("the answer of api.example.com has nothing at /null".into())),
    ] {
        assert_eq!(output(result.clone(), &body), expected, "{result}");
    }
}

#[test]
fn what_is_no_json_is_text_or_a_file_or_a_failure() {
    let plain =
        |media_type, body: &[u8]| mapping(json!({})).output(&answer(200, media_type, body), &arguments());
    assert_eq!(plain("text/plain", b"a").unwrap(), Output::Text("a".into()));
    assert_eq!(plain("text/plain", b"\xff").unwrap(), Output::Text("\u{fffd}".into()));
    assert_eq!(plain("application/xml", b"<a/>").unwrap(), Output::Text("<a/>".into()));
    assert_eq!(plain("", b"").unwrap(), Output::Text("200 OK".into()));
    for (media_type, body) in
        [("image/svg+xml", &b"<svg/>"[..]), ("application/pdf", b"%PDF\0"), ("application/zip", b"\xff")]
    {
        match plain(media_type, body).unwrap() {
            Output::File { url, media_type: found, bytes } => {
                assert_eq!(
                    (url.as_str(), found.as_str(), &*bytes),
                    ("https://api.example.com/a", media_type, body)
                );
            }
            other => panic!("{media_type}: {other:?}"),
        }
    }
    assert_eq!(plain("application/json", b"{").unwrap_err().kind, Kind::UnexpectedAnswer);
    let wanted = mapping(json!({"pointer": "/a"})).output(&answer(200, "text/html", "<html>"), &arguments());
    assert!(wanted.unwrap_err().text.contains("text/html"));
}

#[test]
fn failures_say_what_the_api_says_in_bounds() {
    let mapping = mapping(json!({}));
    let failed = |status, media_type, body: String| {
        mapping.check(answer(status, media_type, body), &arguments()).unwrap_err()
    };
    let long = "x".repeat(10_000);
    for (status, media_type, body, kind, text) in [
        (404, "application/json", json!({"detail": "hm"}).to_string(), Kind::NotFound, "there is no user 7"),
        (
            400,
            "application/problem+json",
            json!({"detail": "bad\u{1b}[31m"}).to_string(),
            Kind::Rejected,
            "400 Bad Request: bad[31m",
        ),
        (
            500,
            "application/json",
            json!({"error": {"message": "oh"}}).to_string(),
            Kind::UpstreamFailed,
            "Error: oh",
        ),
        (401, "text/plain", "who?\n".into(), Kind::Denied, "401 Unauthorized: who?"),
        (
            429,
            "text/html",
            "<html>".into(),
            Kind::RateLimited,
            "api.example.com answered 429 Too Many Requests",
        ),
        (503, "text/plain", long.clone(), Kind::UpstreamFailed, "503 Service Unavailable: xxx"),
    ] {
        let failure = failed(status, media_type, body);
        assert!(
            failure.kind == kind && failure.text.contains(text) && failure.text.len() < 400,
            "{failure:?}"
        );
        assert_eq!(failure.is_transient, matches!(status, 429 | 503), "{status}");
    }
    assert!(mapping.check(answer(409, "text/plain", ""), &arguments()).is_ok(), "it is accepted");
    assert!(mapping.check(answer(204, "", ""), &arguments()).is_ok());
}
