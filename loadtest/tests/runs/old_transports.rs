//! A server on stdio that knows the handshake alone, and one of HTTP+SSE: found without being told what they are.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use impresario_loadtest::plan::Address;
use impresario_loadtest::progress;
use impresario_loadtest::run::run;

use super::support::{all, ask, errors, plan};

/// A server in three lines of sed. What it does not know it answers with an error, as a legacy server does.
#[cfg(target_os = "linux")]
const SED: &str = r#"sed -u -n
    -e 's/.*"id":\([0-9]*\),"method":"initialize".*/{"jsonrpc":"2.0","id":\1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sed","version":"4"}}}/p;t'
    -e 's/.*"id":\([0-9]*\),"method":"tools.list".*/{"jsonrpc":"2.0","id":\1,"result":{"tools":[{"name":"echo","inputSchema":{"properties":{"text":{"type":"string"}}}}]}}/p;t'
    -e 's/.*"id":\([0-9]*\),"method":"tools.call".*"text":"\([^"]*\)".*/{"jsonrpc":"2.0","method":"notifications\/x"}\n{"jsonrpc":"2.0","id":\1,"result":{"content":[{"type":"text","text":"Echo: \2"}]}}/p;t'
    -e 's/.*"id":\([0-9]*\).*/{"jsonrpc":"2.0","id":\1,"error":{"code":-32601,"message":"no such method"}}/p'"#;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_on_stdio_is_asked_line_by_line() {
    let command = SED.replace('\n', " ");
    let plan = plan(Address::command(&command).unwrap(), "echo", "--processes 3 --warm-up 0s --count 300");
    let result = run(&plan, &progress::channel().0).await.unwrap();
    assert_eq!((errors(&result), all(&result).answers), (Vec::new(), 300));
    let facts = &result.target;
    assert_eq!(
        (facts.transport.as_str(), facts.revision.as_str(), facts.server_name.as_str()),
        ("stdio", "2025-06-18", "sed")
    );
    assert!(result.server.is_some_and(|server| server.rss_bytes > 0));
}

#[tokio::test]
async fn a_command_that_ends_at_once_is_a_fault() {
    let plan = plan(Address::command("true").unwrap(), "list", "");
    let fault = run(&plan, &progress::channel().0).await.unwrap_err().to_string();
    assert!(fault.starts_with("true: "), "{fault}");
}

/// A server of 2024-11-05 as its revision describes it: POST to the stream's URL is refused, GET opens a stream whose
/// first event names where to post.
fn http_sse() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let streams = Arc::clone(&streams);
            std::thread::spawn(move || serve(stream, &streams));
        }
    });
    address
}

fn serve(mut stream: TcpStream, streams: &Mutex<Vec<TcpStream>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let begin = head.len();
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
            if let Some(value) = head[begin..].to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        if head.starts_with("GET /sse ") {
            let number = {
                let mut streams = streams.lock().unwrap();
                streams.push(stream.try_clone().ok()?);
                streams.len() - 1
            };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
            write!(stream, "{head}event: endpoint\r\ndata: /post?stream={number}\r\n\r\n").ok()?;
        } else if let Some(after) = head.strip_prefix("POST /post?stream=") {
            let number: usize = after.split(' ').next()?.parse().ok()?;
            write!(stream, "HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAccepted").ok()?;
            if body.contains(r#""name":"change""#) {
                let notification = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
                for stream in streams.lock().unwrap().iter_mut() {
                    // Some of them have left.
                    let _ = write!(stream, "event: message\ndata: {notification}\n\n");
                }
            }
            if let Some(answer) = answer(&body) {
                write!(streams.lock().unwrap().get_mut(number)?, "event: message\ndata: {answer}\n\n")
                    .ok()?;
            }
        } else {
            write!(stream, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").ok()?;
        }
    }
}

fn answer(body: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(body).ok()?;
    let id = message.get("id")?;
    let result = match message["method"].as_str()? {
        "initialize" => {
            serde_json::json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": { "listChanged": true } }, "serverInfo": { "name": "old" } })
        }
        "tools/list" => {
            serde_json::json!({ "tools": [
                { "name": "echo", "inputSchema": { "properties": { "m": { "type": "string" } } } },
                { "name": "change", "inputSchema": { "type": "object" } },
            ] })
        }
        _ => {
            serde_json::json!({ "content": [{ "type": "text", "text": message["params"]["arguments"]["m"] }] })
        }
    };
    Some(serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

#[tokio::test]
async fn http_sse_is_found_when_posts_are_refused() {
    let url = format!("http://{}/sse", http_sse());
    for flags in ["", "--transport sse", "--revision 2024-11-05"] {
        let result =
            ask(&url, "echo", &format!("{flags} --connections 3 --warm-up 0s --count 300")).await.unwrap();
        assert_eq!((errors(&result), all(&result).answers), (Vec::new(), 300), "{flags}");
        assert_eq!(
            (result.target.transport.as_str(), result.target.revision.as_str()),
            ("http+sse", "2024-11-05")
        );
    }
}

#[tokio::test]
async fn listeners_over_http_sse_hear_of_a_change() {
    let url = format!("http://{}/sse", http_sse());
    let result =
        ask(&url, "subscribe --listeners 3 --trigger change --every 0ms", "--count 5 --warm-up 0s").await;
    let result = result.unwrap();
    assert_eq!((errors(&result), all(&result).answers), (Vec::new(), 15));
    assert_eq!(result.target.transport, "http+sse");
}

#[tokio::test]
async fn idle_streams_over_http_sse_are_held() {
    let url = format!("http://{}/sse", http_sse());
    let result = ask(&url, "idle 20 --streams", "--duration 10ms --warm-up 0s").await.unwrap();
    assert_eq!((errors(&result), all(&result).answers), (Vec::new(), 20));
}
