//! Unix domain sockets: HTTP and newline-delimited JSON for the programs of one machine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use impresario_engine::{Context, ToolSpec};
use impresario_transports::http::HttpConfig;
use impresario_transports::{Serve as _, UnixSocket};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use crate::house::{House, any, house, house_with};
use crate::http::mirrored;
use crate::messages::{LEGACY, initialize, legacy, modern, text_of, tool};
use crate::wait::{until, within};

/// A path that no other test uses.
fn path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("impresario-life-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    std::env::temp_dir().join(name)
}

/// With a tool that says whose call it is.
fn asking_house() -> House {
    let whoami = ToolSpec::from_context("whoami", any(), |ctx: Context| {
        let principal = ctx.caller().principal.clone();
        async move { principal.as_deref().unwrap_or("nobody").to_owned() }
    });
    house_with(|_| (), |builder, _| builder.lanes(2).tool(whoami))
}

/// A request as bytes.
fn raw(host: &str, message: &Value) -> Vec<u8> {
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         accept: application/json, text/event-stream\r\n"
    );
    for (name, value) in mirrored(message) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = message.to_string();
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn exchange(path: &PathBuf, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_is_served_to_clients_that_are_known_by_their_user() {
    let (house, path) = (asking_house(), path());
    let config = HttpConfig { allowed_hosts: vec!["tools.example.com".into()], ..HttpConfig::default() };
    house.runtime.serve_http_unix(&UnixSocket::at(&path), config).unwrap();
    let call = modern(1, "tools/call", tool("whoami", json!({})));
    for (host, status) in [
        ("localhost", 200),
        ("tools.example.com", 200),
        ("evil.com", 403),
        ("localhost.evil.com", 403),
        ("", 400),
    ] {
        let answer = exchange(&path, &raw(host, &call)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer}");
        assert_eq!(answer.contains("uid:"), status == 200, "{answer}");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    house.runtime.shutdown().await;
    assert!(!path.exists(), "the file goes with the house");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hyper_client_keeps_its_connection_and_its_session() {
    let (house, path) = (asking_house(), path());
    house.runtime.serve_http_unix(&UnixSocket::at(&path), HttpConfig::default()).unwrap();
    let stream = UnixStream::connect(&path).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    let mut session = None;
    for message in [
        initialize(0, LEGACY),
        legacy(1, "tools/call", tool("echo", json!({ "n": 1 }))),
        legacy(2, "tools/call", tool("echo", json!({ "n": 2 }))),
    ] {
        let mut request = http::Request::post("/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = &session {
            request = request.header("mcp-session-id", session);
        }
        let request = request.body(Full::new(Bytes::from(message.to_string()))).unwrap();
        client.ready().await.unwrap();
        let answer = within("an answer", client.send_request(request)).await.unwrap();
        assert_eq!(answer.status(), 200);
        session = answer.headers().get("mcp-session-id").cloned().or(session);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["id"], message["id"]);
    }
    assert_eq!(house.runtime.shared().connections.get(), 1);
    drop(client);
    until("its connection is gone", || house.runtime.shared().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_modern_client_that_leaves_takes_its_call_back() {
    let (house, path) = (house(|_| ()), path());
    house.runtime.serve_http_unix(&UnixSocket::at(&path), HttpConfig::default()).unwrap();
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(&raw("localhost", &modern(1, "tools/call", tool("hold", json!({}))))).await.unwrap();
    house.probe.begun.reaches(1).await;
    drop(stream);
    house.probe.gone.reaches(1).await;
    assert_eq!(house.probe.done.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_are_served_with_a_session_for_each_connection() {
    let (house, path) = (asking_house(), path());
    house.runtime.serve_lines_unix(&UnixSocket { mode: 0o660, ..UnixSocket::at(&path) }).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    for _ in 0..3 {
        let (read, mut write) = UnixStream::connect(&path).await.unwrap().into_split();
        let mut lines = BufReader::new(read).lines();
        let whoami = legacy(1, "tools/call", tool("whoami", json!({})));
        for (message, wanted) in
            [(whoami.clone(), "initialize"), (initialize(0, LEGACY), "serverInfo"), (whoami, "uid:")]
        {
            write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
            let line = within("a line", lines.next_line()).await.unwrap().unwrap();
            assert!(line.contains(wanted), "{line}");
        }
        write.shutdown().await.unwrap();
        assert_eq!(within("the end", lines.next_line()).await.unwrap(), None);
    }
    until("the connections are gone", || house.runtime.shared().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_is_answered_when_the_house_closes() {
    let (house, path) = (house(|_| ()), path());
    house.runtime.serve_lines_unix(&UnixSocket::at(&path)).unwrap();
    let (read, mut write) = UnixStream::connect(&path).await.unwrap().into_split();
    let hold = modern(1, "tools/call", tool("hold", json!({})));
    write.write_all(format!("{hold}\n").as_bytes()).await.unwrap();
    house.probe.begun.reaches(1).await;
    let runtime = house.runtime.clone();
    let mut closing = tokio::task::JoinSet::new();
    closing.spawn(async move { runtime.shutdown().await });
    until("nobody listens any more", || !path.exists()).await;
    house.probe.release.add_permits(1);
    let mut lines = BufReader::new(read).lines();
    let line = within("a line", lines.next_line()).await.unwrap().unwrap();
    assert_eq!(text_of(&serde_json::from_str(&line).unwrap()), "held");
    within("the house is closed", closing.join_next()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_have_the_bound_that_all_have() {
    let (house, path) = (house(|limits| limits.connections_max = 1), path());
    house.runtime.serve_lines_unix(&UnixSocket::at(&path)).unwrap();
    let first = UnixStream::connect(&path).await.unwrap();
    until("the first is served", || house.runtime.shared().connections.get() == 1).await;
    let (read, mut write) = UnixStream::connect(&path).await.unwrap().into_split();
    write.write_all(format!("{}\n", initialize(0, LEGACY)).as_bytes()).await.unwrap();
    let mut lines = BufReader::new(read).lines();
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), lines.next_line()).await;
    assert!(early.is_err(), "{early:?}");
    drop(first);
    assert!(within("the second is served", lines.next_line()).await.unwrap().is_some());
}
