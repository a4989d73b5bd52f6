//! What a pack adds: a call of its tool beside one of a tool that was written by hand for the same work.
//!
//! Both run in the same runtime, in the same pool, asked by the same client in this process. What is left between them is
//! the pack's own: settings instead of code, guards, limits, mapping, a structured answer.
#![expect(clippy::unwrap_used, reason = "a bench that can not go on stops")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use impresario_engine::{Context, Offer, Runtime, ToolError, ToolSpec};
use impresario_tools::part::{Opening, SharedPart};
use impresario_tools::{command, files, http, sql};
use impresario_transports::Serve as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::Row as _;

/// What each pack and each tool by hand is asked.
struct Pair {
    name: &'static str,
    pack: (&'static str, Value),
    by_hand: (&'static str, Value),
}

const TEXT: &str = "a line of a file\n";

fn settings<T: DeserializeOwned>(settings: Value) -> T {
    serde_json::from_value(settings).unwrap()
}

fn opening(key: &str, directory: &Path) -> Opening {
    Opening { key: key.into(), directory: directory.into() }
}

/// Answers every request with the same few bytes, on threads of its own.
fn fixed_api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty() {
                        let body = r#"{"value":7}"#;
                        let length = body.len();
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
                        // In one piece: several would wait for one another's acknowledgement.
                        let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    address
}

/// The packs, as a config file would open them.
async fn packs(directory: &Path, api: SocketAddr) -> Vec<SharedPart> {
    let files = files::open(
        settings(json!({ "roots": [{ "path": ".", "access": "read-only" }], "watch": { "enabled": false } })),
        &opening("packs.files", directory),
    )
    .await
    .unwrap();
    let sql = sql::open(
        settings(json!({ "database": "sqlite:shop.db", "setup": "shop.sql", "statements": {
            "price_of": {
                "description": "What a product costs.",
                "sql": "SELECT name, price FROM products WHERE id = :id",
                "parameters": { "id": { "type": "integer" } }
            }
        }})),
        &opening("packs.sql.shop", directory),
    )
    .await
    .unwrap();
    let http = http::open(
        settings(json!({
            "base_url": format!("http://{api}"), "allow_private": ["127.0.0.0/8"], "allow_ports": [api.port()],
            "tools": { "value_of": {
                "description": "A value.", "path": "/values/{name}", "arguments": { "name": { "type": "string" } }
            }}
        })),
        &opening("packs.http.values", directory),
    )
    .await
    .unwrap();
    let command = command::open(
        settings(json!({
            "program": "/bin/echo", "argv": ["--", "{text}"], "description": "Say it.",
            "parameters": { "text": { "type": "string" } }
        })),
        &opening("packs.command.say", directory),
    )
    .await
    .unwrap();
    vec![files, sql, http, command]
}

fn schema(argument: &str, kind: &str) -> Value {
    json!({ "type": "object", "properties": { argument: { "type": kind } }, "required": [argument] })
}

fn failed(error: impl std::fmt::Display) -> ToolError {
    ToolError::new(error.to_string())
}

/// The same work, by hand: as short as somebody would write it who looks after nothing else.
async fn by_hand(directory: &Path, api: SocketAddr) -> Offer {
    let folder = directory.to_path_buf();
    let read = ToolSpec::blocking_from_context("hand_read", schema("path", "string"), move |ctx: Context| {
        let path = ctx.arguments_value()["path"].as_str().unwrap_or_default().to_owned();
        std::fs::read_to_string(folder.join(path)).map_err(failed)
    });
    let url = format!("sqlite:{}", directory.join("shop.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let price = ToolSpec::from_context("hand_price", schema("id", "integer"), move |ctx: Context| {
        let (pool, id) = (pool.clone(), ctx.arguments_value()["id"].as_i64());
        async move {
            let query = sqlx::query("SELECT name, price FROM products WHERE id = ?").bind(id);
            let row = query.fetch_one(&pool).await.map_err(failed)?;
            Ok::<_, ToolError>(format!("{} {}", row.get::<String, _>(0), row.get::<f64, _>(1)))
        }
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let value = ToolSpec::from_context("hand_value", schema("name", "string"), move |ctx: Context| {
        let (client, arguments) = (client.clone(), ctx.arguments_value());
        async move {
            let name = arguments["name"].as_str().unwrap_or_default();
            let answer = client.get(format!("http://{api}/values/{name}")).send().await.map_err(failed)?;
            answer.text().await.map_err(failed)
        }
    });
    let say = ToolSpec::from_context("hand_say", schema("text", "string"), |ctx: Context| async move {
        let text = ctx.arguments_value()["text"].as_str().unwrap_or_default().to_owned();
        let output = tokio::process::Command::new("/bin/echo").args(["--", &text]).env_clear().output();
        Ok::<_, ToolError>(String::from_utf8_lossy(&output.await.map_err(failed)?.stdout).into_owned())
    });
    Offer::default().tool(read).tool(price).tool(value).tool(say)
}

fn beside_a_tool_by_hand(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), TEXT).unwrap();
    let setup = "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, price REAL); INSERT INTO products VALUES (7, 'tea', 4.5);";
    std::fs::write(folder.path().join("shop.sql"), setup).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let executor =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let api = fixed_api();
    let (runtime, _parts) = executor.block_on(async {
        let parts = packs(folder.path(), api).await;
        let builder = parts.iter().fold(Runtime::builder(), |builder, part| builder.offer(part.offer()));
        (builder.offer(by_hand(folder.path(), api).await).lanes(1).start().unwrap(), parts)
    });
    let client = executor.block_on(runtime.connect()).unwrap();
    let pairs = [
        Pair {
            name: "files",
            pack: ("read_file", json!({ "path": "note.txt" })),
            by_hand: ("hand_read", json!({ "path": "note.txt" })),
        },
        Pair {
            name: "sql",
            pack: ("price_of", json!({ "id": 7 })),
            by_hand: ("hand_price", json!({ "id": 7 })),
        },
        Pair {
            name: "http",
            pack: ("value_of", json!({ "name": "seven" })),
            by_hand: ("hand_value", json!({ "name": "seven" })),
        },
        Pair {
            name: "command",
            pack: ("say", json!({ "text": "hello" })),
            by_hand: ("hand_say", json!({ "text": "hello" })),
        },
    ];
    for Pair { name, pack, by_hand } in pairs {
        let mut group = criterion.benchmark_group(format!("pack_{name}"));
        group.measurement_time(Duration::from_secs(5));
        for (who, (tool, arguments)) in [("by_hand", by_hand), ("pack", pack)] {
            group.bench_function(who, |bencher| {
                bencher.iter(|| {
                    let result = executor.block_on(client.call_tool(tool, arguments.clone())).unwrap();
                    assert!(!result.is_error, "{:?}", result.content);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, beside_a_tool_by_hand);
criterion_main!(benches);
