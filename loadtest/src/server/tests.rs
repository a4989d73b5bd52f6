//! Servers that start, don't, and don't want to end. The server is this test program itself, told to listen.

use std::io::Write;

use super::*;
use crate::process;

const LISTEN: &str = "IMPRESARIO_LOADTEST_TEST_LISTENS";

/// Not a test unless it is told to be a server.
#[test]
fn listens_when_told_to() {
    if std::env::var_os(LISTEN).is_none() {
        return;
    }
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut taken = Vec::new();
    while let Ok((mut stream, _)) = listener.accept() {
        let _ = stream.write_all(b"hello");
        taken.push(stream);
    }
}

fn launch(script: &str) -> Launch {
    let own = std::env::current_exe().unwrap();
    let words = format!("{LISTEN}=1 {} --exact server::tests::listens_when_told_to", own.display());
    Launch {
        name: "test server".to_owned(),
        command: vec!["sh".to_owned(), "-c".to_owned(), script.replace("LISTEN", &words)],
        path: "/mcp".to_owned(),
        cores: Vec::new(),
        start_timeout: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(60),
    }
}

fn is_alive(pid: u32) -> bool {
    process::sample(pid).is_ok()
}

#[tokio::test]
async fn a_server_starts_and_ends_with_all_that_it_started() {
    let server = Server::start(&launch("LISTEN & LISTEN; wait")).await.unwrap();
    let pid = server.pid();
    assert!(server.url().starts_with("http://127.0.0.1:") && server.url().ends_with("/mcp"));
    let children = process::descendants(pid).unwrap();
    assert!(!children.is_empty());
    server.stop().await;
    assert!(!is_alive(pid));
    assert!(children.into_iter().all(|child| !is_alive(child)));
}

#[tokio::test]
async fn a_server_that_ignores_sigterm_is_killed() {
    let mut stubborn = launch("trap '' TERM; exec env LISTEN");
    stubborn.stop_timeout = Duration::from_millis(1);
    let server = Server::start(&stubborn).await.unwrap();
    let pid = server.pid();
    assert!(is_alive(pid));
    server.stop().await;
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_server_that_is_dropped_is_killed() {
    let server = Server::start(&launch("trap '' TERM; exec env LISTEN")).await.unwrap();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).await.unwrap();
    drop(server);
    // Nothing but its end closes this connection: if it lived on, this would wait for ever. A killed process may
    // take what it wrote with it.
    let mut said = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut { stream }, &mut said).await;
    assert!(b"hello".starts_with(&said));
}

#[tokio::test]
async fn a_server_that_does_not_start_shows_its_last_words() {
    let error = Server::start(&launch("echo out; echo 'no such \u{1b}file' >&2; exit 3"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("exit status: 3") && error.contains("out\n    no such \u{fffd}file"), "{error}");
    let error = Server::start(&launch("exit 0")).await.unwrap_err().to_string();
    assert!(error.contains("it wrote nothing"), "{error}");
    let mut missing = launch("");
    missing.command = vec!["/no/such/program".to_owned()];
    let error = Server::start(&missing).await.unwrap_err().to_string();
    assert!(error.contains("/no/such/program"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_told_how_to() {
    let mut silent = launch("exec cat /dev/zero > /dev/null");
    silent.start_timeout = Duration::from_millis(1);
    let error = Server::start(&silent).await.unwrap_err().to_string();
    assert!(error.contains("put {port} into its command"), "{error}");
}
