//! Over stdio: what passes between two pipes is recorded, and played to a process.

use std::sync::Arc;

use impresario_loadtest::traffic::pipe;
use impresario_loadtest::traffic::recorder::{Bounds, Recorder};
use impresario_loadtest::traffic::recording::{Reason, Side, Transport};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};

use crate::scripted::{Place, Server, answers, errors, try_replay};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}"#;
const FAIL: &str =
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"fail","arguments":{}}}"#;

/// Answers every request with an empty result, as if by a server.
const YES: &str = r#"sed -u 's/.*"id":\([0-9]*\).*/{"jsonrpc":"2.0","id":\1,"result":{}}/'"#;

/// Records a client that talks to Impresario through pipes.
async fn record(place: &Place) {
    let server = Server::start();
    let bounds = Bounds { file_bytes_max: 1 << 20, body_bytes_max: 1 << 16 };
    let recorder =
        Recorder::create(place.path(), false, Transport::Stdio, "scripted".into(), bounds).unwrap();
    let recorder = Arc::new(recorder);
    let (client, near) = duplex(1 << 12);
    let (far, inside) = duplex(1 << 12);
    let (near_input, near_output) = tokio::io::split(near);
    let (far_input, far_output) = tokio::io::split(far);
    let (served_input, served_output) = tokio::io::split(inside);
    let serving =
        tokio::spawn(
            async move { impresario::lines::serve(&server.runtime, served_input, served_output).await },
        );
    let asking = tokio::spawn(pipe::pass(Arc::clone(&recorder), Side::Client, near_input, far_output));
    let answering = tokio::spawn(pipe::pass(Arc::clone(&recorder), Side::Server, far_input, near_output));

    let (output, mut input) = tokio::io::split(client);
    let mut answers = BufReader::new(output).lines();
    for (line, is_answered) in [(INITIALIZE, true), (INITIALIZED, false), (CALL, true), (FAIL, true)] {
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        if is_answered {
            answers.next_line().await.unwrap().unwrap();
        }
    }
    input.shutdown().await.unwrap();
    asking.await.unwrap().unwrap();
    let _ = serving.await.unwrap();
    answering.await.unwrap().unwrap();
    recorder.close(Reason::Ended).unwrap();
}

#[tokio::test]
async fn lines_are_recorded_in_order_and_played_to_a_process() {
    let place = Place::new();
    record(&place).await;
    let text = place.text();
    assert_eq!(text.matches("\"by\":\"client\"").count(), 4);
    assert_eq!(text.matches("\"by\":\"server\"").count(), 3);

    let result = try_replay(&place, &["--command", YES], &["--speed", "max", "--connections-factor", "3"])
        .await
        .unwrap();
    // This server says yes to what had failed.
    assert_eq!(errors(&result), [("another kind".to_owned(), 3)]);
    assert_eq!((answers(&result, "initialize"), answers(&result, "tools/call echo")), (3, 3));
    assert_eq!((result.target.transport.as_str(), answers(&result, "recorded")), ("stdio", 6));
}

#[tokio::test]
async fn a_process_that_does_not_answer_is_an_error() {
    let place = Place::new();
    record(&place).await;
    for (command, kind) in [("true", "not sent"), ("no-such-program-4711", "not connected")] {
        let result = try_replay(&place, &["--command", command], &["--speed", "max"]).await.unwrap();
        assert_eq!(result.series[0].answers, 0);
        let kinds: Vec<_> = errors(&result).into_iter().map(|(kind, _)| kind).collect();
        // How far the client gets before the pipe breaks is up to the system.
        let allowed = [kind, "broken off", "timed out"];
        assert!(
            !kinds.is_empty() && kinds.iter().all(|found| allowed.contains(&found.as_str())),
            "{kinds:?}"
        );
    }
    let silent =
        try_replay(&place, &["--command", "cat"], &["--timeout", "50ms", "--speed", "max"]).await.unwrap();
    assert_eq!(errors(&silent), [("not sent".to_owned(), 1), ("timed out".to_owned(), 1)]);
    let fault = try_replay(&place, &["http://127.0.0.1:1/mcp"], &[]).await.unwrap_err();
    assert!(fault.contains("--command"), "{fault}");
}
