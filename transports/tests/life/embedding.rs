//! The runtime inside other people's programs: with a tokio runtime of their own, and with none.

use std::net::SocketAddr;

use impresario_engine::{Runtime, ToolSpec};
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use serde_json::json;

use crate::house::{any, house, house_with, result_text};
use crate::http::Http;
use crate::messages::{modern, text_of, tool};

/// The threads of this process whose name begins like that. The kernel keeps 15 bytes of a name.
fn threads_named(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("the tests run where /proc is");
    let name =
        |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.filter_map(Result::ok).map(name).filter(|name| name.starts_with(prefix)).count()
}

#[test]
fn an_ordinary_program_embeds_it() {
    let program = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    program.block_on(async {
        let house = house_with(|_| (), |builder, _| builder.lanes(2));
        let address = house.serve();
        let client = house.runtime.connect().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let client = client.clone();
            tasks.spawn(async move {
                let result = client.call_tool("echo", json!({ "n": number })).await.unwrap();
                assert_eq!(result_text(&result), format!(r#"{{"n":{number}}}"#));
                let call = modern(number, "tools/call", tool("echo", json!({ "n": number })));
                let answer = Http::connect(address).await.modern(&call).await.json();
                assert_eq!(text_of(&answer), format!(r#"{{"n":{number}}}"#));
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        house.runtime.shutdown().await;
    });
}

#[test]
fn a_program_of_one_thread_embeds_it_too() {
    let program = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    program.block_on(async {
        let house = house(|_| ());
        let client = house.runtime.connect().await.unwrap();
        assert!(!client.call_tool("echo", json!({})).await.unwrap().is_error);
        house.runtime.shutdown().await;
    });
}

#[test]
fn what_is_synchronous_needs_no_tokio() {
    use std::io::{Read as _, Write as _};
    assert!(tokio::runtime::Handle::try_current().is_err());
    let house = house(|_| ());
    let address =
        house.runtime.serve_http(HttpConfig::on(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap().address();
    let extra = || ToolSpec::from_context("extra", any(), |_ctx| async { "extra" });
    house.runtime.add_tool(extra()).unwrap();
    assert!(house.runtime.remove_tool("extra"));
    house.runtime.list_changed(impresario_protocol::ListKind::Tools);
    house.runtime.resource_updated("a:1");
    house.runtime.cache().clear();
    let _service = house.runtime.http_service(HttpConfig::default());
    assert!(house.runtime.is_ready());
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_house_that_is_dropped_without_a_shutdown_leaves_no_threads() {
    // Other tests of this binary have threads of their own, so this one's are told apart by their pool.
    let pool = impresario_engine::PoolConfig::new("embed", &impresario_engine::Limits::default());
    let blocking = ToolSpec::blocking_from_context("blocking", any(), |_ctx| "blocked").pool("embed");
    let named = ToolSpec::from_context("named", any(), |_ctx| async {
        std::thread::current().name().unwrap_or_default().to_owned()
    });
    let program = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lane_ended = program.block_on(async {
        let house = house_with(|_| (), |builder, _| builder.pool(pool).tool(blocking).tool(named).lanes(3));
        let address = house.serve();
        let client = house.runtime.connect().await.unwrap();
        assert!(!client.call_tool("blocking", json!({})).await.unwrap().is_error);
        assert!(result_text(&client.call_tool("named", json!({})).await.unwrap()).starts_with("lane-"));
        assert_eq!(threads_named("blocking-embed"), 1);
        // A tool that never ends is dropped with its lane.
        let held = client.start_tool("hold", json!({})).unwrap();
        house.probe.begun.reaches(1).await;
        let probe = std::sync::Arc::clone(&house.probe);
        let mut idle = Http::connect(address).await;
        assert_eq!(idle.get("/healthz", &[]).await.head.status, 200);
        let ends = lane_ends(&house.runtime);
        drop((held, client, house));
        probe.gone.reaches(1).await;
        idle.closed().await;
        ends
    });
    // Each sender was dropped with its lane's thread.
    for ended in lane_ended {
        let ended = ended.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(ended, Err(std::sync::mpsc::RecvTimeoutError::Disconnected), "a lane is left behind");
    }
    let begun = std::time::Instant::now();
    while threads_named("blocking-embed") > 0 {
        assert!(begun.elapsed().as_secs() < 20, "a blocking thread is left behind");
        std::thread::yield_now();
    }
}

/// For each lane, a channel that is closed when the lane's thread has ended.
fn lane_ends(runtime: &Runtime) -> Vec<std::sync::mpsc::Receiver<()>> {
    thread_local! {
        static HELD: std::cell::RefCell<Option<std::sync::mpsc::Sender<()>>> = const { std::cell::RefCell::new(None) };
    }
    let end_of = |lane| {
        let (ended_tx, ended_rx) = std::sync::mpsc::channel();
        runtime.on_lane(lane, move |_stage| HELD.set(Some(ended_tx))).unwrap();
        ended_rx
    };
    (0..runtime.lanes()).map(end_of).collect()
}
