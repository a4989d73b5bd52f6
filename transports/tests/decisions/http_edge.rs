//! Part L: whose site it is, methods, and the media types of what is sent and wanted.

use crate::support::ask::{Ask, ask, count, post};
use crate::support::era::is_newest;
use crate::support::expect::{accepted, answered, bare, refused, served};
use crate::support::house::{FRIENDLY_ORIGIN, House, OTHER_HOST};
use crate::support::table::{HTTP, HTTP1, OUR_HTTP, hold, row};

/// Every route, in each way in which it may be asked.
fn routes() -> Vec<Ask> {
    let mut routes = vec![count()];
    for target in [
        "/mcp",
        "/healthz",
        "/readyz",
        "/",
        "/metrics",
        "/sse",
        "/message",
        "/.well-known/oauth-protected-resource",
        "/mcp/",
    ] {
        for method in ["GET", "DELETE", "OPTIONS", "PUT"] {
            routes.push(ask(method, target));
        }
    }
    routes
}

fn each(asks: &[Ask], header: &'static str, values: &[&str]) -> Vec<Ask> {
    asks.iter().flat_map(|ask| values.iter().map(|value| ask.clone().set(header, value))).collect()
}

#[tokio::test]
async fn other_hosts_are_refused_on_every_route() {
    let hosts = [
        "evil.com",
        "evil.com:8000",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "evil.com.localhost.",
        "mcp.example.com.evil.com",
        "0.0.0.0",
        "169.254.169.254",
        "2130706433",
        "xn--localhost-abc.com",
    ];
    let loopback = [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:8000",
        OTHER_HOST,
        "MCP.example.com:443",
    ];
    let malformed = ["", "a@127.0.0.1", "127.0.0.1:8000:9000", "local host", "127.0.0.1/mcp", "[::1"];
    let to = |target: &str| Ask { target: target.into(), ..count() };
    let unclear = [
        count().without("Host"),
        count().add("Host", "127.0.0.1"),
        count().add("Host", "evil.com"),
        count().set("Host", "evil.com").add("Host", "localhost"),
        to("http://evil.com/mcp"),
        to("http://localhost/mcp").set("Host", "evil.com"),
        to("http://evil.com/mcp").set("Host", "evil.com"),
    ];
    hold(
        &House::open(),
        &[
            row(104, "another host", each(&[count()], "Host", &hosts)).over(HTTP).both(refused(&[403])),
            row(104, "another host, on every route", each(&routes(), "Host", &hosts[..3]))
                .over(HTTP)
                .in_eras(is_newest)
                .both(refused(&[403])),
            row(104, "a host that is none", each(&routes()[..3], "Host", &malformed))
                .over(HTTP1)
                .both(refused(&[400, 403])),
            row(104, "no host, or more than one", unclear).over(HTTP1).both(refused(&[400, 403])),
            row(104, "our own hosts", each(&[count()], "Host", &loopback)).over(HTTP).both(served()),
        ],
    )
    .await;
}

#[tokio::test]
async fn other_origins_are_refused_on_every_route() {
    let origins = [
        "http://evil.com",
        "https://evil.com",
        "null",
        "http://localhost.evil.com",
        "http://localhost:1",
        "http://localhost",
        "http://127.0.0.1",
        "https://app.example.com.evil.com",
        "https://app.example.com:8443",
        "http://app.example.com",
        "",
        "file://",
        "evil.com",
        "http://evil.com http://localhost",
    ];
    let two = [
        count().set("Origin", FRIENDLY_ORIGIN).add("Origin", "http://evil.com"),
        count().set("Origin", "http://evil.com").add("Origin", FRIENDLY_ORIGIN),
        count().set("Origin", FRIENDLY_ORIGIN).add("Origin", FRIENDLY_ORIGIN),
        count().set("Origin", b"https://app.example.com\x80"),
    ];
    let friendly = [FRIENDLY_ORIGIN, "https://APP.example.com"];
    let own = [count().set("Host", "localhost:8000").set("Origin", "http://localhost:8000"), count()];
    let simple = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
    ]
    .map(|media| count().set("Content-Type", media).set("Origin", "http://evil.com"));
    let large = [Ask { body: vec![b' '; 5 * 1024 * 1024], ..count() }
        .set("Origin", "http://evil.com")
        .labelled("large")];
    hold(
        &House::open(),
        &[
            row(104, "another origin", each(&[count()], "Origin", &origins)).over(HTTP).both(refused(&[403])),
            row(104, "another origin, on every route", each(&routes(), "Origin", &origins[..4]))
                .over(HTTP)
                .in_eras(is_newest)
                .both(refused(&[403])),
            row(104, "more than one origin, or none that can be read", two)
                .over(HTTP)
                .both(refused(&[400, 403])),
            row(104, "an origin that may call", each(&[count()], "Origin", &friendly))
                .over(HTTP)
                .both(served().header("access-control-allow-origin", None)),
            row(104, "our own origin, and none", own).over(HTTP).both(served()),
            row(107, "what a page may send without asking first", simple).over(HTTP).both(refused(&[403])),
            row(104, "the origin is looked at before the size", large).over(HTTP1).both(refused(&[403])),
            row(104, "a page asks first", [ask("OPTIONS", "/mcp").set("Origin", FRIENDLY_ORIGIN)])
                .over(HTTP)
                .both(
                    answered(&[200, 204])
                        .header("access-control-allow-origin", Some(FRIENDLY_ORIGIN))
                        .header("access-control-allow-headers", None),
                ),
        ],
    )
    .await;
}

#[tokio::test]
async fn other_methods_are_refused_and_told_which_there_are() {
    let methods = ["PUT", "TRACE", "PATCH", "HEAD", "OPTIONS", "PROPFIND", "post", "X-ANY"]
        .map(|method| ask(method, "/mcp"));
    let with_body = ["PUT", "PATCH"].map(|method| Ask { method, ..count() });
    let tunnel = ["127.0.0.1:80", "localhost:443"].map(|host| ask("CONNECT", host).set("Host", host));
    let health = ["POST", "PUT", "DELETE", "OPTIONS"].map(|method| ask(method, "/healthz"));
    let health_of = |method| ["/healthz", "/readyz"].map(|target| ask(method, target));
    let streams = [
        ask("GET", "/mcp"),
        ask("DELETE", "/mcp"),
        ask("GET", "/mcp").without("Accept"),
        ask("GET", "/mcp").set("Accept", "application/json"),
    ];
    let not_allowed = || refused(&[405]).header("allow", None);
    hold(
        &House::open(),
        &[
            row(105, "another method", methods).over(HTTP).both(not_allowed()),
            row(105, "another method, with a body", with_body).over(HTTP).both(not_allowed()),
            row(105, "a tunnel", tunnel).over(HTTP1).both(not_allowed()),
            row(105, "another method on another route", health).over(HTTP).both(not_allowed()),
            row(40, "neither streams nor sessions in this era", streams).over(HTTP).modern(not_allowed()),
            row(
                105,
                "no such route",
                ["/", "/mcp/", "/MCP", "/mcp/x", "/authorize", "/token", "/register"]
                    .map(|target| ask("GET", target)),
            )
            .over(HTTP)
            .both(refused(&[404])),
            row(105, "health", health_of("GET"))
                .over(HTTP)
                .both(answered(&[200]).header("content-type", None)),
            row(105, "health, without a body", health_of("HEAD")).over(HTTP).both(bare(&[200])),
        ],
    )
    .await;
}

#[tokio::test]
async fn media_types_are_json_and_events() {
    let unwanted = [
        "application/json",
        "text/event-stream",
        "text/html",
        "application/*",
        "text/*",
        "",
        "application/jsonp, text/event-streams",
        "application/json;q=0, text/event-stream",
        "application/json, text/event-stream;q=0.0",
        "application/json text/event-stream",
    ];
    let wanted = [
        "application/json, text/event-stream",
        "text/event-stream,application/json",
        "*/*",
        "application/*, text/*",
        "Application/JSON ; charset=utf-8 , TEXT/Event-Stream;q=0.1",
        "text/html, application/json;q=0.9, text/event-stream;q=0.9, */*;q=0.1",
    ];
    let in_two = [count().set("Accept", "application/json").add("Accept", "text/event-stream")];
    let media = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-seq",
        "application/json-rpc",
        "application/jsonx",
        "text/json",
        "json",
        "",
        "*/*",
        "application/json,text/plain",
        "application / json",
        "x-application/json",
    ];
    let other_media = [
        count().without("Content-Type"),
        count().add("Content-Type", "application/json"),
        count().add("Content-Type", "text/plain"),
        count().set("Content-Type", "text/plain").add("Content-Type", "application/json"),
        count().set("Content-Type", b"application/json\x80"),
    ];
    let good_media = [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/json;charset=\"utf-8\"",
        " application/json ",
    ];
    let both_wrong = [count().set("Content-Type", "text/plain").set("Accept", "text/html")];
    let unreadable = [Ask { body: b"{".to_vec(), ..count() }.set("Content-Type", "text/plain")];
    let noted = [post(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#)];
    hold(
        &House::open(),
        &[
            row(106, "an answer could not be read", each(&[count()], "Accept", &unwanted))
                .over(HTTP)
                .both(refused(&[406])),
            row(106, "every answer can be read", each(&[count()], "Accept", &wanted))
                .over(HTTP1)
                .both(served()),
            row(106, "the header in two lines", in_two).over(OUR_HTTP).both(served()),
            row(107, "another media type", each(&[count()], "Content-Type", &media))
                .over(HTTP)
                .both(refused(&[415])),
            row(107, "no media type, or more than one", other_media).over(HTTP).both(refused(&[415])),
            row(107, "JSON", each(&[count()], "Content-Type", &good_media)).over(HTTP1).both(served()),
            row(
                107,
                "the type of what is sent is looked at before the text",
                [both_wrong, unreadable].concat(),
            )
            .over(HTTP)
            .both(refused(&[415])),
            row(28, "no body where there is nothing to say", noted)
                .over(HTTP1)
                .both(accepted().header("content-length", Some("0"))),
        ],
    )
    .await;
}
