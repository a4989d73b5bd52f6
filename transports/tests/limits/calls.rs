//! How many calls run, how long they may, what they may tell on the way, and what a closing house gives them.

use std::time::{Duration, Instant};

use impresario_engine::ToolSpec;
use impresario_transports::Serve as _;
use serde_json::{Value, json};

use crate::house::{any, house, house_with};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{
    LEGACY, assert_refused, error_of, legacy, meta, modern, notification, text_of, tool, with_progress,
};
use crate::pipe::Pipe;
use crate::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_flight_per_session_max_is_how_many_calls_one_session_has() {
    const MAX: usize = 2;
    let house = house(|limits| limits.in_flight_per_session_max = MAX as u64);
    let address = house.serve();
    let mut http = Http::connect(address).await;
    let (mine, other) =
        (LegacySession::open(&mut http, LEGACY).await, LegacySession::open(&mut http, LEGACY).await);
    let call = |id: usize| legacy(id, "tools/call", tool("hold", json!({})));
    let mut held = Vec::new();
    for id in 0..MAX {
        let mut caller = Http::connect(address).await;
        caller.send(&mine.bytes(address, &call(id))).await;
        held.push(caller);
    }
    house.probe.begun.reaches(MAX).await;
    let refusal = mine.post(&mut http, &call(MAX)).await;
    assert_eq!(refusal.head.status, 429);
    assert!(refusal.head.header("retry-after").is_some());
    assert_refused(&refusal.json(), 42900, "in_flight_per_session_max");
    let healthy = legacy(1, "tools/call", tool("echo", json!({})));
    assert_eq!(text_of(&other.post(&mut http, &healthy).await.json()), "{}", "the other session is not full");
    house.probe.release.add_permits(MAX);
    for caller in &mut held {
        assert_eq!(text_of(&caller.answer().await.json()), "held");
    }
    assert_eq!(text_of(&mine.post(&mut http, &healthy).await.json()), "{}");
    // Modern, where the session is the connection.
    let mut pipe = Pipe::open(&house.runtime);
    for id in 0..MAX {
        pipe.send(&modern(id, "tools/call", tool("hold", json!({})))).await;
    }
    assert_refused(&pipe.modern(MAX, "echo", json!({})).await, 42900, "in_flight_per_session_max");
    house.probe.release.add_permits(MAX);
    for _ in 0..MAX {
        assert_eq!(text_of(&pipe.next().await.unwrap()), "held");
    }
    assert_eq!(text_of(&pipe.modern(9, "echo", json!({})).await), "{}");
    assert_eq!(house.probe.begun.get(), 2 * MAX + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_flight_max_is_how_many_calls_the_process_has() {
    const MAX: usize = 3;
    let house = house(|limits| limits.in_flight_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    let mut pipes = Vec::new();
    for _ in 0..MAX {
        let mut pipe = Pipe::open(&house.runtime);
        pipe.send(&modern(0, "tools/call", tool("hold", json!({})))).await;
        pipes.push(pipe);
    }
    house.probe.begun.reaches(MAX).await;
    let call = modern(0, "tools/call", tool("echo", json!({})));
    let refusal = http.modern(&call).await;
    assert_eq!(refusal.head.status, 429);
    assert!(refusal.head.header("retry-after").is_some());
    assert_refused(&refusal.json(), 42900, "in_flight_max");
    assert_eq!(http.modern(&modern(0, "tools/list", json!({}))).await.head.status, 200, "lists are no calls");
    assert_eq!(house.probe.begun.get(), MAX);
    house.probe.release.add_permits(1);
    house.calls_are(MAX - 1).await;
    assert_eq!(text_of(&http.modern(&call).await.json()), "{}");
    house.probe.release.add_permits(MAX);
    for pipe in &mut pipes {
        assert_eq!(text_of(&pipe.next().await.unwrap()), "held");
    }
}

/// The text of a result that says that the call failed.
fn failure_of(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_timeout_ms_is_what_a_tool_without_its_own_gets() {
    let house = house(|limits| limits.call_timeout_ms = 200);
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    let mut http = Http::connect(house.serve()).await;
    let begun = Instant::now();
    let answer = pipe.legacy(1, "hold", json!({})).await;
    assert!(begun.elapsed() >= Duration::from_millis(190));
    assert!(failure_of(&answer).contains("call_timeout_ms"), "{answer}");
    house.probe.gone.reaches(1).await;
    let answer = http.modern(&modern(1, "tools/call", tool("hold", json!({})))).await;
    assert_eq!(answer.head.status, 200);
    assert!(failure_of(&answer.json()).contains("call_timeout_ms"), "{answer:?}");
    let client = house.runtime.connect().await.unwrap();
    let result = client.call_tool("hold", json!({})).await.unwrap();
    assert!(
        result.is_error && result.content[0].as_text().unwrap().contains("call_timeout_ms"),
        "{result:?}"
    );
    assert_eq!(house.probe.done.get(), 0);
    // Below it, a call has the time that it takes.
    pipe.send(&legacy(2, "tools/call", tool("hold", json!({})))).await;
    house.probe.release.add_permits(1);
    assert_eq!(text_of(&pipe.next().await.unwrap()), "held");
    assert_eq!(text_of(&pipe.legacy(3, "echo", json!({})).await), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_timeout_max_ms_is_the_longest_that_a_tool_may_name() {
    let named = |name: &str, ms: u64| {
        ToolSpec::from_context(name, any(), |_ctx| std::future::pending::<String>())
            .timeout(Duration::from_millis(ms))
    };
    let house = house_with(
        |limits| limits.call_timeout_max_ms = 300,
        |builder, _| builder.tool(named("below", 100)).tool(named("at", 300)).tool(named("above", 60_000)),
    );
    let mut pipe = Pipe::open(&house.runtime);
    for (name, ms) in [("below", 100), ("at", 300), ("above", 300)] {
        let begun = Instant::now();
        let answer = pipe.modern(1, name, json!({})).await;
        assert!(begun.elapsed() >= Duration::from_millis(ms - 10), "{name}");
        let text = failure_of(&answer);
        assert!(text.contains(&ms.to_string()), "{name}: {text}");
    }
    assert_eq!(text_of(&pipe.modern(2, "echo", json!({})).await), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_grace_ms_is_what_a_cancelled_tool_has_to_clean_up() {
    for (grace_ms, needed_ms, cleans_up) in [(20_000, 50, true), (50, 20_000, false), (0, 1_000, false)] {
        let house = house(|limits| limits.cancel_grace_ms = grace_ms);
        let mut pipe = Pipe::open_legacy(&house.runtime).await;
        pipe.send(&legacy(1, "tools/call", tool("watch", json!({ "ms": needed_ms })))).await;
        house.probe.begun.reaches(1).await;
        pipe.send(&notification("notifications/cancelled", json!({ "requestId": 1 }))).await;
        house.probe.gone.reaches(1).await;
        assert_eq!(house.probe.cleaned.get(), usize::from(cleans_up), "{grace_ms} ms for {needed_ms} ms");
        assert_eq!(text_of(&pipe.legacy(2, "echo", json!({})).await), "{}");
    }
}

/// The log messages' counts, or the progress, that come before an answer.
async fn told(pipe: &mut Pipe, call: &Value, member: &str) -> Vec<u64> {
    let mut told = Vec::new();
    let mut message = pipe.ask(call).await;
    while message.get("method").is_some() {
        let params = &message["params"];
        let number = params[member].as_f64().or(params["data"][member].as_f64());
        told.push(number.unwrap() as u64);
        message = pipe.next().await.unwrap();
    }
    assert_eq!(text_of(&message), "said");
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_per_call_max_keeps_the_newest_of_what_is_unsent() {
    const MAX: u64 = 4;
    let house = house(|limits| limits.notifications_per_call_max = MAX);
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    for (logs, expected) in [(MAX - 1, 1..=MAX - 1), (MAX, 1..=MAX), (MAX + 1, 2..=MAX + 1), (40, 37..=40)] {
        let call = legacy(1, "tools/call", tool("say", json!({ "logs": logs })));
        assert_eq!(told(&mut pipe, &call, "count").await, expected.collect::<Vec<_>>(), "{logs} at once");
    }
    let mut params = tool("say", json!({ "logs": MAX + 2 }));
    params["_meta"] = meta();
    params["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug");
    let mut modern_pipe = Pipe::open(&house.runtime);
    let call = modern(1, "tools/call", params);
    assert_eq!(told(&mut modern_pipe, &call, "count").await, (3..=MAX + 2).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_per_second_max_holds_after_a_burst() {
    /// What may come at once, whatever the rate.
    const BURST: u64 = 100;
    let house = house(|limits| {
        limits.progress_per_second_max = 1;
        limits.notifications_per_call_max = 1_000;
    });
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    for (steps, expected) in [(BURST - 1, BURST - 1), (BURST, BURST), (BURST + 1, BURST), (BURST + 50, BURST)]
    {
        let call = legacy(1, "tools/call", with_progress(tool("say", json!({ "progress": steps })), "p"));
        let told = told(&mut pipe, &call, "progress").await;
        assert_eq!(told, (1..=expected).collect::<Vec<_>>(), "{steps} at once");
    }
    // At a higher rate there is room again soon.
    let house = house_with(|limits| limits.progress_per_second_max = 1_000_000, |builder, _| builder);
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    let call = legacy(1, "tools/call", with_progress(tool("say", json!({ "progress": 200 })), "p"));
    assert!(told(&mut pipe, &call, "progress").await.len() > BURST as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drain_timeout_ms_is_what_running_calls_may_take_at_the_end() {
    for (drain_ms, fits) in [(20_000_u64, true), (150, false), (0, false)] {
        let house = house(|limits| limits.drain_timeout_ms = drain_ms);
        let mut http = Http::connect(house.serve()).await;
        http.send(&modern_bytes(http.address(), &modern(1, "tools/call", tool("hold", json!({}))))).await;
        house.probe.begun.reaches(1).await;
        let closing = {
            let runtime = house.runtime.clone();
            let mut tasks = tokio::task::JoinSet::new();
            tasks.spawn(async move {
                let begun = Instant::now();
                runtime.shutdown().await;
                begun.elapsed()
            });
            tasks
        };
        until("the closing has begun", || !house.runtime.is_ready()).await;
        if fits {
            house.probe.release.add_permits(1);
        }
        let answer = http.answer().await;
        if fits {
            assert_eq!(text_of(&answer.json()), "held");
        } else {
            assert_eq!(answer.head.status, 503);
            assert_eq!(error_of(&answer.json()).0, 50300);
        }
        let took = closing.join_all().await[0];
        assert!(took < Duration::from_secs(10), "{took:?} with {drain_ms} ms");
        if !fits {
            assert!(took >= Duration::from_millis(drain_ms), "{took:?} with {drain_ms} ms");
        }
    }
}
