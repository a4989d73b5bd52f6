//! The pack `http` as a client meets it, and as the API meets it: what arrives there is what was meant.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use impresario_engine::{CachePolicy, CacheScope, Offer, Runtime};
use serde_json::json;

use stage::{agreeable, api, call, call_until, open, request, respond, respond_json, runtime, settings};

mod examples;
mod failing;
mod stage;

const USERS: &str = r#"
[tools.user]
description = "Find a user."
path = "/v1/users/{id}/posts"
query = { filter = "{filter}", page = 1, tag = ["{tag}", "fixed"] }
headers = { X-Trace = "trace {filter}" }
arguments.id = { type = "string" }
arguments.filter = { type = "string", required = false }
arguments.tag = { type = "string", default = "all" }
"#;

/// Security row 57: whatever an argument holds, the API sees one encoded segment.
#[tokio::test]
async fn whatever_an_argument_holds_arrives_as_one_segment() {
    let (address, asked) = agreeable();
    let runtime = runtime(&address, USERS).await;
    for (id, segment) in [
        ("../", "..%2F"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("%2e%2e%2f", "%252e%252e%252f"),
        ("?a=b", "%3Fa%3Db"),
        ("#", "%23"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("//evil", "%2F%2Fevil"),
        ("@127.0.0.1:22/", "%40127.0.0.1%3A22%2F"),
    ] {
        let (text, is_error) = call(&runtime, "user", &json!({ "id": id }));
        assert!(!is_error, "{id}: {text}");
        let request = asked.last();
        let line = format!("GET /v1/users/{segment}/posts?page=1&tag=all&tag=fixed HTTP/1.1\r\n");
        assert!(request.starts_with(&line), "{id}: {request}");
        assert!(!request.to_ascii_lowercase().contains("x-evil: 1"), "{request}");
    }
    let count = asked.all().len();
    for id in ["..", ".", ""] {
        let (text, is_error) = call(&runtime, "user", &json!({ "id": id }));
        assert!(is_error && text.contains("`id`"), "{text}");
    }
    assert_eq!(asked.all().len(), count, "nothing was sent");
}

#[tokio::test]
async fn queries_and_headers_keep_their_shape() {
    let (address, asked) = agreeable();
    let runtime = runtime(&address, USERS).await;
    call(&runtime, "user", &json!({ "id": "7", "filter": "a&page=9#x", "tag": "ü" }));
    let request = asked.last();
    assert!(
        request.starts_with("GET /v1/users/7/posts?filter=a%26page%3D9%23x&page=1&tag=%C3%BC&tag=fixed HTTP"),
        "{request}"
    );
    assert!(request.contains("x-trace: trace a&page=9#x\r\n"), "{request}");
    for filter in ["a\r\nX-Evil: 1", "a\nb", "\u{7f}", "ü\0"] {
        let (text, is_error) = call(&runtime, "user", &json!({ "id": "7", "filter": filter }));
        assert!(is_error && text.contains("x-trace"), "{filter:?}: {text}");
    }
}

#[tokio::test]
async fn arguments_are_held_against_their_schema_and_bodies_keep_types() {
    let (address, asked) = agreeable();
    let runtime = runtime(
        &address,
        r#"
[tools.create]
description = "Create one."
method = "POST"
path = "/things"
body.json = { name = "{name}", count = "{count}", note = "{note}", fixed = true }
arguments.name = { type = "string", maxLength = 5 }
arguments.count = { type = "integer" }
arguments.note = { type = "string", required = false }

[tools.form]
description = "Send a form."
method = "POST"
path = "/form"
body.form = { a = "{a}", b = "1 2" }
arguments.a = { type = "array" }
"#,
    )
    .await;
    call(&runtime, "create", &json!({ "name": "\"}x", "count": 3 }));
    let request = asked.last();
    let body: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body, json!({ "name": "\"}x", "count": 3, "fixed": true }));
    assert!(request.contains("content-type: application/json\r\n"), "{request}");
    call(&runtime, "form", &json!({ "a": ["x&y", "="] }));
    assert!(asked.last().ends_with("\r\n\r\na=x%26y&a=%3D&b=1%202"), "{}", asked.last());
    let count = asked.all().len();
    for wrong in [json!({}), json!({ "name": "toolong", "count": 1 }), json!({ "name": "a", "count": "1" })] {
        assert!(call(&runtime, "create", &wrong).1, "{wrong}");
    }
    assert_eq!(asked.all().len(), count);
}

#[tokio::test]
async fn a_second_request_follows_the_first_but_only_to_allowed_places() {
    let (stranger, strange_asked) = agreeable();
    let (address, asked) = api(move |_, request, stream| {
        let own = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        match request.split(' ').nth(1).unwrap() {
            "/points/1,2" => respond_json(stream, &json!({ "next": format!("http://{own}/forecast") })),
            "/points/3,4" => respond_json(stream, &json!({ "next": format!("{stranger}/x") })),
            "/points/5,6" => respond_json(stream, &json!({ "next": "http://169.254.169.254/x" })),
            "/points/7,8" => respond_json(stream, &json!({ "next": 1 })),
            _ => respond_json(
                stream,
                &json!({ "periods": [{ "name": "Tonight", "t": 9 }, { "name": "Later", "t": 8 }] }),
            ),
        }
    });
    let runtime = runtime(
        &address,
        r#"
auth = { bearer = "hunter2-token" }
[tools.forecast]
description = "Forecast."
path = "/points/{latitude},{longitude}"
follow = "/next"
result = { pointer = "/periods", items_max = 1, text = "{/name}: {/t} degrees" }
arguments.latitude = { type = "number" }
arguments.longitude = { type = "number" }
"#,
    )
    .await;
    let forecast = |a, b| call(&runtime, "forecast", &json!({ "latitude": a, "longitude": b }));
    assert_eq!(forecast(1, 2), ("Tonight: 9 degrees".into(), false));
    assert_eq!(asked.lines(), ["GET /points/1,2", "GET /forecast"]);
    assert!(asked.all().iter().all(|request| request.contains("authorization: Bearer hunter2-token\r\n")));
    for (a, b, expected) in [(3, 4, "allowed ports"), (5, 6, "metadata"), (7, 8, "no URL at /next")] {
        let (text, is_error) = forecast(a, b);
        assert!(is_error && text.contains(expected), "{text}");
    }
    assert!(strange_asked.all().is_empty());
}

#[tokio::test]
async fn resources_are_read_through_their_template() {
    let (address, asked) = api(|_, request, stream| {
        if request.starts_with("GET /alerts?area=XX") {
            return respond(stream, "404 Not Found", "", "");
        }
        respond_json(stream, &json!({ "features": [{ "event": "Flood" }] }));
    });
    let runtime = runtime(
        &address,
        r#"
[resources.alerts]
uri = "weather://alerts/{state}"
path = "/alerts"
query = { area = "{state}" }
mime_type = "text/markdown"
ttl = "1m"
result = { pointer = "/features", text = "- {/event} in {state}" }

[resources.all]
uri = "weather://all"
path = "/all"
"#,
    )
    .await;
    let read = |uri: &str| request(&runtime, "resources/read", json!({ "uri": uri }));
    let alerts = read("weather://alerts/C%2FA");
    assert_eq!(alerts["contents"][0]["text"], "- Flood in C/A", "{alerts}");
    assert_eq!(alerts["contents"][0]["mimeType"], "text/markdown");
    assert_eq!((&alerts["ttlMs"], &alerts["cacheScope"]), (&json!(60_000), &json!("public")), "{alerts}");
    assert_eq!(asked.lines(), ["GET /alerts?area=C%2FA"]);
    assert_eq!(read("weather://alerts/XX")["code"], -32602);
    let all = read("weather://all");
    assert_eq!(all["contents"][0]["mimeType"], "application/json", "{all}");
    assert_eq!(all["contents"][0]["text"], r#"{"features":[{"event":"Flood"}]}"#);
}

#[tokio::test]
async fn tools_say_how_they_behave_and_carry_the_prefix() {
    let (address, _asked) = agreeable();
    let http = open(&settings(
        &address,
        r#"
prefix = "crm_"
[tools.find]
description = "Find."
method = "POST"
path = "/find"
read_only = true
[tools.remove]
description = "Remove."
method = "delete"
path = "/thing"
"#,
    ))
    .await
    .unwrap();
    let runtime = Runtime::builder().offer(http.offer()).lanes(1).start().unwrap();
    let list = request(&runtime, "tools/list", json!({}));
    let hints = |name: &str| {
        let tools = list["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("{list}"))["annotations"]
            .clone()
    };
    assert_eq!(hints("crm_find")["readOnlyHint"], true);
    let remove = hints("crm_remove");
    assert_eq!((&remove["destructiveHint"], &remove["idempotentHint"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_call_that_is_taken_back_drops_its_request() {
    let arrived = Arc::new(tokio::sync::Notify::new());
    let (gone_tx, gone_rx) = std::sync::mpsc::channel();
    let tell = Arc::clone(&arrived);
    let (address, _asked) = api(move |_, _, stream| {
        tell.notify_one();
        let _gone = stream.read_to_end(&mut Vec::new());
        gone_tx.send(()).unwrap();
    });
    let runtime = runtime(&address, "[tools.wait]\ndescription = \"Wait.\"\npath = \"/\"\n").await;
    call_until(&runtime, "wait", arrived);
    gone_rx.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[tokio::test]
async fn answers_may_be_kept_by_the_runtimes_cache() {
    let (address, asked) = agreeable();
    let http = open(&settings(&address, USERS)).await.unwrap();
    let policy = CachePolicy::ttl(Duration::from_secs(600)).scope(CacheScope::Public);
    let tools = http.offer().tools.into_iter().map(|tool| tool.cache(policy.clone())).collect();
    let runtime = Runtime::builder().offer(Offer { tools, ..Offer::default() }).lanes(1).start().unwrap();
    for _ in 0..3 {
        assert_eq!(call(&runtime, "user", &json!({ "id": "1" })).0, r#"{"ok":true}"#);
    }
    assert_eq!(asked.all().len(), 1);
    call(&runtime, "user", &json!({ "id": "2" }));
    assert_eq!(asked.all().len(), 2);
}

#[tokio::test]
async fn settings_that_can_not_work_name_their_key() {
    let wrong = async |toml: &str| open(&toml::from_str(toml).unwrap()).await.unwrap_err();
    let base = "base_url = \"https://api.example.com\"\n";
    let tool = |rest: &str| format!("{base}[tools.a]\ndescription = \"A.\"\n{rest}");
    for (toml, key, message) in [
        (String::new(), "base_url", "say where"),
        ("base_url = \"ftp://a\"".into(), "base_url", "http"),
        ("base_url = \"https://u:hunter2@a\"".into(), "base_url", "`auth`"),
        ("base_url = \"http://127.0.0.1:9\"".into(), "base_url", "allow_private"),
        (format!("{base}allow_private = [\"all\"]"), "allow_private", "range"),
        (format!("{base}allow_hosts = [\"https://a\"]"), "allow_hosts", "without scheme"),
        (format!("{base}headers = {{ Host = \"a\" }}"), "headers.Host", "client's own"),
        (format!("{base}ca_file = \"no.pem\""), "", "no.pem"),
        (tool("path = \"a\""), "tools.a.path", "slash"),
        (tool("path = \"/a?b=c\""), "tools.a.path", "`query`"),
        (tool("path = \"/{a}\""), "tools.a.path", "`{a}` is not among the arguments"),
        (tool("path = \"/\"\nmethod = \"FETCH\""), "tools.a.method", "GET"),
        (tool("path = \"/\"\narguments.b = {}"), "tools.a.arguments.b", "used nowhere"),
        (tool("path = \"/\"\nresult.pointer = \"a\""), "tools.a.result.pointer", "JSON pointer"),
        (tool("path = \"/\"\nerrors = { nope = \"x\" }"), "tools.a.errors.nope", "404"),
        (tool("path = \"/\"\nmethod = \"POST\"\nfollow = \"/a\""), "tools.a.follow", "only a GET"),
        (
            format!("{base}[resources.r]\nuri = \"a://{{b}}\"\npath = \"/\""),
            "resources.r.uri.b",
            "used nowhere",
        ),
    ] {
        let error = wrong(&toml).await;
        assert_eq!(error.key, key, "{toml}: {error}");
        assert!(error.message.contains(message) && !error.message.contains("hunter2"), "{toml}: {error}");
    }
    for unknown in
        ["base = \"x\"", "[tools.a]\npat = \"/\"", "[retries]\ntimes = 3", "[tools.a.result]\npoint = \"\""]
    {
        assert!(toml::from_str::<impresario_tools::http::Settings>(unknown).is_err(), "{unknown}");
    }
}
