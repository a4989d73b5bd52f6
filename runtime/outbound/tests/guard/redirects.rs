//! Redirects: each is a new URL, checked from the beginning, and strangers are told nothing of us.

use std::sync::Arc;

use impresario_outbound::{HeaderValue, Method, OutboundError, Refusal, Request};

use crate::stage::{ALLOWED, ByLetter, Stage, respond};
use crate::{get, is_blocked, outbound};

/// A server that sends `/N` on to `/N-1`, and whatever else stands behind `/to?` to that place.
fn redirecting() -> (Stage, Stage) {
    Stage::pair(|request, stream| {
        let path = request.split(' ').nth(1).unwrap();
        if let Some(to) = path.strip_prefix("/to?") {
            return respond(stream, "302 Found", &format!("location: {to}\r\n"), "");
        }
        if let Some((status, to)) = path.strip_prefix("/as?").and_then(|rest| rest.split_once('&')) {
            return respond(stream, &format!("{status} Moved"), &format!("location: {to}\r\n"), "");
        }
        match path[1..].parse::<u32>() {
            Ok(0) | Err(_) => respond(stream, "200 OK", "", "arrived"),
            Ok(left) => respond(stream, "302 Found", &format!("location: /{}\r\n", left - 1), ""),
        }
    })
}

#[tokio::test]
async fn a_redirect_to_what_is_blocked_is_not_followed() {
    let (open, closed) = redirecting();
    let outbound = outbound(&open, Arc::new(ByLetter));
    let port = closed.address.port();
    for to in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://name.b:{port}/"),
        "http://169.254.169.254/latest/".into(),
    ] {
        let result = get(&outbound, &open.url(&format!("/to?{to}"))).await;
        assert!(is_blocked(&result), "{to}: {result:?}");
    }
    for to in [
        "file:///etc/passwd",
        "gopher://127.0.0.2/",
        "http://u:p@127.0.0.2/",
        "http://127.0.0.2:22/",
        "http://[",
    ] {
        let result = get(&outbound, &open.url(&format!("/to?{to}"))).await;
        assert!(matches!(result, Err(OutboundError::Refused(_))), "{to}: {result:?}");
    }
    assert_eq!(closed.connections(), 0);
}

#[tokio::test]
async fn three_redirects_are_followed_and_not_one_more() {
    let (open, _closed) = redirecting();
    let outbound = outbound(&open, Arc::new(ByLetter));
    assert_eq!(get(&outbound, &open.url("/3")).await.unwrap(), "arrived");
    for redirects in ["/4", "/11"] {
        let result = get(&outbound, &open.url(redirects)).await;
        assert!(matches!(result, Err(OutboundError::Redirects { redirects_max: 3, .. })), "{result:?}");
    }
}

#[tokio::test]
async fn another_host_is_not_told_who_we_are() {
    let (open, _closed) = redirecting();
    let outbound = outbound(&open, Arc::new(ByLetter));
    let mut request = Request::get(outbound.check(&open.url("/")).unwrap());
    for (name, value) in [
        ("authorization", "Bearer one"),
        ("cookie", "two"),
        ("proxy-authorization", "three"),
        ("mcp-session-id", "four"),
        ("accept", "text/plain"),
    ] {
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    let mut key = HeaderValue::from_static("five");
    key.set_sensitive(true);
    request.headers.insert("x-api-key", key);
    let send = async |to: &str| {
        let url = outbound.check(&open.url(&format!("/to?{to}"))).unwrap();
        outbound.send(Request { url, ..request.clone() }).await.unwrap();
        open.requests().pop().unwrap()
    };

    let same = send("/0").await;
    for secret in ["Bearer one", "two", "three", "four", "five", "text/plain"] {
        assert!(same.contains(secret), "{secret} in {same}");
    }
    let other = send(&format!("http://other.a:{}/0", open.address.port())).await;
    for secret in ["Bearer one", "two", "three", "four", "five"] {
        assert!(!other.contains(secret), "{secret} in {other}");
    }
    assert!(other.contains("text/plain"), "{other}");
}

#[tokio::test]
async fn a_body_goes_where_the_status_says() {
    let (open, _closed) = redirecting();
    let outbound = outbound(&open, Arc::new(ByLetter));
    for (status, line, has_body) in [
        (301, "GET", false),
        (302, "GET", false),
        (303, "GET", false),
        (307, "POST", true),
        (308, "POST", true),
    ] {
        let url = outbound.check(&open.url(&format!("/as?{status}&/0"))).unwrap();
        let mut request = Request::new(Method::POST, url);
        request.body = "the body".into();
        request.headers.insert("content-type", HeaderValue::from_static("text/plain"));
        outbound.send(request).await.unwrap();
        let last = open.requests().pop().unwrap();
        assert!(last.starts_with(line), "{status}: {last}");
        assert_eq!((last.contains("the body"), last.contains("text/plain")), (has_body, has_body), "{last}");
    }
}

#[tokio::test]
async fn what_is_no_redirect_is_an_answer() {
    let open = Stage::start(ALLOWED, |_, stream| respond(stream, "302 Found", "", "nowhere"));
    let outbound = outbound(&open, Arc::new(ByLetter));
    assert_eq!(get(&outbound, &open.url("/")).await.unwrap(), "nowhere");
    let open = Stage::start(ALLOWED, |_, stream| respond(stream, "304 Not Modified", "location: /x\r\n", ""));
    let outbound = crate::outbound(&open, Arc::new(ByLetter));
    let answer = outbound.send(Request::get(outbound.check(&open.url("/")).unwrap())).await.unwrap();
    assert_eq!(answer.status, 304);
    assert!(matches!(outbound.check("file:///"), Err(Refusal::Scheme(_))));
}
