//! The cache through the front door: who shares an answer, for how long, and what is never kept.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::session::{Connection, ConnectionKind, Frame, Stage, Via};
use impresario_engine::{
    CachePolicy, CacheScope, CacheSharing, Caller, Context, ListKind, LogLevel, Runtime, ToolError, ToolSpec,
};
use impresario_transports::Serve as _;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::house::{House, Probe, any, house_with, number};
use crate::http::{Http, LegacySession};
use crate::messages::{LEGACY, legacy, modern, text_of, tool, with_progress};
use crate::pipe::Pipe;
use crate::wait::{until, within};

const HOUR: Duration = Duration::from_secs(3_600);

/// Tools that count their runs, each with a policy of its own.
fn counting(name: &str, probe: &Arc<Probe>, policy: CachePolicy) -> ToolSpec {
    let probe = Arc::clone(probe);
    let tool = ToolSpec::from_context(name, any(), move |ctx: Context| {
        let probe = Arc::clone(&probe);
        async move {
            probe.begun.add();
            let run = probe.begun.get();
            if number(&ctx, "hold") > 0 {
                probe.release.acquire().await.expect("it is never closed").forget();
            }
            if number(&ctx, "fail") > 0 {
                return Err(ToolError::new(format!("run {run} failed")));
            }
            ctx.progress(1.0, None, None);
            if number(&ctx, "log") > 0 {
                ctx.log(LogLevel::Emergency, "told");
            }
            Ok(format!("run {run}"))
        }
    });
    tool.cache(policy)
}

fn caching(lanes: usize) -> House {
    house_with(
        |_| (),
        |builder, probe| {
            builder
                .lanes(lanes)
                .tool(counting("public", probe, CachePolicy::ttl(HOUR).scope(CacheScope::Public)))
                .tool(counting("private", probe, CachePolicy::ttl(HOUR)))
                .tool(counting("brief", probe, CachePolicy::ttl(Duration::from_millis(200))))
        },
    )
}

/// Calls a tool as somebody who is known by name, as a front door with authentication would.
async fn call_as(runtime: &Runtime, principal: &str, name: &str) -> Value {
    call_by(runtime, Caller { principal: Some(principal.into()), ..Caller::default() }, name).await
}

async fn call_by(runtime: &Runtime, caller: Caller, name: &str) -> Value {
    let call = modern(1, "tools/call", tool(name, json!({}))).to_string();
    let message = Message::parse(call.as_bytes(), &DecodeLimits::from(&*runtime.shared().limits)).unwrap();
    let (answer_tx, answer_rx) = oneshot::channel();
    let errand = move |stage: &Rc<Stage>| {
        let connection = Connection::open(stage.clone(), caller, ConnectionKind::Pipe);
        let mut exchange = connection.request(message, Via::Pipe);
        tokio::task::spawn_local(async move {
            let Frame::Reply(reply) = exchange.next_frame().await else { panic!("no answer") };
            drop(answer_tx.send(reply.into_bytes()));
        });
    };
    runtime.on_lane(runtime.next_lane(), errand).unwrap();
    let body = within("an answer", answer_rx).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_answers_are_shared_and_private_ones_are_not() {
    let house = caching(2);
    for who in ["ada", "bob", "ada", "bob"] {
        assert_eq!(text_of(&call_as(&house.runtime, who, "public").await), "run 1");
    }
    assert_eq!(text_of(&call_as(&house.runtime, "ada", "private").await), "run 2");
    assert_eq!(text_of(&call_as(&house.runtime, "bob", "private").await), "run 3");
    assert_eq!(text_of(&call_as(&house.runtime, "ada", "private").await), "run 2");
    assert_eq!(text_of(&call_as(&house.runtime, "bob", "private").await), "run 3");
    // Nobody in particular is neither of them.
    let mut http = Http::connect(house.serve()).await;
    let call = modern(1, "tools/call", tool("private", json!({})));
    assert_eq!(text_of(&http.modern(&call).await.json()), "run 4");
    assert_eq!(text_of(&http.modern(&call).await.json()), "run 4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_era_and_transport_shares_what_is_kept() {
    let house = caching(2);
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let params = tool("public", json!({ "b": [1, "2"], "a": {} }));
    // The order of members does not matter.
    let again = tool("public", json!({ "a": {}, "b": [1, "2"] }));
    let mut lines = Pipe::open(&house.runtime);
    let client = house.runtime.connect().await.unwrap();
    assert_eq!(text_of(&http.modern(&modern(1, "tools/call", params)).await.json()), "run 1");
    assert_eq!(
        text_of(&session.post(&mut http, &legacy(2, "tools/call", again.clone())).await.json()),
        "run 1"
    );
    assert_eq!(text_of(&lines.ask(&modern(3, "tools/call", again.clone())).await), "run 1");
    let result = client.call_tool("public", again["arguments"].clone()).await.unwrap();
    assert_eq!(result.content[0].as_text(), Some("run 1"));
    assert_eq!(text_of(&lines.modern(4, "public", json!({ "a": {}, "b": [1, 2] })).await), "run 2");
    assert!(house.runtime.cache().clear() > 0);
    assert_eq!(text_of(&lines.ask(&modern(5, "tools/call", again)).await), "run 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_kept_for_its_time_to_live() {
    let house = caching(1);
    let mut lines = Pipe::open(&house.runtime);
    let begun = std::time::Instant::now();
    while text_of(&lines.modern(1, "brief", json!({})).await) == "run 1" {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never grows stale");
    }
    assert!(begun.elapsed() >= Duration::from_millis(190), "it was kept for {:?} only", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_calls_at_once_run_the_tool_once_over_all_lanes() {
    const CALLS: usize = 100;
    let house = caching(2);
    let address = house.serve();
    let call = modern(1, "tools/call", tool("public", json!({ "hold": 1 })));
    let mut clients = JoinSet::new();
    for client in 0..CALLS {
        let (call, runtime) = (call.clone(), house.runtime.clone());
        clients.spawn(async move {
            let answer = match client % 2 {
                0 => Http::connect(address).await.modern(&call).await.json(),
                _ => Pipe::open(&runtime).ask(&call).await,
            };
            text_of(&answer).to_owned()
        });
    }
    house.calls_are(CALLS).await;
    assert_eq!(house.probe.begun.get(), 1);
    house.probe.release.add_permits(1);
    while let Some(answer) = clients.join_next().await {
        assert_eq!(answer.unwrap(), "run 1");
    }
    assert_eq!(house.probe.begun.get(), 1);
    house.calls_are(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_leaves_takes_nothing_from_those_behind_it() {
    let house = caching(2);
    let params = tool("public", json!({ "hold": 1 }));
    let (mut leader, mut follower) = (Pipe::open(&house.runtime), Pipe::open(&house.runtime));
    leader.send(&modern(1, "tools/call", params.clone())).await;
    house.probe.begun.reaches(1).await;
    follower.send(&modern(1, "tools/call", params.clone())).await;
    house.calls_are(2).await;
    leader.send(&crate::messages::notification("notifications/cancelled", json!({ "requestId": 1 }))).await;
    drop(leader);
    // What it began goes on, and keeps its place.
    house.calls_are(2).await;
    house.probe.release.add_permits(1);
    assert_eq!(text_of(&follower.next().await.unwrap()), "run 1");
    assert_eq!(text_of(&follower.ask(&modern(2, "tools/call", params)).await), "run 1");
    assert_eq!(house.probe.begun.get(), 1);
    house.calls_are(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_and_calls_that_told_their_client_anything_are_not_kept() {
    let house = caching(1);
    let mut lines = Pipe::open_legacy(&house.runtime).await;
    for run in 1..=2 {
        let answer = lines.legacy(1, "public", json!({ "fail": 1 })).await;
        assert_eq!(answer["result"]["isError"], json!(true));
        assert!(
            answer["result"]["content"][0]["text"].as_str().unwrap().contains(&run.to_string()),
            "{answer}"
        );
    }
    for run in 3..=4 {
        let call = legacy(1, "tools/call", with_progress(tool("public", json!({})), "p"));
        assert_eq!(lines.ask(&call).await["method"], json!("notifications/progress"));
        assert_eq!(text_of(&lines.next().await.unwrap()), format!("run {run}"));
    }
    for run in 5..=6 {
        assert_eq!(
            lines.legacy(1, "public", json!({ "log": 1 })).await["method"],
            json!("notifications/message")
        );
        assert_eq!(text_of(&lines.next().await.unwrap()), format!("run {run}"));
    }
    // The quiet call of the same arguments is kept.
    for _ in 0..2 {
        assert_eq!(text_of(&lines.legacy(1, "public", json!({})).await), "run 7");
    }
    until("nothing runs", || house.calls() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_callers_share_and_nobody_else_does() {
    let house = house_with(
        |_| (),
        |builder, probe| {
            let policy = CachePolicy::ttl(HOUR).sharing(CacheSharing::Tenant);
            builder.tool(counting("tenant", probe, policy))
        },
    );
    let caller = |tenant: Option<&str>, principal: &str| Caller {
        tenant: tenant.map(Into::into),
        principal: Some(principal.into()),
        ..Caller::default()
    };
    for (tenant, principal, said) in [
        (Some("acme"), "ada", "run 1"),
        (Some("acme"), "bob", "run 1"),
        (Some("zeta"), "ada", "run 2"),
        (None, "ada", "run 3"),
        (None, "bob", "run 4"),
        (Some("zeta"), "bob", "run 2"),
        (None, "ada", "run 3"),
    ] {
        let answer = call_by(&house.runtime, caller(tenant, principal), "tenant").await;
        assert_eq!(text_of(&answer), said, "{tenant:?} {principal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_forgets_what_it_makes_old_and_so_does_a_changed_list() {
    let house = house_with(
        |_| (),
        |builder, probe| {
            let policy = || CachePolicy::ttl(HOUR).sharing(CacheSharing::Public);
            let forget = ToolSpec::from_context("insert", any(), |ctx: Context| async move {
                ctx.forget_tag("rows");
                ctx.forget_tool("named");
                "inserted"
            });
            let changing = |name: &str, policy| counting(name, probe, policy);
            builder
                .tool(changing("tagged", policy().tags(["rows"])))
                .tool(changing("named", policy()))
                .tool(changing("listed", policy().forget_on_list_changed([ListKind::Prompts])))
                .tool(forget)
        },
    );
    let mut lines = Pipe::open(&house.runtime);
    let mut ask = async |tool: &str| text_of(&lines.modern(1, tool, json!({})).await).to_owned();
    for _ in 0..2 {
        assert_eq!((ask("tagged").await, ask("named").await), ("run 1".into(), "run 2".into()));
        assert_eq!(ask("listed").await, "run 3");
    }
    ask("insert").await;
    assert_eq!((ask("tagged").await, ask("named").await), ("run 4".into(), "run 5".into()));
    house.runtime.list_changed(ListKind::Tools);
    assert_eq!(ask("listed").await, "run 3");
    house.runtime.list_changed(ListKind::Prompts);
    assert_eq!(ask("listed").await, "run 6");
    let stats = house.runtime.cache().stats();
    let names: Vec<_> = stats.tools.iter().map(|tool| tool.tool.as_str()).collect();
    assert_eq!(names, ["listed", "named", "tagged"]);
    assert_eq!((stats.total.misses, stats.total.hits), (6, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chosen_failures_are_kept_and_their_codes_are_not_sent() {
    let house = house_with(
        |_| (),
        |builder, probe| {
            let probe = Arc::clone(probe);
            let tool = ToolSpec::from_context("lookup", any(), move |ctx: Context| {
                probe.begun.add();
                let (run, code) = (probe.begun.get(), number(&ctx, "code"));
                async move {
                    let error = ToolError::new(format!("run {run} failed"));
                    Err::<String, _>(if code == 0 { error } else { error.code(format!("code_{code}")) })
                }
            });
            builder.tool(tool.cache(CachePolicy::ttl(HOUR).keep_errors(["code_1"], HOUR)))
        },
    );
    let mut lines = Pipe::open(&house.runtime);
    for (code, said) in [(1, "run 1"), (1, "run 1"), (2, "run 2"), (2, "run 3"), (0, "run 4"), (0, "run 5")] {
        let answer = lines.modern(1, "lookup", json!({ "code": code })).await;
        assert_eq!(answer["result"]["content"][0]["text"], json!(format!("{said} failed")));
        assert_eq!(answer["result"]["isError"], json!(true));
        assert!(!answer.to_string().contains("code_"), "{answer}");
    }
}
