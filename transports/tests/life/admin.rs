//! The admin socket: who may open it, what its handler gets, and what it does not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use ::http::{Request, Response, StatusCode};
use impresario_protocol::Limits;
use impresario_transports::http::AdminSocket;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::wait::within;

/// Answers with what was asked.
async fn echo(request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(format!("{} {} {}", head.method, head.uri, body.len()).into_bytes());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// A socket that is served until the set is dropped.
fn serve(name: &str) -> (PathBuf, JoinSet<()>) {
    let path = std::env::temp_dir().join(format!("impresario-admin-{}-{name}.sock", std::process::id()));
    let limits = Limits { body_bytes_max: 100, header_timeout_ms: 200, ..Limits::default() };
    let socket = AdminSocket::bind(&path, Arc::new(limits)).unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(socket.serve(echo));
    (path, serving)
}

async fn ask(path: &PathBuf, request: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the end of the connection", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn it_is_its_owners_alone_and_goes_with_its_server() {
    let (path, mut serving) = serve("owner");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(AdminSocket::bind(&path, Arc::default()).is_err(), "somebody listens there");
    serving.shutdown().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn requests_come_whole_and_within_the_limits() {
    let (path, _serving) = serve("limits");
    let close = "Host: x\r\nConnection: close\r\n";
    let rows = [
        (format!("GET /status?a=b HTTP/1.1\r\n{close}\r\n"), "202", "GET /status?a=b 0"),
        (format!("POST /plan HTTP/1.1\r\n{close}Content-Length: 5\r\n\r\n12345"), "202", "POST /plan 5"),
        (format!("POST /plan HTTP/1.1\r\n{close}Content-Length: 101\r\n\r\n"), "413", ""),
        ("no HTTP\r\n\r\n".to_owned(), "400", ""),
    ];
    for (request, status, body) in rows {
        let answer = ask(&path, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.ends_with(body), "{request}: {answer}");
    }
    // Somebody who never ends the head is cut.
    let cut = ask(&path, "GET /status HTTP/1.1\r\nHost:").await;
    assert!(!cut.contains("202"), "{cut}");
}
