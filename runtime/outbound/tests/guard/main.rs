//! What the guard lets through and what it does not, seen from the sockets: nothing is ever sent to a place that is not
//! allowed, whoever names it and however.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::sync::Arc;

use impresario_outbound::{Outbound, OutboundConfig, OutboundError, Refusal, Request, Resolver, Rules};

use stage::{ALLOWED, ByLetter, Flipping, Stage, respond};

mod bombs;
mod redirects;
mod secure;
mod stage;

/// Allows the one loopback address, and the port of the stage.
fn config(stage: &Stage) -> OutboundConfig {
    let rules = Rules::default().ports([stage.address.port()]).private([ALLOWED.to_string()]).unwrap();
    OutboundConfig { rules, ..OutboundConfig::default() }
}

fn outbound(stage: &Stage, resolver: Arc<dyn Resolver>) -> Outbound {
    Outbound::with_resolver(&config(stage), resolver).unwrap()
}

async fn get(outbound: &Outbound, url: &str) -> Result<String, OutboundError> {
    let answer = outbound.send(Request::get(outbound.check(url)?)).await?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

fn hello() -> (Stage, Stage) {
    Stage::pair(|_, stream| respond(stream, "200 OK", "", "hello"))
}

fn is_blocked(result: &Result<String, OutboundError>) -> bool {
    matches!(result, Err(OutboundError::Refused(Refusal::Address { .. })))
}

#[tokio::test]
async fn an_allowed_address_is_reached_by_number_and_by_name() {
    let (open, _closed) = hello();
    let outbound = outbound(&open, Arc::new(ByLetter));
    assert_eq!(get(&outbound, &open.url("/")).await.unwrap(), "hello");
    let port = open.address.port();
    assert_eq!(get(&outbound, &format!("http://name.a:{port}/x?y=z")).await.unwrap(), "hello");
    assert!(open.requests()[1].starts_with("GET /x?y=z HTTP/1.1\r\n"), "{:?}", open.requests());
}

#[tokio::test]
async fn no_spelling_of_a_blocked_address_is_connected_to() {
    let (open, closed) = hello();
    let outbound = outbound(&open, Arc::new(ByLetter));
    let port = closed.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.1.",
        "１２７.０.０.１",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "a@127.0.0.1",
        "name.b",
    ] {
        let result = get(&outbound, &format!("http://{host}:{port}/")).await;
        assert!(matches!(result, Err(OutboundError::Refused(_))), "{host}: {result:?}");
    }
    assert_eq!((open.connections(), closed.connections()), (0, 0));
}

#[tokio::test]
async fn one_blocked_address_among_many_refuses_the_name() {
    let (open, closed) = hello();
    for addresses in [
        ["127.0.0.1", "127.0.0.2"],
        ["127.0.0.2", "127.0.0.1"],
        ["127.0.0.2", "::ffff:127.0.0.1"],
        ["127.0.0.2", "169.254.169.254"],
        ["127.0.0.2", "fd00:ec2::254"],
    ] {
        let outbound = outbound(&open, Flipping::new(&[&addresses]));
        let result = get(&outbound, &format!("http://both.example:{}/", open.address.port())).await;
        assert!(is_blocked(&result), "{addresses:?}: {result:?}");
    }
    assert_eq!((open.connections(), closed.connections()), (0, 0));
}

#[tokio::test]
async fn a_name_that_changes_its_meaning_is_checked_at_every_connection() {
    let (open, closed) = Stage::pair(|_, stream| respond(stream, "200 OK", "connection: close\r\n", "hello"));
    let resolver = Flipping::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let outbound = outbound(&open, resolver.clone());
    let url = format!("http://flips.example:{}/", open.address.port());
    assert_eq!(get(&outbound, &url).await.unwrap(), "hello");
    for _ in 0..5 {
        let result = get(&outbound, &url).await;
        assert!(is_blocked(&result), "{result:?}");
    }
    assert_eq!((open.connections(), closed.connections()), (1, 0));
    // One question for one connection: what was checked is what was connected to.
    assert_eq!(resolver.asked(), 6);
}

#[tokio::test]
async fn a_connection_that_is_kept_stays_where_it_was_checked() {
    let (open, closed) = hello();
    let resolver = Flipping::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let outbound = outbound(&open, resolver.clone());
    let url = format!("http://flips.example:{}/", open.address.port());
    assert_eq!(get(&outbound, &url).await.unwrap(), "hello");
    assert_eq!(get(&outbound, &url).await.unwrap(), "hello");
    assert_eq!((open.connections(), closed.connections(), resolver.asked()), (1, 0, 1));
}

#[tokio::test]
async fn other_hosts_than_the_listed_are_not_even_resolved() {
    let (open, _closed) = hello();
    let resolver = Flipping::new(&[&["127.0.0.2"]]);
    let mut config = config(&open);
    config.rules = config.rules.hosts(["listed.example"]).unwrap();
    let outbound = Outbound::with_resolver(&config, resolver.clone()).unwrap();
    let port = open.address.port();
    let refused = get(&outbound, &format!("http://other.example:{port}/")).await;
    assert!(matches!(refused, Err(OutboundError::Refused(Refusal::Host { .. }))), "{refused:?}");
    assert_eq!(resolver.asked(), 0);
    assert_eq!(get(&outbound, &format!("http://listed.example:{port}/")).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_proxy_is_used_when_it_is_configured_and_is_not_asked_for_what_is_blocked() {
    let (proxy, _closed) = hello();
    let config = OutboundConfig {
        proxy: Some(proxy.url("")),
        rules: Rules::default().private(["127.0.0.2"]).unwrap(),
        ..OutboundConfig::default()
    };
    let outbound = Outbound::with_resolver(&config, Arc::new(ByLetter)).unwrap();
    assert_eq!(get(&outbound, "http://name.a/x").await.unwrap(), "hello");
    assert!(proxy.requests()[0].starts_with("GET http://name.a/x HTTP/1.1"), "{:?}", proxy.requests());
    for url in ["http://name.b/", "http://127.0.0.1/", "https://name.b/"] {
        let result = get(&outbound, url).await;
        assert!(is_blocked(&result), "{url}: {result:?}");
    }
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn settings_that_mean_nothing_are_refused() {
    let with = |config: OutboundConfig| Outbound::new(&config).unwrap_err().to_string();
    let proxy =
        with(OutboundConfig { proxy: Some("socks5://u:hunter2@a".into()), ..OutboundConfig::default() });
    assert!(proxy.contains("proxy") && !proxy.contains("hunter2"), "{proxy}");
    let missing = with(OutboundConfig { ca_file: Some("no/such.pem".into()), ..OutboundConfig::default() });
    assert!(missing.contains("no/such.pem"), "{missing}");
}
